#!/bin/bash
# Lets the contestants make creates against a local nginx, in turn, and prints what each costs; draws it too.
# Usage: run.sh BUILD_DIR [ROUNDS]
#   CHART=chart.svg  where the chart goes
#   ONLY="epoll curl"  these contestants only
#   COUNT=10000  creates a run; four times as many where 64 are made at once
# The client has core 0 for itself and the server core 1. The TypeScript SDK takes part where it is installed:
#   npm install --prefix BUILD_DIR/npm cloudflare
set -eu
here=$(cd "$(dirname "$0")" && pwd)
programs=$1/tests/bench
export NODE_PATH=$1/npm/node_modules
rounds=${2:-5}
count=${COUNT:-10000}
only=${ONLY:-epoll cloudflare_beast cloudflare_blocking asio beast curl httplib typescript}
chart=${CHART:-chart.svg}

work=$(mktemp -d)
nginx=""
trap '[ -z "$nginx" ] || kill "$nginx" 2>/dev/null || true; rm -rf "$work"' EXIT
# shellcheck source=tests/bench/nginx.sh
. "$here/nginx.sh"
start_nginx "$work" 1

takes_part() { # contestant, concurrency
    case $1 in
    cloudflare_blocking | httplib) [ "$2" -eq 1 ] ;;
    typescript) command -v node >/dev/null && [ -d "$NODE_PATH/cloudflare" ] ;;
    *) [ -x "$programs/create_$1" ] ;;
    esac
}
create() { # contestant, base URL, CA file, creates, concurrency
    case $1 in
    typescript)
        NODE_EXTRA_CA_CERTS=$ca_file taskset -c 0 node "$here/create_typescript.mjs" \
            "$2" "$3" $(($4 / 10)) "$5" ;;
    *) taskset -c 0 "$programs/create_$1" "${@:2}" ;;
    esac
}
run_scenario() { # its name, base URL, CA file, creates, concurrency
    local contestant figures
    for contestant in $only; do
        takes_part "$contestant" "$5" || continue
        figures=$(create "$contestant" "${@:2}")
        echo "$1 $contestant $figures" >>"$work/figures"
    done
}

for contestant in $only; do
    takes_part "$contestant" 1 || echo "not installed, takes no part: $contestant"
done
for round in $(seq "$rounds"); do
    [ ! -t 2 ] || printf '\rround %d of %d ' "$round" "$rounds" >&2
    run_scenario plain-1 "$plain_url" - "$count" 1
    run_scenario plain-64 "$plain_url" - $((count * 4)) 64
    run_scenario tls-1 "$tls_url" "$ca_file" "$count" 1
    run_scenario tls-64 "$tls_url" "$ca_file" $((count * 4)) 64
done
[ ! -t 2 ] || printf '\r\033[K' >&2

awk -f "$here/summary.awk" "$work/figures" >"$work/summary"
awk -f "$here/table.awk" "$work/summary"
awk -v rounds="$rounds" -f "$here/chart.awk" "$work/summary" >"$chart"
echo "chart: $chart"
