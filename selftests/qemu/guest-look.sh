#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest, sourced: what the kernel had to say of what was run, and sanitizers if SANITIZE
# is set. look_begin before it; look_end after it, which unloads the module and prints a
# collection "guest" of kselftests, and fails if one of these does.

trouble='WARNING:|BUG:|Oops|general protection|Bad page|KASAN|UBSAN|kmemleak:'
trouble+='|locking dependency|recursive locking|inconsistent lock|held lock'
trouble+='|suspicious RCU|sleeping function|refcount_t:|corruption|ODEBUG'
trouble+='|INFO: task .* blocked|soft lockup|rcu.*stall|DMA-API:'
# What was said before this line is the boot's.
mark='zc-guest: the tests begin'

n=0 wrong=0
# report NAME FUNCTION: one test, which failed if the function prints anything
report()
{
	local name=$1 lines

	lines=$("$2" 2>&1)
	n=$((n + 1))
	echo "# selftests: guest: $name"
	if [ -z "$lines" ]; then
		echo "ok $n selftests: guest: $name"
	else
		printf '%s\n' "$lines" | sed 's/^/# /'
		echo "not ok $n selftests: guest: $name"
		wrong=1
	fi
}

loaded()
{
	grep -q '^zc ' /proc/modules
}

unload()
{
	if loaded && ! rmmod zc; then
		fuser -v /dev/zc
	fi
}

# All of it, if so much was said that the mark is gone.
since_mark()
{
	dmesg | awk -v mark="$mark" '
		{ lines[++n] = $0 }
		index($0, mark) { n = 0 }
		END { for (i = 1; i <= n; i++) print lines[i] }'
}

# But for what races() and leaks() tell of, and kmemleak's word that an allocation of its own
# was made to fail: it looks at more then, not at less.
kernel_log()
{
	since_mark | sed '/BUG: KCSAN:/,/======/d; /kmemleak: .* new suspected memory leaks/d
		/kmemleak: Cannot allocate a scan area, scanning the full object/d' |
		grep -E "$trouble"
}

# Of what KCSAN has reported that in which the module, or what it called directly, had a part.
# The kernel has some of its own; one is the look at compound_head in its page-flags.h, with
# DEBUG_VM_PGFLAGS, at each question for a flag.
races()
{
	grep -q '^enabled: 1' /sys/kernel/debug/kcsan || echo "KCSAN is off"
	since_mark | awk '
		/BUG: KCSAN:/ { report = ""; ours = /\[zc\]/; inside = 1; depth = 9 }
		inside { report = report $0 "\n" }
		/ by (task|interrupt)/ { depth = 0 }
		inside && depth++ < 4 && /\[zc\]/ { ours = 1 }
		/BUG: KCSAN:.*(const_)?folio_flags/ { inside = 0 }
		/======/ { if (inside && ours) printf "%s", report; inside = 0 }'
}

# The second scan sees what was too young for the first. One leak is the kernel's own: the name
# of a cache that found no memory for its place in sysfs (sysfs_slab_add() in mm/slub.c does not
# put the kobject that it could not add), as fault:init has it.
leaks()
{
	echo scan >/sys/kernel/debug/kmemleak
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	awk '
		/^unreferenced object/ { if (!known) printf "%s", object; object = known = "" }
		{ object = object $0 "\n" }
		/ sysfs_slab_add\+/ { known = 1 }
		END { if (!known) printf "%s", object }' /sys/kernel/debug/kmemleak
}

# What programs are told to write there, and many tests would take for a failure as expected
sanitizers()
{
	cat /tmp/sanitized/* 2>/dev/null
}

look_begin()
{
	sanitized=${SANITIZE:+1}
	if [ -n "$sanitized" ]; then
		mkdir -m 1777 /tmp/sanitized
		# The runner of kselftests has a library of its own preloaded, stdbuf's.
		export ASAN_OPTIONS=log_path=/tmp/sanitized/log:verify_asan_link_order=0
		export UBSAN_OPTIONS=print_stacktrace=1
	fi
	has_kcsan=$(test -e /sys/kernel/debug/kcsan && echo 1)
	[ -z "$has_kcsan" ] || echo on >/sys/kernel/debug/kcsan
	echo "$mark" >/dev/kmsg
}

look_end()
{
	has_kmemleak=$(test -e /sys/kernel/debug/kmemleak && echo 1)
	echo "### run guest"
	echo "TAP version 13"
	echo "1..$((2 + has_kmemleak + has_kcsan + sanitized))"
	report unload unload
	[ -z "$has_kmemleak" ] || report kmemleak leaks
	[ -z "$has_kcsan" ] || report kcsan races
	[ -z "$sanitized" ] || report sanitizers sanitizers
	report kernel-log kernel_log
	echo "### end guest"
	[ "$wrong" -eq 0 ]
}
