#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# libzc by zc_open_any(): the same results with the module, without its device, and for who may
# not open it.
# shellcheck disable=SC1091,SC2317
# shellcheck source=adopt-lib.sh
. ./adopt-lib.sh

# A minute; user/tests/libzc.sh asks the same without the module, and sendfile of the module.
ktap_all
adopt_begin

# promises WHY [COMMAND...]: does it keep them, and say that of the module?
promises()
{
	"${@:2}" ./test-libzc "$dir" >"$dir/out" 2>&1 && says "^# without the module: $1" out &&
		return
	grep -v '^ok' "$dir/out"
	return 1
}

chmod 777 "$dir"
ktap_plan 5
promises no
ktap_test "with the module" $?
zcctl leaks >/dev/null
ktap_test "nothing is left" $?
chmod 600 /dev/zc
promises "Permission denied" "${as_nobody[@]}"
ktap_test "for who may not open the device" $?
rmmod zc && promises "No such file"
ktap_test "without the module" $?
if echo 8 >/proc/sys/vm/nr_hugepages && [ "$(cat /proc/sys/vm/nr_hugepages)" -eq 8 ]; then
	promises "No such file" && says "^# pages of 2097152 bytes" out
	ktap_test "of hugetlb's pages" $?
else
	ktap_skip "of hugetlb's pages" "no memory for them"
fi
echo 0 >/proc/sys/vm/nr_hugepages
ktap_end
