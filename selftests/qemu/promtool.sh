#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's promtool as build/lab/promtool, for the checks of metrics and alerts. The
# package is not installed: a Prometheus server would start with it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

lock promtool
[ ! -x "$ZC_LAB/promtool" ] || exit 0

apt_use bookworm
lock apt-bookworm
retry apt_update
tmp=$(mktemp -d "$ZC_LAB/.promtool-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
apt_extract "$tmp" prometheus
mv "$tmp/usr/bin/promtool" "$ZC_LAB/promtool"
