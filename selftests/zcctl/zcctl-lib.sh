# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests of zcctl share. Sourced, with the folder of their files in $dir.
# shellcheck disable=SC2034,SC2154

# says TEXT FILE
says()
{
	grep -q -- "$1" "$dir/$2"
}

# field FILE KEY: a number or string of a JSON object on one line
field()
{
	sed -nE "s/.*\"$2\":\"?([^,\"}]*).*/\\1/p" "$dir/$1"
}

# receiver PORT ARGS...: start one and wait until it listens
receiver()
{
	local port=$1

	shift
	zcctl recv "$port" "$@" &
	recv_pid=$!
	for _ in $(seq 100); do
		! ss -ltnH "sport = :$port" | grep -q . || return 0
		sleep 0.1
	done
	return 1
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

# shows TEXT COMMAND...: does its output have that?
shows()
{
	local text=$1

	shift
	"$@" 2>/dev/null | grep -q -- "$text"
}

# Before a command: by a user without privileges. No function, so that it can be killed.
as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# end PID...: end them, and wait for it
end()
{
	kill "$@" 2>/dev/null
	wait "$@" 2>/dev/null
}
