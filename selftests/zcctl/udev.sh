#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is installed for udev, with udevd itself: the group zc comes with sysusers.conf,
# gets /dev/zc by 60-zc.rules, and its members need no root.
# shellcheck disable=SC1091,SC2317
. ./ktap.sh
set -u
ko=${ZC_KO:-/zc/zc.ko}
rules=/run/udev/rules.d/60-zc.rules
dir=$(mktemp -d /tmp/udev-XXXXXX)
PATH=$PATH:/lib/systemd:/usr/lib/systemd

missing=''
for program in systemd-udevd udevadm systemd-sysusers setpriv zcctl; do
	command -v "$program" >/dev/null || missing+=" $program"
done
if [ -n "$missing" ]; then
	ktap_skip_all "no$missing in PATH"
fi
# One that runs already has rules, and users, of its own.
if udevadm control --ping --timeout=5 2>/dev/null; then
	ktap_skip_all "udevd runs already"
fi

clean()
{
	udevadm control --exit
	rmmod zc
	cp -p "$dir/etc"/* /etc
	rm -rf "$dir" "$rules"
} 2>/dev/null
trap clean EXIT
mkdir "$dir/etc"
cp -p /etc/passwd /etc/group /etc/shadow /etc/gshadow "$dir/etc"

# as USER COMMAND...: with the groups that he has
as()
{
	setpriv --reuid "$1" --regid "$1" --init-groups "${@:2}"
}

# node: the owner, group and mode of the device
node()
{
	stat -c '%U:%G %a' /dev/zc
}

ktap_plan 9
rmmod zc 2>/dev/null
cat >"$dir/users.conf" <<-END
	u zc-member - "a member of zc"
	m zc-member zc
	u zc-other - "another user"
END
systemd-sysusers "$PWD/sysusers.conf" && grep -q '^zc:' /etc/group &&
	systemd-sysusers "$dir/users.conf" && grep -q '^zc:.*:zc-member$' /etc/group
ktap_test "the group, and a user in it" $?

insmod "$ko" && [ "$(node)" = "root:root 660" ]
ktap_test "without udev the device is root's" $?
as zc-member zcctl alloc 2M 2>"$dir/err"
[ $? -eq 4 ] && grep -q "run as root; a udev rule" "$dir/err"
ktap_test "then zcctl says that there is a rule" $? "$(cat "$dir/err")"

mkdir -p "${rules%/*}" && cp 60-zc.rules "$rules" && systemd-udevd --daemon &&
	udevadm trigger --sysname-match=zc && udevadm settle
[ "$(node)" = "root:zc 660" ]
ktap_test "as the installation says: trigger changes the device that is there" $? "$(node)"
rmmod zc && insmod "$ko" && udevadm settle
[ "$(node)" = "root:zc 660" ]
ktap_test "the device of a module that is loaded is the group's" $? "$(node)"
udevadm info --query=property --name=/dev/zc >"$dir/out"
grep -q '^TAGS=.*:systemd:' "$dir/out"
ktap_test "units of systemd can wait for it" $? "$(cat "$dir/out")"

as zc-member zcctl alloc 2M >"$dir/out" 2>&1 && grep -q "2.0 MiB" "$dir/out"
ktap_test "a member of the group makes a buffer" $? "$(cat "$dir/out")"
as zc-other zcctl alloc 2M 2>"$dir/err"
[ $? -eq 4 ] && grep -q "join the group zc: usermod -aG zc USER" "$dir/err"
ktap_test "another user is told of the group" $? "$(cat "$dir/err")"
chgrp 4242 /dev/zc
as zc-other zcctl alloc 2M 2>"$dir/err"
[ $? -eq 4 ] && grep -q "join the group of /dev/zc: usermod -aG GROUP USER" "$dir/err"
ktap_test "a group without a name" $? "$(cat "$dir/err")"
ktap_end
