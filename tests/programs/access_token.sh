#!/bin/bash
# access-token as people use it: help, formats, names, the secret file as JSON; see examples.sh for what it promises.
# Usage: access_token.sh ACCESS_TOKEN SANDBOX_SERVER
set -u
access_token=$(realpath "$1") sandbox_server=$(realpath "$2")
work=$(mktemp -d)
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
# shellcheck source=tests/programs/run_access_token.sh
. "$(dirname "$0")/run_access_token.sh"
export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config
unset NO_COLOR GITHUB_ENV GITHUB_OUTPUT CLOUDFLARE_AUTH_PROFILE

# With no server and no credentials.
url=https://127.0.0.1:1
bare() { env -u CLOUDFLARE_API_TOKEN "$access_token" "$@" >"$work/out" 2>"$work/err" && status=0 || status=$?; }
commands=$("$access_token" --help | sed -n 's/^  \([a-z]*\)\( .*\)\?$/\1/p' | sort -u)
expect "help names the commands" test "$(wc -w <<<"$commands")" -ge 15
for command in $commands; do
    bare "$command" --help
    expect "$command --help exits 0" exits 0
    expect "and says how to type it" out_has "^Usage: access-token $command"
    expect "and the exit statuses" out_has '^Exit status: 0 done; 1 '
    expect "and gives an example" out_has "^  access-token $command"
    expect "and says nothing on stderr" test ! -s "$work/err"
    cp "$work/out" "$work/help"
    bare help "$command"
    expect "help $command is the same" cmp -s "$work/out" "$work/help"
    bare "$command" -h
    expect "$command -h is the same" cmp -s "$work/out" "$work/help"
done
bare help
cp "$work/out" "$work/help"
bare --help
expect "help and --help are the same" cmp -s "$work/out" "$work/help"
bare version
expect "version exits 0" exits 0
expect "and shows it" out_has '^access-token [0-9]'
bare create --help
expect "the help of create has no option of renew" test "$(grep -c -- '--watch' "$work/out")" -eq 0
unknown() { # what it is taken for, then arguments
    local meant=$1
    shift
    bare "$@"
    expect "$*: wrong usage" exits 2
    expect "is taken for $meant" err_has "did you mean $meant?"
    expect "and a command is named" err_has 'access-token [a-z]'
}
unknown create creat x
unknown create help craete
unknown --name list --nam x
unknown --secret-file create x --secretfile y
unknown yaml list -o yml
unknown json create x --secret-file f --secret-format jsn
unknown wrangler create x -o env --env-names wranglr
unknown bash completion bsh
unknown forget intents forgt x
touch "$work/some.env"
unknown "--secret-file $work/some.env" status "$work/some.env"
unknown "--secret-dir $work" renew "$work"
wrong() { # what is said, then arguments: a command to type is named, too
    local said=$1
    shift
    bare "$@"
    expect "$*: wrong usage" exits 2
    expect "says: $said" err_has "$said"
    expect "and names a command" err_has 'access-token [a-z]'
}
wrong 'no such option: -z;.*access-token list --help' list -z
wrong 'no such option: --frob;.*access-token list --help' list --frob=1
wrong '--search needs a value: STRING' list --search
wrong '--quiet takes no value' list --quiet=1
wrong 'access-token help' frobnicate
wrong 'no credentials: .*access-token doctor' list "${account[@]}"
wrong 'access-token doctor' list --account x
wrong 'access-token doctor' list --base-url x "${account[@]}"
bare frobnicate
expect "a word that is near none is taken for none" test "$(grep -c 'did you mean' "$work/err")" -eq 0
bare list --output yaml --frob
expect "what is wrong with a command comes before what is missing" err_has 'no such option: --frob'
bare create x --grace 1h
expect "a command's help is named" err_has 'access-token create --help'
bare create x --duration 1month
expect "a duration is explained by examples" err_has '30d or 1y'
bare update f174e90a-fafe-4643-bbbc-4a0ed4fc8415
expect "an update without a change names the options" err_has 'give --name, --duration, --enable or --disable'
CF_API_TOKEN=x bare list --account 023e105f4ecef8ad9ca31a8372d0c353
expect "an old name of a variable is named" err_has 'CF_API_TOKEN is set, an old name'
for words in "list --namespace web" "create x --namespace web -o env" "list --env-names wrangler" "create x --namespace Web -o kubernetes" \
    "create x -o github" "list -o github" "get x -o kubernetes" "list --quiet --verbose" "create x --secret-format json" \
    "renew --secret-dir $work --secret-format env" "ensure x --secret-file f --secret-format raw"; do
    # shellcheck disable=SC2086 # split on purpose
    bare $words "${account[@]}"
    expect "wrong usage: $words" exits 2
    expect "names a command: $words" err_has 'access-token [a-z]'
