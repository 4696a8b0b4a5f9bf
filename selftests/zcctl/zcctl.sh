#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# zcctl with the module: each command does what it says, for people and as JSON.
# shellcheck disable=SC1091,SC2317
. ./ktap.sh
. ./zcctl-lib.sh
set -u
ko=${ZC_KO:-/zc/zc.ko}
dir=$(mktemp -d /mnt/ext4/zcctl-XXXXXX)
trap 'rm -rf "$dir"; rmmod zc 2>/dev/null' EXIT

ktap_needs_zcctl

ktap_plan 72
rmmod zc 2>/dev/null
zcctl status 2>"$dir/err"
[ $? -eq 3 ] && says "zcctl load" err
ktap_test "status without the module: exit 3, and what to do" $?
zcctl load --path "$ko" depth=9 2>"$dir/err"
[ $? -eq 1 ] && says "parameter" err
ktap_test "load with a bad parameter is explained" $?
zcctl load --path "$ko" dept=3 2>"$dir/err"
[ $? -eq 2 ] && says "no parameter 'dept'" err && says "copybreak" err &&
	[ ! -e /dev/zc ]
ktap_test "load with an unknown parameter is refused, and the known ones named" $?
head -c 4096 /dev/urandom >"$dir/bad.ko"
zcctl load --path "$dir/bad.ko" 2>"$dir/err"
[ $? -eq 1 ] && says "vermagic" err
ktap_test "load of what is no module is explained" $?
zcctl load --path "$ko" depth=3 max-bytes=512M >/dev/null && [ -c /dev/zc ] &&
	[ "$(cat /sys/module/zc/parameters/max_bytes)" = 536870912 ]
ktap_test "load, with a size" $?
zcctl load --path "$ko" 2>"$dir/err"
[ $? -eq 1 ] && says "loaded already" err
ktap_test "a second load is explained" $?
zcctl load 2>"$dir/err"
[ $? -eq 1 ] && says "loaded already" err
ktap_test "so is one of what is not installed" $?

zcctl status >"$dir/out" && says "buffer sendfile page-path send async stats reserve info share" out &&
	says "copybreak=512 depth=3 held_after=60 idle_after=0 max_bytes=536870912 uring_life=" out
ktap_test "status" $?
zcctl -j status >"$dir/out" && [ "$(field out schema)" = zcctl/1 ] &&
	says '"parameters":{"copybreak":512,"depth":3,"held_after":60,"idle_after":0,"max_bytes":536870912,' out
ktap_test "status as JSON" $?

zcctl alloc 64M >"$dir/out" && says "64.0 MiB mapped by 2 MiB entries" out
ktap_test "alloc" $?
zcctl -j alloc 3M --node 1 --strict >"$dir/out" &&
	[ "$(field out size)" = 4194304 ] &&
	[ "$(field out pmd_mapped_bytes)" = 4194304 ] &&
	[ "$(field out page_size)" = 2097152 ] &&
	[ "$(field out node)" = 1 ] && [ "$(field out node_seen)" = 1 ]
ktap_test "alloc on a node, as JSON" $?
zcctl alloc 2M --node 77 2>"$dir/err"
[ $? -eq 1 ] && says "NUMA node 77 is not online; nodes with memory: 0-1" err
ktap_test "alloc on a node that is not there is explained" $?
zcctl -j alloc 900G 2>"$dir/err"
[ $? -eq 1 ] && [ "$(field err reason)" = "No space left on device" ]
ktap_test "alloc of too much: an error as JSON" $?
zcctl alloc 600M 2>"$dir/err"
[ $? -eq 1 ] && says "may have 512 MiB (max_bytes)" err && ! says "--small-ok" err
ktap_test "alloc of more than max_bytes is explained" $?
zcctl alloc 5K --slice >"$dir/out" && says "8.0 KiB" out && says "in one piece" out
ktap_test "alloc --slice" $?
hugetlb=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
echo 2 >$hugetlb
zcctl alloc 3M --page-size 2M >"$dir/out" && says "4.0 MiB of pages of 2.0 MiB" out &&
	zcctl -j alloc 1M --page-size 2M >"$dir/out" &&
	[ "$(field out page_size_seen)" = 2097152 ] && [ "$(field out pmd_mapped_bytes)" = 0 ]
