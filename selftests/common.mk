# SPDX-License-Identifier: GPL-2.0-only
# What the topics share; included at the end of their Makefiles. Static, so that
# the programs run in any guest.

# In a kernel tree, where "make -C selftests drop-in" put this folder, there are no folders
# beside it: what is needed of them is in files/.
KSFT_SRC ?= $(abspath ../..)
UAPI	:= $(firstword $(wildcard ../../uapi ../files/uapi))
outside	= $(foreach f,$(1),$(firstword $(wildcard ../../$(f) ../files/$(notdir $(f)))))

TEST_FILES += settings
CFLAGS	+= -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers \
	-Wno-sign-compare -Wno-clobbered \
	-D_GNU_SOURCE= -D_FILE_OFFSET_BITS=64 -I$(KSFT_SRC) -I.. -I$(UAPI)
LDFLAGS	+= -static -pthread

LOCAL_HDRS += $(wildcard $(UAPI)/linux/*.h)

include $(KSFT_SRC)/lib.mk

common	:= $(OUTPUT)/zc_test.o $(OUTPUT)/zc_data.o
$(common): $(OUTPUT)/%.o: ../%.c ../zc_test.h
	$(Q)$(CC) $(CFLAGS) -c $< -o $@

$(TEST_GEN_PROGS): $(common) ../zc_test.h
EXTRA_CLEAN += $(common)
