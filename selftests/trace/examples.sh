#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The examples of Documentation/tracing.rst, as they stand there: each is cut out of it, run,
# and what it says of a piece of work is looked at. The work is done where an example sleeps,
# and while bpftrace looks: `sleep` and `bpftrace` are found here first.
# shellcheck disable=SC1091,SC2317
. ./ktap.sh
set -u

# The same tools for more than a minute; what they print is looked at by others, too.
ktap_all

rst=$PWD/tracing.rst
port=4000
dir=$(mktemp -d /mnt/ext4/trace-XXXXXX)
params=/sys/module/zc/parameters

restore()
{
	echo 0 >/sys/kernel/tracing/events/zc/enable
	echo 1 >/sys/kernel/tracing/options/record-cmd
	echo 60 >$params/held_after
	rm -rf "$dir"
}

# example NAME: its lines
example()
{
	awk -v name="$1" '
		$1 == ":name:" { found = $2 == name; next }
		found && /^[^ ]/ { exit }
		found { sub(/^   /, ""); print }' "$rst"
}

# run NAME: its output in $dir/out
run()
{
	example "$1" >"$dir/example"
	[ -s "$dir/example" ] || return 1
	(cd "$dir" && PATH=$dir/bin:$PATH bash -eu example) >"$dir/out" 2>"$dir/err"
}

# check NAME WHAT STATUS: what it said, if that was not it
check()
{
	ktap_test "$1: $2" "$3"
	[ "$3" -ne 0 ] || return 0
	sed 's/^/# out: /' "$dir/out"
	sed 's/^/# err: /' "$dir/err"
}

# says REGEX [COUNT]: so many lines of the output do; without, some
says()
{
	local nr

	nr=$(grep -cE -- "$1" "$dir/out")
	[ "$nr" -eq "${2:-$nr}" ] && [ "$nr" -gt 0 ]
}

# The work: a file of 4 MiB by reference, one of 100 bytes by copy, a buffer that comes and
# goes, and one that is forgotten.
work()
{
	local file pid

	for file in large small; do
		zcctl recv $port -o /dev/null >/dev/null &
		pid=$!
		for _ in $(seq 100); do
			! ss -ltnH "sport = :$port" | grep -q . || break
			/bin/sleep 0.1
		done
		zcctl send "$dir/$file" localhost:$port >/dev/null
		wait $pid
	done
	zcctl alloc 6M >/dev/null
	"$here/forget"
}

