#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The netlink family by the kernel's own tool for all families, which knows no more of it than
# Documentation/netlink/specs/zc.yaml says.
# shellcheck disable=SC1091
. ./ktap.sh
set -u

# The kernel's tools in Python take more than a minute; others ask the same by sockets.
ktap_all

if ! python3 -c 'import yaml' 2>/dev/null; then
	ktap_skip_all "no python3 with yaml (python3-yaml)"
fi
ktap_needs_zcctl

dir=$(mktemp -d /mnt/ext4/ynl-XXXXXX)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$dir"' EXIT
# The tool is on a read-only disk, mostly.
export PYTHONDONTWRITEBYTECODE=1
schema=(--no-schema)

# ynl OPTION...: its answer is in $dir/out, for look
ynl()
{
	python3 ./cli.py --spec ./zc.yaml "${schema[@]}" --output-json "$@" \
		>"$dir/out" 2>"$dir/err" || { cat "$dir/out" "$dir/err" >"$dir/said"; return 1; }
}

# look EXPRESSION: does it hold for the answer, which is "a" there?
look()
{
	python3 -c "import json; a = json.load(open('$dir/out')); assert $1, a" || return 1
}

# test_answer NAME EXPRESSION OPTION...
test_answer()
{
	local name=$1 expression=$2

	shift 2
	ynl "$@" && look "$expression"
	ktap_test "$name" $?
}

# test_refusal NAME WORDS OPTION...: it is refused, with a sentence that has these
test_refusal()
{
	local name=$1 words=$2

	shift 2
	! ynl "$@" && grep -q "extack.*$words" "$dir/said"
	ktap_test "$name" $?
}

zc_load
# A buffer to look at, of a process that maps it.
zcctl alloc 4M --hold 3000 >"$dir/alloc" 2>&1 &
holder=$!
for _ in $(seq 100); do
	! grep -q . "$dir/alloc" || break
	sleep 0.1
done

ktap_plan 22
test_answer "module-get" "a['abi'] == 1 and a['buffers'] == 1 and a['depth'] in range(1, 9)" \
	--do module-get
depth=$(cat /sys/module/zc/parameters/depth)
copybreak=$(cat /sys/module/zc/parameters/copybreak)
test_answer "module-set" "a is None" --do module-set --json '{"depth": 3, "copybreak": 100}'
[ "$(cat /sys/module/zc/parameters/depth)" = 3 ] &&
	[ "$(cat /sys/module/zc/parameters/copybreak)" = 100 ]
ktap_test "it is set" $?
test_refusal "a value that is out of range is refused, and named" "depth" \
	--do module-set --json '{"depth": 99}'
test_refusal "a refusal of the module's own has its sentence" "more than a minute" \
	--do module-set --json '{"depth": 4, "uring-life": 100000}'
[ "$(cat /sys/module/zc/parameters/depth)" = 3 ]
ktap_test "a refusal has changed nothing" $?
test_answer "module-set, back" "a is None" --do module-set \
	--json "{\"depth\": $depth, \"copybreak\": $copybreak}"
test_answer "stats-get" "a['buffers-made'] >= 1 and a['events-lost'] == 0" --do stats-get
test_answer "pool-set" "a is None" --do pool-set \
	--json '{"node": 0, "reserve-bytes": 4194304}'
test_answer "pool-get of one" "a['reserve-bytes'] == 4194304 and a['short'] == 'none'" \
	--do pool-get --json '{"node": 0}'
test_answer "pool-get of all" "sorted(n['node'] for n in a)[0] == 0" --dump pool-get
ynl --do pool-set --json '{"node": 0, "reserve-bytes": 0}'
test_answer "buffer-get of all" \
	"len(a) == 1 and a[0]['size'] == 4194304 and a[0]['state'] == ['handle']" \
	--dump buffer-get
id=$(python3 -c "import json; print(json.load(open('$dir/out'))[0]['id'])")
test_answer "buffer-get of one, with its holders" \
	"a['pid'] == $holder and [h['pid'] for h in a['holder']] == [$holder]" \
	--do buffer-get --json "{\"id\": $id}"
test_answer "buffer-get with a filter" "a == []" \
	--dump buffer-get --json '{"state": ["sealed"]}'
test_refusal "buffer-get of none" "no buffer" --do buffer-get --json '{"id": 2147483647}'
test_answer "transfer-get" "a == []" --dump transfer-get
test_answer "target-get of one" "a['name'] == 'platform:zc'" --do target-get --json '{"id": 0}'
test_answer "target-get of all" "'platform:zc' in [t['name'] for t in a]" --dump target-get
test_answer "target-get for a buffer" "a == []" --dump target-get --json "{\"buffer\": $id}"

# A listener, and meanwhile what it is to hear of. Older kernels have to be made to look.
ynl --subscribe buffers --sleep 6 &
listener=$!
sleep 3
python3 ./cli.py --spec ./zc.yaml "${schema[@]}" --do module-get >/dev/null
zcctl alloc 2M >/dev/null
wait "$listener" &&
	look "[e['name'] for e in a] == ['buffer-made-ntf', 'buffer-freed-ntf']" &&
	look "all(e['msg']['size'] == 2097152 and e['msg']['comm'] == 'zcctl' for e in a)"
ktap_test "events" $?

if python3 -c 'import jsonschema' 2>/dev/null; then
	schema=(--schema ./genetlink-c.yaml)
	test_answer "the spec is a valid one" "a['abi'] == 1" --do module-get
else
	ktap_skip "the spec is a valid one" "no jsonschema for python3 (python3-jsonschema)"
fi
kill "$holder"
wait "$holder" 2>/dev/null
schema=(--no-schema)
test_answer "what has gone is not there" "a == []" --dump buffer-get
ktap_end
