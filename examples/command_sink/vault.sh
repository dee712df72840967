#!/bin/sh
# Keeps service tokens in HashiCorp Vault, key/value engine of version 2: for cloudflare::access::command_sink.
# Usage: vault.sh OPERATION
#   VAULT_ADDR, VAULT_TOKEN ...  as for vault
#   VAULT_MOUNT                  of the engine (default secret)
#   VAULT_PREFIX                 of the paths (default cloudflare-access)
#
# A secret has the fields client_id and client_secret, for those that use it, and `held`, which `find` reads. It is
# written only if nobody has written since it was read (-cas): so hosts may share it.
set -eu
mount=${VAULT_MOUNT:-secret}
prefix=${VAULT_PREFIX:-cloudflare-access}

fail() {
    echo "$1" >&2
    exit 1
}
path_of() { # a key: % does not stand well in a URL
    printf '%s/k-%s' "$prefix" "$(printf '%s' "$1" | tr % =)"
}
# Leaves what is at a path as JSON in $json: nothing where nothing is. Any other failure is one.
get() {
    if json=$(vault kv get -format=json -mount="$mount" "$1" 2>&1); then
        return
    fi
    case $json in
    *'No value found'*) json='' ;;
    *'"deletion_time": "2'*) ;; # deleted by hand: it has a version, and nothing is held
    *) fail "$json" ;;
    esac
}
show() { # of $json; nothing where nothing is there. What is not ours is an error, for a token that is "not held" is deleted
    case $json in
    '' | *'"deletion_time": "2'*) ;;
    *'"held": "CF_ACCESS_'*) printf '%s\n' "$json" | sed -n 's/^ *"held": "\([^"]*\)",*$/\1/p' | tr ' ' '\n' ;;
    *) fail 'vault has something at the path that is no token' ;;
    esac
}
value() { # of a line among those on stdin
    sed -n "s/^$1=//p"
}

case $1 in
prepare)
    may=$(vault token capabilities "$mount/data/$(path_of "$CF_ACCESS_TOKEN_KEY")")
    case $may in
    *create* | *update* | root) ;;
    *) fail "the token of vault may not write there: $may" ;;
    esac
    ;;
store)
    held='' client_id='' client_secret='' version=0
    while IFS= read -r line; do
        case $line in
        CF_ACCESS_CLIENT_SECRET=*) client_secret=${line#*=} ;;
        *) held="$held${held:+ }$line" ;;
        esac
        case $line in
        CF_ACCESS_CLIENT_ID=*) client_id=${line#*=} ;;
        CF_ACCESS_CLIENT_SECRET_VERSION=*) version=${line#*=} ;;
        esac
    done
    case $client_id$client_secret in *[!A-Za-z0-9_.:-]*) fail 'the secret does not fit in JSON as it is' ;; esac
    path=$(path_of "$CF_ACCESS_TOKEN_KEY")
    get "$path"
    read_version=$(printf '%s\n' "$json" | sed -n 's/^ *"version": \([0-9]*\),*$/\1/p')
    there=$(show)
    if [ -n "$there" ]; then
        [ "$(printf '%s\n' "$there" | value CF_ACCESS_TOKEN_ID)" = "$CF_ACCESS_TOKEN_ID" ] || fail 'the key holds another token'
        there=$(printf '%s\n' "$there" | value CF_ACCESS_CLIENT_SECRET_VERSION)
        [ "$version" -ge "${there:-0}" ] || fail 'a later secret is held'
    fi
    printf '{"client_id":"%s","client_secret":"%s","held":"%s"}' "$client_id" "$client_secret" "$held" |
        vault kv put -mount="$mount" -cas="${read_version:-0}" "$path" - >/dev/null
    ;;
find)
    get "$(path_of "$CF_ACCESS_TOKEN_KEY")"
    show
    ;;
forget) vault kv metadata delete -mount="$mount" "$(path_of "$CF_ACCESS_TOKEN_KEY")" >/dev/null ;;
list)
    if ! names=$(vault kv list -format=yaml -mount="$mount" "$prefix" 2>&1); then
        case $names in
        *'No value found'* | '{}' | '[]') names='' ;;
        *) fail "$names" ;;
        esac
    fi
    for name in $(printf '%s\n' "$names" | sed -n 's/^- "*\(k-[^"]*\)"*$/\1/p'); do
        get "$prefix/$name"
        show
        echo
    done
    ;;
*) fail "unknown operation $1" ;;
esac
