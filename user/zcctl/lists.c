// SPDX-License-Identifier: GPL-2.0-only
/* What lists of buffers, transfers and targets share. */
#include <stdio.h>

#include "lists.h"

/**
 * filter_add - narrow a list
 * @filters: what narrows it
 * @attr:    attribute
 * @val:     what it is to be; of flags, and of several for the same attribute, all of them
 */
void filter_add(struct filters *filters, int attr, uint64_t val)
{
	if (filters->nr < FILTERS_MAX) {
		filters->list[filters->nr].attr = attr;
		filters->list[filters->nr++].val = val;
	}
}

static void take(const struct zcnl_reply *reply, void *arg)
{
	struct list *list = arg;
	struct json_object *obj;

	if (list->wanted && !list->wanted(reply))
		return;
	if (out_json) {
		obj = json_object_new_object();
		list->add(reply, obj);
		json_object_array_add(list->array, obj);
	} else {
		if (!list->nr)
			list->head();
		list->text(reply);
	}
	list->nr++;
}

/**
 * list_read - have a list, and show it to people
 * @nl:      connection
 * @list:    list, for list_object() or list_free()
 * @filters: what narrows it, or NULL
 *
 * Returns: an exit code, after an error message.
 */
int list_read(struct zcnl *nl, struct list *list, const struct filters *filters)
{
	struct nl_msg *msg = zcnl_new(nl, list->cmd);
	unsigned int i;
	int err;

	for (i = 0; filters && i < filters->nr; i++)
		zcnl_put(msg, list->cmd, filters->list[i].attr, filters->list[i].val);
	list->array = json_object_new_array();
	err = zcnl_dump(nl, msg, take, list);
	if (!err) {
		zcnl_warn_interrupted(nl);
		return EX_OK;
	}
	list_free(list);
	return zcnl_error(nl, err, NULL, "%s", list->failed);
}

/**
 * list_object - a list that was read, as an object of JSON
 * @nl:   connection
 * @list: list, freed
 */
struct json_object *list_object(struct zcnl *nl, struct list *list)
{
	struct json_object *obj = out_new(list->kind);

	json_object_object_add(obj, list->kind, list->array);
	list->array = NULL;
	json_object_object_add(obj, "interrupted",
			       json_object_new_boolean(zcnl_interrupted(nl)));
	return obj;
}

/**
 * list_free - forget a list
 * @list: list
 */
void list_free(struct list *list)
{
	json_object_put(list->array);
	list->array = NULL;
}

/**
 * list_show - all of a command that lists
 * @list:    what
 * @filters: what narrows it
 * @none:    what to say to people if there are none
 *
 * Returns: an exit code.
 */
int list_show(struct list *list, const struct filters *filters, const char *none)
{
	struct zcnl *nl;
	int ret = zcnl_open(&nl);

	if (ret)
		return ret;
	ret = list_read(nl, list, filters);
	if (!ret && out_json)
		out_object(list_object(nl, list));
	else if (!ret && !list->nr)
		puts(none);
	list_free(list);
	zcnl_close(nl);
	return ret;
}

/**
 * text_pid - a process, for people
 * @reply: reply
 * @attr:  attribute
 * @text:  room
 * @size:  bytes of it
 *
 * Returns: @text.
 */
const char *text_pid(const struct zcnl_reply *reply, int attr, char *text, size_t size)
{
	if (!reply_has(reply, attr))
		snprintf(text, size, "gone");
	else
		text_number(reply, attr, text, size);
	return text;
}

/**
 * text_number - a number, or "-"
 * @reply: reply
 * @attr:  attribute
 * @text:  room
 * @size:  bytes of it
 *
 * Returns: @text.
 */
const char *text_number(const struct zcnl_reply *reply, int attr, char *text, size_t size)
{
	if (!reply_has(reply, attr))
		snprintf(text, size, "-");
	else
		snprintf(text, size, "%llu", (unsigned long long)reply_num(reply, attr));
	return text;
}

/**
 * text_age - how long, for people
 * @ms:   milliseconds
 * @text: room
 * @size: bytes of it
 *
 * Returns: @text.
 */
const char *text_age(uint64_t ms, char *text, size_t size)
{
	uint64_t s = ms / 1000;

	if (s < 100000)
		snprintf(text, size, "%llu s", (unsigned long long)s);
	else
		snprintf(text, size, "%llu d", (unsigned long long)s / 86400);
	return text;
}
