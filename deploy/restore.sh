#!/usr/bin/env bash
# Restore a backup of deploy/backup.sh into an empty database: bash deploy/restore.sh [--env-file FILE] BACKUP
#
# DATABASE_URL, of the environment or of FILE, names the database, which must exist and have no tables. It is one
# transaction: either everything is there in the end or nothing. What to do before and after is in docs/backup.md.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=database.sh
. "$(dirname "${BASH_SOURCE[0]}")/database.sh"

if [ "${1:-}" = --env-file ]; then
    read_env_file "${2:-}"
    shift 2
fi
file=${1:-}
[ $# = 1 ] && [ -f "$file" ] || say_and_stop "Say which backup: bash $0 [--env-file FILE] BACKUP"
if [ -f "$file.sha256" ]; then
    (cd "$(dirname "$file")" && sha256sum --check --status "${file##*/}.sha256") ||
        say_and_stop "$file is not what it was when it was written: take another backup."
else
    echo "There is no $file.sha256: nobody can tell whether the file is complete." >&2
fi
read_database_url
check_version pg_restore
tables=$(psql -XAtc \
    "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')" "$to_database")
[ "$tables" = 0 ] || say_and_stop "The database has $tables tables already: restore into an empty one (createdb)."

began=$SECONDS
pg_restore --no-owner --no-privileges --exit-on-error --single-transaction \
    "$to_database" "$file"
psql -Xqc ANALYZE "$to_database"
echo "Restored in $((SECONDS - began)) s. Now: killreport migrate, then killreport doctor --reconcile."
