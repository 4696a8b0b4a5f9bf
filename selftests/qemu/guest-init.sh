#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
#
# /init of the guests' initramfs: load what leads to the disks, put a tmpfs over
# the read-only root, mount what was brought along, and hand over to guest-main.sh.
# The disks are told apart by their serial numbers.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys

fail()
{
	echo "guest-init: $*" >/dev/kmsg
	poweroff -f
}

for module in /modules/*.ko; do
	[ ! -e "$module" ] || insmod "$module" || fail "cannot load $module"
done

# disk SERIAL: its device node
disk()
{
	local serial

	for serial in /sys/block/vd*/serial; do
		if [ "$(cat "$serial")" = "$1" ]; then
			serial=${serial%/serial}
			echo "/dev/${serial##*/}"
			return
		fi
	done
}

# attach SERIAL DIR OPTIONS: mount that disk
attach()
{
	mkdir -p "$2"
	mount -t ext4 -o "$3" "$(disk "$1")" "$2" || fail "cannot mount disk $1"
}

mkdir -p /lower /upper /root
attach root /lower ro
mount -t tmpfs tmpfs /upper
mkdir -p /upper/data /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work \
	overlay /root || fail "cannot mount the root"
attach modules "/root/usr/lib/modules/$(uname -r)" ro
attach payload /root/zc rw
attach ext4 /root/mnt/ext4 rw

mkdir -p /dev/disk/by-id
ln -s "$(disk spare)" /dev/disk/by-id/virtio-spare
for dir in dev proc sys; do
	mount --move "/$dir" "/root/$dir"
done
cp /guest-main.sh /root/run/
exec switch_root /root /bin/bash /run/guest-main.sh
