# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# KTAP for the shell tests. Sourced: ktap_plan N, ktap_test NAME STATUS [WHY],
# ktap_skip NAME WHY, ktap_end; and, before ktap_plan, ktap_skip_all WHY, which ends the
# program, and three that do so where it has to.

ktap_nr=0 ktap_failed=0

ktap_plan()
{
	echo "TAP version 13"
	echo "1..$1"
}

ktap_test()
{
	ktap_nr=$((ktap_nr + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $ktap_nr $1"
	else
		[ $# -lt 3 ] || echo "# $1: $3"
		echo "not ok $ktap_nr $1"
		ktap_failed=$((ktap_failed + 1))
	fi
}

ktap_skip()
{
	ktap_nr=$((ktap_nr + 1))
	echo "ok $ktap_nr $1 # SKIP $2"
}

ktap_skip_all()
{
	echo "1..0 # SKIP $1"
	exit 4
}

# Only what has the time for it runs what is long, and of which a part is tested elsewhere.
ktap_all()
{
	[ -n "${ZC_ALL-}" ] || ktap_skip_all "takes long; make check-all has it"
}

ktap_needs_zcctl()
{
	command -v zcctl >/dev/null || ktap_skip_all "no zcctl in PATH"
}

ktap_end()
{
	[ "$ktap_failed" -eq 0 ]
	exit
}

# zc_load: the module is there afterwards
zc_load()
{
	[ -e /dev/zc ] || insmod "${ZC_KO:-/zc/zc.ko}"
}
