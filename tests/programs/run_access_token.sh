# shellcheck shell=bash
# What the scripts share that run access-token against sandbox-server. To be sourced, where $access_token, $sandbox_server
# and the directory $work are set.
# shellcheck disable=SC2034,SC2154 # set and used by who sources it
failures=0 server=''
export CLOUDFLARE_API_TOKEN=sample-token
unset https_proxy HTTPS_PROXY no_proxy NO_PROXY
unset CLOUDFLARE_BASE_URL CLOUDFLARE_ACCOUNT_ID CLOUDFLARE_ZONE_ID CLOUDFLARE_EMAIL CLOUDFLARE_API_KEY
account=(--account 023e105f4ecef8ad9ca31a8372d0c353)
zone=(--zone 0123456789abcdef0123456789abcdef)

start_server() { # its options
    kill "${server:-}" 2>/dev/null
    rm -f "$work/url" "$work/requests"
    rm -rf "$work/state" # another server, with the same ids: the usual log of intents says nothing of these
    "$sandbox_server" --ca-file "$work/ca.pem" --log "$work/requests" "$@" >"$work/url" &
    server=$!
    until [ -s "$work/url" ]; do kill -0 $server && sleep 0.05 || exit 1; done
    url=$(cat "$work/url")
}
run() { # the program's arguments; leaves $status, $work/out and $work/err
    "$access_token" --base-url "$url" --ca-file "$work/ca.pem" "$@" >"$work/out" 2>"$work/err"
    status=$?
}
expect() { # what, then a command that must succeed
    local what=$1
    shift
    "$@" && return
    echo "FAILED: $what (line ${BASH_LINENO[0]}, exit status $status)"
    sed 's/^/    out: /' "$work/out"
    sed 's/^/    err: /' "$work/err"
    failures=$((failures + 1))
}
start_run() { # a run in the background, its SIGINT not ignored
    env --default-signal=INT,TERM,HUP "$access_token" --base-url "$url" --ca-file "$work/ca.pem" "$@" >"$work/out" 2>"$work/err" &
    running=$!
}
await() { # a command that succeeds within 10 s
    for _ in $(seq 200); do "$@" && return; sleep 0.05; done
    return 1
}
exits() { [ "$status" -eq "$1" ]; }
out_has() { grep -q -- "$1" "$work/out"; }
err_has() { grep -q -- "$1" "$work/err"; }
requests() { grep -c "^$1" "$work/requests"; } # how many of a method the server has seen
out_is_empty() { [ ! -s "$work/out" ]; }
field() { sed -n "s/^$1: //p" "$work/out"; }

