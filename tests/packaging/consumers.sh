#!/bin/bash
# Gets the library each way that .packaging/README.md tells, by the blocks that stand there, and builds and runs
# programs that create tokens.
# Usage: consumers.sh SOURCE_ROOT COMPILER
set -eu -o pipefail
root=$1 compiler=$2
page=$root/.packaging/README.md
here=$root/tests/packaging
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CMAKE_GENERATOR=Ninja HOME=$work/home CXX=$compiler CXXFLAGS="-O0 -g0 -Wall -Wextra -Wpedantic -Werror" LC_ALL=C
unset PKG_CONFIG_PATH CMAKE_PREFIX_PATH DESTDIR
command -v ccache >/dev/null && export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_DIR="${CCACHE_DIR-$work/ccache}"

block() { # a language and a number: the code of the page
    awk -v language="$1" -v wanted="$2" -f "$here/code_block.awk" "$page" | sed "s|REPOSITORY|$root|"
}
run_block() { # a folder, a language and a number
    block "$2" "$3" >"$work/block.sh"
    [ -s "$work/block.sh" ] || { echo "the page has no such block: $2 $3" && exit 1; }
    # shellcheck disable=SC2086 # a list of options
    (cd "$1" && c++() { command "$compiler" $CXXFLAGS "$@"; } && set -e && . "$work/block.sh") >"$work/log" 2>&1 ||
        { cat "$work/block.sh" "$work/log" && exit 1; }
}
quietly() { "$@" >"$work/log" 2>&1 || { echo "$*" && cat "$work/log" && exit 1; }; }
way() { echo "== $1 (after $SECONDS s)"; }
not_there() { # what must not be said, by a command
    local pattern=$1
    shift
    ! "$@" | grep -E -- "$pattern"
}
folder() { # a new folder with main.cpp
    mkdir -p "$work/$1" && cp "$here/consumers/pure.cpp" "$work/$1/main.cpp"
}

way "install"
mkdir "$HOME" "$work/source"
find "$root" -mindepth 1 -maxdepth 1 ! -name .git ! -name "build*" -exec ln -s -t "$work/source" {} +
run_block "$work/source" sh 1
prefix=$HOME/.local
installed() { (cd "$1" && find include share/cmake -type f | sort); } # what CMake installs, too
echo "$(installed "$prefix" | wc -l) files"
not_there '' find "$prefix/include" -type f ! -name '*.hpp' ! -name '*.ipp' # neither pages nor pictures
quietly env DESTDIR="$work/stage" meson install -C "$work/source/build"
[ "$(installed "$work/stage$prefix")" = "$(installed "$prefix")" ]

