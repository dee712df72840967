#!/bin/bash
# Plants bugs in a copy of the headers, one at a time, and demands that the simulation finds each.
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

mutant "create is sent again blindly" access/service_token_operations.hpp \
    's/(create_service_token".{0,120})idempotency::once/\1idempotency::idempotent/'
mutant "a lost rotate is answered by a second one" access/recovery.hpp \
    's/(auto renewed = co_await std::move\(renewing\);)/\1 if (!renewed) { auto again = rotate(where, token.id); renewed = co_await std::move(again); }/'
mutant "the intent is closed before the secret is stored" access/issuer.hpp \
    's/(if \(auto const stored = sink_)/static_cast<void>(intents_.erase(wanted)); \1/'
mutant "no tag in the name" access/issuer.hpp \
    's/params\.name\(tagged_name\(name, tag\)\);//'
mutant "a stranger's token is taken for our own" access/intent.hpp \
    's/return !tag\.empty\(\) \&\&/return name.starts_with("issue:") ||/'
mutant "reconcile trusts a list that shows nothing" access/reconcile.hpp \
    's/if \(!found \&\& \(tokens\.empty\(\) \|\| age < recovery_\.options\(\)\.gone_age\(\)\)\) co_return false;//'
mutant "reconcile does not ask the sink" access/reconcile.hpp \
    's/auto ending =\s+held \? keep\(wanted, token\.id, done\) :/auto ending =/; s/bool const held =/[[maybe_unused]] bool const held =/'
mutant "no intent is written down" access/issuer.hpp \
    's/if \(auto const ok = intents_\.insert\(wanted\); !ok\) co_return nothing_sent\(ok\.error\(\)\);//'
mutant "a token whose secret was not stored is left" access/issuer.hpp \
    's/auto removing = recovery_\.remove\(wanted, std::move\(id\)\);[^;]*;[^;]*;/bool const gone = true; co_await recovery_.client().transport().sleep_until(recovery_.client().transport().now());/'
mutant "reconcile touches issues under way" access/reconcile.hpp \
    's/age < recovery_\.options\(\)\.min_age\(\)/false/'
mutant "a lost answer to a rotation is answered by a second rotation" access/rotation.hpp \
    's/(for \(int i = 0; i != max_sends; \+\+i\) \{)/\1 auto again = params; again.client_secret_version(*before.client_secret_version + 1 + i);/; s/update_service_token\(where_, before\.id, params\)/update_service_token(where_, before.id, again)/' rotation
mutant "/rotate is sent again blindly" access/service_token_operations.hpp \
    's/(rotate_service_token".{0,120})idempotency::voids/\1idempotency::idempotent/' rotation
mutant "a running grace period is not respected" access/rotation.hpp \
    's/if \(!force \&\& running \&\& \*running > now\)/if (false)/' rotation

[ $survived -eq 0 ] && echo "every planted bug is found"
exit $survived
