// SPDX-License-Identifier: GPL-2.0-only
/* Arguments. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "zcctl.h"

/* "4096", "64K", "1.5G" is not: whole numbers, binary units. */
bool parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "kmgt";
	unsigned long long val;
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	val = strtoull(text, &end, !strncmp(text, "0x", 2) ? 16 : 10);
	if (errno || end == text)
		return false;
	if (*end) {
		unsigned int shift;

		unit = strchr(units, tolower((unsigned char)*end));
		if (!unit)
			return false;
		shift = 10 * (unit - units + 1);
		if (val > UINT64_MAX >> shift)
			return false;
		val <<= shift;
		end++;
		if (!strcmp(end, "iB") || !strcmp(end, "B"))
			end += strlen(end);
	}
	*bytes = val;
	return !*end;
}

bool parse_int(const char *text, int min, int max, int *val)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < min || n > max)
		return false;
	*val = n;
	return true;
}

bool parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *val)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*val = strtoull(text, &end, 10);
	return !errno && !*end && *val >= min && *val <= max;
}

/*
 * "host:port", "[::1]:port"; the port a number. The strings are the caller's to free,
 * in any case.
 */
bool parse_host_port(const char *text, char **host, char **port)
{
	const char *colon = strrchr(text, ':');
	size_t len;
	int nr;

	if (!colon || colon == text || !parse_int(colon + 1, 1, 65535, &nr))
		return false;
	len = colon - text;
	if (*text == '[') {
		if (len < 3 || text[len - 1] != ']')
			return false;
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return false;
	}
	*host = strndup(text, len);
	*port = strdup(colon + 1);
	return *host && *port;
}