way "pkg-config"
awk -v wanted=1 -f "$here/code_block.awk" "$root/README.md" >"$work/main.cpp"
run_block "$work" sh 2 # the README's program, which would talk to Cloudflare
export PKG_CONFIG_PATH=$prefix/share/pkgconfig
not_there libdir cat "$prefix"/share/pkgconfig/*.pc # they fit every architecture
flags() { pkg-config --print-errors --cflags --libs "$@"; }
not_there 'ssl|curl|pq' flags cloudflare-access
not_there 'ssl|pq' flags cloudflare-access-curl
not_there 'ssl|curl' flags cloudflare-access-postgres
# shellcheck disable=SC2046,SC2086 # flags are a list
$compiler $CXXFLAGS -std=c++20 "$here/consumers/clients.cpp" -o "$work/clients" $(flags cloudflare-access-{curl,postgres})
"$work/clients"
mv "$prefix" "$work/moved" && prefix=$work/moved
PKG_CONFIG_PATH=$prefix/share/pkgconfig flags --define-prefix cloudflare-access | grep -q -- "-I$prefix/include"
unset PKG_CONFIG_PATH

way "CMake, installed and moved"
mkdir "$work/pure" "$work/consumers"
folder pure
block cmake 1 >"$work/pure/CMakeLists.txt"
ln -s "$prefix" "$HOME/.local"
run_block "$work/pure" sh 3
rm "$HOME/.local"
"$work/pure/build/main"
quietly cmake -S "$here/consumers" -B "$work/consumers" -DCMAKE_PREFIX_PATH="$prefix"
quietly cmake --build "$work/consumers" --parallel 2
"$work/consumers/pure"
"$work/consumers/network"
# What is not there is named, and missed only where it is asked for.
wanting() { # what is asked for, and the package that cannot be found
    printf 'cmake_minimum_required(VERSION 3.18)\nproject(wanting CXX)\nfind_package(cloudflare-access %s)\n%s\n' \
        "$1" 'message("beast is there: ${cloudflare-access_beast_FOUND}")' >"$work/pure/CMakeLists.txt"
    rm -rf "$work/pure/build"
    cmake -S "$work/pure" -B "$work/pure/build" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_DISABLE_FIND_PACKAGE_{OpenSSL,CURL,PostgreSQL}=ON 2>&1 | tr -s ' \n' ' ' || true
}
wanting "0.1 CONFIG REQUIRED" | grep -q 'beast is there: OFF'
wanting "0.1 CONFIG REQUIRED COMPONENTS access" | grep -q 'Build files have been written'
wanting "0.1 CONFIG REQUIRED COMPONENTS beast" | grep -q 'cloudflare::beast needs OpenSSL 3 or newer'
wanting "0.1 CONFIG REQUIRED COMPONENTS qt" | grep -q 'no such component'
wanting "0.2 CONFIG REQUIRED" | grep -q 'compatible with requested version "0.2"'
wanting "0.0 CONFIG REQUIRED" | grep -q 'compatible with requested version "0.0"'

way "CMake, as sources"
folder sources
block cmake 2 >"$work/sources/CMakeLists.txt"
quietly cmake -S "$work/sources" -B "$work/sources/build" -DFETCHCONTENT_SOURCE_DIR_CLOUDFLARE-ACCESS="$root"
quietly cmake --build "$work/sources/build"
"$work/sources/build/main"
quietly cmake -S "$root/include" -B "$work/sources/install" -DCMAKE_INSTALL_PREFIX="$work/by_cmake"
quietly cmake --install "$work/sources/install"
[ "$(installed "$work/by_cmake")" = "$(installed "$prefix")" ]
for file in cloudflare-access-config.cmake cloudflare-access-config-version.cmake; do
    cmp {"$work/by_cmake","$prefix"}/share/cmake/cloudflare-access/$file
done

way "Meson subproject, in a unity build"
folder parent
mkdir -p "$work/parent/subprojects"
ln -s "$work/source" "$work/parent/subprojects/cloudflare-access" # as if it had been fetched
rm -rf "$work/source/build"
block ini 1 >"$work/parent/subprojects/cloudflare-access.wrap"
block meson 1 >"$work/parent/meson.build"
quietly meson setup --wrap-mode=forcefallback --unity=on --prefix "$work/parent/prefix" "$work/parent/build" "$work/parent"
ninja -C "$work/parent/build" -t targets all | grep -c ': cpp_COMPILER' | grep -qx 1
quietly ninja -C "$work/parent/build"
"$work/parent/build/main"
quietly meson install -C "$work/parent/build"
[ ! -e "$work/parent/prefix" ]

if [ -e "$root/.git" ]; then
    way "an archive of a release"
    quietly meson setup "$work/release" "$root" -Dtests=disabled -Dexamples=disabled
    quietly meson dist -C "$work/release" --allow-dirty # builds and installs it once, too
    (cd "$work/release/meson-dist" && sha256sum --check ./*.sha256sum && ls -sh)
fi

way "recipes"
quietly cmake -DROOT="$root" -DWORK="$work/recipes" -P "$here/recipes.cmake"
! command -v python3 >/dev/null || PYTHONPYCACHEPREFIX=$work python3 -m py_compile "$root/.packaging/conan/conanfile.py"
! command -v dpkg-parsechangelog >/dev/null || dpkg-parsechangelog -l "$root/.packaging/debian/changelog" >/dev/null

way "one header"
run_block "$work/source" sh 4
sed -e '/cloudflare\/client.hpp\|cloudflare\/testing/d' -e 's|<cloudflare/access.hpp>|"cloudflare-access.hpp"|' \
    "$here/consumers/pure.cpp" >"$work/single.cpp"
# shellcheck disable=SC2086
$compiler $CXXFLAGS -std=c++20 -I "$work/source/build" "$work/single.cpp" -o "$work/single" -lboost_json
"$work/single"
echo "== all ways (after $SECONDS s)"
