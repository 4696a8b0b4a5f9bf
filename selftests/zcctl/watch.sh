#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What zcctl shows of the module while things happen: status, filters, transfers, leaks,
# counts, events; and what it shows to those without privileges.
# shellcheck disable=SC1091,SC2317
. ./ktap.sh
. ./zcctl-lib.sh
set -u
ko=${ZC_KO:-/zc/zc.ko}
dir=$(mktemp -d /mnt/ext4/zcctl-XXXXXX)
trap 'rm -rf "$dir"; rmmod zc 2>/dev/null' EXIT

ktap_needs_zcctl
chmod 755 "$dir"
rmmod zc 2>/dev/null
zcctl load --path "$ko" max_bytes=512M held_after=1 >/dev/null || exit 1

# silent PORT: somebody who accepts a connection, and reads nothing of it
silent()
{
	python3 -c 'import signal, socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
c = s.accept()
signal.pause()' "$1" &
	silent_pid=$!
	wait_for 30 shows . ss -ltnH "sport = :$1"
}

# resetting PORT: somebody who takes a connection and resets it
resetting()
{
	python3 -c 'import socket, struct, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
c = s.accept()[0]
c.recv(65536)
c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
c.close()' "$1" &
	silent_pid=$!
	wait_for 30 shows . ss -ltnH "sport = :$1"
}

# watch FILE GROUP...: start to write events there, and wait until they come
watch()
{
	local file=$1

	shift
	zcctl -j monitor buffers "$@" >"$dir/$file" &
	watch_pid=$!
	# shellcheck disable=SC2016 # for the inner shell
	wait_for 60 sh -c 'zcctl alloc 2M >/dev/null; [ -s "$1" ]' sh "$dir/$file"
}

# event FILE EVENT [TEXT]: did it come, within some seconds?
event()
{
	wait_for 20 grep -q "\"event\":\"$2\".*${3-}" "$dir/$1"
}

ktap_plan 37

zcctl status >"$dir/out" && says "^features   buffer sendfile page-path send" out &&
	says "^parameters copybreak=512 depth=4 held_after=1 idle_after=0 max_bytes=536870912 " out &&
	says "^memory     0 B in use, of 512 MiB" out && says "^   1 *0 *0 *0 " out
ktap_test "status" $?
zcctl -j status >"$dir/out" && python3 - "$dir/out" <<-'END'
	import json, sys
	s = json.load(open(sys.argv[1]))
	assert s["kind"] == "status" and s["parameters"]["held_after"] == 1, s
	assert s["max_bytes"] == 512 << 20 and s["buffers"] == s["transfers"] == 0, s
	assert [n["node"] for n in s["nodes"]] == [0, 1], s
	assert None not in s.values() and None not in s["counts"].values(), s
END
ktap_test "status, as JSON: nothing is missing" $?
"${as_nobody[@]}" zcctl status >"$dir/out" && says "of 512 MiB at most" out &&
	! "${as_nobody[@]}" test -r /dev/zc
ktap_test "status for those who may not open the device" $?
unshare --net zcctl status 2>"$dir/err"
[ $? -eq 1 ] && says "initial network namespace alone" err && says "nsenter" err
ktap_test "in another network namespace: exit 1, and what to do" $?
"${as_nobody[@]}" zcctl pool set 1 2>"$dir/err"
[ $? -eq 4 ] && says "Operation not permitted" err && says "the module says: .*CAP_NET_ADMIN" err
ktap_test "pool set without privileges: exit 4, and what the kernel says" $?
"${as_nobody[@]}" zcctl -j pool set 1 2>"$dir/err"
[ $? -eq 4 ] && [ "$(field err exit)" = 4 ] && [ "$(field err errno)" = 1 ] &&
	says '"kernel":"[^"]*CAP_NET_ADMIN' err
ktap_test "the same as JSON" $?
"${as_nobody[@]}" zcctl monitor 2>"$dir/err"
[ $? -eq 4 ] && says "cannot have events" err
ktap_test "monitor without privileges: exit 4" $?
zcctl pool set 100001 >"$dir/out"
[ $? -eq 1 ] && python3 - "$(zcctl -j pool)" <<-'END'
	import json, sys
	nodes = json.loads(sys.argv[1])["nodes"]
	assert [n["reserve_bytes"] >> 21 for n in nodes] == [50001, 50000], nodes
	ready = [n["ready_bytes"] >> 21 for n in nodes]
	assert max(ready) - min(ready) <= 1 and 200 <= sum(ready) <= 256, nodes
	assert "limit" in [n["short"] for n in nodes], nodes
END
ktap_test "pool set of more than max_bytes: nodes get as many as each other" $?
zcctl pool set 0 >/dev/null
ktap_test "pool set 0" $?

