#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# libzc without the module: what it promises (libzc.c), races, bad use of memory, and that what
# it exports, and the structures that it fills, are what lib/libzc.symbols and lib/libzc.sizes
# say: a line that goes, or changes, breaks programs. TAP output.
# shellcheck disable=SC2317 # by tap_check
set -u
# shellcheck source=tap.sh
. "${0%/*}/tap.sh"
build=${BUILD:?}
cd "${0%/*}/.." || exit
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# As "zc_open LIBZC_0.1"
exported()
{
	nm -D --defined-only --with-symbol-versions "$build/libzc.so" |
		awk '$2 == "T" { sub(/@@/, " ", $3); print $3 }' | LC_ALL=C sort
}

same_symbols()
{
	grep -v '^#' lib/libzc.symbols | diff - <(exported)
}

# Of programs that were compiled before, too: the library writes as much as it knows.
same_sizes()
{
	{
		echo '#include <stdio.h>
			#include <zc/zc.h>
			int main(void) {'
		cat include/zc/*.h | grep -oE 'struct zc_[a-z_]+ \*' | tr -d '*' | LC_ALL=C sort -u |
			grep -vE ' zc_(context|buffer|writer) ' |
			sed 's/^struct \(.*\) $/printf("\1 %zu\\n", sizeof(struct \1));/'
		echo '}'
	} >"$dir/sizes.c"
	"${CC:-cc}" -Iinclude -I../uapi -o "$dir/sizes" "$dir/sizes.c" &&
		grep -v '^#' lib/libzc.sizes | diff - <("$dir/sizes")
}

# Each function of the header is exported, and the other way round.
same_header()
{
	cat include/zc/zc.h include/zc/writer.h | sed '/^\/\*\*/,/\*\//d' | grep -oE '\bzc_[a-z_]+\(' | tr -d '(' |
		LC_ALL=C sort -u | diff <(exported | cut -d' ' -f1) -
}

soname()
{
	readelf -d "$build/libzc.so" | grep 'SONAME.*\[libzc\.so\.0\]'
}

# By C and by C++, with the warnings that a program may have
header_alone()
{
	echo '#include <zc/zc.h>
		#include <zc/uring.h>
		int main(void)
		{
			struct io_uring_sqe sqe = { };
			struct zc_sendfile arg = { };
			zc_uring_prep_sendfile(&sqe, 7, &arg);
			return sqe.fd != 7;
		}' >"$dir/alone.$1"
	shift
	"$@" -Wall -Wextra -Werror -Iinclude -I../uapi -o "$dir/alone" && "$dir/alone"
}

# Without a race, and the same results
races()
{
	TSAN_OPTIONS="halt_on_error=1 exitcode=66" "$build/test-libzc-tsan" "$dir"
}

tap_check "the symbols are those of lib/libzc.symbols" same_symbols
tap_check "and those of the header" same_header
tap_check "the sizes of structures are those of lib/libzc.sizes" same_sizes
tap_check "soname" soname
tap_check "<zc/zc.h> and <zc/uring.h> in C" header_alone c "${CC:-cc}" "$dir/alone.c"
tap_check "and in C++" header_alone cc g++ "$dir/alone.cc"
tap_check "the same results without the module" "$build/test-libzc" "$dir"
if nm -a "$build/test-libzc-tsan" | grep -q __tsan; then
	tap_check "no race, says the sanitizer of threads" races
else
	tap_skip "no race, says the sanitizer of threads" "the compiler has none"
fi
if nm -a "$build/test-libzc-asan" | grep -q __asan; then
	tap_check "no bad use of memory, says that of addresses" "$build/test-libzc-asan" "$dir"
else
	tap_skip "no bad use of memory, says that of addresses" "the compiler has none"
fi
tap_end
