#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Kernel source of Debian's linux-source-6.12, as build/lab/linux-source-6.12.tar.xz.
# It serves three times: for the kselftest harness and checkpatch.pl (ksft.sh),
# for the debug kernel (debug-kernel.sh), and as the real file of `make demo`.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

out=$ZC_LAB/linux-source-6.12.tar.xz
lock source
[ ! -s "$out" ] || exit 0

say "fetching linux-source-6.12"
apt_use bookworm
lock apt-bookworm
retry apt_update
tmp=$(mktemp -d "$ZC_LAB/.source-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
apt_extract "$tmp" linux-source-6.12
mv "$tmp/usr/src/linux-source-6.12.tar.xz" "$out"
