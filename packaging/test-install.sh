#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test-install.sh TEST [VERSION]: one step of check.sh, in a Debian of its own, where /check
# has the packages. Each step takes over where the one before it stopped.
set -euo pipefail
packages="zc-dkms zcctl libzc0 libzc-dev"

die()
{
	echo "$*" >&2
	exit 1
}

# A tree of files; not of what dpkg and apt keep for themselves, nor of logs.
list()
{
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run \
		-o -path /check -o -path /var/log -o -path /var/cache -o -path /var/lib/apt \
		-o -path '/var/lib/dpkg/*-old' \) -prune -o -print | sort
}

modules()
{
	find /lib/modules -name 'zc.ko*'
}

# built VERSION RELEASE: is it there, whole, signed, and of that kernel?
built()
{
	local ko=/lib/modules/$2/updates/dkms/zc.ko

	[ -e "$ko" ] || die "$2: no module"
	[ "$(modinfo -F version "$ko")" = "$1" ] || die "$2: not version $1"
	[[ $(modinfo -F vermagic "$ko") == "$2 "* ]] || die "$2: of another kernel"
	[ -n "$(modinfo -F sig_key "$ko")" ] || die "$2: not signed"
}

install_all()
{
	apt-get install -y --no-install-recommends /check/"$1"/*.deb
}

# What depmod writes where an image of the kernel is installed is there before, too.
before()
{
	local release

	for release in /lib/modules/*; do
		depmod "${release##*/}"
	done
	list >/check/before
	! getent group zc || die "there is a group zc"
}

test_install()
{
	local release

	install_all now
	for release in /lib/modules/*; do
		built "$1" "${release##*/}"
	done
	getent group zc >/dev/null || die "there is no group zc"
	udevadm --version >/dev/null 2>&1 || true
	[ -e /lib/udev/rules.d/60-zc.rules ] || die "no rule of udev"
	zcctl --version | grep -qxF "zcctl $1" || die "zcctl: $(zcctl --version)"
	dkms status
}

# Debian 12's dkms knows a regular expression alone.
too_old()
{
	local old=5.10.0-1-amd64 status=0

	mkdir -p /lib/modules/$old
	ln -s "$(readlink -f /lib/modules/6.1*/build)" /lib/modules/$old/build
	dkms build -m zc -v "$1" -k $old >/check/old.log 2>&1 || status=$?
	rm -r /lib/modules/$old
	cat /check/old.log
	[ $status -eq 77 ] && grep -q BUILD_EXCLUSIVE /check/old.log
}

compile()
{
	cp /usr/share/doc/libzc-dev/examples/send.c /check
	# shellcheck disable=SC2046 # a list of options
	gcc-12 -Wall -Werror -o /check/example-send /check/send.c $(pkg-config --cflags --libs libzc)
	ldd /check/example-send | grep -q 'libzc.so.0 => /lib/'
	printf '#include <linux/zc.h>\n#include <linux/zc_netlink.h>\n' |
		gcc-12 -Wall -Werror -fsyntax-only -x c -
}

# dkms builds for the newest kernel at once, and for others when they are booted, or asked.
upgrade()
{
	local release

	install_all next
	for release in /lib/modules/*; do
		dkms autoinstall -k "${release##*/}"
		built "$1" "${release##*/}"
	done
	[ "$(dkms status | wc -l)" -eq "$(find /lib/modules -mindepth 1 -maxdepth 1 | wc -l)" ] ||
		die "dkms still has the version before"
	[ "$(find /usr/src -maxdepth 1 -name 'zc-*')" = "/usr/src/zc-$1" ] ||
		die "other sources than those of $1"
}

remove_all()
{
	# shellcheck disable=SC2086 # a list of names
	apt-get remove -y $packages
	[ -z "$(modules)" ] || die "modules are left: $(modules)"
	[ -z "$(dkms status)" ] || die "dkms still has: $(dkms status)"
}

# The group stays, which may own files (and its number is not to become another's), with
# what adding it has left; nothing else does.
purge()
{
	# shellcheck disable=SC2086 # a list of names
	dpkg --purge $packages
	list >/check/after
	diff /check/before /check/after | grep -vE '^[0-9,acd]+$|^> /etc/(group-|gshadow-|\.pwd\.lock)$' &&
		die "these files are left, or gone"
	getent group zc >/dev/null || die "the group is gone"
	! dpkg -l | grep -E '^.. +(zc|libzc)'
}

# What make dkms-install does, and dkms-uninstall; for one kernel, as the sources are the same
by_hand()
{
	local release

	release=$(find /lib/modules -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | head -n 1)
	make -s -C /check/zc-"$1" dkms-install KERNEL="$release"
	built "$1" "$release"
	make -s -C /check/zc-"$1" dkms-uninstall
	[ -z "$(modules)" ] || die "modules are left: $(modules)"
	list | diff /check/after - || die "these files are left, or gone"
}

case ${1:-} in
before) before ;;
install) test_install "$2" ;;
too-old) too_old "$2" ;;
compile) compile ;;
upgrade) upgrade "$2" ;;
remove) remove_all ;;
purge) purge ;;
by-hand) by_hand "$2" ;;
*) die "usage: test-install.sh TEST [VERSION]" ;;
esac
