// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a message of netlink says: numbers, texts, and the whole of it as JSON. What is not
 * there, or too short for what it should be, is as if it were absent.
 */
#include <stdio.h>
#include <string.h>

#include "nl.h"

static bool fits(const struct zcnl_field *field, const struct nlattr *nla)
{
	switch (field->type) {
	case ZCNL_U32:
		return nla_len(nla) >= 4;
	case ZCNL_U64:
		return nla_len(nla) >= 8;
	default:
		return field->type != ZCNL_NONE;
	}
}

/**
 * reply_parse - what a message says
 * @reply: out: that
 * @cmd:   command or event
 * @set:   attributes that it may have
 * @first: the first
 * @len:   bytes of all
 *
 * Returns: whether it can be read at all.
 */
bool reply_parse(struct zcnl_reply *reply, int cmd, const struct zcnl_set *set,
		 struct nlattr *first, int len)
{
	int i;

	reply->cmd = cmd;
	reply->set = set;
	reply->first = first;
	reply->len = len;
	memset(reply->tb, 0, sizeof(reply->tb));
	if (nla_parse(reply->tb, set->max, first, len, NULL))
		return false;
	for (i = 0; i <= set->max; i++)
		if (reply->tb[i] && !fits(&set->fields[i], reply->tb[i]))
			reply->tb[i] = NULL;
	return true;
}

/**
 * reply_has - is an attribute there?
 * @reply: reply
 * @attr:  attribute
 */
bool reply_has(const struct zcnl_reply *reply, int attr)
{
	return reply->tb[attr];
}

/**
 * reply_num - a number, or 0
 * @reply: reply
 * @attr:  attribute
 */
uint64_t reply_num(const struct zcnl_reply *reply, int attr)
{
	struct nlattr *nla = reply->tb[attr];

	if (!nla)
		return 0;
	return reply->set->fields[attr].type == ZCNL_U64 ? nla_get_u64(nla) : nla_get_u32(nla);
}

/* Bytes of the UTF-8 character at @p, or 0 if there is none. */
static int utf8(const unsigned char *p, int len)
{
	int nr = *p >= 0xf0 && *p < 0xf5 ? 4 : *p >= 0xe0 ? 3 : *p >= 0xc2 ? 2 : 0, i;

	if (!nr || *p >= 0xf5 || nr > len)
		return 0;
	for (i = 1; i < nr; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Not longer than need be, no half of a pair, no control character. */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f) ||
	    (*p == 0xc2 && p[1] < 0xa0))
		return 0;
	return nr;
}

/**
 * reply_text - a text, or ""
 * @reply: reply
 * @attr:  attribute
 * @text:  room for it
 * @size:  bytes of it
 *
 * Anybody can have any name: what is no text, or would move the cursor, becomes "?".
 *
 * Returns: @text.
 */
const char *reply_text(const struct zcnl_reply *reply, int attr, char *text, size_t size)
{
	struct nlattr *nla = reply->tb[attr];
	const unsigned char *p = nla ? nla_data(nla) : NULL;
	int left = nla ? strnlen((const char *)p, nla_len(nla)) : 0;
	size_t n = 0;

	while (left > 0) {
		int nr = *p < 0x80 ? 1 : utf8(p, left);

		if (n + (nr ?: 1) >= size)
			break;
		if (!nr || *p < 0x20 || *p == 0x7f)
			text[n++] = '?';
		else
			n = (char *)mempcpy(text + n, p, nr) - text;
		p += nr ?: 1;
		left -= nr ?: 1;
	}
	text[n] = '\0';
	return text;
}

/**
 * reply_name - the name of an enumeration's value
 * @reply: reply
 * @attr:  attribute
 *
 * Returns: that, or "unknown", of one that is absent, too.
 */
const char *reply_name(const struct zcnl_reply *reply, int attr)
{
	const char *const *name = reply->set->fields[attr].names;
	uint64_t val = reply_num(reply, attr);

	if (!reply->tb[attr] || !name)
		return "unknown";
	while (*name && val--)
		name++;
	return *name ?: "unknown";
}

