# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Read the KTAP of kselftest's runner, as it comes, and count. Exit statuses are
# not believed: each sub-test counts by its own line; a program without
# sub-tests, or one that went wrong beyond them, by the runner's line. Sourced; the
# caller names the collection in $topic.

passed=0 failed=0 skipped=0

fail()
{
	failed=$((failed + 1))
	failures+=("$1")
	echo "not ok $1"
}

skip()
{
	skipped=$((skipped + 1))
	echo "skip   $1"
}

# ktap_begin: a new collection
ktap_begin()
{
	ktap_planned=0 ktap_seen=0
	program_begin
}

program_begin()
{
	program_lines=() sub_planned='' sub_seen=0 sub_failed=0 sub_passed=0
	program_seconds=$SECONDS
}

# subtest LINE: a program's own result line
subtest()
{
	# shellcheck disable=SC2154
	local line=$1 name=$topic:$program:

	sub_seen=$((sub_seen + 1))
	name+=$(sed -E 's/^(not )?ok [0-9]+ *-? *//; s/ *# (SKIP|XFAIL):?/:/' <<<"$line")
	case $line in
	*'# SKIP'*) skip "$name" ;;
	'not ok'*'# XFAIL'*) passed=$((passed + 1)) ;;
	'not ok'*)
		sub_failed=$((sub_failed + 1))
		fail "$name" ;;
	*)
		sub_passed=$((sub_passed + 1))
		passed=$((passed + 1)) ;;
	esac
}

# program_end LINE: the runner's result line
program_end()
{
	local line=$1 before=$failed name=$topic:$program reason=''

	ktap_seen=$((ktap_seen + 1))
	[[ $line != *' # '* ]] || reason=" (${line##* # })"
	if [[ $line == not* ]]; then
		if [ "$sub_failed" -eq 0 ] || [[ $reason == *TIMEOUT* ]]; then
			fail "$name$reason"
		fi
	elif [ "${sub_planned:-$sub_seen}" -ne "$sub_seen" ]; then
		fail "$name ($sub_planned tests planned, $sub_seen seen)"
	elif [ "$sub_seen" -gt 0 ]; then
		:
	elif [[ $line == *'# SKIP'* ]]; then
		skip "$name: ${skip_reason:-no reason given}"
		program_begin
		return
	else
		passed=$((passed + 1))
	fi
	if [ "$sub_failed" -gt 0 ] || [ "$failed" -gt "$before" ]; then
		printf '    | %s\n' "${program_lines[@]}"
	else
		[ "$sub_seen" -eq 0 ] || name+=" ($sub_passed of $sub_seen)"
		name+=", $((SECONDS - program_seconds)) s"
		echo "ok     $name"
	fi
	program_begin
}

ktap_line()
{
	local line=$1

	if [[ $line =~ ^(not\ )?ok\ [0-9]+\ selftests: ]]; then
		program_end "$line"
	elif [[ $line =~ ^1\.\.([0-9]+) ]]; then
		ktap_planned=${BASH_REMATCH[1]}
	elif [[ $line =~ ^#\ selftests:\ [^:]*:\ (.*) ]]; then
		program_begin
		program=${BASH_REMATCH[1]} skip_reason=''
	else
		program_lines+=("$line")
		line=${line#\# }
		if [[ $line =~ ^(not\ )?ok\ [0-9]+ ]]; then
			subtest "$line"
		elif [[ $line =~ ^1\.\.([0-9]+)(.*) ]]; then
			sub_planned=${BASH_REMATCH[1]}
			[[ ${BASH_REMATCH[2]} != *SKIP* ]] ||
				skip_reason=${BASH_REMATCH[2]##*SKIP }
		elif [[ $line =~ SKIP[:\ ]*(.*) ]]; then
			skip_reason=${BASH_REMATCH[1]}
		fi
	fi
}

# ktap_end: what the collection owes
ktap_end()
{
	if [ "$ktap_seen" -eq 0 ]; then
		fail "$topic: nothing ran"
		[ ${#program_lines[@]} -eq 0 ] ||
			printf '    | %s\n' "${program_lines[@]}"
	elif [ "$ktap_seen" -ne "$ktap_planned" ]; then
		fail "$topic: $ktap_planned programs planned, $ktap_seen ended"
		[ ${#program_lines[@]} -eq 0 ] ||
			printf '    | %s\n' "${program_lines[@]}"
	fi
}