ktap_test "alloc of hugetlb pages" $?
zcctl alloc 6M --page-size 2M 2>"$dir/err"
[ $? -eq 1 ] && says "of 2 pages of 2.0 MiB 2 are free" err && says "echo N > $hugetlb" err
ktap_test "alloc of more hugetlb pages than there are is explained" $?
echo 0 >$hugetlb
zcctl alloc 6M --page-size 3M 2>"$dir/err"
[ $? -eq 1 ] && says "hugetlb has no pages of 3.0 MiB here" err
ktap_test "alloc of pages of a size that is not there is explained" $?

zcctl leaks >"$dir/out" && says "all buffers have a handle" out
ktap_test "leaks: none" $?
zcctl alloc 6M --hold 60 >/dev/null &
holder=$!
for _ in $(seq 100); do
	! zcctl buffer | grep -q "6.0 MiB" || break
	sleep 0.1
done
zcctl buffer list >"$dir/out" && says "6.0 MiB .* $holder .* zcctl " out
ktap_test "buffer list" $?
zcctl -j buffer >"$dir/out" && id=$(field out id) && zcctl -j buffer show "$id" >"$dir/out" &&
	python3 - "$dir/out" "$holder" <<-'END'
	import json, sys
	buf = json.load(open(sys.argv[1]))["buffer"]
	pid = int(sys.argv[2])
	assert buf["pid"] == pid and buf["comm"] == "zcctl" and buf["size"] == 6 << 20, buf
	assert buf["holders"] == [{"pid": pid, "uid": 0, "mappings": 1}], buf
END
ktap_test "buffer show, as JSON: who maps it" $?
kill "$holder"
wait "$holder" 2>/dev/null
zcctl buffer >"$dir/out" && says "no buffers" out
ktap_test "buffer list: gone with its process" $?

zcctl pool set 8 >"$dir/out" && says "^   0 *4 *4 " out && says "^   1 *4 *4 " out
ktap_test "pool set" $?
zcctl -j pool set 6 --node 1 >"$dir/out" && python3 - "$dir/out" <<-'END'
	import json, sys
	pool = json.load(open(sys.argv[1]))
	assert pool["schema"] == "zcctl/1" and pool["kind"] == "pool", pool
	assert [(n["node"], n["reserve_bytes"] >> 21, n["ready_bytes"] >> 21, n["short"])
	        for n in pool["nodes"]] == [(0, 4, 4, "none"), (1, 6, 6, "none")], pool
END
ktap_test "pool set --node, as JSON" $?
zcctl alloc 2M --node 1 >"$dir/out" && zcctl -j status >"$dir/out" &&
	says '"buffers_reserved":[1-9]' out
ktap_test "alloc from the reserve" $?
zcctl pool set 100000 --node 0 >"$dir/out"; [ $? -eq 1 ] && says "node 0: .* of 100000 hugepages" out &&
	says "max_bytes, the limit" out && says "echo BYTES" out
ktap_test "pool set of too many is explained" $?
zcctl pool set 1 --node 7 2>"$dir/err"
[ $? -eq 1 ] && says "NUMA node 7 has no memory" err
ktap_test "pool set on a node that is not there is explained" $?
zcctl pool set 0 >"$dir/out" && zcctl pool >"$dir/out" && says "^   0 *0 *0 " out
ktap_test "pool set 0" $?
zcctl dma >"$dir/out" && says "^ *0  platform:zc .* physical" out
ktap_test "dma shows the module's own target" $?
zcctl -j dma map 0 6M --from >"$dir/out" && python3 - "$dir/out" <<-'END'
	import json, sys
	m = json.load(open(sys.argv[1]))
	assert m["schema"] == "zcctl/1" and m["kind"] == "dma-map", m
	assert m["nr_segments"] == 3 and m["size"] == 6 << 20 and m["bounced_bytes"] == 0, m
	assert [s["length"] for s in m["segments"]] == [2 << 20] * 3, m
	assert all(s["address"] % (2 << 20) == 0 for s in m["segments"]), m
END
ktap_test "dma map, as JSON" $?
chmod 666 /dev/zc
setpriv --reuid 65534 --clear-groups "$(command -v zcctl)" dma map 0 2M >"$dir/out" 2>&1 &&
	says "not shown" out && ! says "0x\|segments  " out
