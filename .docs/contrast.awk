# Holds each pair of the theme's colours that is seen together against WCAG 2.1: 4.5 for text, 3 for the edge of a field.
# Usage: awk -f contrast.awk theme.css

BEGIN {
    n = split("text/paper soft/paper link/paper text/panel soft/panel link/panel keyword/panel string/panel comment/panel " \
        "number/panel text/mark link/mark soft/mark", pairs, " ")
}
/^:root \{/ { scheme = "light" }
/prefers-color-scheme: dark/ { scheme = "dark" }
match($0, /--[a-z]+: #[0-9a-f]+;/) {
    split(substr($0, RSTART + 2, RLENGTH - 3), part, ": #")
    if (length(part[2]) != 6) { print "not six digits: " $0; bad = 1 }
    colour[scheme, part[1]] = part[2]
}
END {
    m = split("light dark", schemes, " ")
    for (s = 1; s <= m; ++s) {
        for (p = 1; p <= n; ++p) {
            split(pairs[p], two, "/")
            check(schemes[s], two[1], two[2], 4.5)
        }
        check(schemes[s], "soft", "paper", 3)
    }
    if (bad) exit 1
    printf "%d pairs of colours, the least contrast %.2f\n", checked, least
}
function check(s, a, b, wanted,    r) {
    if (!((s, a) in colour) || !((s, b) in colour)) { print s ": no colour " a " or " b; bad = 1; return }
    r = ratio(luminance(colour[s, a]), luminance(colour[s, b]))
    ++checked
    if (least == 0 || r < least) least = r
    if (r < wanted) { printf "%s: %s on %s has a contrast of %.2f, not %.1f\n", s, a, b, r, wanted; bad = 1 }
}
function ratio(a, b) { return a > b ? (a + .05) / (b + .05) : (b + .05) / (a + .05) }
function luminance(hex) { return .2126 * linear(substr(hex, 1, 2)) + .7152 * linear(substr(hex, 3, 2)) + .0722 * linear(substr(hex, 5, 2)) }
function linear(two,    v) {
    v = (16 * (index("0123456789abcdef", substr(two, 1, 1)) - 1) + index("0123456789abcdef", substr(two, 2, 1)) - 1) / 255
    return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ^ 2.4
}
