#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What may befall zcctl bench, without root and the module: processes that are killed, strangers
# who connect to it, files that are none. It says so, ends, and leaves nothing. TAP output.
# shellcheck disable=SC2317 # by tap_check
set -u
# shellcheck source=tap.sh
. "${0%/*}/tap.sh"
zcctl=${BUILD:?}/zcctl
dir=$(mktemp -d)
# What runs in the background, here only
running=()
trap 'kill "${running[@]}" 2>/dev/null; rm -rf "$dir"' EXIT
head -c 3000001 /dev/zero >"$dir/file"

# harmed HARM ARGS...: the benchmark, by the harm that the library does
harmed()
{
	timeout 30 env HARM="$1" LD_PRELOAD="$BUILD/test-harm.so" "$zcctl" -j bench "${@:2}" \
		>"$dir/out" 2>"$dir/err"
}

# said TEXT: does a row say so, and is one fit for a program to read?
said()
{
	python3 -c 'import json, sys
rows = json.load(open(sys.argv[1]))["rows"]
assert any(sys.argv[2] in r.get("error", "") for r in rows), rows' "$dir/out" "$1"
}

# killed_early N ARGS...: the process that is forked as number N, at once
killed_early()
{
	local status=0

	harmed "killed $1" "${@:2}" || status=$?
	[ "$status" -eq 1 ] || { echo "exit status $status"; return 1; }
	said "was killed"
}

