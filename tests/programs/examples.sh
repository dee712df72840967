#!/bin/bash
# access-token against sandbox-server over TLS: every command, every exit status, every promise about secrets.
# Usage: examples.sh ACCESS_TOKEN SANDBOX_SERVER [HELPERS], the directory of connect_proxy and silent_name_server
set -u
access_token=$(realpath "$1") sandbox_server=$(realpath "$2")
helpers=$(realpath "${3:-$(dirname "$2")/../tests/programs}")
work=$(mktemp -d)
trap 'kill $server $proxy 2>/dev/null; rm -rf "$work"' EXIT
proxy=''
# shellcheck source=tests/programs/run_access_token.sh
. "$(dirname "$0")/run_access_token.sh"
export XDG_STATE_HOME=$work/state
proxy_has() { grep -q -- "$1" "$work/connects"; }

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
    expect "$scope: update prints JSON" test "$(tr -d '\n' <"$work/out" | head -c 1)" = '{'
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
for format in '' '--secret-format raw'; do
rm -f "$work/secret"
# shellcheck disable=SC2086 # split on purpose
run "${account[@]}" create filed --secret-file "$work/secret" $format --output json --verbose
expect "create into a file exits 0" exits 0
expect "the file is for its owner only" test "$(stat -c %a "$work/secret")" = 600
expect "the file holds the secret" grep -q '^\(CF_ACCESS_CLIENT_SECRET=\)\?cfast_' "$work/secret"
expect "stdout does not" test "$(grep -c cfast_ "$work/out")" -eq 0
expect "stderr does not" test "$(grep -c cfast_ "$work/err")" -eq 0
before=$(cat "$work/secret")
run "${account[@]}" create filed --secret-file "$work/secret"
expect "a secret file that exists is refused" exits 2
expect "and left as it is" test "$(cat "$work/secret")" = "$before"
run "${account[@]}" list --name filed
expect "and nothing was created" test "$(wc -l <"$work/out")" -eq 1
run "${account[@]}" delete "$(sed 's/ .*//' "$work/out")"
done
"$access_token" --base-url "$url" --ca-file "$work/ca.pem" "${account[@]}" create full >/dev/full 2>"$work/err"
status=$?
expect "a secret that stdout does not take is withdrawn" exits 1
expect "which stderr says" err_has 'deleted again'
run "${account[@]}" create used
id=$(field id)
for words in "create closed" "rotate $id" "rotate $id --grace 0s"; do
    : >"$work/out"
    : >"$work/requests"
    # shellcheck disable=SC2086 # split on purpose
    "$access_token" --base-url "$url" --ca-file "$work/ca.pem" "${account[@]}" $words >&- 2>"$work/err"
    status=$?
    expect "${words% *}, stdout closed: exits 1" exits 1
    expect "says so" err_has 'stdout is closed'
    expect "and sends nothing but looks" test "$(grep -vc '^GET' "$work/requests")" -eq 0
    # shellcheck disable=SC2086 # split on purpose
    { sleep 0.3; "$access_token" --base-url "$url" --ca-file "$work/ca.pem" "${account[@]}" $words 2>"$work/err"; echo $? >"$work/status"; } | true
    until [ -s "$work/status" ]; do sleep 0.1; done
    status=$(cat "$work/status")
    rm "$work/status"
    expect "${words% *}, nobody reads stdout: exits 1" exits 1
    expect "and sends nothing but looks" test "$(grep -vc '^GET' "$work/requests")" -eq 0
done
"$access_token" --base-url "$url" --ca-file "$work/ca.pem" "${account[@]}" rotate "$id" --grace 0s >/dev/full 2>"$work/err"
status=$?
expect "a revocation whose secret cannot be shown exits 3" exits 3
expect "says that no secret works" err_has 'none before it works'
expect "and not until when one did" test "$(grep -c 'works until' "$work/err")" -eq 0
expect "nor how a program goes on" test "$(grep -c 'replace_lost\|extend_grace' "$work/err")" -eq 0
run "${account[@]}" create refused-name --duration 1month --secret-file "$work/none"
expect "a bad duration is wrong usage" exits 2
expect "which names the field" err_has 'duration'
expect "and leaves no file" test ! -e "$work/none"

# Issues are settled by themselves, or named.
start_server --fault POST#1=drop-after --fault POST#3=drop-before
run "${account[@]}" issue machine --secret-file "$work/machine"
expect "an issue whose create's response is lost ends well" exits 0
expect "its secret is in the file" grep -q '^CF_ACCESS_CLIENT_SECRET=cfast_' "$work/machine"
expect "and on neither stream" test "$(cat "$work/out" "$work/err" | grep -c cfast_)" -eq 0
expect "the tag is out of the name" out_has '^name: machine$'
run "${account[@]}" issue machine --secret-file "$work/machine"
expect "a secret file that exists is refused" exits 2
run "${account[@]}" issue second --secret-file "$work/second" --deadline 1
expect "an issue whose create came to nothing creates again, and ends well" exits 0
expect "its secret is in the file" grep -q '^CF_ACCESS_CLIENT_SECRET=cfast_' "$work/second"
run "${account[@]}" reconcile
expect "reconcile finds nothing to settle" exits 0
run "${account[@]}" issue third --secret-file "$work/no-such-directory/third"
expect "an issue whose sink cannot take a secret exits 1" exits 1
expect "and says which" err_has 'no-such-directory'
run "${account[@]}" list
expect "and sends nothing: the two tokens are there" test "$(wc -l <"$work/out")" -eq 2

