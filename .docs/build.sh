#!/bin/sh
# build.sh OUT: makes the site in the directory OUT: the reference of all public names, and the pages in `.docs/pages`.
# Fails, and names them, where a public name has no comment or a comment is malformed. Needs Doxygen 1.9.4.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 OUT" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

items() { # from the list of pages, before or after its line `-`: the menu's entries
    awk -v part="$1" '$1 == "-" { ++now; next } now + 0 == part + 0 { print $1, $2 }' .docs/pages | while read -r file name; do
        title=$(sed -n '/^# /{s/^# //;s/`//g;p;q;}' "$file")
        echo "<li><a href=\"\$relpath^$name.html\">$title</a></li>"
    done
}
rm -rf "$out/.doxygen" && mkdir -p "$out/.doxygen/pages"
while read -r file name; do
    [ "$file" = - ] || awk -v own_path="$file" -f .docs/page.awk "$file" >"$out/.doxygen/pages/$name.md"
done <.docs/pages
items 0 >"$out/guide.part"
items 1 >"$out/more.part"
awk -v out="$out" '
    function put(file,    line) { while ((getline line < file) > 0) print line }
    /^@GUIDE@$/ { put(out "/guide.part"); next }
    /^@MORE@$/ { put(out "/more.part"); next }
    { print }' .docs/theme/header.html >"$out/header.html"
version=$(sed -n 's/.*string_view version = "\(.*\)";/\1/p' include/cloudflare/core/version.hpp)
{
    cat .docs/Doxyfile
    echo "INPUT += $out/.doxygen/pages"
    echo "USE_MDFILE_AS_MAINPAGE = $out/.doxygen/pages/index.md"
    echo "PROJECT_NUMBER = $version"
    echo "HTML_HEADER = $out/header.html"
    echo "OUTPUT_DIRECTORY = $out/.doxygen"
    echo "GENERATE_TAGFILE = $out/names.tag"
    echo "HTML_EXTRA_FILES = .docs/theme/search.js include/cloudflare/access/issue_states.svg tests/bench/create.svg"
} | doxygen -
# What the search finds: classes, functions, enumerators, pages.
awk '
    function text(line) { gsub(/^ *<[^>]*>|<[^>]*>$/, "", line); gsub(/["\\]/, "\\\\&", line); return line }
    function add(name, where, address) { if (name != "" && !((name, where) in seen)) { seen[name, where]; print "[\"" name "\",\"" where "\",\"" address "\"]," } }
    BEGIN { print "const names = [" }
    /<compound / { kind = $0; sub(/.*kind="/, "", kind); sub(/".*/, "", kind); inside = 1; member = 0; name = title = file = "" }
    /<member / { member = 1 }
    /<name>/ { if (member) member_name = text($0); else name = text($0) }
    /<title>/ { title = text($0) }
    /<filename>/ { file = text($0) }
    /<anchorfile>/ { anchor_file = text($0) }
    /<anchor>/ { anchor = text($0) }
    /<enumvalue / && kind != "file" { value = $0; sub(/.*<enumvalue[^>]*>/, "", value); sub(/<.*/, "", value); a = $0; sub(/.*anchor="/, "", a); sub(/".*/, "", a)
        f = $0; sub(/.*file="/, "", f); sub(/".*/, "", f); add(value, name "::" member_name, f "#" a) }
    /<\/member>/ { if (kind != "file" && kind != "page") add(member_name, name, anchor_file "#" anchor); member = 0 }
    /<\/compound>/ {
        if (file !~ /html$/) file = file ".html"
        if (kind == "page") add(title, "page", file)
        else if (kind == "class" || kind == "struct" || kind == "concept") { short = name; sub(/.*::/, "", short); add(short, kind " of " name, file) }
        else if (kind == "file") add(name, "header", file) }
    END { print "];" }' "$out/names.tag" >"$out/.doxygen/html/names.js"
# Doxygen 1.9.4 links to sections that it leaves out for want of anything public.
for section in nested-classes define-members; do
    for page in $(grep -l "href=\"#$section\"" "$out"/.doxygen/html/*.html || true); do
        grep -q "name=\"$section\"" "$page" || sed -i "s:<a href=\"#$section\">[^<]*</a>\( &#124;\)*::" "$page"
    done
done
mv "$out/.doxygen/html"/* "$out"
rm -r "$out/guide.part" "$out/more.part" "$out/header.html" "$out/names.tag" "$out/.doxygen/html" "$out/.doxygen/pages"
# What its scripts fold; the theme shows it.
grep -l toggleInherit "$out"/*.html | xargs -r sed -i "s:<img src=\"closed.png\" alt=\"-\"/>&#160;::g; s: onclick=\"javascript\:toggleInherit([^\"]*)\"::g"
# Doxygen's own scripts and pictures, which the theme does not use.
rm -f "$out"/*.png "$out/doxygen.svg" "$out/jquery.js" "$out/dynsections.js" "$out"/menu*.js "$out/tabs.css"
