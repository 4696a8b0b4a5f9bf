// SPDX-License-Identifier: GPL-2.0-only
/* The counts of the module, and how to have them. */
#include "stats.h"

const struct stat_row stat_rows[] = {
	{ ZC_A_STATS_BUFFERS_MADE, "buffers_made", "buffers", "made", false,
	  "Buffers made." },
	{ ZC_A_STATS_BUFFERS_AGAIN, "buffers_again", "buffers", "had again", false,
	  "Buffers that were had again by the file that had destroyed them." },
	{ ZC_A_STATS_BUFFERS_FREED, "buffers_freed", "buffers", "freed", false,
	  "Buffers that nobody has any more." },
	{ ZC_A_STATS_BUFFERS_RESERVED, "buffers_reserved", "buffers", "hugepages of the reserve",
	  false, "Hugepages that buffers got from the reserve." },
	{ ZC_A_STATS_REFUSED_LIMIT, "refused_limit", "refused", "by max_bytes", false,
	  "Buffers refused by the module's limit, max_bytes." },
	{ ZC_A_STATS_REFUSED_MEMLOCK, "refused_memlock", "refused", "by RLIMIT_MEMLOCK", false,
	  "Buffers refused by RLIMIT_MEMLOCK." },
	{ ZC_A_STATS_REFUSED_CGROUP, "refused_cgroup", "refused", "by a cgroup", false,
	  "Buffers refused by a memory cgroup." },
	{ ZC_A_STATS_REFUSED_MEMORY, "refused_memory", "refused", "for want of memory", false,
	  "Buffers refused for want of memory, or of hugepages." },
	{ ZC_A_STATS_REFUSED_HANDLE, "refused_handle", "refused", "for want of handles", false,
	  "Buffers refused as the file has too many." },
	{ ZC_A_STATS_LEAKS_HELD, "leaks_held", "leaks told", "destroyed, still held", false,
	  "Destroyed buffers that were still mapped or held after held_after seconds." },
	{ ZC_A_STATS_LEAKS_IDLE, "leaks_idle", "leaks told", "not used", false,
	  "Buffers that nobody had mapped or sent from for idle_after seconds." },
	{ ZC_A_STATS_TRANSFERS_BEGUN, "transfers_begun", "transfers", "begun", false,
	  "Transfers begun, from files and from buffers." },
	{ ZC_A_STATS_TRANSFERS_DONE, "transfers_done", "transfers", "done", false,
	  "Transfers that have ended without an error." },
	{ ZC_A_STATS_TRANSFERS_FAILED, "transfers_failed", "transfers", "failed", false,
	  "Transfers that have ended with an error, canceled ones not among them." },
	{ ZC_A_STATS_TRANSFERS_CANCELED, "transfers_canceled", "transfers", "canceled", false,
	  "Transfers that were canceled, or interrupted by a signal." },
	{ ZC_A_STATS_SENT_BYTES, "sent_bytes", "bytes", "sent", true,
	  "Bytes that transfers have put into sockets." },
	{ ZC_A_STATS_COPIED_BYTES, "copied_bytes", "bytes", "copied", true,
	  "Bytes of those sent that the processor copied." },
	{ ZC_A_STATS_CACHED_BYTES, "cached_bytes", "bytes", "by the page cache", true,
	  "Bytes of those sent that came by way of the page cache." },
	{ ZC_A_STATS_FALLBACK_NO_DIRECT, "fallback_no_direct", "copied, as", "no-direct", false,
	  "Transfers that copied bytes as the file cannot do direct reads, or the page cache was "
	  "asked for." },
	{ ZC_A_STATS_FALLBACK_NO_SG, "fallback_no_sg", "copied, as", "no-sg", false,
	  "Transfers that copied bytes as the device of the route takes no scatter-gather lists." },
	{ ZC_A_STATS_FALLBACK_SOCKET, "fallback_socket", "copied, as", "socket", false,
	  "Transfers that copied bytes as the protocol of the socket has no path for pages." },
	{ ZC_A_STATS_FALLBACK_LOOPBACK, "fallback_loopback", "copied, as", "loopback", false,
	  "Transfers that copied bytes as the packets loop back to this host, and the buffer may "
	  "change." },
	{ ZC_A_STATS_FALLBACK_SMALL, "fallback_small", "copied, as", "small", false,
	  "Transfers that copied bytes as they were fewer than pay for a reference." },
	{ ZC_A_STATS_DMA_MAPPED, "dma_mapped", "dma", "mapped", false,
	  "Times that a buffer was mapped for a target." },
	{ ZC_A_STATS_DMA_REVOKED, "dma_revoked", "dma", "revoked", false,
	  "Mappings of buffers that went with their target." },
	{ ZC_A_STATS_EVENTS_LOST, "events_lost", "events", "lost", false,
	  "Events of netlink that could not be sent for want of memory." },
};

const size_t nr_stat_rows = sizeof(stat_rows) / sizeof(*stat_rows);

static void take(const struct zcnl_reply *reply, void *arg)
{
	struct stats *stats = arg;
	size_t i;

	for (i = 0; i < nr_stat_rows; i++) {
		stats->has[i] = reply_has(reply, stat_rows[i].attr);
		stats->val[i] = reply_num(reply, stat_rows[i].attr);
	}
}

/**
 * stats_read - what the module has counted
 * @nl:    connection
 * @stats: out: that
 *
 * Returns: an exit code, after an error message.
 */
int stats_read(struct zcnl *nl, struct stats *stats)
{
	int err;

	*stats = (struct stats){ .at_ns = now_ns() };
	err = zcnl_do(nl, zcnl_new(nl, ZC_CMD_STATS_GET), take, stats);
	return err ? zcnl_error(nl, err, NULL, "cannot read the counts") : EX_OK;
}

/**
 * stats_of - one of them
 * @stats: all
 * @attr:  ZC_A_STATS_*
 */
uint64_t stats_of(const struct stats *stats, int attr)
{
	size_t i;

	for (i = 0; i < nr_stat_rows; i++)
		if (stat_rows[i].attr == attr)
			return stats->val[i];
	return 0;
}

/**
 * stats_add - all of them, into an object of JSON
 * @stats: all
 * @obj:   object; what the module does not count is null there
 */
void stats_add(const struct stats *stats, struct json_object *obj)
{
	size_t i;

	for (i = 0; i < nr_stat_rows; i++)
		json_object_object_add(obj, stat_rows[i].name, stats->has[i] ?
				       json_object_new_uint64(stats->val[i]) : NULL);
}