# Rotation and renewal.
start_server --fault PUT#1=drop-after --fault PUT#3=drop-after
run "${account[@]}" issue renewed --secret-file "$work/renewed" # its PUT#1 is the rename, which is sent again
id=$(field id)
run "${account[@]}" rotate "$id" --grace 1h
expect "a rotation whose response is lost exits 3" exits 3
expect "and tells until when the secret in use works" err_has 'works until 20'
run "${account[@]}" renew "$id" --secret-file "$work/renewed"
expect "whose file then holds a secret that is not the last: it is lost" exits 3
expect "as is told, with the time" err_has 'is lost; the one in use works until 20'
run "${account[@]}" issue short --duration 9s --secret-file "$work/short"
id=$(field id)
sleep 6.1
run "${account[@]}" renew "$id" --secret-file "$work/short"
expect "a token in the last third of its life is renewed" exits 0
expect "by a refresh" err_has "^refreshed: $id"
run "${account[@]}" renew "$id" --secret-file "$work/secret"
expect "a token that the file does not hold is not renewed" exits 2

# One format of the secret file: each command goes on where another ended.
start_server
mkdir -p "$work/dir"
f=(--secret-file "$work/dir/one")
run "${account[@]}" create one "${f[@]}"
id=$(field id)
run "${account[@]}" rotate "$id" "${f[@]}"
expect "rotate goes on with the file of create" exits 0
expect "which holds the next secret then" grep -q '^CF_ACCESS_CLIENT_SECRET_VERSION=2$' "$work/dir/one"
expect "and stdout does not" test "$(grep -c cfast_ "$work/out")" -eq 0
run "${account[@]}" get "$id"
expect "the grace is a day where none is given" test "$(($(date -d "$(field previous_client_secret_expires_at)" +%s) - $(date +%s)))" -gt 86000
run "${account[@]}" renew "${f[@]}"
expect "renew goes on with it, and needs no ID" exits 0
expect "with a line a token" out_has "^$id  fresh "
run "${account[@]}" rotate "$id" "${f[@]}" --grace 0s
expect "a grace of 0s revokes on purpose" exits 0
run "${account[@]}" rotate "$id" --grace 10m # its secret is on stdout: the file has lost its own
run "${account[@]}" rotate "$id" "${f[@]}"
expect "a loss exits 3" exits 3
expect "and names what to type" err_has "access-token rotate $id --secret-file $work/dir/one --replace-now"
run "${account[@]}" status "${f[@]}"
expect "status exits 3" exits 3
expect "and shows it" out_has "^$id  lost "
run "${account[@]}" renew --secret-dir "$work/dir"
expect "renew exits 3" exits 3
expect "and names what to type" err_has "access-token renew --secret-dir $work/dir --replace-lost"
run "${account[@]}" renew --secret-dir "$work/dir" --replace-lost
expect "which replaces it" exits 0
run "${account[@]}" status --secret-dir "$work/dir" --output json
expect "then status exits 0" exits 0
expect "in JSON, too" out_has "\"id\":\"$id\",\"state\":\"fresh\""
before=$(cat "$work/dir/one") sent=$(wc -l <"$work/requests")
run "${account[@]}" create two "${f[@]}"
expect "create refuses a file that is there" exits 2
run "${account[@]}" rotate f174e90a-fafe-4643-bbbc-4a0ed4fc8415 "${f[@]}"
expect "rotate refuses the file of another token" exits 2
run "${account[@]}" rotate "$id" "${f[@]}" --grace 1m
expect "a grace below five minutes is wrong usage" exits 2
expect "nothing of that was sent" test "$(wc -l <"$work/requests")" -eq "$sent"
expect "and the file is as it was" test "$(cat "$work/dir/one")" = "$before"
run "${account[@]}" update "$id" --disable
run "${account[@]}" renew "${f[@]}"
expect "a disabled token exits 3" exits 3
expect "and is named" err_has "$id is disabled"
run "${account[@]}" delete "$id"
run "${account[@]}" renew "${f[@]}"
expect "a deleted one, too" exits 3
expect "and is named" err_has "$id is missing"
run "${account[@]}" create watched --duration 6s --secret-file "$work/watched"
id=$(field id)
echo mine >"$work/victim"
ln -s victim "$work/.status.new"
start_run "${account[@]}" renew --secret-file "$work/watched" --watch --status-file "$work/status"
await err_has "^refreshed: $id"
expect "a watch refreshes what falls due" err_has "^refreshed: $id"
await grep -qs '"refreshed":true' "$work/status"
expect "its status file says so" grep -q '"refreshed":true' "$work/status"
expect "and shows no secret" test "$(grep -c cfast_ "$work/status")" -eq 0
expect "it is a file of its own" test ! -L "$work/status"
expect "and a planted link is not followed" test "$(cat "$work/victim")" = mine
kill -TERM $running
wait $running
status=$?
expect "SIGTERM ends it in order" exits 0

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
start_server --fault POST#1=reset-after --fault POST#2=drop-before --fault POST#3=respond-before:429: \
    --fault POST#5=truncate:250 --fault POST#6=respond-after:502:oops --fault GET#1=drop-after
