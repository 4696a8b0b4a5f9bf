#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# zcctl bench with the module: what the ways of zc cost beside the others, what arrives, and
# what is left of another's page cache where memory is short.
# shellcheck disable=SC1091,SC2317
. ./ktap.sh
# shellcheck source=../zcctl/zcctl-lib.sh
. ./zcctl-lib.sh
set -u
ko=${ZC_KO:-/zc/zc.ko}
dir=$(mktemp -d /mnt/ext4/bench-XXXXXX)
trap 'rm -rf "$dir"; rmmod zc 2>/dev/null' EXIT

ktap_needs_zcctl

# report NAME ARGS...: as JSON, of one run that counts; is it of the schema?
report()
{
	zcctl --json bench io "${@:2}" --repeat 1 >"$dir/$1" &&
		{ python3 schema.py "$dir/$1" >"$dir/why" || [ $? -eq 4 ]; }
}

# rows NAME CONDITION: Python, true of each row "r" that was measured
rows()
{
	python3 - "$dir/$1" "$2" >"$dir/why" <<-'END'
		import json
		import sys

		bad = [r["path"] + " " + r["cache"] for r in json.load(open(sys.argv[1]))["rows"]
		       if "error" not in r and not eval("(" + sys.argv[2] + ")", {"r": r})]
		print("not so:", bad)
		sys.exit(len(bad) > 0)
	END
}

# content PATHS CONNECTIONS: are the bytes those of the file, in their order?
content()
{
	local pid status

	python3 receiver.py 4100 "$dir/file" 3000001 "$2" 65536 >"$dir/why" &
	pid=$!
	wait_for 20 listening 4100 || return
	zcctl bench io "$dir/file" 127.0.0.1:4100 --cache both --repeat 1 --size 3000001 \
		--paths "$1" --request 65536 --connections "$2" >/dev/null
	status=$?
	kill $pid
	wait $pid && [ $status -eq 0 ]
}

listening()
{
	ss -ltnH "sport = :$1" | grep -q .
}

# evicted NAME PATH: bytes of the neighbour's
evicted()
{
	python3 -c 'import json, sys
for r in json.load(open(sys.argv[1]))["rows"]:
    if r["path"] == sys.argv[2]:
        print(r.get("neighbour_evicted_bytes", -1))' "$dir/$1" "$2"
}

ktap_plan 17
head -c 8M /dev/urandom >"$dir/file"
sync
rmmod zc 2>/dev/null
insmod "$ko"
# What a path of io_uring reads into
echo 32 >/proc/sys/vm/nr_hugepages

report all "$dir/file" --size 4M
ktap_test "all paths" $? "$(cat "$dir/why")"
python3 -c 'import json, sys
rows = json.load(open(sys.argv[1]))["rows"]
failed = [(r["path"], r["error"]) for r in rows if "error" in r]
print(failed)
sys.exit(len(rows) != 29 or any(
    path != "rw-dontcache" or "has no RWF_DONTCACHE" not in why for path, why in failed))
' "$dir/all" >"$dir/why"
ktap_test "none fails, but for what the kernel has not" $? "$(cat "$dir/why")"
rows all 'r["copied_bytes"] == 0 or not r["path"].startswith(("zc-", "sendfile", "splice"))'
ktap_test "by reference nothing is copied" $? "$(cat "$dir/why")"
rows all 'r["copied_bytes"] == 2 * r["bytes"] or not r["path"].startswith("rw-")'
ktap_test "read and write copy twice" $? "$(cat "$dir/why")"
rows all 'r["page_cache_bytes"] == (r["bytes"] if r["cache"] == "cold" and r["path"] in (
	"rw-4k", "rw-32k", "rw-1m", "mmap-write", "sendfile", "splice", "io_uring-send",
	"zc-cached") else 0) or r["path"] == "rw-dontcache"'
ktap_test "the page cache grows by what goes through it" $? "$(cat "$dir/why")"
rows all 'r["syscalls"] == 1 or not r["path"].startswith("zc-")'
ktap_test "zc needs one system call" $? "$(cat "$dir/why")"

report some "$dir/file" --size 4M --request 256K,1M --connections 1,4 --cache cold \
	--paths sendfile,zc-direct,zc-auto,zc-buffer &&
	rows some 'r["latency"]["count"] == r["bytes"] / r["request_bytes"] ==
		r["first_byte"]["count"] and
		r["first_byte"]["p50_ns"] <= r["latency"]["p50_ns"] <= r["latency"]["max_ns"]'
