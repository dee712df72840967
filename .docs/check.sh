#!/bin/sh
# check.sh: fails, and names them, where a public name has no comment or a comment is malformed.
set -eu
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
{ cat .docs/Doxyfile; echo "OUTPUT_DIRECTORY = $out"; } | doxygen -
# Doxygen 1.9.4 says nothing of enumerators.
awk '
    /<compounddef/ { scope = "" }
    /<compoundname>/ { scope = $0; gsub(/ *<[^>]*>/, "", scope) }
    /<memberdef / { public = /prot="public"/ }
    /<enumvalue/ { inside = 1; told = name = "" }
    inside && /<name>/ { name = $0; gsub(/ *<[^>]*>/, "", name) }
    inside && /<para>/ { told = 1 }
    /<\/enumvalue>/ { inside = 0; if (public && !told) { print scope "::" name ": enumerator without a comment"; bad = 1 } }
    END { exit bad }' "$out"/xml/*.xml
count=$(grep -ho '<memberdef [^>]*prot="public"\|<memberdef [^>]*prot="protected"\|<compounddef [^>]*kind="\(class\|struct\|concept\|namespace\)"\|<enumvalue [^>]*prot="public"' "$out"/xml/*.xml | wc -l)
[ "$count" -gt 1000 ] || { echo "only $count names were seen"; exit 1; }
echo "$count public names are documented"
