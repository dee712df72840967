#!/bin/bash
# issuing-server as machines and an operator see it, over TLS, against the sandbox: issue, rotate, revoke, rules, mTLS and
# bearer tokens, limits, a full queue, clients that hang up, SIGHUP, SIGTERM, and kill -9 under load. Beside a PostgreSQL server
# (postgres_server.sh): three servers over it.
# Usage: issuing_server.sh ISSUING_SERVER SANDBOX_SERVER ACCESS_TOKEN [KILLS]
set -u
issuing_server=$(realpath "$1") sandbox_server=$(realpath "$2") access_token=$(realpath "$3") kills=${4:-3}
work=$(mktemp -d)
cd "$work" || exit 1
trap '[ $BASHPID = $$ ] && { kill $server $sandbox ${servers[@]:-} 2>/dev/null; rm -rf "$work"; }' EXIT
export CLOUDFLARE_API_TOKEN=sample-token CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
failures=0 logs=0 server='' sandbox=''

complain() {
    echo "FAILED: $1"
    [ -z "${2:-}" ] || sed 's/^/    /; s/"client_secret":"[^"]*"/"client_secret":.../; $a\' "$2" | tail -n 5
    failures=$((failures + 1))
}
is() { # what, seen, expected
    [ "$2" = "$3" ] || complain "$1: $2, not $3" body
}
start_sandbox() { # options
    rm -f url
    "$sandbox_server" --ca-file api_ca.pem --log requests --set token_limit=100000 "$@" >url &
    sandbox=$!
    until [ -s url ]; do kill -0 $sandbox && sleep 0.05 || exit 1; done
    CLOUDFLARE_BASE_URL=$(cat url)
    export CLOUDFLARE_BASE_URL
}
end() { # a process, which is waited for
    kill "${2:--TERM}" "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}
configure() { # lines of JSON that come first
    cat >configuration.json <<END
{$1
 "listen_port": 0, "tls_certificate": "server.pem", "tls_key": "server.key", "tls_client_ca": "clients.pem",
 "account_id": "$CLOUDFLARE_ACCOUNT_ID", "api_base_url": "$CLOUDFLARE_BASE_URL", "api_ca_file": "api_ca.pem",
 "bearer_hashes": "hashes", "operators": ["operator"],
 "rules": [{"identity": "builder", "names": "build-*"}, {"identity": "*.machines.test", "names": "{identity}"}],
 "sealing_key_id": "2026-11", "sealing_key": "sealing.key"}
END
}
start_server() { # its log goes to the file `log`
    [ -s log ] && mv log "log.$((++logs))"
    "$issuing_server" --config configuration.json 2>log &
    server=$!
    local port=''
    until port=$([ -f log ] && sed -n 's/.*"event":"listening".*"port":\([0-9]*\).*/\1/p' log) && [ -n "$port" ]; do
        kill -0 $server 2>/dev/null && sleep 0.02 || { cat log && return 1; }
    done
    base=https://127.0.0.1:$port
}
ready() {
    for ((n = 0; n < 200; n++)); do
        [ "$(ask GET /readyz)" = 200 ] && return
        sleep 0.05
    done
    complain "the server is not ready" body
}
ask() { # method, target, curl's options; prints the status, the response is in `body`
    local method=$1 target=$2
    shift 2
    curl --silent --cacert server.pem --max-time 20 --request "$method" --output body --write-out '%{http_code}' "$@" "$base$target"
}
as() { # identity, then as ask
    local who=$1
    shift
    ask "$@" --header "Authorization: Bearer token-of-$who"
}
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" "${2:-body}"; }
secret_works() { # of the token in `body`, by what the sandbox lets in
    curl --silent --cacert api_ca.pem --output /dev/null --write-out '%{http_code}' \
        --header "CF-Access-Client-Id: $(field client_id)" --header "CF-Access-Client-Secret: $(field client_secret)" "${CLOUDFLARE_BASE_URL%/client/v4}/app"
}
tokens() { "$access_token" --ca-file api_ca.pem list; }
requests() { wc -l <requests; }
certify() { # file, subject, alternative name or ''
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout "$1.key" -out "$1.pem" \
        -subj "$2" ${3:+-addext "subjectAltName=$3"} 2>/dev/null
}
machine_certificate() { # file, subject, alternative name or ''
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA "${4:-clients}.pem" -CAkey "${4:-clients}.key" -CAcreateserial -days 2 -out "$1.pem" \
        ${3:+-extfile <(echo "subjectAltName=$3")} 2>/dev/null
}
hash_of() { printf 'token-of-%s' "$1" | sha256sum | sed "s/-$/$1/"; }

fleet() { # three servers over one database; machines ask all of them at once
    start_sandbox --protect /app --fault POST=delay:15 --fault PUT=delay:10
    configure "\"postgres\": \"host=$PGHOST port=$PGPORT user=$PGUSER dbname=$PGDATABASE\", \"reconcile_seconds\": 1, \"request_seconds\": 2, \"api_requests\": 100000, \"api_window_seconds\": 1,"
    local servers=() bases=() round n s
    start() { # the server of this number
        start_server || exit 1
        ready
        servers[$1]=$server bases[$1]=$base
    }
    for s in 0 1 2; do start $s; done
    for ((round = 1; round <= kills; round++)); do
        callers=()
        for s in 0 1 2; do
            base=${bases[$s]}
            many $((round * 8)) $((round * 8 + 7)) 20 "$s-"
        done
        sleep 0.$(printf %03d $((RANDOM % 300)))
        s=$((RANDOM % 3))
        end ${servers[$s]} -KILL
        wait "${callers[@]}"
        start $s
    done
    for ((n = 8; n < kills * 8 + 8; n++)); do
        local seen=''
        for s in 0 1 2; do
            base=${bases[$s]}
            for ((tries = 0; tries < 100; tries++)); do # what a dead server began is settled once it is old enough
                status=$(as builder PUT "/v1/machines/build-$n/token")
                [ "$status" = 503 ] && sleep 0.2 || break
            done
            [ "$status" = 200 ] || [ "$status" = 201 ] || complain "build-$n by server $s: $status" body
            is "its secret" "$(secret_works)" 200
            [ -z "$seen" ] || is "the token by server $s" "$(field token_id) $(field client_secret)" "$seen"
            seen="$(field token_id) $(field client_secret)"
        done
    done
    is "tokens of $((kills * 8)) machines" "$(tokens | awk '{print $NF}' | sort | uniq -c | awk '$1 == 1 && $2 ~ /^build-/' | wc -l) $(tokens | wc -l)" \
        "$((kills * 8)) $((kills * 8))"
    is "revoke by one" "$(base=${bases[0]} && as operator DELETE /v1/machines/build-8)" 204
    is "is revoked by all" "$(base=${bases[1]} && as operator DELETE /v1/machines/build-8)" 404
    for ((n = 0; n < 100; n++)); do
        [ "$(base=${bases[2]} && as operator GET /v1/machines)" = 200 ] && [ "$(grep -o '"state":"fresh"' body | wc -l)" = $((kills * 8 - 1)) ] && break || sleep 0.1
    done
    is "the states that one shows" "$(grep -o '"state":"fresh"' body | wc -l)" $((kills * 8 - 1))
    for s in 0 1 2; do end ${servers[$s]}; done
    echo "$kills of 3 servers killed, $failures failures"
    exit $failures
}
many() { # first, last, longest time, prefix: asks for their tokens at once
    local n
    for ((n = $1; n <= $2; n++)); do
        curl --silent --cacert server.pem --max-time "${3:-20}" --request PUT --header 'Authorization: Bearer token-of-builder' \
            --dump-header "head-${4:-}$n" --output "body-${4:-}$n" --write-out '%{http_code}\n' "$base/v1/machines/build-$n/token" >"status-${4:-}$n" &
        callers+=($!)
    done
}

certify server /CN=localhost IP:127.0.0.1,DNS:localhost
certify clients "/CN=the machines' CA"
certify strangers "/CN=another CA"
machine_certificate by_name /CN=ignored DNS:web-1.machines.test
machine_certificate by_subject /CN=web-2.machines.test
machine_certificate strange /CN=web-3.machines.test '' strangers
(umask 077 && openssl rand -base64 32 >sealing.key)
mkdir state
{ echo "# whose token" && hash_of builder && hash_of operator && hash_of stranger; } >hashes

[ -n "${PGHOST:-}" ] && fleet
start_sandbox --protect /app
configure '"state_directory": "state", "reconcile_seconds": 1, "grace_seconds": 3600, "max_body_bytes": 1000, "max_header_bytes": 2000,'
start_server || exit 1
ready

# Issue, ask again, rotate, list, revoke.
is "issue" "$(as builder PUT /v1/machines/build-1/token)" 201
id=$(field token_id) client_id=$(field client_id) secret=$(field client_secret)
[ -n "$id" ] && [ -n "$client_id" ] && [ -n "$secret" ] && [ -n "$(field expires_at)" ] || complain "a field is missing" body
is "its secret works" "$(secret_works)" 200
before=$(grep -c -v 'service_tokens?' requests)
is "again" "$(as builder PUT /v1/machines/build-1/token)" 200
is "the same token" "$(field token_id) $(field client_secret)" "$id $secret"
is "requests for it" "$(grep -c -v 'service_tokens?' requests)" "$before"
is "rotate" "$(as builder PUT '/v1/machines/build-1/token?rotate=true')" 200
[ "$(field token_id)" = "$id" ] && [ "$(field client_secret)" != "$secret" ] || complain "rotated to the same secret" body
is "the new secret works" "$(secret_works)" 200
is "rotate within the grace" "$(as builder PUT '/v1/machines/build-1/token?rotate=true')" 409
is "list" "$(as operator GET /v1/machines)" 200
is "its row" "$(field name) $(field state) $(field token_id) $(field version) $(field next_action)" "build-1 fresh $id 2 refresh"
grep -q 'client_secret"' body && complain "the list shows a secret" body
is "revoke" "$(as builder DELETE /v1/machines/build-1)" 204
is "revoke again" "$(as builder DELETE /v1/machines/build-1/token)" 404
is "tokens left" "$(tokens | wc -l)" 0
is "issue anew" "$(as builder PUT /v1/machines/build-1/token)" 201
[ "$(field token_id)" != "$id" ] || complain "a revoked token is given" body
is "the operator revokes" "$(as operator DELETE /v1/machines/build-1)" 204

# Who may ask.
is "nobody" "$(ask PUT /v1/machines/build-1/token)" 401
is "a wrong bearer token" "$(as nobody PUT /v1/machines/build-1/token)" 401
is "no rule for the name" "$(as builder PUT /v1/machines/web-1/token)" 403
is "no rule at all" "$(as stranger PUT /v1/machines/build-1/token)" 403
is "the operator gets no secret" "$(as operator PUT /v1/machines/build-1/token)" 403
is "only operators list" "$(as builder GET /v1/machines)" 403
is "nobody lists" "$(ask GET /v1/machines)" 401
cert() { ask "$2" "$3" --cert "$1.pem" --key "$1.key"; }
is "by alternative name" "$(cert by_name PUT /v1/machines/web-1.machines.test/token)" 201
is "not by subject beside it" "$(cert by_name PUT /v1/machines/ignored/token)" 403
is "by subject" "$(cert by_subject PUT /v1/machines/web-2.machines.test/token)" 201
is "another machine's" "$(cert by_subject PUT /v1/machines/web-1.machines.test/token)" 403
is "another CA's" "$(cert strange PUT /v1/machines/web-3.machines.test/token)" 000

# What is no such request.
is "no such path" "$(as builder GET /v2)" 404
is "no such method" "$(as builder POST /v1/machines/build-1/token)" 405
is "a bad name" "$(as builder PUT /v1/machines/build-%2f/token)" 400
is "a bad query" "$(as builder PUT '/v1/machines/build-1/token?rotate=1')" 400
is "a large body" "$(as builder PUT /v1/machines/build-1/token --data "$(printf %02000d 0)")" 413
is "a large header" "$(as builder PUT /v1/machines/build-1/token --header "X: $(printf %03000d 0)")" 431
grep -q '"error":{"code":"[a-z_]*","message":"' body || complain "an error is not in its form" body
is "alive" "$(ask GET /healthz)" 200
is "no page" "$(ask GET /)" 404
for ((n = 0; n < 100; n++)); do # as of the last probe
    ask GET /metrics >/dev/null && grep -q 'intents{state="open"} 0' body && break || sleep 0.1
done
is "metrics" "$(ask GET /metrics)" 200
for series in 'issues_total{outcome="issued"} 4' 'issues_total{outcome="held"} 1' 'issues_total{outcome="rotated"} 1' 'intents{state="open"} 0' \
    'strays 0' 'queue_depth 0' 'tokens{state="fresh"} 2' 'request_duration_seconds_count{route="DELETE /v1/machines/{name}"} 2' \
    'api_request_duration_seconds_count{operation="create_service_token"} 4' 'limiter_wait_seconds_bucket{le="+Inf"}'; do
    grep -q -F "issuing_server_$series" body || complain "no metric $series" <(grep "${series%%[\{ ]*}" body)
done

# SIGHUP: hashes, rules and certificates.
hash_of newcomer >>hashes
sed -i 's/"builder", "names": "build-\*"/"newcomer", "names": "new-*"/' configuration.json
echo '<p>status</p>' >status.html
kill -HUP $server
until grep -q '"event":"reload"' log; do sleep 0.02; done
is "by the new rules" "$(as newcomer PUT /v1/machines/new-1/token)" 201
is "by the old rules" "$(as builder PUT /v1/machines/build-1/token)" 403
is "the page" "$(ask GET /) $(cat body)" "200 <p>status</p>"
echo nonsense >>hashes
kill -HUP $server
until grep -q 'hashes:6: must be' log; do sleep 0.02; done
is "after a reload that failed" "$(as newcomer PUT /v1/machines/new-1/token)" 200
sed -i '$d' hashes
end $server
grep -q -F "$secret" log* && complain "a secret is in the log"
grep -q -r -F "$secret" state && complain "a secret is in the state, not sealed"

# The store is not there; the API is not there.
start_server || exit 1
ready
end $sandbox
for ((n = 0; n < 100; n++)); do [ "$(ask GET /readyz)" = 503 ] && break || sleep 0.1; done
is "without the API" "$(ask GET /readyz)" 503
is "held tokens are given without the API" "$(as newcomer PUT /v1/machines/new-1/token)" 200
is "new ones are not" "$(as newcomer PUT /v1/machines/new-2/token)" 502
end $server

# A queue that is full; clients that hang up; SIGTERM under load.
rm -rf state requests && mkdir state && start_sandbox --fault POST=delay:300
sed -i 's/"newcomer", "names": "new-\*"/"builder", "names": "build-*"/' configuration.json
rules=$(grep '"rules"' configuration.json)
configure '"state_directory": "state", "reconcile_seconds": 1, "concurrent_issues": 2, "queue": 2, "request_seconds": 5,'
start_server || exit 1
ready
callers=()
many 1 12
wait "${callers[@]}"
is "issued of 12, by 2 at once and 2 that wait" "$(cat status-* | sort | uniq -c | tr -s ' \n' ' ')" " 4 201 8 429 "
grep -l 429 status-* | sed 's/status/head/' | xargs grep -L -i '^retry-after: [1-9]' | grep -q . && complain "a 429 without Retry-After"
rm status-*
callers=()
many 21 22 0.1
wait "${callers[@]}"
for ((n = 0; n < 100; n++)); do [ "$(as builder PUT /v1/machines/build-21/token)" = 200 ] && break || sleep 0.05; done
is "settled though its client hung up" "$(as builder PUT /v1/machines/build-21/token)" 200
grep -q '"status":499' log || complain "no client that hung up is in the log"
callers=()
many 31 32
sleep 0.15
begun=$(date +%s%N)
end $server
took=$((($(date +%s%N) - begun) / 1000000))
wait "${callers[@]}"
is "under way at SIGTERM" "$(cat status-31 status-32 | tr '\n' ' ')" "201 201 "
[ $took -lt 3000 ] || complain "it ended after $took ms"

# SIGTERM while the API does not respond: it ends in time, and the next start settles what is left.
end $sandbox
rm -rf state requests && mkdir state && start_sandbox --fault POST#1=hang-after
configure '"state_directory": "state", "reconcile_seconds": 1, "stop_seconds": 1,'
start_server || exit 1
ready
callers=()
many 41 41
until grep -q POST requests; do sleep 0.02; done
begun=$(date +%s%N)
end $server
took=$((($(date +%s%N) - begun) / 1000000))
wait "${callers[@]}"
[ $took -ge 900 ] && [ $took -lt 3000 ] || complain "it ended after $took ms, not 1 s"
start_server || exit 1
ready
is "what SIGTERM has cut short" "$(as builder PUT /v1/machines/build-41/token)" 201
is "tokens of it" "$(tokens | wc -l)" 1
end $server

# An issue that does not end in time, and others that wait behind it: each client is told so, and what was begun is settled.
end $sandbox
rm -rf state requests body-* status-* && mkdir state && start_sandbox --protect /app --fault POST#1=hang-after --fault POST#2=hang-after --fault POST#3=hang-after
configure '"state_directory": "state", "reconcile_seconds": 1, "request_seconds": 1, "concurrent_issues": 1,'
start_server || exit 1
ready
callers=()
begun=$(date +%s%N)
many 51 54
wait "${callers[@]}"
took=$((($(date +%s%N) - begun) / 1000000))
is "issues that do not end in time" "$(cat status-* | sort | uniq -c | tr -s ' \n' ' ')" " 4 504 "
[ $took -lt 4000 ] || complain "the last one was told after $took ms, not 2 s"
is "the errors of those" "$(grep -l '"code":"deadline_exceeded"' body-5? | wc -l)" 4
grep -q 'it goes on: ask again' body-5? || complain "no issue was still under way"
for ((n = 51; n < 55; n++)); do
    for ((tries = 0; tries < 100; tries++)); do
        status=$(as builder PUT "/v1/machines/build-$n/token")
        [ "$status" = 503 ] || [ "$status" = 504 ] && sleep 0.1 || break
    done
    [ "$status" = 200 ] || [ "$status" = 201 ] || complain "build-$n later: $status" body
    is "its secret" "$(secret_works)" 200
done
sleep 0.1
is "tokens of the four" "$(tokens | awk '{print $NF}' | sort | tr '\n' ' ')" "build-51 build-52 build-53 build-54 "
end $server

# kill -9 under load; after the restart every machine gets exactly one token, which works.
end $sandbox
rm -rf state requests && mkdir state && start_sandbox --protect /app --fault POST=delay:15 --fault PUT=delay:10
configure '"state_directory": "state", "reconcile_seconds": 1, "api_requests": 100000, "api_window_seconds": 1,'
RANDOM=7
for ((round = 1; round <= kills; round++)); do
    start_server || exit 1
    callers=()
    many $((round * 8)) $((round * 8 + 7))
    sleep 0.$(printf %03d $((RANDOM % 300)))
    end $server -KILL
    wait "${callers[@]}"
done
start_server || exit 1
ready
for ((n = 8; n < kills * 8 + 8; n++)); do
    status=$(as builder PUT "/v1/machines/build-$n/token")
    [ "$status" = 200 ] || [ "$status" = 201 ] || complain "build-$n after the restart: $status" body
    is "its secret" "$(secret_works)" 200
    [ -s "body-$n" ] && grep -q '^20[01]$' "status-$n" && is "the token that was given before" "$(field token_id)" "$(field token_id "body-$n")"
done
is "tokens of $((kills * 8)) machines" "$(tokens | awk '{print $NF}' | sort | uniq -c | awk '$1 == 1 && $2 ~ /^build-/' | wc -l) $(tokens | wc -l)" "$((kills * 8)) $((kills * 8))"
end $server
rm log
is "a server that is started twice" "$("$issuing_server" --config configuration.json 2>log & first=$!; until grep -q -s listening log; do sleep 0.02; done
    timeout 20 "$issuing_server" --config configuration.json 2>&1 | grep -c 'another process uses it'; kill $first)" 1
configure '"state_directory": "state", "queue": -1,'
is "a bad configuration" "$("$issuing_server" --check configuration.json 2>&1 | grep -c 'queue: must be a whole number from 0 to 1000000')" 1
configure '"state_directory": "state", "que": 1,'
is "an unknown setting" "$("$issuing_server" --check configuration.json 2>&1 | grep -c 'que: is no setting')" 1
configure '"state_directory": "state", "listen_address": "localhost",'
is "a host name to listen on" "$("$issuing_server" --check configuration.json 2>&1 | grep -c 'listen_address: must be an IP address')" 1

echo "$kills kills, $failures failures"
exit $failures
