#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a processor's data TLB would miss of `zcctl bench tlb`, by a model of it (tlb/) that
# sees each load of a guest, on each of KERNELS (default "6.12 6.1"). MODEL: skylake (default),
# zen3, zen4. COUNTED: a report of `zcctl -j bench tlb` of a machine whose processor counts, to
# be printed beside. Writes build/tlb.json, prints tables, holds the model against what can be
# computed, and fails if that, or a target, is missed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

model=${MODEL:-skylake}
staging=$(mktemp -d "${TMPDIR:-/tmp}/zc-tlb-XXXXXX")
trap 'rm -rf "$staging"' EXIT

make -s -C "$ZC_QEMU/tlb" BUILD="$ZC_TOP/build/tlb" test >"$staging/test" || {
	cat "$staging/test" >&2
	die "the model does not do what can be computed by hand"
}

# Under icount, so that a guest whose every load is looked at has no more timer interrupts
# than another. To copy byte by byte, see guest.sh, would be a load for each.
runs=()
for k in ${KERNELS:-6.12 6.1}; do
	payload "$k" "$staging/$k"
	cp "$ZC_QEMU/tlb/guest-tlb.sh" "$staging/$k"
	say "modelling the TLB ($model) on kernel $k; takes some minutes"
	"$ZC_QEMU/guest.sh" -k "$k" --icount --cpu erms=off,fsrm=off --tlb "$model" \
		--name "tlb-$k" --time-limit 1800 --payload "$staging/$k" -- \
		bash /zc/guest-tlb.sh >&2 || die "the guest ($k) failed"
	runs+=("$ZC_RUN/tlb-$k")
done
PYTHONPATH=$ZC_QEMU python3 -B "$ZC_QEMU/tlb/report.py" \
	"$ZC_TOP/build/tlb.json" "${COUNTED-}" "${runs[@]}"
