#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What all of zcctl bench promise, of those that need the module: noise is marked and is a
# failure if it is to be, a report says how it was made, and settings are put back, however a
# benchmark ends.
# shellcheck disable=SC1091,SC2317
. ./ktap.sh
# shellcheck source=../zcctl/zcctl-lib.sh
. ./zcctl-lib.sh
set -u
ko=${ZC_KO:-/zc/zc.ko}
dir=$(mktemp -d /mnt/ext4/method-XXXXXX)
trap 'rm -rf "$dir"; rmmod zc 2>/dev/null' EXIT
params=/sys/module/zc/parameters

ktap_needs_zcctl

# rows FILE: Python about the report, from stdin
rows()
{
	python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
env, rows = report["environment"], report["rows"]
exec(sys.stdin.read())' "$dir/$1"
}

# strict ARGUMENT...: what scatters at all is too much, for people and as JSON
strict()
{
	local how=(bench "$@" --repeat 3 --strict --noise 0.000001) status=0

	zcctl "${how[@]}" >"$dir/out" 2>"$dir/err" || status=$?
	if [ $status -ne 6 ] || ! says "  noisy$" out; then
		cat "$dir/out" "$dir/err"
		return 1
	fi
	status=0
	zcctl -j "${how[@]}" >"$dir/json" 2>"$dir/err" || status=$?
	[ $status -eq 6 ] && rows json <<-'END'
	assert any(r["noisy"] for r in rows), rows
	for r in rows:
	    assert r["runs"] == 3 and r["noisy"] == (r["spread"] > 1e-8), r
	    assert max(map(len, r["samples"].values())) == 3, r
	END
}

# tuned: has the benchmark changed what was?
tuned()
{
	[ "$(cat $params/copybreak $params/reserve)" != "$was" ]
}

# ended SIGNAL WHO ARGUMENT...: the benchmark, or its first child, in the middle of it
ended()
{
	local signal=$1 who=$2 pid

	shift 2
	env --default-signal=INT,QUIT zcctl bench "$@" >"$dir/out" 2>"$dir/err" &
	bench=$!
	wait_for 20 tuned || return
	pid=$bench
	[ "$who" = bench ] || {
		wait_for 20 pgrep -P $bench >/dev/null || return
		pid=$(pgrep -P $bench | head -n 1)
	}
	kill -s "$signal" "$pid"
	wait $bench 2>/dev/null
}

ktap_plan 18
head -c 3M /dev/urandom >"$dir/file"
sync
rmmod zc 2>/dev/null
insmod "$ko"

strict dma
ktap_test "bench dma: noise" $?
strict copybreak "$dir/file" --sizes 256,1K --sends 50
ktap_test "bench copybreak: noise" $?
strict many "$dir/file" --transfers 50 --in-flight 2,10
ktap_test "bench many: noise" $?
strict files "$dir" --sizes 4K --paths sendfile,zc-auto --cache hot
ktap_test "bench files: noise" $?
strict serve "$dir/file" --paths sendfile,zc-auto --cache hot --connections 4 --requests 100
ktap_test "bench serve: noise" $?
strict tlb --size 2M --paths small,zc --patterns strided
ktap_test "bench tlb: noise" $?

receiver 4100 --discard --serve 2>/dev/null
zcctl -j bench nic "$dir/file" 127.0.0.1:4100 >"$dir/nic" && rows nic <<-'END'
	assert env["nic"]["device"] == "lo" and env["nic"]["loopback"], env
	assert env["repeat"] == 1 and env["pinned"] is None, env
	assert len(rows) == 4, rows
	for r in rows:
	    assert r["runs"] == 1 and r["spread"] is None and "noisy" not in r, r
	    assert r["samples"] == {k: [r[k]] for k in ("copied_bytes", "frags")}, r
	END
ktap_test "bench nic: counts, of one run each, and the device" $?
end "$recv_pid"

echo 777 >$params/copybreak
echo 0:3,1:1 >$params/reserve
was=$(cat $params/copybreak $params/reserve)
zcctl -j bench copybreak "$dir/file" --sizes 1K --sends 10 --repeat 1 >"$dir/copybreak" &&
	rows copybreak <<-'END' && ! tuned
	assert env["module_parameters"]["copybreak"] == "777", env
	assert env["module"] and env["module_srcversion"], env
	END
ktap_test "bench copybreak: parameters are as before, and the report has those" $?
for signal in INT TERM HUP QUIT; do
	ended $signal bench copybreak "$dir/file" --sends 1000000
	[ $? -gt 128 ] && ! tuned
	ktap_test "bench copybreak, SIG$signal: the parameter is as before" $?
done
ended KILL child alloc --tune --size 2M --count 1000000 --processes 1 --paths zc-list --repeat 1
[ $? -eq 1 ] && says "could be measured: a process of the run was killed" err && ! tuned
ktap_test "bench alloc --tune, a child of it is killed: the reserve is as before" $? \
	"$(cat "$dir/err")"

# another PID: the second to change settings does not, and says who is in its way
another()
{
	local status=0

	zcctl bench copybreak "$dir/file" --sends 10 >"$dir/out" 2>"$dir/err" || status=$?
	[ $status -eq 1 ] && says "another zcctl bench, process $1, has changed settings" err
}

zcctl bench copybreak "$dir/file" --sends 1000000 >/dev/null 2>&1 &
bench=$!
wait_for 20 tuned && another $bench
ktap_test "two benchmarks that change settings: not both" $? "$(cat "$dir/err")"
kill -KILL $bench
wait $bench 2>/dev/null
tuned && zcctl doctor 2>/dev/null | grep -q "echo 777 | sudo tee $params/copybreak" &&
	zcctl bench copybreak "$dir/file" --sizes 1K --sends 10 >"$dir/out" 2>"$dir/err" &&
	says "killed had left $params/copybreak changed: it is 777 again" err && ! tuned
ktap_test "bench copybreak, SIGKILL: the next one puts the parameter back" $? "$(cat "$dir/err")"

ended SEGV bench copybreak "$dir/file" --sends 1000000
[ $? -eq 139 ] && ! tuned
ktap_test "bench copybreak, a crash: the parameter is as before" $?

echo $((8 << 20)) >$params/max_bytes
zcctl bench fault --tune --size 16M --paths zc --repeat 1 >"$dir/out" 2>"$dir/err"
[ $? -eq 1 ] && says "nothing could be measured: .*max_bytes" err && ! tuned
ktap_test "bench fault --tune of too much: the reserve is as before" $?
echo 0 >$params/max_bytes
echo 0 >$params/reserve
if [ "$(cat /proc/sys/kernel/numa_balancing)" = 1 ]; then
	"${as_nobody[@]}" zcctl bench fault --tune --size 2M --paths small --repeat 1 \
		>"$dir/out" 2>"$dir/err"
	[ $? -eq 4 ] && says "tune is for root" err
	ktap_test "bench fault --tune is for root" $?
else
	ktap_skip "bench fault --tune is for root" "the kernel moves no memory here"
fi
ktap_end
