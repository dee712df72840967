#!/bin/bash
# Prints how long a new process takes from its start to its first response over TLS, and to its end.
# Usage: cold_start.sh BUILD_DIR [RUNS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
programs=$1/tests/bench
runs=${2:-101}
work=$(mktemp -d)
nginx=""
trap '[ -z "$nginx" ] || kill "$nginx" 2>/dev/null || true; rm -rf "$work"' EXIT
# shellcheck source=tests/bench/nginx.sh
. "$here/nginx.sh"
start_nginx "$work" 1

contestants=("$programs"/create_{epoll,cloudflare_blocking,cloudflare_beast,curl})
cold() { # host
    taskset -c 0 "$programs/cold_start" "$runs" ${#contestants[@]} "${contestants[@]}" \
        "${tls_url/127.0.0.1/$1}" "$ca_file" 1 1 0
}
echo "one create over TLS, the server by its address"
cold 127.0.0.1
echo "the server by its name"
cold localhost
