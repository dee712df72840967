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
}
unknown create creat x
unknown create help craete
unknown --name list --nam x
unknown --secret-file create x --secretfile y
unknown yaml list -o yml
unknown json create x --secret-file f --secret-format jsn
unknown wrangler create x -o env --env-names wranglr
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
done

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

[ $failures -eq 0 ] && echo "all as promised"
exit $failures
