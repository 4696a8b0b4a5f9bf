#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# rpm.sh [OUT]: the RPMs of these sources into OUT (default build/rpm), built by Debian's
# rpmbuild in a clean Debian. What they depend on there is not looked at, having other names.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

out=${1:-$ZC_TOP/build/rpm}
version=$(package_version)
mkdir -p "$out"

lab_packages
# shellcheck disable=SC2086 # a list of names
chroot_tar build $chroot_build
root=$(mktemp -d "${TMPDIR:-/tmp}/zc-rpm-XXXXXX")
trap 'as_root rm -rf "$root"' EXIT
chmod 755 "$root"
chroot_new build "$root/chroot"
source_tar "$root/build" "$version"
as_root mkdir -p "$root/chroot/root/rpmbuild/SOURCES"
as_root cp "$root/build/zc-$version.tar.xz" "$root/chroot/root/rpmbuild/SOURCES"
as_root cp "$root/build/zc-$version/packaging/zc.spec" "$root/chroot/root"

say "building the RPMs of zc $version"
if ! chroot_run "$root/chroot" sh -ec '
	cd /root
	rpmspec --parse zc.spec >/dev/null
	rpmbuild -ba --nodeps zc.spec
	' >"$out/build.log" 2>&1; then
	tail -n 40 "$out/build.log" >&2
	die "the RPMs cannot be built: $out/build.log"
fi
rm -f "$out"/*.rpm
find "$root/chroot/root/rpmbuild" -name '*.rpm' -exec cp -t "$out" {} +