chmod 666 /dev/zc
zcctl alloc 6M --hold 600 >/dev/null &
root=$!
"${as_nobody[@]}" zcctl alloc 4M --hold 600 >/dev/null &
nobody=$!
wait_for 60 shows "4.0 MiB" zcctl buffer && wait_for 60 shows "6.0 MiB" zcctl buffer
zcctl buffer >"$dir/out" && says "6.0 MiB .* $root  *0  zcctl" out && says "4.0 MiB .* 65534  zcctl" out
ktap_test "buffer list: those of all users for root" $?
"${as_nobody[@]}" zcctl buffer >"$dir/out" && says "4.0 MiB" out && ! says "6.0 MiB" out
ktap_test "buffer list: others see their own" $?
zcctl buffer list --uid 65534 >"$dir/out" && says "4.0 MiB" out && ! says "6.0 MiB" out &&
	zcctl buffer list --pid $root >"$dir/out" && says "6.0 MiB" out && ! says "4.0 MiB" out &&
	zcctl buffer list --uid 65534 --pid $root >"$dir/out" && says "no buffers that fit" out &&
	zcctl buffer list --sealed >"$dir/out" && says "no buffers that fit" out &&
	zcctl buffer list --target 0 >"$dir/out" && says "no buffers that fit" out
ktap_test "buffer list: filters" $?
id=$(zcctl -j buffer list --pid $root | sed -nE 's/.*"id":([0-9]+).*/\1/p')
"${as_nobody[@]}" zcctl buffer show "$id" 2>"$dir/err"
[ $? -eq 1 ] && says "no buffer $id, or not of yours" err && zcctl buffer show "$id" >"$dir/out" &&
	says "mapped once by zcctl, process $root of user 0" out
ktap_test "buffer show: of others for root alone" $?
end $root $nobody
zcctl dma map 0 8M --hold 600 >/dev/null &
mapper=$!
wait_for 60 shows "8.0 MiB" zcctl buffer list --target 0 &&
	id=$(zcctl -j buffer list --target 0 | sed -nE 's/.*"id":([0-9]+).*/\1/p') &&
	zcctl buffer show "$id" >"$dir/out" && says "platform:zc" out && zcctl dma >"$dir/out" &&
	says "^ *0  platform:zc .* 1$" out && "${as_nobody[@]}" zcctl dma >"$dir/out" &&
	says "^ *0  platform:zc .* -$" out
ktap_test "buffers of a target, targets of a buffer, and how many are mapped for root alone" $?
end $mapper

watch made
zcctl alloc 6M --node 1 --strict >/dev/null && event made buffer-made '"size":6291456.*"node":1' &&
	event made buffer-freed '"size":6291456'
ktap_test "monitor: buffers made and freed" $?
python3 - "$dir/made" <<-'END'
	import datetime, json, re, sys
	for line in open(sys.argv[1]):
	    e = json.loads(line)
	    assert e["schema"] == "zcctl/1" and e["kind"] == "event", e
	    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", e["time"]), e
	    t = datetime.datetime.strptime(e["time"], "%Y-%m-%dT%H:%M:%S.%fZ")
	    assert abs((datetime.datetime.utcnow() - t).total_seconds()) < 600, e
	    assert e["id"] and e["comm"] == "zcctl" and e["uid"] == 0, e
END
ktap_test "monitor, as JSON: each line is an object, with its time in UTC" $?
kill -TERM "$watch_pid"
wait "$watch_pid"
ktap_test "monitor ends by SIGTERM, and that is no failure" $?

watch alerts alerts
python3 forget.py 2097152 &
forgetful=$!
event alerts buffer-leak "\"state\":\[\],\"pid\":$forgetful,.*\"mappings\":1"
ktap_test "monitor: a buffer that was destroyed and is mapped still" $?
zcctl leaks >"$dir/out"
[ $? -eq 5 ] && says "2.0 MiB .* $forgetful " out && says "mapped once by python3" out
ktap_test "leaks: exit 5" $?
zcctl -j leaks >"$dir/out"
[ $? -eq 5 ] && [ "$(field out nr_holders)" = 1 ] && zcctl status >"$dir/out" &&
	says "^leaks      1 destroyed and held" out
ktap_test "leaks, as JSON; status tells of them" $?
end $forgetful
zcctl leaks >"$dir/out"
ktap_test "leaks: none any more" $?
zcctl alloc 600M 2>/dev/null
event alerts pool-low '"reserve_bytes":null'
ktap_test "monitor: the limit is reached" $?
zcctl pool set 8 --node 0 >/dev/null && zcctl alloc 14M --node 0 --strict >/dev/null
event alerts pool-low '"node":0,"reserve_bytes":16777216'
ktap_test "monitor: a reserve is low" $?
zcctl pool set 0 >/dev/null
zcctl dma attach 00:1f.2 >/dev/null && zcctl dma detach 00:1f.2 >/dev/null
event alerts target-gone '"name":"pci:0000:00:1f.2"'
ktap_test "monitor: a target is gone" $?
end "$watch_pid"

