#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Completion by bash and zsh against what zcctl says of itself: each command, option and
# parameter that a --help prints is offered, and no command that there is not. TAP output.
# shellcheck disable=SC2317 # by tap_check
set -u
# shellcheck source=tap.sh
. "${0%/*}/tap.sh"
zcctl=${BUILD:?}/zcctl
tests=$(cd "${0%/*}" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# commands [COMMAND]: those that its --help lists, each of which has a help of its own.
# shellcheck disable=SC2086 # "bench io" is two words
commands()
{
	local word

	"$zcctl" ${1-} --help | sed -nE 's/^  ([a-z][a-z-]*) .*/\1/p' | sort -u |
		while read -r word; do
			[ "$word" != help ] || continue
			! "$zcctl" ${1-} "$word" --help 2>/dev/null |
				grep -qE "^usage: zcctl ${1:+$1 }$word( |$)" || echo "$word"
		done
}

# parts COMMAND: "set" for "zcctl pool set COUNT", in its usage, and "[alerts]"
parts()
{
	{
		usage "$1" | sed -nE "s/^(usage:|      ) zcctl $1 ([a-z]+)( .*|$)/\2/p"
		usage "$1" | grep -oE '\[[a-z]+\]' | tr -d '[]'
	} | sort -u
}

# usage COMMAND: the lines before the first empty one
# shellcheck disable=SC2086
usage()
{
	"$zcctl" $1 --help | sed '/^$/,$d'
}

# options COMMAND: the long ones that its usage names, or a line begins with
# shellcheck disable=SC2086
options()
{
	{
		usage "$1"
		"$zcctl" $1 --help | sed -nE 's/^  (-[a-zA-Z], )?(--.*)/\2/p' | cut -d' ' -f1
	} | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

# parameters COMMAND: "depth=" for "  depth=N"
# shellcheck disable=SC2086
parameters()
{
	"$zcctl" $1 --help | sed -nE 's/^  ([a-z_]+)=[A-Z].*/\1/p'
}

# bash_lines FOLDER: what bash offers for each line of the input, as complete.zsh for zsh
bash_lines()
(
	# shellcheck disable=SC1091
	. "$1/zcctl"
	compopt() { :; }
	while IFS= read -r line; do
		read -ra COMP_WORDS <<<"${line/=/ = }"
		[[ $line != *' ' ]] || COMP_WORDS+=('')
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
		_zcctl
		for word in "${COMPREPLY[@]}"; do
			printf '%s\t%s\n' "$line" "$word"
		done
	done
)

# wants COMMAND LINE... -- WORD...: of one command, these lines are to offer these words
wants()
{
	local command=$1 line lines=()

	shift
	while [ "$1" != -- ]; do
		lines+=("$1")
		shift
	done
	shift
	printf '%s\n' "${lines[@]}" >>"$dir/lines"
	for line in "${lines[@]}"; do
		printf '%s\t%s\n' "$command" "$line"
	done >>"$dir/asked"
	[ $# -eq 0 ] || printf "$command\t%s\n" "$@" >>"$dir/wanted"
}

# want_command COMMAND: with the parts that it has
want_command()
{
	local parts part lines=("zcctl $1 " "zcctl $1 --")

	parts=$(parts "$1")
	for part in $parts; do
		lines+=("zcctl $1 $part --")
	done
	# shellcheck disable=SC2046,SC2086 # lists of words
	wants "$1" "${lines[@]}" -- $parts $(options "$1") $(parameters "$1")
}

# offered SHELL COMMAND: by all of the lines that are asked for it
offered()
{
	awk -F '\t' -v command="$2" '
		NR == FNR { if ($1 == command) lines[$2]; next }
		$1 in lines { sub(/=$/, "", $2); print $2 }' "$dir/asked" "$dir/$1" | sort -u
}

# none FILE WHAT: is it empty? Else its lines are shown
none()
{
	[ ! -s "$dir/$1" ] || echo "$2: $(tr '\n' ' ' <"$dir/$1")"
	[ ! -s "$dir/$1" ]
}

# all_offered SHELL COMMAND
all_offered()
{
	awk -F '\t' -v command="$2" '$1 == command { print $2 }' "$dir/wanted" | sort -u |
		comm -23 - <(offered "$1" "$2") >"$dir/missing"
	none missing "not offered"
}

# none_invented SHELL COMMAND: commands, and other words that are no option
none_invented()
{
	offered "$1" "$2" | grep -vxE -- '-.*|help' |
		comm -23 - <(awk -F '\t' -v command="$2" '$1 == command { print $2 }' \
			"$dir/wanted" | sort -u) >"$dir/invented"
	none invented "there is no"
}

# offers SHELL LINE WORD...: exactly that
offers()
{
	local shell=$1 line=$2

	shift 2
	awk -F '\t' -v line="$line" '$1 == line { print $2 }' "$dir/$shell" | sort >"$dir/is"
	printf '%s\n' "$@" | grep . | sort | diff - "$dir/is"
}

# shellcheck disable=SC2046
wants '' 'zcctl ' 'zcctl --' -- $(commands) --version --json --pretty --help
for command in $(commands); do
	want_command "$command"
	below=$(commands "$command")
	# shellcheck disable=SC2086
	wants "$command" "zcctl $command " -- $below
	for part in $below; do
		want_command "$command $part"
	done
done
# Beyond what zcctl says: the rest is below
cat >>"$dir/lines" <<-'END'
	zcctl bench io f --cache=
	zcctl bench io f --paths rw-4k,zc-b
	zcctl recv 4000 --d
	zcctl help bench f
	zcctl unload s
	zcctl pool set 1 --n
END

# In a folder without files that could be offered
mkdir "$dir/empty"
cd "$dir/empty" || exit
ask()
{
	case $1 in
	bash) bash_lines "$tests/../completion" ;;
	zsh) timeout 120 zsh -f "$tests/complete.zsh" "$tests/../completion" ;;
	esac <"$dir/lines" >"$dir/$1"
}

# To bash the value is a word of its own.
declare -A equals=([bash]='' [zsh]='--cache=')
for shell in bash zsh; do
	if ! command -v $shell >/dev/null; then
		tap_skip "$shell" "no $shell"
		continue
	fi
	tap_check "$shell takes the file" ask $shell
	while IFS= read -r command; do
		name="zcctl ${command:-itself}"
		tap_check "$shell: all of $name" all_offered $shell "$command"
		tap_check "$shell: no more of $name" none_invented $shell "$command"
	done < <(cut -f1 "$dir/asked" | sort -u)
	tap_check "$shell: values" offers $shell 'zcctl bench io f --cache=' \
		"${equals[$shell]}cold" "${equals[$shell]}hot" "${equals[$shell]}both"
	tap_check "$shell: a list" offers $shell 'zcctl bench io f --paths rw-4k,zc-b' \
		rw-4k,zc-buffer
	tap_check "$shell: options" offers $shell 'zcctl recv 4000 --d' --discard
	tap_check "$shell: help" offers $shell 'zcctl help bench f' files fault
	tap_check "$shell: nothing" offers $shell 'zcctl unload s'
	tap_check "$shell: option of a part" offers $shell 'zcctl pool set 1 --n' --node
done
! command -v zsh >/dev/null || tap_check "zsh -n" zsh -n "$tests/../completion/_zcctl"
tap_end
