#!/bin/bash
# Prints what the headers cost to compile without optimisation, and what the client adds to a program's size.
# Usage: compile_cost.sh [ROUNDS]
#   CXX=g++  the compiler
set -eu
here=$(cd "$(dirname "$0")" && pwd)
include=$here/../../include
rounds=${1:-3}
compiler=${CXX:-g++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compile() { # its arguments
    $compiler -std=c++20 -I "$include" "$@"
}
cost_of() { # what, then what is compiled and how
    local what=$1
    shift
    : >"$work/costs"
    for _ in $(seq "$rounds"); do
        # shellcheck disable=SC2086 # the compiler may have arguments
        command time -o "$work/cost" -f '%U %M' $compiler -std=c++20 -O0 -I "$include" -c -o "$work/object" "$@"
        cat "$work/cost" >>"$work/costs"
    done
    sort -n "$work/costs" | awk -v what="$what" '
        {seconds[NR] = $1; if ($2 > most) most = $2}
        END {printf "%-46s %9.2f %9.0f\n", what, seconds[int((NR + 1) / 2)], most / 1024}'
}
including() { # a header: a file that includes it and nothing else
    echo "#include <cloudflare/$1>" >"$work/header.cpp"
    echo "$work/header.cpp"
}

printf '%-46s %9s %9s\n' "compiled with -O0 ($($compiler -dumpfullversion))" "user s" "MiB"
cost_of "a user's file, header-only" "$here/user_file.cpp"
cost_of "the same, separate compilation" -DCLOUDFLARE_SEPARATE_COMPILATION "$here/user_file.cpp"
cost_of "src.hpp" -DCLOUDFLARE_SEPARATE_COMPILATION "$(including src.hpp)"
cost_of "access.hpp" "$(including access.hpp)"
cost_of "core/fwd.hpp" "$(including core/fwd.hpp)"
printf '#include <boost/%s.hpp>\n' asio/awaitable system/result >"$work/boost.cpp"
cost_of "for comparison: awaitable and result of Boost" "$work/boost.cpp"

stripped_size() { # compiler's arguments
    compile "$@" -s -o "$work/program" "$here/program_size.cpp" -lssl -lcrypto -lboost_json -pthread
    stat -c %s "$work/program"
}
echo
printf '%-46s %9s %9s %9s\n' "stripped size in KiB" without with more
for level in -O2 -Os; do
    without=$(stripped_size $level)
    with=$(stripped_size $level -DWITH_CLIENT)
    awk -v level="$level" -v a="$without" -v b="$with" \
        'BEGIN {printf "%-46s %9.0f %9.0f %9.0f\n", level, a / 1024, b / 1024, (b - a) / 1024}'
done
