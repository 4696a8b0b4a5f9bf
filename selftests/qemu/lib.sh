# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What every script of the test lab shares. Sourced, never run.

# A make that called us must not pass its flags and jobserver to the makes we run.
unset MAKEFLAGS MFLAGS MAKELEVEL

# An ordinary user's PATH lacks depmod, modprobe and mke2fs.
PATH=$PATH:/usr/sbin:/sbin

ZC_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ZC_QEMU=$ZC_TOP/selftests/qemu
ZC_LAB=${ZC_LAB:-$ZC_TOP/build/lab}
ZC_RUN=${ZC_RUN:-$ZC_TOP/build/run}
ZC_USER=${ZC_USER:-$ZC_TOP/build/user${SANITIZE:+-sanitized}}
# shellcheck disable=SC2034 # by those who source this
KSFT_SRC=$ZC_LAB/ksft/tools/testing/selftests
# The firmware of guests that boot by EFI, of Debian's package ovmf
# shellcheck disable=SC2034 # the same
ZC_OVMF=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd

say()
{
	printf '%s\n' "$*" >&2
}

die()
{
	say "${0##*/}: $*"
	exit 1
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "'$1' needs root: run as root, or install sudo"
	fi
}

# retry COMMAND...: four tries with growing pauses, for whatever needs the network
retry()
{
	local pause

	for pause in 2 8 20; do
		"$@" && return
		say "'$*' failed, trying again in $pause s"
		sleep "$pause"
	done
	"$@"
}

# lock NAME: wait for, then hold until this process ends, the lab's lock NAME.
# Child processes inherit it; nothing here leaves one behind.
lock()
{
	local fd

	mkdir -p "$ZC_LAB"
	exec {fd}>"$ZC_LAB/.lock-$1"
	flock -n "$fd" || {
		say "waiting for another that uses $ZC_LAB ($1)"
		flock "$fd"
	}
}

host_suite()
{
	# shellcheck source=/dev/null
	(. /etc/os-release && printf '%s\n' "${VERSION_CODENAME:-unknown}")
}

# kernel_make K DIR ARGS...: make in directory DIR against the headers of kernel K
kernel_make()
{
	local dir=$2 base=$ZC_LAB/kernel-$1

	shift 2
	if [ -d "$base/chroot" ]; then
		chroot_make "$base" "$dir" "$@"
	else
		make -s -C "$base/kdir" M="$dir" "$@"
	fi
}

# chroot_make BASE DIR ARGS...: the same in BASE/chroot. Its mounts live and die
# with a mount namespace of their own.
chroot_make()
{
	local base=$1 dir=$2 release

	shift 2
	release=$(cat "$base/release")
	# shellcheck disable=SC2016 # for the inner shell
	as_root unshare --mount sh -euc 'root=$1 dir=$2 kdir=$3
		shift 3
		mount -t proc proc "$root/proc"
		mount --bind "$dir" "$root/mnt"
		chroot "$root" make -s -C "$kdir" M=/mnt "$@"' sh \
		"$base/chroot" "$dir" "/usr/src/linux-headers-$release" "$@"
	as_root chown -R "$(id -u):$(id -g)" "$dir"
}

# build_module K DIR [ARGS...]: DIR/zc.ko from a copy of the sources, so that
# kernels do not disturb one another
build_module()
{
	local k=$1 dir=$2

	shift 2
	rm -rf "$dir"
	mkdir -p "$dir"
	cp -a "$ZC_TOP"/{Kbuild,kmod,uapi} "$dir"
	find "$dir" \( -name '*.o' -o -name '.*.cmd' \) -delete
	# What nobody has set is not by chance what it should be. Where the module was can be
	# asked for (KCOV), and of nothing else in that kernel.
	! instrumented "$k" || set -- KCFLAGS=-ftrivial-auto-var-init=pattern "$@"
	[ "$k" != debug ] || set -- KCOV_INSTRUMENT=y "$@"
	kernel_make "$k" "$dir" "$@" modules
}

# instrumented K: is it one of ours, slow, which looks over our shoulder?
instrumented()
{
	[ "$1" = debug ] || [ "$1" = kcsan ]
}

# machine_of KIND: what guest.sh is to be told of such a machine, into $options and $append;
# the ordinary one is ''
# shellcheck disable=SC2034 # for who asks
machine_of()
{
	# A page of 1 GiB is had at boot only.
	options=(--edu) append="hugepagesz=1G hugepages=0:1"
	case $1 in
	# An IOMMU translates what devices access.
	iommu) options+=(--iommu) ;;
	# All that devices access is copied there and back.
	swiotlb) append+=" swiotlb=force" ;;
	# The kernel takes only signed modules, and zc.ko is none.
	sig) append+=" module.sig_enforce=1" ;;
	lockdown) append+=" lockdown=integrity" ;;
	# The clock counts instructions: what is measured can be repeated.
	icount) options=(--icount) ;;
	esac
}

# kernel K: have that kernel ready
kernel()
{
	case $1 in
	debug | kcsan | gcov) "$ZC_QEMU/debug-kernel.sh" "$1" ;;
	own) "$ZC_QEMU/own-kernel.sh" ;;
	*) "$ZC_QEMU/kernel.sh" "$1" ;;
	esac
}

# payload K DIR: what a guest of kernel K finds in /zc: module, tools, library.
# The module is built in a place of its own, so that runs do not meet.
payload()
{
	local k=$1 dir=$2

	[ -e "$ZC_USER/zcctl" ] || die "there is no zcctl in $ZC_USER: 'make user' first"
	kernel "$k"
	build_module "$k" "$dir.module" >&2
	payload_of "$dir.module" "$dir"
	rm -r "$dir.module"
}

# payload_of MODULE DIR: the same, with the module that was built there
payload_of()
{
	local dir=$2

	mkdir -p "$dir/bin" "$dir/lib"
	cp "$1/zc.ko" "$dir"
	cp -a "$ZC_USER"/{zcctl,example-send,example-later,example-dma} "$dir/bin"
	cp -a "$ZC_USER"/libzc.so* "$ZC_USER/libzc-sendfile.so" "$dir/lib"
	# Built by make check; the demo and the bench do without.
	[ ! -e "${ZC_USER%-sanitized}-static/zcctl" ] ||
		cp -a "${ZC_USER%-sanitized}-static/zcctl" "$dir/bin/zcctl-static"
	# What guests do not have, of sanitizers
	[ -z "${SANITIZE-}" ] || ldd "$ZC_USER/zcctl" |
		awk '/lib(asan|ubsan|stdc\+\+|gcc_s)\./ { print $3 }' |
		xargs cp -L -t "$dir/lib"
}
