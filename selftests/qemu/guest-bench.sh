#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest, under icount: measure all paths, into /zc/out/report.json. null_blk
# moves no data and completes at once: what remains is the cost of the I/O itself.
# What boot left to do is done after 20 s, which cost almost nothing.
set -euo pipefail

modprobe null_blk queue_mode=2 irqmode=0 memory_backed=0 gb=1 bs=4096
insmod "$ZC_KO"
# For the paths that read into hugepages of their own
echo 64 >/proc/sys/vm/nr_hugepages
sleep 20
zcctl --json bench io --icount --size 256M --cache both /dev/nullb0 \
	>/zc/out/report.json
