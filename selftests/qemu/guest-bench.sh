#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest, under icount: measure, each test into a file of its name in
# /zc/out. null_blk moves no data and completes at once: what remains is the cost
# of the I/O itself. The small files are on an ext4 on a RAM disk, which does move
# data, for all paths alike. What boot left to do is done after 20 s, which cost
# almost nothing.
set -euo pipefail

dev=/dev/nullb0

# bench NAME ARGS...: a test that fails leaves its errors in its rows
bench()
{
	local name=$1 start=$SECONDS

	shift
	zcctl --json bench "$@" --icount >"/zc/out/$name.json" ||
		echo "bench $*: failed"
	echo "$name: $((SECONDS - start)) s of the guest's time"
}

modprobe null_blk queue_mode=2 irqmode=0 memory_backed=0 gb=9 bs=4096
modprobe brd rd_nr=1 rd_size=$((256 << 10))
mke2fs -q -t ext4 /dev/ram0
mkdir -p /tmp/files
mount /dev/ram0 /tmp/files
insmod "$ZC_KO"
# For the paths that read into hugepages of their own
echo 64 >/proc/sys/vm/nr_hugepages
sleep 20

# What costs so little has to be done so often that a timer's ticks do not count.
bench alloc alloc --tune --count 5000 --processes 1 --paths ioctl,zc,zc-cache
bench alloc-dear alloc --tune --count 200 --processes 1 --paths \
	zc-list,zc-kernel,zc-map,hugetlb,thp,small,malloc
# 1 GiB each
max_bytes=/sys/module/zc/parameters/max_bytes
echo 512 >/proc/sys/vm/nr_hugepages
echo $((2 << 30)) >$max_bytes
bench fault fault --tune --repeat 1 --paths \
	small,small-populate,thp,thp-populate,hugetlb,hugetlb-populate,zc,zc-populate
# Half of that: all of the reserve is on one node
echo 0 >/proc/sys/vm/nr_hugepages
bench fault-reserve fault --tune --size 512M --repeat 1 --paths zc,zc-reserve
echo 0 >$max_bytes
echo 64 >/proc/sys/vm/nr_hugepages
# The dear ones once: a count of instructions hardly changes.
bench io-zc io --size 256M --paths \
	sendfile,io_uring-zc,zc-direct,zc-cached,zc-auto,zc-buffer $dev
bench io-copies io --size 256M --repeat 1 --paths \
	rw-4k,rw-32k,rw-1m,mmap-write,splice,io_uring-send,odirect-write,odirect-msg_zerocopy $dev
for size in 4M 16M 64M 256M; do
	bench "flat-$size" io --size 256M --per-call $size --cache cold \
		--paths zc-direct,zc-auto $dev
done
for size in 1G 8G; do
	bench "flat-$size" io --size $size --per-call $size --cache cold \
		--paths zc-direct,zc-auto $dev
done
bench files files --paths rw,sendfile,zc-direct,zc-auto /tmp/files
bench files-requests files --requests --repeat 3 --paths \
	rw,sendfile,zc-direct,zc-auto /tmp/files
bench copybreak copybreak --sends 1000 $dev
# A thousand connections, so many requests that how they begin is not in p99; and the same
# from a disk that takes 100 us for each read
bench serve serve --connections 1000 --requests 10000 \
	--paths sendfile,zc-auto,zc-direct,zc-async,zc-buffer $dev
bench serve-copies serve --connections 1000 --requests 3000 --repeat 1 \
	--paths copy-own,copy-pool $dev
rmmod null_blk
modprobe null_blk queue_mode=2 irqmode=2 completion_nsec=100000 hw_queue_depth=1024 \
	memory_backed=0 gb=1 bs=4096
bench disk serve --connections 1000 --requests 3000 --cache cold \
	--paths sendfile,zc-auto,zc-async $dev
rmmod null_blk
modprobe null_blk queue_mode=2 irqmode=0 memory_backed=0 gb=9 bs=4096
# What TCP may hold by default in so small a guest, 256 MiB, is no more than a tenth
# of what 10,000 connections can. Last: it leaves much to the allocators
echo 1000000 1500000 2000000 >/proc/sys/net/ipv4/tcp_mem
bench many many --repeat 1 $dev
