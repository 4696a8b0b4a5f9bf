#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What figures of zcctl bench mean: how files were read, what is not known, medians and how far
# runs spread. Without root and the module. TAP output.
# shellcheck disable=SC2317 # by tap_check
set -u
# shellcheck source=tap.sh
. "${0%/*}/tap.sh"
zcctl=${BUILD:?}/zcctl
tests=$(cd "${0%/*}" && pwd)
dir=$(mktemp -d)
chmod 755 "$dir"
trap 'rm -rf "$dir"' EXIT
head -c 3000001 /dev/urandom >"$dir/file"

# bench REPORT ARGUMENT...: as JSON; is it of the schema?
bench()
{
	timeout 60 "$zcctl" --json bench "${@:2}" >"$dir/$1" || return
	python3 "$tests/schema.py" "$dir/$1" || [ $? -eq 4 ]
}

# rows REPORT: Python about its rows, from stdin
rows()
{
	python3 -c 'import json, sys
rows = json.load(open(sys.argv[1]))["rows"]
assert rows
told = [(r["path"], r["error"]) for r in rows if "error" in r]
assert not told or "untold" in sys.argv[1], told
exec(sys.stdin.read())' "$dir/$1"
}

# as_other COMMAND...: by somebody who neither owns root's files nor may write to them
as_other()
{
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# Who reads ahead as the kernel likes has POSIX_FADV_DONTNEED, 4, and no other.
advice()
{
	sort -u "$dir/advice"
	[ "$(sort -u "$dir/advice")" = 4 ]
}
ADVICE=$dir/advice LD_PRELOAD=$BUILD/test-advice.so "$zcctl" bench serve "$dir/file" --size 64K \
	--requests 20 --connections 2 --repeat 1 --cache cold --paths copy-own,sendfile >/dev/null
if [ -e "$dir/advice" ]; then
	tap_check "bench serve: the kernel may read ahead" advice
else
	tap_skip "bench serve: the kernel may read ahead" "nothing can be preloaded into a static zcctl"
fi

# A file of root's that all may read. Of others than root's mincore() tells nothing.
theirs=$dir/theirs
if [ "$(id -u)" -eq 0 ]; then
	head -c 1000000 /dev/urandom >"$theirs"
	chmod 644 "$theirs"
else
	theirs=/bin/sh
fi
# untold WHAT ARGUMENT...: hot ones are measured, and cold ones are not; all say why
untold()
{
	as_other "$zcctl" --json bench "$@" >"$dir/untold" || return
	as_other "$zcctl" bench "$@" >"$dir/table" || return
	python3 "$tests/schema.py" "$dir/untold" || [ $? -eq 4 ] || return
	grep -q " cold .*not measured: the kernel tells only the file's owner" "$dir/table" &&
		grep -q "^page cache: unknown: the kernel tells only" "$dir/table" &&
		rows untold <<-'END'
	assert {r["cache"] for r in rows} == {"hot", "cold"}, rows
	for r in rows:
	    if r["cache"] == "cold":
	        assert r["error"].startswith("the kernel tells only the file's owner"), r
	    else:
	        assert "error" not in r and r["page_cache_bytes"] is None, r
	        assert r["page_cache_why"].startswith("the kernel tells only"), r
	END
}
if as_other test -r "$theirs" && ! as_other test -w "$theirs"; then
	tap_check "bench io of another's file: what is cached is not known" untold io "$theirs" \
		--size 64K --repeat 1 --paths rw-4k,sendfile
	tap_check "bench serve of another's file: the same" untold serve "$theirs" --size 4K \
		--requests 20 --connections 2 --repeat 1 --paths sendfile
else
	tap_skip "a file of another's" "there is none"
fi
tap_check "of one's own it is known" bench own io "$dir/file" --repeat 1 --paths rw-4k
tap_check "and what it grew by is the file" rows own <<-'END'
	pages = -(-3000001 // 4096) * 4096
	assert {r["cache"]: r["page_cache_bytes"] for r in rows} == {"cold": pages, "hot": 0}, rows
END

# Of the runs that a row has, for each figure by which it is judged
medians()
{
	rows "$1" <<-'END'
	import statistics
	for r in rows:
	    for key in "cpu_ns", "wall_ns", "requests_per_s":
	        if key in r["samples"]:
	            want = statistics.median(r["samples"][key])
	            assert len(r["samples"][key]) == 3 and abs(r[key] - want) <= 1, (key, want, r)
	    assert len(set(r["samples"]["wall_ns"])) > 1, r
	    want = r["bytes"] / r["wall_ns"] * 1e9 if "bytes_per_s" in r else 0
	    assert not want or abs(r["bytes_per_s"] / want - 1) < 0.01 or "requests" in r, r
	END
}
while read -r what arguments; do
	arguments=${arguments//FILE/$dir/file}
	# shellcheck disable=SC2086 # several words
	tap_check "bench $what" bench "median-$what" "$what" $arguments --repeat 3
	tap_check "bench $what: figures are the medians of the runs" medians "median-$what"
done <<-END
	io FILE --paths rw-4k,sendfile --cache hot
	serve FILE --seconds 1 --connections 4 --cache hot --paths sendfile,copy-own
	alloc --paths small,malloc --size 64K --count 1000 --processes 1,2
	write --to null --paths malloc,kept --size 64K --count 1000 --processes 1
END
# A second, more or less, of each: so many requests by the second, and what each cost
tap_check "bench serve for a second: what each run answered" rows median-serve <<-'END'
	for r in rows:
	    rates = r["samples"]["requests_per_s"]
	    assert len(rates) == 3 and len(set(rates)) == 3, r
	    seconds = r["requests"] / r["requests_per_s"]
	    assert min(r["samples"]["wall_ns"]) * 0.99 < seconds * 1e9, r
	    assert seconds * 1e9 < max(r["samples"]["wall_ns"]) * 1.01, r
	    assert r["bytes"] == r["requests"] * r["file_bytes"], r
	    assert abs(r["bytes_per_s"] - r["requests_per_s"] * r["file_bytes"]) < 1e5, r
	END

# elapsed REPORT ARGUMENT...: no run, nor all of them together, took longer than the command
elapsed()
{
	local begin end

	begin=$(date +%s%N)
	bench "$@" || return
	end=$(date +%s%N)
	python3 - "$dir/$1" $((end - begin)) <<-'END'
	import json, sys
	rows, most = json.load(open(sys.argv[1]))["rows"], int(sys.argv[2])
	walls = [ns for r in rows for ns in r["samples"]["wall_ns"]]
	print(walls, most)
	assert walls and 0 < min(walls) and sum(walls) < most, (sum(walls), most)
	END
}
# They are most of it: twice as much is more than there is.
tap_check "what five runs of serve took is less than what the command did" elapsed walls serve \
	"$dir/file" --seconds 1 --connections 2 --cache hot --paths sendfile --repeat 5

# The first byte of many: after something was done, and long before the last. Any run may have to
# wait for a processor before either; in one of nine it had not to.
truncate -s 64M "$dir/hole"
tap_check "one request of 64 MiB" bench first io "$dir/hole" --size 64M --cache hot --repeat 9 \
	--paths rw-32k,sendfile
tap_check "its first byte comes long before the last" rows first <<-'END'
	for r in rows:
	    firsts, lasts = r["samples"]["first_byte_p50_ns"], r["samples"]["latency_p50_ns"]
	    pairs = list(zip(firsts, lasts))
	    assert len(pairs) == 9 and all(0 < a <= b for a, b in pairs), r
	    assert any(a < b / 4 for a, b in pairs), r
	    assert r["first_byte_p50_ns"] in firsts and r["latency_p50_ns"] in lasts, r
	    assert 0 < r["first_byte"]["p50_ns"] <= r["latency"]["p50_ns"], r
	END
tap_check "and what the run took is what the request took" rows first <<-'END'
	for r in rows:
	    pairs = list(zip(r["samples"]["wall_ns"], r["samples"]["latency_p50_ns"]))
	    assert all(wall > 0.9 * one for wall, one in pairs), r
	    assert any(wall < 1.1 * one for wall, one in pairs), r
	END

# On the loopback the kernel copies what it was to refer to, and says so.
"$zcctl" --json bench io "$dir/file" --cache cold --repeat 1 --paths odirect-msg_zerocopy \
	>"$dir/copied" 2>/dev/null
if grep -q '"error"' "$dir/copied"; then
	tap_skip "MSG_ZEROCOPY: what is copied counts" "no direct reads here"
else
	tap_check "MSG_ZEROCOPY: what is copied counts" rows copied <<-'END'
	for r in rows:
	    assert r["copied_bytes"] == r["bytes"] == 3000001, r
	END
fi

# By the definition, of the runs that the row has
spreads()
{
	rows "$1" <<-'END'
	def at(runs, share):
	    where = (len(runs) - 1) * share
	    i = int(where)
	    return runs[i] + (where - i) * (runs[min(i + 1, len(runs) - 1)] - runs[i])

	for r in rows:
	    runs = sorted(r["samples"]["cpu_ns"])
	    what, share = ("iqr", 0.25) if len(runs) >= 5 else ("range", 0)
	    want = (at(runs, 1 - share) - at(runs, share)) / at(runs, 0.5)
	    assert r["spread_of"] == what, (what, r)
	    assert abs(r["spread"] - want) < 1e-4 and r["runs"] == len(runs), (want, r)
	    assert r["noisy"] == (r["spread"] > (0.08 if what == "iqr" else 0.10)), r
	END
}
for runs in 2 4 5 6 20; do
	tap_check "$runs runs" bench "runs$runs" io "$dir/file" --repeat $runs --cache hot \
		--paths rw-4k,sendfile
	tap_check "$runs runs: how far they spread" spreads "runs$runs"
done
# What is held against zc is said to be CPU time, or that of all processors.
ways()
{
	"$zcctl" bench io "$dir/file" --repeat 1 --cache hot --paths sendfile | tee "$dir/ways"
	grep -q "+cache *of zc *all$" "$dir/ways"
}
tap_check "bench io: of zc by both" ways
# table RUNS WORDS: is it said below a table, and is the figure that of the definition?
table()
{
	"$zcctl" bench io "$dir/file" --repeat "$1" --cache hot --paths rw-4k >"$dir/table" &&
		tail -n 1 "$dir/table" | grep "^spread: $2 of $1 runs, of the median$"
}
tap_check "below a table: of four runs" table 4 "from the least to the most"
tap_check "below a table: of five" table 5 "the interquartile range"
tap_end
