// SPDX-License-Identifier: GPL-2.0-only
/* zcctl info: the module's version, parameters, features and limits. */
#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zcctl.h"

#define SYSFS		"/sys/module/zc/"
#define PARAMS_MAX	32

static const char info_help[] =
"usage: zcctl info\n"
"\n"
"Show the version, parameters, features and limits of the module.\n"
"Exit code 3: it is not loaded.\n";

/**
 * struct bit_name - name of a flag
 * @bit:  flag
 * @name: name
 */
struct bit_name {
	uint64_t bit;
	const char *name;
};

static const struct bit_name features[] = {
	{ ZC_FEAT_BUFFER, "buffer" },
	{ ZC_FEAT_SENDFILE, "sendfile" },
	{ ZC_FEAT_PAGE_PATH, "page-path" },
	{ ZC_FEAT_SEND, "send" },
	{ ZC_FEAT_ASYNC, "async" },
	{ ZC_FEAT_STATS, "stats" },
	{ ZC_FEAT_RESERVE, "reserve" },
	{ ZC_FEAT_INFO, "info" },
	{ ZC_FEAT_SHARE, "share" },
	{ ZC_FEAT_IMPORT, "import" },
	{ ZC_FEAT_DMA, "dma" },
	{ ZC_FEAT_DMABUF, "dmabuf" },
};

/**
 * struct param - a parameter of the module
 * @name:  name
 * @value: value
 */
struct param {
	char name[64];
	char value[64];
};

/**
 * struct params - all of them, by name
 * @nr:   how many
 * @list: each
 */
struct params {
	size_t nr;
	struct param list[PARAMS_MAX];
};

