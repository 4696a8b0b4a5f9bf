// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings of the machine that a benchmark changes, which are restored at its end, by
 * exit() as well as by a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "method.h"

#define SETTINGS_MAX	1024
#define VALUE_MAX	64

/* All in here is for a signal handler, too: no memory is allocated there. */
static struct setting {
	char path[128];
	char old[VALUE_MAX];
} settings[SETTINGS_MAX];
static volatile sig_atomic_t nr_settings;
static pid_t owner;

static int write_value(const char *path, const char *value)
{
	size_t len = strlen(value);
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, len) != (ssize_t)len)
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

/* Without the newline at the end. */
static int read_value(const char *path, char *value)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, value, VALUE_MAX - 1);
	close(fd);
	if (n <= 0)
		return n ? -errno : -ENODATA;
	value[n - (value[n - 1] == '\n')] = '\0';
	return 0;
}

/* Newest first. Only by the process that changed them: children inherit the list. */
void bench_settings_restore(void)
{
	if (getpid() != owner)
		return;
	while (nr_settings) {
		nr_settings--;
		write_value(settings[nr_settings].path, settings[nr_settings].old);
	}
}

static void on_signal(int sig)
{
	bench_settings_restore();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void arrange_restore(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	const struct sigaction action = { .sa_handler = on_signal };
	size_t i;

	owner = getpid();
	atexit(bench_settings_restore);
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaction(ends[i], &action, NULL);
}

/**
 * bench_setting - change a setting of the machine until the end of this process
 * @path:  file in /proc or /sys
 * @value: for it
 *
 * Returns: 0, or a negative errno with the setting as it was. SIGKILL leaves it changed.
 */
int bench_setting(const char *path, const char *value)
{
	struct setting *setting = &settings[nr_settings];
	int err;

	if (nr_settings == SETTINGS_MAX || strlen(path) >= sizeof(setting->path))
		return -E2BIG;
	err = read_value(path, setting->old);
	if (err || !strcmp(setting->old, value))
		return err;
	memcpy(setting->path, path, strlen(path) + 1);
	if (!owner)
		arrange_restore();
	/* Before it is changed: a signal may come between. */
	nr_settings++;
	err = write_value(path, value);
	if (err)
		nr_settings--;
	return err;
}
