// SPDX-License-Identifier: GPL-2.0-only
/* What goes on until it is stopped: by a signal, by who does not read any more, in time. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "stop.h"

static volatile sig_atomic_t stopped;

static void on_signal(int nr)
{
	stopped = nr;
}

/**
 * stop_watch - have SIGINT, SIGTERM and SIGHUP end what goes on, rather than the process
 *
 * They come while something is waited for alone, so that none is missed between a look at
 * stop_asked() and the wait. What is ignored, as by nohup(1), stays so.
 */
void stop_watch(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction act = { .sa_handler = on_signal }, old;
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		if (sigaction(signals[i], NULL, &old) || old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &act, NULL);
		sigaddset(&set, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/**
 * stop_poll - poll(2), which signals interrupt
 * @pfd:        what for, or NULL
 * @timeout_ms: how long; negative: for as long as it takes
 *
 * Returns: as poll(2).
 */
int stop_poll(struct pollfd *pfd, int timeout_ms)
{
	struct timespec ts = { timeout_ms / 1000, timeout_ms % 1000 * 1000000l };
	sigset_t none;

	sigemptyset(&none);
	return ppoll(pfd, pfd ? 1 : 0, timeout_ms < 0 ? NULL : &ts, &none);
}

/**
 * stop_asked - did one of these signals come?
 */
bool stop_asked(void)
{
	return stopped;
}

/**
 * stop_pipe - can the reader of standard output go away?
 */
bool stop_pipe(void)
{
	struct stat st;

	return !fstat(STDOUT_FILENO, &st) && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/**
 * stop_unread - is there nobody any more who reads standard output?
 */
bool stop_unread(void)
{
	struct pollfd pfd = { .fd = STDOUT_FILENO };

	return poll(&pfd, 1, 0) > 0 && pfd.revents & (POLLERR | POLLNVAL);
}

/**
 * stop_sleep - wait
 * @until_ns: until then, by now_ns()
 *
 * Returns: false if something is to stop meanwhile.
 */
bool stop_sleep(uint64_t until_ns)
{
	uint64_t now;

	while (!stopped && (now = now_ns()) < until_ns)
		stop_poll(NULL, (until_ns - now) / 1000000 + 1);
	return !stopped;
}

/**
 * time_utc - a time of day, for machines: RFC 3339, UTC, microseconds
 * @when: time
 * @text: room
 * @size: bytes of it
 *
 * Returns: @text.
 */
const char *time_utc(const struct timespec *when, char *text, size_t size)
{
	char day[32];
	struct tm tm;

	gmtime_r(&when->tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, size, "%s.%06ldZ", day, when->tv_nsec / 1000);
	return text;
}

/**
 * time_local - the same for people: ISO 8601, their own time, milliseconds
 * @when: time
 * @text: room
 * @size: bytes of it
 *
 * Returns: @text.
 */
const char *time_local(const struct timespec *when, char *text, size_t size)
{
	char day[32], zone[8];
	struct tm tm;

	localtime_r(&when->tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	/* "+0100" is not what ISO 8601 has in its extended format. */
	snprintf(text, size, "%s.%03ld%.3s:%s", day, when->tv_nsec / 1000000, zone, zone + 3);
	return text;
}
