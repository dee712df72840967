#!/bin/bash
# Runs a program beside a PostgreSQL server of its own, which libpq's environment names. A server that dies is started again.
# Usage: postgres_server.sh PROGRAM [ARGUMENT...]
#   POSTGRES_PID_FILE (given to the program): its first line is the server's process id
set -u
work=$(mktemp -d)
chmod 755 "$work"
bin=$(find /usr/lib/postgresql -name initdb -printf '%h\n' | sort -V | tail -n 1)
as=(env -C /)
if [ "$(id -u)" -eq 0 ]; then # the server does not run as root
    as=(env -C / setpriv --reuid postgres --regid postgres --clear-groups)
    install -d -o postgres "$work/db"
fi
mkdir -p "$work/db"
start() { "${as[@]}" "$bin/pg_ctl" -D "$work/db/data" -l "$work/db/log" -w -t 30 start >/dev/null 2>&1; }
stop() {
    touch "$work/ends"
    kill "$keeper" 2>/dev/null
    wait "$keeper" 2>/dev/null
    "${as[@]}" "$bin/pg_ctl" -D "$work/db/data" -m immediate stop >/dev/null 2>&1
    rm -rf "$work"
}
keep() { # until the end
    while [ ! -e "$work/ends" ]; do
        kill -0 "$(head -n 1 "$work/db/data/postmaster.pid" 2>/dev/null || echo none)" 2>/dev/null || start
        sleep 0.05
    done
}
"${as[@]}" "$bin/initdb" -D "$work/db/data" -U issuer --auth=trust --no-sync >/dev/null || exit 1
# What is not flushed survives the server's death, if not the machine's, which nobody kills here.
cat >>"$work/db/data/postgresql.conf" <<END
unix_socket_directories = '$work/db'
listen_addresses = '127.0.0.1'
port = $((20000 + $$ % 20000))
fsync = off
max_connections = 200
restart_after_crash = on
END
start || { cat "$work/db/log" && exit 1; }
keep &
keeper=$!
trap stop EXIT
export PGHOST=$work/db PGUSER=issuer PGDATABASE=postgres PGPORT=$((20000 + $$ % 20000))
export POSTGRES_PID_FILE=$work/db/data/postmaster.pid
"$@"
