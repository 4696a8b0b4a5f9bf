# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the scripts that build and try packages share: small systems of Debian to do it in. They
# are made once, kept as tar files in the lab, and unpacked for each use, so that each
# is a clean one. Sourced, never run.
ZC_PACKAGING=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$ZC_PACKAGING/../selftests/qemu/lib.sh"
. "$ZC_PACKAGING/../selftests/qemu/apt.sh"

# shellcheck disable=SC2034 # by those who source this
ZC_DEB_SUITE=bookworm

# What builds packages of Debian, and RPMs as far as that goes there
# shellcheck disable=SC2034 # by those who source this
chroot_build="build-essential debhelper dh-dkms lintian rpm pkg-config scdoc
	libjson-c-dev libkmod-dev libnl-3-dev libnl-genl-3-dev liburing-dev"

# What zc-dkms and the others are installed in, without a network; gcc-12 is what the headers of
# these kernels name. The last line is what they depend on.
# shellcheck disable=SC2034 # the same
chroot_install="gcc-12 make libc6-dev pkg-config kmod mokutil
	dkms systemd-standalone-sysusers libjson-c5 libkmod2 libnl-genl-3-200 liburing2"

# package_version: of the sources
package_version()
{
	sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$ZC_TOP/dkms.conf"
}

# bootstrap TAR [OPTION... --] PACKAGE...: a Debian with them, as a tar file
bootstrap()
{
	local tar=$1 options=()

	shift
	while [[ " $* " == *' -- '* ]]; do
		[ "$1" = -- ] || options+=("$1")
		shift
	done
	rm -f "$tar"
	as_root mmdebstrap --quiet --variant=minbase --format=tar --architectures=amd64 \
		--include="$(tr ' ' , <<<"$*")" "${options[@]}" \
		--aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
		"$ZC_DEB_SUITE" "$tar" "$APT_DIR/sources-packages.list"
}

# chroot_tar NAME [OPTION... --] PACKAGE...: build/lab/packages/NAME.tar, a Debian with these
# packages
chroot_tar()
{
	local tar=$ZC_LAB/packages/$1.tar

	shift
	if [ -s "$tar" ] && [ "$(cat "$tar.stamp" 2>/dev/null)" = "$*" ]; then
		return
	fi
	say "making $tar"
	mkdir -p "${tar%/*}"
	retry bootstrap "$tar.new" "$@"
	as_root chown "$(id -u):$(id -g)" "$tar.new"
	mv "$tar.new" "$tar"
	echo "$*" >"$tar.stamp"
}

# chroot_new NAME DIR: a fresh one of that name in DIR
chroot_new()
{
	rm -rf "${2:?}" 2>/dev/null || as_root rm -rf "$2"
	mkdir -p "$2"
	as_root tar -C "$2" --numeric-owner -xpf "$ZC_LAB/packages/$1.tar"
}

# chroot_run DIR COMMAND...: there, without a network; what is mounted goes with it
chroot_run()
{
	local root=$1

	shift
	# shellcheck disable=SC2016 # for the inner shell
	as_root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive unshare --mount --net --pid --fork sh -euc '
		root=$1
		shift
		mount -t proc proc "$root/proc"
		mkdir -p "$root/dev/pts"
		mount -t devpts devpts "$root/dev/pts"
		exec chroot "$root" "$@"' sh "$root" "$@" </dev/null
}

# install_tar RELEASE...: build/lab/packages/install.tar, a Debian with dkms and the headers
# of these kernels. Some headers want the image beside them, which nobody here boots: a package
# of that name, with nothing in it, will do.
install_tar()
{
	local release debs image version hook packages stamp

	packages=$(tr -s ' \n\t' ' ' <<<"$chroot_install")
	stamp="$packages $*"
	[ "$(cat "$ZC_LAB/packages/install.tar.stamp" 2>/dev/null)" != "$stamp" ] || return 0
	debs=$(mktemp -d "$ZC_LAB/.debs-XXXXXX")
	for release; do
		packages+=" $(apt_closure 'linux-(kbuild-.*|compiler-.*|headers-.*-common)' \
			"linux-headers-$release" | tr '\n' ' ')"
		(cd "$debs" && retry apt_run apt-get download "linux-headers-$release") >&2
		image=$(dpkg-deb -f "$debs/linux-headers-${release}_"*.deb Depends |
			grep -oF "linux-image-$release-unsigned" || true)
		[ -n "$image" ] || continue
		version=$(dpkg-deb -f "$debs/linux-headers-${release}_"*.deb Version)
		mkdir -p "$debs/image/DEBIAN"
		printf '%s\n' "Package: $image" "Version: $version" "Architecture: amd64" \
			"Maintainer: nobody <nobody@localhost>" "Description: nothing" \
			>"$debs/image/DEBIAN/control"
		dpkg-deb -b "$debs/image" "$debs/linux-image-$release.deb" >&2
	done
	packages+=" linux-base pahole"
	hook="cp $debs/*.deb \$1/root/ && chroot \$1 sh -c 'dpkg -i /root/*.deb && rm /root/*.deb'"
	# shellcheck disable=SC2086 # a list of names
	chroot_tar install --customize-hook="$hook" -- $packages
	echo "$stamp" >"$ZC_LAB/packages/install.tar.stamp"
	rm -rf "$debs"
}

# lab_packages: what all of them start from
lab_packages()
{
	"$ZC_QEMU/deps.sh" packaging
	lock packages
	apt_use "$ZC_DEB_SUITE"
	sources "$ZC_DEB_SUITE" '' -updates -security >"$APT_DIR/sources-packages.list"
}

# bump VERSION: call the sources in the current folder by another version, everywhere
bump()
{
	local version=$1 was

	was=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
	[ "$version" != "$was" ] || return 0
	sed -i "s/\"$was\"/\"$version\"/" dkms.conf kmod/zc.h
	sed -i "s/^VERSION\t.*/VERSION\t:= $version/" user/Makefile
	sed -i "s/^\(Version:\t\).*/\1$version/" packaging/zc.spec
	printf 'zc (%s-1) unstable; urgency=medium\n\n  * Version %s.\n\n -- %s  %s\n\n' \
		"$version" "$version" "$(sed -n 's/^Maintainer: //p' packaging/debian/control)" \
		"$(date -R)" | cat - packaging/debian/changelog >changelog.new
	mv changelog.new packaging/debian/changelog
}

# source_tar DIR VERSION: DIR/zc-VERSION, the sources as git knows or would add them, and a
# tar file of it, which is the same whenever it is made
source_tar()
{
	local dir=$1 version=$2 date

	mkdir -p "$dir/zc-$version"
	(cd "$ZC_TOP" && git ls-files -co --exclude-standard -z |
		while IFS= read -rd '' file; do
			[ ! -f "$file" ] || printf '%s\0' "$file"
		done | tar -c --null -T -) | tar -x -C "$dir/zc-$version"
	(cd "$dir/zc-$version" && bump "$version")
	date=$(sed -n 's/^ -- .*>  //p' "$dir/zc-$version/packaging/debian/changelog" | sed -n 1p)
	tar -C "$dir" --sort=name --owner=0 --group=0 --numeric-owner --mtime="$date" \
		-cJf "$dir/zc-$version.tar.xz" "zc-$version"
}
