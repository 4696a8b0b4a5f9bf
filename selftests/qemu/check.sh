#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the kselftests in guests; where there are processors for it two at a time: two
# kernels, or two halves of the topics on one. Some topics run once more in guests that
# are other machines. From the environment:
#   KERNELS   kernels to run on (default "6.1 6.12"; also: 7.3, debug, kcsan)
#   KERNEL    an image of the user's own instead, see own-kernel.sh
#   TOPICS    kselftest collections (default: all but those in $ZC_LONG)
#   ZC_LONG   what takes long, or a machine with nothing else to do (default: scale leak).
#             Unless it is empty, some programs run on the last kernel alone, see $newest
#   SANITIZE  if set, zcctl and libzc are those of make user SANITIZE=1
#   ZC_SUITE  where they are installed (default build/kselftest)
#   ZC_JOBS   guests at a time (default 2, or 1 on a machine of less than four
#             processors: beside other load, guests there stand still for minutes)
# The last line is "N passed, N failed, N skipped"; the exit status is 0 only if
# something passed and nothing failed. All output: build/run/check-K-N/all.log
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ktap.sh"

kernels=${KERNELS:-6.1 6.12}
[ -z "${KERNEL-}" ] || kernels=own
suite=${ZC_SUITE:-$ZC_TOP/build/kselftest}
long=${ZC_LONG-scale leak}
topics=${TOPICS:-$(cut -d: -f1 "$suite/kselftest-list.txt" | sort -u |
	grep -vxE "${long// /|}" | tr '\n' ' ')}
jobs=${ZC_JOBS:-$(($(nproc) > 3 ? 2 : 1))}
failures=()