run "${account[@]}" create lost
expect "a create whose response is lost exits 3" exits 3
expect "and names what may be left" err_has 'a service token named "lost" may exist'
run "${account[@]}" list --name lost
expect "a list is tried again after a lost response" exits 0
expect "the lost token is there once" test "$(wc -l <"$work/out")" -eq 1
run "${account[@]}" create dropped
expect "a create that the server may have seen exits 3" exits 3
run "${account[@]}" create limited
expect "a create is sent again after a 429" exits 0
run "${account[@]}" create cut
expect "a create whose response is cut exits 3" exits 3
expect "no part of the secret is shown" test "$(cat "$work/out" "$work/err" | grep -c cfast_)" -eq 0
run "${account[@]}" create bad-gateway
expect "a create that meets a 502 exits 3" exits 3
start_server --fault POST=gzip
run "${account[@]}" create packed --secret-file "$work/packed"
expect "a create's response in gzip exits 3" exits 3
expect "and says gzip" err_has gzip
expect "and shows none of it" test "$(grep -c 'cfast_\|client_id\|?????' "$work/err")" -eq 0
expect "and names what is left" err_has 'a service token named "packed"'
expect "it was sent once" test "$(requests POST)" -eq 1
for wait in 4294967300 99999999999 99999999999999999999 'Fri, 31 Dec 9999 23:59:59 GMT' 3600; do
    start_server --fault "POST=retry-after:$wait"
    run "${account[@]}" create limited
    expect "a wait of $wait exits 1" exits 1
    expect "after one request" test "$(requests POST)" -eq 1
done
start_server --fault '*=bare-status'
run "${account[@]}" create bare
expect "a status line without a reason is taken" exits 0
expect "and its secret" out_has '^client_secret: cfast_'
start_server --fault POST=delay:3000
run "${account[@]}" create slow --deadline 1
expect "a create past its deadline exits 3" exits 3
kill $server
wait $server 2>/dev/null
run "${account[@]}" create unreachable --deadline 2
expect "an unreachable server exits 1" exits 1
start_server
plain_url=$url url=${url/127.0.0.1/localhost.}
run "${account[@]}" list
expect "a dot may end the host's name" exits 0
url=$plain_url
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

# The environment: a variable that is empty is not set.
start_server
CLOUDFLARE_API_TOKEN='' CLOUDFLARE_EMAIL=a@b.example CLOUDFLARE_API_KEY=0badc0de run "${account[@]}" list
expect "an empty API token leaves it to e-mail and key" exits 0
CLOUDFLARE_ACCOUNT_ID='' CLOUDFLARE_ZONE_ID=0123456789abcdef0123456789abcdef run list
expect "an empty account leaves it to the zone" exits 0
CLOUDFLARE_ACCOUNT_ID='' CLOUDFLARE_ZONE_ID='' run list
expect "an empty scope is no scope" exits 2
mkdir "$work/home" "$work/elsewhere"
for state in '' state ./state; do
    rm -rf "$work/home/.local"
    (cd "$work/elsewhere" && HOME=$work/home XDG_STATE_HOME=$state "$access_token" --base-url "$url" \
        --ca-file "$work/ca.pem" "${account[@]}" issue ci --secret-file "$work/home/ci" >"$work/out" 2>"$work/err")
    status=$?
    expect "issue with XDG_STATE_HOME='$state' exits 0" exits 0
    expect "and keeps its log below HOME" test -e "$work/home/.local/state/access-token/intents"
    expect "and nothing in the current directory" test -z "$(ls -A "$work/elsewhere")"
    rm -f "$work/home/ci"
done
for home in '' home; do
    XDG_STATE_HOME='' HOME=$home run "${account[@]}" issue ci --secret-file "$work/home/ci"
    expect "HOME='$home' and no XDG_STATE_HOME is wrong usage" exits 2
done

# Proxies.
start_proxy() { # its behaviour
    kill $proxy 2>/dev/null
    : >"$work/port"
    "$helpers/connect_proxy" "$work/connects" "$@" >"$work/port" &
    proxy=$!
    until [ -s "$work/port" ]; do kill -0 $proxy && sleep 0.05 || exit 1; done
    port=$(cat "$work/port")
}
start_proxy
for way in "127.0.0.1:$port" "HTTP://127.0.0.1:$port" "http://127.0.0.1:$port/" "http://@127.0.0.1:$port"; do
    start_proxy && way=$(sed "s/:[0-9]\\+/:$port/" <<<"$way")
    https_proxy=$way run "${account[@]}" list
    expect "https_proxy=$way exits 0" exits 0
    expect "and goes through the proxy" proxy_has '^CONNECT 127.0.0.1:'
    expect "without a password" test "$(grep -ci authorization "$work/connects")" -eq 0
done
for who in user@dXNlcjo= us%20er:p%3aw@dXMgZXI6cDp3 user:@dXNlcjo=; do
    start_proxy
    https_proxy='' HTTPS_PROXY=http://${who%%@*}@127.0.0.1:$port run "${account[@]}" list
    expect "a proxy for ${who%%@*} exits 0" exits 0
    expect "and is told who comes" proxy_has "^Proxy-Authorization: Basic ${who#*@}$"
done
start_proxy
for bad in "http://us%3Aer:pw@127.0.0.1:$port" "http://us%0Aer:pw@127.0.0.1:$port" "socks5h://user:pw@127.0.0.1:$port" \
    "https://user:pw@127.0.0.1:$port" "http://user:pw@127.0.0.1:" "http://user:pw@127.0.0.1:$port/x"; do
    https_proxy=$bad run "${account[@]}" create ci --secret-file "$work/no-file"
    expect "https_proxy=$bad is wrong usage" exits 2
    expect "which names the variable" err_has 'https_proxy: '
    expect "and shows no password" test "$(grep -c pw "$work/err")" -eq 0
    expect "and leaves no file" test ! -e "$work/no-file"
    https_proxy=$bad no_proxy=127.0.0.0/8 run "${account[@]}" list
    expect "https_proxy=$bad is no error where no_proxy takes the host out" exits 0
