#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh NAME SECONDS: run the harness BUILD/fuzz-NAME for so long. It begins with what is in
# seeds.py makes, and what it has found that reaches something new stays in BUILD/corpus/NAME.
# What makes it fail is BUILD/fuzz-crash-NAME-…: give that to the harness to see it again.
set -eu
name=$1 seconds=$2
build=${BUILD:?}
mkdir -p "$build/corpus/$name"
python3 "$(dirname "$0")/seeds.py" "$build/seeds"

# What zcctl prints is not wanted; of what libFuzzer says the end.
if ! ASAN_OPTIONS=detect_leaks=1 "$build/fuzz-$name" -max_total_time="$seconds" -timeout=20 \
		-close_fd_mask=3 -print_final_stats=1 -max_len=16384 -rss_limit_mb=1500 \
		-artifact_prefix="$build/fuzz-crash-$name-" "$build/corpus/$name" "$build/seeds/$name" \
		>"$build/fuzz-$name.log" 2>&1 </dev/null; then
	tail -n 40 "$build/fuzz-$name.log"
	echo "not ok fuzz $name: see $build/fuzz-$name.log"
	exit 1
fi
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/fuzz-$name.log")
cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$build/fuzz-$name.log" | tail -n 1)
# A harness that was not run says nothing.
[ "${runs:-0}" -gt 10 ] || { echo "not ok fuzz $name: $runs inputs"; exit 1; }
echo "ok fuzz $name: $runs inputs, $cover edges"
