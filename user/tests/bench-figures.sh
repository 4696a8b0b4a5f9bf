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
for runs in 2 4 5 6 8 20; do
	tap_check "$runs runs" bench "runs$runs" io "$dir/file" --repeat $runs --cache hot \
		--paths rw-4k,sendfile
	tap_check "$runs runs: how far they spread" spreads "runs$runs"
done
# table RUNS WORDS: is it said below a table, and is the figure that of the definition?
table()
{
	"$zcctl" bench io "$dir/file" --repeat "$1" --cache hot --paths rw-4k >"$dir/table" &&
		tail -n 1 "$dir/table" | grep "^spread: $2 of $1 runs, of the median$"
}
tap_check "below a table: of four runs" table 4 "from the least to the most"
tap_check "below a table: of five" table 5 "the interquartile range"
tap_end
