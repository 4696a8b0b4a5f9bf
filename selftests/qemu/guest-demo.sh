#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest: guest-demo.sh FILE SHA256 PORT, with a client waiting outside, at
# 10.0.2.2:PORT. See demo.sh.
set -euo pipefail

file=$1 sum=$2 port=$3

# run COMMAND...: show it, then do it
run()
{
	echo "\$ $*"
	"$@"
	echo
}

echo
echo "Linux $(uname -r) in QEMU, $(nproc) processors, nothing of it on the host"
echo
run zcctl load --path /zc/zc.ko
run zcctl status
run zcctl alloc 64M

echo "A client in the guest: socat | sha256sum"
socat -u TCP-LISTEN:7001,reuseaddr STDOUT | sha256sum >/tmp/received &
client=$!
for _ in $(seq 50); do
	! ss -ltn | grep -q ':7001 ' || break
	sleep 0.1
done
run zcctl send "$file" 127.0.0.1:7001
wait "$client"
got=$(cut -d' ' -f1 /tmp/received)
echo "Received in the guest: SHA-256 $got"
if [ "$got" != "$sum" ]; then
	echo "that differs from what was sent: $sum" >&2
	exit 1
fi
echo

echo "A client outside of the guest, beyond an emulated e1000e network card"
run zcctl send "$file" "10.0.2.2:$port"

echo "What it costs, with nothing in the page cache, to a client in the guest, once, by an"
echo "emulated processor (the factors of a real one are its own: zcctl bench io):"
run zcctl bench io "$file" --paths rw-32k,sendfile,zc-direct --cache cold \
	--repeat 1
