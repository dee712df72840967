# From the figures of all runs to one line a scenario and contestant:
#   scenario contestant median min max wall mallocs
# with CPU and wall in microseconds a create. A contestant that cannot count its mallocs gives "-".
{
    key = $1 " " $2
    if (!(key in runs)) order[++keys] = key
    run = ++runs[key]
    for (i = 3; i <= NF; i++) {
        split($i, pair, "=")
        value[key, pair[1], run] = pair[2]
    }
}

# Sorts the figures of one kind into sorted[1..n].
function sort_figures(key, kind, n,    i, j, v) {
    for (i = 1; i <= n; i++) {
        v = value[key, kind, i]
        for (j = i - 1; j >= 1 && sorted[j] + 0 > v + 0; j--) sorted[j + 1] = sorted[j]
        sorted[j + 1] = v
    }
}

function median(n) { return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2 }

END {
    for (k = 1; k <= keys; k++) {
        key = order[k]
        n = runs[key]
        sort_figures(key, "wall_ns", n)
        wall = median(n)
        mallocs = value[key, "mallocs", n]
        sort_figures(key, "cpu_ns", n)
        printf "%s %.2f %.2f %.2f %.2f %s\n", key, median(n) / 1000, sorted[1] / 1000, sorted[n] / 1000,
            wall / 1000, mallocs
    }
}