static int compare_params(const void *a, const void *b)
{
	const struct param *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void read_params(struct params *params)
{
	DIR *dir = opendir(SYSFS "parameters");
	struct dirent *de;
	char file[320];

	params->nr = 0;
	if (!dir)
		return;
	while (params->nr < PARAMS_MAX && (de = readdir(dir))) {
		struct param *param = &params->list[params->nr];

		if (*de->d_name == '.' || strlen(de->d_name) >= sizeof(param->name))
			continue;
		memcpy(param->name, de->d_name, strlen(de->d_name) + 1);
		snprintf(file, sizeof(file), SYSFS "parameters/%s", de->d_name);
		file_line(file, param->value, sizeof(param->value));
		params->nr++;
	}
	closedir(dir);
	qsort(params->list, params->nr, sizeof(*params->list), compare_params);
}

/* Numbers as such, and what is none as a string. */
static struct json_object *params_json(const struct params *params)
{
	struct json_object *obj = json_object_new_object();
	uint64_t number;
	size_t i;

	for (i = 0; i < params->nr; i++) {
		const struct param *param = &params->list[i];

		if (parse_size(param->value, &number))
			out_add_u64(obj, param->name, number);
		else
			out_add_str(obj, param->name, param->value);
	}
	return obj;
}

/**
 * struct stat_name - name of a count
 * @name: name
 * @off:  where it stands in struct zc_stats
 */
static const struct stat_name {
	const char *name;
	size_t off;
} stat_names[] = {
	{ "made", offsetof(struct zc_stats, made) },
	{ "again", offsetof(struct zc_stats, again) },
	{ "reserved", offsetof(struct zc_stats, reserved) },
	{ "refused_limit", offsetof(struct zc_stats, refused_limit) },
	{ "refused_memlock", offsetof(struct zc_stats, refused_memlock) },
	{ "refused_cgroup", offsetof(struct zc_stats, refused_cgroup) },
	{ "refused_memory", offsetof(struct zc_stats, refused_memory) },
	{ "refused_handle", offsetof(struct zc_stats, refused_handle) },
	{ "told_held", offsetof(struct zc_stats, told_held) },
	{ "told_idle", offsetof(struct zc_stats, told_idle) },
};

static struct json_object *stats_json(const struct zc_stats *stats)
{
	struct json_object *obj = json_object_new_object();
	size_t i;

	for (i = 0; i < sizeof(stat_names) / sizeof(*stat_names); i++)
		out_add_u64(obj, stat_names[i].name,
			    *(const __u64 *)((const char *)stats + stat_names[i].off));
	return obj;
}

static void info_json(const struct zc_query *q, const struct zc_stats *stats,
		      const char *version, const struct params *params)
{
	struct json_object *obj = out_new("info"), *names = json_object_new_array();
	size_t i;

	for (i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (q->features & features[i].bit)
			json_object_array_add(names, json_object_new_string(features[i].name));
	out_add_str(obj, "version", version);
	out_add_u64(obj, "abi", q->abi);
	json_object_object_add(obj, "features", names);
	json_object_object_add(obj, "parameters", params_json(params));
	out_add_u64(obj, "max_buffer_size", q->max_buffer_size);
	out_add_u64(obj, "max_bytes", q->max_bytes);
	out_add_u64(obj, "used_bytes", q->used_bytes);
	out_add_u64(obj, "held_bytes", q->held_bytes);
	out_add_u64(obj, "parked_bytes", q->parked_bytes);
	out_add_u64(obj, "buffers", q->buffers);
	out_add_u64(obj, "max_handles", q->max_handles);
	out_add_u64(obj, "huge_size", q->huge_size);
	out_add_u64(obj, "chunk_size", q->chunk_size);
	out_add_u64(obj, "depth", q->depth);
	json_object_object_add(obj, "stats", stats_json(stats));
	out_object(obj);
}

static void stats_text(const struct zc_stats *stats)
{
	printf("made       %llu, had again %llu; refused %llu by max_bytes, %llu by memlock,\n"
	       "           %llu by cgroups, %llu for want of memory, %llu of handles\n",
	       (unsigned long long)stats->made, (unsigned long long)stats->again,
	       (unsigned long long)stats->refused_limit,
	       (unsigned long long)stats->refused_memlock,
	       (unsigned long long)stats->refused_cgroup,
	       (unsigned long long)stats->refused_memory,
	       (unsigned long long)stats->refused_handle);
}

static void info_text(const struct zc_query *q, const struct zc_stats *stats,
		      const char *version, const struct params *params)
{
	char a[32], b[32];
	size_t i;

	printf("zc %s, interface %u\n", version, q->abi);
	printf("features  ");
	for (i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (q->features & features[i].bit)
			printf(" %s", features[i].name);
	printf("\nparameters");
	for (i = 0; i < params->nr; i++)
		printf(" %s=%s", params->list[i].name, params->list[i].value);
	printf("\nmemory     %s in use, of %s at most (max_bytes)\n",
	       out_bytes(q->used_bytes, a, sizeof(a)),
	       out_bytes(q->max_bytes, b, sizeof(b)));
	if (q->held_bytes)
		printf("held       %s by others, the network for one; counted in max_bytes too\n",
		       out_bytes(q->held_bytes, a, sizeof(a)));
	if (q->parked_bytes)
		printf("parked     %s in buffers that their files may want again\n",
		       out_bytes(q->parked_bytes, a, sizeof(a)));
	printf("buffers    %u, each of at most %s, %u per open file\n", q->buffers,
	       out_bytes(q->max_buffer_size, a, sizeof(a)), q->max_handles);
	stats_text(stats);
	printf("transfers  reads of %s, %u in flight (depth)\n",
	       out_bytes(q->chunk_size, a, sizeof(a)), q->depth);
}

int cmd_info(int argc, char **argv)
{
	struct zc_context *ctx;
	static struct params params;
	struct zc_query query;
	struct zc_stats stats;
	char version[64];
	int ret;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(info_help, stdout);
		return EX_OK;
	}
	if (argc != 1)
		return out_usage("info: no arguments, please");
	ret = device_open(&ctx);
	if (ret)
		return ret;
	ret = zc_query(ctx, &query) ?: zc_query_stats(ctx, &stats);
	zc_close(ctx);
	if (ret)
		return out_error(EX_FAILED, -ret, NULL, "cannot query the module");
	file_line(SYSFS "version", version, sizeof(version));
	read_params(&params);
	if (out_json)
		info_json(&query, &stats, version, &params);
	else
		info_text(&query, &stats, version, &params);
	return EX_OK;
}
