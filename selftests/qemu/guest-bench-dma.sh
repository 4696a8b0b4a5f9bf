#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest, with an IOMMU and an edu, under icount: what it costs to map memory for a
# device that no IOMMU is before (off), whose IOMMU forgets at once what was unmapped
# (strict), and whose IOMMU forgets in its own time (lazy); and for the module's own target.
# A mode that the kernel does not take has no rows, and so misses its targets.
set -euo pipefail

# The edu of 64 address bits, see guest.sh
pci=0000:00:10.0
edu=/sys/bus/pci/devices/$pci

# bench NAME ARGS...: 2 MiB, and as much as can be measured
bench()
{
	local name=$1 size

	shift
	for size in 2M 64M; do
		zcctl --json bench dma "$@" --size "$size" --repeat 5 --icount \
			>"/zc/out/dma-$name-$size.json" || echo "bench dma $name $size: failed"
	done
}

# mode NAME TYPE: only a device without a driver can be given another
mode()
{
	if ! echo "$2" >"$edu/iommu_group/type"; then
		echo "no $2 for $pci"
		return
	fi
	zcctl dma attach "$pci" --bits 64
	bench "$1" --target "$pci"
	zcctl dma detach "$pci"
}

insmod "$ZC_KO"
sleep 20
bench own
mode off identity
mode strict DMA
mode lazy DMA-FQ
