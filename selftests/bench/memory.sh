#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# zcctl bench alloc, fault, numa and write with the module: what can be known before is exact: page
# faults, page sizes, where buffers came from, and where memory lies. Times are none of it.
# shellcheck disable=SC1091,SC2317
. ./ktap.sh
# shellcheck source=../zcctl/zcctl-lib.sh
. ./zcctl-lib.sh
set -u
ko=${ZC_KO:-/zc/zc.ko}
dir=$(mktemp -d /mnt/ext4/zcctl-XXXXXX)
trap 'rm -rf "$dir"; rmmod zc 2>/dev/null' EXIT
params=/sys/module/zc/parameters
pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages

# Some minutes; user/tests/bench.sh asks much of it without the module.
ktap_all
ktap_needs_zcctl

# rows FILE: a Python program about rows by what tells them apart, in "by" and "rows"
rows()
{
	{
		cat <<-'END'
		import json, sys
		report = json.load(open(sys.argv[1]))
		rows = report["rows"]
		by = {(r["path"], r.get("processes", 1), r["bytes"]): r for r in rows}
		MIB = 1 << 20
		def say(ok, what):
		    if not ok:
		        raise AssertionError(what)
		END
		cat
	} >"$dir/rows.py"
	python3 "$dir/rows.py" "$dir/$1"
}

# valid FILE: of the schema, as far as that can be known
valid()
{
	local status=0

	python3 schema.py "$dir/$1" || status=$?
	[ $status -eq 0 ] || [ $status -eq 4 ]
}

ktap_plan 32
rmmod zc 2>/dev/null
insmod "$ko"
echo 0:3,1:1 >$params/reserve
echo 1 >$pool

zcctl -j bench fault --tune --size 32M --repeat 1 >"$dir/fault" && valid fault
ktap_test "bench fault: of the schema" $?
rows fault <<-'END'
	want = {"small": 8192, "small-populate": 0, "thp": 16, "thp-populate": 0, "hugetlb": 16,
	        "hugetlb-populate": 0, "zc": 16, "zc-populate": 0, "zc-reserve": 16}
	got = {r["path"]: r["faults"] for r in rows if r["path"] in want}
	say(got == want, got)
END
ktap_test "bench fault: a fault for each page, none with MAP_POPULATE" $?
rows fault <<-'END'
	for r in rows:
	    s, name = r["smaps"], r["path"]
	    huge = {"AnonHugePages": 0, "ShmemPmdMapped": 0, "FilePmdMapped": 0,
	            "Shared_Hugetlb": 0, "Private_Hugetlb": 0}
	    if name.startswith("zc"):
	        huge["FilePmdMapped"] = 32768
	    if name.startswith("hugetlb"):
	        huge["Private_Hugetlb"] = 32768
	    if name.startswith("thp"):
	        huge["AnonHugePages"] = 32768
	    say({k: s[k] for k in huge} == huge, r)
	    say(r["huge_bytes"] == sum(huge.values()) * 1024, r)
	    size = 2048 if name.startswith("hugetlb") else 4
	    say(s["KernelPageSize"] == s["MMUPageSize"] == size, r)
	    say(name.startswith("hugetlb") or s["Rss"] == 32768, r)
END
ktap_test "bench fault: hugepages of each kind in smaps" $?
rows fault <<-'END'
	for r in rows:
	    tables, name = r["page_table_bytes"], r["path"]
	    if name.startswith(("zc", "hugetlb")):
	        say(tables <= 8192, r)
	    else:
	        say(15 * 4096 <= tables <= 20 * 4096, r)
	    anon = r["meminfo"]["AnonPages"]
	    say(abs(anon - (0 if name.startswith(("zc", "hugetlb")) else 32768)) < 2048, r)
	    say(r["meminfo"]["HugePages_Free"] == (-16 if name.startswith("hugetlb") else 0), r)
