// SPDX-License-Identifier: GPL-2.0-only
/* zcctl top: memory, rates, the biggest buffers and transfers, live on a terminal. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lists.h"
#include "pool.h"
#include "screen.h"
#include "stats.h"

#define SECOND		1000000000ull

static const char top_help[] =
"usage: zcctl top\n"
"\n"
"Show, once a second, the module's memory, bytes sent and copied by the second, transfers,\n"
"the reserve, and the biggest transfers and buffers: the caller's own, or, with\n"
"CAP_NET_ADMIN, those of all. On a terminal alone; 'zcctl stats --interval 1' is for\n"
"scripts.\n"
"\n"
"  q    quit\n";

/**
 * struct row - a line of a table
 * @size: by which it is sorted
 * @text: the line
 */
struct row {
	uint64_t size;
	char text[160];
};

/**
 * struct rows - a table
 * @list: lines
 * @nr:   how many
 * @room: for how many there is room
 */
struct rows {
	struct row *list;
	size_t nr;
	size_t room;
};

/**
 * struct picture - all that is shown
 * @module:    lines about the module
 * @nodes:     the reserve
 * @old:       counts before
 * @now:       counts
 * @transfers: each
 * @buffers:   each
 */
struct picture {
	char module[3][160];
	struct nodes nodes;
	struct stats old;
	struct stats now;
	struct rows transfers;
	struct rows buffers;
};

static struct row *row_new(struct rows *rows, uint64_t size)
{
	if (rows->nr == rows->room) {
		size_t room = 2 * rows->room + 16;
		struct row *more = realloc(rows->list, room * sizeof(*more));

		if (!more)
			return NULL;
		rows->list = more;
		rows->room = room;
	}
	rows->list[rows->nr].size = size;
	return &rows->list[rows->nr++];
}

static void take_buffer(const struct zcnl_reply *reply, void *arg)
{
	uint64_t size = reply_num(reply, ZC_A_BUFFER_SIZE);
	struct row *row = row_new(arg, size);
	char id[16], a[32], b[32], pid[16], uid[16], comm[64], age[24];

	if (!row)
		return;
	snprintf(row->text, sizeof(row->text), "%8s %10s %10s %6llu %6llu %7s %8s %5s  %s",
		 text_number(reply, ZC_A_BUFFER_ID, id, sizeof(id)),
		 out_bytes(size, a, sizeof(a)),
		 out_bytes(reply_num(reply, ZC_A_BUFFER_HELD_BYTES), b, sizeof(b)),
		 (unsigned long long)reply_num(reply, ZC_A_BUFFER_MAPPINGS),
		 (unsigned long long)reply_num(reply, ZC_A_BUFFER_SENDS),
		 text_age(reply_num(reply, ZC_A_BUFFER_AGE_MS), age, sizeof(age)),
		 text_pid(reply, ZC_A_BUFFER_PID, pid, sizeof(pid)),
		 text_number(reply, ZC_A_BUFFER_UID, uid, sizeof(uid)),
		 reply_text(reply, ZC_A_BUFFER_COMM, comm, sizeof(comm)));
}

static void take_transfer(const struct zcnl_reply *reply, void *arg)
{
	uint64_t size = reply_num(reply, ZC_A_TRANSFER_LENGTH);
	struct row *row = row_new(arg, size);
	char id[24], a[32], b[32], c[32], pid[16], uid[16], comm[64], age[24];

	if (!row)
		return;
	snprintf(row->text, sizeof(row->text), "%8s %10s %10s %10s %7s %8s %5s  %s",
		 text_number(reply, ZC_A_TRANSFER_ID, id, sizeof(id)),
		 out_bytes(reply_num(reply, ZC_A_TRANSFER_SENT), a, sizeof(a)),
		 transfer_length(reply, b, sizeof(b)),
		 out_bytes(reply_num(reply, ZC_A_TRANSFER_COPIED), c, sizeof(c)),
		 text_age(reply_num(reply, ZC_A_TRANSFER_AGE_MS), age, sizeof(age)),
		 text_pid(reply, ZC_A_TRANSFER_PID, pid, sizeof(pid)),
		 text_number(reply, ZC_A_TRANSFER_UID, uid, sizeof(uid)),
		 reply_text(reply, ZC_A_TRANSFER_COMM, comm, sizeof(comm)));
}

static void take_module(const struct zcnl_reply *reply, void *arg)
{
	struct picture *pic = arg;
	char version[32], a[32], b[32], c[32], d[32];

	snprintf(pic->module[0], sizeof(pic->module[0]), "zc %s  buffers %llu  transfers %llu",
		 reply_text(reply, ZC_A_MODULE_VERSION, version, sizeof(version)),
		 (unsigned long long)reply_num(reply, ZC_A_MODULE_BUFFERS),
		 (unsigned long long)reply_num(reply, ZC_A_MODULE_TRANSFERS));
	snprintf(pic->module[1], sizeof(pic->module[1]),
		 "memory     %s of %s, held by others %s, parked %s",
		 out_bytes(reply_num(reply, ZC_A_MODULE_USED_BYTES), a, sizeof(a)),
		 out_bytes(reply_num(reply, ZC_A_MODULE_MAX_BYTES), b, sizeof(b)),
		 out_bytes(reply_num(reply, ZC_A_MODULE_HELD_BYTES), c, sizeof(c)),
		 out_bytes(reply_num(reply, ZC_A_MODULE_PARKED_BYTES), d, sizeof(d)));
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	/* Those that are as large do not change places from picture to picture. */
	return (x->size < y->size) - (x->size > y->size) ?: strcmp(x->text, y->text);
}

