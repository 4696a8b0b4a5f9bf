/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel is to answer, as text: fixtures/README. */
#ifndef _FAKE_H
#define _FAKE_H

#include "nl.h"

/**
 * struct block - an answer, or an event
 * @cmd:         command or event
 * @dump:        of a dump
 * @event:       an event
 * @group:       its group
 * @error:       errno, or 0
 * @text:        what is said of the error
 * @no_nul:      without a NUL at its end
 * @whole:       with the whole request
 * @cut:         bytes that lack at the end
 * @attr:        attribute that the error is about
 * @miss:        attribute that is missing
 * @interrupted: NLM_F_DUMP_INTR
 * @first:       line of the first message
 * @nr:          messages
 */
struct block {
	int cmd;
	bool dump;
	bool event;
	char group[32];
	int error;
	char text[300];
	bool no_nul;
	bool whole;
	int cut;
	int attr;
	int miss;
	bool interrupted;
	int first;
	int nr;
};

/**
 * struct script - all of them
 * @lines:      of the file
 * @nr_lines:   how many
 * @blocks:     answers and events
 * @nr:         how many
 * @next_event: of which the next is
 * @join_error: errno of joining a group
 */
struct script {
	char **lines;
	int nr_lines;
	struct block *blocks;
	int nr;
	int next_event;
	int join_error;
};

int script_read(struct script *script, const char *path);
void script_free(struct script *script);
const struct block *script_find(const struct script *script, int cmd, bool dump,
				unsigned int nth);
const struct block *script_event(struct script *script, int *cmd);
struct nl_msg *script_message(const struct script *script, const struct block *block, int nr,
			      int family, int cmd, uint32_t seq);

#endif /* _FAKE_H */
