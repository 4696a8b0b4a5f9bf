#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What each command of zcctl prints as JSON is what Documentation/schema says, with a module
# behind it.
# shellcheck disable=SC1091,SC2317
. ./ktap.sh
. ./zcctl-lib.sh
set -u
ko=${ZC_KO:-/zc/zc.ko}
dir=$(mktemp -d /mnt/ext4/zcctl-XXXXXX)
trap 'rm -rf "$dir"; rmmod zc 2>/dev/null' EXIT

ktap_needs_zcctl
: >"$dir/empty"
python3 schema.py "$dir/empty" >/dev/null
if [ $? -eq 4 ]; then
	ktap_skip_all "no python3-jsonschema"
fi

coproc schema { exec python3 schema.py; }

# of_schema FILE: prints why it is not
of_schema()
{
	local why='nobody knows: schema.py has ended'

	echo "$1" >&"${schema[1]}"
	read -r why <&"${schema[0]}"
	[ -z "$why" ] || echo "$why"
}

# valid KIND COMMAND...: its output, or its error, is one object, of that kind
valid()
{
	local kind=$1 why

	shift
	"$@" >"$dir/$kind" 2>&1
	why=$(grep -q "\"kind\":\"$kind\"" "$dir/$kind" || echo "it is of another kind"
		of_schema "$dir/$kind")
	[ -z "$why" ]
	ktap_test "${*//$dir\//}" $? "$why"
}

ktap_plan 23
rmmod zc 2>/dev/null
valid error zcctl -j unload
head -c 4096 /dev/urandom >"$dir/bad.ko"
valid error zcctl -j load --path "$dir/bad.ko"
valid load zcctl -j load --path "$ko" held_after=1
valid doctor zcctl -j doctor
valid status zcctl -j status
valid alloc zcctl -j alloc 3M --node 1
valid error zcctl -j alloc 900G
zcctl dma map 0 4M --hold 600 >/dev/null &
mapper=$!
wait_for 60 shows "4.0 MiB" zcctl buffer list --target 0
valid buffers zcctl -j buffer
id=$(zcctl -j buffer list --target 0 | sed -nE 's/.*"id":([0-9]+).*/\1/p')
valid buffer zcctl -j buffer show "$id"
valid pool zcctl -j pool set 4
valid targets zcctl -j dma
valid dma-map zcctl -j dma map 0 4M --from
valid dma-attach zcctl -j dma attach 00:1f.2
valid dma-detach zcctl -j dma detach 00:1f.2
valid error zcctl -j unload
end $mapper
head -c 5M /dev/urandom >"$dir/file"
receiver 7201 --discard -j >"$dir/received"
valid send zcctl -j send "$dir/file" 127.0.0.1:7201
wait "$recv_pid"
valid recv cat "$dir/received"
python3 forget.py 2097152 &
forgetful=$!
wait_for 60 shows "$forgetful" zcctl leaks
valid leaks zcctl -j leaks
end $forgetful
zcctl -j monitor --timeout 20 >"$dir/events" &
# shellcheck disable=SC2016 # for the inner shell
wait_for 60 sh -c 'zcctl alloc 2M >/dev/null; [ -s "$1" ]' sh "$dir/events"
receiver 7202 --discard 2>/dev/null
zcctl send "$dir/file" 127.0.0.1:7202 >/dev/null
wait "$recv_pid"
zcctl dma attach 00:1f.2 >/dev/null && zcctl dma detach 00:1f.2 >/dev/null
wait_for 20 grep -q target-gone "$dir/events"
valid event cat "$dir/events"
valid transfers zcctl -j transfer
valid stats zcctl -j stats --interval 1 --count 1
valid stats zcctl -j stats
valid unload zcctl -j unload
ktap_end
