#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# module.sh K: build/module-K/zc.ko, for a kernel of the lab
set -euo pipefail
. "$(dirname "$0")/lib.sh"

k=${1:?usage: module.sh K}
kernel "$k"
build_module "$k" "$ZC_TOP/build/module-$k"
echo "build/module-$k/zc.ko"
