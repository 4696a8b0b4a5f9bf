#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# modules-image.sh KERNELDIR: from KERNELDIR/modules make
#   modules.ext4      the guest's /lib/modules/RELEASE
#   initramfs.cpio    busybox, and the modules that lead to that disk
set -euo pipefail
. "$(dirname "$0")/lib.sh"

dir=$1
release=$(cat "$dir/release")
early="virtio_pci virtio_blk virtio_console ext4 overlay"

tree=$(mktemp -d "$ZC_LAB/.initramfs-XXXXXX")
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{bin,dev,proc,sys,modules,root} "$tree/base/lib/modules"

# depmod and modprobe look modules up by release: give them that path.
ln -s "$(cd "$dir/modules" && pwd)" "$tree/base/lib/modules/$release"
depmod -b "$tree/base" "$release"

# One numbered, unpacked module a file, in the order to load them.
n=100
for module in $early; do
	modprobe -d "$tree/base" -S "$release" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
	while read -r ko; do
		name=$tree/modules/$((n++))-$(basename "${ko%.xz}")
		case $ko in
		*.xz) xz -dc "$ko" >"$name" ;;
		*) cp "$ko" "$name" ;;
		esac
	done

rm -r "$tree/base"
cp "$ZC_LAB/busybox" "$tree/bin/busybox"
(cd "$tree" && find . | cpio -o -H newc --quiet -R 0:0) >"$dir/initramfs.cpio"

size=$(du -sm "$dir/modules" | cut -f1)
truncate -s 0 "$dir/modules.ext4"
mke2fs -q -F -t ext4 -E root_owner=0:0 -O ^has_journal -d "$dir/modules" \
	"$dir/modules.ext4" "$((size + size / 4 + 16))M"
