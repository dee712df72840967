#!/bin/bash
# An operation with a slip does not compile where it is called, and the compiler names the slip.
# Usage: wrong_operations.sh SOURCE INCLUDE_DIR COMPILER...
set -eu -o pipefail
source=$1 include=$2
shift 2
options=(-std=c++20 -DCLOUDFLARE_SEPARATE_COMPILATION -I "$include" -fsyntax-only)
"$@" "${options[@]}" -DRIGHT_ONLY "$source"

limit=-fmax-errors=0
"$@" --version | grep -q clang && limit=-ferror-limit=0
said=$(LC_ALL=C "$@" "${options[@]}" "$limit" "$source" 2>&1 || true)
# g++ names the class before its error, clang behind it. Gives "CLASS: MESSAGE" for each static_assert.
clang=$([ "$limit" = -ferror-limit=0 ] && echo 1 || echo 0)
named=$(awk -v clang="$clang" '
    /[Ii]n instantiation of/ && match($0, /(checked_operation|listed)<[^<>]*::[a-z_]+>/) {
        class = substr($0, RSTART, RLENGTH)
        sub(/.*[<:]/, "", class)
        sub(/>$/, "", class)
        if (clang && message != "") { print class ": " message; message = "" }
    }
    /error: static assertion failed/ {
        if (clang) message = $0
        else print class ": " $0
    }' <<<"$said")
cases=0 missing=0
while read -r class message; do
    cases=$((cases + 1))
    grep -q "^$class: .*$message" <<<"$named" && continue
    echo "of $class nothing says \"$message\":"
    grep "^$class: " <<<"$named" || echo '  (nothing is said at all)'
    missing=$((missing + 1))
done < <(sed -nE 's/^(struct|class) ([a-z_]+) .*\/\/ says: (.*)/\2 \3/p' "$source")
echo "$cases slips, $missing not named"
[ "$cases" -ge 31 ] && [ "$missing" -eq 0 ]
