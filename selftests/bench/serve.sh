#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# zcctl bench serve with the module: each path serves the right bytes, sockets that are full
# and a thousand connections are no trouble, and whoever is killed leaves nothing behind.
# shellcheck disable=SC1091,SC2317
. ./ktap.sh
# shellcheck source=../zcctl/zcctl-lib.sh
. ./zcctl-lib.sh
set -u
dir=$(mktemp -d /mnt/ext4/serve-XXXXXX)
trap 'rm -rf "$dir"; rmmod null_blk zc 2>/dev/null' EXIT

# Two minutes; user/tests/bench.sh asks much of it without the module.
ktap_all
ktap_needs_zcctl
rmmod zc 2>/dev/null
zc_load || exit 1

# serve FILE ARGUMENT...: rows of the report into FILE
serve()
{
	local file=$1

	shift
	zcctl -j bench serve "$@" >"$dir/$file" 2>"$dir/err" || { cat "$dir/err"; return 1; }
}

# rows FILE: Python that looks at them, from stdin, with the rows in "rows"
rows()
{
	python3 -c 'import json, sys
rows = json.load(open(sys.argv[1]))["rows"]
exec(sys.stdin.read())' "$dir/$1"
}

# nothing_left: no process, no buffer, no transfer, nobody who has the device
nothing_left()
{
	! pgrep -x zcctl >/dev/null && zcctl leaks >/dev/null && rmmod zc && zc_load
}

# Server and client are its children, in this order; each is there for a run.
children()
{
	[ "$(pgrep -c -P "$bench")" = 2 ] && pgrep -P "$bench" >"$dir/children"
}

# killed SIGNAL WHO PATH: it or a child of it, while it serves
killed()
{
	local status pid

	env --default-signal=INT zcctl bench serve "$dir/file" --size 2M --cache hot --files 4 \
		--seconds 100 --connections 50 --repeat 1 --paths "$3" >"$dir/out" 2>"$dir/err" &
	bench=$!
	wait_for 30 children || return
	sleep 2
	case $2 in
	bench) pid=$bench ;;
	server) pid=$(head -n 1 "$dir/children") ;;
	client) pid=$(tail -n 1 "$dir/children") ;;
	esac
	kill -s "$1" "$pid"
	wait $bench
	status=$?
	[ $status -ne 0 ] && wait_for 20 nothing_left
}

ktap_plan 9

head -c 24M /dev/urandom >"$dir/file"
serve small "$dir/file" --connections 50 --requests 200 --repeat 1 --verify &&
	rows small <<-'END'
	assert len(rows) == 13, len(rows)
	for r in rows:
	    what = r["path"], r["cache"], r["concurrency"]
	    assert "error" not in r, (what, r["error"])
	    assert r["requests"] == 200 and r["least_requests"] > 0, what
	    copies = 2 * r["bytes"] if r["path"].startswith("copy") else 0
	    assert r["copied_bytes"] == copies, (what, r["copied_bytes"])
	    assert r["path"] == "copy-own" or r["allocations"] <= 64, what
	    if r["path"].startswith("zc"):
	        assert r["leaked_buffers"] == 0, what
	END
ktap_test "each path serves the bytes of a file" $?
serve folder "$dir" --connections 20 --requests 40 --size 100001 --repeat 1 --verify &&
	rows folder <<-'END'
	assert len(rows) == 13 and not any("error" in r for r in rows), rows
	END
ktap_test "and of files in a folder, of an odd size" $?
serve large "$dir/file" --connections 10 --requests 20 --size 6M --files 2 --repeat 1 --verify \
	--cache hot && rows large <<-'END'
	assert len(rows) == 7 and not any("error" in r for r in rows), rows
	full = {r["path"]: r["socket_full"] for r in rows}
	assert full["sendfile"] and full["zc-auto"] and full["zc-direct"] and full["zc-buffer"], full
	END
ktap_test "and more than a socket takes at once" $?
printf X | dd of="$dir/file" bs=1 conv=notrunc 2>/dev/null
nothing_left
ktap_test "nothing is left of these" $?

# One that another test had may be there still, without a disk.
rmmod null_blk 2>/dev/null
dev=/dev/nullb0
modprobe null_blk queue_mode=2 irqmode=0 memory_backed=0 gb=1 bs=4096 || dev=$dir/file
# How long they wait says nothing by the clock of an emulated machine that others use, too:
# icount.sh judges that.
serve thousand "$dev" --connections 1000 --requests 2000 --repeat 1 \
	--paths sendfile,zc-auto,zc-buffer && rows thousand <<-END
	assert len(rows) == 5, len(rows)
	for r in rows:
	    assert "error" not in r, r
	    print("#", r["path"], r["cache"], "p99", r["p99_ns"] // 1000, "us")
	    assert r["requests"] == 2000 and r["least_requests"] >= 1, r
	    assert r["path"] == "sendfile" or r["copied_bytes"] == r["leaked_buffers"] == 0, r
	END
ktap_test "a thousand connections: each is answered, none copied, nothing left" $?

# Transfers without waiting are made by the kernel's workers: what the processors did is about
# twice what the two processes did.
serve busy "$dir/file" --size 64K --connections 20 --requests 400 --cache hot --repeat 3 \
	--paths zc-async && rows busy <<-'END'
	for r in rows:
	    own = r["server_user_ns"] + r["server_system_ns"] + r["client_cpu_ns"]
	    print("#", r["cpu_ns"] / own)
	    assert r["cpu_ns"] > 1.3 * own, r
	END
ktap_test "what workers do for zc-async is in what the machine did" $?

killed KILL server zc-async
ktap_test "the server is killed: nothing is left" $?
killed KILL client zc-buffer
ktap_test "the client is killed: nothing is left" $?
killed INT bench zc-async && { [ -z "${ZC_ALL-}" ] || killed KILL bench zc-auto; }
ktap_test "the benchmark is interrupted, or killed: nothing is left" $?
ktap_end
