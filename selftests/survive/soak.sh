#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A mixed load for half a minute, or as many seconds as $ZC_SOAK says; seeds: $ZC_SEED.
# shellcheck disable=SC1091
# shellcheck source=../ktap.sh
. ./ktap.sh
set -u
ktap_plan 2
zc_load
./soak --seconds "${ZC_SOAK:-30}" --seed "${ZC_SEED:-1}"
ktap_test "a mixed load: each byte right, nothing left" $?
rmmod zc
ktap_test "nobody has the device any more" $?
ktap_end
