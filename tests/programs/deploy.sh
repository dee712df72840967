#!/bin/bash
# Checks the files in examples/issuing_server/deploy as far as tools go without a network, a container engine or a cluster.
# Usage: deploy.sh ISSUING_SERVER; what a machine has no tool for is said, and not checked
set -u
server=$(realpath "$1")
cd "$(dirname "$0")/../.." || exit 1
deploy=examples/issuing_server/deploy
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
expect() { # what, then a command that must succeed
    local what=$1
    shift
    "$@" >"$work/said" 2>&1 && return
    echo "FAILED: $what"
    sed 's/^/    /' "$work/said"
    failures=$((failures + 1))
}
has() { command -v "$1" >/dev/null || { echo "not checked, for there is no $1: $2"; return 1; }; }
is_accepted() { "$server" --check "$1"; }
is_empty() { [ ! -s "$1" ] || { cat "$1"; false; }; }

# systemd, with the server where it was built.
if has systemd-analyze "the unit"; then
    sed "s|/usr/local/bin/issuing-server|$server|" $deploy/issuing-server.service >"$work/issuing-server.service"
    verified() { # it says much that is no failure of the unit, and fails for little
        systemd-analyze verify --man=no "$work/issuing-server.service" 2>&1 | grep 'issuing-server.service' && return 1
        return 0
    }
    expect "systemd understands the unit" verified
    expect "its exposure is at most 1.5 of 10" \
        systemd-analyze security --offline=true --no-pager --threshold=15 "$work/issuing-server.service"
fi
expect "the unit's configuration is accepted" is_accepted $deploy/config.json
stop_seconds=20 # the server's own
timeout=$(sed -n 's/^TimeoutStopSec=//p' $deploy/issuing-server.service)
expect "systemd waits longer than the server" test "$timeout" -gt $stop_seconds

# The image: what it copies is there, and what it installs has each library of the program.
sed -e ':a' -e '/\\$/N; s/\\\n//; ta' $deploy/Containerfile | grep -v '^#' >"$work/lines"
awk 'NF { print $1 }' "$work/lines" | grep -vxE 'FROM|RUN|WORKDIR|COPY|USER|EXPOSE|STOPSIGNAL|ENTRYPOINT|CMD' >"$work/unknown"
expect "each instruction is one" is_empty "$work/unknown"
awk '$1 == "COPY" && $2 !~ /^--/ { for (i = 2; i < NF; ++i) print $i }' "$work/lines" >"$work/copied"
while read -r path; do expect "is copied: $path" test -e "$path"; done <"$work/copied"
expect "the page is copied" grep -qx 'examples/issuing_server/status.html' "$work/copied"
expect "it does not run as root" test "$(awk '$1 == "USER" { print $2 }' "$work/lines" | tail -n 1)" = 65532:65532
packages() { # of the stage with this number
    awk -v wanted="$1" '$1 == "FROM" { ++stage } stage == wanted && /apt-get install/' "$work/lines" |
        sed 's/.*--no-install-recommends//; s/&&.*//' | xargs -n 1
}
if has dpkg-query "packages of the image"; then
    packages 1 >"$work/build"
    packages 2 >"$work/run"
    sort -u "$work/build" "$work/run" >"$work/named"
    # shellcheck disable=SC2046 # a list of names
    apt-cache show --no-all-versions $(cat "$work/named") 2>"$work/said" | sed -n 's/^Package: //p' | sort -u | comm -23 "$work/named" - >"$work/unknown"
    expect "Debian has each package" is_empty "$work/unknown"
    # A sanitizer's own libraries, where the program was built with one, are not the image's.
    ldd "$server" | awk '/=> \// { print $3 }' | grep -vE '/lib(asan|ubsan|tsan|clang_rt)' | while read -r library; do
        printf '%s\n' "$library" "/usr$library" "$(realpath "$library")" # Debian's list has one of these
    done | xargs dpkg-query -S 2>/dev/null | sed 's/:.*//' | sort -u >"$work/owners"
    expect "the program's libraries are packages'" test -s "$work/owners"
    # With what they depend on.
    {
        cat "$work/run"
        echo libc6 # in each image
        xargs apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
            --no-enhances <"$work/run" | grep -v '^ ' | sed 's/:.*//'
    } 2>/dev/null | sort -u >"$work/installed"
    comm -23 "$work/owners" "$work/installed" >"$work/missing"
    expect "the image has all libraries of the program" is_empty "$work/missing"
fi

# Kubernetes: each document is understood, and no field of the Deployment is unknown, for kubectl would drop that.
manifest=$deploy/kubernetes.yaml
awk '/^  config.json: \|/ { inside = 1; next } inside && /^ ? ?[^ ]/ { exit } inside { print substr($0, 5) }' \
    $manifest >"$work/config.json"
expect "the manifest's configuration is accepted" is_accepted "$work/config.json"
if has kubectl "the Kubernetes manifest"; then
    cat >"$work/kustomization.yaml" <<'END'
resources: [all.yaml]
END
    cp $manifest "$work/all.yaml"
    expect "its documents are objects" kubectl kustomize "$work"
    awk -v name="$work/document" 'BEGIN { RS = "\n---\n" } { print > (name NR ".yaml") }' $manifest
    keys() { grep -v '^ *#' "$1" | grep -oE "[\"'A-Za-z0-9./_-]+:( |\$)" | tr -d "\"': " | sort -u; }
    deployment=$(grep -l '^kind: Deployment' "$work"/document*.yaml)
    kubectl set image --local -f "$deployment" issuing-server=issuing-server:checked -o yaml >"$work/understood" 2>"$work/said"
    expect "kubectl understands the Deployment" test -s "$work/understood"
    comm -23 <(keys "$deployment") <(keys "$work/understood") >"$work/unknown"
    expect "it knows each field" is_empty "$work/unknown"
    for needed in livenessProbe readinessProbe startupProbe runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation \
        seccompProfile requests limits secretName terminationGracePeriodSeconds; do
        expect "the Deployment has $needed" grep -q "$needed:" "$work/understood"
    done
    expect "Kubernetes waits longer than sleep and server" \
        test "$(sed -n 's/.*terminationGracePeriodSeconds: //p' "$work/understood")" -gt $((stop_seconds + 5))
fi
labels() { grep -c 'app.kubernetes.io/name: issuing-server}' $manifest; }
expect "all selectors choose the same" test "$(grep -c 'app.kubernetes.io/name:' $manifest)" -eq "$(labels)"
expect "a drain of nodes leaves servers" grep -q '^kind: PodDisruptionBudget' $manifest

# Prometheus: each metric is one of the server's.
if has promtool "the syntax of the alerts"; then expect "promtool accepts the alerts" promtool check rules $deploy/alerts.yaml; fi
for metric in $(grep -oE 'issuing_server_[a-z_]+' $deploy/alerts.yaml | sort -u); do
    name=${metric#issuing_server_}
    expect "the server has $metric" grep -rqE "\"${name%_bucket}\"" examples/issuing_server include/cloudflare/prometheus_metrics.hpp --include='*.?pp'
done

[ $failures -eq 0 ] && echo "all as promised"
exit $failures