tools()
{
	local here=$PWD

	mkdir "$dir/bin"
	head -c 4M /dev/urandom >"$dir/large"
	head -c 100 /dev/urandom >"$dir/small"
	sync
	{
		echo '#!/bin/bash'
		declare -p dir port here
		declare -f work
		# For the file is in the page cache.
		# shellcheck disable=SC2016
		echo 'dd if="$dir/large" iflag=nocache count=0 status=none; work'
	} >"$dir/work"
	printf '#!/bin/sh\nexec %s\n' "$dir/work" >"$dir/bin/sleep"
	# Who is run by bpftrace must be a program.
	printf '#!/bin/sh\nexec %s -c "/bin/bash %s" "$@"\n' "$(command -v bpftrace)" \
		"$dir/work" >"$dir/bin/bpftrace"
	chmod +x "$dir/work" "$dir/bin"/*
}

# Of each request it is told once, though of several by one read of 64 bytes for each.
test_strace()
{
	local told submitted

	if ! command -v strace >/dev/null; then
		ktap_skip "strace-poll: calls" "no strace"
		ktap_skip "strace-poll: events" "no strace"
		return
	fi
	run strace-poll && says 'epoll_wait' && ! says ' (write|sendfile)\('
	check strace-poll "it waits, and writes nothing" $?
	submitted=$(grep -c 'ioctl(.*0xed, 0x20,' "$dir/out")
	told=$(sed -nE 's/.*read(\(| resumed).*, 4096\) += //p' "$dir/out" |
		awk '{ n += $1 } END { print n + 0 }')
	[ "$submitted" -ge 4 ] && [ "$told" -eq $((submitted * 64)) ]
	check strace-poll "each request is submitted, and told of" $?
}

test_tracefs()
{
	run tracefs-all && says ' zc_transfer_begin: .* pos=0 ' 2 &&
		says ' zc_transfer_end: .* sent=4194304 copied=0 ' 1 &&
		says ' zc_buffer_create: .* size=6291456 .* again=0' 1 &&
		says ' zc_buffer_map: ' && says ' zc_buffer_unmap: ' &&
		says ' zc_buffer_destroy: ' && says ' zc_buffer_free: ' &&
		says ' zc_buffer_leak: .* why=held .* comm=forget' 1
	check tracefs-all "everything in order" $?
	run tracefs-filter && says ' zc_[a-z_]*: ' 1 &&
		says ' zc_transfer_end: .* sent=100 copied=100 .* reasons=small' 1
	check tracefs-filter "what was copied, and nothing else" $?
	if [ ! -e /sys/kernel/tracing/events/zc/zc_transfer_fallback/hist ]; then
		ktap_skip tracefs-hist "no histograms in this kernel"
		return
	fi
	run tracefs-hist && says 'reasons: *10 .*hitcount: *1 +bytes: *100$' 1
	check tracefs-hist "bytes by reason" $?
}

test_perf()
{
	local t

	if ! perf --version >/dev/null 2>&1; then
		for t in perf-stat perf-record perf-trace; do
			ktap_skip $t "no perf"
		done
		return
	fi
	# What perf counts it says where errors are said.
	run perf-stat && mv "$dir/err" "$dir/out" && : >"$dir/err" &&
		says '^ *2 +zc:zc_transfer_begin ' 1 && says '^ *2 +zc:zc_transfer_end ' 1 &&
		says '^ *1 +zc:zc_buffer_leak ' 1 && says '^ *0 +zc:zc_transfer_cancel ' 1
	check perf-stat "how often" $?
	run perf-record && says 'zc:zc_transfer_begin: .* pos=0 .* flags=nosignal ' 2 &&
		says 'zc:zc_transfer_end: .* sent=4194304 .* reasons=none .* err=0' 1 &&
		says 'zc:zc_transfer_end: .* sent=100 .* reasons=small .* err=0' 1
	check perf-record "both transfers, with their fields" $?
	run perf-trace && mv "$dir/err" "$dir/out" && : >"$dir/err" &&
		says 'zcctl/.* zc:zc_buffer_create\(.*size[=:] 6291456' 1 &&
		says 'zc:zc_buffer_leak\('
	check perf-trace "buffers" $?
}

test_bpftrace()
{
	local t

	if ! command -v bpftrace >/dev/null; then
		t="no bpftrace"
	elif [ ! -e /proc/sys/kernel/unprivileged_bpf_disabled ]; then
		t="no BPF in this kernel"
	else
		t=''
	fi
	if [ -n "$t" ]; then
		for nr in latency copied leaks memory reads; do
			ktap_skip "bpftrace-$nr" "$t"
		done
		return
	fi
	run bpftrace-latency && [ "$(hist_sum @us)" -eq 2 ]
	check bpftrace-latency "both transfers" $?
	run bpftrace-copied && says '^@bytes\[small\]: 100$' 1 && says '^@bytes' 1
	check bpftrace-copied "bytes by reason" $?
	run bpftrace-leaks && says '^@bytes\[forget\]: 2097152$' 1
	check bpftrace-leaks "who forgot it" $?
	run bpftrace-memory && says '^@made\[zcctl, new\]: 6291456$' 1 &&
		says '^@made\[forget, new\]: 2097152$' 1 && says '^@freed: 8388608$' 1
	check bpftrace-memory "what came and went" $?
	# An answer may be missed, where it comes in the middle of another probe.
	run bpftrace-reads && [ "$(hist_sum @bytes)" -ge 2 ] && [ "$(hist_sum @us)" -ge 1 ] &&
		[ "$(hist_sum @us)" -le "$(hist_sum @bytes)" ]
	check bpftrace-reads "how large, and how long" $?
}

# hist_sum MAP: values in a histogram of the output
hist_sum()
{
	awk -v map="$1:" '
		/^@/ { in_map = $1 == map }
		in_map && /^[[(]/ { sub(/^[^)\]]*[)\]] */, ""); sum += $1 }
		END { print sum + 0 }' "$dir/out"
}

ktap_plan 14
zc_load
trap restore EXIT
if [ ! -e /sys/kernel/tracing/events/zc/enable ]; then
	for _ in $(seq 14); do
		ktap_skip "an example" "no tracepoints, or no tracefs"
	done
	ktap_end
fi
# As in events.c.
echo 0 >/sys/kernel/tracing/options/record-cmd
[ "$(grep -c '^   :name: ' "$rst")" -eq 12 ]
ktap_test "all examples of the document are run" $?
echo 1 >$params/held_after
tools
test_strace
test_tracefs
test_perf
test_bpftrace
ktap_end
