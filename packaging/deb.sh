#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# deb.sh [OUT]: the Debian packages of these sources into OUT (default build/deb), built in
# a clean Debian and looked at by lintian, whose warnings are errors. From the environment:
#   VERSION   what they are called, in the place of the sources' own; lintian has then
#             seen them before, and symbols for debuggers are left out
set -euo pipefail
. "$(dirname "$0")/lib.sh"

out=${1:-$ZC_TOP/build/deb}
version=${VERSION:-$(package_version)}
mkdir -p "$out"

lab_packages
# shellcheck disable=SC2086 # a list of names
chroot_tar build $chroot_build
root=$(mktemp -d "${TMPDIR:-/tmp}/zc-deb-XXXXXX")
trap 'as_root rm -rf "$root"' EXIT
chmod 755 "$root"
chroot_new build "$root/chroot"
source_tar "$root/build" "$version"
tree=$root/build/zc-$version
cp -r "$tree/packaging/debian" "$tree/debian"
mv "$root/build/zc-$version.tar.xz" "$root/build/zc_$version.orig.tar.xz"
as_root mv "$root/build" "$root/chroot/build"
as_root chown -R 0:0 "$root/chroot/build"

say "building the Debian packages of zc $version"
if ! chroot_run "$root/chroot" sh -ec "cd /build/zc-$version &&
	DEB_BUILD_OPTIONS='${VERSION:+noautodbgsym}' dpkg-buildpackage -us -uc ${VERSION:+-b}" \
	>"$out/build.log" 2>&1; then
	tail -n 40 "$out/build.log" >&2
	die "the packages cannot be built: $out/build.log"
fi
rm -f "$out"/*.{deb,dsc,changes,buildinfo,tar.xz}
find "$root/chroot/build" -maxdepth 1 -type f -exec cp -t "$out" {} +
[ -z "${VERSION:-}" ] || exit 0
chroot_run "$root/chroot" sh -ec "cd /build && lintian --allow-root --tag-display-limit 0 \
	--info --fail-on error,warning ./*.changes" >&2
