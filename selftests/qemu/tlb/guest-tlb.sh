#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest, with a model of a TLB beside it: what report.py makes a table of, and walks
# whose misses can be computed. The number in the name of a file is that of the call, by which
# the model's marks are known.
set -euo pipefail

nr=0
# bench NAME ARGS...
bench()
{
	local name=$1 start=$SECONDS

	shift
	nr=$((nr + 1))
	zcctl --json bench tlb "$@" --icount >"/zc/out/tlb-$nr-$name.json" ||
		echo "bench tlb $*: failed"
	echo "tlb-$nr-$name: $((SECONDS - start)) s of the guest's time"
}

insmod "$ZC_KO"
export TMPDIR=/mnt/ext4
echo 128 >/proc/sys/vm/nr_hugepages
bench walk --size 256M --repeat 1
# 1024 pages, once, and again
bench fits --size 4M --paths small --patterns strided --repeat 2
# 8 pages, and 32, in one set of either level
bench set-of-8 --size 4M --paths small --patterns strided --stride 512K --accesses 8000 --repeat 2
bench set-of-32 --size 16M --paths small --patterns strided --stride 512K --accesses 8000 --repeat 2
# 64 pages of 2 MiB
bench huge --size 128M --paths zc --patterns strided --repeat 2
