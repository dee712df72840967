#!/bin/sh
# links.sh SITE: every local link of the site, and of every page of the repository, leads to a file and an anchor that are there.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 SITE" >&2; exit 2; }
site=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
bad=0
# shellcheck disable=SC2016 # awk's
(cd "$site" && awk '
    function value(tag, name) {
        if (!match(tag, " " name "=\"[^\"]*\"")) return ""
        return substr(tag, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
    }
    BEGIN { RS = "<" }
    FNR == 1 { there[FILENAME] = 1 }
    FILENAME ~ /names\.js$/ {
        while (match($0, /,"[^" ]*\.html(#[^"]*)?"\]/)) {
            link[++links] = substr($0, RSTART + 2, RLENGTH - 4); from[links] = FILENAME
            $0 = substr($0, RSTART + RLENGTH)
        }
        next
    }
    {
        tag = $0; sub(/>.*/, "", tag); gsub(/[\n\r]/, " ", tag)
        if ((id = value(tag, "id")) != "") anchor[FILENAME "#" id] = 1
        if (tag ~ /^a / && (id = value(tag, "name")) != "") anchor[FILENAME "#" id] = 1
        target = value(tag, "href"); if (target == "") target = value(tag, "src")
        if (target != "" && target !~ /^(https?|mailto|javascript|data):/) { link[++links] = target; from[links] = FILENAME }
    }
    END {
        for (i = 1; i <= links; ++i) {
            file = link[i]; sub(/#.*/, "", file); if (file == "") file = from[i]
            name = ""; if (link[i] ~ /#/) { name = link[i]; sub(/[^#]*#/, "", name) }
            if (!(file in there) && (getline line < file) < 0) { print from[i] ": no file " link[i]; bad = 1 }
            else if (name != "" && file ~ /html$/ && !((file "#" name) in anchor)) { print from[i] ": no anchor " link[i]; bad = 1 }
        }
        if (!bad) print links " links of the site lead somewhere"
        exit bad || links < 1000
    }' *.html names.js) || bad=1
pages=$(git ls-files '*.md')
# shellcheck disable=SC2086,SC2016 # a list of names
awk '
    function slug(heading) {
        heading = tolower(heading); sub(/^#+ */, "", heading); gsub(/[^a-z0-9 _-]/, "", heading); gsub(/ /, "-", heading)
        return heading
    }
    function joined(from, path) {
        if (!sub(/\/[^\/]*$/, "", from)) from = ""
        while (sub(/^\.\.\//, "", path)) if (!sub(/\/[^\/]*$/, "", from)) from = ""
        sub(/\/$/, "", path)
        return from == "" ? path : from "/" path
    }
    FNR == 1 { fenced = 0; text = "" }
    /^ *```/ { fenced = !fenced; next }
    fenced || /^    / { next }
    /^#+ / { anchor[FILENAME "#" slug($0)] = 1 }
    { # a link may begin in the line before
        text = (text ~ /\[[^]]*$/ && $0 != "" ? text " " : "") $0
        rest = text
        while (match(rest, /\[[^][]*\]\([^() ]*\)/)) {
            target = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH)
            sub(/.*\]\(/, "", target); sub(/\)$/, "", target)
            if (target ~ /^[a-z]+:/) continue
            link[++links] = target; from[links] = FILENAME
        }
        text = rest
    }
    END {
        for (i = 1; i <= links; ++i) {
            file = link[i]; sub(/#.*/, "", file)
            file = file == "" ? from[i] : joined(from[i], file)
            name = ""; if (link[i] ~ /#/) { name = link[i]; sub(/[^#]*#/, "", name) }
            if (system("test -e \"" file "\"") != 0) { print from[i] ": no file " link[i]; bad = 1 }
            else if (name != "" && !((file "#" name) in anchor)) { print from[i] ": no anchor " link[i]; bad = 1 }
        }
        if (!bad) print links " links of the repository'"'"'s pages lead somewhere"
        exit bad || links < 50
    }' $pages || bad=1
exit $bad