done
expect "and the proxy saw nothing" test ! -s "$work/connects"
server_port=$(sed 's|.*:\([0-9]*\)/.*|\1|' <<<"$url")
for list in 'localhost 127.0.0.1 example.com' $'localhost\t127.0.0.1' 127.0.0.0/8 '*' "127.0.0.1:$server_port" '::ffff:127.0.0.1'; do
    https_proxy=127.0.0.1:$port no_proxy=$list run "${account[@]}" list
    expect "no_proxy='$list' exits 0" exits 0
    expect "and goes past the proxy" test ! -s "$work/connects"
done
for list in 0.0.1 .0.0.1 '*.0.0.1' 128.0.0.0/8 127.0.0.1:1 example; do
    start_proxy
    https_proxy=127.0.0.1:$port no_proxy=$list NO_PROXY='*' run "${account[@]}" list
    expect "no_proxy='$list' exits 0" exits 0
    expect "and goes through the proxy" proxy_has '^CONNECT'
done

start_proxy 407
https_proxy=127.0.0.1:$port run "${account[@]}" create refused --secret-file "$work/no-file"
expect "a proxy that wants other credentials exits 1" exits 1
expect "after one CONNECT" test "$(grep -c '^CONNECT' "$work/connects")" -eq 1
expect "says 407" err_has 407
expect "and leaves no file" test ! -e "$work/no-file"

# Credentials do not cross a network in clear.
start_server --plain
for host in 0.0.0.0 api.example 192.0.2.1 127.0.0.1.example localhost.example; do
    plain_url=$url url=${url/127.0.0.1/$host}
    run "${account[@]}" create ci --secret-file "$work/no-file" --deadline 1
    expect "http to $host is wrong usage" exits 2
    expect "which names the option" err_has '--allow-insecure-http'
    CLOUDFLARE_BASE_URL=$url "$access_token" "${account[@]}" issue ci --secret-file "$work/no-file" >"$work/out" 2>"$work/err"
    status=$?
    expect "also from the environment" exits 2
    url=$plain_url
done
expect "and nothing is sent" test ! -s "$work/requests"
url=${plain_url/127.0.0.1/0.0.0.0}
run "${account[@]}" list --allow-insecure-http
expect "unless it is allowed" exits 0
for host in 127.0.0.1 localhost 127.1.2.3; do
    url=${plain_url/127.0.0.1/$host}
    run "${account[@]}" list --deadline 2
    expect "http to $host needs no permission" test "$status" -ne 2
done

