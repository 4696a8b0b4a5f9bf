#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# dkms.sh install|remove: put the module's sources where dkms looks for them, and
# have it build and install zc.ko for a kernel; or take all of it back. As root.
# KERNEL: which kernel (default: the running one). DKMS_OPTS: more for dkms.
set -eu
cd "$(dirname "$0")/.."

die()
{
	echo "dkms.sh: $*" >&2
	exit 1
}

# The one place that knows the version of the package.
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
kernel=${KERNEL:-$(uname -r)}
tree=/usr/src/zc-$version

command -v dkms >/dev/null || die "dkms is missing: apt-get install dkms"

# Two that install the same take it from one another.
[ ! -e /var/lib/dpkg/info/zc-dkms.list ] ||
	die "the package zc-dkms has the module: apt-get purge zc-dkms first, or keep it"

# What was registered before goes first, so that changed sources are built anew.
forget()
{
	[ -z "$(dkms status -m zc -v "$version")" ] ||
		dkms remove -m zc -v "$version" --all
	rm -rf "$tree"
}

case ${1:-} in
install)
	forget
	mkdir -p "$tree"
	cp -r Kbuild dkms.conf kmod uapi LICENSES "$tree"
	# What a build in place has left is not source.
	find "$tree" \( -name '*.o' -o -name '.*.cmd' \) -exec rm {} +
	dkms add -m zc -v "$version"
	# shellcheck disable=SC2086 # a list of options
	dkms install -m zc -v "$version" -k "$kernel" ${DKMS_OPTS:-}
	;;
remove)
	forget
	;;
*)
	die "usage: dkms.sh install|remove"
	;;
esac
