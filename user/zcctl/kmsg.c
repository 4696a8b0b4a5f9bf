// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel logs from a moment on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

/**
 * kmsg_open - remember where the kernel's log ends
 *
 * Returns: a descriptor for kmsg_read(), or -1 if the log may not be read.
 */
int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && lseek(fd, 0, SEEK_END) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* "6,339,5140900,-;text", then lines of details, which begin with a blank. */
static const char *text_of(char *record)
{
	char *text = strchr(record, ';');

	if (!text)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text + 1;
}

/* Does it speak of a module, and of more than taints? Others log at the same time. */
static bool of_modules(const char *text)
{
	static const char *const words[] = { "odule", "ELF", "Lockdown:" };
	size_t i;

	if (strstr(text, "taint"))
		return false;
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(text, words[i]))
			return true;
	return !strncmp(text, "zc:", strlen("zc:"));
}

/**
 * kmsg_read - what was said of modules since
 * @fd:  descriptor of kmsg_open()
 * @log: gets it
 */
void kmsg_read(int fd, struct kmsg *log)
{
	char record[8192];
	const char *text;
	ssize_t len;

	log->nr = 0;
	while (fd >= 0 && log->nr < KMSG_LINES) {
		len = read(fd, record, sizeof(record) - 1);
		if (len < 0 && (errno == EPIPE || errno == EINTR))
			continue;	/* some were overwritten: go on with the next */
		if (len <= 0)
			break;
		record[len] = '\0';
		text = text_of(record);
		if (text && of_modules(text))
			snprintf(log->line[log->nr++], KMSG_LINE, "%s", text);
	}
}
