// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints themselves: what trace.h declares is defined here.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
