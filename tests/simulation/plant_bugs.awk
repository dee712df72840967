# Plants bugs in copies of headers. The list's format: planted_issue.txt.
# Usage: awk -v from=DIR -v to=DIR -f plant_bugs.awk LIST, with the headers below both directories.
# Prints what each bug is, a line each. A text that is not in its header, or there twice, is an error.
function fail(message) {
    print FILENAME ":" FNR ": " message >"/dev/stderr"
    failed = 1
    exit 1
}
function read_header(    line) {
    if (header in text) return
    text[header] = ""
    while ((getline line <(from "/" header)) > 0) text[header] = text[header] line "\n"
    close(from "/" header)
    if (text[header] == "") fail("no header " header)
}
function plant(    at, rest, planted) {
    if (olds == "") return
    if (news == "") fail("nothing to plant: " what)
    read_header()
    at = index(text[header], olds)
    if (at == 0) fail("not planted: " what ": " header " has no\n" olds)
    rest = substr(text[header], at + length(olds))
    if (index(rest, olds)) fail("not planted: " what ": " header " has this twice:\n" olds)
    while (match(news, /@/)) {
        planted = planted substr(news, 1, RSTART - 1) "::planted(" bugs ")"
        news = substr(news, RSTART + 1)
    }
    text[header] = substr(text[header], 1, at - 1) planted news rest
    olds = news = ""
    ++hunks
}
function end_bug() {
    plant()
    if (bugs && !hunks) fail("nothing planted: " what)
    hunks = 0
}
/^#/ || /^$/ { next }
/^bug / { end_bug(); what = substr($0, 5); ++bugs; print what; next }
/^in / { plant(); header = $2; next }
/^-/ {
    if (news != "") plant()
    olds = olds (olds == "" ? "" : "\n") substr($0, 2)
    next
}
/^\+/ { news = news (news == "" ? "" : "\n") substr($0, 2); next }
{ fail("neither bug, in, - nor +: " $0) }
END {
    if (failed) exit 1
    end_bug()
    if (failed) exit 1
    for (header in text) printf "%s", text[header] >(to "/" header)
}
