#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel.sh K: a Debian kernel of series K (6.1, 6.12, 7.3) as build/lab/kernel-K:
#   vmlinuz  release  modules/  modules.ext4  initramfs.cpio
#   kdir     its headers, or
#   chroot/  a Debian with its headers, where the host is too old for these
# Packages are unpacked, never installed, so the host keeps its own kernel.
# Status 4: the archive has no such kernel.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

k=${1:?usage: kernel.sh K}
out=$ZC_LAB/kernel-$k
case $k in
[3-6].[0-9]*) suite=bookworm ;;
[0-9]*.[0-9]*) suite=trixie ;;
*) die "'$k' is no series of kernels, as 6.1, 6.12 and debug are" ;;
esac

lock "kernel-$k"
[ ! -e "$out/release" ] || exit 0
"$ZC_QEMU/busybox.sh"

new=$(mktemp -d "$ZC_LAB/.kernel-$k-XXXXXX")
trap 'as_root rm -rf "$new"' EXIT

find_version()
{
	local image

	apt_use "$suite"
	lock "apt-$suite"
	retry apt_update
	image=$(apt_newest "linux-image-${k//./\\.}\.[0-9.]+(\+deb[0-9]+|-[0-9]+)-amd64")
	if [ -z "$image" ]; then
		say "the archive has no kernel $k in $suite"
		exit 4
	fi
	release=${image#linux-image-}
	echo "$release" >"$new/release"
}

# unpack NAMES PACKAGE: it and what it depends on of the same series
unpack()
{
	local packages

	packages=$(apt_closure "linux-($1)-${k//./\\.}.*" "$2")
	# shellcheck disable=SC2086 # a list of names
	apt_extract "$new/root" $packages
}

# Older packages keep to /boot and /lib, newer ones to /usr/lib.
fetch_image()
{
	local root=$new/root modules=lib/modules/$release

	unpack 'image|binary|modules|base' "linux-image-$release"
	[ -d "$root/$modules/kernel" ] || modules=usr/$modules
	mv "$root/$modules" "$new/modules"
	cp "$root/boot/vmlinuz-$release" "$new/vmlinuz" 2>/dev/null ||
		cp "$new/modules/vmlinuz" "$new/vmlinuz"
	rm -rf "$root"
	# What no guest has: half of the size. Of graphics there are those that take dma-bufs.
	rm -rf "$new"/modules/kernel/{sound,drivers/{media,net/wireless,iio}}
	find "$new/modules/kernel/drivers/gpu" -type f ! -path '*/drm/drm*.ko*' \
		! -path '*/vgem/*' ! -path '*/tiny/cirrus*' -delete
	"$ZC_QEMU/modules-image.sh" "$new"
}

# The headers include /usr/src/…-common/Makefile: that is the host's, if it has
# this kernel too, or nothing at all. Make them find the one beside them.
fetch_headers()
{
	unpack 'headers|kbuild' "linux-headers-$release"
	sed -i 's|^include /usr/src/|include ../|' \
		"$new/root/usr/src/linux-headers-$release/Makefile"
	! grep -rIl '/usr/\(src\|lib\)/linux-' "$new/root/usr/src" >&2 ||
		die "these headers still point at the host's"
	rm -rf "$new/root/lib" "$new/root/boot"
	ln -s "root/usr/src/linux-headers-$release" "$new/kdir"
}

bootstrap()
{
	as_root rm -rf "$new/chroot"
	as_root mmdebstrap --quiet --variant=apt --architectures=amd64 \
		--include="make,gcc-14,libc6-dev,dwarves,linux-headers-$release" \
		--aptopt='Acquire::Languages "none"' \
		--aptopt='Acquire::Retries "3"' \
		"$suite" "$new/chroot" "$APT_DIR/sources.list"
}

find_version
say "fetching kernel $release"
fetch_image
if [ "$suite" = bookworm ]; then
	fetch_headers
else
	retry bootstrap
fi
chmod 755 "$new"
mv "$new" "$out"
