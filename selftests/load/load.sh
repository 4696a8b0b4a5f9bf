#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Loading and unloading: parameters, the device node, who prevents it, what the
# network still holds, and many times without a leak.
# shellcheck disable=SC1091,SC2317
. ./ktap.sh
set -u
ko=${ZC_KO:-/zc/zc.ko}

loaded()
{
	grep -q '^zc ' /proc/modules
}

unload()
{
	! loaded || rmmod zc
}

# Module tests start and end without it; others load it when they need it.
trap 'unload 2>/dev/null' EXIT

# hold WHAT: start a holder; wait until it holds
hold()
{
	coproc HOLDER { ./hold "$1"; }
	holder_pid=$!
	read -r -t 60 word <&"${HOLDER[0]}" && [ "$word" = ready ]
}

# let_go: end it; its exit status
let_go()
{
	echo >&"${HOLDER[1]}"
	wait "$holder_pid"
}

# leaked: what kmemleak has to report; twice, as it takes what it has just seen change for alive
leaked()
{
	echo scan >/sys/kernel/debug/kmemleak
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak
}

parameter()
{
	cat "/sys/module/zc/parameters/$1"
}

# unload_soon: once the network has told the module that it is done
unload_soon()
{
	local _

	for _ in {1..100}; do
		! rmmod zc 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

# refused_while WHAT NAME [HOW]: by unload_soon() if need be
refused_while()
{
	local held=0 what

	insmod "$ko" && hold "$1" || held=$?
	# It has said that the kernel cannot.
	if [ $held -ne 0 ] && { wait "$holder_pid"; [ $? -eq 4 ]; }; then
		rmmod zc
		for what in held "unload is refused" "the data are right" \
			"unload works afterwards"; do
			ktap_skip "$2: $what" "not on this kernel"
		done
		return
	fi
	ktap_test "$2: held" $held
	! rmmod zc 2>/dev/null && loaded && [ -e /dev/zc ]
	ktap_test "$2: unload is refused" $?
	let_go
	ktap_test "$2: the data are right" $?
	"${3:-unload}"
	ktap_test "$2: unload works afterwards" $?
}

slab_kib()
{
	awk '/^SUnreclaim:|^PageTables:|^VmallocUsed:|^Percpu:/ { sum += $2 }
		END { print sum }' /proc/meminfo
}

free_kib()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	# Pages on the lists of the processors, tens of MiB, are free as well.
	awk '/^MemFree:/ { kib += $2 }
		/pagesets/ { lists = 1 }
		/node_unreclaimable|start_pfn/ { lists = 0 }
		lists && $1 == "count:" { kib += 4 * $2 }
		END { print kib }' /proc/meminfo /proc/zoneinfo
}

cycle()
{
	insmod "$ko" && ./hold mapping </dev/null >/dev/null && rmmod zc
}

# fill_on: ask for a reserve again and again, until there is nobody to ask
fill_on()
{
	while echo 256 >/sys/module/zc/parameters/reserve; do
		:
	done 2>/dev/null
}

unload_filling()
{
	local filler status=0

	insmod "$ko" reserve=256 || return
	fill_on &
	filler=$!
	sleep 1
	rmmod zc || status=1
	# Where it was not unloaded, that goes on.
	[ $status -eq 0 ] || kill $filler
	wait $filler
	return $status
}

ktap_plan 34
# What was lost before is not lost here: a cache's name that the kernel forgets where memory
# is made to fail, in tests of that.
early=
[ ! -e /sys/kernel/debug/kmemleak ] || early=$(leaked | grep '^unreferenced object')
unload
ktap_test "unload before the tests" $?
[ ! -e /dev/zc ]
ktap_test "no device node without the module" $?
insmod "$ko" && [ -c /dev/zc ] && [ "$(stat -c %a /dev/zc)" = 660 ]
ktap_test "load makes the device node, mode 0660" $?
[ "$(parameter depth)" = 4 ] && [ "$(parameter max_bytes)" = 0 ]
ktap_test "defaults of the parameters" $?
! insmod "$ko" 2>/dev/null
ktap_test "a second load is refused" $?
rmmod zc && [ ! -e /dev/zc ]
ktap_test "unload removes the device node" $?

insmod "$ko" depth=8 max_bytes=16777216 && [ "$(parameter depth)" = 8 ] &&
	[ "$(parameter max_bytes)" = 16777216 ]
ktap_test "load with parameters" $?
unload
! insmod "$ko" depth=9 2>/dev/null && ! loaded
ktap_test "depth=9 is refused" $?
! insmod "$ko" depth=0 2>/dev/null && ! loaded
ktap_test "depth=0 is refused" $?
! insmod "$ko" max_bytes=-1 2>/dev/null && ! loaded
ktap_test "max_bytes=-1 is refused" $?
! insmod "$ko" max_bytes=lots 2>/dev/null && ! loaded
ktap_test "max_bytes=lots is refused" $?

refused_while fd "open descriptor"
refused_while mapping "mapping, descriptor closed"
refused_while dmabuf "dma-buf, descriptor closed"
refused_while sent "sent and not let go of, descriptor closed" unload_soon

# Pages in a socket are the network's: they outlive the module.
insmod "$ko" && hold unread
ktap_test "data unread in a socket" $?
rmmod zc
ktap_test "data unread: the module may go" $?
let_go
ktap_test "data unread: they arrive all the same" $?

# A parameter can be written to until the module is gone: what is filled then is lost.
unload_filling
before_free=$(free_kib) status=0
for _ in 1 2 3 4 5; do
	unload_filling || status=1
done
ktap_test "unload while the reserve is asked for" $status
lost_free=$((before_free - $(free_kib)))
echo "# $lost_free KiB less free memory"
if [ -e /sys/kernel/debug/kmemleak ]; then
	ktap_skip "no hugepage is lost" "KASAN has much more in its quarantine"
else
	# Each is 2048.
	[ $lost_free -lt 8192 ]
	ktap_test "no hugepage is lost" $? "$lost_free KiB"
fi

# The first rounds fill caches for good. A hundred are made where there is time.
[ -z "${ZC_ALL-}" ] && rounds=30 || rounds=100
for _ in 1 2 3 4 5; do
	cycle
done
before_free=$(free_kib) before_slab=$(slab_kib) status=0
for ((i = 0; i < rounds; i++)); do
	if ! cycle; then
		echo "# failed in round $i"
		status=1
		break
	fi
done
ktap_test "load and unload $rounds times" $status
sleep 1
lost_free=$((before_free - $(free_kib))) lost_slab=$(($(slab_kib) - before_slab))
echo "# $lost_free KiB less free memory, $lost_slab KiB more slab and the like"
if [ -e /sys/kernel/debug/kmemleak ]; then
	# KASAN's quarantine and kmemleak's records grow by themselves; kmemleak
	# is the better judge.
	leaks=$(leaked | awk '
		NR == FNR { early[$0]; next }
		/^unreferenced object/ { known = $0 in early }
		!known' <(printf '%s\n' "$early") -)
	printf '%s\n' "$leaks" | sed 's/^/# /'
	[ -z "$leaks" ]
	ktap_test "no memory is lost" $? "kmemleak has reports"
else
	# 30 rounds with one leaked page of 2 MiB each would lose 61440.
	[ $lost_free -lt 4096 ] && [ $lost_slab -lt 4096 ]
	ktap_test "no memory is lost" $? "$lost_free KiB, $lost_slab KiB"
fi
ktap_end
