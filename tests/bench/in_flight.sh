#!/bin/bash
# Prints the memory of each of many calls in flight at once, over plain HTTP, on one thread.
# Usage: in_flight.sh BUILD_DIR [CALLS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
programs=$1/tests/bench
calls=${2:-10000}
work=$(mktemp -d)
slow_server=""
trap '[ -z "$slow_server" ] || kill "$slow_server" 2>/dev/null || true; rm -rf "$work"' EXIT

needed=$((calls + 100))
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt "$needed" ] && ! ulimit -n "$needed"; then
    echo "$calls calls need ulimit -n $needed" >&2
    exit 1
fi
# shellcheck source=tests/bench/slow_server.sh
. "$here/slow_server.sh"
# Several ports: a queue of connections holds 4096, and a port of the client's is free again after a minute only.
start_slow_server "$work" "$programs" 1 8 1000
taskset -c 0 "$programs/in_flight" "$calls" "${slow_urls[@]}"
