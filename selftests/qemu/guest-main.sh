#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# First process of a guest's real root: finish the set-up, run the command that
# the payload brought, report, power off. Ports: zc.ctl takes our marks ("up",
# "end STATUS"), zc.stdout what the command prints, zc.out a tar of /zc/out.
port()
{
	local name

	for name in /sys/class/virtio-ports/*/name; do
		if [ "$(cat "$name")" = "$1" ]; then
			name=${name%/name}
			echo "/dev/${name##*/}"
		fi
	done
}

special_files()
{
	ln -sf /proc/self/fd /dev/fd
	ln -sf /proc/self/fd/0 /dev/stdin
	ln -sf /proc/self/fd/1 /dev/stdout
	ln -sf /proc/self/fd/2 /dev/stderr
	mkdir -p /dev/pts /dev/shm
	mount -t devpts devpts /dev/pts
	mount -t tmpfs tmpfs /dev/shm
	mount -t tmpfs tmpfs /tmp
	mount -t tmpfs tmpfs /run
	mount -t debugfs debugfs /sys/kernel/debug
	mount -t tracefs tracefs /sys/kernel/tracing
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
}

# QEMU's user network: the host is 10.0.2.2.
network()
{
	local nic

	ip link set lo up
	grep -qw zc.net /proc/cmdline || return 0
	modprobe e1000e || return
	for nic in /sys/class/net/e*; do
		nic=${nic##*/}
		ip link set "$nic" up
		ip address add 10.0.2.15/24 dev "$nic"
		ip route add default via 10.0.2.2
	done
	for _ in $(seq 50); do
		[ "$(cat "/sys/class/net/$nic/carrier")" != 1 ] || return 0
		sleep 0.1
	done
	echo "the network card has no carrier" >&2
	return 1
}

special_files
hostname zc-guest
export HOME=/root TERM=dumb LANG=C.UTF-8
export PATH=/zc/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LD_LIBRARY_PATH=/zc/lib ZC_KO=/zc/zc.ko

exec 9>"$(port zc.ctl)"
echo up >&9
mkdir -p /zc/out
cd /zc || exit
{
	network && bash /zc/command 9>&-
	echo $? >/run/status
} </dev/null 2>&1 | cat >"$(port zc.stdout)"
tar -C /zc/out -c . >"$(port zc.out)"
echo "end $(cat /run/status)" >&9
sync
echo o >/proc/sysrq-trigger
sleep 60
