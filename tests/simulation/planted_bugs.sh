#!/bin/bash
# Plants bugs in a copy of the headers, and demands that the simulation finds each of them, and nothing without them. All are compiled
# into one program, and PLANTED=n in its environment switches the n-th on.
# Usage: planted_bugs.sh COMPILER SOURCE_ROOT SIMULATION [SCHEDULES]     (SIMULATION: issue or rotation; or, by hand, explore, which
# is not made to find all bugs of issue, with FAULTS in place of SCHEDULES)
set -eu -o pipefail
compiler=$1 root=$2 simulation=$3 schedules=${4:-2000}
here=$root/tests/simulation
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$root/include" "$work/include"
awk -v from="$root/include/cloudflare" -v to="$work/include/cloudflare" -f "$here/plant_bugs.awk" "$here/planted_${simulation/explore/issue}.txt" >"$work/bugs"
cat >"$work/planted.hpp" <<'END'
#include <cstdlib>
inline int const planted_bug = std::getenv("PLANTED") ? std::atoi(std::getenv("PLANTED")) : 0;
inline bool planted(int n) { return planted_bug == n; }
END
# shellcheck disable=SC2086 # may be several words
$compiler -std=c++20 -O1 -I "$work/include" -include "$work/planted.hpp" "$here/$simulation.cpp" -o "$work/simulate" -lboost_json

find_bug() { # its number, 0 for no bug
    local status=0
    PLANTED=$1 timeout 300 "$work/simulate" "$schedules" 1 first >"$work/out.$1" 2>&1 || status=$?
    echo $status >"$work/status.$1"
}
export -f find_bug
export work schedules
count=$(wc -l <"$work/bugs")
seq 0 "$count" | xargs -P 2 -I '{}' bash -c 'find_bug {}'

failures=0
failure() { # what is wrong, and with which bug
    echo "$1"
    cat "$work/out.$2"
    failures=$((failures + 1))
}
[ "$(cat "$work/status.0")" -eq 0 ] || failure "WRONG without a bug" 0
number=0
while read -r what; do
    number=$((number + 1))
    case $(cat "$work/status.$number") in
    1) echo "found: $what: $(sed -n 's/^    *//p' "$work/out.$number" | head -n 1)" ;;
    0) failure "SURVIVED: $what" $number ;;
    *) failure "no end, or a crash: $what" $number ;;
    esac
done <"$work/bugs"
echo "$count planted bugs, $failures of them not found"
[ $failures -eq 0 ]
