#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# libzc-sendfile.so with the module: sendfile() keeps what sendfile(2) promises, asked by a
# program that knows nothing of it, whichever way the bytes go.
# shellcheck disable=SC1091,SC2317
# shellcheck source=adopt-lib.sh
. ./adopt-lib.sh

adopt_begin

# promises OPTION...: of zcctl run
promises()
{
	rm -f "$dir/log"
	zcctl run --log "$dir/log" "$@" -- ./test-sendfile "$dir" >"$dir/out" 2>&1 && return
	grep -v '^ok' "$dir/out"
	return 1
}

ktap_plan 9
./test-sendfile "$dir" >"$dir/out"
ktap_test "the C library keeps its promises" $?
for mode in auto direct cached; do
	promises --mode $mode
	ktap_test "zc keeps them, $mode" $?
	logged "zc_calls > 100 and no_device == 0 and refused < 3"
	ktap_test "it was zc, $mode" $?
done
promises --mode direct --min 0 && logged "zc_calls > 130"
ktap_test "zc keeps them of small pieces, too" $?
rmmod zc && promises && logged "zc_calls == 0 and no_device > 100"
ktap_test "without the module the kernel does" $?
ktap_end
