// SPDX-License-Identifier: GPL-2.0-only
/* HTML, and text that is only text in it. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "html.h"

/* How long a sequence of UTF-8 this byte begins; 0: none. */
static size_t sequence(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c < 0xe0)
		return 2;
	if (c >= 0xe0 && c < 0xf0)
		return 3;
	return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

static bool whole(const char *text, size_t len)
{
	size_t i;

	for (i = 1; i < len; i++)
		if ((text[i] & 0xc0) != 0x80)
			return false;
	return len;
}

/**
 * html_text - print what somebody else wrote
 * @to:   file
 * @text: any bytes
 *
 * It is text wherever it is put, in an element or in the quotes of an attribute: nothing in
 * it is markup. What is no UTF-8, or no character that can be shown, becomes U+FFFD.
 */
void html_text(FILE *to, const char *text)
{
	while (*text) {
		unsigned char c = *text;
		size_t len = sequence(c);

		if (!whole(text, len) || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
			fputs("\xef\xbf\xbd", to);
			text++;
			continue;
		}
		if (strchr("&<>\"'`", c))
			fprintf(to, "&#%u;", c);
		else
			fwrite(text, 1, len, to);
		text += len;
	}
}

void html_base64(FILE *to, const char *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)data;
	size_t i;

	for (i = 0; i < len; i += 3) {
		uint32_t v = p[i] << 16;

		if (i + 1 < len)
			v |= p[i + 1] << 8;
		if (i + 2 < len)
			v |= p[i + 2];
		fputc(digits[v >> 18], to);
		fputc(digits[v >> 12 & 63], to);
		fputc(i + 1 < len ? digits[v >> 6 & 63] : '=', to);
		fputc(i + 2 < len ? digits[v & 63] : '=', to);
	}
}
