#!/bin/bash
# The examples that take a page and a few seconds: what each shows is seen in its output.
# Usage: short_examples.sh SOURCE_ROOT SANDBOX_SERVER ACCESS_TOKEN OPENTELEMETRY ACCESS_REFUSAL TESTING
set -u
root=$1 sandbox_server=$2 access_token=$3 opentelemetry=$4 access_refusal=$5 testing=$6
work=$(mktemp -d)
server=''
trap '[ -n "$server" ] && kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY CLOUDFLARE_EMAIL CLOUDFLARE_API_KEY
export CLOUDFLARE_API_TOKEN=an-api-token-that-no-output-shows
export CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353
checks=0 failures=0 status=0

check() { # what, then a command that must succeed
    local what=$1
    shift
    checks=$((checks + 1))
    "$@" && return
    echo "FAILED: $what (exit status $status)"
    sed 's/^/    /' "$work/out" "$work/err"
    failures=$((failures + 1))
}
exits() { [ "$status" -eq "$1" ]; }
out_has() { grep -qF -- "$1" "$work/out"; }
run() { # a command; leaves $status, $work/out and $work/err
    timeout 30 "$@" >"$work/out" 2>"$work/err"
    status=$?
    check "no secret is shown" test "$(cat "$work/out" "$work/err" | grep -c "cfast_\|$CLOUDFLARE_API_TOKEN")" -eq 0
}
start_server() { # its options; leaves $url
    [ -n "$server" ] && kill -9 "$server"
    rm -f "$work/url"
    "$sandbox_server" --ca-file "$work/ca.pem" "$@" >"$work/url" &
    server=$!
    disown
    for ((i = 0; i < 250; i++)); do [ -s "$work/url" ] && break; sleep 0.02; done
    url=$(cat "$work/url")
    export CLOUDFLARE_BASE_URL=$url
}
attribute() { # key and value, as the span of the line that is read has it
    grep -qF -- "{\"key\":\"$1\",\"value\":{$2}}"
}
span() { sed -n "$1p" "$work/out"; }
span_has() { # the number of the span, a key and its value
    span "$1" | sed 's/"events":\[.*\],"status"/"status"/' | attribute "$2" "$3"
}
span_lacks() { # the number of the span, a key
    ! span "$1" | sed 's/"events":\[.*\],"status"/"status"/' | grep -qF "\"$2\""
}
count() { [ "$(span "$1" | grep -o "$2" | wc -l)" -eq "$3" ]; }

