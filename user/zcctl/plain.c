// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text of others, as names of files and what a report says, for people: a terminal would obey
 * the control characters in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zcctl.h"

/* Bytes of the character that @text begins with; 0: it is none, or one of control. */
static size_t printable(const unsigned char *text)
{
	size_t len = *text < 0x80 ? 1 : *text < 0xc2 ? 0 : *text < 0xe0 ? 2 :
		     *text < 0xf0 ? 3 : *text < 0xf5 ? 4 : 0, i;

	if (*text < ' ' || *text == 0x7f || (*text == 0xc2 && text[1] < 0xa0))
		return 0;
	for (i = 1; i < len; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/**
 * out_plain - text with what is no printable character as "\xNN"
 * @text: of others
 * @buf:  where to write it
 * @size: of @buf; PLAIN_SIZE() of its length is enough for all
 *
 * Returns: @buf.
 */
char *out_plain(const char *text, char *buf, size_t size)
{
	size_t at = 0, len;

	for (; *text && at + 5 <= size; text += len ?: 1) {
		len = printable((const unsigned char *)text);
		if (len)
			memcpy(buf + at, text, len);
		else
			snprintf(buf + at, size - at, "\\x%02x", (unsigned char)*text);
		at += len ?: 4;
	}
	buf[at] = '\0';
	return buf;
}

/* The caller's to free. */
char *out_plain_copy(const char *text)
{
	size_t size = PLAIN_SIZE(strlen(text));
	char *buf = malloc(size);

	return buf ? out_plain(text, buf, size) : NULL;
}

/**
 * out_plain_json - a copy of all that a file says, keys, too
 * @val: what was read
 *
 * Returns: the copy, the caller's.
 */
struct json_object *out_plain_json(struct json_object *val)
{
	struct json_object *copy;
	char *text;
	size_t i;

	switch (json_object_get_type(val)) {
	case json_type_object:
		copy = json_object_new_object();
		json_object_object_foreach(val, key, part) {
			text = out_plain_copy(key);
			if (text)
				json_object_object_add(copy, text, out_plain_json(part));
			free(text);
		}
		return copy;
	case json_type_array:
		copy = json_object_new_array();
		for (i = 0; i < json_object_array_length(val); i++)
			json_object_array_add(copy,
					      out_plain_json(json_object_array_get_idx(val, i)));
		return copy;
	case json_type_string:
		text = out_plain_copy(json_object_get_string(val));
		copy = text ? json_object_new_string(text) : NULL;
		free(text);
		return copy;
	default:
		return json_object_get(val);
	}
}
