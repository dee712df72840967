#!/bin/bash
# Every header says, before anything else is wrong, that it needs C++20, where a compiler is set to less.
# Usage: language_standard.sh INCLUDE_DIR COMPILER...
set -eu
include=$1
shift
cd "$include"
silent=0
# One error that tells, and the end: not hundreds that follow from it.
count=$("$@" -std=c++17 -fsyntax-only -I . -x c++ cloudflare/access.hpp 2>&1 | grep -c 'error:' || true)
[ "$count" -le 2 ] || { echo "access.hpp, compiled as C++17, gives $count errors" && exit 1; }
for header in $(find cloudflare -name '*.[hi]pp'); do
    first=$("$@" -std=c++17 -DCLOUDFLARE_SEPARATE_COMPILATION -Wfatal-errors -I . -E -x c++ "$header" 2>&1 >/dev/null |
        grep -m1 'error:' || true)
    case $first in
    *'needs C++20 or later'*) ;;
    *) echo "$header, compiled as C++17, says: $first" && silent=$((silent + 1)) ;;
    esac
done
[ "$silent" -eq 0 ]
