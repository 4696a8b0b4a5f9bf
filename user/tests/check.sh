# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What tests of zcctl without root and the module share. Sourced: $zcctl, a folder $dir that
# goes with the script, and check.
build=${BUILD:?}
zcctl=$build/zcctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0 failed=0

# check NAME STATUS COMMAND...: runs it; output in $dir/out and $dir/err
check()
{
	name=$1 want=$2
	shift 2
	n=$((n + 1))
	"$@" >"$dir/new.out" 2>"$dir/new.err"
	got=$?
	# What looks at the last command's output leaves it there.
	if [ "$1" = "$zcctl" ]; then
		mv "$dir/new.out" "$dir/out"
		mv "$dir/new.err" "$dir/err"
	fi
	if [ "$got" -eq "$want" ]; then
		echo "ok $n $name"
	else
		echo "not ok $n $name: exit status $got, not $want"
		tail -n 5 "$dir"/*out "$dir"/*err | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

# modular COMMAND...: with a kernel that can load the module, whatever this one is
modular()
{
	mkdir -p "$dir/modular/proc"
	touch "$dir/modular/proc/version" "$dir/modular/proc/modules"
	export ZCCTL_ROOT="$dir/modular"
	"$@"
	unset ZCCTL_ROOT
}

# json_valid FILE SCHEMA KEY...: one object, of that schema, with these keys
json_valid()
{
	python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
assert o["schema"] == sys.argv[2], o
for key in sys.argv[3:]: assert key in o, key' "$@" || return
	# Without python3-jsonschema the schema itself is not looked at.
	python3 "${0%/*}/schema.py" "$1" || [ $? -eq 4 ]
}

says()
{
	grep -q -- "$1" "$dir/$2"
}

# checked: the plan, and whether all was well
checked()
{
	echo "1..$n"
	[ "$failed" -eq 0 ]
}
