#!/bin/sh
# Runs the job to its end, then replaces the old code; `kubectl wait` alone would not notice that a job has failed.
set -eu

job=$(kubectl create --filename job.yaml --output name)
state=
until [ -n "$state" ]; do
    sleep "${POLL_SECONDS:-5}"
    case $(kubectl get "$job" --output 'jsonpath={.status.conditions[*].type}') in
        *Complete*) state=complete ;;
        *Failed*) state=failed ;;
    esac
done
kubectl logs "$job"
[ "$state" = complete ]
kubectl apply --filename deployment.yaml
