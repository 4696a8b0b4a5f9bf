// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who changes settings of the machine: one benchmark at a time, which else would put back what
 * another one had set. The file says, too, what the settings were, for whoever comes after one
 * that was killed. A line of each, "PATH VALUE", follows that of the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "claim.h"

static int claimed = -1;

/* One of root's, and no link that somebody else has put there. */
static int open_file(void)
{
	int fd = open(CLAIM_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    st.st_nlink == 1 && !(st.st_mode & 0022))
		return fd;
	close(fd);
	return -EPERM;
}

/**
 * claim_take - be the one who changes settings, until the end of this process
 * @holder: out, with -EBUSY: who is it, or 0
 *
 * Returns: 1 if it is now, 0 if it was before, or a negative errno.
 */
int claim_take(pid_t *holder)
{
	char text[32] = "";
	int err, fd;

	*holder = 0;
	if (claimed >= 0)
		return 0;
	fd = open_file();
	if (fd < 0)
		return fd;
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		claimed = fd;
		return 1;
	}
	err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (pread(fd, text, sizeof(text) - 1, 0) > 0)
		*holder = strtol(text, NULL, 10);
	close(fd);
	return err;
}

/**
 * claim_each - each setting that a file says was changed, the newest first
 * @fd:   the file
 * @back: puts it back
 */
void claim_each(int fd, void (*back)(const char *path, const char *value))
{
	static char text[1 << 20];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	char *line, *value;

	if (n <= 0)
		return;
	text[n] = '\0';
	/* A line that has no end was not written as a whole: its setting was not changed. */
	line = strrchr(text, '\n');
	while (line) {
		*line = '\0';
		line = strrchr(text, '\n');
		value = line ? strchr(line + 1, ' ') : NULL;
		if (!value)
			continue;
		*value++ = '\0';
		if (!strncmp(line + 1, "/proc/", 6) || !strncmp(line + 1, "/sys/", 5))
			back(line + 1, value);
	}
}

/**
 * claim_left - each setting that one left who was killed, the newest first
 * @back: puts it back
 */
void claim_left(void (*back)(const char *path, const char *value))
{
	claim_each(claimed, back);
}

/* Nothing is changed any more. Also for a signal handler. */
void claim_clear(void)
{
	if (claimed >= 0 && ftruncate(claimed, 0))
		return;
}

/**
 * claim_note - what a setting is before it is changed
 * @path:  of it
 * @value: of it
 *
 * Returns: 0 or a negative errno.
 */
int claim_note(const char *path, const char *value)
{
	off_t end = lseek(claimed, 0, SEEK_END);
	int n;

	if (strchr(value, '\n'))
		return -EINVAL;
	if (!end)
		dprintf(claimed, "%d\n", getpid());
	n = dprintf(claimed, "%s %s\n", path, value);
	return n < 0 ? -errno : 0;
}