/* Returns an exit code. */
static int read_rows(struct zcnl *nl, int cmd, zcnl_fn fn, struct rows *rows)
{
	int err;

	rows->nr = 0;
	err = zcnl_dump(nl, zcnl_new(nl, cmd), fn, rows);
	if (err)
		return zcnl_error(nl, err, NULL, "cannot list what there is");
	if (rows->nr)
		qsort(rows->list, rows->nr, sizeof(*rows->list), compare_rows);
	return EX_OK;
}

/* Returns an exit code. */
static int read_all(struct zcnl *nl, struct picture *pic)
{
	int err = zcnl_do(nl, zcnl_new(nl, ZC_CMD_MODULE_GET), take_module, pic), ret;

	if (err)
		return zcnl_error(nl, err, NULL, "cannot query the module");
	nodes_free(&pic->nodes);
	ret = nodes_read(nl, &pic->nodes);
	pic->old = pic->now;
	if (!ret)
		ret = stats_read(nl, &pic->now);
	if (!ret)
		ret = read_rows(nl, ZC_CMD_TRANSFER_GET, take_transfer, &pic->transfers);
	return ret ? ret : read_rows(nl, ZC_CMD_BUFFER_GET, take_buffer, &pic->buffers);
}

static double rate(const struct picture *pic, int attr)
{
	return pic->old.at_ns ? stats_rate_of(&pic->old, &pic->now, attr) : 0;
}

static void rates_draw(const struct picture *pic)
{
	double sent = rate(pic, ZC_A_STATS_SENT_BYTES), copied = rate(pic, ZC_A_STATS_COPIED_BYTES);
	char a[32], b[32];

	screen_line("bytes      sent %s/s, copied %s/s (%.0f %%)", out_bytes(sent, a, sizeof(a)),
		    out_bytes(copied, b, sizeof(b)), sent > 0 ? 100 * copied / sent : 0);
	screen_line("transfers  done %.0f/s, failed %.0f/s, canceled %.0f/s",
		    rate(pic, ZC_A_STATS_TRANSFERS_DONE), rate(pic, ZC_A_STATS_TRANSFERS_FAILED),
		    rate(pic, ZC_A_STATS_TRANSFERS_CANCELED));
	screen_line("buffers    made %.0f/s, freed %.0f/s; leaks told of %llu",
		    rate(pic, ZC_A_STATS_BUFFERS_MADE), rate(pic, ZC_A_STATS_BUFFERS_FREED),
		    (unsigned long long)(stats_of(&pic->now, ZC_A_STATS_LEAKS_HELD) +
					 stats_of(&pic->now, ZC_A_STATS_LEAKS_IDLE)));
}

static void nodes_draw(const struct nodes *nodes)
{
	char text[160] = "";
	size_t i, len = 0;

	for (i = 0; i < nodes->nr && len < sizeof(text) - 1; i++)
		len += snprintf(text + len, sizeof(text) - len, "%snode %u: %llu of %llu ready",
				i ? ", " : "", nodes->list[i].node,
				(unsigned long long)nodes->list[i].ready / ZC_HUGE_SIZE,
				(unsigned long long)nodes->list[i].reserve / ZC_HUGE_SIZE);
	screen_line("reserve    %s", text);
}

static void rows_draw(const struct rows *rows, const char *head, unsigned int room)
{
	size_t i;

	screen_line(" ");
	screen_head(head);
	for (i = 0; i < rows->nr && i < room; i++)
		screen_line("%s", rows->list[i].text);
}

static void draw(const struct picture *pic)
{
	/* What is above the tables, and two lines of each. */
	unsigned int lines = screen_lines(), used = 6 + 4;
	unsigned int room = lines > used ? lines - used : 0, half = room / 2;
	unsigned int transfers = pic->transfers.nr < half ? pic->transfers.nr : half;

	screen_begin();
	screen_line("%s", pic->module[0]);
	screen_line("%s", pic->module[1]);
	rates_draw(pic);
	nodes_draw(&pic->nodes);
	rows_draw(&pic->transfers, "TRANSFER       SENT      UP TO     COPIED     AGE      PID  "
		  "USER  ASKED BY", transfers);
	rows_draw(&pic->buffers, "  BUFFER       SIZE       HELD MAPPED  SENDS     AGE      PID  "
		  "USER  MADE BY", room - transfers);
	screen_end();
}

/* Until "q", or a signal. Returns an exit code. */
static int live(struct zcnl *nl)
{
	struct picture pic = { };
	uint64_t next = now_ns();
	int ret;

	do {
		ret = read_all(nl, &pic);
		if (ret)
			break;
		draw(&pic);
		next += SECOND;
		while (screen_wait(next) == SCREEN_RESIZED)
			draw(&pic);
	} while (!screen_done());
	nodes_free(&pic.nodes);
	free(pic.transfers.list);
	free(pic.buffers.list);
	return ret;
}

int cmd_top(int argc, char **argv)
{
	int ret = out_help_only("top", top_help, argc, argv);
	struct zcnl *nl;

	if (ret >= 0)
		return ret;
	if (optind < argc)
		return out_usage("top: no arguments, please");
	if (out_json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return out_usage("top: is for a terminal; for scripts: zcctl stats --interval 1");
	ret = zcnl_open(&nl);
	if (ret)
		return ret;
	ret = screen_open() ? out_error(EX_FAILED, errno, NULL, "top: the terminal") : live(nl);
	screen_close();
	zcnl_close(nl);
	return ret;
}