ktap_test "dma map keeps physical addresses from those without privilege" $?
setpriv --reuid 65534 --clear-groups "$(command -v zcctl)" dma attach 00:1f.2 2>"$dir/err"
[ $? -eq 4 ] && says "root" err
ktap_test "dma attach wants privilege, and says so" $?
chmod 660 /dev/zc
zcctl dma attach 00:1f.0 2>"$dir/err"
[ $? -eq 1 ] && says "is a bridge" err
ktap_test "dma attach of a bridge is refused" $?
zcctl dma attach 00:1f.2 >"$dir/out" && says "bound to zc now" out &&
	zcctl dma attach 00:1f.2 2>"$dir/err"; [ $? -eq 1 ] && says "detach it first" err &&
	echo 0000:00:1f.2 >/sys/bus/pci/drivers/zc/unbind &&
	echo 0000:00:1f.2 >/sys/bus/pci/drivers/zc/bind &&
	zcctl dma detach 00:1f.2 >"$dir/out" && says "was no target; it has no driver now" out
ktap_test "dma detach of what others have bound again" $?
zcctl dma detach 0 2>"$dir/err"
[ $? -eq 1 ] && says "module's own" err
ktap_test "dma detach of target 0 is explained" $?
zcctl dma map 9 2M 2>"$dir/err"
[ $? -eq 1 ] && says "no target 9" err
ktap_test "dma map for a target that is not there is explained" $?
zcctl dma attach pci:ffff:ff:1f.7 2>"$dir/err"
[ $? -eq 1 ] && says "no .*device" err
ktap_test "dma attach of a device that is not there is explained" $?
example-dma platform:zc >"$dir/out" && says "0x" out
ktap_test "the example finds a buffer for a device" $?

zcctl alloc 2T 2>"$dir/err"
[ $? -eq 1 ] && says "may have 1.0 TiB at most" err
ktap_test "alloc of more than a buffer may have is explained" $?

head -c 12345678 /dev/urandom >"$dir/file"
sync
sum=$(sha256sum <"$dir/file")
receiver 7001 -o "$dir/copy" 2>/dev/null
zcctl send "$dir/file" 127.0.0.1:7001 >"$dir/out"
ktap_test "send" $?
wait "$recv_pid"
ktap_test "recv" $?
[ "$(sha256sum <"$dir/copy")" = "$sum" ]
ktap_test "the same SHA-256" $?
says "copied     0 B" out
ktap_test "no byte was copied" $?
receiver 7002 --discard >/dev/null 2>&1
zcctl -j send "$dir/file" '[::1]:7002' --offset 1K --length 10M >"$dir/out" &&
	[ "$(field out sent)" = 10485760 ] && [ "$(field out copied)" = 0 ] &&
	[ "$(field out syscalls)" = 1 ]
ktap_test "send of a part over IPv6, as JSON, in one call" $?
wait "$recv_pid"
ktap_test "recv --discard" $?
head -c 300000 "$dir/file" >/tmp/zcctl-file
receiver 7003 >"$dir/copy"
zcctl -j send /tmp/zcctl-file localhost:7003 >"$dir/out" &&
	[ "$(field out sent)" = 300000 ] && [ "$(field out copied)" = 0 ]
ktap_test "send from tmpfs: the page cache's own pages" $?
wait "$recv_pid"
cmp -s "$dir/copy" /tmp/zcctl-file
ktap_test "recv to standard output" $?
# What is not there yet can only be read, and tmpfs reads by copying.
truncate -s 300000 /tmp/zcctl-hole
receiver 7006 --discard >/dev/null 2>&1
zcctl -j send /tmp/zcctl-hole localhost:7006 >"$dir/out" &&
	[ "$(field out sent)" = 300000 ] && [ "$(field out copied)" = 300000 ] &&
	says '"no-direct"' out
ktap_test "send of a hole in tmpfs tells of the copy and why" $?
wait "$recv_pid"
rm -f /tmp/zcctl-hole
zcctl send /tmp/zcctl-file localhost:1 --direct 2>"$dir/err"
[ $? -eq 1 ] && says "zcctl recv" err
ktap_test "send to nobody is explained" $?
receiver 7004 --discard >/dev/null 2>&1
zcctl send /tmp/zcctl-file localhost:7004 --direct 2>"$dir/err"
[ $? -eq 1 ] && says "without --direct" err
ktap_test "send --direct from tmpfs is explained" $?
kill "$recv_pid" 2>/dev/null
wait "$recv_pid" 2>/dev/null
rm -f /tmp/zcctl-file
receiver 7007 -o "$dir/copy" 2>/dev/null
example-send "$dir/file" 127.0.0.1 7007 >"$dir/out"
wait "$recv_pid"
says "^12345678 bytes, 0 of them copied" out && [ "$(sha256sum <"$dir/copy")" = "$sum" ]
ktap_test "libzc.so, in a program of its own" $?
receiver 7009 -o "$dir/copy" 2>/dev/null
example-later "$dir/file" 127.0.0.1 7009 >"$dir/out"
wait "$recv_pid"
says "^event: 12345678 bytes, 0 of them copied" out &&
	says "^buffer: 2097152 bytes, 0 events" out && says "^io_uring: 12345678 bytes" out &&
	{ cat "$dir/file"; head -c 2M "$dir/file"; cat "$dir/file"; } | cmp - "$dir/copy"
