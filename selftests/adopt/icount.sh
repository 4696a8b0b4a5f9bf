#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What nginx costs with zc, and as it is, where the clock counts instructions (ZC_ICOUNT, see
# check.sh): the time of its worker, which can be repeated, for 64 MiB of a file.
# shellcheck disable=SC1091,SC2317
# shellcheck source=adopt-lib.sh
. ./adopt-lib.sh

if [ -z "${ZC_ICOUNT-}" ]; then
	ktap_skip_all "the clock counts no instructions here"
fi
adopt_begin

# cpu: instructions of the worker until now
cpu()
{
	cut -d' ' -f1 "/proc/$(pgrep -P "$server")/schedstat"
}

# cost NAME CACHE OPTION...: of a GiB, into $cost. The first time pays for more.
cost()
{
	local before

	nginx_start "${@:3}" || return
	same small && same 64M || return
	[ "$2" = hot ] || cold
	before=$(cpu)
	same 64M || return
	cost=$((($(cpu) - before) * 16))
	echo "# $1, $2: $((cost / 1000000)) million instructions for a GiB"
	stop QUIT
}

# at_most PERCENT: of $plain
at_most()
{
	echo "# ratio $((cost * 1000 / plain)) per mille, at most $1 percent"
	[ $((cost * 100)) -le $((plain * $1)) ]
}

mkdir "$dir/www"
head -c 64M /dev/urandom >"$dir/www/64M"
head -c 1000 /dev/urandom >"$dir/www/small"
sum_files
nginx_conf 1
sleep 20
ktap_plan 3
cost "nginx as it is" cold --mode off && plain=$cost && cost "nginx with zc" cold --mode direct &&
	at_most 50
ktap_test "a cold file costs nginx half at most" $?
cost "nginx as it is" hot --mode off && plain=$cost && cost "nginx with zc" hot --mode cached &&
	at_most 105
ktap_test "a hot one not more" $?
cost "nginx with zc" hot --mode auto && at_most 105 && logged "zc_bytes > (100 << 20)"
ktap_test "in mode auto, too, and it was zc that sent it" $?
ktap_end
