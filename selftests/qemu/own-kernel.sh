#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A kernel of the user's own into build/lab/kernel-own, laid out as kernel.sh lays out
# Debian's. From the environment:
#   KERNEL   its image: arch/x86/boot/bzImage of a tree, or /boot/vmlinuz-RELEASE
#   KDIR     where it was built, or its headers are (default: the tree that KERNEL is in,
#            or /lib/modules/RELEASE/build)
#   MODULES  its modules (default /lib/modules/RELEASE, or those that are built in KDIR)
set -euo pipefail
. "$(dirname "$0")/lib.sh"

out=$ZC_LAB/kernel-own
image=$(realpath -e "${KERNEL:?}") || die "KERNEL=$KERNEL: there is no such file"

# header AT SIZE: a little-endian number of the image
header()
{
	od -An -t "u$2" -j "$1" -N "$2" --endian=little "$image" | tr -d ' '
}

# What Documentation/arch/x86/boot.rst has of an image: "HdrS" at 0x202, and where the
# text of its version begins, less 0x200, at 0x20e.
[ "$(dd if="$image" bs=1 skip=514 count=4 2>/dev/null | tr -d '\0')" = HdrS ] ||
	die "$image is no bzImage of Linux for x86"
release=$(dd if="$image" bs=1 skip=$(($(header 526 2) + 512)) count=256 2>/dev/null |
	tr '\0' '\n' | sed -n '1s/ .*//p')
[ -n "$release" ] || die "$image does not say of what version it is"

tree=${image%/arch/*/boot/bzImage}
if [ -z "${KDIR-}" ] && [ "$tree" != "$image" ]; then
	KDIR=$tree
fi
KDIR=$(realpath -e "${KDIR:-/lib/modules/$release/build}") ||
	die "where was Linux $release built, or where are its headers? KDIR=…"
if [ -z "${MODULES-}" ] && [ -d "/lib/modules/$release/kernel" ]; then
	MODULES=/lib/modules/$release
fi
built=$(sed -nE 's/.*UTS_RELEASE "(.*)"/\1/p' "$KDIR/include/generated/utsrelease.h")
[ "$built" = "$release" ] || die "KDIR=$KDIR is of Linux $built, and KERNEL of $release"

lock kernel-own
stamp="$image $(stat -c '%Y %s' "$image") $KDIR ${MODULES-}"
[ "$stamp" != "$(cat "$out/stamp" 2>/dev/null)" ] || exit 0
"$ZC_QEMU/busybox.sh"
new=$(mktemp -d "$ZC_LAB/.kernel-own-XXXXXX")
trap 'rm -rf "$new"' EXIT

# Without those for debuggers, which are many times as large.
if [ -n "${MODULES-}" ]; then
	cp -r "$MODULES/." "$new/modules"
	rm -rf "$new"/modules/{build,source}
elif [ -e "$KDIR/modules.order" ]; then
	make -s -C "$KDIR" modules_install INSTALL_MOD_PATH="$new" INSTALL_MOD_STRIP=1
	mv "$new/lib/modules/$release" "$new/modules"
	rm -rf "${new:?}/lib" "$new"/modules/{build,source}
else
	mkdir "$new/modules"
fi
# A kernel may have all built in.
for file in modules.builtin modules.order modules.builtin.modinfo; do
	[ -e "$new/modules/$file" ] || [ ! -e "$KDIR/$file" ] ||
		cp "$KDIR/$file" "$new/modules/$file"
	[ -e "$new/modules/$file" ] || : >"$new/modules/$file"
done
cp "$image" "$new/vmlinuz"
echo "$release" >"$new/release"
ln -s "$KDIR" "$new/kdir"
echo "$stamp" >"$new/stamp"
"$ZC_QEMU/modules-image.sh" "$new" || die "what guests need, built in or as modules:
  CONFIG_VIRTIO_PCI VIRTIO_BLK VIRTIO_CONSOLE EXT4_FS OVERLAY_FS DEVTMPFS TMPFS TTY
  SERIAL_8250_CONSOLE BLK_DEV_INITRD"
chmod 755 "$new"
rm -rf "$out"
mv "$new" "$out"
say "Linux $release of $image is ready"