ktap_test "libzc.so: by an event, from a sealed buffer, by io_uring" $?
# A peer that closes when all has come, and has read nothing
head -c 30000 "$dir/file" >/tmp/zcctl-few
python3 - <<-'END' &
	import fcntl, socket, struct, termios, time
	listener = socket.create_server(("127.0.0.1", 7010))
	sock = listener.accept()[0]
	for _ in range(300):
	    if struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0] >= 30000:
	        break
	    time.sleep(0.1)
	sock.close()
END
wait_for 30 shows "127.0.0.1:7010 " ss -ltnH
zcctl send /tmp/zcctl-few 127.0.0.1:7010 >"$dir/out" 2>"$dir/err"
[ $? -eq 1 ] && says "the peer went away before it had read all" err && ! says "^sent" out
ktap_test "send to a peer that does not read it fails" $?
wait $!
rm -f /tmp/zcctl-few
zcctl send "$dir/none" localhost:7005 2>"$dir/err"
[ $? -eq 1 ] && says "No such file" err
ktap_test "send of no file is explained" $?
receiver 7008 --discard >/dev/null 2>&1
zcctl send "$dir/file" localhost:7008 --offset 1G --timeout 10 >"$dir/out" 2>"$dir/err" &&
	says "^sent       0 B" out && says "nothing to send: .* has 12345678 bytes" err
ktap_test "send from beyond the end says so" $?
wait "$recv_pid"
# Whatever cannot be sent is told without a connection.
zcctl send "$dir" localhost:1 2>"$dir/err"
[ $? -eq 1 ] && says "is a directory: only regular files and block devices" err
ktap_test "send of a directory is explained" $?
if ip link add zcdummy type dummy 2>/dev/null; then
	ip address add 192.0.2.1/24 dev zcdummy
	ip link set zcdummy up
	timeout 60 zcctl send "$dir/file" 192.0.2.9:4000 --timeout 1 2>"$dir/err"
	[ $? -eq 1 ] && says "timed out" err && says "nothing answers" err
	ktap_test "send to nobody who answers: --timeout" $?
	ip link del zcdummy
else
	ktap_skip "send to nobody who answers: --timeout" "no dummy interfaces"
fi
zcctl send "$dir/file" 192.0.2.9:4000 2>"$dir/err"
[ $? -eq 1 ] && says "no way to that host" err
ktap_test "send to a host without a route is explained" $?

zcctl -j bench io "$dir/file" --repeat 1 --cache cold \
	--paths rw-32k,sendfile,zc-direct >"$dir/out" &&
	[ "$(field out schema)" = zc-bench/1 ] && says '"path":"zc-direct"' out &&
	! says '"error"' out
ktap_test "bench io" $?

zcctl bench nic "$dir/file" localhost:1 2>"$dir/err"
[ $? -eq 1 ] && says "zcctl recv PORT --discard --serve" err
ktap_test "bench nic to nobody: which receiver it takes" $?

param=/sys/module/zc/parameters/copybreak
before=$(cat "$param")
echo 777 >"$param"
zcctl bench copybreak "$dir/file" --sizes 512 --sends 50 --repeat 1 >"$dir/out" &&
	says "512" out && [ "$(cat "$param")" = 777 ]
ktap_test "bench copybreak: the parameter is as it was" $?
zcctl bench copybreak "$dir/file" --sends 10000 --repeat 50 >/dev/null 2>&1 &
bench=$!
# shellcheck disable=SC2016 # for the inner shell
wait_for 30 sh -c '[ "$(cat "$1")" != 777 ]' sh "$param"
kill "$bench"
wait "$bench" 2>/dev/null
[ "$(cat "$param")" = 777 ]
ktap_test "bench copybreak: the parameter is as it was, by a signal" $?
echo "$before" >"$param"
zcctl bench dma --repeat 1 >"$dir/out" &&
	says "^2.0 MiB for target 0, platform:zc: .*, addresses physical" out &&
	says "^zc-buffer .* 1.00 *1 *1 *- *0 B *-$" out
