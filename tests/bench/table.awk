# Prints the summary as one table a scenario, with the ratios to the baseline and to libcurl.
{
    if (!($1 in lines)) order[++scenarios] = $1
    line[$1, ++lines[$1]] = $0
    cpu[$1, $2] = $3
}

function title(scenario,    part) {
    split(scenario, part, "-")
    return (part[1] == "tls" ? "TLS" : "plain HTTP") ", " part[2] " at once"
}

function ratio(scenario, a, b) {
    if (!((scenario, b) in cpu)) return "-"
    return sprintf("%.2f", cpu[scenario, a] / cpu[scenario, b])
}

END {
    for (s = 1; s <= scenarios; s++) {
        scenario = order[s]
        printf "%s\n%-22s %9s %9s %9s %8s %8s %9s %8s\n", title(scenario), "  CPU us a create",
            "median", "min", "max", "/ epoll", "/ curl", "wall us", "mallocs"
        for (i = 1; i <= lines[scenario]; i++) {
            split(line[scenario, i], f, " ")
            printf "  %-20s %9.2f %9.2f %9.2f %8s %8s %9.2f %8s\n", f[2], f[3], f[4], f[5],
                ratio(scenario, f[2], "epoll"), ratio(scenario, f[2], "curl"), f[6], f[7]
        }
        print ""
    }
}
