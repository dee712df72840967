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
ninja -C $build --quiet tests/unit/pure_tests
case ${1-} in
'' | -*) exec $build/tests/unit/pure_tests --no-intro "$@" ;;
*) exec $build/tests/unit/pure_tests --no-intro -tc="*$1*" "${@:2}" ;;
esac
