#!/usr/bin/env bash
# psql on the database that DATABASE_URL names: bash deploy/psql.sh [--env-file FILE] [ARGUMENT OF PSQL ...]
#
# DATABASE_URL is that of the environment or of FILE. Its password stands on no command line, where everybody on the
# machine could read it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=database.sh
. "$(dirname "${BASH_SOURCE[0]}")/database.sh"

if [ "${1:-}" = --env-file ]; then
    read_env_file "${2:-}"
    shift 2
fi
read_database_url
exec psql "$to_database" "$@"