# Nothing that a name or a message holds steers a terminal, or deceives who reads it.
hidden() { LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xf3\xa0' "$@"; }
is_clean() { ! hidden "$work/out" && ! hidden "$work/err" && iconv -f UTF-8 -t UTF-8 "$work/out" "$work/err" >/dev/null 2>&1; }
bad_name=$'a\x01\x1b[31m\x7f\xc2\x85\xc2\x9b\xd8\x9c\xe2\x80\x8b\xe2\x80\x8e\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa0\xef\xbb\xbf\xf3\xa0\x81\x81\xc3\xa9'
start_server --fault POST#2=drop-after
run "${account[@]}" create "$bad_name"
expect "a name may hold anything" exits 0
expect "create shows a clean name" is_clean
expect "and what is no danger in it" out_has $'\xc3\xa9$'
id=$(field id)
run "${account[@]}" create "$bad_name"
expect "what is left behind" err_has 'left behind: a service token named'
expect "is named cleanly" is_clean
for output in text json; do
    run "${account[@]}" list --output $output
    expect "list in $output is clean" is_clean
    run "${account[@]}" get "$id" --output $output
    expect "get in $output is clean" is_clean
done
for escape in '\\u0001' '\\u001b' '\\u007f' '\\u0085' '\\u009b' '\\u061c' '\\u200b' '\\u200e' '\\u2028' '\\u2029' '\\u202e' '\\u2066' '\\u2060' '\\ufeff' '\\udb40\\udc41'; do
    expect "JSON has $escape" out_has "$escape"
done
for body in $'\x9b31m \xc2\x9b31m \xe2\x80\xae \xff\xc2' \
    '{"success":false,"errors":[{"code":1,"message":"x\u009b31m\u202e\u2066\u0001"}],"messages":[],"result":null}' \
    $'{"success":false,"errors":[{"code":1,"message":"x\xe2\x80\xae\xc2\x9b"}],"messages":[{"message":"\xc2\x9by"}],"result":null}'; do
    start_server --fault "GET=respond-before:400:$body"
    run "${account[@]}" list --verbose
    expect "an error that shows ${body//[^a-z]/} exits 1" exits 1
    expect "and is clean" is_clean
done
for output in text env json; do
    start_server --fault 'POST=respond-after:201:{"success":true,"errors":[],"messages":[],"result":{"id":"f174e90a-fafe-4643-bbbc-4a0ed4fc8415","client_id":"a\u009b.access","client_secret":"a\u001b[31m\nb","name":"n"}}'
    run "${account[@]}" create n --output $output
    expect "a secret that cannot be shown in $output" is_clean
    [ $output = json ] && expect "is escaped" out_has 'a\\u001b\[31m\\nb' || expect "is not" out_is_empty
done
for words in $'frobnicate\x9b\xc2\x9b' $'get \xe2\x80\xae' $'--ca-file \xc2\x9b list' $'--no\xe2\x80\xaesuch list' $'create x --secret-file /no/\xc2\x9b\xe2\x80\xa8'; do
    # shellcheck disable=SC2086 # split on purpose
    "$access_token" --base-url "$url" "${account[@]}" $words >"$work/out" 2>"$work/err"
    status=$?
    expect "wrong usage" test "$status" -ne 0
    expect "is told cleanly" is_clean
done

# Signals. The server has acted, or not, and does not respond.
saw() { [ "$(requests "$1")" -ge "$2" ]; }
stop_run() { # a signal; a second one where a request is waited for
    kill -"$1" $running
    await err_has 'stopping' && kill -"$1" $running
    wait $running
    status=$?
}
for signal in INT TERM HUP; do
    for hang in hang-after hang-before; do
        start_server --fault POST#1=$hang --fault POST#2=$hang --fault PUT#1=$hang
        for file in '' "--secret-file $work/stopped"; do
            before=$(requests POST)
            # shellcheck disable=SC2086 # split on purpose
            start_run "${account[@]}" create stopped $file
            await saw POST $((before + 1))
            stop_run $signal
            expect "SIG$signal, $hang: create $file exits 3" exits 3
            expect "and says what may be left" err_has 'left behind: a service token named "stopped" may exist'
            expect "and leaves no file" test ! -e "$work/stopped"
        done
        run "${account[@]}" create stopped --secret-file "$work/stopped"
        expect "the same command again exits 0" exits 0
        id=$(field id)
        rm "$work/stopped"
        start_run "${account[@]}" rotate "$id" --grace 24h --secret-file "$work/stopped"
        await saw PUT 1
        stop_run $signal
        expect "SIG$signal, $hang: rotate exits 3" exits 3
        expect "and names the token" err_has "left behind: the secret of $id may have been rotated"
        expect "and leaves no file" test ! -e "$work/stopped"
        [ $hang = hang-after ] && again=--replace-now || again=
        run "${account[@]}" rotate "$id" --grace 24h --secret-file "$work/stopped" $again
        expect "the same command again exits 0" exits 0
        rm "$work/stopped"

        start_server --fault POST#1=$hang
        start_run "${account[@]}" issue stopped --secret-file "$work/stopped" --intents "$work/intents-$signal-$hang"
        await saw POST 1
        stop_run $signal
        expect "SIG$signal, $hang: issue exits 3" exits 3
        expect "and names reconcile" err_has 'reconcile'
        expect "and leaves no file" test ! -e "$work/stopped"
        expect "and no token that its log does not name" \
            grep -q "$(sed -n 's/.*intent \([^ ]*\) stays open.*/\1/p' "$work/err")" "$work/intents-$signal-$hang"
        run "${account[@]}" issue stopped --secret-file "$work/stopped" --intents "$work/intents-$signal-$hang"
        expect "the same command again exits 0" exits 0
        rm "$work/stopped"
    done
done
start_server --fault PUT#2=hang-after # the first is the issue's rename
run "${account[@]}" issue stopped --secret-file "$work/stopped"
id=$(field id)
before=$(cat "$work/stopped")
sleep 1.1
start_run "${account[@]}" renew "$id" --secret-file "$work/stopped" --rotate-after 1s --grace 24h
await saw PUT 2
stop_run TERM
expect "SIGTERM: renew exits 3" exits 3
expect "and names the token" err_has "left behind: the secret of $id may have been rotated"
expect "and leaves the file as it was" test "$(cat "$work/stopped")" = "$before"

start_server --fault POST#1=delay:1000
start_run "${account[@]}" create patient --secret-file "$work/patient"
await saw POST 1
kill -INT $running
wait $running
status=$?
expect "after one signal a response that comes soon is waited for" exits 0
expect "and its secret kept" grep -q '^CF_ACCESS_CLIENT_SECRET=cfast_' "$work/patient"
start_server --fault POST=hang-after
start_run "${account[@]}" create patient
await saw POST 1
kill -INT $running
wait $running
status=$?
expect "but not for long" exits 3

start_proxy silent
https_proxy=127.0.0.1:$port start_run "${account[@]}" create unsent --secret-file "$work/unsent"
await proxy_has '^CONNECT'
stop_run INT
expect "a signal before anything was sent exits 1" exits 1
expect "leaves no file" test ! -e "$work/unsent"
expect "and nothing behind" test "$(grep -c 'left behind' "$work/err")" -eq 0
start_server --fault GET=hang-after
start_run "${account[@]}" list
await saw GET 1
kill -INT $running
wait $running
status=$?
expect "a list ends at the first signal" exits 1
expect "without waiting" test "$(grep -c stopping "$work/err")" -eq 0

# Issues by a key of the caller's: asked again, one token.
intents=(--intents "$work/keyed-log")
one_token() { run "${account[@]}" list && [ "$(wc -l <"$work/out")" -eq "${1:-1}" ]; }
held_id() { sed -n 's/^CF_ACCESS_TOKEN_ID=//p' "$1"; }
start_server
run "${account[@]}" issue keyed --key 'job 17/é' --secret-file "$work/keyed" "${intents[@]}" --duration 90m
expect "issue --key exits 0" exits 0
id=$(field id) before=$(wc -l <"$work/requests")
run "${account[@]}" issue keyed --key 'job 17/é' --secret-file "$work/keyed" "${intents[@]}"
expect "asked again it exits 0" exits 0
expect "gives the same token" test "$(field id)" = "$id"
expect "says so" err_has 'already issued'
expect "and sends nothing" test "$(wc -l <"$work/requests")" -eq "$before"
for words in "issue keyed --key other" "issue keyed --key job" "issue keyed"; do
    # shellcheck disable=SC2086 # split on purpose
    run "${account[@]}" $words --secret-file "$work/keyed" "${intents[@]}"
    expect "$words into a file that holds something else exits 2" exits 2
    expect "names the file" err_has "$work/keyed"
done
printf 'mine\n' >"$work/mine"
grep -v TOKEN_TAG "$work/keyed" | grep -v TOKEN_KEY >"$work/by-hand"
run "${account[@]}" issue unkeyed --secret-file "$work/unkeyed" "${intents[@]}"
for file in mine by-hand unkeyed; do
    content=$(cat "$work/$file")
    run "${account[@]}" issue keyed --key k --secret-file "$work/$file" "${intents[@]}"
    expect "issue --key: a file ($file) that holds something else exits 2" exits 2
    expect "and it stays as it is" test "$(cat "$work/$file")" = "$content"
done
expect "nothing of that was sent" test "$(requests POST)" -eq 2
run "${account[@]}" issue keyed --key k --secret-file "$work/no-directory/x" "${intents[@]}"
expect "a directory that is missing exits 1" exits 1
expect "and is named" err_has 'no-directory'

start_server --fault POST=delay:300 --fault PUT=delay:300
for words in "issue twice --key k" "ensure twice-ensured"; do
    file=$work/${words##* }-two
    for n in 1 2 3; do
        # shellcheck disable=SC2086 # split on purpose
        "$access_token" --base-url "$url" --ca-file "$work/ca.pem" "${account[@]}" $words --secret-file "$file" "${intents[@]}" \
            >"$work/out-$n" 2>"$work/err-$n" &
        pids[n]=$!
    done
    before=$(requests POST)
    for n in 1 2 3; do
        wait "${pids[n]}"
        status=$?
        expect "$words, three at once: exits 0" exits 0
        expect "and shows the token of the file" grep -q "^id: $(held_id "$file")$" "$work/out-$n"
    done
done
expect "each made one token" one_token 2

# A process that is killed: the same command again works, and one token is there.
kill_at() { # METHOD COUNT, then the program's arguments: killed when the server has seen so many
    local method=$1 count=$2
    shift 2
    start_run "$@"
    await saw "$method" "$count"
    kill -9 $running
    wait $running 2>/dev/null
}
for words in "issue killed --key k" "ensure killed" "issue killed"; do
    for moment in POST=hang-before POST=hang-after POST=delay:400 PUT=hang-before PUT=hang-after; do
        start_server --fault "${moment/=/#1=}"
        rm -f "$work/killed" "$work/killed-log"*
        again=("${account[@]}" --secret-file "$work/killed" --intents "$work/killed-log")
        # shellcheck disable=SC2086 # split on purpose
        kill_at "${moment%%=*}" 1 $words "${again[@]}"
        # shellcheck disable=SC2086 # split on purpose
        run $words "${again[@]}"
        expect "$words killed at $moment: the same command again exits 0" exits 0
        id=$(field id)
        expect "and shows the token of the file" test "$id" = "$(held_id "$work/killed")"
        [ "$words" = "issue killed" ] && run reconcile "${account[@]}" --intents "$work/killed-log" --min-age 0s --gone-age 0s
        expect "and there is one token" one_token
        expect "which is the file's" out_has "^$id .* killed$"
        expect "and no other file holds a secret" test "$(grep -ls '^CF_ACCESS_CLIENT_SECRET=' "$work"/.killed* "$work"/killed* | wc -l)" -eq 1
    done
done
for words in "issue stopped --key k" "ensure stopped"; do
    for signal in INT TERM; do
        for moment in POST=hang-before POST=hang-after PUT=hang-after GET=hang-after; do
            start_server --fault "${moment/=/#1=}"
            rm -f "$work/stopped" "$work/stopped-log"*
            again=("${account[@]}" --secret-file "$work/stopped" --intents "$work/stopped-log")
            # shellcheck disable=SC2086 # split on purpose
            [ $moment = GET=hang-after ] && kill_at POST 1 $words "${again[@]}" --base-url "$url" && rm -f "$work/stopped"
            # shellcheck disable=SC2086 # split on purpose
            start_run $words "${again[@]}"
            await saw "${moment%%=*}" 1 || break
            stop_run $signal
            case $moment in
            POST*) expect "SIG$signal at $moment: $words exits 3" exits 3 && expect "and names the intent" err_has 'stays open' ;;
            PUT*) expect "SIG$signal at $moment: the secret is stored, $words exits 0" exits 0 ;;
            GET*) expect "SIG$signal at $moment: $words exits 3" exits 3 && expect "and names the intent" err_has 'left open: intent' ;;
            esac
            # shellcheck disable=SC2086 # split on purpose
            run $words "${again[@]}"
            expect "the same command again exits 0" exits 0
            expect "and there is one token" one_token
            rm -f "$work/stopped"
        done
    done
