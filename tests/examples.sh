#!/bin/bash
# access-token against sandbox-server over TLS: every command, every exit status, every promise about secrets.
# Usage: examples.sh ACCESS_TOKEN SANDBOX_SERVER
set -u
access_token=$1 sandbox_server=$2
work=$(mktemp -d)
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
failures=0
export CLOUDFLARE_API_TOKEN=sample-token
unset CLOUDFLARE_BASE_URL CLOUDFLARE_ACCOUNT_ID CLOUDFLARE_ZONE_ID CLOUDFLARE_EMAIL CLOUDFLARE_API_KEY
account=(--account 023e105f4ecef8ad9ca31a8372d0c353)
zone=(--zone 0123456789abcdef0123456789abcdef)

start_server() { # its options
    kill "${server:-}" 2>/dev/null
    rm -f "$work/url"
    "$sandbox_server" --ca-file "$work/ca.pem" "$@" >"$work/url" &
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
exits() { [ "$status" -eq "$1" ]; }
out_has() { grep -q -- "$1" "$work/out"; }
err_has() { grep -q -- "$1" "$work/err"; }
out_is_empty() { [ ! -s "$work/out" ]; }
field() { sed -n "s/^$1: //p" "$work/out"; }

start_server
for scope in account zone; do
    declare -n where=$scope
    run "${where[@]}" create ci --duration 90m --disabled
    expect "$scope: create exits 0" exits 0
    expect "$scope: create shows the secret on stdout" out_has '^client_secret: cfast_'
    expect "$scope: create says nothing on stderr" test ! -s "$work/err"
    expect "$scope: create is disabled as asked" out_has '^enabled: false'
    id=$(field id)
    run "${where[@]}" list --name ci
    expect "$scope: list finds it" out_has "^$id "
    run "${where[@]}" list --search c
    expect "$scope: list --search finds it" out_has "^$id "
    run "${where[@]}" list --name c
    expect "$scope: list --name compares whole names" out_is_empty
    run "${where[@]}" get "$id"
    expect "$scope: get shows the duration" out_has '^duration: 90m'
    expect "$scope: get shows no secret" test "$(grep -c secret: "$work/out")" -eq 0
    run "${where[@]}" update "$id" --name renamed --enable --output json
    expect "$scope: update answers JSON" test "$(tr -d '\n' <"$work/out" | head -c 1)" = '{'
    expect "$scope: update renames" out_has '"name":"renamed"'
    expect "$scope: update enables" out_has '"enabled":true'
    run "${where[@]}" rotate "$id" --grace 1h --output env
    expect "$scope: rotate exits 0" exits 0
    expect "$scope: rotate shows the secret" out_has '^CF_ACCESS_CLIENT_SECRET=cfast_'
    run "${where[@]}" rotate "$id"
    expect "$scope: a second rotate is refused while the grace period runs" exits 1
    expect "$scope: it says until when" err_has 'works until 20'
    run "${where[@]}" rotate "$id" --replace-now
    expect "$scope: or done at once where that is chosen" exits 0
    if [ $scope = account ]; then
        run "${where[@]}" refresh "$id"
        expect "refresh exits 0" exits 0
    else
        run "${where[@]}" refresh "$id"
        expect "refresh in a zone is wrong usage" exits 2
        expect "which says why" err_has 'accounts only'
    fi
    run "${where[@]}" delete "$id"
    expect "$scope: delete exits 0" exits 0
    run "${where[@]}" delete "$id"
    expect "$scope: a second delete is refused" exits 1
    expect "$scope: it says not found" err_has 'not found'
done

# Secrets go where they were asked to go, and nowhere else.
run "${account[@]}" create filed --secret-file "$work/secret" --output json --verbose
expect "create into a file exits 0" exits 0
expect "the file is for its owner only" test "$(stat -c %a "$work/secret")" = 600
expect "the file holds the secret" grep -q '^cfast_' "$work/secret"
expect "stdout does not" test "$(grep -c cfast_ "$work/out")" -eq 0
expect "stderr does not" test "$(grep -c cfast_ "$work/err")" -eq 0
before=$(cat "$work/secret")
run "${account[@]}" create filed --secret-file "$work/secret"
expect "a secret file that exists is refused" exits 2
expect "and left as it is" test "$(cat "$work/secret")" = "$before"
run "${account[@]}" list --name filed
expect "and nothing was created" test "$(wc -l <"$work/out")" -eq 1
"$access_token" --base-url "$url" --ca-file "$work/ca.pem" "${account[@]}" create full >/dev/full 2>"$work/err"
status=$?
expect "a secret that stdout does not take is withdrawn" exits 1
expect "which stderr says" err_has 'deleted again'
run "${account[@]}" create refused-name --duration 1d --secret-file "$work/none"
expect "a bad duration is wrong usage" exits 2
expect "which names the field" err_has 'duration'
expect "and leaves no file" test ! -e "$work/none"

# Issues are settled by themselves, or named.
export XDG_STATE_HOME=$work/state
start_server --fault POST#1=drop-after --fault POST#3=drop-before
run "${account[@]}" issue machine --secret-file "$work/machine"
expect "an issue whose create's answer is lost ends well" exits 0
expect "its secret is in the file" grep -q '^CF_ACCESS_CLIENT_SECRET=cfast_' "$work/machine"
expect "and on neither stream" test "$(cat "$work/out" "$work/err" | grep -c cfast_)" -eq 0
expect "the tag is out of the name" out_has '^name: machine$'
run "${account[@]}" issue machine --secret-file "$work/machine"
expect "a secret file that exists is refused" exits 2
run "${account[@]}" issue second --secret-file "$work/second" --deadline 1
expect "an issue that made nothing it can see exits 3" exits 3
expect "and names its intent" err_has 'stays open'
run "${account[@]}" reconcile
expect "reconcile leaves a young intent open" exits 3
run "${account[@]}" reconcile --min-age 0s --gone-age 0s
expect "reconcile settles it when told that nothing is under way" exits 0
run "${account[@]}" issue third --secret-file "$work/no-such-directory/third"
expect "an issue whose sink fails exits 1" exits 1
expect "and says that the token was withdrawn" err_has 'withdrawn'
run "${account[@]}" list
expect "one token is left" test "$(wc -l <"$work/out")" -eq 1

# Rotation and renewal.
start_server --fault PUT#1=drop-after --fault PUT#3=drop-after
run "${account[@]}" issue renewed --secret-file "$work/renewed" # its PUT#1 is the rename, which is sent again
id=$(field id)
run "${account[@]}" rotate "$id" --grace 1h
expect "a rotation whose answer is lost exits 3" exits 3
expect "and tells until when the secret in use works" err_has 'works until 20'
run "${account[@]}" renew "$id" --secret-file "$work/renewed" --refresh-before 9000h
expect "a token that expires soon is renewed" exits 0
expect "by a refresh" err_has "^refreshed: $id"
run "${account[@]}" renew "$id" --secret-file "$work/secret"
expect "a token that the file does not hold is not renewed" exits 2

# Wrong usage.
start_server
for words in "" "frobnicate" "create" "create a b" "list a" "get" "create x --grace 1h" "list --output env" \
    "update f174e90a-fafe-4643-bbbc-4a0ed4fc8415" "update f174e90a-fafe-4643-bbbc-4a0ed4fc8415 --enable --disable" \
    "get not-a-uuid" "create x --output xml" "create x --deadline 0" "create x --nonsense" "rotate x --grace forever" "renew x" "issue x"; do
    # shellcheck disable=SC2086 # split on purpose
    run "${account[@]}" $words
    expect "wrong usage: $words" exits 2
done
run "${account[@]}" "${zone[@]}" list
expect "an account and a zone exclude each other" exits 2
run list
expect "a scope must be given" exits 2
run --account 023E list
expect "an account id is checked" exits 2
CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353 run list
expect "the account may come from the environment" exits 0
CLOUDFLARE_API_TOKEN='two words' run "${account[@]}" list
expect "a bad credential is wrong usage" exits 2
expect "and is not shown" test "$(grep -c 'two words' "$work/err")" -eq 0
printf 'token-in-a-file\n' >"$work/token"
CLOUDFLARE_API_TOKEN='' run "${account[@]}" --credentials-file "$work/token" list
expect "credentials may come from a file" exits 0

# What the network does.
start_server --fault POST#1=reset-after --fault POST#2=drop-before --fault POST#3=answer-before:429: \
    --fault POST#5=truncate:250 --fault POST#6=answer-after:502:oops --fault GET#1=drop-after
run "${account[@]}" create lost
expect "a create whose answer is lost exits 3" exits 3
expect "and names what may be left" err_has 'a service token named "lost" may exist'
run "${account[@]}" list --name lost
expect "a list is tried again after a lost answer" exits 0
expect "the lost token is there once" test "$(wc -l <"$work/out")" -eq 1
run "${account[@]}" create dropped
expect "a create that the server may have seen exits 3" exits 3
run "${account[@]}" create limited
expect "a create is sent again after a 429" exits 0
run "${account[@]}" create cut
expect "a create whose answer is cut exits 3" exits 3
expect "no part of the secret is shown" test "$(cat "$work/out" "$work/err" | grep -c cfast_)" -eq 0
run "${account[@]}" create bad-gateway
expect "a create answered by 502 exits 3" exits 3
start_server --fault POST=delay:3000
run "${account[@]}" create slow --deadline 1
expect "a create past its deadline exits 3" exits 3
kill $server
wait $server 2>/dev/null
run "${account[@]}" create unreachable --deadline 2
expect "an unreachable server exits 1" exits 1
start_server
https_proxy=http://user:word@127.0.0.1:1 run "${account[@]}" list --deadline 2
expect "a proxy is taken from the environment" exits 1
expect "and named where it fails" err_has 'through the proxy 127.0.0.1'
expect "without its password" test "$(grep -c word "$work/err")" -eq 0
https_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1 run "${account[@]}" list
expect "no_proxy excepts hosts" exits 0
https_proxy=ftp://127.0.0.1 run "${account[@]}" list
expect "a bad proxy is wrong usage" exits 2
run "${account[@]}" --ca-file /etc/ssl/certs/ca-certificates.crt list 2>/dev/null
expect "one option is not given twice" exits 2
"$access_token" --base-url "$url" "${account[@]}" list >"$work/out" 2>"$work/err"
status=$?
expect "a server that is not trusted exits 1" exits 1
expect "which stderr explains" err_has 'TLS handshake failed'

[ $failures -eq 0 ] && echo "all as promised"
exit $failures
