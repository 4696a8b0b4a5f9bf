#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest, with two processors: does it cost more to get memory where two do so at
# once? Not under icount, for which the processors take turns; so several rounds.
set -euo pipefail

insmod "$ZC_KO"
sleep 10
zcctl --json bench alloc --count 20000 --repeat 9 --paths ioctl,zc >/zc/out/alloc-pair.json