END
ktap_test "bench fault: page tables, anonymous memory, hugepages of the pool" $?
rows fault <<-'END'
	for r in rows:
	    want = 16 if r["path"] == "zc-reserve" else 0
	    say(r["reserved_hugepages"] == want, r)
	    say(r["latency"]["count"] == 8192, r)
	    say(r["first_touch_ns"] <= r["first_byte_ns"], r)
	zc, ready = (by[p, 1, 32 * MIB]["first_byte_ns"] for p in ("zc", "zc-reserve"))
	say(ready * 2 < zc, (zc, ready))
END
ktap_test "bench fault: out of the reserve, the first byte comes without clearing" $?
[ "$(cat $params/reserve $pool)" = "0:3,1:1
1" ]
ktap_test "bench fault --tune: reserve and hugepages are as before" $?
zcctl -j bench fault --size 16M --repeat 1 --paths zc-reserve,hugetlb,zc >"$dir/fault" &&
	rows fault <<-'END'
	# That of the node where it ran
	why = by["zc-reserve", 1, 16 * MIB]["error"]
	say(why.startswith(("3 of 8 hugepages came out of the reserve",
	                    "1 of 8 hugepages came out of the reserve")), why)
	say("1 of 8 hugepages are free: --tune, or echo 8 >" in by["hugetlb", 1, 16 * MIB]["error"],
	    rows)
	say("error" not in by["zc", 1, 16 * MIB], rows)
END
ktap_test "bench fault without --tune: what is missing, and what mends it" $?
thp=/sys/kernel/mm/transparent_hugepage/enabled
was=$(sed 's/.*\[\(.*\)\].*/\1/' $thp)
echo never >$thp
zcctl -j bench fault --size 4M --repeat 1 --paths thp >"$dir/fault" && rows fault <<-'END'
	r = by["thp", 1, 4 * MIB]
	say(r["note"].startswith("no hugepages: ") and r["note"].endswith("says never"), r)
	say(r["huge_bytes"] == 0 and r["faults"] == 1024, r)
END
ktap_test "bench fault: transparent hugepages that there are none of" $?
echo "$was" >$thp

tiers=zc-cache,zc-list,zc-kernel
zcctl -j bench alloc --tune --size 2M --count 32 --repeat 2 --processes 1,2 \
	--paths $tiers,ioctl,zc,malloc >"$dir/alloc" && valid alloc
ktap_test "bench alloc: of the schema" $?
rows alloc <<-'END'
	for n in 1, 2:
	    # 32 times, and 16 with an eye on the clock, by each
	    all = 48 * n
	    want = {"zc-cache": (all, all, 0, 0), "zc-list": (all, 0, all, 0),
	            "zc-kernel": (all, 0, 0, all)}
	    for path, figures in want.items():
	        s = by[path, n, 2 * MIB]["served"]
	        got = (s["buffers"], s["cache"], s["reserve_hugepages"], s["kernel_hugepages"])
	        say(got == figures, (path, n, s))
END
ktap_test "bench alloc: each buffer came out of its tier" $?
rows alloc <<-'END'
	cache, ready, kernel = (by[p, 1, 2 * MIB]["latency"]["p50_ns"] for p in
	                        ("zc-cache", "zc-list", "zc-kernel"))
	say(cache < ready < kernel, (cache, ready, kernel))
END
ktap_test "bench alloc: the cache is faster than the reserve, that than the kernel" $?
rows alloc <<-'END'
	for r in rows:
	    say("error" not in r, r)
	    say(r["per_s"] > 0 and ("scaling" in r), r)
	    say(r["latency"]["count"] == (320 if r["path"] == "ioctl" else 32) * r["processes"], r)
	    say(r["processes"] > 1 or r["scaling"] == 1, r)
END
ktap_test "bench alloc: what all get done, and each time" $?
[ "$(cat $params/reserve $pool)" = "0:3,1:1
1" ]
ktap_test "bench alloc --tune: reserve and hugepages are as before" $?
zcctl -j bench alloc --tune --size 4K,64K,1M --count 16 --repeat 1 --processes 1 \
	--paths $tiers >"$dir/alloc" && rows alloc <<-'END'
	say(len(rows) == 9 and not any("error" in r for r in rows), rows)
	for r in rows:
	    s = r["served"]
	    say(s["buffers"] == 32, r)
	    say(s["cache"] == (32 if r["path"] == "zc-cache" else 0), r)
	    say(s["kernel_hugepages"] == (32 if r["path"] == "zc-kernel" else 0), r)
	    say(s["parts"] == (32 if r["path"] == "zc-list" else 0), r)
	    say(s["reserve_hugepages"] == 0, r)
END
ktap_test "bench alloc: parts of a hugepage, out of each tier" $?
zcctl -j bench alloc --tune --size 16M --count 2 --repeat 1 --processes 1 \
	--paths $tiers >"$dir/alloc" && rows alloc <<-'END'
	say("of 4 came out of the cache" in by["zc-cache", 1, 16 * MIB]["error"] or
	    "0 of " in by["zc-cache", 1, 16 * MIB]["error"], rows)
	for path, key in ("zc-list", "reserve_hugepages"), ("zc-kernel", "kernel_hugepages"):
	    r = by[path, 1, 16 * MIB]
	    say("error" not in r and r["served"][key] == 8 * r["served"]["buffers"], r)
END
ktap_test "bench alloc: a large buffer is in no cache, and the row says so" $?
echo 0:2,1:2 >$params/reserve
zcctl -j bench alloc --size 2M --count 16 --repeat 1 --processes 1 \
	--paths $tiers >"$dir/alloc" && rows alloc <<-'END'
	say("4 of 32 hugepages came out of the reserve" in by["zc-list", 1, 2 * MIB]["error"], rows)
	say("4 out of the reserve" in by["zc-kernel", 1, 2 * MIB]["error"], rows)
	say("cpu_ns" not in by["zc-list", 1, 2 * MIB], rows)
	say("error" not in by["zc-cache", 1, 2 * MIB], rows)
END
ktap_test "bench alloc without --tune: the row says where buffers came from" $?
# The signal comes while the reserve is another.
zcctl bench alloc --tune --size 2M --count 1000000 --processes 1 --paths zc-list >/dev/null 2>&1 &
bench=$!
# shellcheck disable=SC2016 # for the inner shell
wait_for 20 sh -c '[ "$(cat "$1")" = 0:16,1:16 ]' sh $params/reserve
ktap_test "bench alloc --tune: the reserve is what it takes" $?
end $bench
wait_for 20 sh -c "[ \"\$(cat $params/reserve)\" = 0:2,1:2 ]"
ktap_test "bench alloc --tune, killed: the reserve is as before" $?
wait_for 20 grep -q "^zc [0-9]* 0 " /proc/modules
ktap_test "bench alloc, killed: none of its processes goes on" $?
echo 0 >$params/reserve

zcctl -j bench numa --size 8M --accesses 20000 --requests 50 --repeat 2 >"$dir/numa" &&
	valid numa
ktap_test "bench numa: of the schema" $?
rows numa <<-'END'
	uses = ("zc-read", "thp-read", "zc-random", "thp-random", "zc-send")
	pairs = {(r["path"], r["cpu_node"], r["memory_node"]): r for r in rows}
	say(report["environment"]["memory_nodes"] == 2, report["environment"])
	for use in uses:
	    for cpu in 0, 1:
	        for mem in 0, 1:
	            r = pairs[use, cpu, mem]
	            say(r["memory_bytes"] == {str(mem): 8 * MIB, str(1 - mem): 0}, r)
	            say(r["first_node"] == mem and r["remote"] == (cpu != mem), r)
	            say(r["distance"] == (10 if cpu == mem else 20), r)
END
ktap_test "bench numa: each pair of nodes, and the memory is where it should be" $?
rows numa <<-'END'
	say([r["path"] for r in rows[-3:]] ==
	    ["unbound", "thread-pinned", "cpu+memory-bound"], rows)
	for r in rows[-3:]:
	    runs = r["samples"]["requests_per_s"]
	    mean = sum(runs) / 2
	    say(len(runs) == 2 and abs(r["requests_per_s"] - mean) < 1, r)
	    sd = abs(runs[0] - runs[1]) / 2 ** .5
	    say(abs(r["requests_per_s_sd"] - sd) < .01, r)
	last = rows[-1]
	say(last["cpu_node"] == last["memory_node"] == last["first_node"] == 0, last)
	say(last["memory_bytes"]["0"] == 8 * MIB, last)
END
ktap_test "bench numa: requests of three kinds, mean and deviation" $?
rows numa <<-'END'
	where = report["environment"]
	for r in rows:
	    say(bool(r["note"]) == where["virtual"], r)
	    say("TCG" not in where["cpu"] or r["note"] == "emulated: no remote cost", r)
END
ktap_test "bench numa: a virtual machine says that it is one" $?
zcctl bench numa --size 2M --requests 10 --repeat 1 --paths zc-read,cpu+memory-bound \
	>"$dir/out" && says "2 NUMA nodes with memory" out && says "^zc-read .*  remote" out &&
	says "^cpu+memory-bound .* requests/s" out
ktap_test "bench numa for people" $?
limit=/sys/module/zc/parameters/max_bytes
was=$(cat $limit)
echo $((16 << 20)) >$limit
zcctl bench numa --size 64M --repeat 1 --paths zc-read >"$dir/out" 2>&1
says "not measured: .*max_bytes" out
status=$?
echo "$was" >$limit
ktap_test "bench numa of too much: what is in the way" $status

zcctl -j bench write "$dir" --tune --size 4K,64K --count 16 --repeat 2 >"$dir/write" &&
	valid write
ktap_test "bench write: of the schema" $?
rows write <<-'END'
	names = ["fresh", "malloc", "aligned", "kept", "vmsplice", "zc", "zc-kept",
	         "zc-writer"]
	say(len(rows) == 4 * (8 + 7 + 7), len(rows))
	for r in rows:
	    say("error" not in r and r["latency"]["count"] == 16 * r["processes"], r)
	    pages = r["bytes"] / 4096
	    want = {"fresh": pages, "zc": pages, "kept": 0, "vmsplice": 0, "zc-kept": 0,
	            "zc-writer": 0}
	    say(r["path"] not in want or r["faults_per_write"] == want[r["path"]], r)
END
ktap_test "bench write: a fault for each page of a new mapping, none for what is kept" $?
zcctl -j bench write --tune --to null --size 2M --count 4 --repeat 1 --paths zc,zc-kept \
	>"$dir/write" && rows write <<-'END'
	for r in rows:
	    say(r["faults_per_write"] == (1 if r["path"] == "zc" else 0), r)
END
ktap_test "bench write: one fault for the hugepage of a buffer" $?
zcctl -j bench write "$dir" --to pipe,file --verify --size 4K,200K,3M --count 40 --repeat 1 \
	--paths vmsplice,zc,zc-kept,zc-writer >"$dir/write" && rows write <<-'END'
	say(len(rows) == 6 * (4 + 3) and not any("error" in r for r in rows), rows)
END
ktap_test "bench write: all bytes come out of buffers, in their order" $?
zcctl bench write --to null --size 64K --count 1000000 --processes 1 \
	--paths zc-kept >/dev/null 2>&1 &
bench=$!
# shellcheck disable=SC2016 # for the inner shell
wait_for 20 sh -c '[ "$(zcctl -j buffer list | grep -o "\"size\":65536" | wc -l)" = 4 ]'
ktap_test "bench write: four buffers in the pool of a process" $?
end $bench
wait_for 20 grep -q "^zc [0-9]* 0 " /proc/modules
ktap_test "bench write, killed: nothing left of it" $?
was=$(cat $limit)
echo $((4 << 20)) >$limit
zcctl -j bench write --to null --size 2M --count 4 --processes 1 --repeat 1 \
	--paths kept,zc,zc-kept >"$dir/write" && rows write <<-'END'
	say("max_bytes" in by["zc-kept", 1, 2 * MIB]["error"], rows)
	say(not any("error" in by[p, 1, 2 * MIB] for p in ("kept", "zc")), rows)
END
ktap_test "bench write: a pool of more than the module may have says so" $?
echo "$was" >$limit
ktap_end
