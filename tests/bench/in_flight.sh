#!/bin/bash
# Prints the memory of each of many calls in flight at once, over plain HTTP, on one thread.
# Usage: in_flight.sh BUILD_DIR [CALLS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
programs=$1/tests/bench
calls=${2:-10000}
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

needed=$((calls + 100))
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt "$needed" ] && ! ulimit -n "$needed"; then
    echo "$calls calls need ulimit -n $needed" >&2
    exit 1
fi
# Several ports: a server's queue of connections holds 4096, and a port of the client's is free again after a minute only.
: >"$work/urls"
taskset -c 1 "$programs/slow_server" "$here/create_answer.json" 8 >>"$work/urls" &
server=$!
until [ "$(wc -l <"$work/urls")" -eq 8 ]; do
    kill -0 "$server"
    sleep 0.05
done
mapfile -t urls <"$work/urls"
taskset -c 0 "$programs/in_flight" "$calls" "${urls[@]}"
