#!/bin/bash
# The fast loop: builds the pure tests (no sockets, no other packages than Boost, Meson and doctest, no root) and runs
# those whose names contain FILTER, or all. From nothing about a minute and a half on two cores; after a change to one
# test file a few seconds.
# Usage: quick.sh [FILTER] [option of doctest...]      e.g. quick.sh "sent again", quick.sh -ltc
set -eu
cd "$(dirname "$0")/.."
build=build-quick
# A few files at a time in one: the headers are read once for all of them.
[ -f $build/build.ninja ] || meson setup $build -Dtests=enabled -Dexamples=disabled --unity on --unity-size 4 \
    "-Dcpp_args=-Wno-shadow -Wno-subobject-linkage" >$build.log ||
    { cat $build.log && exit 1; }
rm -f $build.log
ninja -C $build --quiet tests/unit/pure_tests tests/unit/failure_tests
case ${1-} in
'' | -*) options=("$@") ;;
*) options=(-tc="*$1*" "${@:2}") ;;
esac
status=0
for tests in pure_tests failure_tests; do
    $build/tests/unit/$tests --no-intro "${options[@]}" || status=$?
done
exit $status