/* The names of the bits that are set, each to @fn; of one without a name, its number. */
static void each_bit(const struct zcnl_reply *reply, int attr,
		     void (*fn)(const char *name, void *arg), void *arg)
{
	const char *const *names = reply->set->fields[attr].bits;
	uint64_t val = reply_num(reply, attr);
	unsigned int i, nr = 0;
	char text[16];

	while (names && names[nr])
		nr++;
	for (i = 0; i < 64; i++) {
		if (!(val >> i & 1))
			continue;
		snprintf(text, sizeof(text), "bit%u", i);
		fn(i < nr ? names[i] : text, arg);
	}
}

/**
 * struct words - words in a line
 * @text: room for them
 * @size: bytes of it
 */
struct words {
	char *text;
	size_t size;
};

static void add_word(const char *name, void *arg)
{
	struct words *words = arg;
	size_t len = strlen(words->text);

	snprintf(words->text + len, words->size - len, "%s%s", len ? " " : "", name);
}

/**
 * reply_bits - the names of a set of flags
 * @reply: reply
 * @attr:  attribute
 * @text:  room for them, parted by blanks
 * @size:  bytes of it
 *
 * Returns: @text.
 */
const char *reply_bits(const struct zcnl_reply *reply, int attr, char *text, size_t size)
{
	struct words words = { text, size };

	*text = '\0';
	each_bit(reply, attr, add_word, &words);
	return text;
}

/**
 * reply_nest - the next of the nests that are one attribute
 * @reply: reply
 * @attr:  attribute
 * @inner: in: the last, or one with @first of NULL; out: the next
 *
 * Returns: whether there is one.
 */
bool reply_nest(const struct zcnl_reply *reply, int attr, struct zcnl_reply *inner)
{
	struct nlattr *last = inner->first, *nla;
	int left;

	nla_for_each_attr(nla, reply->first, reply->len, left) {
		if (nla_type(nla) != attr || (last && nla_data(nla) <= (void *)last))
			continue;
		if (nla_len(nla) && reply_parse(inner, reply->cmd, reply->set->fields[attr].nest,
						nla_data(nla), nla_len(nla)))
			return true;
	}
	return false;
}

static void add_string(const char *name, void *arg)
{
	json_object_array_add(arg, json_object_new_string(name));
}

static struct json_object *nests_json(const struct zcnl_reply *reply, int attr)
{
	struct json_object *array = json_object_new_array();
	struct zcnl_reply inner = { .first = NULL };

	while (reply_nest(reply, attr, &inner))
		json_object_array_add(array, reply_json(&inner));
	return array;
}

static struct json_object *value_json(const struct zcnl_reply *reply, int attr)
{
	const struct zcnl_field *field = &reply->set->fields[attr];
	struct json_object *array;
	char text[256];

	if (field->type == ZCNL_NEST)
		return nests_json(reply, attr);
	if (!reply->tb[attr])
		return NULL;
	if (field->type == ZCNL_TEXT)
		return json_object_new_string(reply_text(reply, attr, text, sizeof(text)));
	if (field->names)
		return json_object_new_string(reply_name(reply, attr));
	if (!field->bits)
		return json_object_new_uint64(reply_num(reply, attr));
	array = json_object_new_array();
	each_bit(reply, attr, add_string, array);
	return array;
}

static const char *key_of(const struct zcnl_field *field, char *key, size_t size)
{
	char *p;

	snprintf(key, size, "%s", field->key ?: field->name);
	for (p = key; *p; p++)
		if (*p == '-')
			*p = '_';
	return key;
}

/**
 * reply_add - all that a reply can say, into an object of JSON
 * @reply: reply
 * @obj:   object; what is absent is null there
 */
void reply_add(const struct zcnl_reply *reply, struct json_object *obj)
{
	char key[64];
	int i;

	for (i = 1; i <= reply->set->max; i++) {
		const struct zcnl_field *field = &reply->set->fields[i];

		if (field->type == ZCNL_NONE || field->asked)
			continue;
		json_object_object_add(obj, key_of(field, key, sizeof(key)),
				       value_json(reply, i));
	}
}

/**
 * reply_json - the same, as an object of its own
 * @reply: reply
 */
struct json_object *reply_json(const struct zcnl_reply *reply)
{
	struct json_object *obj = json_object_new_object();

	reply_add(reply, obj);
	return obj;
}
