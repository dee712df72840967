#!/bin/bash
# Issuing processes share a log of intents in PostgreSQL; some are killed, and another settles what they left.
# Usage: postgres.sh POSTGRES_INTENTS SANDBOX_SERVER ACCESS_TOKEN
set -u
postgres_intents=$(realpath "$1") sandbox_server=$(realpath "$2") access_token=$(realpath "$3")
work=$(mktemp -d)
chmod 755 "$work"
bin=$(find /usr/lib/postgresql -name initdb -printf '%h\n' | sort -V | tail -n 1)
as=()
if [ "$(id -u)" -eq 0 ]; then # the server does not run as root
    as=(setpriv --reuid postgres --regid postgres --clear-groups)
    install -d -o postgres "$work/db"
fi
stop() {
    kill "$server" 2>/dev/null
    "${as[@]}" "$bin/pg_ctl" -D "$work/db/data" -m immediate stop >/dev/null 2>&1
    rm -rf "$work"
}
trap stop EXIT
mkdir -p "$work/db"
cd / || exit 1
"${as[@]}" "$bin/initdb" -D "$work/db/data" -U issuer --auth=trust >/dev/null || exit 1
"${as[@]}" "$bin/pg_ctl" -D "$work/db/data" -o "-k $work/db -c listen_addresses=''" -l "$work/db/log" -w start >/dev/null || exit 1
export PGHOST=$work/db PGUSER=issuer PGDATABASE=postgres
export CLOUDFLARE_API_TOKEN=sample-token CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353 CA_FILE=$work/ca.pem

"$sandbox_server" --ca-file "$work/ca.pem" --set token_limit=1000 --fault POST=delay:15 --fault PUT=delay:10 >"$work/url" &
server=$!
until [ -s "$work/url" ]; do kill -0 $server && sleep 0.05 || exit 1; done
CLOUDFLARE_BASE_URL=$(cat "$work/url")
export CLOUDFLARE_BASE_URL

"$postgres_intents" issue first >/dev/null || exit 1
RANDOM=3
pids=()
for ((i = 0; i < 24; i++)); do
    "$postgres_intents" issue machine >/dev/null 2>&1 &
    pids+=($!)
    if ((i % 4 == 3)); then
        ms=$((RANDOM % 120))
        sleep "$(printf 0.%03d $ms)"
        kill -9 "${pids[@]}" 2>/dev/null
        wait "${pids[@]}" 2>/dev/null
        pids=()
    fi
done
"$postgres_intents" reconcile 0 0 || exit 1

failures=0
held=$(psql -Atc 'SELECT token_id FROM access_secrets' | sort)
there=$("$access_token" --ca-file "$CA_FILE" list | cut -d ' ' -f 1 | sort)
[ "$held" = "$there" ] || { echo "FAILED: the tokens and the secrets differ" && failures=1; }
[ "$(psql -Atc 'SELECT count(*) FROM access_intents WHERE state <> 3')" = 0 ] || { echo "FAILED: an intent is open" && failures=1; }
"$access_token" --ca-file "$CA_FILE" list | grep -q 'issue:' && echo "FAILED: a tag is left" && failures=1
echo "$(wc -l <<<"$there") tokens, each with its secret"
exit $failures
