#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# guest-packages.sh VERSION: in a guest, with the packages of zcctl and libzc installed as
# dpkg does it, and the module that dkms has built: it is loaded, shows itself, and sends.
set -eux
dpkg -i /zc/debs/*.deb
[ "$(command -v zcctl)" = /usr/sbin/zcctl ]
[ "$(zcctl --version)" = "zcctl $1" ]
zcctl load --path /zc/dkms.ko
zcctl status
zcctl status | grep -q "^zc $1,"
head -c 5000000 /dev/urandom >/mnt/ext4/file
# What the page cache has would go out from there.
sync
echo 3 >/proc/sys/vm/drop_caches

# received NAME: what came is the file
received()
{
	wait $!
	cmp "/mnt/ext4/file" "/mnt/ext4/$1"
}

# listening PORT: wait for it
listening()
{
	for _ in $(seq 100); do
		ss -tln | grep -q ":$1 " && return
		sleep 0.1
	done
	return 1
}

zcctl recv 4000 -o /mnt/ext4/by-zcctl &
listening 4000
zcctl send /mnt/ext4/file 127.0.0.1:4000
received by-zcctl
zcctl recv 4001 -o /mnt/ext4/by-libzc &
listening 4001
/zc/example-send /mnt/ext4/file 127.0.0.1 4001
received by-libzc
zcctl unload
dpkg -P zcctl libzc0
[ ! -e /usr/sbin/zcctl ]