# forked PID CHILDREN: as soon as the process has children, as an array of that name. By what the
# shell can do by itself: others come and go faster.
forked()
{
	local -n found=$2

	found=()
	until [ ${#found[@]} -gt 0 ]; do
		read -ra found <"/proc/$1/task/$1/children" || [ -e "/proc/$1" ] || return
	done 2>/dev/null
}

# killed_once SECONDS ARGS...: one of its processes, so much after there is one. Status 2: it had
# ended, and only waited to be asked how.
killed_once()
{
	local pid children status=0

	"$zcctl" -j bench "${@:2}" >"$dir/out" 2>"$dir/err" &
	pid=$!
	running+=("$pid")
	sleep "$1"
	until forked "$pid" children || return 2 &&
		kill -KILL "${children[RANDOM % ${#children[@]}]}" 2>/dev/null; do
		:
	done
	timeout 20 tail -f --pid="$pid" -s 0.05 /dev/null || {
		echo "it goes on"
		kill "$pid"
		return 1
	}
	wait "$pid" || status=$?
	[ "$status" -ne 0 ] || return 2
	[ "$status" -eq 1 ] || { echo "exit status $status"; return 1; }
	said "was killed"
}

# not_ended TEST ARGS...: the test, up to ten times, until the benchmark has not ended before it
not_ended()
{
	local status=2 _

	for _ in {1..10}; do
		[ "$status" -eq 2 ] || break
		status=0
		"$@" || status=$?
	done
	return "$status"
}

# orphaned ARGS...: none is left, as soon as the benchmark is killed while it measures. They would
# have much to do yet, and a busy machine takes its time. Status 2: it had ended.
orphaned()
{
	local pid children status=0 _

	"$zcctl" bench "$@" --repeat 99 >"$dir/out" 2>"$dir/err" &
	pid=$!
	running+=("$pid")
	forked "$pid" children && kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null || status=$?
	[ "$status" -eq 137 ] || { cat "$dir/err"; return $((status ? 1 : 2)); }
	for _ in {1..100}; do
		pgrep -f -- "bench $*" >/dev/null || return 0
		sleep 0.05
	done
	pgrep -af -- "bench $*"
	return 1
}

benches=(
	"io $dir/file --paths sendfile --cache hot"
	"io $dir/file --paths sendfile --cache hot --request 64K --connections 2"
	"files $dir --paths sendfile --sizes 4K --cache hot"
	"alloc --processes 2 --paths small --count 3000"
	"write $dir --processes 2 --paths kept --to file --size 64K"
	"write $dir --processes 2 --paths kept --to pipe --size 64K"
	"fault --paths small --size 64M"
	"numa --paths thp-read --size 64M"
	"serve $dir/file --paths sendfile --cache hot --connections 4 --requests 1000"
)
for args in "${benches[@]}"; do
	for nr in 1 2; do
		# shellcheck disable=SC2086 # words
		tap_check "process $nr is killed at once: bench ${args//$dir\//}" \
			killed_early $nr $args --repeat 3
	done
	for delay in 0 0.$((RANDOM % 20 + 10)); do
		# shellcheck disable=SC2086 # words
		tap_check "one is killed after $delay s: bench ${args//$dir\//}" \
			not_ended killed_once $delay $args --repeat 100
	done
	# shellcheck disable=SC2086 # words
	tap_check "the benchmark is killed, and its processes with it: bench ${args//$dir\//}" \
		not_ended orphaned $args
done

# The other end of a connection is a process of the run, and nobody else
stranger()
{
	harmed stranger "$@" --repeat 1 || { cat "$dir/err"; return 1; }
	! grep '"error"' "$dir/out"
}

tap_check "a stranger connects first: bench io" stranger io "$dir/file" --paths sendfile \
	--cache hot --request 64K --connections 2
tap_check "a stranger connects first: bench files" stranger files "$dir" --paths sendfile \
	--sizes 4K --cache hot
tap_check "a stranger connects first: bench many" stranger many "$dir/file" --size 4K \
	--paths sendfile --transfers 1000 --in-flight 10
tap_check "a stranger connects first: bench serve" stranger serve "$dir/file" --cache hot \
	--paths sendfile --connections 100 --requests 1000
# shorter ARGS...: of "$dir/long", which becomes shorter while it is measured: what is measured is
# to take some seconds. It was short from the beginning if that took longer than the wait, on a
# machine with other work.
shorter()
{
	local pid status delay

	for delay in 0.7 3 10; do
		status=0
		head -c 8M /dev/zero >"$dir/long"
		timeout 60 "$zcctl" -j bench "$1" --repeat 100 "${@:2}" >"$dir/out" 2>"$dir/err" &
		pid=$!
		sleep "$delay"
		truncate -s 4097 "$dir/long"
		wait "$pid" || status=$?
		[ "$status" -eq 0 ] || break
	done
	[ "$status" -eq 1 ] || { echo "exit status $status"; return 1; }
	said "became shorter"
}

tap_check "a file that is mapped becomes shorter: bench tlb" shorter tlb --file "$dir/long" \
	--paths mmap --patterns random --accesses 50000000
tap_check "a file that is mapped becomes shorter: bench io" shorter io "$dir/long" \
	--paths mmap-write --cache hot

# made HARM ARGS...: files in a folder where somebody else has put what may be in the way
made()
{
	mkdir -p "$dir/shared"
	ln -sf "$dir/victim" "$dir/shared/.zc-bench"
	harmed "$@" --repeat 1 || { cat "$dir/err"; return 1; }
	! grep '"error"' "$dir/out" && [ ! -e "$dir/victim" ] &&
		[ "$(ls -A "$dir/shared")" = .zc-bench ]
}

for how in unnamed named; do
	tap_check "files that are $how: bench files" made $how files "$dir/shared" \
		--paths sendfile --sizes 4K --cache hot
	tap_check "files that are $how: bench serve" made $how serve "$dir/shared" \
		--paths sendfile --cache hot --connections 4 --requests 100 --files 8
	tap_check "files that are $how: bench write" made $how write "$dir/shared" \
		--to file --size 4K --paths kept
done

# refuses TEXT ARGS...: at once, and says so
refuses()
{
	local status=0

	timeout 40 "$zcctl" bench "${@:2}" </dev/null >"$dir/out" 2>"$dir/err" || status=$?
	if [ "$status" -ne 1 ] || ! grep -q -- "$1" "$dir/err"; then
		cat "$dir/err"
		return 1
	fi
}

mkfifo "$dir/fifo"
python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/socket"
for bench in io "many --transfers 9" serve copybreak "nic file" "tlb --file"; do
	args=("$dir/fifo")
	[ "$bench" != "nic file" ] || args=("$dir/fifo" localhost:9)
	# shellcheck disable=SC2086 # words
	tap_check "bench ${bench% file} of a FIFO" refuses "is a FIFO" ${bench% file} "${args[@]}"
	args[0]=$dir/socket
	# shellcheck disable=SC2086 # words
	tap_check "bench ${bench% file} of a socket" refuses "is a socket" ${bench% file} "${args[@]}"
	args[0]=/dev/tty
	# shellcheck disable=SC2086 # words
	tap_check "bench ${bench% file} of a terminal" refuses "is a character device" \
		${bench% file} "${args[@]}"
done

# plain FILE: nothing in it that a terminal obeys
plain()
{
	! LC_ALL=C grep -naP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$1"
}

# one PATH HOST >REPORT: with one row, and what somebody else has chosen
one()
{
	python3 - "$@" <<-'END'
	import json, sys
	path, host = sys.argv[1:]
	row = {"kernel": "6.12", "test": "io", "path": path, "cache": "hot", "bytes": 4096,
	       path + "_ns": 5, "cpu_ns_per_mib": 5.5, "cpu_ns": 5, "environment": 0,
	       "samples": {"cpu_ns": [5, 6, 7], path + "_ns": [1, 2, 3]}}
	print(json.dumps({"schema": "zc-bench/1", "environments": [{"cpu": host, "kernel": host}],
	                  "rows": [row, dict(row, path=path + host)]}, ensure_ascii=False))
	END
}

# shown A B: by bench compare, whatever is in the reports
shown()
{
	timeout 10 "$zcctl" bench compare --all "$1" "$2" >"$dir/out" 2>"$dir/err"
	cat "$dir/out" "$dir/err"
	plain "$dir/out" && plain "$dir/err" && grep -q 'x1b\[31m' "$dir/out"
}

bad=$'\e[31m\x7f\xc2\x9b0m\n\rrw'
one "$bad" a >"$dir/a.json"
one "$bad" "b$bad" >"$dir/"$'b\e[31m.json'
tap_check "bench compare shows no control characters of reports" \
	shown "$dir/a.json" "$dir/"$'b\e[31m.json'
tap_check "an error names a file with control characters" refuses 'no\\x1b\[31mfile' io \
	"$dir/"$'no\e[31mfile'
tap_check "an error has none itself" plain "$dir/err"

# A peer that takes what fits, and reads nothing; and half a minute of patience with it
python3 - "$dir/port" <<-'END' &
	import socket, sys
	server = socket.create_server(("localhost", 0))
	with open(sys.argv[1], "w") as f:
	    print(server.getsockname()[1], file=f)
	kept = []
	while True:
	    kept.append(server.accept()[0])
END
running+=($!)
until [ -s "$dir/port" ]; do sleep 0.1; done
head -c 32M /dev/zero >"$dir/large"
tap_check "a peer that reads nothing: bench io" refuses "does not answer any more" io \
	"$dir/large" "localhost:$(cat "$dir/port")" --paths sendfile --cache hot --repeat 1
tap_end
