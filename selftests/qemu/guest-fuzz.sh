#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest: guest-fuzz.sh [OPTION...]: the fuzzer with these options, and then a look at
# what it has left and what the kernel had to say. The status is 0 if all is well.
# shellcheck source=selftests/qemu/guest-look.sh
. /zc/guest-look.sh

# kmemleak looks once, when all is unloaded: by itself it has one of two processors for more
# than a minute of ten. That it stops is in the kernel's log, by the same name as its findings.
leaks=/sys/kernel/debug/kmemleak
[ ! -e $leaks ] || echo scan=off >$leaks
look_begin
status=0
/zc/kselftest/fuzz/fuzz "$@" || status=$?
look_end || status=1
exit $status
