#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Proof by the function tracer that the CPU copies no payload on the way of a file
# to a TCP receiver on the loopback, and that the page cache does not grow. First
# the same is done by write(2) and sendfile(2), to see that the tracer would tell.
# The receiver throws the bytes away, so it copies nothing in any case.
# shellcheck disable=SC1091,SC2086,SC2317
. ./ktap.sh
set -u

file=/mnt/ext4/zc-nocopy
size=$((32 * 1024 * 1024))
tracing=/sys/kernel/tracing
copiers='_copy_from_iter _copy_to_iter copy_page_to_iter copy_page_from_iter
_copy_from_iter_nocache copy_page_from_iter_atomic skb_copy_datagram_iter
skb_copy_datagram_from_iter skb_copy_ubufs skb_copy_bits skb_store_bits
skb_copy skb_copy_and_csum_bits __pskb_copy_fclone csum_and_copy_from_iter'

restore()
{
	echo nop >$tracing/current_tracer
	: >$tracing/set_ftrace_filter
	echo 1408 >$tracing/buffer_size_kb
	rm -f "$file"
}

ktap_plan 7
if [ ! -w $tracing/set_ftrace_filter ] || ! zc_load; then
	ktap_test "function tracer and module" 1 "not there"
	ktap_end
fi
trap restore EXIT
head -c $size /dev/urandom >"$file"
sync
echo 8192 >$tracing/buffer_size_kb
: >$tracing/set_ftrace_filter
for func in $copiers; do
	echo "$func" >>$tracing/set_ftrace_filter 2>/dev/null
done

# traced WAY: run it; its output in $sent and $cached, traced copies in $copies
traced()
{
	echo nop >$tracing/current_tracer
	echo >$tracing/trace
	echo function >$tracing/current_tracer
	out=$(./copies "$1" "$file")
	status=$?
	echo 0 >$tracing/tracing_on
	sent=${out% *} cached=${out#* }
	# What softirqs and kernel threads do for it counts too.
	copies=$(grep -cE '^ *(copies|ksoftirqd|kworker)' $tracing/trace)
	echo 1 >$tracing/tracing_on
	if [ "$status" -ne 0 ] || [ "${sent:-0}" -ne $size ]; then
		echo "# $1: exit status $status, output '$out'"
		sent=0 cached=0 copies=-1
	fi
	echo "# $1: $sent bytes, $cached in the page cache, $copies traced copies"
}

traced write
[ "$copies" -ge 500 ]
ktap_test "the tracer sees the copies of write(2)" $? "only $copies"
traced sendfile
[ "$sent" -eq $size ] && [ "$copies" -le 20 ]
ktap_test "sendfile(2) copies nothing either" $? "$copies copies"
[ "$cached" -eq $size ]
ktap_test "but fills the page cache" $? "$cached bytes"
traced zc
[ "$sent" -eq $size ]
ktap_test "zc sends the file and reports no copy" $?
[ "$copies" -ge 0 ] && [ "$copies" -le 20 ]
ktap_test "zc copies nothing" $? "$copies copies"
[ "$sent" -eq $size ] && [ "$cached" -eq 0 ]
ktap_test "zc leaves the page cache alone" $? "$cached bytes"
traced zc
[ "$copies" -ge 0 ] && [ "$copies" -le 20 ]
ktap_test "nor does it the second time" $? "$copies copies"
ktap_end
