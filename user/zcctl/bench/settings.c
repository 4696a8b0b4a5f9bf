// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings of the machine that a benchmark changes, which are restored at its end, by
 * exit() as well as by a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claim.h"
#include "method.h"
#include "zcctl.h"

#define SETTINGS_MAX	1024
#define VALUE_MAX	256

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
	/* What is not known as a whole could not be restored. */
	if (n == VALUE_MAX - 1)
		return -E2BIG;
	value[n - (value[n - 1] == '\n')] = '\0';
	return 0;
}

/* Put the newest one back. Only by the process that changed it: children inherit the list. */
static int restore_one(void)
{
	const struct setting *setting = &settings[nr_settings - 1];
	bool own = getpid() == owner;
	int err = own ? write_value(setting->path, setting->old) : 0;

	nr_settings--;
	if (own && !nr_settings)
		claim_clear();
	return err;
}

static void restore_all(void)
{
	while (nr_settings)
		restore_one();
}

static void on_signal(int sig)
{
	restore_all();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* What is ignored, as by nohup(1), stays so: it ends nothing. */
static void arrange_restore(void)
{
	static const int ends[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGXCPU,
		/* It is not well itself, or a file that it has mapped became shorter. */
		SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL,
	};
	const struct sigaction action = { .sa_handler = on_signal };
	struct sigaction old;
	size_t i;

	owner = getpid();
	atexit(restore_all);
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (!sigaction(ends[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(ends[i], &action, NULL);
}

static bool changed_before(const char *path)
{
	int i;

	for (i = 0; i < nr_settings; i++)
		if (!strcmp(settings[i].path, path))
			return true;
	return false;
}

static void put_back(const char *path, const char *value)
{
	int err = write_value(path, value);

	if (out_json)
		return;
	fprintf(stderr, "zcctl: a benchmark that was killed had left %s changed: ", path);
	if (err)
		fprintf(stderr, "it cannot be put back to %s: %s\n", value, strerror(-err));
	else
		fprintf(stderr, "it is %s again\n", value);
}

/* Only root can change anything. */
static int claim(pid_t *holder)
{
	int err = geteuid() ? 0 : claim_take(holder);

	if (err <= 0)
		return err;
	claim_left(put_back);
	claim_clear();
	return 0;
}

/**
 * bench_settings_claim - be the only benchmark that changes settings
 *
 * What one left that was killed is put back. Returns: an exit code, after an error message.
 */
int bench_settings_claim(void)
{
	pid_t holder = 0;
	char who[32] = "";
	int err = claim(&holder);

	if (!err)
		return EX_OK;
	if (err != -EBUSY)
		return out_error(EX_FAILED, -err, NULL, "cannot keep the settings in %s",
				 CLAIM_FILE);
	if (holder > 0)
		snprintf(who, sizeof(who), ", process %d,", holder);
	return out_error(EX_FAILED, 0, "wait until it has ended",
			 "another zcctl bench%s has changed settings of this machine", who);
}

/**
 * bench_setting - change a setting of the machine until the end of this process
 * @path:  file in /proc or /sys
 * @value: for it
 *
 * One that is changed again goes back to what it was at first.
 *
 * Returns: 0, or a negative errno with the setting as it was. SIGKILL leaves it changed until
 * the next benchmark that changes any.
 */
int bench_setting(const char *path, const char *value)
{
	struct setting *setting = &settings[nr_settings];
	pid_t holder;
	int err;

	if (changed_before(path))
		return write_value(path, value);
	if (nr_settings == SETTINGS_MAX || strlen(path) >= sizeof(setting->path))
		return -E2BIG;
	err = claim(&holder) ?: read_value(path, setting->old);
	if (err || !strcmp(setting->old, value))
		return err;
	memcpy(setting->path, path, strlen(path) + 1);
	err = geteuid() ? 0 : claim_note(path, setting->old);
	if (err)
		return err;
	if (!owner)
		arrange_restore();
	/* Before it is changed: a signal may come between. */
	nr_settings++;
	err = write_value(path, value);
	if (err)
		nr_settings--;
	return err;
}

/**
 * bench_settings_restore - put all back
 * @ret: exit code so far
 *
 * Returns: that, or another after an error message.
 */
int bench_settings_restore(int ret)
{
	while (nr_settings) {
		const struct setting *setting = &settings[nr_settings - 1];
		int err = restore_one();

		if (err)
			ret = out_error(EX_FAILED, -err, NULL, "cannot put back %s to %s",
					setting->path, setting->old);
	}
	return ret;
}
