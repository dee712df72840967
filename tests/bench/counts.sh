#!/bin/bash
# Counts what is the same in every run - mallocs, system calls, instructions - and fails where one is above its
# ceiling in ceilings.txt.
# Usage: counts.sh BUILD_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
programs=$1/tests/bench
work=$(mktemp -d)
nginx=
trap '[ -z "$nginx" ] || kill "$nginx" 2>/dev/null || true; rm -rf "$work"' EXIT
# shellcheck source=tests/bench/nginx.sh
. "$here/nginx.sh"
start_nginx "$work" 1

above=0
check() { # name, seen
    local ceiling verdict=
    ceiling=$(awk -v name="$1" '$1 == name {print $2}' "$here/ceilings.txt")
    if [ -z "$ceiling" ]; then
        verdict="no ceiling"
    elif awk -v seen="$2" -v most="$ceiling" 'BEGIN {exit !(seen > most)}'; then
        verdict="ABOVE"
        above=$((above + 1))
    fi
    printf '%-36s %12s %12s  %s\n' "$1" "$2" "${ceiling:--}" "$verdict"
}
skip() { printf '%-36s skipped: %s\n' "$1" "$2"; }
difference() { # less, more, by: what each of `by` further calls costs
    awk -v less="$1" -v more="$2" -v by="$3" 'BEGIN {printf "%.2f\n", (more - less) / by}'
}
pin() { taskset -c 0 "$@"; }

mallocs() { # a program and its arguments
    pin "$@" | sed -n 's/.*mallocs=\([0-9.]*\).*/\1/p'
}
total_system_calls() { # a program and its arguments
    pin strace -f -c -U calls,name -o "$work/strace" "$@" >/dev/null
    awk '$2 == "total" {print $1}' "$work/strace"
}
system_calls() { # calls at once
    local less more
    less=$(total_system_calls "$programs/create_cloudflare_beast" "$plain_url" - 1600 "$1")
    more=$(total_system_calls "$programs/create_cloudflare_beast" "$plain_url" - 3200 "$1")
    difference "$less" "$more" 1600
}
total_instructions() { # a program and its arguments
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null |
        sed -n 's/.*Collected : //p'
}
instructions() { # a task of `pure`
    local less more
    less=$(total_instructions "$programs/pure" "$here/create_answer.json" "$1" 100)
    more=$(total_instructions "$programs/pure" "$here/create_answer.json" "$1" 200)
    difference "$less" "$more" 100
}

printf '%-36s %12s %12s\n' "" seen ceiling
for way in beast blocking; do
    check mallocs_create_plain_$way "$(mallocs "$programs/create_cloudflare_$way" "$plain_url" - 2000 1)"
    check mallocs_create_tls_$way "$(mallocs "$programs/create_cloudflare_$way" "$tls_url" "$ca_file" 2000 1)"
done
for task in request create page; do
    check mallocs_pure_$task "$(mallocs "$programs/pure" "$here/create_answer.json" $task 20)"
done
for at_once in 1 16; do
    if strace -o /dev/null true 2>/dev/null; then
        check system_calls_create_$at_once "$(system_calls $at_once)"
    else
        skip system_calls_create_$at_once "strace is missing or may not trace"
    fi
done
for task in request create page; do
    if command -v valgrind >/dev/null; then
        check instructions_pure_$task "$(instructions $task)"
    else
        skip instructions_pure_$task "valgrind is missing"
    fi
done
[ "$above" -eq 0 ] || echo "$above above the ceiling"
[ "$above" -eq 0 ]