ktap_test "requests, in several connections" $? "$(cat "$dir/why")"
rows some 'r["copied_bytes"] == 0'
ktap_test "of which nothing is copied" $? "$(cat "$dir/why")"

for connections in 1 3; do
	content zc-direct,zc-cached,zc-auto,zc-buffer $connections
	ktap_test "$connections connections: what arrives is the file" $? "$(cat "$dir/why")"
done

# What is held against zc: the costs of the same table, divided. Which of two so short runs costs
# more is chance here; that the table tells of it is not.
zcctl bench io "$dir/file" --size 1M --paths rw-4k,sendfile,zc-direct --repeat 1 >"$dir/out" &&
	python3 - "$dir/out" >"$dir/why" 2>&1 <<-'END'
	import re, sys
	row = re.compile(r"([a-z]\S*) +(cold|hot) +([\d.]+) .*B +([\d.]+) +([\d.]+)(.*)")
	rows = [found.groups() for found in map(row.match, open(sys.argv[1])) if found]
	assert len(rows) == 6, rows
	zc = {cache: float(cost) for path, cache, cost, *_ in rows if path == "zc-direct"}
	sendfile = {cache: float(cost) for path, cache, cost, *_ in rows if path == "sendfile"}
	for path, cache, cost, part, _, verdict in rows:
	    cost = float(cost)
	    of_zc = cost / zc[cache]
	    assert abs(float(part) - of_zc) < 0.01 + of_zc / 500, (path, cache, part, rows)
	    least = cost < zc[cache]
	    assert ("beats zc" in verdict) == (path != "zc-direct" and least), (path, cache, rows)
	    beaten = path == "zc-direct" and sendfile[cache] < cost
	    assert ("sendfile beats it" in verdict) == beaten, (path, cache, rows)
	END
ktap_test "of zc: the costs divided, and who beats whom" $? "$(cat "$dir/why")"

"${as_nobody[@]}" zcctl bench io /bin/bash --size 1M --paths sendfile,zc-auto --repeat 1 \
	--cache hot >"$dir/out" 2>"$dir/err"
[ $? -eq 4 ] && says "^sendfile  *hot  *[0-9]" out &&
	says "^zc-auto  *hot  *not measured: Permission denied" out
ktap_test "who may not use the device: the others are measured" $?

# Memory is short for a memory cgroup. The file is a hole: no disk is waited for.
truncate -s 192M "$dir/hole"
group=/sys/fs/cgroup/zc-bench
mkdir -p /sys/fs/cgroup && { mountpoint -q /sys/fs/cgroup ||
	mount -t cgroup2 none /sys/fs/cgroup; }
if ! echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || ! mkdir $group; then
	for what in "is there" "is evicted" "stays" "in the table" "too large"; do
		ktap_skip "a neighbour's page cache: $what" "no memory cgroups"
	done
	ktap_end
fi
echo 128M >$group/memory.max
(echo 0 >$group/cgroup.procs
report nb "$dir/hole" --size 192M --cache cold --neighbour 64M --paths sendfile,zc-direct)
ktap_test "a neighbour's page cache" $? "$(cat "$dir/why")"
[ "$(evicted nb sendfile)" -gt 0 ]
ktap_test "of which sendfile evicts" $? "$(evicted nb sendfile)"
[ "$(evicted nb zc-direct)" -eq 0 ]
ktap_test "and zc does not" $? "$(evicted nb zc-direct)"
(echo 0 >$group/cgroup.procs
zcctl bench io "$dir/file" --size 1M --cache hot --neighbour 192M --paths sendfile \
	--repeat 1 >/dev/null 2>"$dir/err")
[ $? -eq 1 ] && says "memory is too small for this and the neighbour" err
ktap_test "one who needs more than there is" $? "$(cat "$dir/err")"
zcctl bench io "$dir/file" --neighbour 1M --neighbour-dir /dev/shm >/dev/null 2>"$dir/err"
[ $? -eq 1 ] && says "files in /dev/shm are memory" err
ktap_test "one whose files are memory" $? "$(cat "$dir/err")"
rmdir $group
echo 0 >/proc/sys/vm/nr_hugepages
ktap_end
