#!/bin/bash
# Passes all the tests on a bare Debian 12 machine: installs what they need, checks the format, then builds and tests
# with g++ under AddressSanitizer, with clang, with clang and libc++ as C++23 under UBSan, in unity builds, for Windows,
# under libFuzzer, what threads share under ThreadSanitizer, and counts what a call costs. Ends with a line that counts
# the tests. What Debian 12 does not have is tried by hand: packaging/newest_boost.sh.
set -eu
cd "$(dirname "$0")/.."
sh tests/install_packages.sh g++ meson ninja-build pkg-config cmake libboost1.81-dev libboost-json1.81-dev \
    libboost-program-options1.81-dev libboost-url1.81-dev libssl-dev libcurl4-openssl-dev libcpp-httplib-dev \
    nlohmann-json3-dev rapidjson-dev nginx-light valgrind strace qt6-base-dev qcoro-qt6-dev libfmt-dev gdb libxml2-utils libpq-dev postgresql doctest-dev ca-certificates \
    clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev libc++-19-dev libc++abi-19-dev g++-multilib \
    g++-mingw-w64-x86-64-posix wine wine64 doxygen chromium curl jq openssl systemd zsh fish mandoc

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY # the tests talk to this machine only

passed=0 failed=0
step() { # what, then the command
    echo "== $1 (after $SECONDS s)"
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}
count_tests() { # a build directory: adds up what meson counted
    local log=$1/meson-logs/testlog.txt
    passed=$((passed + $(sed -n 's/^Ok: *//p' "$log")))
    failed=$((failed + $(sed -n 's/^\(Fail\|Timeout\): *//p' "$log" | awk "{n += \$1} END {print n + 0}")))
}
# The tests of one build run while the next is compiled: much of them waits, and compiling gives way to them.
tests_of= # the build directory whose tests are under way
await_tests() {
    [ -n "$tests_of" ] || return 0
    wait
    echo "== tests of $tests_of (ended before $SECONDS s)"
    cat "$tests_of.tests"
    count_tests "$tests_of"
    rm "$tests_of.tests"
    tests_of=
}
build_and_test() { # a build directory, ninja's targets and meson's choice of tests or "" for all, then meson's options
    local build=$1 targets=$2 tests=$3
    shift 3
    echo "== $build (after $SECONDS s)"
    local log=$build.log
    # shellcheck disable=SC2086 # lists
    if ! { { [ -f "$build/build.ninja" ] || meson setup "$build" -Dwerror=true -Dtests=enabled -Dexamples=enabled "$@"; } &&
        nice ninja -C "$build" $targets; } >"$log" 2>&1; then
        tail -n 50 "$log"
        failed=$((failed + 1))
        return
    fi
    rm "$log"
    await_tests
    tests_of=$build
    # shellcheck disable=SC2086
    meson test -C "$build" --num-processes 4 --timeout-multiplier 4 --no-rebuild --print-errorlogs $tests >"$build.tests" 2>&1 &
}
# All of an executable's files in one, where no name may be there twice. That one name hides another one's, or that what
# a test uses in a template is its own, says nothing there.
unity="--unity on --unity-size 1000"
of_unity="-Wno-error=shadow -Wno-subobject-linkage"
# With clang, which compiles it in half the time that g++ takes.
undefined="-fsanitize=undefined -fno-sanitize-recover=all"

files=$(git ls-files '*.hpp' '*.ipp' '*.cpp')
# shellcheck disable=SC2086 # a list of names
step "format" clang-format-19 --dry-run --Werror $files
drawn_from_the_code() { awk -f include/cloudflare/access/issue_states.awk include/cloudflare/access/issuer.hpp | cmp - include/cloudflare/access/issue_states.svg; }
step "diagram" drawn_from_the_code
step "reference" sh .docs/check.sh
# shellcheck disable=SC2086 # two words
build_and_test build-gcc "" "" $unity -Db_sanitize=address -Db_lundef=false \
    "-Dcpp_args=-g1 -D_GLIBCXX_ASSERTIONS -Wno-maybe-uninitialized $of_unity" -Dschedules=5000
CXX=clang++-19 build_and_test build-clang "" "" -Dthorough=true -Dcpp_args=-g1
step "C++23 with g++" g++ -std=c++23 -fsyntax-only -Wall -Wextra -Wno-subobject-linkage \
    -Wnon-virtual-dtor -Wold-style-cast -Wuseless-cast -Werror -I include \
    -I /usr/include/postgresql \
    build-clang/tests/packaging/standalone/all_headers.cpp
# shellcheck disable=SC2086
CXX="clang++-19 -stdlib=libc++" build_and_test build-libcxx portable "--suite portable" $unity -Dboost_from_headers=true \
    -Dexamples=disabled -Dcpp_std=none -Db_lundef=false \
    "-Dcpp_args=-std=c++23 -g1 $undefined -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_EXTENSIVE" \
    "-Dcpp_link_args=$undefined"
mkdir -p build-host-headers && ln -sfn /usr/include/boost /usr/include/doctest build-host-headers/
# shellcheck disable=SC2086
WINEDEBUG=-all build_and_test build-windows "" "" --cross-file tests/packaging/windows.ini $unity -Dboost_from_headers=true \
    -Dexamples=disabled "-Dcpp_args=-isystem$PWD/build-host-headers $of_unity"
CXX=clang++-19 build_and_test build-fuzz fuzzers "--suite fuzz" -Dfuzzer=true -Db_sanitize=address,undefined \
    -Db_lundef=false -Dcpp_args=-g1
# UBSan's vptr check opens pipes, which ThreadSanitizer takes for the program's own: the two together report races there.
# Asio's reference counts use a fence, which ThreadSanitizer does not know; without std::atomic they do not.
CXX=clang++-19 build_and_test build-threads tests/unit/beast_tests beast -Db_sanitize=thread -Db_lundef=false \
    "-Dcpp_args=-g1 $undefined -fno-sanitize=vptr -DBOOST_ASIO_DISABLE_STD_ATOMIC" "-Dcpp_link_args=$undefined"
# What a call costs in allocations, system calls and instructions.
build_and_test build-bench counted counts -Dbench=enabled
tidy() { printf '%s\n' "$@" | xargs -P 2 -n 1 clang-tidy-19 -p build-clang --quiet --warnings-as-errors='*'; }
step "clang-tidy" tidy examples/access_token/main.cpp tests/unit/client.cpp tests/unit/testing/sandbox.cpp

await_tests
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
