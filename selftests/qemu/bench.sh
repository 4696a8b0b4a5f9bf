#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What zc is worth, in guest instructions per MiB (icount: repeatable, but no
# model of caches or TLBs), on each of KERNELS (default "6.12 6.1"): all that
# `zcctl bench` measures, sender and receiver together, by a second guest what goes
# over an emulated network card, by a third one what two processors do at once, and by
# a fourth one what it costs to map memory for a device behind an IOMMU. Writes
# build/bench.json, prints tables, and fails if a target is missed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

out=$ZC_TOP/build/bench.json
staging=$(mktemp -d "${TMPDIR:-/tmp}/zc-bench-XXXXXX")
receiver=''
trap '[ -z "$receiver" ] || kill "$receiver" 2>/dev/null; rm -rf "$staging"' EXIT

# measure K: one guest, one processor of this machine
measure()
{
	"$ZC_QEMU/guest.sh" -k "$1" --icount --name "bench-$1" -m 3072 \
		--time-limit 3600 --payload "$staging/$1" -- \
		bash /zc/guest-bench.sh >&2
}

# The receiver outside of the guest, on the first free port of ours; 10.0.2.2 in
# the guest is this machine's loopback.
start_receiver()
{
	for port in $(shuf -i 20000-32000 -n 20); do
		socat -u "TCP-LISTEN:$port,bind=127.0.0.1,fork" OPEN:/dev/null \
			2>/dev/null &
		receiver=$!
		sleep 0.3
		! kill -0 "$receiver" 2>/dev/null || return 0
	done
	die "no free port found"
}

# card K: no clock is read, so this guest needs no icount, and must not: its
# network waits for the world outside
card()
{
	"$ZC_QEMU/guest.sh" -k "$1" --net --name "bench-nic-$1" --time-limit 300 \
		--payload "$staging/$1" -- bash /zc/guest-bench-nic.sh "$port" >&2
}

# iommu K: what it costs to map memory for a device
iommu()
{
	"$ZC_QEMU/guest.sh" -k "$1" --iommu --edu --icount --name "bench-dma-$1" \
		--time-limit 900 --payload "$staging/$1" -- \
		bash /zc/guest-bench-dma.sh >&2
}

# pair K: the time of two processors, each on one of this machine; alone here. Then
# their instructions
pair()
{
	"$ZC_QEMU/guest.sh" -k "$1" -s 2 --name "bench-pair-$1" --time-limit 300 \
		--payload "$staging/$1" -- bash /zc/guest-bench-pair.sh >&2
	# It takes 6.1 minutes to find its second processor so, if it ever does.
	[ "$1" != 6.1 ] || return 0
	"$ZC_QEMU/guest.sh" -k "$1" -s 2 --icount --name "bench-turns-$1" \
		--time-limit 300 --payload "$staging/$1" -- \
		bash /zc/guest-bench-pair.sh icount >&2
}

reports=() guests=()
for k in ${KERNELS:-6.12 6.1}; do
	payload "$k" "$staging/$k"
	cp "$ZC_QEMU"/guest-bench*.sh "$staging/$k"
	reports+=("$ZC_RUN/bench-$k/out" "$ZC_RUN/bench-nic-$k/out"
		"$ZC_RUN/bench-pair-$k/out" "$ZC_RUN/bench-turns-$k/out"
		"$ZC_RUN/bench-dma-$k/out")
done
for k in ${KERNELS:-6.12 6.1}; do
	pair "$k" || die "the guest with two processors failed"
done

# All at once: what else runs here does not change a count of instructions.
for k in ${KERNELS:-6.12 6.1}; do
	say "measuring on kernel $k; takes some ten minutes"
	measure "$k" &
	guests+=($!)
done
start_receiver
for k in ${KERNELS:-6.12 6.1}; do
	card "$k" || die "the guest with a network card failed"
	iommu "$k" || die "the guest with an IOMMU failed"
done
for guest in "${guests[@]}"; do
	wait "$guest" || die "a guest failed"
done
python3 -B "$ZC_QEMU/bench-report.py" "$out" "${reports[@]}"
