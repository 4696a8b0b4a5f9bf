#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest: guest-check.sh TOPIC...: run these kselftest collections, or, as
# TOPIC:PROGRAM, one of their programs, for which the module is not loaded before. Then
# unload the module and look at what the kernel had to say, as one more
# collection, "guest". TIMEOUT, if set, replaces the time limit of each program; ZC_WITHOUT
# has programs of collections, as TOPIC:PROGRAM, that do not run.
# "### run TOPIC" and "### end TOPIC" frame each collection for check.sh.

# shellcheck source=selftests/qemu/guest-look.sh
. /zc/guest-look.sh

# choose TOPIC: what the kselftest runner is to run of it
choose()
{
	local one

	which=(-t "$1")
	[[ $1 != *:* ]] || return
	which=(-c "$1")
	[[ ${ZC_WITHOUT-} == *"$1":* ]] || return
	which=()
	while read -r one; do
		[[ " $ZC_WITHOUT " == *[[:space:]]"$one"[[:space:]]* ]] || which+=(-t "$one")
	done < <(grep "^$1:" /zc/kselftest/kselftest-list.txt)
}

look_begin
for topic; do
	choose "$topic"
	if [ ${#which[@]} -eq 0 ]; then
		echo "### without $topic"
		continue
	fi
	echo "### run $topic"
	[[ $topic == *:* ]] || loaded || insmod "$ZC_KO"
	(cd /zc/kselftest && ./run_kselftest.sh ${TIMEOUT:+-o "$TIMEOUT"} \
		"${which[@]}" 2>&1 | cat)
	echo "### end $topic"
done

# Who reads this counts.
look_end || true
