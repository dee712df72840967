#!/bin/sh
# The main job on a bare Debian machine, with no account and no network: builds the programs, starts the sandbox
# server with TLS, and creates, lists, rotates and deletes a service token over it.
set -eu
cd "$(dirname "$0")/.."
sh tests/install_packages.sh g++ meson ninja-build pkg-config libboost1.81-dev libboost-json1.81-dev \
    libboost-program-options1.81-dev libssl-dev

build=${BUILD_DIR:-build-demo}
echo "Compiling access-token and sandbox-server into $build: about two minutes at first"
[ -f "$build/build.ninja" ] || meson setup "$build" -Dtests=disabled -Dexamples=enabled >/dev/null
ninja -C "$build" examples/access-token examples/sandbox-server >/dev/null

work=$(mktemp -d)
"$build/examples/sandbox-server" --ca-file "$work/ca.pem" >"$work/url" &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
until [ -s "$work/url" ]; do kill -0 $server && sleep 0.1 || exit 1; done

CLOUDFLARE_BASE_URL=$(cat "$work/url")
CLOUDFLARE_ACCOUNT_ID=023e105f4ecef8ad9ca31a8372d0c353
CLOUDFLARE_API_TOKEN=any-token-will-do
XDG_STATE_HOME=$work # each sandbox begins with the same ids: what an earlier one was asked is not of this one
no_proxy=127.0.0.1
export CLOUDFLARE_BASE_URL CLOUDFLARE_ACCOUNT_ID CLOUDFLARE_API_TOKEN XDG_STATE_HOME no_proxy
access_token="$build/examples/access-token --ca-file $work/ca.pem"

step() {
    echo
    echo "\$ access-token $*"
    $access_token "$@"
}
echo "The sandbox is at $CLOUDFLARE_BASE_URL"
step create ci --duration 8760h --secret-file "$work/secret"
echo "(its secret is in $(stat -c 'a file of mode %a and %s bytes' "$work/secret"))"
id=$($access_token list --name ci | cut -d ' ' -f 1)
step list
step rotate "$id" --grace 1h --output env
step delete "$id"
step list --output json
