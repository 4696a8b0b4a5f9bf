#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest: guest-bench-nic.sh PORT, with a receiver outside, at 10.0.2.2:PORT.
# What is copied, and how many fragments a packet has, on an e1000e.
set -euo pipefail

insmod "$ZC_KO"
head -c 16M /dev/zero >/mnt/ext4/file
zcctl --json bench nic /mnt/ext4/file "10.0.2.2:$1" >/zc/out/nic.json
