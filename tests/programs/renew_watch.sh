#!/bin/bash
# `renew --watch` over many tokens while the server's time runs fast, its responses fail and `renew` is killed (kill -9) every
# few seconds. Consumers knock at a page behind the sandbox's Access with what the directory holds, and with what it held a
# moment before. Nobody may be refused. By hand.
# Usage: renew_watch.sh ACCESS_TOKEN SANDBOX_SERVER [DAYS [TOKENS [SCALE [SEED]]]]    30 days, 50 tokens, 10000 times as fast
set -u
access_token=$1 sandbox_server=$2 days=${3:-30} tokens=${4:-50} scale=${5:-10000}
RANDOM=${6:-7}
work=$(mktemp -d)
renewing=
trap '[ $BASHPID = $$ ] && { kill -KILL $server $renewing 2>/dev/null; rm -rf "$work"; }' EXIT
# shellcheck source=tests/programs/killed_programs.sh
. "$(dirname "$0")/killed_programs.sh"
start_server --set token_limit=1000 --protect /app --time-scale "$scale" \
    --fault PUT#3=respond-before:502:bad --fault PUT#7=drop-before --fault GET#5=reset-before \
    --fault PUT#12=respond-before:503:busy --fault GET#9=truncate:100 --fault PUT#20=delay:200
mkdir "$work/dir" "$work/before" "$work/now"
for ((n = 0; n < tokens; n++)); do
    run create "ci-$n" --duration 720h --secret-file "$work/dir/ci-$n" >/dev/null || exit 1
done
start_renewing() {
    "$access_token" --ca-file "$work/ca.pem" renew --secret-dir "$work/dir" --watch --rotate-after 5d --grace 3d --refresh-before 10d \
        --intents "$work/intents" >>"$work/out" 2>>"$work/err" &
    renewing=$!
}
knock() { # directories of secret files: one request each
    local file
    for file in "$@"; do
        sed -n 's/^CF_ACCESS_CLIENT_\(ID\|SECRET\)=\(.*\)/\1 \2/p' "$file" | tr '\n' ' '
        echo
    done | awk -v page="$page" -v ca="$work/ca.pem" 'NF == 4 {
        if (n++) print "next"
        printf "url = \"%s\"\nheader = \"CF-Access-Client-Id: %s\"\nheader = \"CF-Access-Client-Secret: %s\"\n", page, $2, $4
        printf "cacert = \"%s\"\noutput = \"/dev/null\"\nwrite-out = \"%%{http_code}\\n\"\nsilent\n", ca
    }' | curl -K -
}
start_renewing
begun=$SECONDS kills=0 knocks=0 refused=0 next_kill=2 next_copy=0
last=$((days * 86400 / scale))
while ((SECONDS - begun < last)); do
    if ((SECONDS - begun >= next_copy)); then # who reads the directory keeps what he reads for a while
        rm -rf "$work/before"
        mv "$work/now" "$work/before"
        mkdir "$work/now"
        cp "$work"/dir/ci-* "$work/now/" # not what a store holds beside for a moment
        next_copy=$((SECONDS - begun + 1 * 86400 / scale))
    fi
    # shellcheck disable=SC2046 # names without blanks, or none
    knock "$work"/dir/ci-* "$work"/now/ci-* $(compgen -G "$work/before/ci-*") >"$work/codes"
    knocks=$((knocks + $(wc -l <"$work/codes")))
    bad=$(grep -cv '^200$' "$work/codes")
    refused=$((refused + bad))
    if ((SECONDS - begun >= next_kill)); then
        kill -KILL $renewing
        wait $renewing 2>/dev/null
        kills=$((kills + 1))
        next_kill=$((SECONDS - begun + 1 + RANDOM % 3))
        start_renewing
    fi
done
kill -TERM $renewing
wait $renewing

versions=$(sed -n 's/^CF_ACCESS_CLIENT_SECRET_VERSION=//p' "$work"/dir/ci-* | awk '{n += $1 - 1} END {print n + 0}')
echo "$days days, $tokens tokens, $kills kills, $versions rotations stored, $knocks knocks, $refused refused"
[ "$refused" -eq 0 ] && [ "$versions" -gt 0 ]
