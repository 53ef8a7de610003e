#!/bin/sh
# The web process: starts what it is given, where the database is at the head of this code.
#     ./start.sh gunicorn --bind 0.0.0.0:8080 application:application
# START_UNCHECKED=1 starts it anyway: older code, on a database that has been upgraded.
set -eu

if [ -z "${START_UNCHECKED:-}" ]; then
    notifydb status --at-head --wait-for-db 60
fi
exec "$@"
