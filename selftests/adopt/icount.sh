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

# busy: instructions of all, the client and interrupts among them: what was not idle time
busy()
{
	local idle

	idle=$(sed -nE 's/.*\.(idle|iowait)_sleeptime *: *([0-9]+) nsecs.*/\2/p' /proc/timer_list |
		paste -sd +)
	echo $((${EPOCHREALTIME/./} * 1000 - (idle)))
}

get()
{
	curl -sS -o /dev/null "http://127.0.0.1:$port/$1"
}

# cost NAME CACHE OPTION...: of a GiB, into $cost, and to the whole machine into $whole, where what
# a client costs that hardly gets anything does not count. The first time pays for more.
cost()
{
	local before all none

	nginx_start "${@:3}" || return
	same small && same 64M && get small || return
	[ "$2" = hot ] || cold 64M
	all=$(busy)
	get small
	none=$(($(busy) - all))
	before=$(cpu) all=$(busy)
	get 64M || return
	whole=$((($(busy) - all - none) * 16))
	cost=$((($(cpu) - before) * 16))
	echo "# $1, $2: $((cost / 1000000)) million instructions for a GiB," \
		"$((whole / 1000000)) of the whole machine"
	stop QUIT
}

# plain CACHE: as nginx is
plain()
{
	cost "nginx as it is" "$1" --mode off && plain=$cost plain_whole=$whole
}

# at_most PERCENT PERCENT: of the worker's, and of the machine's
at_most()
{
	echo "# ratio $((cost * 1000 / plain)) per mille, at most $1 percent; of the whole machine" \
		"$((whole * 1000 / plain_whole)), at most $2 percent"
	[ $((cost * 100)) -le $((plain * $1)) ] && [ $((whole * 100)) -le $((plain_whole * $2)) ]
}

mkdir "$dir/www"
head -c 64M /dev/urandom >"$dir/www/64M"
head -c 1000 /dev/urandom >"$dir/www/small"
sum_files
nginx_conf 1
sleep 20
ktap_plan 3
plain cold && cost "nginx with zc" cold --mode direct && at_most 50 75
ktap_test "a cold file costs nginx half at most" $?
plain hot && cost "nginx with zc" hot --mode cached && at_most 105 105
ktap_test "a hot one not more" $?
cost "nginx with zc" hot --mode auto && at_most 105 105 && logged "zc_bytes > (100 << 20)"
ktap_test "in mode auto, too, and it was zc that sent it" $?
ktap_end
