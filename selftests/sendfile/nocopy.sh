#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Proof by the function tracer that the CPU copies no payload on the way of a file
# to a TCP receiver on the loopback, and that the page cache does not grow. First
# the same is done by write(2) and sendfile(2), to see that the tracer would tell.
# The receiver throws the bytes away, so it copies nothing in any case.
#
# The functions that copy are in lib/, which is built without hooks for tracers.
# What is traced are their callers: filemap_read() copies from the page cache to
# the user, TCP asks sk_page_frag_refill() for each piece of memory to copy into,
# and the skb functions copy packets that were made without a copy. Not counted is
# skb_condense(): of a packet that waits for its receiver, and has so little payload
# that it fits behind the headers, TCP moves the payload there and gives the page back.
# shellcheck disable=SC1091,SC2086,SC2317
. ./ktap.sh
set -u

file=/mnt/ext4/zc-nocopy
size=$((32 * 1024 * 1024))
tracing=/sys/kernel/tracing
# From the page cache to the user; or, on 6.1, to the pipe of sendfile(2).
readers='filemap_read'
copiers='sk_page_frag_refill skb_page_frag_refill
skb_copy_datagram_iter skb_copy_datagram_from_iter simple_copy_to_iter
skb_copy_ubufs skb_copy_bits skb_store_bits skb_copy skb_copy_expand
__pskb_copy_fclone skb_copy_and_csum_bits __skb_linearize __pskb_pull_tail'
# The ways of pages into a TCP socket: of zc, of sendfile(2) on 6.12 and on 6.1
handers='skb_zerocopy_iter_stream skb_splice_from_iter tcp_sendpage'

restore()
{
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter
	echo 1408 >$tracing/buffer_size_kb
	echo 1 >$tracing/tracing_on
	rm -f "$file"
}

ktap_plan 12
if [ ! -w $tracing/set_ftrace_filter ] || ! zc_load; then
	ktap_test "function tracer and module" 1 "not there"
	ktap_end
fi
trap restore EXIT
head -c $size /dev/urandom >"$file"
sync
echo 8192 >$tracing/buffer_size_kb
echo >$tracing/set_ftrace_filter
for func in $readers $copiers $handers; do
	echo $func >>$tracing/set_ftrace_filter 2>/dev/null ||
		echo "# no $func in this kernel"
done

# What softirqs and kernel threads do for it counts too.
traces()
{
	grep -E '^ *(copies|ksoftirqd|kworker|<idle>)' $tracing/trace |
		grep -E " ($(echo "$@" | tr ' ' '|')) <-"
}

count()
{
	traces "$@" |
		grep -cvE ' (__pskb_pull_tail <-skb_condense|skb_copy_bits <-__pskb_pull_tail)$'
}

# traced WAY: run it; its output in $sent and $cached, traced calls in $copies and
# $handed
traced()
{
	echo 1 >$tracing/tracing_on
	echo >$tracing/trace
	echo function >$tracing/current_tracer
	out=$(./copies "$1" "$file")
	status=$?
	echo 0 >$tracing/tracing_on
	sent=${out% *} cached=${out#* }
	reads=$(count $readers) copies=$(count $copiers) handed=$(count $handers)
	who=$(traces $copiers | sed 's/-[0-9]* .*: / /' | sort | uniq -c | sed 's/^/#   /')
	echo nop >$tracing/current_tracer
	if [ "$status" -ne 0 ] || [ "${sent:-0}" -ne $size ]; then
		echo "# $1: exit status $status, output '$out'"
		sent=0 cached=0 reads=-1 copies=-1 handed=-1
	fi
	echo "# $1: $sent bytes, $cached in the page cache, $reads reads, $copies copies," \
		"pages handed over in $handed calls"
	[ -z "$who" ] || echo "$who"
}

traced write
[ "$reads" -ge 500 ] && [ "$copies" -ge 500 ]
ktap_test "the tracer sees the copies of read(2) and write(2)" $? "only $reads and $copies"
[ "$handed" -eq 0 ]
ktap_test "which hand over no pages" $? "$handed calls"
traced sendfile
[ "$copies" -ge 0 ] && [ "$copies" -le 20 ]
ktap_test "sendfile(2) copies nothing either" $? "$copies copies"
[ "$cached" -eq $size ]
ktap_test "but fills the page cache" $? "$cached bytes"
traced zc
[ "$sent" -eq $size ]
ktap_test "zc sends the file and reports no copy" $?
# The kernel reads the program itself when it starts.
[ "$reads" -ge 0 ] && [ "$reads" -le 20 ] && [ "$copies" -ge 0 ] && [ "$copies" -le 20 ]
ktap_test "zc copies nothing" $? "$reads reads, $copies copies"
[ "$handed" -ge 10 ]
ktap_test "zc hands over pages" $? "$handed calls"
[ "$sent" -eq $size ] && [ "$cached" -eq 0 ]
ktap_test "zc leaves the page cache alone" $? "$cached bytes"
traced zc
[ "$copies" -ge 0 ] && [ "$copies" -le 20 ]
ktap_test "nor does it copy the second time" $? "$copies copies"
traced zc-hot
[ "$sent" -eq $size ] && [ "$cached" -eq $size ]
ktap_test "zc sends the file from the page cache" $? "$sent bytes, $cached cached"
[ "$reads" -ge 0 ] && [ "$reads" -le 20 ] && [ "$copies" -ge 0 ] && [ "$copies" -le 20 ]
ktap_test "and copies nothing" $? "$reads reads, $copies copies"
[ "$handed" -ge 10 ]
ktap_test "but hands over pages" $? "$handed calls"
ktap_end
