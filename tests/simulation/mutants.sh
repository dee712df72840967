#!/bin/bash
# Plants bugs of rotation in a copy of the headers, one at a time, and demands that the simulation
# finds each. (Those of issue and reconcile: planted.py.)
# Usage: mutants.sh COMPILER SOURCE_ROOT
set -u
compiler=$1 root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
survived=0

mutant() { # what it is, the file, a sed script that plants it, and the simulation that is to find it
    rm -rf "$work/include"
    cp -r "$root/include" "$work/include"
    sed -i -z -E "$3" "$work/include/cloudflare/$2"
    if cmp -s "$root/include/cloudflare/$2" "$work/include/cloudflare/$2"; then
        echo "NOT PLANTED: $1"
        survived=$((survived + 1))
        return
    fi
    if ! $compiler -std=c++20 -O1 -I "$work/include" "$root/tests/simulation/${4:-issue}.cpp" -o "$work/simulate" -lboost_json 2>"$work/errors"; then
        echo "DOES NOT COMPILE: $1"
        head -5 "$work/errors"
        survived=$((survived + 1))
    elif "$work/simulate" 2000 >"$work/out" 2>&1; then
        echo "SURVIVED: $1"
        survived=$((survived + 1))
    else
        echo "found: $1: $(grep -m1 '^    ' "$work/out" | sed 's/^ *//')"
    fi
}

mutant "a lost answer to a rotation is answered by a second rotation" access/rotation.hpp \
    's/(for \(int i = 0; i != max_sends; \+\+i\) \{)/\1 auto again = params; again.client_secret_version(*before.client_secret_version + 1 + i);/; s/update_service_token\(where_, before\.id, params\)/update_service_token(where_, before.id, again)/' rotation
mutant "/rotate is sent again blindly" access/service_token_operations.hpp \
    's/(rotate_service_token".{0,120})idempotency::voids/\1idempotency::idempotent/' rotation
mutant "a running grace period is not respected" access/rotation.hpp \
    's/if \(!force \&\& running \&\& \*running > now\)/if (false)/' rotation

[ $survived -eq 0 ] && echo "every planted bug is found"
exit $survived
