#!/bin/bash
# Follows examples/issuing_server/GETTING_STARTED.md: runs its blocks as they stand there, and looks for all that it says
# they print. Then the status page is tried on the server that runs.
# Usage: getting_started.sh ISSUING_SERVER SANDBOX_SERVER [STATUS_PAGE_TEST], with what was built; or, in a fresh clone,
# getting_started.sh --whole, which builds too, with the page's own commands
set -u
source=$(realpath "$(dirname "$0")/../..")
page=$source/examples/issuing_server/GETTING_STARTED.md
work=$(mktemp -d)
if [ "$1" = --whole ]; then
    first=1 browser=''
    cd "$source" || exit 1
else
    first=2 browser=${3:+$(realpath "$3")}
    mkdir -p "$work/clone/build/examples"
    ln -s "$(realpath "$1")" "$work/clone/build/examples/issuing-server"
    ln -s "$(realpath "$2")" "$work/clone/build/examples/sandbox-server"
    ln -s "$source/examples" "$work/clone/examples"
    cd "$work/clone" || exit 1
fi
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
for tool in openssl curl jq; do
    command -v $tool >/dev/null || [ $first = 1 ] || { echo "skipped: there is no $tool"; exit 77; }
done

awk -v first=$first '/^```sh$/ { ++n; inside = 1; next } /^```$/ { inside = 0 } inside && n >= first' "$page" >"$work/blocks"
awk '/^```text$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$page" >"$work/promised"
[ -s "$work/promised" ] || exit 1
# Another port than the page's, for several of these may run.
port=$((20000 + $$ % 10000))
grep -q '^port=8443 ' "$work/blocks" || { echo "FAILED: the page names no port"; exit 1; }
look() { # by a browser, which ends the server: "it is away"
    [ -n "$browser" ] || return
    cat <<END
"$browser" --server https://127.0.0.1:\$port/ "\$(cut -d ' ' -f 3 try/operator.header)" build-runner-01 \$server || [ \$? -eq 77 ]
kill \$server 2>/dev/null || true
wait \$server 2>/dev/null || true
build/examples/issuing-server --config try/config.json >>try/log 2>&1 &
server=\$!
END
}
{
    echo 'set -eu'
    echo "trap 'kill -9 \${server:-} \${sandbox:-} 2>/dev/null || true' EXIT"
    while IFS= read -r line; do
        case $line in
        'port=8443 '*) echo "port=$port" ;;
        'kill $server $sandbox') look
            echo "$line"
            ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$work/blocks"
} >"$work/script"

begin=$SECONDS
bash "$work/script" >"$work/out" 2>"$work/err"
status=$?
failures=0
fail() {
    echo "FAILED: $1"
    failures=$((failures + 1))
}
[ $status -eq 0 ] || fail "exit status $status"
while IFS= read -r line; do
    grep -qxF -- "$line" "$work/out" || fail "is not printed: $line"
done <"$work/promised"
grep -q 'cfast_' "$work/out" "$work/err" && fail "a secret is shown"
[ ! -e try ] || fail "something is left"
[ $failures -eq 0 ] || { sed 's/^/    out: /' "$work/out"; sed 's/^/    err: /' "$work/err"; [ ! -e try/log ] || tail -n 20 try/log; }
cd / && rm -rf "$work"
[ $failures -eq 0 ] && echo "followed in $((SECONDS - begin)) s"
exit $failures