done

# The page has the options that there are, and each command's row its own.
page=$(dirname "$0")/../../examples/access_token/README.md
options_in() { grep -o -- '--[a-z][a-z-]*' | sort -u; }
expect "the page tells of each option, and of no other" \
    test "$(sed '/meson/d' "$page" | options_in)" = "$("$access_token" --help | options_in)"
rows=0
for command in $commands; do
    row=$(grep "^| \`$command[ \`]" "$page" | sed 's/[^\]|.*//2' | options_in)
    [ -n "$row" ] || continue
    rows=$((rows + 1))
    own=$("$access_token" "$command" --help | sed -n '/^Options/,/^Output/s/^  \(-., \)\?\(--[a-z-]*\).*/\2/p' | grep -vx -e --intents -e --yes | sort -u)
    expect "the row of $command has its options" test "$row" = "$own"
done
expect "rows were found" test $rows -ge 9

# Formats.
start_server
run "${account[@]}" create ci -o kubernetes --namespace web --duration 1y
expect "-o kubernetes exits 0" exits 0
expect "is a manifest" out_has '^kind: Secret$'
expect "with the namespace" out_has '^  namespace: "web"$'
expect "and the secret" out_has '^  CF_ACCESS_CLIENT_SECRET: "cfast_'
run "${account[@]}" list -o json
expect "1y is 8760h" out_has '"duration":"8760h"'
id=$(sed 's/.*"id":"\([^"]*\)".*/\1/' "$work/out")
run "${account[@]}" list -o id
expect "-o id" test "$(cat "$work/out")" = "$id"
run "${account[@]}" list -o name
expect "-o name" test "$(cat "$work/out")" = ci
run "${account[@]}" list -o table
expect "-o table has a header" out_has '^NAME  *ID  *CLIENT ID  *STATE  *EXPIRES  *LAST USED$'
expect "and the client id" out_has "^ci    $id  [0-9a-f]*\.access  enabled  20"
run "${account[@]}" get "$id" -o yaml
expect "-o yaml" out_has "^id: \"$id\"$"
for program in access:CF_ACCESS_CLIENT wrangler:CLOUDFLARE_ACCESS_CLIENT cloudflared:TUNNEL_SERVICE_TOKEN; do
    run "${account[@]}" rotate "$id" --replace-now -o env --env-names ${program%%:*}
    expect "the names of ${program%%:*}" out_has "^${program##*:}_SECRET=cfast_"
    expect "both" out_has "^${program##*:}_ID=.*\.access$"
done
export GITHUB_ENV=$work/github-env GITHUB_OUTPUT=$work/github-output
run "${account[@]}" ensure gh --secret-file "$work/gh" -o github --env-names wrangler
expect "-o github exits 0" exits 0
secret=$(sed -n 's/^CF_ACCESS_CLIENT_SECRET=//p' "$work/gh")
expect "stdout is the mask and nothing else" test "$(cat "$work/out")" = "::add-mask::$secret"
expect "stderr has no secret" test "$(grep -c cfast_ "$work/err")" -eq 0
for file in "$GITHUB_ENV" "$GITHUB_OUTPUT"; do
    expect "the job's files have it" grep -qx "CLOUDFLARE_ACCESS_CLIENT_SECRET=$secret" "$file"
    expect "and the id" grep -q '^CLOUDFLARE_ACCESS_CLIENT_ID=.*\.access$' "$file"
