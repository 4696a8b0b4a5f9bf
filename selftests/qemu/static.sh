#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What others find in the sources without running them, or, valgrind, as they run: checks
# that take longer than those of style.sh. Each is a line "ok" or "not ok" with what is
# wrong below it.
#
# The analyzers of gcc and clang, and Coccinelle, see what is none. user/tests/findings.txt has
# what they say, each with the reason why it stays; it must be that, no more and no less. It is
# of gcc 12 and of clang-tidy 14, those of Debian 12; with others clang-tidy is left out.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/gate.sh"
cd "$ZC_TOP"

out=build/static
rm -rf "$out"
mkdir -p "$out"
scripts=$ZC_LAB/ksft/scripts/coccinelle

# semantic_patch FILE FOLDER: one of the kernel's scripts, with the options that it asks for
semantic_patch()
{
	local options

	options=$(sed -nE 's/^\/\/+ Options: *//p' "$1" | head -n 1)
	# shellcheck disable=SC2086 # options
	spatch -D report --very-quiet --no-show-diff --cocci-file "$1" $options \
		-I uapi --dir "$2" </dev/null
}

# That it looks at all: a condition that kfree() has itself
coccinelle_sees()
{
	mkdir -p "$out/planted"
	printf 'void f(void *p)\n{\n\tif (p)\n\t\tkfree(p);\n}\n' >"$out/planted/planted.c"
	semantic_patch "$scripts/free/ifnullfree.cocci" "$out/planted" | grep planted.c
}

coccinelle()
{
	local nr=0 script

	: >"$out/cocci"
	while read -r script; do
		grep -q '^virtual report' "$script" || continue
		nr=$((nr + 1))
		semantic_patch "$script" kmod >"$out/cocci.out" 2>"$out/cocci.err" || {
			echo "$script"
			cat "$out/cocci.err"
			return 1
		}
		as_warnings "$(basename "$script" .cocci)" <"$out/cocci.out" >>"$out/cocci"
	done < <(find "$scripts" -name '*.cocci' | sort)
	findings coccinelle "$out/cocci" && [ "$nr" -gt 60 ]
}

# as_warnings CHECK: each line that Coccinelle prints, as compilers have it
as_warnings()
{
	sed -nE "s/^([^ :]+:[0-9]+:[0-9]+)-[0-9]+: (.*)/\\1: warning: \\2 [$1]/p; t
		s/.+/unknown:0:0: warning: & [$1]/p"
}

# findings TOOL FILE: what is to be said, and what is: warnings, each once
findings()
{
	diff <(grep "^$1 " user/tests/findings.txt | cut -d: -f1 | sort) \
		<(sed -nE 's/^(\.\/)?([^ :]+):([0-9]+):([0-9]+): warning: .*\[-?W?([A-Za-z0-9_.-]+)\]$/\2:\3:\4 \5/p' \
			"$2" | sort -u | sed -E 's/:[0-9]+:[0-9]+ / /' | sort | uniq -c |
			awk -v tool="$1" '{ print tool, $2, $1, $3 }' | sort) && return
	grep 'warning:' "$2"
	return 1
}

analyzer()
{
	LC_ALL=C make -s -k -j"$(nproc)" -C user CC=gcc-12 BUILD="$ZC_TOP/$out/user" \
		CFLAGS="-O1 -g -fanalyzer" >"$out/analyzer" 2>&1 &&
		findings gcc "$out/analyzer"
}

tidy()
{
	make -s -C user tidy BUILD="$ZC_TOP/$out/user" >"$out/tidy" 2>"$out/tidy.err" || {
		cat "$out/tidy.err"
		return 1
	}
	sed -i "s|$ZC_TOP/user/||" "$out/tidy"
	findings clang-tidy "$out/tidy"
}

"$ZC_QEMU/ksft.sh"
make -s -j"$(nproc)" user >"$out/build" 2>&1 || {
	cat "$out/build"
	die "zcctl and libzc cannot be built"
}
gate "coccinelle sees what is planted" coccinelle_sees
gate "coccinelle: the kernel's semantic patches" coccinelle
gate "gcc -fanalyzer finds what is known" analyzer
if clang-tidy --version | grep -q 'version 14\.'; then
	gate "clang-tidy finds what is known" tidy
else
	skipped=$((skipped + 1))
	echo "skip   clang-tidy: it is not of version 14, of which user/tests/findings.txt is"
fi
gate "zcctl and libzc by valgrind" make -s -C user valgrind
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
