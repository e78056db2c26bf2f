#!/usr/bin/env bash
# Write a backup of Postgres into a directory: bash deploy/backup.sh [--env-file FILE] DIRECTORY
#
# DATABASE_URL, of the environment or of FILE, names the database, straight and not through a connection pooler.
# KEEP_DAYS removes older backups of ours from that directory. The file appears under its name only when it is complete;
# docs/backup.md says the rest.
set -euo pipefail
umask 077
# shellcheck source-path=SCRIPTDIR source=database.sh
. "$(dirname "${BASH_SOURCE[0]}")/database.sh"

if [ "${1:-}" = --env-file ]; then
    read_env_file "${2:-}"
    shift 2
fi
directory=${1:-}
[ $# = 1 ] && [ -d "$directory" ] || say_and_stop "Say into which directory: bash $0 [--env-file FILE] DIRECTORY"
keep_days=${KEEP_DAYS:-}
case $keep_days in *[!0-9]*) say_and_stop "KEEP_DAYS is not a number of days." ;; esac
read_database_url
check_version pg_dump

file="$directory/killreport-$(date -u +%Y%m%dT%H%M%SZ).dump"
trap 'rm -f "$file.part" "$file.sha256.part"' EXIT
began=$SECONDS
# One snapshot of everything, whatever is written meanwhile; without what follows other regions (docs/regions.md), for a
# subscription has a password in it, and would come back without its place.
pg_dump --format=custom --no-owner --no-privileges --no-subscriptions --file="$file.part" "$to_database"
pg_restore --list "$file.part" >/dev/null
(cd "$directory" && sha256sum <"${file##*/}.part" | sed "s|-$|${file##*/}|" >"${file##*/}.sha256.part")
sync "$file.part" "$file.sha256.part"
mv "$file.sha256.part" "$file.sha256"
mv "$file.part" "$file"
if [ -n "$keep_days" ]; then
    find "$directory" -maxdepth 1 -name 'killreport-*.dump*' -mtime "+$keep_days" -delete
fi
echo "$file: $(wc -c <"$file") bytes in $((SECONDS - began)) s."
