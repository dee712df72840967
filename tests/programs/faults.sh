#!/bin/bash
# Issues, ensures, rotates and deletes over each fault of the sandbox server in turn, then reconciles: no token may be left that
# nobody owns, no secret lost, or the program exits 3 and names what is left.
# Usage: faults.sh ACCESS_TOKEN SANDBOX_SERVER [N], for every N-th fault
set -u
access_token=$1 sandbox_server=$2 every=${3:-1} number=0
work=$(mktemp -d)
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
export CLOUDFLARE_API_TOKEN=sample-token CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353
failures=0 runs=0

run() { "$access_token" --base-url "$url" --ca-file "$work/ca.pem" --deadline 2 "$@" 2>>"$work/err"; }
complain() {
    echo "FAILED: $fault: $1"
    sed 's/^/    /' "$work/err"
    failures=$((failures + 1))
}
check_owners() { # every token must be the one in a file
    while read -r id _ _ name; do
        grep -qs "^CF_ACCESS_TOKEN_ID=$id$" "$work"/secret* || complain "nobody owns $id, named $name"
    done < <(run list)
}
start_server() {
    rm -f "$work"/secret* "$work"/intents* "$work/url" "$work/err"
    "$sandbox_server" --ca-file "$work/ca.pem" --fault "$fault" >"$work/url" &
    server=$!
    until [ -s "$work/url" ]; do kill -0 $server && sleep 0.02 || exit 1; done
    url=$(cat "$work/url")
}
stop_server() {
    run reconcile --intents "$work/intents" --min-age 0s --gone-age 0s
    status=$?
    # An account that shows no token proves nothing: then the intent stays open, and is named.
    [ $status -eq 0 ] || grep -q 'left open' "$work/err" || complain "reconcile exits $status"
    check_owners
    kill $server
    wait $server 2>/dev/null
}
ask_again() { # a command, which is asked until it exits 0, and must then give the same token for ever
    local status=1
    for _ in 1 2 3; do
        run "$@" --secret-file "$work/secret-again" --intents "$work/intents" >"$work/out"
        status=$?
        case $status in
        0) break ;;
        1) [ -e "$work/secret-again" ] && [ "$1" = issue ] && complain "$1 failed and left a secret" ;;
        3) grep -q 'stays open\|left open' "$work/err" || complain "$1: exit status 3 names nothing" ;;
        *) complain "$1 exits $status" ;;
        esac
    done
    [ $status -eq 0 ] || { [[ $fault = *=retry-after:9* ]] && return; } || complain "$1 does not come through"
    id=$(sed -n 's/^id: //p' "$work/out")
    grep -qs "^CF_ACCESS_TOKEN_ID=$id$" "$work/secret-again" || complain "$1: the file does not hold $id"
    run "$@" --secret-file "$work/secret-again" --intents "$work/intents" >"$work/out" ||
        run "$@" --secret-file "$work/secret-again" --intents "$work/intents" >"$work/out" || complain "$1: asked again, it fails"
    grep -q "^id: $id$" "$work/out" || complain "$1: asked again, it gives another token"
}

for what in drop-before drop-after reset-before reset-after respond-before:503:busy respond-after:502:oops \
    respond-before:429: respond-before:200:hello respond-after:200:hello truncate:0 truncate:200 truncate:700 \
    drip:1 delay:300 delay:4000 chunked close gzip bare-status retry-after:1 retry-after:99999999999; do
    for when in POST#1 POST#2 PUT#1 PUT#2 DELETE#1 GET#1 '#1' '#2' '#3'; do
        fault="$when=$what"
        [ $((number++ % every)) -eq 0 ] || continue
        runs=$((runs + 1))
        start_server
        run issue machine --secret-file "$work/secret" --intents "$work/intents" >"$work/out"
        status=$?
        [ $status -eq 1 ] && [ -e "$work/secret" ] && complain "an issue that failed left a secret"
        [ $status -eq 3 ] && ! grep -q 'stays open' "$work/err" && complain "exit status 3 names nothing"
        if [ $status -eq 0 ]; then
            id=$(sed -n 's/^id: //p' "$work/out")
            run rotate "$id" --grace 1h --intents "$work/intents" >"$work/out" || [ $? -ne 3 ] || grep -q 'left behind' "$work/err" ||
                complain "a rotation left something unnamed"
        fi
        stop_server
        for command in 'issue again --key k' 'ensure again'; do
            start_server
            # shellcheck disable=SC2086 # split on purpose
            ask_again $command
            stop_server
        done
    done
done
echo "$runs faults met, $failures failures"
exit $failures
