#!/bin/sh
# Builds the Debian packages of the last commit: libcloudflare-access-dev, and access-token with the programs. Needs
# dpkg-dev, debhelper, lintian and what .packaging/debian/control says; about two minutes on two cores, so not part of CI.
# Usage: build_deb.sh [OUT_DIR [OPTION OF dpkg-buildpackage...]]
#
# To try them afterwards, as root: autopkgtest OUT_DIR/*.deb OUT_DIR/cloudflare-access-VERSION -- null
set -eu
out=$(realpath "${1:-build-deb}")
[ $# -eq 0 ] || shift
cd "$(dirname "$0")/.."
version=$(sed -n "s/^  version: '\(.*\)',/\1/p" meson.build)
name=cloudflare-access-$version
rm -rf "$out"
mkdir -p "$out"
git archive --prefix="$name/" --output="$out/cloudflare-access_$version.orig.tar.gz" HEAD
cd "$out"
tar -xzf "cloudflare-access_$version.orig.tar.gz"
cp -r "$name/.packaging/debian" "$name/debian"
cd "$name"
dpkg-buildpackage -us -uc "$@"
cd ..
lintian --fail-on error --suppress-tags initial-upload-closes-no-bugs ./*.changes
ls -l ./*.deb
