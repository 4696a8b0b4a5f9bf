#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the kernel refuses to load: zcctl load says why, and zcctl doctor says so before.
# On a machine that takes only signed modules (module.sig_enforce=1), on one that is locked
# down (lockdown=integrity), and on ordinary ones the reasons are different.
# shellcheck disable=SC1091,SC2317
. ./ktap.sh
set -u
ko=${ZC_KO:-/zc/zc.ko}
dir=$(mktemp -d /mnt/ext4/load-XXXXXX)
trap 'rm -rf "$dir"; rmmod zc 2>/dev/null' EXIT

ktap_needs_zcctl

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

# finding NAME: its state, of the JSON in the file "doctor"
finding()
{
	sed -nE "s/.*\"name\":\"$1\",\"state\":\"([a-z]*)\".*/\\1/p" "$dir/doctor"
}

# refused STATUS CAUSE ARGUMENT...: zcctl load says so, for people and as JSON, with what
# the kernel had logged
refused()
{
	local status=$1 cause=$2

	shift 2
	zcctl load "$@" >"$dir/out" 2>"$dir/err"
	[ $? -eq "$status" ] || return
	zcctl -j load "$@" >"$dir/out" 2>"$dir/json"
	[ $? -eq "$status" ] && [ "$(field json cause)" = "$cause" ] && [ ! -e /dev/zc ]
}

