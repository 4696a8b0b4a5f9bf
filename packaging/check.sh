#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The packages: built, installed in a small Debian that has the headers of two kernels, where
# dkms builds the module; that module, zcctl and libzc in a guest, with Secure Boot, too;
# upgraded, and purged. From the environment:
#   KERNELS   kernels to build for and boot (default "6.1 6.12")
# The last line is "N passed, N failed, N skipped". Packages: build/deb and build/rpm, logs:
# build/run/packages
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../selftests/qemu/gate.sh"

kernels=${KERNELS:-6.1 6.12}
version=$(package_version)
next=${version%.*}.$((${version##*.} + 1))
out=$ZC_RUN/packages
mkdir -p "$out"
work=$(mktemp -d "${TMPDIR:-/tmp}/zc-packages-XXXXXX")
trap 'as_root rm -rf "$work"' EXIT
chmod 755 "$work"
root=$work/chroot

# inside TEST [ARG...]: that part of test-install.sh, in the chroot
inside()
{
	chroot_run "$root" bash /check/test-install.sh "$@"
}

# firmware_key: the key that the firmware of the guests has in its db, in the place of the one
# that dkms makes for itself
firmware_key()
{
	local from=/usr/share/ovmf/PkKek-1-snakeoil key=$root/var/lib/dkms/mok

	as_root openssl rsa -in "$from.key" -passin pass:snakeoil -out "$key.key"
	as_root openssl x509 -in "$from.pem" -outform DER -out "$key.pub"
}

prepare()
{
	local k releases=()

	for k in $kernels; do
		kernel "$k" || return
		releases+=("$(cat "$ZC_LAB/kernel-$k/release")")
	done
	lab_packages
	install_tar "${releases[@]}" || return
	chroot_new install "$root"
	as_root mkdir -p "$root/check/now" "$root/check/next"
	as_root cp "$ZC_PACKAGING/test-install.sh" "$root/check"
	as_root cp "$ZC_TOP"/build/deb/*.deb "$root/check/now"
	as_root cp "$work"/next/*.deb "$root/check/next"
	as_root rm -f "$root"/check/*/*-dbgsym_*
	source_tar "$work" "$version"
	as_root cp -r "$work/zc-$version" "$root/check"
	firmware_key
	inside before
}

# of_rpm NAME, of_deb NAME: the files of a package, by their names
of_rpm()
{
	rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$ZC_TOP/build/rpm/$1-$version"-*.rpm |
		awk '$1 !~ /^d/ { print $2 }'
}

of_deb()
{
	dpkg -c "$ZC_TOP/build/deb/$1_$version"-*.deb | awk '$1 !~ /^d/ { print substr($6, 2) }'
}

# RPMs have what Debian's packages have, but for documents and where these differ.
rpm_is_deb()
{
	local pair bad=0

	for pair in zcctl:zcctl zc-dkms:zc-dkms libzc:libzc0 libzc-devel:libzc-dev; do
		diff <(of_rpm "${pair%:*}" | names "${pair%:*}") \
			<(of_deb "${pair#*:}" | names "${pair#*:}") || bad=1
	done
	return $bad
}

names()
{
	grep -vE '/share/(doc|licenses|lintian)/|/\.build-id|/LICENSES' |
		sed -E 's,.*/,,; s/\.gz$//' | grep -E '\.[a-z0-9.]*$|^_?zcctl$' | sort -u
}

# Below a folder, where what they depend on is not looked at, and their scripts do not run.
rpm_installs()
{
	local dir=$work/rpm files

	mkdir -p "$dir"
	files=$(find "$ZC_TOP/build/rpm" -name "*-$version-*.rpm" ! -name '*.src.rpm')
	# shellcheck disable=SC2086 # a list of files
	as_root rpm --root "$dir" -i --nodeps --noscripts $files || return
	[ "$("$dir/usr/sbin/zcctl" --version)" = "zcctl $version" ] || return
	as_root rpm --root "$dir" -e --nodeps --noscripts zcctl zc-dkms libzc libzc-devel || return
	! find "$dir" -type f ! -path '*/rpm/*' | grep .
}

# guest_payload K DIR: what is to be tried there, with the module of the chroot
guest_payload()
{
	local k=$1 dir=$2 release

	release=$(cat "$ZC_LAB/kernel-$k/release")
	mkdir -p "$dir/debs"
	cp "$root/lib/modules/$release/updates/dkms/zc.ko" "$dir/dkms.ko" || return
	cp "$root/check/example-send" "$ZC_PACKAGING"/guest-*.sh "$dir"
	cp "$ZC_TOP"/build/deb/{zcctl,libzc0}_*.deb "$dir/debs"
}

# guest K SCRIPT [OPTION...]: run it there
guest()
{
	local k=$1 script=$2

	shift 2
	rm -rf "$work/payload"
	guest_payload "$k" "$work/payload" &&
		"$ZC_QEMU/guest.sh" -k "$k" --name "packages-$k" --payload "$work/payload" \
			"$@" -- bash "/zc/$script" "$version"
}

# secure_boot K: the firmware takes a kernel, and the kernel a module, that its key has signed
secure_boot()
{
	local k=$1 base=$ZC_LAB/kernel-$1 key=$root/var/lib/dkms/mok

	rm -rf "$work/efi"
	mkdir -p "$work/efi"
	cp /usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd "$work/efi/vars.fd"
	as_root cat "$key.key" >"$work/efi/key"
	sbsign --key "$work/efi/key" --cert /usr/share/ovmf/PkKek-1-snakeoil.pem \
		--output "$work/efi/vmlinuz" "$base/vmlinuz" || return
	guest "$k" guest-secure-boot.sh --efi "$work/efi"
}

gate "Debian packages are built, and lintian has nothing to say" "$ZC_PACKAGING/deb.sh"
gate "so are those of version $next" env VERSION="$next" "$ZC_PACKAGING/deb.sh" "$work/next"
gate "RPMs are built" "$ZC_PACKAGING/rpm.sh"
gate "RPMs have the files that Debian's packages have" rpm_is_deb
gate "RPMs install, and leave nothing" rpm_installs
gate "a Debian with dkms and the headers of $kernels" prepare
gate "apt installs the packages, and dkms builds the module" inside install "$version"
gate "what cannot be built says so: a kernel that is too old" inside too-old "$version"
gate "a program is compiled with libzc-dev" inside compile
for k in $kernels; do
	gate "$k: the module, zcctl and libzc in a guest" guest "$k" guest-packages.sh
done
# Of kernels with Secure Boot the last one will do.
k=${kernels##* }
gate "$k: Secure Boot takes what dkms has signed, and nothing else" secure_boot "$k"
gate "upgraded to version $next" inside upgrade "$next"
gate "removed: the module is gone from all kernels" inside remove
gate "purged without a trace" inside purge
gate "by make dkms-install, and taken back" inside by-hand "$version"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
