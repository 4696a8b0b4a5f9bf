# SPDX-License-Identifier: GPL-2.0-only
# What the topics share; included at the end of their Makefiles. Static, so that
# the programs run in any guest.

TEST_FILES += settings
CFLAGS	+= -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers \
	-Wno-sign-compare -Wno-clobbered \
	-D_GNU_SOURCE= -D_FILE_OFFSET_BITS=64 -I$(KSFT_SRC) -I.. -I../../uapi
LDFLAGS	+= -static -pthread

LOCAL_HDRS += $(wildcard ../../uapi/linux/*.h)

include $(KSFT_SRC)/lib.mk

$(TEST_GEN_PROGS): ../zc_test.c ../zc_test.h