head -c 32M /dev/urandom >"$dir/file"
sync
watch moved transfers
receiver 7101 --discard 2>/dev/null
zcctl send "$dir/file" 127.0.0.1:7101 >/dev/null
inode=$(stat -c %i "$dir/file")
event moved transfer-done "\"inode\":$inode,.*\"sent\":33554432,\"copied\":0,"
ktap_test "monitor: a transfer is done" $?
wait "$recv_pid"
truncate -s 300000 /tmp/zcctl-hole
receiver 7102 --discard 2>/dev/null
zcctl send /tmp/zcctl-hole 127.0.0.1:7102 >/dev/null
event moved transfer-fallback '"copied":300000,.*"no-direct"'
ktap_test "monitor: a transfer has copied" $?
wait "$recv_pid"
rm -f /tmp/zcctl-hole
resetting 7103
zcctl send "$dir/file" 127.0.0.1:7103 >/dev/null 2>&1
event moved transfer-failed '"error":\(32\|104\)'
ktap_test "monitor: a transfer has failed" $?
end "$silent_pid" "$watch_pid"

silent 7104
zcctl send "$dir/file" 127.0.0.1:7104 >/dev/null &
sender=$!
wait_for 60 shows " $sender " zcctl transfer
zcctl transfer list --pid $sender >"$dir/out" &&
	says "inode $inode .* $sender  *0  zcctl .* MiB  *its end .* caller" out
ktap_test "transfer list: one to a peer that does not read" $?
socket=$(ss -tneH "dport = :7104" | sed -nE 's/.* ino:([0-9]+) .*/\1/p')
id=$(zcctl -j transfer list --socket "$socket" | sed -nE 's/.*"id":([0-9]+).*/\1/p')
zcctl transfer show "$id" >"$dir/out" && says "^socket     $socket$" out && says "^waits      caller" out &&
	zcctl transfer list --socket 1 >"$dir/out" && says "no transfers that fit" out &&
	zcctl transfer list --uid 65534 >"$dir/out" && says "no transfers that fit" out
ktap_test "transfer list: by its socket, transfer show" $?
"${as_nobody[@]}" zcctl transfer >"$dir/out" && says "no transfers under way, or none of yours" out &&
	! "${as_nobody[@]}" zcctl transfer show "$id" 2>/dev/null
ktap_test "transfer list: others see their own" $?
end $sender "$silent_pid"
zcctl transfer >"$dir/out" && says "no transfers under way" out
ktap_test "transfer list: gone with its process" $?

zcctl -j stats >"$dir/out" && python3 - "$dir/out" <<-'END'
	import json, sys
	c = json.load(open(sys.argv[1]))["counts"]
	# Held for a second is what a machine that stands still holds, too.
	assert c["buffers_made"] >= 5 and c["leaks_held"] >= 1 and c["refused_limit"] >= 1, c
	assert c["transfers_done"] >= 2 and c["transfers_failed"] >= 1, c
	assert c["transfers_canceled"] >= 1 and c["fallback_no_direct"] == 1, c
	assert c["sent_bytes"] >= (32 << 20) + 300000 and c["copied_bytes"] >= 300000, c
	assert c["dma_mapped"] == 1 and c["events_lost"] == 0, c
END
ktap_test "stats, as JSON: what happened was counted" $?
zcctl stats --interval 1 --count 20 >"$dir/out" &
stats=$!
wait_for 20 says "^time " out
zcctl alloc 2M >/dev/null
wait_for 20 grep -qE '^[0-9-]+T.* (0\.[1-9]|[1-9][0-9.]*) +[0-9.]+ +[0-9.]+ [A-Za-z]+ +[0-9]+$' "$dir/out"
ret=$?
end $stats
ktap_test "stats --interval: a buffer made shows as a rate" $ret
# A full disk is no reader who has gone away.
zcctl -j monitor buffers --timeout 60 >/dev/full 2>"$dir/err" &
watch_pid=$!
# shellcheck disable=SC2016 # for the inner shell
wait_for 60 sh -c 'zcctl alloc 2M >/dev/null; ! kill -0 "$1" 2>/dev/null' sh "$watch_pid"
wait "$watch_pid"
status=$?
[ "$status" -eq 1 ] && says "No space left on device" err
ktap_test "monitor: exit 1 where events cannot be written" $? \
	"exit status $status, and: $(cat "$dir/err")"
unshare -n zcctl stats --prometheus >"$dir/out" 2>"$dir/err"
[ $? -eq 1 ] && [ ! -s "$dir/out" ] && says "initial network namespace" err
ktap_test "stats --prometheus: in another network namespace nothing is said to be down" $?
watch last alerts
zcctl stats --interval 1 >"$dir/out" 2>"$dir/err" &
stats=$!
wait_for 20 says "^time " out
zcctl unload >/dev/null
wait "$watch_pid"
[ $? -eq 3 ]
ktap_test "monitor: exit 3 when the module is unloaded" $?
wait "$stats"
[ $? -eq 3 ] && says "the module was unloaded" err
ktap_test "stats --interval: exit 3 when the module is unloaded" $?
ktap_end