# patched NAME FROM TO: a copy of the module, with one text instead of another as long
patched()
{
	[ ${#2} -eq ${#3} ] && LC_ALL=C sed "s/$2/$3/g" "$ko" >"$dir/$1" &&
		! cmp -s "$ko" "$dir/$1"
}

# Then the kernel compares these, and not the version in vermagic.
has_sums()
{
	modinfo -F vermagic "$ko" | grep -q modversions
}

# other_sum FILE SYMBOL: the module, built against another version of the symbol
other_sum()
{
	python3 - "$@" <<-'END'
	import sys
	data = bytearray(open(sys.argv[1], "rb").read())
	# struct modversion_info: a sum of eight bytes, and the name, filled up with zeroes
	name = b"\0" + sys.argv[2].encode() + b"\0" * 20
	assert data.count(name) == 1, sys.argv[2]
	data[data.find(name) - 7] ^= 0xff
	sys.stdout.buffer.write(data)
	END
}

# What each machine sees of one that was changed after it was built.
ordinary()
{
	local release

	release=$(uname -r)
	ktap_plan 16
	patched name.ko "vermagic=$release" "vermagic=9${release#?}" &&
		if has_sums; then
			other_sum "$dir/name.ko" module_layout >"$dir/vermagic.ko"
		else
			mv "$dir/name.ko" "$dir/vermagic.ko"
		fi &&
		refused 1 vermagic --path "$dir/vermagic.ko" &&
		says "built for kernel 9${release#?}, and this one is $release" err &&
		says '"kernel_log":\["zc: ' json
	ktap_test "another kernel's module: both are named" $?
	patched flags.ko "$release SMP" "$release UNI" &&
		refused 1 vermagic --path "$dir/flags.ko" &&
		says "another configuration" err && says "'$release UNI" err
	ktap_test "one of another configuration" $?
	patched symbol.ko sock_sendmsg sock_sendmsX && refused 1 symbol --path "$dir/symbol.ko" &&
		says "needs the symbol sock_sendmsX, which" err
	ktap_test "a symbol that the kernel lacks is named" $?
	if has_sums; then
		other_sum "$ko" sock_sendmsg >"$dir/version.ko" &&
			refused 1 symbol-version --path "$dir/version.ko" &&
			says "another sock_sendmsg" err
		ktap_test "a symbol of another version is named" $?
	else
		ktap_skip "a symbol of another version is named" "no CONFIG_MODVERSIONS"
	fi
	refused 1 parameter --path "$ko" depth=9 && says "depth does not take the value 9" err
	ktap_test "a parameter out of its range is named" $?
	refused 1 parameter --path "$ko" held_after=soon && says "held_after does not take .* soon" err
	ktap_test "a parameter that is no number is named" $?
	head -c 100000 "$ko" >"$dir/cut.ko"
	refused 1 format --path "$dir/cut.ko" && says "the kernel says: " err
	ktap_test "a file that is cut: the kernel's own words" $?
	zcctl load 2>"$dir/err"
	[ $? -eq 1 ] && says "not installed for this kernel" err
	ktap_test "one that is not installed" $?
	setpriv --reuid 65534 --clear-groups "$(command -v zcctl)" load --path "$ko" 2>"$dir/err"
	[ $? -eq 4 ] && says "run as root" err
	ktap_test "root is wanted" $?
	if command -v zcctl-static >/dev/null; then
		zcctl-static load --path "$dir/vermagic.ko" 2>"$dir/err"
		[ $? -eq 1 ] && says "built for kernel 9${release#?}, and" err
		ktap_test "static binary: another kernel's module" $?
	else
		ktap_skip "static binary: another kernel's module" "no zcctl-static in PATH"
	fi
	ordinary_doctor
}

# doctor STATUS ARGUMENT...: that is its status, and the file "doctor" has what it found
doctor()
{
	local status=$1

	shift
	zcctl -j doctor "$@" >"$dir/doctor"
	[ $? -eq "$status" ] && says '"schema":"zcctl/1","kind":"doctor"' doctor
}

ordinary_doctor()
{
	doctor 1 && [ "$(finding module)" = problem ] && [ "$(finding signature)" = ok ] &&
		[ "$(finding lockdown)" = ok ]
	ktap_test "doctor without the module: a problem" $?
	echo never >/sys/kernel/mm/transparent_hugepage/enabled
	zcctl load --path "$ko" >/dev/null && head -c 1M /dev/zero >"$dir/file" &&
		doctor 0 "$dir/file" --to localhost && [ "$(finding module)" = ok ] &&
		[ "$(finding device)" = ok ] && [ "$(finding memory-node1)" = ok ] &&
		[ "$(finding file)" = ok ] && [ "$(finding route)" = ok ]
	ktap_test "doctor with it: none" $?
	[ "$(finding thp)" = note ] && zcctl -j alloc 4M >"$dir/out" &&
		[ "$(field out pmd_mapped_bytes)" = 4194304 ]
	ktap_test "buffers are of hugepages without transparent ones, as doctor says" $?
	echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
	setpriv --reuid 65534 --regid 65534 --clear-groups "$(command -v zcctl)" -j doctor \
		>"$dir/doctor" && [ "$(finding device)" = warning ] && says "usermod -aG" doctor
	ktap_test "doctor for a user who may not open the device" $?
	doctor 0 /proc/version && [ "$(finding file)" = warning ] &&
		doctor 1 /dev && [ "$(finding file)" = problem ]
	ktap_test "doctor of files that are not read directly, or not at all" $?
	if ip link add zcdummy type dummy 2>/dev/null; then
		ip address add 192.0.2.1/24 dev zcdummy
		ip link set zcdummy up
		ethtool -K zcdummy sg off >/dev/null
		doctor 0 --to 192.0.2.9 && [ "$(finding route)" = warning ] &&
			says "sudo ethtool -K zcdummy tx on sg on" doctor &&
			ethtool -K zcdummy tx on sg on >/dev/null && doctor 0 --to 192.0.2.9:1 &&
			[ "$(finding route)" = ok ]
		ktap_test "doctor of a route whose device does not gather, and what mends it" $?
		ip link del zcdummy
	else
		ktap_skip "doctor of a route whose device does not gather" "no dummy interfaces"
	fi
}

# borrow FILE: give it the signature of a module of the kernel's own
borrow()
{
	python3 - "$ko" "$1" <<-'END'
	import glob, lzma, os, sys
	name = glob.glob("/lib/modules/%s/kernel/fs/ext4/ext4.ko*" % os.uname().release)[0]
	data = (lzma.open if name.endswith(".xz") else open)(name, "rb").read()
	magic = b"~Module signature appended~\n"
	assert data.endswith(magic)
	length = int.from_bytes(data[-len(magic) - 4:-len(magic)], "big")
	tail = data[-len(magic) - 12 - length:]
	open(sys.argv[2], "wb").write(open(sys.argv[1], "rb").read() + tail)
	END
}

# Only what is signed is loaded.
enforced()
{
	ktap_plan 5
	refused 1 unsigned --path "$ko" && says "is not signed, and this kernel takes only" err &&
		says "mokutil --import" err
	ktap_test "sig_enforce: a module without a signature" $?
	borrow "$dir/changed.ko" && refused 1 signature --path "$dir/changed.ko" &&
		says "its signature is" err
	ktap_test "sig_enforce: one that is not what was signed" $?
	LC_ALL=C sed 's/autogenerated kernel key/autogenerated KERNEL key/' "$dir/changed.ko" \
		>"$dir/key.ko"
	refused 1 signature-key --path "$dir/key.ko" && says "a key that this kernel does not know" err
	ktap_test "sig_enforce: one that is signed by a key nobody knows" $?
	doctor 1 && [ "$(finding signature)" = warning ] && says "(module.sig_enforce)" doctor
	ktap_test "sig_enforce: doctor says so before" $?
	installed "sig_enforce"
}

locked()
{
	ktap_plan 4
	refused 4 lockdown --path "$ko" && says "locked down, integrity" err &&
		says "is not signed" err && says "Lockdown: zcctl" json
	ktap_test "lockdown: a module without a signature" $?
	doctor 1 && [ "$(finding signature)" = warning ] && [ "$(finding lockdown)" = note ] &&
		says "locked down (integrity)" doctor
	ktap_test "lockdown: doctor says so before" $?
	umount /sys/kernel/security && doctor 1 && says "securityfs is not mounted" doctor &&
		says "mount -t securityfs" doctor
	ktap_test "lockdown: doctor says if it cannot be seen" $?
	mount -t securityfs securityfs /sys/kernel/security
	installed "lockdown"
}

# installed NAME: the folder of modules is read-only; doctor sees another
installed()
{
	local root=$dir/root release

	release=$(uname -r)
	mkdir -p "$root/lib/modules/$release/updates"
	ln -s /proc /sys /dev /etc "$root"
	cp "$ko" "$root/lib/modules/$release/updates/zc.ko"
	echo "updates/zc.ko:" >"$root/lib/modules/$release/modules.dep"
	ZCCTL_ROOT=$root doctor 1 && [ "$(finding signature)" = problem ] &&
		says "scripts/sign-file sha256" doctor
	ktap_test "$1: doctor of one that is installed" $?
}

rmmod zc 2>/dev/null
mountpoint -q /sys/kernel/security ||
	mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
if [ "$(cat /sys/module/module/parameters/sig_enforce 2>/dev/null)" = Y ]; then
	enforced
elif grep -q '\[integrity\]\|\[confidentiality\]' /sys/kernel/security/lockdown 2>/dev/null; then
	locked
else
	ordinary
fi
ktap_end
