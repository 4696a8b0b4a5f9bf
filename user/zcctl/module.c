// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's modules, by libkmod. */
#include <errno.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zcctl.h"

static int module_get(struct kmod_ctx *ctx, const char *path,
		      struct kmod_module **mod)
{
	struct kmod_list *list = NULL;
	int err;

	if (path)
		return kmod_module_new_from_path(ctx, path, mod);
	err = kmod_module_new_from_lookup(ctx, "zc", &list);
	if (err < 0)
		return err;
	if (!list)
		return -ENOENT;
	*mod = kmod_module_get_module(list);
	kmod_module_unref_list(list);
	return 0;
}

int module_insert(const char *path, const char *params)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);
	struct kmod_module *mod;
	int err;

	if (!ctx)
		return -ENOMEM;
	kmod_set_log_priority(ctx, 0);
	err = module_get(ctx, path, &mod);
	if (!err) {
		err = kmod_module_insert_module(mod, 0, params);
		kmod_module_unref(mod);
	}
	kmod_unref(ctx);
	return err;
}

int module_remove(void)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);
	struct kmod_module *mod;
	int err;

	if (!ctx)
		return -ENOMEM;
	kmod_set_log_priority(ctx, 0);
	err = kmod_module_new_from_name(ctx, "zc", &mod);
	if (!err) {
		err = kmod_module_remove_module(mod, KMOD_REMOVE_NOWAIT);
		kmod_module_unref(mod);
	}
	kmod_unref(ctx);
	return err;
}

/* "max_bytes:what it is" of each entry "parm". */
static char *names_of(struct kmod_module *mod)
{
	struct kmod_list *info = NULL, *entry;
	char *names = NULL;
	size_t len;
	FILE *to;

	if (kmod_module_get_info(mod, &info) < 0)
		return NULL;
	to = open_memstream(&names, &len);
	kmod_list_foreach(entry, info) {
		const char *value = kmod_module_info_get_value(entry);

		if (to && !strcmp(kmod_module_info_get_key(entry), "parm"))
			fprintf(to, "%s%.*s", ftell(to) ? " " : "",
				(int)strcspn(value, ":"), value);
	}
	kmod_module_info_free_list(info);
	if (to && fclose(to)) {
		free(names);
		names = NULL;
	}
	return names;
}

/* The value of the first entry @key. */
static char *value_of(struct kmod_module *mod, const char *key)
{
	struct kmod_list *info = NULL, *entry;
	char *value = NULL;

	if (kmod_module_get_info(mod, &info) < 0)
		return NULL;
	kmod_list_foreach(entry, info)
		if (!value && !strcmp(kmod_module_info_get_key(entry), key))
			value = strdup(kmod_module_info_get_value(entry));
	kmod_module_info_free_list(info);
	return value;
}

/* NULL for @key: the names of the parameters. */
static char *module_ask(const char *path, const char *key)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);
	struct kmod_module *mod;
	char *answer = NULL;

	if (!ctx)
		return NULL;
	kmod_set_log_priority(ctx, 0);
	if (!module_get(ctx, path, &mod)) {
		answer = key ? value_of(mod, key) : names_of(mod);
		kmod_module_unref(mod);
	}
	kmod_unref(ctx);
	return answer;
}

char *module_params(const char *path)
{
	return module_ask(path, NULL);
}

char *module_info(const char *path, const char *key)
{
	return module_ask(path, key);
}
