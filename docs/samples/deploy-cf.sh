#!/bin/sh
# Migrates with the new code, then replaces the old one; a migration that fails leaves the old one running.
set -eu

cf push notify-migrate --task
cf run-task notify-migrate --command "notifydb upgrade --log-format json --wait-for-db 60" --name migrate --wait
cf push notify-api --strategy rolling
