// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel is to answer, from text to attributes of netlink. See fixtures/README. */
#include <ctype.h>
#include <errno.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static void bad(const char *what, const char *text)
{
	fprintf(stderr, "fixture: %s: '%s'\n", what, text);
	exit(99);
}

static int errno_of(const char *name)
{
	int i;

	for (i = 1; i < 134; i++)
		if (strerrorname_np(i) && !strcmp(strerrorname_np(i), name))
			return i;
	bad("no errno", name);
	return 0;
}

static int command_of(const char *name)
{
	int i;

	for (i = 1; i <= ZC_CMD_MAX; i++)
		if (zcnl_commands[i].name && !strcmp(zcnl_commands[i].name, name))
			return i;
	bad("no command", name);
	return 0;
}

static int attr_of(const struct zcnl_set *set, const char *name)
{
	int i;

	if (isdigit((unsigned char)*name))
		return atoi(name);
	for (i = 1; i <= set->max; i++)
		if (set->fields[i].name && !strcmp(set->fields[i].name, name))
			return i;
	bad("no attribute", name);
	return 0;
}

/* The next word: up to a blank that is in neither quotes nor braces. NULL at the end. */
static char *word(char **text)
{
	char *from = *text + strspn(*text, " \t"), *p;
	bool quoted = false;
	int deep = 0;

	if (!*from)
		return NULL;
	for (p = from; *p && (quoted || deep || !strchr(" \t", *p)); p++) {
		quoted ^= *p == '"';
		deep += !quoted && *p == '{';
		deep -= !quoted && *p == '}';
	}
	*text = *p ? p + 1 : p;
	*p = '\0';
	return from;
}

static int from_hex(const char *text, char *data)
{
	unsigned int byte;
	int n = 0;

	for (; *text && sscanf(text, "%2x", &byte) == 1; text += text[1] ? 2 : 1)
		data[n++] = byte;
	return n;
}

/* In quotes or not; "\xNN" is a byte. */
static int from_text(const char *text, char *data)
{
	unsigned int byte;
	int n = 0;

	for (; *text; text++) {
		if (*text == '"')
			continue;
		if (!strncmp(text, "\\x", 2) && sscanf(text + 2, "%2x", &byte) == 1) {
			data[n++] = byte;
			text += 3;
			continue;
		}
		data[n++] = *text;
	}
	data[n++] = '\0';
	return n;
}

/* A number, or names of bits with "," between, or the name of a value. */
static uint64_t number(const struct zcnl_field *field, char *text)
{
	const char *const *names = field->bits ?: field->names;
	uint64_t val = 0;
	char *one;
	int i;

	if (!*text || isdigit((unsigned char)*text))
		return strtoull(text, NULL, 0);
	while ((one = strsep(&text, ","))) {
		for (i = 0; names && names[i] && strcmp(names[i], one); i++)
			;
		if (!names || !names[i])
			bad("no such name", one);
		val = field->bits ? val | 1ull << i : (uint64_t)i;
	}
	return val;
}

static void put_all(struct nl_msg *msg, const struct zcnl_set *set, char *text, int *cut);

static void put_nest(struct nl_msg *msg, const struct zcnl_field *field, int attr, char *val)
{
	struct nlattr *nest = nla_nest_start(msg, attr);
	int cut;

	if (*val != '{' || val[strlen(val) - 1] != '}')
		bad("no nest", val);
	val[strlen(val) - 1] = '\0';
	put_all(msg, field->nest, val + 1, &cut);
	nla_nest_end(msg, nest);
}

static void put(struct nl_msg *msg, const struct zcnl_set *set, const char *name, char *val)
{
	int attr = attr_of(set, name);
	char data[512];

	switch (set->fields[attr].type) {
	case ZCNL_U32:
		nla_put_u32(msg, attr, number(&set->fields[attr], val));
		break;
	case ZCNL_U64:
		nla_put_u64(msg, attr, number(&set->fields[attr], val));
		break;
	case ZCNL_TEXT:
		nla_put(msg, attr, from_text(val, data), data);
		break;
	case ZCNL_NEST:
		put_nest(msg, &set->fields[attr], attr, val);
		break;
	default:
		nla_put_flag(msg, attr);
	}
}

static void put_all(struct nl_msg *msg, const struct zcnl_set *set, char *text, int *cut)
{
	char *one, *val, data[512];

	*cut = 0;
	while ((one = word(&text))) {
		val = strchr(one, '=');
		if (!val)
			bad("no attribute", one);
		*val++ = '\0';
		if (!strcmp(one, "cut")) {
			*cut = atoi(val);
		} else if (one[strlen(one) - 1] == '!') {
			one[strlen(one) - 1] = '\0';
			nla_put(msg, attr_of(set, one), from_hex(val, data), data);
		} else {
			put(msg, set, one, val);
		}
	}
}

