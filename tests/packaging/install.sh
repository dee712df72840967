#!/bin/bash
# Installs the library and compiles a program against what was installed, by pkg-config.
# Usage: install.sh SOURCE_ROOT COMPILER
set -eu
root=$1 compiler=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
meson setup "$work/build" "$root" --prefix "$work/prefix" -Dtests=disabled -Dexamples=disabled >/dev/null
meson install -C "$work/build" --quiet
pc=$(dirname "$(find "$work/prefix" -name cloudflare-access.pc)")
cat >"$work/user.cpp" <<'END'
#include <cloudflare/access.hpp>
#include <cstdio>
int main() {
    auto const account = cloudflare::access::account_scope::parse("023e105f4ecef8ad9ca31a8372d0c353");
    std::printf("%s %d\n", std::string(cloudflare::version).c_str(), account.has_value());
}
END
# shellcheck disable=SC2046 # flags are a list
$compiler -std=c++20 "$work/user.cpp" -o "$work/user" $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs cloudflare-access)
"$work/user"
