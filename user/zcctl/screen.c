// SPDX-License-Identifier: GPL-2.0-only
/*
 * A terminal that is drawn anew again and again, by the sequences that all terminals of
 * today know. It is left as it was found, whatever ends the program.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "screen.h"
#include "stop.h"

/* A screen of its own, no cursor, no wrapped lines; and back. */
#define ENTER		"\033[?1049h\033[?25l\033[?7l"
#define LEAVE		"\033[?7h\033[?25h\033[?1049l"

static struct termios before;
static bool is_open;
static struct winsize size;
static unsigned int line;
static volatile sig_atomic_t resized, suspended, resumed, quit;

static void on_signal(int nr)
{
	if (nr == SIGWINCH)
		resized = 1;
	else if (nr == SIGTSTP)
		suspended = 1;
	else if (nr == SIGCONT)
		resumed = 1;
	else
		quit = 1;
}

static void watch(int nr, sigset_t *set)
{
	struct sigaction act = { .sa_handler = on_signal };

	sigaction(nr, &act, NULL);
	sigaddset(set, nr);
}

/* Keys at once and unseen; those that send signals still do. */
static int enter(void)
{
	struct termios raw = before;

	raw.c_lflag &= ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw))
		return -1;
	is_open = true;
	fputs(ENTER, stdout);
	resized = 1;
	return 0;
}

/**
 * screen_open - take the terminal
 *
 * Returns: 0, or -1 with errno set.
 */
int screen_open(void)
{
	sigset_t set;

	if (tcgetattr(STDIN_FILENO, &before))
		return -1;
	stop_watch();
	sigemptyset(&set);
	watch(SIGWINCH, &set);
	watch(SIGTSTP, &set);
	watch(SIGCONT, &set);
	watch(SIGQUIT, &set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	out_before_errors = screen_close;
	atexit(screen_close);
	return enter();
}

/**
 * screen_close - give it back as it was; once, however often it is called
 */
void screen_close(void)
{
	if (!is_open)
		return;
	is_open = false;
	fputs(LEAVE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* As ^Z does it; returns when the shell has us go on. */
static void suspend(void)
{
	struct sigaction act = { .sa_handler = SIG_DFL }, old;
	sigset_t set;

	suspended = 0;
	screen_close();
	sigaction(SIGTSTP, &act, &old);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGTSTP, &old, NULL);
	resumed = 1;
}

/**
 * screen_lines - how many lines it has
 */
unsigned int screen_lines(void)
{
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row) {
		size.ws_row = 24;
		size.ws_col = 80;
	}
	return size.ws_row;
}

/**
 * screen_begin - draw from the top on
 */
void screen_begin(void)
{
	screen_lines();
	line = 0;
	fputs("\033[H", stdout);
}

static void put(const char *before_text, const char *text)
{
	if (line >= size.ws_row)
		return;
	printf("%s%s%.*s\033[0m\033[K", line ? "\r\n" : "", before_text, size.ws_col ?: 80, text);
	line++;
}

/**
 * screen_line - draw a line, if there is room
 * @fmt: as of printf()
 */
void screen_line(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put("", text);
}

/**
 * screen_head - draw a table's headings
 * @text: headings
 */
void screen_head(const char *text)
{
	const char *plain = getenv("NO_COLOR");

	put(plain && *plain ? "" : "\033[7m", text);
}

/**
 * screen_end - clear what is below, and show what was drawn
 */
void screen_end(void)
{
	fputs("\033[J", stdout);
	fflush(stdout);
}

/* Did the user press q? */
static bool pressed_q(void)
{
	char keys[16];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys)), i;

	for (i = 0; i < n; i++)
		if (keys[i] == 'q' || keys[i] == 'Q')
			return true;
	/* The terminal is gone. */
	return n == 0 || (n < 0 && errno == EIO);
}

/**
 * screen_wait - wait
 * @until_ns: until then, by now_ns(), at the longest
 *
 * Returns: what ended it.
 */
enum screen_event screen_wait(uint64_t until_ns)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t now;

	while (!screen_done() && (now = now_ns()) < until_ns) {
		if (stop_poll(&pfd, (until_ns - now) / 1000000 + 1) > 0)
			quit |= pressed_q();
		if (suspended)
			suspend();
		if (resumed && !enter())
			resumed = 0;
		if (resized) {
			resized = 0;
			return SCREEN_RESIZED;
		}
	}
	return screen_done() ? SCREEN_QUIT : SCREEN_TIME;
}

/**
 * screen_done - is it to end?
 */
bool screen_done(void)
{
	return quit || stop_asked();
}
