// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that say what the kernel and the machine are like, below $ZCCTL_ROOT, by which
 * tests show machines that are not there.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "root.h"

static void path_of(char *buf, size_t size, const char *fmt, va_list ap)
{
	const char *root = getenv("ZCCTL_ROOT");
	size_t len;

	snprintf(buf, size, "%s", root ? root : "");
	len = strlen(buf);
	vsnprintf(buf + len, size - len, fmt, ap);
}

/**
 * root_path - the path of a file below $ZCCTL_ROOT
 * @buf:  where to write it
 * @size: of @buf
 * @fmt:  of the path, which begins with "/"
 */
void root_path(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	path_of(buf, size, fmt, ap);
	va_end(ap);
}

/**
 * root_exists - is there such a file?
 * @fmt: of the path
 *
 * Returns: whether there is.
 */
bool root_exists(const char *fmt, ...)
{
	char path[ROOT_PATH];
	va_list ap;

	va_start(ap, fmt);
	path_of(path, sizeof(path), fmt, ap);
	va_end(ap);
	return !access(path, F_OK);
}

/**
 * root_no_modules - is this a kernel without loadable modules?
 *
 * Returns: whether it is; false if nothing is known of it.
 */
bool root_no_modules(void)
{
	return root_exists("/proc/version") && !root_exists("/proc/modules");
}

/**
 * root_load_hint - what to do where the module is not loaded
 *
 * Returns: a sentence.
 */
const char *root_load_hint(void)
{
	return root_no_modules() ? "it cannot be: this kernel has no loadable modules" :
				   "load it: sudo zcctl load";
}

/**
 * root_line - the first line of a file
 * @buf:  where to write it, without its end; empty if there is none
 * @size: of @buf
 * @fmt:  of the path
 *
 * Returns: whether there is one. If not, errno says why.
 */
bool root_line(char *buf, size_t size, const char *fmt, ...)
{
	char path[ROOT_PATH];
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	path_of(path, sizeof(path), fmt, ap);
	va_end(ap);
	*buf = '\0';
	f = fopen(path, "re");
	if (!f)
		return false;
	errno = ENODATA;
	if (!fgets(buf, size, f))
		*buf = '\0';
	fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
	return *buf;
}

/**
 * root_open - open a file to read it
 * @path: path
 *
 * Returns: the file, or NULL with errno.
 */
FILE *root_open(const char *path)
{
	char name[ROOT_PATH];

	root_path(name, sizeof(name), "%s", path);
	return fopen(name, "re");
}

/**
 * root_chosen - which of several words is chosen, as in "always [madvise] never"
 * @buf:  where to write it
 * @size: of @buf
 * @path: path
 *
 * Returns: whether there is one.
 */
bool root_chosen(char *buf, size_t size, const char *path)
{
	char line[128], *word, *end;

	if (!root_line(line, sizeof(line), "%s", path))
		return false;
	word = strchr(line, '[');
	end = word ? strchr(word, ']') : NULL;
	if (!end)
		return false;
	*end = '\0';
	snprintf(buf, size, "%s", word + 1);
	return true;
}