ktap_test "bench dma" $?
zcctl -j bench dma --size 4M --repeat 1 >"$dir/out" && python3 - "$dir/out" <<-'END'
	import json, sys
	rows = json.load(open(sys.argv[1]))["rows"]
	assert [r["path"] for r in rows] == ["heap", "pages", "list", "zc-buffer"], rows
	assert [r["calls"] for r in rows] == [1025, 1024, 1, 2], rows
	assert all(r["bytes"] == 4 << 20 and r["target"]["name"] == "platform:zc" and
	           r["map_ns_least"] <= r["map_ns"] <= r["map_ns_most"] for r in rows), rows
END
ktap_test "bench dma, as JSON: calls of each kind" $?
TMPDIR=$dir zcctl -j bench tlb --size 8M --repeat 1 >"$dir/out" && python3 - "$dir/out" <<-'END'
	import json, sys
	rows = json.load(open(sys.argv[1]))["rows"]
	assert len(rows) == 20, rows
	huge = {r["path"]: r.get("huge_bytes") for r in rows}
	assert huge["zc"] == 8 << 20 and huge["small"] == 0, huge
	assert all("error" not in r or r["path"] == "hugetlb" and "nr_hugepages" in r["error"]
	           for r in rows), rows
END
ktap_test "bench tlb, as JSON: which pages there are" $?

# By a name that a terminal would obey
ln -s "$(command -v zcctl)" "$dir/z"$'\033[7m'
"$dir/z"$'\033[7m' alloc 2M --hold 60 >/dev/null &
holder=$!
for _ in $(seq 50); do
	! grep -q /dev/zc "/proc/$holder/maps" || break
	sleep 0.1
done
zcctl unload 2>"$dir/err"
[ $? -eq 1 ] && says "pid $holder (z\\\\x1b\[7m) of root" err && says "1 mappings" err &&
	says "in use$" err
ktap_test "unload says who holds the module" $?
zcctl -j unload 2>"$dir/err" >"$dir/out"
[ "$(field err pid)" = "$holder" ] && [ "$(field err message)" = "the module is in use" ] &&
	[ "$(wc -l <"$dir/err")" -eq 1 ] && [ ! -s "$dir/out" ]
ktap_test "and says it as JSON, in one object" $?
kill "$holder"
wait "$holder" 2>/dev/null
zcctl unload >/dev/null && [ ! -e /dev/zc ]
ktap_test "unload" $?
zcctl unload 2>/dev/null
[ $? -eq 3 ]
ktap_test "a second unload: exit 3" $?

# The static binary does without libkmod and shared libraries.
if command -v zcctl-static >/dev/null; then
	(
		unset LD_LIBRARY_PATH
		! ldd "$(command -v zcctl-static)" >/dev/null 2>&1 &&
			zcctl-static load --path "$ko" depth=2 &&
			zcctl-static -j alloc 2M && zcctl-static status && zcctl-static unload
	) >"$dir/out" && says " depth=2 " out && [ ! -e /dev/zc ]
	ktap_test "static binary: load, alloc, status, unload" $?
	zcctl-static load --path "$ko" dept=3 2>"$dir/err"
	[ $? -eq 2 ] && says "copybreak" err
	ktap_test "static binary: load with an unknown parameter is refused" $?
	# Whichever the kernel can: it loads, or says that it cannot be unpacked.
	gzip -c "$ko" >"$dir/zc.ko.gz"
	if [ "$(cat /sys/module/compression 2>/dev/null)" = gzip ]; then
		zcctl-static load --path "$dir/zc.ko.gz" >/dev/null &&
			zcctl-static unload >/dev/null
	else
		! zcctl-static load --path "$dir/zc.ko.gz" 2>"$dir/err" &&
			says "cannot unpack" err
	fi
	ktap_test "static binary: a compressed module" $?
else
	for test in "load, alloc, status, unload" "load with an unknown parameter is refused" \
		"a compressed module"; do
		ktap_skip "static binary: $test" "no zcctl-static in PATH"
	done
fi
ktap_end
