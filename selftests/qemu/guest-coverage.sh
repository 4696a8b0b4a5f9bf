#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest: run selftests, and bring what gcov has counted of the module, which the kernel
# keeps and adds up as the module comes and goes, to /zc/out.

bash /zc/guest-check.sh "$@"
find /sys/kernel/debug/gcov -name '*.gcda' | while read -r counts; do
	cat "$counts" >"/zc/out/${counts##*/}"
done
ls /zc/out/*.gcda >/dev/null
