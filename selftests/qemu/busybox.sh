#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's busybox-static as build/lab/busybox, for the guests' initramfs. Not
# installed: on the host it would take the place of the ordinary busybox.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

lock busybox
[ ! -x "$ZC_LAB/busybox" ] || exit 0

apt_use bookworm
lock apt-bookworm
retry apt_update
tmp=$(mktemp -d "$ZC_LAB/.busybox-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
apt_extract "$tmp" busybox-static
busybox=$tmp/bin/busybox
[ -e "$busybox" ] || busybox=$tmp/usr/bin/busybox
mv "$busybox" "$ZC_LAB/busybox"
