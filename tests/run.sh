#!/bin/bash
# Passes all the tests on a bare Debian 12 machine: installs what they need, checks the format, then builds and tests
# with g++ under AddressSanitizer and UBSan, with clang, what threads share under ThreadSanitizer,
# and counts what a call costs. Ends with a line that counts the tests.
set -eu
cd "$(dirname "$0")/.."
sh tests/install_packages.sh g++ meson ninja-build pkg-config libboost1.81-dev libboost-json1.81-dev \
    libboost-program-options1.81-dev libboost-url1.81-dev libssl-dev libcurl4-openssl-dev libcpp-httplib-dev \
    nlohmann-json3-dev rapidjson-dev nginx-light valgrind strace qt6-base-dev qcoro-qt6-dev libpq-dev postgresql doctest-dev ca-certificates \
    clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev g++-multilib

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY # the tests talk to this machine only

passed=0 failed=0
step() { # what, then the command
    echo "== $1"
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}
count_tests() { # a build directory: adds up what meson counted
    local log=$1/meson-logs/testlog.txt
    passed=$((passed + $(sed -n 's/^Ok: *//p' "$log")))
    failed=$((failed + $(sed -n 's/^\(Fail\|Timeout\): *//p' "$log" | awk "{n += \$1} END {print n + 0}")))
}
build_and_test() { # a build directory, a target and the test of its name or "" for all, then meson's options
    local build=$1 target=$2 test=$3
    shift 3
    echo "== $build"
    local log=$build.log
    if ! { { [ -f "$build/build.ninja" ] || meson setup "$build" -Dwerror=true -Dtests=enabled -Dexamples=enabled "$@"; } &&
        ninja -C "$build" $target; } >"$log" 2>&1; then
        tail -n 50 "$log"
        failed=$((failed + 1))
        return
    fi
    rm "$log"
    meson test -C "$build" --no-rebuild --print-errorlogs $test || true
    count_tests "$build"
}

files=$(git ls-files '*.hpp' '*.cpp')
# shellcheck disable=SC2086 # a list of names
step "format" clang-format-19 --dry-run --Werror $files
drawn_from_the_code() { awk -f examples/issue_states.awk include/cloudflare/access/issuer.hpp | cmp - examples/issue_states.svg; }
step "diagram" drawn_from_the_code
build_and_test build-gcc "" "" -Db_sanitize=address,undefined -Db_lundef=false -Dschedules=5000
CXX=clang++-19 build_and_test build-clang "" "" -Dthorough=true
fuzz_with_libfuzzer() { # one target, which is built as all are with -Dfuzzer=true
    clang++-19 -std=c++20 -O1 -fsanitize=fuzzer -DUSE_LIBFUZZER -I include tests/fuzz/values.cpp \
        -o build-clang/libfuzzer -lboost_json && build-clang/libfuzzer -seed=1 -runs=20000 2>build-clang/libfuzzer.log
}
step "libFuzzer" fuzz_with_libfuzzer
# Asio's reference counts use a fence, which ThreadSanitizer does not know; without std::atomic they do not.
CXX=clang++-19 build_and_test build-threads tests/beast_tests beast -Db_sanitize=thread -Db_lundef=false \
    -Dcpp_args=-DBOOST_ASIO_DISABLE_STD_ATOMIC
# What a call costs in allocations, system calls and instructions.
build_and_test build-bench counted counts -Dbench=enabled
step "clang-tidy" clang-tidy-19 -p build-clang --quiet --warnings-as-errors='*' \
    examples/access-token/main.cpp tests/client.cpp tests/testing/sandbox.cpp

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
