#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A QEMU whose plugins can read the guest's registers and memory (10 and later, API 4), as
# build/lab/qemu-tlb: Debian's packages, unpacked and not installed, and qemu-plugin.h, which
# no package has, from their source.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../apt.sh"

out=$ZC_LAB/qemu-tlb
lock qemu-tlb
[ ! -e "$out/qemu-plugin.h" ] || exit 0

suite=$(host_suite)
pockets=('' -updates -security)
[ "$suite" != bookworm ] || pockets=(-backports)
new=$(mktemp -d "$ZC_LAB/.qemu-tlb-XXXXXX")
trap 'rm -rf "$new"' EXIT

# newest PACKAGE: the highest version of it, wherever it comes from
newest()
{
	apt_run apt-cache show "$1" | sed -n 's/^Version: //p' | sort -V | tail -n 1
}

# The lists of sources are kept apart: nobody else needs them.
fetch_header()
{
	apt_use "$suite-source"
	sources "$suite" "${pockets[@]}" | sed 's/^deb /deb-src /' >"$APT_DIR/sources.list"
	retry apt_run apt-get update
	mkdir "$new/source"
	(cd "$new/source" && retry apt_run apt-get source --download-only --tar-only \
		"qemu=${version%+b[0-9]*}") >&2
	tar -xf "$new/source"/qemu_*.orig.tar.* -C "$new" --wildcards --no-anchored \
		--transform 's,.*/,,' qemu-plugin.h
	rm -r "$new/source"
}

apt_use "$suite"
lock "apt-$suite"
retry apt_update
version=$(newest qemu-system-x86)
# As 1:10.0.2+ds-2
major=${version#*:} major=${major%%.*}
[ "$major" -ge 10 ] || die "$suite has no QEMU 10, but $version"
say "fetching QEMU $version and its source"
packages=()
for package in qemu-system-x86 qemu-system-common qemu-system-data seabios; do
	packages+=("$package=$(newest "$package")")
done
apt_extract "$new" "${packages[@]}"
fetch_header
"$new/usr/bin/qemu-system-x86_64" --version >"$new/version" ||
	die "QEMU $version does not run here: $new/usr/bin/qemu-system-x86_64"
chmod 755 "$new"
mv "$new" "$out"
