#!/bin/bash
# What needs POSIX says so before anything else is wrong, where a compiler is for Windows.
# Usage: posix_only.sh INCLUDE_DIR COMPILER...
set -eu
include=$1
shift
silent=0
for header in access/{file_sink,directory_sink,file_intent_log,state_directory,command_sink,current_secret,postgres_store,postgres_async_store} transport/curl; do
    first=$("$@" -std=c++20 -Wfatal-errors -I "$include" -E -x c++ \
        "$include/cloudflare/$header.hpp" 2>&1 >/dev/null | grep -m1 'error:' || true)
    case $first in
    *'needs POSIX'*) ;;
    *) echo "$header.hpp says: $first" && silent=$((silent + 1)) ;;
    esac
done
[ "$silent" -eq 0 ]
