#!/bin/sh
# Keeps service tokens as encrypted credentials of systemd: for cloudflare::access::command_sink.
# Usage: systemd_creds.sh OPERATION
#   CREDENTIALS_DIR   of the credentials (default /etc/credstore.encrypted)
#   STATE_DIR         of what is known of them (default /var/lib/cloudflare-access)
#
# A unit gets one by `LoadCredentialEncrypted=cf-access-KEY`; it holds the lines of a token file. What is held is read
# from a file beside, without the secret, that is written once the credential is there: if this is killed in between,
# an older secret counts as held, and the new one is stored again.
set -eu
umask 077
credentials=${CREDENTIALS_DIR:-/etc/credstore.encrypted}
state=${STATE_DIR:-/var/lib/cloudflare-access}
key=${CF_ACCESS_TOKEN_KEY-}

fail() {
    echo "$1" >&2
    exit 1
}
[ -d "$credentials" ] || fail "$credentials: no such directory" # perhaps a disk that is not mounted
[ -d "$state" ] || fail "$state: no such directory"

case $1 in
prepare)
    for directory in "$credentials" "$state"; do
        [ -w "$directory" ] || fail "$directory: cannot be written to"
    done
    ;;
store)
    lines=$(cat)
    new=$credentials/.cf-access-$key.new
    printf '%s\n' "$lines" | systemd-creds encrypt --name="cf-access-$key" - "$new"
    sync "$new"
    mv "$new" "$credentials/cf-access-$key"
    sync "$credentials"
    printf '%s\n' "$lines" | grep -v '^CF_ACCESS_CLIENT_SECRET=' >"$state/.$key.new"
    sync "$state/.$key.new"
    mv "$state/.$key.new" "$state/$key"
    sync "$state"
    ;;
find) [ ! -e "$state/$key" ] || cat "$state/$key" ;;
forget)
    rm -f "$credentials/cf-access-$key" "$state/$key"
    sync "$credentials" "$state"
    ;;
list)
    for held in "$state"/*; do
        [ -e "$held" ] || continue # nothing is held
        cat "$held"
        echo
    done
    ;;
*) fail "unknown operation $1" ;;
esac
