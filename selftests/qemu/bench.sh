#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What zc is worth, in guest instructions per MiB (icount: repeatable, but no
# model of caches or TLBs), on each of KERNELS (default "6.12 6.1"): every path of
# `zcctl bench io`, 256 MiB, from null_blk to TCP on the loopback, sender and
# receiver together. Writes build/bench.json, prints the table, and fails if a
# target is missed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

out=$ZC_TOP/build/bench.json
staging=$(mktemp -d "${TMPDIR:-/tmp}/zc-bench-XXXXXX")
trap 'rm -rf "$staging"' EXIT
# measure K: one guest, one processor of this machine
measure()
{
	"$ZC_QEMU/guest.sh" -k "$1" --icount --name "bench-$1" -m 3072 \
		--time-limit 1800 --payload "$staging/$1" -- \
		bash /zc/guest-bench.sh >&2
}

reports=() guests=()
for k in ${KERNELS:-6.12 6.1}; do
	payload "$k" "$staging/$k"
	cp "$ZC_QEMU/guest-bench.sh" "$staging/$k"
	reports+=("$ZC_RUN/bench-$k/out/report.json")
done

# All at once: what else runs here does not change a count of instructions.
for k in ${KERNELS:-6.12 6.1}; do
	say "measuring on kernel $k; takes some six minutes"
	measure "$k" &
	guests+=($!)
done
for guest in "${guests[@]}"; do
	wait "$guest" || die "a guest failed"
done
python3 "$ZC_QEMU/bench-report.py" "$out" "${reports[@]}"
