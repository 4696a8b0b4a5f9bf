#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guests' root filesystem: a small Debian of the host's own suite, so that
# what the host built runs there, as build/lab/rootfs.ext4. Guests mount it
# read-only.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

# bpftrace has a compiler with it, which is 220 of the 540 MiB (du -sm); perf and what else the
# last two lines name add 40.
packages="kmod procps psmisc util-linux iproute2 ethtool e2fsprogs xfsprogs
	btrfs-progs dmsetup perl-base curl nginx-light lighttpd wrk socat netcat-openbsd fio iperf3
	strace libkmod2 libnl-3-200 libnl-genl-3-200 libjson-c5 liburing2
	libc6-i386 linux-perf bpftrace udev systemd-standalone-sysusers
	python3-minimal python3-yaml python3-jsonschema"

# The stamp is the script itself: another list of packages means a new image.
out=$ZC_LAB/rootfs.ext4
lock rootfs
if cmp -s "$0" "$out.stamp" && [ -s "$out" ]; then
	exit 0
fi

tmp=$(mktemp -d "$ZC_LAB/.rootfs-XXXXXX")
trap 'as_root rm -rf "$tmp"' EXIT
chmod 755 "$tmp"

bootstrap()
{
	as_root rm -rf "$tmp/root"
	# shellcheck disable=SC2086 # a list of names
	as_root mmdebstrap --quiet --variant=minbase --architectures=amd64 \
		--include="$(echo $packages | tr ' ' ,)" \
		--aptopt='Acquire::Languages "none"' \
		--aptopt='Acquire::Retries "3"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$(host_suite)" "$tmp/root" "$tmp/sources.list"
}

# "zc" is the payload's place, "lib/modules" the kernel's.
finish()
{
	mkdir -p "$1/zc" "$1/mnt/ext4" "$1/usr/lib/modules"
	echo zc-guest >"$1/etc/hostname"
	printf '127.0.0.1 localhost zc-guest\n::1 localhost\n' >"$1/etc/hosts"
	rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1/etc/resolv.conf"
}

say "making the guests' root filesystem ($(host_suite))"
sources "$(host_suite)" '' -updates -security >"$tmp/sources.list"
retry bootstrap
as_root bash -c "$(declare -f finish); finish '$tmp/root'"
size=$(as_root du -sm "$tmp/root" | cut -f1)
truncate -s 0 "$tmp/rootfs.ext4"
as_root mke2fs -q -F -t ext4 -O ^has_journal -d "$tmp/root" \
	"$tmp/rootfs.ext4" "$((size + size / 4 + 32))M"
as_root chown "$(id -u):$(id -g)" "$tmp/rootfs.ext4"
mv "$tmp/rootfs.ext4" "$out"
cp "$0" "$out.stamp"
