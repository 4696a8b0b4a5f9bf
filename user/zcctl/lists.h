/* SPDX-License-Identifier: GPL-2.0-only */
/* What lists of buffers, transfers and targets share. */
#ifndef _ZCCTL_LISTS_H
#define _ZCCTL_LISTS_H

#include "nl.h"

/* Options that narrow one list. */
#define FILTERS_MAX	8

/**
 * struct filters - what narrows a list
 * @nr:   how many
 * @list: attributes, and what they are to be
 */
struct filters {
	unsigned int nr;
	struct {
		int attr;
		uint64_t val;
	} list[FILTERS_MAX];
};

/**
 * struct list - a list, and what becomes of what is on it
 * @kind:   of the object of JSON, and the key of the array in it
 * @cmd:    command that dumps it
 * @failed: what could not be done
 * @add:    one into an object of JSON
 * @head:   headings, before the first
 * @text:   one for people
 * @wanted: is it one? NULL: all are
 * @array:  those there were, as JSON
 * @nr:     how many
 */
struct list {
	const char *kind;
	int cmd;
	const char *failed;
	void (*add)(const struct zcnl_reply *reply, struct json_object *obj);
	void (*head)(void);
	void (*text)(const struct zcnl_reply *reply);
	bool (*wanted)(const struct zcnl_reply *reply);
	struct json_object *array;
	unsigned int nr;
};

void filter_add(struct filters *filters, int attr, uint64_t val);
int list_read(struct zcnl *nl, struct list *list, const struct filters *filters);
struct json_object *list_object(struct zcnl *nl, struct list *list);
int list_show(struct list *list, const struct filters *filters, const char *none);
void list_free(struct list *list);

/* As JSON, in lists and events. */

void buffer_add(const struct zcnl_reply *reply, struct json_object *obj);
void target_add(const struct zcnl_reply *reply, struct json_object *obj);

/* targets.c: the list of them */

extern const struct list targets_list;

/* For people, in lists. */

const char *text_pid(const struct zcnl_reply *reply, int attr, char *text, size_t size);
const char *text_number(const struct zcnl_reply *reply, int attr, char *text, size_t size);
const char *text_age(uint64_t ms, char *text, size_t size);
const char *transfer_length(const struct zcnl_reply *reply, char *text, size_t size);
const char *transfer_from(const struct zcnl_reply *reply, char *text, size_t size);

#endif /* _ZCCTL_LISTS_H */
