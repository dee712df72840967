#!/bin/sh
# Keeps a service token as two secrets of a GitHub repository, CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET: for
# cloudflare::access::command_sink.
# Usage: gh.sh OPERATION
#   GH_REPO, GH_TOKEN ...  as for gh
#   STATE_DIR              of what is known of the secrets; a repository needs its own
#
# GitHub shows no secret again, so what is held is read from a file, without the secret, that is written once GitHub has
# the secret: if this is killed in between, an older secret counts as held, and the new one is stored again. There is
# one token a repository, whatever its key.
set -eu
umask 077
state=${STATE_DIR:?}

fail() {
    echo "$1" >&2
    exit 1
}
[ -d "$state" ] || fail "$state: no such directory" # perhaps a disk that is not mounted
is_key() { grep -q -x -F "CF_ACCESS_TOKEN_KEY=$CF_ACCESS_TOKEN_KEY" "$state/held"; }

case $1 in
prepare)
    [ ! -e "$state/held" ] || is_key || fail 'the repository holds the token of another key'
    gh secret list >/dev/null
    ;;
store)
    [ ! -e "$state/held" ] || is_key || fail 'the repository holds the token of another key'
    lines=$(cat)
    printf '%s\n' "$lines" | grep -E '^CF_ACCESS_CLIENT_(ID|SECRET)=' | gh secret set -f - >/dev/null
    printf '%s\n' "$lines" | grep -v '^CF_ACCESS_CLIENT_SECRET=' >"$state/new"
    sync "$state/new"
    mv "$state/new" "$state/held"
    sync "$state"
    ;;
find)
    [ -e "$state/held" ] || exit 0
    is_key || exit 0
    cat "$state/held"
    ;;
forget)
    there=$(gh secret list)
    for name in CF_ACCESS_CLIENT_ID CF_ACCESS_CLIENT_SECRET; do
        case $there in *"$name"*) gh secret delete "$name" >/dev/null ;; esac
    done
    rm -f "$state/held"
    sync "$state"
    ;;
list) [ ! -e "$state/held" ] || cat "$state/held" ;;
*) fail "unknown operation $1" ;;
esac
