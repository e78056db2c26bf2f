# For backup.sh, restore.sh and psql.sh, which read it: how libpq's programs reach the database that DATABASE_URL names.
# shellcheck shell=bash

say_and_stop() {
    printf '%s\n' "$1" >&2
    exit 1
}

# DATABASE_URL from a file of variables, as `killreport --env-file` takes it: what is in the environment wins.
read_env_file() {
    [ -r "$1" ] || say_and_stop "$1 cannot be read: say --env-file FILE, as the user who may read it."
    DATABASE_URL=${DATABASE_URL:-$(sed -n 's/^DATABASE_URL=//p' "$1" | tail -n 1)}
}

# Sets `to_database`, the programs' argument: a URL without its password, for everybody on the machine can read
# arguments. The password goes to PGPASSWORD. Without DATABASE_URL, libpq's own variables (PGHOST, PGPASSFILE, …) count.
read_database_url() {
    local url=${DATABASE_URL:-} user_and_password server
    if [ -z "$url" ]; then
        [ -n "${PGDATABASE:-}" ] || say_and_stop \
            "Set DATABASE_URL, by --env-file FILE too, or PGHOST, PGUSER, PGDATABASE and PGPASSFILE."
        to_database=--dbname=$PGDATABASE
        return
    fi
    # SQLAlchemy's URLs name a driver, and pgbouncer= is ours: libpq knows neither.
    url=$(sed -E 's/^postgres(ql)?(\+[a-z0-9]+)?:/postgresql:/; s/([?&])pgbouncer=[^&]*&?/\1/; s/[?&]$//' <<<"$url")
    case $url in
        *[?\&]password=*) say_and_stop "DATABASE_URL has its password as a parameter: write it as user:password@host." ;;
        postgresql://*@*) ;;
        postgresql://*) to_database=--dbname=$url && return ;;
        *) say_and_stop "DATABASE_URL does not begin with postgresql://." ;;
    esac
    server=${url#postgresql://}
    user_and_password=${server%%@*}
    server=${server#*@}
    to_database="--dbname=postgresql://${user_and_password%%:*}@$server"
    case $user_and_password in
        *:*)
            PGPASSWORD=${user_and_password#*:}
            PGPASSWORD=${PGPASSWORD//\\/\\\\}
            PGPASSWORD=$(printf '%b' "${PGPASSWORD//%/\\x}")
            export PGPASSWORD
            ;;
    esac
}

# pg_dump refuses a server that is newer than itself, and its own words are long.
check_version() {
    local server client
    server=$(psql -XAtc 'SHOW server_version_num' "$to_database") || exit 1
    client=$("$1" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
    [ "$client" -ge $((server / 10000)) ] || say_and_stop \
        "$1 is of version $client, and the server of $((server / 10000)): put its programs first on PATH."
}
