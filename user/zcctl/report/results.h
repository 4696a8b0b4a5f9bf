/* SPDX-License-Identifier: GPL-2.0-only */
/* Reports of zcctl bench, read from files, and what is in their rows. */
#ifndef _ZCCTL_RESULTS_H
#define _ZCCTL_RESULTS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zcctl.h"

#define RESULTS_SCHEMA	"zc-bench/1"
#define RESULTS_MAX	(64u << 20)	/* bytes of a file */

/**
 * struct results - some reports, merged
 * @environments: of each
 * @rows:         of all; "environment" of a row is the index of its own, or null
 */
struct results {
	struct json_object *environments;
	struct json_object *rows;
};

void results_init(struct results *res);
void results_free(struct results *res);
int results_add(struct results *res, const char *path);
struct json_object *results_json(const struct results *res);
struct json_object *results_row(const struct results *res, size_t i);
size_t results_nr(const struct results *res);
struct json_object *results_environment(const struct results *res, struct json_object *row);

/* check.c: is it what a report has? */
int results_check(const char *path, struct json_object *report);

/* row.c */

const char *row_str(struct json_object *row, const char *key);
bool row_num(struct json_object *row, const char *key, double *val);
bool row_bool(struct json_object *row, const char *key);
bool row_has(struct json_object *row, const char *key);
bool row_measured(struct json_object *row);
bool row_zc(struct json_object *row);
bool row_key_field(const char *name, struct json_object *val);
const char *row_field(struct json_object *row, const char *name, char *buf, size_t size);

/**
 * struct fields - names of fields that tell rows apart
 * @nr:   how many
 * @name: each; they live as long as the rows
 */
#define FIELDS_MAX	48

struct fields {
	unsigned int nr;
	const char *name[FIELDS_MAX];
};

bool fields_have(const struct fields *fields, const char *name);
void fields_add(struct fields *fields, const char *name);
void fields_of(struct fields *fields, const struct results *res, const char *test);
bool fields_vary(const struct results *res, const char *test, const char *name);
void fields_naming(struct fields *fields, const struct results *res, const char *test);
bool field_follows(const struct results *res, const char *test, const char *name,
		   const char *other);
bool fields_alike(const struct fields *fields, struct json_object *a, struct json_object *b);

#endif /* _ZCCTL_RESULTS_H */
