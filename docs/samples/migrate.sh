#!/bin/sh
# The job. It becomes notifydb, so that the exit code is notifydb's, and SIGTERM reaches it.
set -eu

exec notifydb upgrade --log-format json --wait-for-db 60 "$@"
