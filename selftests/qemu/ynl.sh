#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Make kmod/netlink-gen.[ch] and uapi/linux/zc_netlink.h of their spec,
# Documentation/netlink/specs/zc.yaml, with the kernel's own generator. With --check write
# nothing: print how they differ from what it makes, and fail if they do.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

spec=Documentation/netlink/specs/zc.yaml
check=''
case "$*" in
'') ;;
--check) check=y ;;
*) die "there is no option but --check" ;;
esac

"$ZC_QEMU/ksft.sh"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/zc-ynl-XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# It looks for the root of a kernel tree above the spec, which is the folder that has
# MAINTAINERS, for ever if need be; and for the schema beside the spec's folder.
touch "$tmp/MAINTAINERS"
mkdir -p "$tmp/${spec%/*}"
cp "$ZC_LAB/ksft/Documentation/netlink/genetlink-c.yaml" "$tmp/Documentation/netlink"
cp "$ZC_TOP/$spec" "$tmp/$spec"

# generate NAME OPTION...: into $tmp/NAME. The source includes the header by the name that
# was given, so that stands alone.
generate()
{
	(cd "$tmp" && python3 "$ZC_LAB/ksft/tools/net/ynl/ynl-gen-c.py" \
		--spec "$tmp/$spec" "${@:2}" -o "$1") || die "the generator has failed for $1"
}

# take FILE NAME: what was generated becomes FILE, or is compared with it
differ=0
take()
{
	if [ -z "$check" ]; then
		cp "$tmp/$2" "$ZC_TOP/$1"
	else
		diff -u --label "$1" --label "of $spec" "$ZC_TOP/$1" "$tmp/$2" || differ=1
	fi
}

generate netlink-gen.h --mode kernel --header
generate netlink-gen.c --mode kernel --source
generate zc_netlink.h --mode uapi --header
take kmod/netlink-gen.h netlink-gen.h
take kmod/netlink-gen.c netlink-gen.c
take uapi/linux/zc_netlink.h zc_netlink.h
[ "$differ" -eq 0 ] || die "not what the spec says: 'make netlink' makes them anew"
