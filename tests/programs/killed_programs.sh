# shellcheck shell=bash
# What the scripts share that kill access-token beside one sandbox-server. To be sourced, where $access_token,
# $sandbox_server and the directory $work are set.
# shellcheck disable=SC2034,SC2154 # set and used by who sources it
export CLOUDFLARE_API_TOKEN=sample-token CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353
failures=0

complain() {
    echo "FAILED: $1"
    failures=$((failures + 1))
}
start_server() { # its options; leaves $server and the page that --protect /app puts behind Access
    rm -f "$work/url"
    "$sandbox_server" --ca-file "$work/ca.pem" "$@" >"$work/url" &
    server=$!
    until [ -s "$work/url" ]; do kill -0 $server && sleep 0.05 || exit 1; done
    CLOUDFLARE_BASE_URL=$(cat "$work/url")
    export CLOUDFLARE_BASE_URL
    page=${CLOUDFLARE_BASE_URL%/client/v4}/app
}
run() { "$access_token" --ca-file "$work/ca.pem" "$@"; }
