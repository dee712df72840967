#!/bin/bash
# Counts what is the same in every run - mallocs, system calls, instructions - and fails where one is above its
# ceiling in ceilings.txt.
# Usage: counts.sh BUILD_DIR
set -eu
unset MALLOC_PERTURB_ # meson's, which makes the C library fill memory
here=$(cd "$(dirname "$0")" && pwd)
programs=$1/tests/bench
work=$(mktemp -d)
nginx="" slow_server=""
trap 'kill $nginx $slow_server 2>/dev/null || true; rm -rf "$work"' EXIT
# shellcheck source=tests/bench/nginx.sh
. "$here/nginx.sh"
# shellcheck source=tests/bench/slow_server.sh
. "$here/slow_server.sh"
start_nginx "$work" 1
start_slow_server "$work" "$programs" 0 1 2 # on the client's core: see below
slow_url=${slow_urls[0]}

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
    printf '%-34s %12s %12s  %s\n' "$1" "$2" "${ceiling:--}" "$verdict"
}
skip() { printf '%-34s skipped: %s\n' "$1" "$2"; }
each_of() { # what fewer calls cost, what more cost, by how many they differ
    awk -v fewer="$1" -v more="$2" -v by="$3" 'BEGIN {printf "%.2f\n", (more - fewer) / by}'
}
create() { # the way, and what follows its name: on the client's core
    taskset -c 0 "$programs/create_cloudflare_$1" "${@:2}"
}

mallocs() { # prints what a program says of itself
    sed -n 's/.*mallocs=\([0-9.]*\).*/\1/p'
}
pure_mallocs() { # task
    "$programs/pure" "$here/create_response.json" "$1" 20 | mallocs
}

total_system_calls() { # the way, base URL, creates, at once
    strace -f -c -U calls,name -o "$work/strace" \
        taskset -c 0 "$programs/create_cloudflare_$1" "$2" - "$3" "$4" >/dev/null
    awk '$2 == "total" {print $1}' "$work/strace"
}
system_calls() { # the way, base URL, at once
    each_of "$(total_system_calls "$1" "$2" 800 "$3")" "$(total_system_calls "$1" "$2" 1600 "$3")" 800
}

total_instructions() { # task, how often
    valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$programs/pure" "$here/create_response.json" "$1" "$2" 2>&1 >/dev/null |
        sed -n 's/.*Collected : //p'
}
instructions() { # task
    each_of "$(total_instructions "$1" 100)" "$(total_instructions "$1" 200)" 100
}

printf '%-34s %12s %12s\n' "" seen ceiling
for way in beast blocking; do
    check mallocs_create_plain_$way "$(create $way "$plain_url" - 2000 1 | mallocs)"
    check mallocs_create_tls_$way "$(create $way "$tls_url" "$ca_file" 2000 1 | mallocs)"
done
for task in request permit create page; do
    check mallocs_pure_$task "$(pure_mallocs $task)"
done

# A server on the client's core that takes its time: it responds when the client waits and not before, so that the
# client does the same in every run.
if strace -o /dev/null true 2>/dev/null; then
    check system_calls_create_blocking "$(system_calls blocking "$slow_url" 1)"
    check system_calls_create_beast "$(system_calls beast "$slow_url" 1)"
    check system_calls_create_beast_16 "$(system_calls beast "$slow_url" 16)"
else
    skip system_calls_create "strace is missing or may not trace"
fi

if command -v valgrind >/dev/null; then
    for task in request create page; do
        check instructions_pure_$task "$(instructions $task)"
    done
else
    skip instructions_pure "valgrind is missing"
fi

[ "$above" -eq 0 ] || echo "above their ceilings: $above"
[ "$above" -eq 0 ]