done

# ensure: each state of the file and of its token.
ensure=(ensure ensured "${account[@]}" --secret-file "$work/ensured" --intents "$work/ensure-log")
start_server
run "${ensure[@]}" --duration 2h
expect "ensure without a file issues" exits 0
id=$(field id)
before=$(cat "$work/ensured")
run "${ensure[@]}"
expect "ensure of a token that works exits 0" exits 0
expect "shows it" test "$(field id)" = "$id"
expect "changes nothing" test "$(requests POST) $(requests PUT) $(requests DELETE)" = "1 1 0"
expect "not in the file either" test "$(cat "$work/ensured")" = "$before"
printf '# a line of mine\n' >>"$work/ensured"
chmod 640 "$work/ensured"
reissued() { # how often in all
    expect "exits 0" exits 0 || return
    expect "with a new token" test "$(field id)" != "$id"
    id=$(field id)
    expect "which the file holds" test "$id" = "$(held_id "$work/ensured")"
    expect "issued once" test "$(requests POST)" -eq "$1"
    expect "other lines stay" grep -q '^# a line of mine$' "$work/ensured"
    expect "and its mode" test "$(stat -c %a "$work/ensured")" = 640
    run "${ensure[@]}"
    expect "and the next time nothing is done" test "$status $(requests POST)" = "0 $1"
}
run "${account[@]}" update "$id" --disable
run "${ensure[@]}"
expect "a disabled token is replaced" err_has "replaces the token $id, which is disabled"
reissued 2
run "${account[@]}" delete "$id"
run "${ensure[@]}"
expect "a deleted token is replaced" err_has "replaces the token $id, which was deleted"
reissued 3
run "${account[@]}" rotate "$id" --grace 1h
run "${ensure[@]}"
expect "a token whose secret is not the file's is replaced" err_has "replaces the token $id, which has a later secret"
reissued 4
run "${account[@]}" update "$id" --duration 1s
sleep 2.1
run "${ensure[@]}"
expect "an expired token is deleted" err_has "deleted the token $id, which had expired"
reissued 5
sed -i 's/VERSION=.*/VERSION=9/' "$work/ensured"
run "${ensure[@]}"
expect "a version that the API does not know yet exits 1" exits 1
sed -i '/VERSION=/d' "$work/ensured"
run "${ensure[@]}"
expect "a file that does not say its version holds a token that works" exits 0
expect "nothing was issued" test "$(requests POST)" -eq 5
for content in '' 'mine'; do
    printf '%s' "$content" >"$work/foreign"
    run ensure ensured "${account[@]}" --secret-file "$work/foreign" --intents "$work/ensure-log"
    expect "a file that holds no token exits 2" exits 2
    expect "and stays as it is" test "$(cat "$work/foreign")" = "$content"
