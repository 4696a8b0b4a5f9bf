#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest, with two processors: does it cost more to get memory where two do so at
# once? Once by the clock, in several rounds, and once in instructions (guest-bench-pair.sh
# icount), for which the processors take turns: so that shows who waits for whom, but not
# what it costs to hand a cache line over.
set -euo pipefail

insmod "$ZC_KO"
sleep 10
if [ "${1:-}" = icount ]; then
	zcctl --json bench alloc --count 10000 --icount --paths ioctl,zc \
		>/zc/out/alloc-pair-icount.json
else
	zcctl --json bench alloc --count 20000 --repeat 9 --paths ioctl,zc \
		>/zc/out/alloc-pair.json
fi