/* Message number @nr of an answer. */
struct nl_msg *script_message(const struct script *script, const struct block *block, int nr,
			      int family, int cmd, uint32_t seq)
{
	char *line = strdup(script->lines[block->first + nr]);
	struct nl_msg *msg = nlmsg_alloc_size(8192);
	int cut;

	genlmsg_put(msg, 0, seq, family, 0, NLM_F_MULTI, cmd, ZC_FAMILY_VERSION);
	put_all(msg, zcnl_commands[cmd].set, line, &cut);
	nlmsg_hdr(msg)->nlmsg_len -= cut;
	free(line);
	return msg;
}

static void take_option(struct block *block, char *one)
{
	const struct zcnl_set *set = zcnl_commands[block->cmd].set;

	if (!strcmp(one, "intr"))
		block->interrupted = true;
	else if (!strcmp(one, "whole"))
		block->whole = true;
	else if (!strcmp(one, "no-nul"))
		block->no_nul = true;
	else if (!strncmp(one, "cut=", 4))
		block->cut = atoi(one + 4);
	else if (!strncmp(one, "attr=", 5))
		block->attr = attr_of(set, one + 5);
	else if (!strncmp(one, "miss=", 5))
		block->miss = attr_of(set, one + 5);
	else if (*one == '"')
		from_text(one, block->text);
	else
		bad("no option", one);
}

static void take_event(struct block *block, char **line)
{
	char *group = word(line), *name = word(line);

	block->event = true;
	snprintf(block->group, sizeof(block->group), "%s", group ?: "");
	if (!name)
		bad("no event", block->group);
	if (!strcmp(name, "error"))
		block->error = errno_of(word(line) ?: "");
	else if (!strcmp(name, "gone"))
		block->error = ENODEV;
	else
		block->cmd = command_of(name);
	block->cut = atoi(word(line) ?: "0");
}

static void take_answer(struct block *block, const char *name, char **line)
{
	char *one = word(line);

	block->cmd = command_of(name);
	block->dump = one && !strcmp(one, "dump");
	while ((one = word(line)))
		if (!strcmp(one, "error"))
			block->error = errno_of(word(line) ?: "");
		else
			take_option(block, one);
}

/* Returns a negative errno for how opening is to fail. */
static int take_line(struct script *script, char *line, int nr)
{
	char *name = word(&line), *val;
	struct block *block;

	if (!strcmp(name, "family") || !strcmp(name, "join")) {
		val = word(&line) ?: "";
		if (*name == 'j')
			script->join_error = errno_of(val);
		else
			return strcmp(val, "none") ? -errno_of(val) : -ENOENT;
		return 0;
	}
	script->blocks = realloc(script->blocks, (script->nr + 1) * sizeof(*block));
	block = &script->blocks[script->nr++];
	*block = (struct block){ .first = nr + 1 };
	if (!strcmp(name, "event"))
		take_event(block, &line);
	else
		take_answer(block, name, &line);
	return 0;
}

/* Lines without comments; those that are empty then are left out. */
static void read_lines(struct script *script, FILE *file)
{
	char *line = NULL, *hash;
	size_t size = 0;

	while (getline(&line, &size, file) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		hash = *line == '#' ? line : NULL;
		if (hash)
			*hash = '\0';
		if (!line[strspn(line, " \t")])
			continue;
		script->lines = realloc(script->lines, (script->nr_lines + 1) * sizeof(char *));
		script->lines[script->nr_lines++] = strdup(line);
	}
	free(line);
}

int script_read(struct script *script, const char *path)
{
	FILE *file = path ? fopen(path, "re") : NULL;
	int i, err = 0;

	*script = (struct script){ };
	if (!file)
		return -ENOENT;
	read_lines(script, file);
	fclose(file);
	for (i = 0; i < script->nr_lines; i++) {
		int ret = 0;

		if (!isspace((unsigned char)*script->lines[i]))
			ret = take_line(script, script->lines[i], i);
		else if (script->nr)
			script->blocks[script->nr - 1].nr++;
		err = err ?: ret;
	}
	return err;
}

void script_free(struct script *script)
{
	int i;

	for (i = 0; i < script->nr_lines; i++)
		free(script->lines[i]);
	free(script->lines);
	free(script->blocks);
}

const struct block *script_find(const struct script *script, int cmd, bool dump,
				unsigned int nth)
{
	const struct block *found = NULL;
	int i;

	for (i = 0; i < script->nr; i++) {
		const struct block *block = &script->blocks[i];

		if (block->event || block->cmd != cmd || block->dump != dump)
			continue;
		found = block;
		if (!nth--)
			break;
	}
	return found;
}

const struct block *script_event(struct script *script, int *cmd)
{
	while (script->next_event < script->nr) {
		const struct block *block = &script->blocks[script->next_event++];

		if (block->event) {
			*cmd = block->cmd;
			return block;
		}
	}
	return NULL;
}
