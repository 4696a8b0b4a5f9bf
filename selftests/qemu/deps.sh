#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# deps.sh SET...: install the Debian packages that these sets need, if any is
# missing. Sets: build user check debug demo style static packaging browser all
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# libglib2.0-dev is what plugins of QEMU include.
# gcc-12 is what Debian's headers of 6.1 and 6.12 name.
build="build-essential gcc-12 dwarves kmod"
user="build-essential pkg-config libkmod-dev
	libjson-c-dev liburing-dev libnl-3-dev libnl-genl-3-dev scdoc"
check="$build $user gcc-multilib qemu-system-x86 mmdebstrap e2fsprogs cpio
	xz-utils zstd perl python3 rsync procps util-linux ca-certificates libglib2.0-dev"
debug="$check flex bison bc libelf-dev libssl-dev"
demo="$check socat iproute2"
# The tests of zcctl compare what it prints with its schema, and its tables with the
# specification of netlink.
style="$check sparse shellcheck codespell clang libclang-rt-dev llvm g++ git zsh man-db
	python3-jsonschema python3-sphinx python3-yaml"
# Some semantic patches are half in OCaml, which Coccinelle compiles.
# shellcheck disable=SC2034 # by ${!set}
static="$style coccinelle ocaml clang-tidy valgrind"
# Firmware that knows Secure Boot, and what signs a kernel for it
# shellcheck disable=SC2034 # by ${!set}
packaging="$check ovmf sbsigntool openssl git rpm"
# Some 100 MB to fetch, for one gate of style; so not in all, which others wait for.
# shellcheck disable=SC2034 # by ${!set}
browser="chromium"
# shellcheck disable=SC2034 # by ${!set}
all="$debug $demo $style"

packages=''
for set in "${@:-all}"; do
	case $set in
	build | user | check | debug | demo | style | static | packaging | browser | all)
		packages+=" ${!set}" ;;
	*) die "no such set: $set" ;;
	esac
done

missing=''
for package in $packages; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
	[ "$state" = installed ] || missing+=" $package"
done
[ -n "$missing" ] || exit 0
# shellcheck disable=SC2086 # a list of names
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')

# A dpkg that another program holds is waited for, not an error.
apt_get()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq \
		-o DPkg::Use-Pty=0 -o Acquire::Retries=3 \
		-o DPkg::Lock::Timeout=300 "$@" >&2
}

lock deps
say "installing: $missing"
retry apt_get update
# shellcheck disable=SC2086 # a list of names
retry apt_get install -y --no-install-recommends $missing
