#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# zcctl bench io without root and the module: requests, connections, receivers elsewhere and
# such as go away, and what is left behind. TAP output.
# shellcheck disable=SC2317 # by tap_check
set -u
# shellcheck source=tap.sh
. "${0%/*}/tap.sh"
zcctl=${BUILD:?}/zcctl
tests=$(cd "${0%/*}" && pwd)
dir=$(mktemp -d)
# What runs in the background, here only
running=()
trap 'kill "${running[@]}" 2>/dev/null; rm -rf "$dir"' EXIT
head -c 3000001 /dev/zero >"$dir/file"

# bench REPORT ARGS...: as JSON, with the page cache full
bench()
{
	timeout 60 "$zcctl" --json bench io "$dir/file" --cache hot "${@:2}" >"$dir/$1"
}

# says TEXT COMMAND...: does a failing command say so?
says()
{
	if timeout 60 "${@:2}" >"$dir/said" 2>&1 || ! grep -q -- "$1" "$dir/said"; then
		cat "$dir/said"
		return 1
	fi
}

# of_schema REPORT: is it? Where python3-jsonschema is missing nobody knows
of_schema()
{
	python3 "$tests/schema.py" "$dir/$1" || [ $? -eq 4 ]
}

# nothing_of WORDS: no process has them in its command line, half a second later at most
nothing_of()
{
	local _

	for _ in {1..10}; do
		pgrep -f -- "$1" >/dev/null || return 0
		sleep 0.05
	done
	! pgrep -af -- "$1"
}

# listens PORT: until somebody does; nobody is connected to
listens()
{
	local _ hex

	printf -v hex ':%04X 0*:0000 0A' "$1"
	for _ in {1..100}; do
		! cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q "$hex" || return 0
		sleep 0.05
	done
	return 1
}

tap_check "requests of two sizes, one and two connections" bench loop --repeat 2 \
	--paths rw-32k,mmap-write,sendfile,splice --request 64K,1M --connections 1,2
tap_check "the report is of the schema" of_schema loop
tap_check "what its rows must say" python3 "$tests/bench-io.py" "$dir/loop" 4 2
for _ in 1 2 3; do
	tap_check "sixteen connections at once" bench many --repeat 3 --paths sendfile,rw-4k \
		--request 16K --connections 16 --size 1M
done

port=$((20000 + $$ % 10000))
"$zcctl" --json recv "$port" --discard --serve >"$dir/served" 2>/dev/null &
running+=($!)
tap_check "recv --serve listens" listens "$port"
tap_check "to a receiver elsewhere" bench there "localhost:$port" --repeat 2 \
	--paths rw-32k,sendfile --request 64K,1M --connections 1,2
tap_check "its report is of the schema" of_schema there
tap_check "what its rows must say of it" \
	python3 "$tests/bench-io.py" "$dir/there" 2 2 remote
tap_check "the device is in the environment" \
	grep -q '"nic":{"device":"lo","loopback":true' "$dir/there"
kill "${running[0]}"
tap_check "recv --serve, ended: nothing is left" nothing_of "recv $port --discard"
# Of each path and request one warm-up and two runs that count
tap_check "a report for each connection" [ 12 -eq "$(grep -c '"received":3000001' \
	"$dir/served")" ]

"$zcctl" recv "$port" --discard --serve --quiet >"$dir/quiet" 2>&1 &
running+=($!)
listens "$port" && bench there "localhost:$port" --repeat 1 --paths sendfile
kill "${running[-1]}"
tap_check "recv --serve --quiet: not a word" [ ! -s "$dir/quiet" ]

# content PATHS CONNECTIONS: are the bytes those of the file, in their order?
content()
{
	local pid status

	python3 "$tests/receiver.py" "$port" "$dir/random" 3000001 "$2" 65536 >"$dir/sums" &
	pid=$!
	running+=("$pid")
	listens "$port" || return
	timeout 60 "$zcctl" bench io "$dir/random" "127.0.0.1:$port" --cache both --repeat 1 \
		--paths "$1" --request 65536 --connections "$2"
	status=$?
	kill "$pid"
	if ! wait "$pid" || [ "$status" -ne 0 ]; then
		cat "$dir/sums"
		return 1
	fi
}

head -c 3000001 /dev/urandom >"$dir/random"
# Some hosts have no io_uring, or no direct reads in /tmp: "nothing could be measured".
for path in rw-4k rw-1m mmap-write sendfile splice odirect-write odirect-msg_zerocopy \
	io_uring-send io_uring-zc; do
	for connections in 1 3; do
		why=$("$zcctl" bench io "$dir/random" --repeat 1 --paths $path 2>&1 >/dev/null |
			sed -n 's/.*nothing could be measured: //p')
		if [ -n "$why" ]; then
			tap_skip "$path, $connections connections: what arrives" "$why"
		else
			tap_check "$path, $connections connections: what arrives is the file" \
				content "$path" "$connections"
		fi
	done
done

# One who looks, and one more, of whose bytes only some are read
python3 - "$port" <<-'END' &
	import socket
	import sys

	server = socket.create_server(("localhost", int(sys.argv[1])))
	server.accept()[0].close()
	server.accept()[0].recv(1000)
END
running+=($!)
tap_check "one that goes away listens" listens "$port"
tap_check "the receiver goes away: it is said" says "the receiver went away" \
	"$zcctl" bench io "$dir/file" "localhost:$port" --paths sendfile --repeat 1 --cache hot
tap_check "to nobody: which receiver it takes" says "zcctl recv PORT --discard --serve" \
	"$zcctl" bench io "$dir/file" localhost:9

"$zcctl" bench io "$dir/file" --paths rw-4k --repeat 100 --cache hot --neighbour 1M \
	--neighbour-dir /var/tmp >/dev/null 2>&1 &
running+=($!)
sleep 0.5
tap_check "it measures" kill -0 $!
kill -KILL $!
tap_check "killed while it measures: nothing is left" nothing_of "bench io $dir/file"
tap_end
