#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of zcctl stats --prometheus, and of the alerts and the dashboard that are made for
# its metrics. They need neither root nor the module. TAP output.
# PROMTOOL: Prometheus' promtool; what needs it is skipped where it is missing.
set -u
# shellcheck source=check.sh
. "${0%/*}/check.sh"
zcctl=$build/zcctl-fake
cd "${0%/*}/../.." || exit 1
tests=user/tests
promtool=${PROMTOOL:-promtool}

# check_prom NAME COMMAND...: with promtool, which has to find nothing to say
check_prom()
{
	if command -v "$promtool" >/dev/null; then
		check "$1" 0 silent "${@:2}"
	else
		n=$((n + 1))
		echo "ok $n $1 # SKIP there is no promtool: set PROMTOOL"
	fi
}

# silent COMMAND...: promtool has hints that are no errors
silent()
{
	"$@" >"$dir/said" 2>&1 || {
		cat "$dir/said"
		return 1
	}
	! grep -v -e SUCCESS -e '^Checking' -e '^Unit Testing' "$dir/said" | grep .
}

metrics_ok()
{
	"$promtool" check metrics <"$1"
}

dashboard_ok()
{
	"$tests/metrics.py" exprs >"$dir/exprs.yml" && "$promtool" check rules "$dir/exprs.yml"
}

alerts_ok()
{
	(cd packaging/prometheus && "$promtool" test rules zc-alerts-test.yml)
}

same()
{
	diff -u "$1" "$2"
}

mode_is()
{
	[ "$(stat -c %a "$2")" = "$1" ]
}

# alone FOLDER FILE: nothing else is in it
alone()
{
	[ "$(ls -A "$1")" = "$2" ]
}

# run_limited COMMAND...: where no file may have a byte
run_limited()
{
	(
		trap '' XFSZ
		ulimit -f 0
		"$@" 2>&1 | cat
		exit "${PIPESTATUS[0]}"
	)
}

golden=$tests/golden/metrics.prom
sed 1d "$golden" >"$dir/want"
prom=$dir/metrics/zc.prom
mkdir "$dir/metrics"

export ZC_FAKE=$tests/fixtures/metrics.txt
check "stats --prometheus" 0 "$zcctl" stats --prometheus
cp "$dir/out" "$dir/got"
check "metrics are as they were: $golden" 0 same "$dir/want" "$dir/got"
check "metrics: all of the table" 0 "$tests/metrics.py" output "$dir/got"
check_prom "metrics: promtool has no complaint" metrics_ok "$dir/got"
check "stats --prometheus -o" 0 "$zcctl" stats --prometheus -o "$prom"
check "-o: nothing on standard output" 1 test -s "$dir/out"
check "-o: the same" 0 same "$dir/want" "$prom"
check "-o: all may read it" 0 mode_is 644 "$prom"
check "-o: nothing else is left" 0 alone "$dir/metrics" zc.prom
(umask 077 && "$zcctl" stats --prometheus -o "$prom")
check "-o: all may read it, whatever the umask" 0 mode_is 644 "$prom"

# Who has the old file open has all of the old, not half of the new.
echo old >"$prom"
exec 3<"$prom"
check "-o: a file that is there" 0 "$zcctl" stats --prometheus -o "$prom"
check "-o: who reads the old one is not disturbed" 0 same - <(echo old) <&3
check "-o: the next has the new one" 0 same "$dir/want" "$prom"
exec 3<&-

check "-o: no room" 1 run_limited "$zcctl" stats --prometheus -o "$prom"
check "-o: no room: what was there before stays" 0 same "$dir/want" "$prom"
check "-o: no room: nothing else is left" 0 alone "$dir/metrics" zc.prom
check "-o: a folder" 1 "$zcctl" stats --prometheus -o "$dir/metrics"
check "-o: no such folder" 1 "$zcctl" stats --prometheus -o "$dir/none/zc.prom"
check "-o: a name without a folder" 0 sh -c "cd '$dir/metrics' && ZC_FAKE='$PWD/$ZC_FAKE' \
	'$zcctl' stats --prometheus -o name.prom && cmp name.prom '$dir/want'"
ln -s zc.prom "$dir/link"
check "-o: a link" 1 "$zcctl" stats --prometheus -o "$dir/link"
check "-o: a link stays one" 0 test -L "$dir/link"
mkfifo "$dir/fifo"
check "-o: what is no file" 1 "$zcctl" stats --prometheus -o "$dir/fifo"
check "-o: what is no file stays that" 0 test -p "$dir/fifo"
check "-o without --prometheus" 2 "$zcctl" stats -o "$prom"
check "--prometheus --interval" 2 "$zcctl" stats --prometheus --interval 1
check "--prometheus --json" 2 "$zcctl" -j stats --prometheus

echo "stats-get do error EPERM" >"$dir/refused.txt"
sed '/^stats-get/,$d' "$tests/fixtures/metrics.txt" >>"$dir/refused.txt"
export ZC_FAKE=$dir/refused.txt
check "an error" 4 "$zcctl" stats --prometheus
check "an error: no half of the metrics" 1 test -s "$dir/out"
check "an error: -o" 4 "$zcctl" stats --prometheus -o "$prom"
check "an error: what was there before stays" 0 same "$dir/want" "$prom"

# An older module lacks some.
sed 's/ events-lost=.*//; s/ parked-bytes=[0-9]*//' "$tests/fixtures/metrics.txt" >"$dir/old.txt"
export ZC_FAKE=$dir/old.txt
check "an older module" 0 "$zcctl" stats --prometheus
grep -v -e zc_events_lost_total -e '"parked"' "$dir/want" >"$dir/old"
cp "$dir/out" "$dir/got"
check "an older module: all that it has" 0 same "$dir/old" "$dir/got"
check_prom "an older module: promtool has no complaint" metrics_ok "$dir/got"

echo "family none" >"$dir/none.txt"
export ZC_FAKE=$dir/none.txt
printf '# HELP %s\n# TYPE zc_up gauge\nzc_up 0\n' \
	"zc_up Whether the module zc is loaded (1) or not (0)." >"$dir/down"
if [ ! -e /sys/module/zc ]; then
	check "no module" 3 "$zcctl" stats --prometheus
	cp "$dir/out" "$dir/got"
	check "no module: zc_up 0" 0 same "$dir/down" "$dir/got"
	check "no module: -o is no error" 0 "$zcctl" stats --prometheus -o "$prom"
	check "no module: -o says nothing" 1 test -s "$dir/err"
	check "no module: -o: zc_up 0" 0 same "$dir/down" "$prom"
	check_prom "no module: promtool has no complaint" metrics_ok "$prom"
else
	check "a module that does not answer here" 3 "$zcctl" stats --prometheus -o "$prom"
	check "a module that does not answer here: the file stays" 0 same "$dir/want" "$prom"
fi

check "metrics: all that the module counts" 0 "$tests/metrics.py" code
check "metrics: the table in the documentation" 0 "$tests/metrics.py" table
check "alerts and dashboard use metrics that there are" 0 "$tests/metrics.py" use
check "the dashboard can be imported" 0 "$tests/metrics.py" dashboard
check_prom "the dashboard's queries" dashboard_ok
check_prom "the alerts" "$promtool" check rules packaging/prometheus/zc-alerts.yml
check_prom "the alerts go off when they should, and else not" alerts_ok

checked
