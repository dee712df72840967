#!/bin/bash
# Builds and runs the tests against other Boost headers than Debian's, by default the oldest that it supports: those of a
# release, or of the boostorg repositories side by side. Boost.JSON is made from the headers.
# Usage: newest_boost.sh INCLUDE_DIR [BUILD_DIR]
#
# Seen so far with g++ 12.2, on 2026-11-27: all tests that are built here (pure, beast, conformance) pass with Boost 1.90.0, the Beast
# tests also with the headers of 1.92.0, as far as the repositories have them (Asio is that of 1.90 there).
set -eu
include=$(realpath "$1")
build=${2:-build-newest-boost}
cd "$(dirname "$0")/../.."
sed -n 's/^#define BOOST_LIB_VERSION "\(.*\)"/Boost \1/p' "$include/boost/version.hpp"
[ -f "$build/build.ninja" ] || meson setup "$build" -Dwerror=true -Dtests=enabled -Dexamples=disabled \
    -Dboost_from_headers=true -Dcpp_args="-isystem$include"
ninja -C "$build" tests/unit/pure_tests tests/unit/beast_tests tests/unit/conformance_tests
meson test -C "$build" --no-rebuild --print-errorlogs pure beast conformance
