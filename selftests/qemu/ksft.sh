#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# From the kernel source, into build/lab/ksft with their paths: the kselftest
# harness and runner, checkpatch.pl, the semantic patches of Coccinelle, kernel-doc with its extension of Sphinx, and ynl,
# which makes code of netlink specs and talks to their families.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

selftests=tools/testing/selftests
files="$selftests/kselftest.h
	$selftests/kselftest_harness.h
	$selftests/lib.mk
	$selftests/Makefile
	$selftests/run_kselftest.sh
	$selftests/kselftest
	tools/scripts/Makefile.include
	tools/scripts/Makefile.arch
	scripts/Makefile.compiler
	scripts/subarch.include
	scripts/checkpatch.pl
	scripts/spelling.txt
	scripts/const_structs.checkpatch
	scripts/coccinelle
	scripts/kernel-doc
	tools/net/ynl/cli.py
	tools/net/ynl/ynl-gen-c.py
	tools/net/ynl/lib/__init__.py
	tools/net/ynl/lib/nlspec.py
	tools/net/ynl/lib/ynl.py
	Documentation/netlink/genetlink-c.yaml
	Documentation/sphinx/kerneldoc.py
	Documentation/sphinx/kernellog.py
	Documentation/dev-tools/kselftest.rst"

lock ksft
if cmp -s "$0" "$ZC_LAB/ksft/.stamp"; then
	exit 0
fi
"$ZC_QEMU/source.sh"

say "unpacking the kselftest harness"
new=$(mktemp -d "$ZC_LAB/.ksft-XXXXXX")
trap 'rm -rf "$new"' EXIT
chmod 755 "$new"
# shellcheck disable=SC2046,SC2086 # a list of names
tar -xf "$ZC_LAB/linux-source-6.12.tar.xz" -C "$new" --strip-components=1 \
	$(printf 'linux-source-6.12/%s ' $files)
cp "$0" "$new/.stamp"
rm -rf "$ZC_LAB/ksft"
mv "$new" "$ZC_LAB/ksft"