done
run "${account[@]}" ensure gh --secret-file "$work/gh" -o github --env-names wrangler
expect "a second time it is appended" test "$(wc -l <"$GITHUB_ENV")" -eq 4
before=$(requests POST)
GITHUB_ENV=$work/no/such run "${account[@]}" create x -o github
expect "a file that cannot be written is refused" exits 2
expect "before anything is sent" test "$(requests POST)" -eq "$before"
unset GITHUB_ENV GITHUB_OUTPUT
run "${account[@]}" ensure gh --secret-file "$work/gh" -o kubernetes
expect "ensure reads the secret for a manifest" out_has "^  CF_ACCESS_CLIENT_SECRET: \"$secret\"$"

# A secret file as JSON: each command goes on where another ended.
f=(--secret-file "$work/json")
is_json() { [ "$(head -c 1 "$1")" = '{' ] && [ "$(tail -c 2 "$1")" = '}' ]; }
version() { sed -n 's/.*"client_secret_version":\([0-9]*\).*/\1/p' "$work/json"; }
for maker in "create one" "issue one" "issue one --key k" "ensure one"; do
    rm -f "$work/json"
    # shellcheck disable=SC2086 # split on purpose
    run "${account[@]}" $maker "${f[@]}" --secret-format json
    expect "$maker --secret-format json exits 0" exits 0
    id=$(field id)
    expect "the file is JSON" is_json "$work/json"
    expect "for its owner only" test "$(stat -c %a "$work/json")" = 600
    run "${account[@]}" rotate "$id" "${f[@]}"
    expect "rotate goes on with it" exits 0
    expect "it is JSON still" is_json "$work/json"
    expect "of the next version" test "$(version)" = 2
    run "${account[@]}" status "${f[@]}"
    expect "status reads it" out_has "^$id  fresh "
    sleep 1.1
    run "${account[@]}" renew "$id" "${f[@]}" --secret-format json --rotate-after 1s
    expect "renew reads it" exits 0
    expect "and says until when the earlier secret works" err_has "next look"
    case $maker in
    create*) ;;
    *)
        # shellcheck disable=SC2086 # split on purpose
        [ "$maker" != "issue one" ] && run "${account[@]}" $maker "${f[@]}" && expect "$maker finds its token" test "$(field id)" = "$id"
        ;;
    esac