# One at a time: guests and logs have fixed names.
lock check
staging=$(mktemp -d "${TMPDIR:-/tmp}/zc-check-XXXXXX")
# What runs in the background hears no Ctrl-C.
# shellcheck disable=SC2317 # by the trap
cleanup()
{
	local pid

	for pid in "$staging"/*.guest; do
		[ ! -e "$pid" ] || kill "$(cat "$pid")" 2>/dev/null || true
	done
	rm -rf "$staging"
}
trap cleanup EXIT

# How long topics take on the debug kernel, seconds; others are thought short.
declare -A weights=([sendfile]=360 [buffer]=190 [transfer]=190 [load]=160 [fault]=2100
	[async]=120 [zcctl]=120 [dma]=150 [trace]=120 [netlink]=400
	[scale]=120 [leak]=400 [adopt]=150 [survive]=400 [fuzz]=100)

# Other machines, see machine_of, and the topics that run there once more, or single
# programs of them.
declare -A machines=([iommu]="dma fault:dma" [swiotlb]="dma dmabuf:export" [sig]="zcctl:load.sh"
	[lockdown]="zcctl:load.sh" [icount]="bench:icount.sh adopt:icount.sh")

# What takes long, and is about the module's own races, limits and counts, or about zcctl,
# rather than about what a kernel does for it: on the newest kernel alone
newest="adopt:promises.sh adopt:servers.sh async:async_abuse async:async_fuse
	bench:io.sh bench:method.sh buffer:limits buffer:park buffer:reserve
	buffer:import_race buffer:slice fault:io fuzz:fuzz netlink:alert netlink:transfer
	netlink:event netlink:many netlink:race netlink:count
	sendfile:sendfile_wait sendfile:sendfile_change survive:net survive:machine
	survive:files survive:unload survive:soak.sh trace:buffers trace:transfers
	zcctl:zcctl.sh zcctl:load.sh zcctl:json.sh zcctl:watch.sh"

# chosen ONE: is that topic, or the topic of that program, among $topics?
chosen()
{
	[[ " ${topics//$'\n'/ } " == *" ${1%%:*} "* ]]
}

# summary: what was counted since the last one; all that was said meanwhile goes out
summary()
{
	printf '%s: %s: %d passed, %d failed, %d skipped (%d s)\n' "$k" "$topic" \
		$((passed - was_passed)) $((failed - was_failed)) \
		$((skipped - was_skipped)) $((SECONDS - was_seconds))
	flush
}

# What guests say at the same time is not mixed.
flush()
{
	cat "$said" >&3
	: >"$said"
}

# read_guest: follow a guest's output. What is left of $todo did not run.
read_guest()
{
	local line ran='' open=''

	topic=boot$where program=''
	ktap_begin
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$log"
		case $line in
		'### run '*)
			ran=${line#\#\#\# run } open=y
			topic=$ran$where
			was_passed=$passed was_failed=$failed
			was_skipped=$skipped was_seconds=$SECONDS
			ktap_begin ;;
		'### without '*)
			todo=${todo#"${line#\#\#\# without } "} ;;
		'### end '*)
			ktap_end
			summary
			open='' todo=${todo#"$ran" } ;;
		*)
			ktap_line "$line" ;;
		esac
	done
	if [ -n "$open" ]; then
		fail "$k: $topic: the guest died or hung in ${program:-the beginning}"
		printf '    | %s\n' "${program_lines[@]}"
		summary
		todo=${todo#"$ran" }
	elif [ -n "${todo% }" ] && [ "$ran" != guest ]; then
		fail "$k: the guest died after topic $topic"
		todo=''
	fi
}

# run_part K N MACHINE TOPIC...: in a guest, or more if one dies. Counts into the file
# $staging/K-N.result. MACHINE is empty for the ordinary one.
run_part()
{
	local timeout='' limit=1900 mem=4096 brief='' all='' icount='' guest options append

	k=$1 name=$1-$2 where=${3:+ ($3)}
	# What was counted before is not this one's.
	passed=0 failed=0 skipped=0 failures=()
	machine_of "$3"
	[ "$3" != icount ] || icount=y
	log=$ZC_RUN/check-$name/all.log said=$staging/$name.said
	mkdir -p "${log%/*}"
	: >"$log"
	exec 3>&1 >>"$said"
	todo="${*:4} "
	echo "== kernel $k$where: $todo"
	flush
	# KASAN and lockdep take their time: all topics an hour and a half on a quick machine.
	if instrumented "$k"; then
		timeout=1500 limit=10800 mem=5120
	fi
	! brief "$k" || brief=y
	# As does what is run but now and then.
	if [ -z "$long" ]; then
		all=y limit=$((4 * limit)) timeout=${timeout:+3600}
	fi
	while [ -n "${todo% }" ]; do
		# shellcheck disable=SC2086 # a list of topics
		exec {guest}< <(exec "$ZC_QEMU/guest.sh" -k "$k" --name "guest-$name" \
			-m "$mem" --append "$append" "${options[@]}" \
			--time-limit "$limit" --payload "$staging/$k" -- \
			env TIMEOUT="$timeout" ZC_ALL="$all" ZC_ICOUNT="$icount" \
			ZC_SEED="${ZC_SEED-}" SANITIZE="${SANITIZE-}" \
			ZC_WITHOUT="${brief:+${newest//$'\n'/ }}" \
			bash /zc/guest-check.sh $todo 2>&1)
		echo $! >"$staging/$name.guest"
		read_guest <&"$guest"
		exec {guest}<&-
	done
	rm -f "$staging/$name.guest"
	flush
	{
		echo "$passed $failed $skipped"
		[ "$failed" -eq 0 ] || printf '%s\n' "${failures[@]/#/$k: }"
	} >"$staging/$name.result"
}

# have K: that kernel
have()
{
	local have=0

	kernel "$1" || have=$?
	# 7.3 is on its way out of the archive, sooner or later.
	if [ "$have" -eq 4 ] && [[ $1 == 7.* ]]; then
		skip "kernel $1: not in the archive"
		return 1
	elif [ "$have" -eq 4 ]; then
		fail "kernel $1: not in the archive"
		return 1
	elif [ "$have" -ne 0 ]; then
		fail "kernel $1: cannot be had"
		return 1
	fi
}

# prepare K: what its guests are given
prepare()
{
	payload "$1" "$staging/$1"
	cp -a "$suite" "$staging/$1/kselftest"
	cp "$ZC_QEMU"/guest-{check,look}.sh "$staging/$1"
}

# split N TOPIC...: into N parts, a line each, the heavy ones first and apart
split()
{
	local n=$1 t i least parts=() sums=()

	shift
	if [ "$n" -eq 1 ]; then
		echo "$*"
		return
	fi
	for ((i = 0; i < n; i++)); do
		parts[i]='' sums[i]=0
	done
	while read -r _ t; do
		least=0
		for ((i = 1; i < n; i++)); do
			[ "${sums[i]}" -ge "${sums[least]}" ] || least=$i
		done
		parts[least]+="$t "
		sums[least]=$((sums[least] + ${weights[$t]:-10}))
	done < <(for t; do echo "${weights[$t]:-10} $t"; done | sort -rn)
	printf '%s\n' "${parts[@]}"
}

# brief K: are others to run what is to run on the newest alone? Where $ZC_LONG is left
# out, the last of several kernels does.
brief()
{
	[ -n "$long" ] && [ ${#ready[@]} -gt 1 ] && [ "$1" != "${ready[-1]}" ]
}

# without K: what does not run on that kernel is said
without()
{
	local one

	! brief "$1" || for one in $newest; do
		chosen "$one" || continue
		grep -qxF "$one" "$suite/kselftest-list.txt" || fail "$one: there is no such program"
		skip "$1: $one: on ${ready[-1]} alone; make check-all has it on all"
	done
}

# left_out K MACHINE: why nothing runs on that one today
left_out()
{
	case $2 in
	sig | swiotlb) ! brief "$1" || echo "on ${ready[-1]} alone" ;;
	# The one takes four minutes, the other is much like sig.
	icount | lockdown) [ -z "$long" ] || echo "takes long; make check-all has it" ;;
	esac
}

# once_more K MACHINE: what runs on that machine, of $topics
once_more()
{
	local t

	case $1-$2 in
	# They know no signatures, and take several times as many instructions.
	*-sig | *-lockdown | *-icount) ! instrumented "$1" || return 0 ;;&
	# Its drivers and signatures are its own affair.
	own-*) return 0 ;;
	esac
	[ -z "$(left_out "$1" "$2")" ] || return 0
	for t in ${machines[$2]}; do
		! chosen "$t" || echo "$t"
	done
}

# start K N MACHINE [TOPIC...]: run_part, as soon as there is room for one more
start()
{
	[ $# -gt 3 ] || return 0
	names+=("$1-$2")
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n || true
	done
	(run_part "$@") &
}

ready=()
for kernel in $kernels; do
	! have "$kernel" || ready+=("$kernel")
done
per_kernel=1
[ ${#ready[@]} -ne 1 ] || per_kernel=$jobs
names=()
for kernel in "${ready[@]}"; do
	# While the guest of the one before runs
	prepare "$kernel"
	without "$kernel"
	n=0
	# shellcheck disable=SC2086 # a list of topics
	while read -r part; do
		[ -n "$part" ] || continue
		n=$((n + 1))
		start "$kernel" "$n" '' $part
	done < <(split "$per_kernel" $topics)
	for machine in "${!machines[@]}"; do
		why=$(left_out "$kernel" "$machine")
		for t in ${machines[$machine]}; do
			[ -z "$why" ] || ! chosen "$t" || skip "$kernel: $t ($machine): $why"
		done
		# shellcheck disable=SC2046 # a list of topics
		start "$kernel" "$machine" "$machine" $(once_more "$kernel" "$machine")
	done
done
wait
for name in "${names[@]}"; do
	if [ ! -s "$staging/$name.result" ]; then
		fail "$name: ended without a result"
		continue
	fi
	{
		read -r p f s
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
		while IFS= read -r line; do
			failures+=("$line")
		done
	} <"$staging/$name.result"
done
if [ "$failed" -gt 0 ]; then
	echo "Failed:"
	printf '    %s\n' "${failures[@]}"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
