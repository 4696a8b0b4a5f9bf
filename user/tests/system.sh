#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What is installed for the system: that it is where udev and systemd look, is what they
# understand, and that all of it goes again. Below a folder; nothing needs root. TAP output.
# shellcheck disable=SC2317 # by tap_check
set -u
# shellcheck source=tap.sh
. "${0%/*}/tap.sh"
cd "${0%/*}/.." || exit
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
lib=$dir/usr/local/lib
mkdir "$dir/etc"

# has MODE FILE: is it installed, so that everybody reads it and root alone writes?
has()
{
	stat -c '%a %n' "$2" && [ "$(stat -c %a "$2")" = "$1" ]
}

group_made()
{
	systemd-sysusers --root="$dir" && cat "$dir/etc/group" && grep -q '^zc:' "$dir/etc/group"
}

# Names of groups are this machine's business. Of older versions a typing error is seen by
# the selftest udev.sh alone.
rules_verified()
{
	udevadm verify --resolve-names=never "$lib/udev/rules.d/60-zc.rules"
}

# It has no other lines than comments.
loads_zc_alone()
{
	[ "$(grep -v '^#' "$lib/modules-load.d/zc.conf")" = zc ]
}

nothing_left()
{
	make -s uninstall BUILD="$BUILD" DESTDIR="$dir" PREFIX=/usr/local &&
		! find "$dir" -path "$dir/etc" -prune -o ! -type d -print | grep .
}

says_what_is_next()
{
	make -n install BUILD="$BUILD" DESTDIR= PREFIX="$1" | grep -- "$2"
}

tap_check "install" make -s install BUILD="$BUILD" DESTDIR="$dir" PREFIX=/usr/local
tap_check "the rule" has 644 "$lib/udev/rules.d/60-zc.rules"
tap_check "the group" has 644 "$lib/sysusers.d/zc.conf"
tap_check "what is loaded" has 644 "$lib/modules-load.d/zc.conf"
for page in man/*.scd; do
	page=$(basename "$page" .scd)
	if command -v scdoc >/dev/null; then
		tap_check "$page" has 644 "$dir/usr/local/share/man/man${page##*.}/$page"
	else
		tap_skip "$page" "no scdoc"
	fi
done
if command -v systemd-sysusers >/dev/null; then
	tap_check "systemd-sysusers finds the file, and makes the group" group_made
else
	tap_skip "systemd-sysusers finds the file, and makes the group" "no systemd-sysusers"
fi
if udevadm verify --version >/dev/null 2>&1; then
	tap_check "udevadm verify" rules_verified
else
	tap_skip "udevadm verify" "before version 254"
fi
tap_check "zc, and nothing else, is loaded" loads_zc_alone
tap_check "without DESTDIR, what to do next" \
	says_what_is_next /usr/local 'systemd-sysusers && udevadm'
tap_check "elsewhere, that nobody looks there" says_what_is_next /opt/zc 'But not from /opt/zc'
tap_check "uninstall leaves no file" nothing_left
tap_end
