#!/bin/sh
# check.sh: makes the site, and fails where a public name has no comment, a comment is malformed, a link of the site or of the
# repository's pages leads nowhere, or two colours of the theme are hard to tell.
set -eu
cd "$(dirname "$0")/.."
if grep -rnE '@param [a-z_]+, ' include --include="*.hpp"; then # as clang -Wdocumentation asks
    echo "a @param names one parameter"
    exit 1
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
.docs/build.sh "$out"
# Doxygen 1.9.4 says nothing of enumerators and concepts.
awk '
    /<compounddef/ { scope = ""; is_concept = /kind="concept"/; told = 0 }
    /<compoundname>/ { scope = $0; gsub(/ *<[^>]*>/, "", scope) }
    /<memberdef / { public = /prot="public"/ }
    /<enumvalue/ { inside = 1; told = name = "" }
    inside && /<name>/ { name = $0; gsub(/ *<[^>]*>/, "", name) }
    /<para>/ { told = 1 }
    /<\/enumvalue>/ { inside = 0; if (public && !told) { print scope "::" name ": enumerator without a comment"; bad = 1 } }
    /<\/compounddef>/ && is_concept && !told { print scope ": concept without a comment"; bad = 1 }
    END { exit bad }' "$out"/.doxygen/xml/*.xml
count=$(grep -ho '<memberdef [^>]*prot="p[ur][bo][lt]\|<compounddef [^>]*kind="\(class\|struct\|concept\|namespace\)"\|<enumvalue [^>]*prot="public"' \
    "$out"/.doxygen/xml/*.xml | wc -l)
[ "$count" -gt 1000 ] || { echo "only $count names were seen"; exit 1; }
echo "$count public names are documented"
.docs/links.sh "$out"
awk -f .docs/contrast.awk .docs/theme/theme.css
