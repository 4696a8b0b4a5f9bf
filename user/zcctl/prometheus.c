// SPDX-License-Identifier: GPL-2.0-only
/* zcctl stats --prometheus: from the module to standard output, or a file. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "nl.h"
#include "prometheus.h"
#include "textfile.h"

static_assert(ZC_A_MODULE_MAX < PROM_ATTRS && ZC_A_POOL_MAX < PROM_ATTRS &&
	      ZC_A_STATS_MAX < PROM_ATTRS, "more attributes than room");

static void keep_numbers(const struct zcnl_reply *reply, void *arg)
{
	struct prom_attrs *attrs = arg;
	int i;

	for (i = 0; i <= reply->set->max; i++) {
		enum zcnl_type type = reply->set->fields[i].type;

		attrs->has[i] = (type == ZCNL_U32 || type == ZCNL_U64) && reply_has(reply, i);
		attrs->val[i] = attrs->has[i] ? reply_num(reply, i) : 0;
	}
}

static void keep_module(const struct zcnl_reply *reply, void *arg)
{
	struct prom_state *state = arg;

	keep_numbers(reply, &state->module);
	reply_text(reply, ZC_A_MODULE_VERSION, state->version, sizeof(state->version));
}

static void keep_pool(const struct zcnl_reply *reply, void *arg)
{
	struct prom_state *state = arg;
	struct prom_attrs *pools;

	pools = reallocarray(state->pools, state->nodes + 1, sizeof(*pools));
	if (!pools) {
		state->lost = true;
		return;
	}
	state->pools = pools;
	keep_numbers(reply, &pools[state->nodes++]);
}

static int collect(struct zcnl *nl, struct prom_state *state)
{
	int err;

	err = zcnl_do(nl, zcnl_new(nl, ZC_CMD_MODULE_GET), keep_module, state) ?:
	      zcnl_do(nl, zcnl_new(nl, ZC_CMD_STATS_GET), keep_numbers, &state->stats) ?:
	      zcnl_dump(nl, zcnl_new(nl, ZC_CMD_POOL_GET), keep_pool, state) ?:
	      (state->lost ? -ENOMEM : 0);
	state->up = !err;
	return err ? zcnl_error(nl, err, NULL, "cannot read the metrics") : EX_OK;
}

/*
 * Not loaded is what zc_up tells of, and nothing for the mail of a cron job. Where the
 * module is loaded, but not to be asked, zc_up would tell a lie.
 */
static bool not_loaded(void)
{
	return !zcnl_there() && access("/sys/module/zc", F_OK);
}

static int read_state(struct prom_state *state)
{
	struct zcnl *nl;
	int ret = zcnl_open(&nl);

	if (ret)
		return ret;
	ret = collect(nl, state);
	zcnl_close(nl);
	return ret;
}

static int write_state(const struct prom_state *state, const char *path)
{
	struct textfile file;
	int ret = textfile_open(&file, path);

	if (ret)
		return ret;
	prom_print(file.to, state);
	return textfile_close(&file);
}

/**
 * prom_stats - all metrics
 * @path: file to put them into, in one go; NULL: standard output
 *
 * A file tells of a module that is not loaded, and that is no error: who reads it would
 * otherwise find what was, or nothing. In case of errors the file stays as it was.
 *
 * Returns: an exit code, after an error message.
 */
int prom_stats(const char *path)
{
	struct prom_state state = { .up = false };
	int ret = EX_OK;

	if (!path || !not_loaded())
		ret = read_state(&state);
	if (path && !ret)
		ret = write_state(&state, path);
	else if (!path && (!ret || ret == EX_NO_MODULE))
		prom_print(stdout, &state);
	free(state.pools);
	return ret;
}
