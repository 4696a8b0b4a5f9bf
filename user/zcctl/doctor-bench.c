// SPDX-License-Identifier: GPL-2.0-only
/* zcctl doctor: has a benchmark that was killed left settings of the machine changed? */
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "bench/claim.h"
#include "doctor.h"

static void look(struct doctor *doctor, const char *path, const char *was)
{
	char now[256], command[1024];

	root_line(now, sizeof(now), "%s", path);
	if (!strcmp(now, was))
		return;
	snprintf(command, sizeof(command), "echo %s | sudo tee %s", was, path);
	doctor_find(doctor, "bench", DOCTOR_WARNING, command,
		    "zcctl bench was killed, and left %s at %s; the next one that changes "
		    "settings puts it back", path, now);
}

/**
 * doctor_bench - settings that were left behind. Only root sees them
 * @doctor: the visit
 */
void doctor_bench(struct doctor *doctor)
{
	FILE *f = root_open(CLAIM_FILE);
	char line[512], *value;

	if (!f)
		return;
	/* One that runs has them changed, and puts them back. */
	while (!flock(fileno(f), LOCK_SH | LOCK_NB) && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		look(doctor, line, value);
	}
	fclose(f);
}
