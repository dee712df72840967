# Draws the states of an issue as SVG, from the table in the comment of access/issuer.hpp:
#   awk -f include/cloudflare/access/issue_states.awk include/cloudflare/access/issuer.hpp >include/cloudflare/access/issue_states.svg
function trim(s) { gsub(/^ +| +$/, "", s); return s }
function escape(s) { gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); return s }
function join(a, b) { return a == "" ? b : b == "" ? a : a " " b }
# Lines of at most `width` characters, each a tspan.
function wrapped(text, x, width,    words, n, i, line, out, first) {
    n = split(text, words, " ")
    first = 1
    for (i = 1; i <= n + 1; ++i) {
        if (i <= n && length(line) + length(words[i]) < width) { line = join(line, words[i]); continue }
        out = out "<tspan x=\"" x "\" dy=\"" (first ? 0 : 16) "\">" escape(line) "</tspan>"
        first = 0
        line = words[i]
    }
    return out
}
function row(i) { return 60 + (i - 1) * 74 }
function arrow(x1, y1, x2, y2, bend) {
    printf "<path d=\"M%d %d C%d %d %d %d %d %d\" fill=\"none\" stroke=\"#555\" marker-end=\"url(#tip)\"/>\n", \
        x1, y1, x1 - bend, y1, x2 - bend, y2, x2, y2
}
/^ *\/\/\/ +\|/ {
    split($0, cell, "|")
    if (trim(cell[2]) == "state") next
    if (trim(cell[2]) != "") { ++n; name[n] = trim(cell[2]); at[name[n]] = n }
    what[n] = join(what[n], trim(cell[3]))
    leaves[n] = join(leaves[n], trim(cell[4]))
}
END {
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"860\" height=\"%d\" font-family=\"sans-serif\" font-size=\"13\">\n", row(n) + 80
    print "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#555\"/></marker></defs>"
    print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    print "<g font-weight=\"bold\"><text x=\"80\" y=\"36\">state</text><text x=\"230\" y=\"36\">what happens</text><text x=\"560\" y=\"36\">what a crash leaves to reconcile</text></g>"
    for (i = 1; i <= n; ++i) {
        printf "<rect x=\"80\" y=\"%d\" width=\"120\" height=\"40\" rx=\"6\" fill=\"%s\" stroke=\"#555\"/>\n", row(i), \
            name[i] == "withdrawing" ? "#fbe3d6" : name[i] == "looking" ? "#fff3c4" : "#dcecf9"
        printf "<text x=\"140\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", row(i) + 25, escape(name[i])
        printf "<text y=\"%d\">%s</text>\n", row(i) + 14, wrapped(what[i], 230, 46)
        printf "<text y=\"%d\">%s</text>\n", row(i) + 14, wrapped(leaves[i], 560, 44)
    }
    for (i = 1; i < n - 1; ++i) # one after the other ...
        printf "<path d=\"M140 %d V%d\" stroke=\"#555\" marker-end=\"url(#tip)\"/>\n", row(i) + 40, row(i + 1)
    arrow(80, row(at["creating"]) + 20, 80, row(at["storing"]) + 12, 40)     # ... but the answer may not be lost,
    arrow(80, row(at["storing"]) + 28, 80, row(at["withdrawing"]) + 20, 60)  # and the sink may fail
    print "</svg>"
}
