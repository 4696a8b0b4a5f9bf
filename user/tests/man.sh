#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The man pages: man has nothing to say against them, they name all that there is, and the
# example of libzc(3), as man shows it, is a program. TAP output.
# shellcheck disable=SC2317 # by tap_check
set -u
# shellcheck source=tap.sh
. "${0%/*}/tap.sh"
build=${BUILD:?}
cd "${0%/*}/.." || exit
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# clean PAGE: no warning of man's
clean()
{
	man --warnings -E UTF-8 -l -Tutf8 -Z "$build/man/$1" >/dev/null 2>"$dir/err"
	cat "$dir/err"
	[ ! -s "$dir/err" ]
}

# shown PAGE: its text, as on a terminal, where words are not parted
shown()
{
	MANWIDTH=160 man --nh --nj -E UTF-8 -l "$build/man/$1" 2>&1 | col -bx
}

# names PAGE WORD...: each as a word
names()
{
	local word missing=''

	shown "$1" >"$dir/text"
	for word in "${@:2}"; do
		grep -qwF -- "$word" "$dir/text" || missing+=" $word"
	done
	[ -z "$missing" ] || echo "not named:$missing"
	[ -z "$missing" ] && [ $# -gt 1 ]
}

# functions: of libzc
functions()
{
	sed -n 's/^\t\(zc_[a-z_]*\);$/\1/p' lib/libzc.map
}

no_other_function()
{
	! shown libzc.3 | grep -oE '\bzc_[a-z_]+\(' | tr -d '(' | sort -u |
		grep -vxFf <(functions; grep -oE '\bzc_uring_[a-z_]+' include/zc/uring.h)
}

# No "zc_buf_query *query" that is not the header's: both without blanks and comments
same_prototypes()
{
	shown libzc.3 | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' | tr -d ' \n' |
		grep -oE '(int|int64_t|uint64_t|size_t|void|void\*)zc_[a-z_]+\([^;]*;' | sort >"$dir/shown"
	cat include/zc/zc.h include/zc/writer.h | sed '/^\/\*\*/,/\*\//d' | tr -d ' \t\n' |
		grep -oE '(int|int64_t|uint64_t|size_t|void|void\*)zc_[a-z_]+\([^;{]*;' |
		sort >"$dir/declared"
	diff "$dir/declared" "$dir/shown" && [ -s "$dir/shown" ]
}

# defined PREFIX: what the headers of the interface define with it
defined()
{
	sed -nE "s/^#define ($1[A-Z_]+)[[:space:]].*/\1/p" ../uapi/linux/*.h
}

parameters()
{
	sed -nE 's/^module_param(_named|_cb)?\(([a-z_]+),.*/\2/p' ../kmod/*.c
}

example_compiles()
{
	shown libzc.3 | sed -n '/^EXAMPLE/,$p' |
		sed -n '/#include/,/^SEE ALSO/p' | sed '$d' >"$dir/example.c"
	${CC:-cc} -Wall -Wextra -Werror -Iinclude -I../uapi -o "$dir/example" \
		"$dir/example.c" -L"$build" -lzc -Wl,-rpath,"$build"
}

example_runs()
{
	"$dir/example" </dev/null 2>&1 | grep '^/dev/zc: No such file'
}

if ! command -v scdoc >/dev/null || ! man --version >/dev/null 2>&1; then
	tap_skip "man pages" "no scdoc, or no man-db"
	tap_end
fi
for page in man/*.scd; do
	page=$(basename "$page" .scd)
	tap_check "$page: no warnings" clean "$page"
done
# shellcheck disable=SC2046 # lists of words
{
	tap_check "zc(4) names each ioctl" names zc.4 $(defined ZC_IOC_ | grep -v _MAGIC)
	tap_check "zc(4) names each event" names zc.4 $(defined ZC_EVENT_)
	tap_check "zc(4) names each parameter" names zc.4 $(parameters)
	tap_check "zcctl(8) names each parameter" names zcctl.8 $(parameters)
	tap_check "libzc(3) names each function" names libzc.3 $(functions)
}
tap_check "libzc(3) names no other function" no_other_function
tap_check "libzc(3) declares them as <zc/zc.h>" same_prototypes
tap_check "the example compiles" example_compiles
[ -e /dev/zc ] || tap_check "the example runs, to the device" example_runs
tap_end
