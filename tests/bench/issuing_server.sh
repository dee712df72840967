#!/bin/bash
# What issuing-server costs and bears, on loopback against the sandbox server. By hand, on a calm machine:
#   meson setup build-bench -Dbench=enabled && ninja -C build-bench issuing_server_bench
#   tests/bench/issuing_server.sh build-bench [PART...]    parts: loop counts cpu memory rate (six minutes)
set -u
build=$(realpath "$1") && shift
parts=${*:-loop counts cpu memory rate}
server=$build/tests/bench/issuing_server_fast slow=$build/tests/bench/issuing_server_slow
load=$build/tests/bench/issuing_server_load sandbox_server=$build/tests/bench/issuing_server_sandbox
work=$(mktemp -d)
cd "$work" || exit 1
trap 'kill $running $sandbox 2>/dev/null; rm -rf "$work"' EXIT
running='' sandbox=''
export CLOUDFLARE_API_TOKEN=sample-token BEARER=token-of-loader
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout server.key -out server.pem \
    -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
(umask 077 && openssl rand -base64 32 >sealing.key)
printf %s "$BEARER" | sha256sum | sed 's/-$/loader/' >hashes

start() { # which server, sandbox's options; then the configuration's own members
    stop
    rm -rf state && mkdir state
    : >requests
    "$sandbox_server" --ca-file api_ca.pem --log requests --set token_limit=1000000 $2 >url &
    sandbox=$!
    until [ -s url ]; do sleep 0.05; done
    api=$(cat url)
    cat >configuration.json <<END
{$3 "listen_port": 0, "tls_certificate": "server.pem", "tls_key": "server.key", "account_id": "023e105f4ecef8ad9ca31a8372d0c353",
 "api_base_url": "$api", "api_ca_file": "api_ca.pem", "bearer_hashes": "hashes", "rules": [{"identity": "*", "names": "*"}],
 "state_directory": "state", "sealing_key_id": "bench", "sealing_key": "sealing.key"}
END
    "$1" --config configuration.json 2>log &
    running=$!
    until port=$(sed -n 's/.*"port":\([0-9]*\).*/\1/p' log) && [ -n "$port" ]; do sleep 0.05; done
    base=https://127.0.0.1:$port
    until curl --silent --fail --cacert server.pem --output /dev/null "$base/readyz"; do sleep 0.1; done
}
stop() {
    [ -z "$running" ] || kill $running $sandbox 2>/dev/null
    [ -z "$running" ] || wait $running $sandbox 2>/dev/null
    running='' sandbox=''
    rm -f url log
}
ticks() { awk '{print $14 + $15}' "/proc/$running/stat"; } # of the CPU, 10 ms each
size() { awk '/^VmRSS/ {print $2 " KiB"}' "/proc/$running/status"; }
descriptors() { ls "/proc/$running/fd" | wc -l; }
fast='"api_requests": 100000, "api_window_seconds": 1,'

for part in $parts; do
    case $part in
    loop)
        start "$slow" '' "$fast \"concurrent_issues\": 64,"
        echo "== every function of the stores takes 50 ms, fsync 20 ms; 64 clients ask for a new token each time, 15 s"
        "$load" "$base" server.pem 64 1000000 15 PUT '/v1/machines/m-%/token' >issues &
        issuing=$!
        echo -n "healthz, one client beside them: "
        "$load" "$base" server.pem 1 1000000 14 GET /healthz
        wait $issuing
        echo -n "issues: " && cat issues
        ;;
    counts)
        start "$server" '' "$fast \"concurrent_issues\": 64,"
        echo "== 1000 issues, then each asked for 10 times more, by 64 clients"
        before=$(wc -l <requests)
        "$load" "$base" server.pem 64 1000 60 PUT '/v1/machines/m-%/token'
        echo "requests to the API that create or change: $(tail -n +$((before + 1)) requests | grep -c '^P') for 1000 issues; all: $(($(wc -l <requests) - before))"
        before=$(wc -l <requests)
        "$load" "$base" server.pem 64 10000 60 PUT '/v1/machines/m-%1000/token'
        echo "requests to the API that create or change: $(tail -n +$((before + 1)) requests | grep -c '^P') for 10000 repeated asks; all, the looks included: $(($(wc -l <requests) - before))"
        ;;
    cpu)
        start "$server" '' "$fast"
        echo "== CPU an issue (TLS, two requests, log, sealed sink), beside a plain create by the library"
        before=$(ticks)
        "$load" "$base" server.pem 16 2000 60 PUT '/v1/machines/m-%/token'
        echo "the server: $(((($(ticks) - before) * 10000) / 2000)) us an issue"
        echo -n "plain creates: " && "$load" "$api" api_ca.pem 16 2000 60 PUT create
        ;;
    memory)
        faults=''
        for ((n = 100; n <= 4000; n += 100)); do # one of 100, of each kind in turn
            kinds=(drop-before drop-after reset-before reset-after respond-before:502:busy respond-after:520:busy truncate:100 delay:50 chunked close)
            faults="$faults --fault POST#$n=${kinds[$((n / 100 % 10))]} --fault PUT#$n=${kinds[$((n / 100 % 10))]}"
        done
        start "$server" "$faults" "$fast \"request_seconds\": 5, \"reconcile_seconds\": 5,"
        echo "== 100,000 requests of 64 clients for 4000 machines, 1 % of the API's responses faulty"
        for ((n = 0; n < 5; n++)); do
            "$load" "$base" server.pem 64 20000 120 PUT '/v1/machines/m-%4000/token'
            echo "after $(((n + 1) * 20000)): $(size), $(descriptors) descriptors"
        done
        ;;
    rate)
        start "$server" '--set rate_limit=1200' '"request_seconds": 60, "queue": 256,'
        echo "== 64 clients for six minutes; the account allows 1200 requests in five"
        "$load" "$base" server.pem 64 1000000 360 PUT '/v1/machines/m-%/token'
        echo "issued: $(grep -c '^PUT' requests); 429 of the API: $(grep '"api_request"' log | grep -c '"status":429'); its requests: $(wc -l <requests)"
        ;;
    esac
done
stop