done
run "${account[@]}" ensure one "${f[@]}"
expect "ensure reads what issue wrote" test "$(field id)" = "$id"
run "${account[@]}" delete "$id"
run "${account[@]}" ensure one "${f[@]}"
expect "a token of no use is replaced" exits 0
expect "in JSON" is_json "$work/json"
run "${account[@]}" create printed -o json
cp "$work/out" "$work/printed"
run "${account[@]}" status --secret-file "$work/printed"
expect "what create -o json printed is read, too" exits 0
before=$(wc -l <"$work/requests")
for words in "renew --secret-file $work/json --secret-format env" "rotate $(sed 's/.*"id":"\([^"]*\)".*/\1/' "$work/json") --secret-file $work/json --secret-format env" \
    "ensure gh --secret-file $work/gh --secret-format json" "renew --secret-file $work/json --secret-format raw"; do
    # shellcheck disable=SC2086 # split on purpose
    run "${account[@]}" $words
    expect "another format than the file's is refused: $words" exits 2
    expect "and nothing is sent" test "$(wc -l <"$work/requests")" -eq "$before"
done

# A name or a client id in the place of an id.
start_server
ids=()
for name in twin twin single other; do
    run "${account[@]}" create $name
    ids+=("$(field id)")
done
client_id=$(field client_id)
run "${account[@]}" get single -o id
expect "a name that one token has stands for its id" test "$(cat "$work/out")" = "${ids[2]}"
run "${account[@]}" get "$client_id" -o id
expect "so does a client id" test "$(cat "$work/out")" = "${ids[3]}"
before=$(requests GET)
run "${account[@]}" get "${ids[0]}"
expect "an id asks for no list" test "$(requests GET)" -eq $((before + 1))
for command in get delete refresh "update --disable" "rotate --grace 0s"; do
    # shellcheck disable=SC2086 # split on purpose
    run "${account[@]}" $command twin
    expect "$command of a name that two tokens have is refused" exits 2
    expect "and lists both" test "$(grep -c "${ids[0]}\|${ids[1]}" "$work/err")" -eq 2
done
run "${account[@]}" get twi
expect "a part of a name is no name" exits 2
expect "and the next command is named" err_has 'access-token list'
run "${account[@]}" delete single twin
expect "one name of several that is not unique" exits 2
expect "deletes nothing" test "$(requests DELETE)" -eq 0
run "${account[@]}" rotate single --grace 1h -o id
expect "rotate takes a name" test "$(cat "$work/out")" = "${ids[2]}"
run "${account[@]}" rotate single --grace 1h
expect "a grace that runs is told in the program's words" err_has "access-token rotate ${ids[2]} --replace-now"
expect "and not in the library's" test "$(grep -c revoke_and_rotate "$work/err")" -eq 0
run "${account[@]}" delete "${ids[0]}" 00000000-0000-4000-8000-000000000000 single -o id
expect "several: one that is not there exits 1" exits 1
expect "is named" err_has '00000000-0000-4000-8000-000000000000:'
expect "the others are deleted" test "$(cat "$work/out")" = "${ids[0]}"$'\n'"${ids[2]}"
start_server --fault 'GET=respond-before:200:{"success":true,"errors":[],"messages":[],"result":[{"id":"'"${ids[0]}"'","client_id":"a.access","name":"alone"}],"result_info":{"page":1,"per_page":50,"count":1,"total_count":3}}'
run "${account[@]}" delete alone
expect "a list that may not be complete proves no name to be unique" exits 2
expect "and nothing is deleted" test "$(requests DELETE)" -eq 0

# What is named can be typed as it stands: it says where the API is, too.
start_server
type_next() { # what is wrong is said by this, then the program's arguments; types what is named
    local said=$1
    shift
    run "${account[@]}" "$@"
    expect "$*: is not done" test $status -ne 0
    expect "says: $said" err_has "$said"
    local next
    next=$(sed -n 's/.*: \(access-token [a-z].*\)/\1/p' "$work/err" | tail -n 1)
    expect "names a command" test -n "$next"
    (cd "$work" && eval "${next/#access-token/$access_token}") >"$work/out" 2>"$work/err"
    status=$?
    expect "which works: $next" exits 0
}
b=$work/b.env
run "${account[@]}" create a --secret-file "$work/a.env"
run "${account[@]}" create b --secret-file "$b"
b_id=$(field id)
type_next "exists" create b --secret-file "$b"
type_next "no token has the name" get c
type_next "holds another token" renew a --secret-file "$b"
type_next "holds another token" rotate a --secret-file "$b"
type_next "a grace period is running" rotate b --secret-file "$b"
type_next "not found" get 00000000-0000-4000-8000-000000000000
type_next "no intent has the tag" intents forget 0123 --intents "$work/other log"
mkdir "$work/dir of tokens"
cp "$b" "$work/dir of tokens/b"
type_next "a directory is named by" status --secret-file "$work/dir of tokens"
type_next "a file is named by" status --secret-dir "$b"
run "${account[@]}" update b --disable
run "${account[@]}" status --secret-file "$b"
expect "a token that is disabled: how to enable it" err_has "access-token update $b_id --enable"
run "${account[@]}" status --secret-file "$work/none.env"
expect "no file: how to get a token for it" err_has "none.env: there is no such file.*access-token ensure NAME --secret-file $work/none.env"
run "${account[@]}" renew --secret-dir "$work/none"
expect "no directory: how to make it" err_has "^access-token: .*mkdir -p -m 700 $work/none"
run "${account[@]}" ensure x --secret-file "$work/none/x.env"
expect "nor for a new file" err_has "^access-token: .*mkdir -p -m 700 $work/none"
expect "no secret is said to be lost" test "$(grep -c 'secret not stored' "$work/err")" -eq 0
run "${account[@]}" delete b
run "${account[@]}" status --secret-file "$b"
expect "a token that is missing: how to get another" err_has "access-token ensure NAME --secret-file $b --account"

# Nothing is sent, or nothing of the credentials shown.
start_server
run "${account[@]}" create dry --duration 1d --dry-run --secret-file "$work/dry"
expect "--dry-run exits 0" exits 0
expect "shows the request" out_has "^POST $url/accounts/023e105f4ecef8ad9ca31a8372d0c353/access/service_tokens$"
expect "and its body" out_has '^{"name":"dry","duration":"24h"}$'
expect "no credentials" test "$(grep -c sample-token "$work/out")" -eq 0
expect "makes no file" test ! -e "$work/dry"
expect "and sends nothing" test "$(requests POST)" -eq 0
bare create dry --dry-run "${account[@]}"
expect "it needs no credentials" exits 0

# exec.
start_server
run "${account[@]}" create run --secret-file "$work/run.env"
in_env() { bare exec --secret-file "$work/run.env" "$@"; }
in_env -- sh -c 'echo "$CF_ACCESS_CLIENT_ID $CF_ACCESS_CLIENT_SECRET"'
expect "exec gives id and secret, without network and credentials" out_has '^[0-9a-f]*\.access cfast_'
in_env --env-names cloudflared -- sh -c 'echo "$TUNNEL_SERVICE_TOKEN_SECRET"'
expect "under the names that are asked for" out_has '^cfast_'
in_env -- sh -c 'exit 7'
expect "the exit status is passed on" exits 7
{ in_env -- sh -c 'kill -TERM $$'; } 2>/dev/null
expect "a signal, too" exits 143
in_env -- "$work/no-such-program"
expect "a command that is not there exits 127" exits 127
in_env -- "$work/run.env"
expect "one that cannot be run exits 126" exits 126
in_env -- sh -c 'echo "$1|$2"' sh --help 'a b'
expect "arguments stay as they are" out_has '^--help|a b$'
in_env
expect "no command is wrong usage" exits 2
bare exec --secret-file "$work/none" -- true
expect "no token is wrong usage" exits 2
start_run exec --secret-file "$work/run.env" -- sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'
await out_has ready
expect "no secret is in the process list" test "$(tr '\0' ' ' <"/proc/$running/cmdline" | grep -c cfast_)" -eq 0
kill -TERM $running
wait $running
status=$?
expect "signals reach the command" exits 9
for n in 1 2; do
    run "${account[@]}" exec fresh --secret-file "$work/fresh.json" --secret-format json -- sh -c 'echo "$CF_ACCESS_CLIENT_SECRET"'
    expect "exec NAME makes the token that is missing" exits 0
    expect "stdout is the command's" test "$(cat "$work/out")" = "$(sed 's/.*"client_secret":"\([^"]*\)".*/\1/' "$work/fresh.json")"
    expect "one in all" test "$(requests POST)" -eq 2
done

# On a terminal: a table, colours, questions, progress; elsewhere none of them.
on_terminal() { # what is typed, then the arguments
    local typed=$1
    shift
    printf -v line '%q ' exec "$access_token" --base-url "$url" --ca-file "$work/ca.pem" "${account[@]}" "$@"
    (sleep 0.3; printf '%b' "$typed"; sleep 0.3) | TERM=xterm SHELL=/bin/sh script -qec "$line" /dev/null >"$work/out" 2>"$work/err"
    status=$?
}
on_terminal '' list
expect "a list on a terminal is a table with a bold header" out_has $'\x1b\\[1mNAME  *ID '
NO_COLOR=1 on_terminal '' list
expect "never coloured with NO_COLOR" test "$(grep -c $'\x1b\\[[0-9;]*m' "$work/out")" -eq 0
expect "a table still" out_has 'NAME  *ID '
run "${account[@]}" list
expect "elsewhere it is lines for a script" test "$(wc -l <"$work/out")" -eq 2
for typed in '\n' 'n\n' 'yesterday\n' '\003' '\004'; do
    on_terminal "$typed" delete run
    expect "no, or nothing, to the question exits 1" exits 1
    expect "and says what would be" out_has 'delete "run" ([0-9a-f-]*)?.*\[y/N\]'
done
expect "and deletes nothing" test "$(requests DELETE)" -eq 0
for words in "rotate run --grace 0s" "rotate run --replace-now" "reconcile --strays --delete" "renew --secret-file $work/run.env --replace-lost"; do
    # shellcheck disable=SC2086 # split on purpose
    on_terminal 'n\n' $words
    expect "$words is asked for" out_has '\[y/N\]'
done
expect "nothing was rotated" test "$(requests PUT)" -eq 1 # the issue's rename
on_terminal '' rotate run --grace 1h --yes --replace-now
expect "--yes goes on" exits 0
expect "without a question" test "$(grep -c 'y/N' "$work/out")" -eq 0
on_terminal '' rotate fresh --grace 1h
expect "what can be undone is not asked for" exits 0
on_terminal 'y\n' delete run
expect "yes deletes" exits 0
expect "once" test "$(requests DELETE)" -eq 1
run "${account[@]}" delete fresh
expect "no terminal, no question" exits 0
start_server --fault 'GET#1=respond-before:503:' --fault GET=delay:300
on_terminal '' list --deadline 9
expect "a terminal shows what is waited for" out_has 'waits for the response to GET'
on_terminal '' list --quiet
expect "not with --quiet" test "$(grep -c 'waits' "$work/out")" -eq 0
run "${account[@]}" list
expect "nor elsewhere" test ! -s "$work/err"

# doctor.
start_server
check() { sed -n "s/^\([a-zA-Z]*\)  *$1  .*/\1/p" "$work/out"; }
run "${account[@]}" doctor
expect "doctor exits 0 where all is well" exits 0
for name in credentials scope 'base URL' proxy CA reachable write clock rate intents; do
    expect "$name is well" test "$(check "$name")" = ok
done
expect "an empty list is a warning" test "$(check list)" = warning
expect "nothing was changed" test "$(requests POST)$(requests PUT)" = 00
expect "no credentials are shown" test "$(cat "$work/out" "$work/err" | grep -c sample-token)" -eq 0
failing() { # the check that fails, then arguments
    local name=$1
    shift
    run "$@"
    expect "$name: doctor exits 1" exits 1
    expect "$name fails" test "$(check "$name")" = FAILED
    expect "and what to do is said" out_has '^  *-> '
}
CLOUDFLARE_API_TOKEN='' failing credentials "${account[@]}" doctor
expect "the API is looked for all the same" test "$(check reachable)" = ok
failing scope doctor
failing scope --account x doctor
https_proxy=ftp://127.0.0.1 failing proxy "${account[@]}" doctor
https_proxy=127.0.0.1:1 failing reachable "${account[@]}" doctor
failing intents "${account[@]}" doctor --intents "$work/ca.pem"
url_kept=$url url=https://127.0.0.1:1
failing reachable "${account[@]}" doctor
url=http://api.example
failing 'base URL' "${account[@]}" doctor
url=$url_kept
"$access_token" --base-url "$url" --ca-file "$work/none.pem" "${account[@]}" doctor >"$work/out" 2>"$work/err"
status=$?
expect "a CA file that is missing" test "$status$(check CA)" = 1FAILED
no='{"success":false,"errors":[{"code":10000,"message":"no"}],"messages":[],"result":null}'
start_server --fault "DELETE=respond-before:403:$no"
failing write "${account[@]}" doctor
start_server --fault "GET=respond-before:403:$no"
failing list "${account[@]}" doctor
run "${account[@]}" list
expect "who is refused is sent to the doctor" err_has 'access-token doctor'
run "${account[@]}" doctor -o json
expect "doctor has JSON" out_has '"check":"list","state":"FAILED"'

# Profiles: command line, then environment, then profile.
start_server
mkdir -p "$XDG_CONFIG_HOME/access-token"
printf 'from-file\n' >"$work/token"
cat >"$XDG_CONFIG_HOME/access-token/config" <<END
[default]
account = 023e105f4ecef8ad9ca31a8372d0c353
base-url = $url
ca-file = $work/ca.pem
credentials-command = cat $work/token
[web]
zone = 0123456789abcdef0123456789abcdef
base-url = $url
ca-file = $work/ca.pem
credentials-file = $work/token
output = json
END
scope_of_last() { tail -n 1 "$work/requests" | sed 's|.*/v4/\([a-z]*\)/.*|\1|'; }
bare list
expect "the default profile is enough" exits 0
expect "its account is taken" test "$(scope_of_last)" = accounts
bare list --profile web
expect "another profile" test "$(scope_of_last)" = zones
expect "its output" test "$(cat "$work/out")" = '[]'
CLOUDFLARE_AUTH_PROFILE=web bare list
expect "or by the environment" test "$(scope_of_last)" = zones
CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353 bare list --profile web
expect "the environment goes before the profile" test "$(scope_of_last)" = accounts
CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353 bare list "${zone[@]}"
expect "and the command line before it" test "$(scope_of_last)" = zones
bare create x --profile web -o text
expect "also for the output" out_has '^id: '
CLOUDFLARE_API_TOKEN='a b' "$access_token" list >"$work/out" 2>"$work/err"
status=$?
expect "credentials of the environment go before the profile's" exits 2
bare list --credentials-command 'exit 3'
expect "a command that fails is wrong usage" exits 2
bare list --profile wep
expect "a profile that is not there is wrong usage" exits 2
expect "and a near one is named" err_has 'did you mean web?'
printf 'api-token = s3cret\n' >>"$XDG_CONFIG_HOME/access-token/config"
bare list
expect "a secret in the file is refused" exits 2
expect "by its line" err_has 'config:12: api-token: a secret has no place'
expect "and not shown" test "$(grep -c s3cret "$work/err")" -eq 0
rm -r "$XDG_CONFIG_HOME"

# An open intent that no list settles.
start_server --set read_permission=false --fault POST#1=hang-before
start_run "${account[@]}" issue orphan --secret-file "$work/orphan" --intents "$work/log"
saw_post() { [ "$(requests POST)" -ge 1 ]; }
await saw_post
kill -9 $running
wait $running 2>/dev/null
run "${account[@]}" reconcile --intents "$work/log"
expect "an intent that no list settles yet stays open" exits 3
expect "why is said" err_has 'an empty list may be a missing permission'
expect "and how to give it up" err_has "access-token intents forget [0-9a-f]* --intents $work/log"
sleep 1.1 # the server tells its time in whole seconds
run "${account[@]}" reconcile --intents "$work/log" --min-age 0s --gone-age 0s
expect "once it is old enough it is settled, though there is no token at all" exits 0
start_server
run "${account[@]}" reconcile --intents "$work/other-log"
expect "nothing to settle is said" err_has 'nothing is left to settle'
CF_QUIET=1 run "${account[@]}" reconcile --intents "$work/other-log"
expect "not with CF_QUIET" test ! -s "$work/err"
run "${account[@]}" issue twice --secret-file "$work/twice"
expect "issue says where the secret is" err_has "the secret is in $work/twice"
run "${account[@]}" issue twice --secret-file "$work/twice"
expect "a second issue names ensure" err_has "access-token ensure twice --secret-file $work/twice"

# The page's first token, as it stands there, with the programs that are built.
sed -n '/^## The first token/,/^With an account/s/^    //p' "$page" >"$work/lines"
expect "it is twelve lines at most" test "$(wc -l <"$work/lines")" -le 12
mkdir "$work/page" "$work/programs"
ln -s "$access_token" "$work/programs/access-token"
ln -s "$sandbox_server" "$work/programs/sandbox-server"
(
    cd "$work/page" && PATH=$work/programs:$PATH no_proxy=127.0.0.1
    { echo set -e; sed -n '/^sandbox-server/,$p' "$work/lines"; echo 'kill $!'; } >commands
    bash commands
) >"$work/out" 2>"$work/err"
status=$?
expect "the page's lines work" exits 0
expect "and list the token" out_has '^ci    [0-9a-f-]*  .*\.access  enabled'
expect "exec runs with it" test "$(tail -n 1 "$work/out" | grep -c '\.access$')" -eq 1

# Completion, in the shells that are here.
mkdir "$work/completions"
"$access_token" completion bash >"$work/completions/bash"
"$access_token" completion zsh >"$work/completions/_access-token"
"$access_token" completion fish >"$work/completions/fish"
bash_completes() { # words, the last one unfinished; what comes for it
    bash -c '. "$0/bash"; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _access_token 2>/dev/null; echo "${COMPREPLY[*]}"' "$work/completions" "$@"
}
completes() { # a function, what is expected, the words
    local how=$1 wanted=$2
    shift 2
    $how "$@" >"$work/out" 2>"$work/err"
    status=$?
    expect "$how: $*" out_has "$wanted"
}
completes bash_completes '^create$' access-token cr
completes bash_completes '^--secret-file --secret-format$' access-token create --secret
completes bash_completes '^kubernetes$' access-token --account x create y -o k
completes bash_completes '^access wrangler cloudflared$' access-token create --env-names ''
completes bash_completes "^$work/completions/bash$" access-token create --secret-file "$work/completions/b"
completes bash_completes '^doctor$' access-token help do
completes bash_completes '^bash zsh fish$' access-token completion ''
completes bash_completes '\btrue\b' access-token exec --secret-file x -- tru
if command -v fish >/dev/null; then
    fish_completes() { HOME=$work fish --no-config -c "source $work/completions/fish; complete -C '$1'"; }
    completes fish_completes '^create' 'access-token cre'
    completes fish_completes '^--secret-file' 'access-token create --secret-f'
    completes fish_completes '^kubernetes' 'access-token create -o k'
    completes fish_completes '^wrangler' 'access-token create --env-names w'
    completes fish_completes '^zsh' 'access-token completion '
fi
if command -v zsh >/dev/null; then
    cat >"$work/zsh_completes" <<'END'
zmodload zsh/zpty
zpty shell env -i TERM=dumb HOME=$2 PATH=$PATH zsh -f -i
zpty -w shell "PROMPT=; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; stty rows 200 columns 200; echo rea\"\"dy"
zpty -r -m shell line '*ready*'
zpty -n -w shell "$3"$'\t'
sleep 0.5
zpty -n -w shell $'\x15exit\n'
while zpty -r shell line; do print -r -- $line; done
END
    zsh_completes() { timeout 20 zsh -f "$work/zsh_completes" "$work/completions" "$work" "$1"; } # on a terminal: it has no other way
    completes zsh_completes 'access-token create' 'access-token cre'
    completes zsh_completes 'create -o kubernetes' 'access-token create -o kub'
    completes zsh_completes 'create --env-names wrangler' 'access-token create --env-names w'
fi
"$access_token" manual >"$work/access-token.1"
if command -v mandoc >/dev/null; then
    for page in "$work/access-token.1" "$(dirname "$0")/../../examples/sandbox_server/sandbox-server.1"; do
        mandoc -Tlint -Wwarning "$page" >"$work/out" 2>&1
        status=$?
        expect "mandoc has nothing against $(basename "$page")" exits 0
    done
    mandoc -Tutf8 "$work/access-token.1" | col -b >"$work/out" 2>/dev/null
    expect "the manual page shows a command" out_has '^ *rotate ID'
fi

[ $failures -eq 0 ] && echo "all as promised"
exit $failures