done
for fault in 'GET=respond-before:403:{"success":false,"errors":[{"code":10000,"message":"no"}],"messages":[],"result":null}' GET=drop-before \
    GET=respond-before:502:oops 'GET=respond-before:200:{"success":true,"errors":[],"messages":[],"result":[]}' \
    'GET#1=respond-before:404:{"success":false,"errors":[{"code":12135,"message":"access.api.error.not_found"}],"messages":[],"result":null}'; do
    start_server --fault "$fault"
    rm -f "$work/ensured"
    run "${ensure[@]}"
    before=$(cat "$work/ensured")
    run "${ensure[@]}" --deadline 2
    expect "ensure is not certain with ${fault:0:30}: exits 1" exits 1
    expect "issues no second one" test "$(requests POST)" -eq 1
    expect "leaves the file" test "$(cat "$work/ensured")" = "$before"
done
start_server --set read_permission=false
rm -f "$work/ensured"
run "${ensure[@]}"
run "${ensure[@]}"
expect "an empty list is no reason to issue a second one" test "$status $(requests POST)" = "0 1"

# Strays, and intents of another scope.
start_server
run "${account[@]}" create bystander
run "${account[@]}" create "issue:0123456789abcdef0123456789abcdef lost"
stray=$(field id)
strays=("${account[@]}" --intents "$work/stray-log" --min-age 0s)
sleep 1.1 # the server tells its time in whole seconds
run reconcile "${strays[@]}"
expect "reconcile exits 0" exits 0
expect "and tells of a stray" err_has "^stray: $stray"
expect "on stderr" out_is_empty
run reconcile --strays "${strays[@]}"
expect "--strays lists it" out_has "^$stray "
expect "and nothing else" test "$(wc -l <"$work/out")" -eq 1
expect "and exits 0" exits 0
run reconcile --strays "${account[@]}" --intents "$work/stray-log"
expect "a young token is no stray" out_is_empty
run reconcile --strays "${strays[@]}" --output json
expect "--strays has JSON" out_has "^\[{\"id\":\"$stray\""
run reconcile --strays --delete "${strays[@]}"
expect "--delete deletes it" err_has "^deleted: $stray"
expect "and exits 0" exits 0
expect "and nothing else" one_token
start_server --fault POST#1=hang-after
kill_at POST 1 issue orphan "${account[@]}" --secret-file "$work/orphan" --intents "$work/stray-log"
run reconcile "${zone[@]}" --intents "$work/stray-log" --min-age 0s
expect "intents of another scope are said" err_has 'of another scope.*1 open intents.*--account 023e105f'
expect "and the exit status is 0" exits 0

# What the log holds; no network and no credentials.
local_run() {
    env -u CLOUDFLARE_API_TOKEN "$access_token" "$@" --intents "$work/stray-log" >"$work/out" 2>"$work/err"
    status=$?
}
local_run intents
tag=$(cut -d ' ' -f 1 "$work/out")
expect "intents exits 0" exits 0
expect "lists the open intent" out_has "^$tag  open  20.* account 023e.* \"orphan\"  file $work/orphan"
local_run intents --output json
expect "as JSON, too" out_has "^\[{\"tag\":\"$tag\",\"state\":\"open\""
local_run intents "${zone[@]}"
expect "of one scope where one is given" out_is_empty
local_run intents forget 0123456789abcdef0123456789abcdef
expect "an unknown tag exits 1" exits 1
expect "and is named" err_has '0123456789abcdef0123456789abcdef'
local_run intents forget "$tag"
expect "intents forget exits 0" exits 0
expect "and says what may be left" err_has "a token named \"issue:$tag orphan\" may exist"
local_run intents
expect "it is not listed any more" out_is_empty
local_run intents forget "$tag"
expect "and not forgotten twice" exits 1
sleep 1.1
run reconcile "${strays[@]}"
expect "its token is a stray" err_has '^stray: '
printf 'no log\n' >"$work/no-log"
"$access_token" intents --intents "$work/no-log" >"$work/out" 2>"$work/err"
status=$?
expect "a file that is no log exits 1" exits 1
"$access_token" intents --intents "$work/missing-log" >"$work/out" 2>"$work/err"
status=$?
expect "a log that is not there is empty" exits 0
expect "and is not made" test ! -e "$work/missing-log"

