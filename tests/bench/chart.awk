# Draws the summary as an SVG: a panel a scenario, a bar a contestant, with the ratio to the baseline.
{
    if (!($1 in lines)) order[++scenarios] = $1
    i = ++lines[$1]
    name[$1, i] = $2
    median[$1, i] = $3
    low[$1, i] = $4
    high[$1, i] = $5
    if ($2 == "epoll") floor_of[$1] = $3
}

BEGIN {
    label_width = 170; bar_width = 430; value_width = 190
    row = 24; bar = 15; heading = 34
    longest = 5 # times the baseline: a longer bar is cut
}

function panel_title(scenario,    part) {
    split(scenario, part, "-")
    return (part[1] == "tls" ? "TLS" : "Plain HTTP") ", " part[2] (part[2] == 1 ? " call" : " calls") " at once"
}

function label(contestant) {
    if (contestant ~ /^cloudflare_/) return "this library, " substr(contestant, 12)
    if (contestant == "epoll") return "epoll, bare sockets"
    if (contestant == "asio") return "Asio, own buffers"
    if (contestant == "beast") return "Beast's algorithms"
    if (contestant == "curl") return "libcurl, Boost.JSON"
    if (contestant == "httplib") return "cpp-httplib, nlohmann"
    if (contestant == "typescript") return "TypeScript SDK"
    return contestant
}

function colour(contestant) {
    if (contestant ~ /^cloudflare_/) return "#d95f02"
    return contestant == "epoll" ? "#4d4d4d" : "#7c9cbf"
}

function text(x, y, anchor, style, words) {
    printf "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" %s>%s</text>\n", x, y, anchor, style, words
}

# The end of a bar of so many microseconds, on a scale whose full length is `full`.
function end_of(us, full) { return label_width + bar_width * (us > full ? 1 : us / full) }

function draw_row(scenario, i, y, full,    us, x, words) {
    us = median[scenario, i]
    x = end_of(us, full)
    text(label_width - 8, y + 12, "end", "", label(name[scenario, i]))
    printf "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
        label_width, y, x - label_width, bar, colour(name[scenario, i])
    if (us > full) { # cut: a gap says that it goes on
        printf "<path d=\"M%.1f %d l6 -%d\" stroke=\"#fff\" stroke-width=\"4\"/>\n", x - 24, y + bar + 2, bar + 4
    } else {
        printf "<path d=\"M%.1f %.1f H%.1f\" stroke=\"#000\" stroke-opacity=\"0.45\"/>\n",
            end_of(low[scenario, i], full), y + bar / 2, end_of(high[scenario, i], full)
        x = end_of(high[scenario, i], full)
    }
    words = sprintf(us < 100 ? "%.1f µs" : "%.0f µs", us)
    if (scenario in floor_of) words = words sprintf(", %.2f ×", us / floor_of[scenario])
    text(x + 8, y + 12, "start", "", words)
}

function draw_panel(scenario, y,    i, full) {
    full = 0
    for (i = 1; i <= lines[scenario]; i++) if (high[scenario, i] > full) full = high[scenario, i]
    if (scenario in floor_of && full > longest * floor_of[scenario]) full = longest * floor_of[scenario]
    text(label_width, y + 22, "start", "font-weight=\"bold\"", panel_title(scenario))
    y += heading
    for (i = 1; i <= lines[scenario]; i++) draw_row(scenario, i, y + (i - 1) * row, full)
    if (scenario in floor_of)
        printf "<path d=\"M%.1f %d v%d\" stroke=\"#4d4d4d\" stroke-dasharray=\"2 3\"/>\n",
            end_of(floor_of[scenario], full), y - 4, lines[scenario] * row
    return y + lines[scenario] * row
}

END {
    height = 62 + 24
    for (s = 1; s <= scenarios; s++) height += heading + lines[order[s]] * row
    width = label_width + bar_width + value_width
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" ", width, height, width, height
    print "font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#222\">"
    printf "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height
    text(16, 28, "start", "font-size=\"17\" font-weight=\"bold\"", "CPU of the client to create one service token")
    text(16, 48, "start", "fill=\"#555\"", "microseconds, median of " rounds " rounds; line: least to most; ×: to bare sockets; less is better")
    y = 56
    for (s = 1; s <= scenarios; s++) y = draw_panel(order[s], y)
    print "</svg>"
}
