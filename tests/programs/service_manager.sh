#!/bin/bash
# What `renew --watch` tells systemd (a listener at NOTIFY_SOCKET), and whoever reads its status file.
# Usage: service_manager.sh ACCESS_TOKEN SANDBOX_SERVER NOTIFY_LISTENER
set -u
access_token=$1 sandbox_server=$2 listener=$3
work=$(mktemp -d)
server='' listening='' running=''
# shellcheck disable=SC2086 # those that are there
trap '[ $BASHPID = $$ ] && { kill $server $listening $running 2>/dev/null; rm -rf "$work"; }' EXIT
export CLOUDFLARE_API_TOKEN=sample-token CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353
failures=0
expect() { # what, then the command that tells
    local what=$1
    shift
    "$@" && return
    echo "FAILED: $what"
    cat "$work/told" "$work/err"
    failures=$((failures + 1))
}
await() { # a command, for half a minute
    local n
    for ((n = 0; n < 300; n++)); do
        "$@" && return
        sleep 0.1
    done
    return 1
}
# shellcheck disable=SC2317 # called by await
told() { grep -q "$1" "$work/told"; }
listen() { # at this socket
    [ -z "$listening" ] || kill "$listening"
    : >"$work/told"
    "$listener" "$1" >"$work/told" &
    listening=$!
    await test -s "$work/told"
    export NOTIFY_SOCKET=$1
}
watch() {
    "$access_token" --ca-file "$work/ca.pem" renew --secret-file "$work/secret" --watch --status-file "$work/status" \
        --intents "$work/intents" >"$work/out" 2>"$work/err" &
    running=$!
}
end() {
    kill -TERM $running
    wait $running
    status=$?
    running=''
}

"$sandbox_server" --ca-file "$work/ca.pem" >"$work/url" &
server=$!
await test -s "$work/url" || exit 1
CLOUDFLARE_BASE_URL=$(cat "$work/url")
export CLOUDFLARE_BASE_URL
"$access_token" --ca-file "$work/ca.pem" create watched --secret-file "$work/secret" >/dev/null || exit 1

listen "$work/socket"
export WATCHDOG_USEC=200000
watch
expect "it is ready after its first look" await told '^READY=1$'
expect "its status says how many tokens, and when it looks next" told '^STATUS=1 tokens, all well; next look 20..-..-..T..:..:..Z$'
# shellcheck disable=SC2317
four_times() { [ "$(grep -c '^WATCHDOG=1$' "$work/told")" -ge 4 ]; }
expect "the watchdog is told again and again" await four_times
expect "not stopping yet" test -z "$(grep STOPPING "$work/told")"
end
expect "SIGTERM ends it in order" test $status -eq 0
expect "and it says so, last" test "$(grep -v WATCHDOG "$work/told" | tail -n 1)" = STOPPING=1
for member in '"looked_at":"20' '"next_look":"20' '"exit_status":0' '"state":"fresh"'; do
    expect "the status file has $member" grep -q "$member" "$work/status"
done
expect "and no secret" test "$(grep -c cfast_ "$work/status")" -eq 0
expect "nothing is left beside it" test -z "$(find "$work" -name '.status*')"

# An abstract socket, a watchdog of another process, and a server that is not there.
kill $server
wait $server 2>/dev/null
server=''
listen "@notify-$$"
export WATCHDOG_PID=1
rm "$work/status"
watch
expect "a look that fails is told" await told '^STATUS=could not look; next look 20'
expect "and in the status file" await grep -qs '"failure":"' "$work/status"
expect "with the exit status" grep -q '"exit_status":[13]' "$work/status"
expect "another process's watchdog is not told" test "$(grep -c WATCHDOG "$work/told")" -eq 0
end
expect "SIGTERM ends it in order, too" test $status -eq 0
expect "which is told" await told '^STOPPING=1$'
echo "$failures failures"
exit $((failures != 0))