# An option that is another command's, contradicts another or is missing.
start_server
refused() { # the rule, then the program's arguments
    local rule=$1
    shift
    run "${account[@]}" "$@"
    expect "wrong usage: $*" exits 2
    expect "is told by: $rule" err_has "$rule"
    expect "and a command is named" err_has 'access-token [a-z]'
}
f=(--secret-file "$work/option")
id=f174e90a-fafe-4643-bbbc-4a0ed4fc8415
refused 'ensure needs a --secret-file' ensure x
refused 'issue needs a --secret-file' issue x --key k
refused 'ensure takes one argument: NAME' ensure "${f[@]}"
refused 'ensure does not take --key' ensure x "${f[@]}" --key k
refused 'ensure does not take --disabled' ensure x "${f[@]}" --disabled
refused 'ensure does not take --grace' ensure x "${f[@]}" --grace 1h
refused 'raw one does not name it' issue x "${f[@]}" --secret-format raw
refused 'needs either' renew
refused 'needs either' status "${f[@]}" --secret-dir "$work"
refused 'needs --watch' renew "${f[@]}" --status-file "$work/status"
refused '--key must not be empty' issue x "${f[@]}" --key ''
refused '--key must not hold control' issue x "${f[@]}" --key $'a\nb'
refused '--key must be UTF-8' issue x "${f[@]}" --key $'\xff'
refused '--key must be UTF-8' issue x "${f[@]}" --key "$(printf 'k%.0s' {1..201})"
refused '--secret-file must not be empty' create x --secret-file ''
refused '--secret-file and --intents must be two files' issue x "${f[@]}" --intents "$work/./option"
refused '--delete needs --strays' reconcile --delete
refused '--gone-age must not be below --min-age' reconcile --min-age 2h --gone-age 1h
refused 'reconcile does not take --key' reconcile --key k
refused 'list does not take --strays' list --strays
refused 'delete does not take --delete' delete $id --delete
refused 'renew does not take --key' renew $id "${f[@]}" --key k
refused 'create does not take --key' create x --key k
refused '--output env' reconcile --strays --output env
refused '--output env' intents --output env
refused 'intents takes no argument, or: forget TAG' intents remember
refused 'intents forget takes one argument: TAG' intents forget
refused 'intents does not take --min-age' intents --min-age 0s
refused 'deadline must be a number' create x --deadline=-1
refused 'attempts must be a number' create x --attempts=1x
expect "nothing of that was sent" test ! -s "$work/requests"
expect "and no file is left" test ! -e "$work/option"
"$access_token" --help >"$work/out"
for word in ensure 'intents forget TAG' --key --strays --delete; do
    expect "--help tells of $word" out_has "$word"
done

# The process keeps its memory to itself.
chmod 755 "$work" "$work/ca.pem"
nobody=()
[ "$(id -u)" -ne 0 ] || nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
start_server --fault GET=hang-after
(
    ulimit -c unlimited 2>/dev/null
    exec "${nobody[@]}" "$access_token" --base-url "$url" --ca-file "$work/ca.pem" "${account[@]}" list
) >"$work/out" 2>"$work/err" &
running=$!
await saw GET 1
expect "core dumps are off" grep -q '^Max core file size  *0  *0 ' /proc/$running/limits
expect "and its memory belongs to root" test "$(stat -c %u /proc/$running/environ)" -eq 0
kill -9 $running
wait $running 2>/dev/null

# A file system that cannot set space aside, and one that has none.
for code in 95 22 38 28 122; do
    printf 'int posix_fallocate(int f, long o, long n) { return %s; }\nint posix_fallocate64(int f, long o, long n) { return %s; }\n' \
        $code $code | cc -shared -fPIC -x c -o "$work/shim.so" - 2>/dev/null || break
    start_server
    LD_PRELOAD=$work/shim.so ASAN_OPTIONS=verify_asan_link_order=0 run "${account[@]}" create ci --secret-format raw --secret-file "$work/allocated-$code"
    case $code in
    28 | 122)
        expect "no space left is wrong usage" exits 2
        expect "and is named" err_has '([DN].*)$'
        expect "nothing is sent" test "$(requests POST)" -eq 0
        expect "and no file is left" test ! -e "$work/allocated-$code"
        ;;
    *)
        expect "without fallocate ($code) create exits 0" exits 0
        expect "and its file holds the secret alone" test "$(wc -c <"$work/allocated-$code")" -eq 55
        ;;
    esac
done

# A look-up that hangs ends with its call. (Where this user may have a name server of its own.)
if unshare -m true 2>/dev/null && printf 'nameserver 127.0.0.53\noptions timeout:6 attempts:2\n' >"$work/resolv.conf"; then
    "$helpers/silent_name_server" 127.0.0.53 >"$work/bound" 2>/dev/null &
    name_server=$!
    await test -s "$work/bound"
    begin=$SECONDS
    unshare -m sh -c 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"' sh "$work/resolv.conf" \
        "$access_token" --base-url https://hangs.example --deadline 2 "${account[@]}" list >"$work/out" 2>"$work/err"
    status=$?
    expect "a look-up that hangs exits 1" exits 1
    expect "by the deadline" err_has 'deadline'
    expect "and the process ends then" test $((SECONDS - begin)) -le 5
    kill $name_server 2>/dev/null
fi

[ $failures -eq 0 ] && echo "all as promised"
exit $failures
