#!/bin/sh
# Keeps service tokens as Kubernetes secrets: for cloudflare::access::command_sink.
# Usage: kubectl.sh OPERATION
#   KUBECONFIG ...   as for kubectl; the namespace is the one of the context
#
# A secret has CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET, fit for `envFrom` or a volume, and an annotation, which
# `find` reads. kubectl is given it on stdin; --server-side keeps a copy of it out of the annotations.
set -eu
annotation=cloudflare-access/held
label=app.kubernetes.io/managed-by=cloudflare-access

name_of() { # a key: names have small letters, digits, - and . only
    case $1 in
    *[!a-z0-9-]* | -* | *-) printf 'cf-access-x.%s' "$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')" ;;
    *) printf 'cf-access-%s' "$1" ;;
    esac
}

case $1 in
prepare) kubectl auth can-i patch secrets --quiet ;;
store)
    held='' client_id='' client_secret=''
    while IFS= read -r line; do
        case $line in
        CF_ACCESS_CLIENT_SECRET=*) client_secret=${line#*=} ;;
        *) held="$held${held:+ }$line" ;;
        esac
        case $line in CF_ACCESS_CLIENT_ID=*) client_id=${line#*=} ;; esac
    done
    case $client_id$client_secret in
    *[!A-Za-z0-9_.:-]*) echo 'the secret does not fit in JSON as it is' >&2 && exit 1 ;;
    esac
    printf '{"apiVersion":"v1","kind":"Secret","type":"Opaque","metadata":{"name":"%s","labels":{"%s":"%s"},"annotations":{"%s":"%s"}},"stringData":{"CF_ACCESS_CLIENT_ID":"%s","CF_ACCESS_CLIENT_SECRET":"%s"}}' \
        "$(name_of "$CF_ACCESS_TOKEN_KEY")" "${label%=*}" "${label#*=}" "$annotation" "$held" "$client_id" "$client_secret" |
        kubectl apply --server-side --force-conflicts --field-manager=cloudflare-access -f - >/dev/null
    ;;
find)
    held=$(kubectl get secret "$(name_of "$CF_ACCESS_TOKEN_KEY")" --ignore-not-found \
        -o "go-template={{index .metadata.annotations \"$annotation\"}}") # a failure is one, not "nothing"
    printf '%s\n' "$held" | tr ' ' '\n'
    ;;
forget) kubectl delete secret "$(name_of "$CF_ACCESS_TOKEN_KEY")" --ignore-not-found >/dev/null ;;
list)
    all=$(kubectl get secrets -l "$label" \
        -o "go-template={{range .items}}{{index .metadata.annotations \"$annotation\"}}{{\"\\n\"}}{{end}}")
    printf '%s\n' "$all" | while IFS= read -r held; do
        printf '%s\n\n' "$held" | tr ' ' '\n'
    done
    ;;
*)
    echo "unknown operation $1" >&2
    exit 1
    ;;
esac
