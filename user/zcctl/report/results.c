// SPDX-License-Identifier: GPL-2.0-only
/* Reports of zcctl bench, from files: one or several of them in each, merged. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "results.h"

#define DEPTH_MAX	32

void results_init(struct results *res)
{
	res->environments = json_object_new_array();
	res->rows = json_object_new_array();
}

void results_free(struct results *res)
{
	json_object_put(res->environments);
	json_object_put(res->rows);
}

size_t results_nr(const struct results *res)
{
	return json_object_array_length(res->rows);
}

struct json_object *results_row(const struct results *res, size_t i)
{
	return json_object_array_get_idx(res->rows, i);
}

/* In which a row was measured, or NULL where nobody says. */
struct json_object *results_environment(const struct results *res, struct json_object *row)
{
	double index;

	if (!row_num(row, "environment", &index))
		return NULL;
	return json_object_array_get_idx(res->environments, index);
}

/* All of it as one report, which can be read again. The caller's. */
struct json_object *results_json(const struct results *res)
{
	struct json_object *obj = json_object_new_object();

	out_add_str(obj, "schema", RESULTS_SCHEMA);
	json_object_object_add(obj, "environments", json_object_get(res->environments));
	json_object_object_add(obj, "rows", json_object_get(res->rows));
	return obj;
}

/* The environments of a report go to the end of those that there are. Returns how many. */
static size_t add_environments(struct results *res, struct json_object *report)
{
	struct json_object *one, *list;
	size_t i, nr;

	if (json_object_object_get_ex(report, "environment", &one) && one) {
		json_object_array_add(res->environments, json_object_get(one));
		return 1;
	}
	if (!json_object_object_get_ex(report, "environments", &list) || !list)
		return 0;
	nr = json_object_array_length(list);
	for (i = 0; i < nr; i++)
		json_object_array_add(res->environments,
				      json_object_get(json_object_array_get_idx(list, i)));
	return nr;
}

/* Where the environment of a row is now; a report with one alone has no need to say. */
static void place_row(struct json_object *row, size_t first, size_t nr)
{
	double index = 0;

	if (!row_num(row, "environment", &index) && nr != 1)
		index = -1;
	if (index >= 0 && index < nr)
		out_add_u64(row, "environment", first + (size_t)index);
	else
		out_add_str(row, "environment", NULL);
}

static int take_report(struct results *res, const char *path, struct json_object *report)
{
	size_t first = json_object_array_length(res->environments), i, nr;
	struct json_object *rows, *row;
	int ret = results_check(path, report);

	if (ret)
		return ret;
	nr = add_environments(res, report);
	rows = json_object_object_get(report, "rows");
	for (i = 0; i < json_object_array_length(rows); i++) {
		row = json_object_array_get_idx(rows, i);
		place_row(row, first, nr);
		json_object_array_add(res->rows, json_object_get(row));
	}
	return EX_OK;
}

/* All of a file, with a NUL behind it; NULL with an error message. */
static char *read_all(const char *path, int fd, size_t *len)
{
	size_t room = 1 << 16;
	char *text = NULL, *more;
	ssize_t n = 1;

	for (*len = 0; n > 0 && *len <= RESULTS_MAX; *len += n) {
		if (!text || *len + 1 >= room) {
			room *= 2;
			more = realloc(text, room);
			if (!more) {
				errno = ENOMEM;
				n = -1;
				break;
			}
			text = more;
		}
		n = read(fd, text + *len, room - *len - 1);
		if (n < 0)
			break;
	}
	if (n < 0)
		out_error(EX_FAILED, errno, NULL, "cannot read %s", path);
	else if (*len > RESULTS_MAX)
		out_error(EX_FAILED, 0, NULL, "%s has more than %u MiB: that is no report",
			  path, RESULTS_MAX >> 20);
	if (n < 0 || *len > RESULTS_MAX) {
		free(text);
		return NULL;
	}
	text[*len] = '\0';
	return text;
}

static int bad_json(const char *path, const char *text, size_t at, const char *why)
{
	unsigned int line = 1;
	size_t i;

	for (i = 0; i < at; i++)
		line += text[i] == '\n';
	return out_error(EX_FAILED, 0, "'zcctl --json bench …' makes what is read here",
			 "%s, line %u: no JSON: %s", path, line, why);
}

/* One object from @text on; *@used: what it took. Returns an exit code. */
static int take_object(struct results *res, const char *path, const char *text, size_t len,
		       size_t *used)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	enum json_tokener_error err;
	struct json_object *report;
	size_t at = *used;
	int ret;

	if (!tok)
		return out_error(EX_FAILED, ENOMEM, NULL, "cannot read %s", path);
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
			       JSON_TOKENER_VALIDATE_UTF8);
	report = json_tokener_parse_ex(tok, text + at, len - at);
	err = json_tokener_get_error(tok);
	*used = at + json_tokener_get_parse_end(tok);
	if (err == json_tokener_continue)
		ret = bad_json(path, text, len, "it ends too early");
	else if (err != json_tokener_success)
		ret = bad_json(path, text, *used, json_tokener_error_desc(err));
	else
		ret = take_report(res, path, report);
	json_object_put(report);
	json_tokener_free(tok);
	return ret;
}

static int take_text(struct results *res, const char *path, const char *text, size_t len)
{
	static const char blank[] = " \t\r\n";
	size_t at = strspn(text, blank);
	int ret = EX_OK;

	if (memchr(text, '\0', len))
		return bad_json(path, text, strlen(text), "there is a NUL in it");
	if (at == len)
		return out_error(EX_FAILED, 0, NULL, "%s is empty", path);
	while (!ret && at < len) {
		ret = take_object(res, path, text, len, &at);
		at += strspn(text + at, blank);
	}
	return ret;
}

static int take_file(struct results *res, const char *path)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	char *text;
	size_t len;
	int ret;

	if (fd < 0)
		return out_error(errno == EACCES ? EX_PERMISSION : EX_FAILED, errno, NULL,
				 "cannot open %s", path);
	text = read_all(path, fd, &len);
	close(fd);
	if (!text)
		return EX_FAILED;
	ret = take_text(res, path, text, len);
	free(text);
	return ret;
}

static int is_report(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".json");
}

/* Those in a folder by their names. */
static int take_folder(struct results *res, const char *path)
{
	struct dirent **found;
	int i, ret = EX_OK, nr = scandir(path, &found, is_report, alphasort);
	char *name;

	if (nr < 0)
		return out_error(errno == EACCES ? EX_PERMISSION : EX_FAILED, errno, NULL,
				 "cannot read %s", path);
	if (!nr)
		ret = out_error(EX_FAILED, 0, NULL, "there is no *.json in %s", path);
	for (i = 0; i < nr; i++) {
		if (!ret && asprintf(&name, "%s/%s", path, found[i]->d_name) > 0) {
			ret = take_file(res, name);
			free(name);
		}
		free(found[i]);
	}
	free(found);
	return ret;
}

/**
 * results_add - read reports, and add them
 * @res:  of results_init()
 * @path: a file, with a report, or several one after the other; a folder: each *.json in it;
 *        "-": standard input
 *
 * Returns: EX_OK, or an exit code after an error message.
 */
int results_add(struct results *res, const char *path)
{
	struct stat st;

	if (strcmp(path, "-") && !stat(path, &st) && S_ISDIR(st.st_mode))
		return take_folder(res, path);
	return take_file(res, path);
}
