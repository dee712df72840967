# Makes of a page what Doxygen reads in its place. `.docs/pages` gives each page its name on the site. Headings get the anchors that
# GitHub gives them, under the page's name; links lead to the site's pages; one to a file that is not there becomes its text.

# Usage: awk -v own_path=FILE -f page.awk FILE, at the top of the repository

BEGIN {
    while ((getline line < ".docs/pages") > 0)
        if (split(line, part, " ") == 2) name_of[part[1]] = part[2]
}
NR == 1 {
    own = name_of[own_path]
    folder = own_path
    if (!sub(/\/[^\/]*$/, "", folder)) folder = ""
}
/^ *```/ { flush(); print; fenced = !fenced; next }
fenced { print; next }
/^(    |$)/ { flush(); print; next }
/^#+ / {
    flush()
    label = slug($0)
    gsub(/`/, "") # Doxygen shows their markup in a title
    if (/^# /) print own == "index" ? $0 : $0 " {#" own "}"
    else print $0 " {#" own "_" label "}"
    next
}
# A code span that begins like a name of the global namespace is none.
{ while (match($0, /`::[^`]*`/)) $0 = substr($0, 1, RSTART - 1) "<code>\\" substr($0, RSTART + 1, RLENGTH - 2) "</code>" substr($0, RSTART + RLENGTH) }
{ paragraph = paragraph == "" ? $0 : paragraph "\n" $0 }
END { flush() }

function flush() {
    if (paragraph != "") print linked(paragraph)
    paragraph = ""
}
function slug(heading) {
    heading = tolower(heading)
    sub(/^#+ */, "", heading)
    gsub(/[^a-z0-9 _-]/, "", heading)
    gsub(/ /, "-", heading)
    return heading
}
function linked(text,    done, image, words, target) {
    while (match(text, /!?\[[^][]*\]\([^() ]*\)/)) {
        done = done substr(text, 1, RSTART - 1)
        link = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        image = link ~ /^!/ ? "!" : ""
        words = link
        sub(/^!?\[/, "", words)
        sub(/\]\([^()]*\)$/, "", words)
        target = link
        sub(/.*\]\(/, "", target)
        sub(/\)$/, "", target)
        target = image != "" ? base(target) : address(target)
        if (image != "") done = done "<img src=\"" target "\" alt=\"" words "\">"
        else done = done (target == "" ? words : "[" words "](" target ")")
    }
    return done text
}
function base(path) { sub(/.*\//, "", path); return path }
function address(target,    anchor, path) {
    if (target ~ /^[a-z]+:/) return target
    if (match(target, /#.*/)) anchor = substr(target, RSTART + 1)
    sub(/#.*/, "", target)
    path = target == "" ? own_path : joined(folder, target)
    if (path in name_of) return name_of[path] ".html" (anchor == "" ? "" : "#" name_of[path] "_" anchor)
    if (path ~ /^include\/cloudflare\/.*\.hpp$/ && path !~ /\/(detail|impl)\//) {
        path = base(path)
        gsub(/_/, "__", path)
        sub(/\.hpp$/, "_8hpp.html", path)
        return path
    }
    return ""
}
function joined(from, path) {
    while (sub(/^\.\.\//, "", path))
        if (!sub(/\/[^\/]*$/, "", from)) from = ""
    return from == "" ? path : from "/" path
}