# OpenTelemetry: three calls, of which the second takes two attempts; then one that fails.
start_server --fault GET#1=respond-before:503:busy
run "$opentelemetry" "$url" "$CLOUDFLARE_ACCOUNT_ID" "$work/ca.pem"
check "the calls succeed" exits 0
check "there is a span a call" test "$(wc -l <"$work/out")" -eq 3
tokens='/client/v4/accounts/{account_id}/access/service_tokens'
check "a span is named after method and route" eval 'span 1 | grep -qF "\"name\":\"POST $tokens\",\"kind\":3"'
check "http.request.method" span_has 1 http.request.method '"stringValue":"POST"'
check "url.template" span_has 1 url.template "\"stringValue\":\"$tokens\""
check "url.template of one token" span_has 3 url.template "\"stringValue\":\"$tokens/{service_token_id}\""
check "url.full has no query" eval 'span 2 | grep -q "\"url.full\",\"value\":{\"stringValue\":\"https://[^?\"]*/service_tokens\"}"'
check "server.address" span_has 1 server.address '"stringValue":"127.0.0.1"'
port=${url#https://127.0.0.1:}
check "server.port" span_has 1 server.port "\"intValue\":\"${port%%/*}\""
check "http.response.status_code" span_has 2 http.response.status_code '"intValue":"200"'
check "http.request.resend_count" span_has 2 http.request.resend_count '"intValue":"1"'
check "a call that was not sent again has none" span_lacks 1 http.request.resend_count
check "a call that succeeded in the end has no error" span_lacks 2 error.type
check "there is an event an attempt" count 2 '"name":"http.attempt"' 2
check "the failed attempt's error is in its event" eval 'span 2 | attribute error.type "\"stringValue\":\"503\""'
check "its status is unset" eval 'span 2 | grep -qF "\"status\":{\"code\":0}"'
check "trace and span have ids" eval 'span 1 | grep -qE "\"traceId\":\"[0-9a-f]{32}\",\"spanId\":\"[0-9a-f]{16}\""'
check "a span begins before it ends" eval 'span 2 | sed "s/.*startTimeUnixNano\":\"\([0-9]*\)\",\"endTimeUnixNano\":\"\([0-9]*\)\".*/[ \1 -le \2 ]/" >"$work/test" && . "$work/test"'
check "connections are told" grep -q 'connection 1 opened in' "$work/err"
start_server --fault POST#1=drop-after
run "$opentelemetry" "$url" "$CLOUDFLARE_ACCOUNT_ID" "$work/ca.pem"
check "a create whose response is lost fails" exits 1
check "error.type is the library's code" span_has 1 error.type '"stringValue":"connection_lost"'
check "there is no status" span_lacks 1 http.response.status_code
check "the span's status is an error" eval 'span 1 | grep -qF "\"status\":{\"code\":2}"'

# A job of CI, and who refuses.
start_server --protect /app
page=${url%/client/v4}/app
export JOB_ID=run-1 ACCESS_TOKEN="$work/access-token" TOKEN_STATE="$work/state"
printf '#!/bin/sh\nexec "%s" --ca-file "%s" "$@"\n' "$(realpath "$access_token")" "$work/ca.pem" >"$ACCESS_TOKEN"
chmod +x "$ACCESS_TOKEN"
tokens_left() { "$ACCESS_TOKEN" list 2>/dev/null | grep -c "$1"; }
# shellcheck disable=SC2016 # the shell of the job expands it
in_job='"$0" "$1" "$CF_ACCESS_TOKEN_FILE" "$2"; s=$?; cp "$CF_ACCESS_TOKEN_FILE" "$3"; [ -z "${CLOUDFLARE_API_TOKEN-}" ] || s=9; exit $s'
run "$root/examples/ci_job/with_token.sh" sh -c "$in_job" "$access_refusal" "$page" "$work/ca.pem" "$work/kept"
check "the token of the job is let in" exits 0
check "it says so" out_has '200: let in'
check "the token is revoked" test "$(tokens_left 'ci run-1')" -eq 0
check "and its file removed" test ! -e "$work/state/run-1"
run "$access_refusal" "$page" "$work/kept" "$work/ca.pem"
check "a token that was revoked is refused by Access" exits 3
check "what to do is said" out_has '302: Access refused the token: is it expired'
run "$access_refusal" "${page%app}nothing" "$work/kept" "$work/ca.pem"
check "what the application refuses is its own" exits 5
run "$root/examples/ci_job/with_token.sh" sh -c 'exit 7'
check "the command's exit status is the job's" exits 7
check "the token is revoked after a failure" test "$(tokens_left 'ci run-1')" -eq 0
{ "$root/examples/ci_job/with_token.sh" sh -c 'kill -9 $PPID'; } >/dev/null 2>&1
check "a job that is killed leaves its token" test "$(tokens_left 'ci run-1')" -eq 1
run "$root/examples/ci_job/with_token.sh" true
check "the same job, run again, takes it over" exits 0
check "and revokes it" test "$(tokens_left 'ci run-1')" -eq 0

run "$testing"
check "the tests of the example pass" exits 0
check "and are seen to" eval '! grep -q FAILED "$work/out" && [ "$(grep -c ^ok "$work/out")" -eq 8 ]'

# Each example has a page, and the table names it.
pages=0
for page in "$root"/examples/*/README.md; do
    name=$(basename "$(dirname "$page")")
    pages=$((pages + 1))
    check "the table names $name" grep -qF "[$name]($name)" "$root/examples/README.md"
done
check "there are twelve pages and more" test $pages -ge 12

echo "$checks checks, $failures failed"
[ $failures -eq 0 ]
