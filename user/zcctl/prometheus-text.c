// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metrics in the text format of Prometheus. Names follow its conventions: base units,
 * _total for what only grows. Documentation/observability.rst has the table of them,
 * which user/tests/metrics.py holds against what is printed.
 */
#include "prometheus.h"

/**
 * struct metric - how an attribute is told of
 * @name:  of the metric; NULL: that of the row above, with another value of its label
 * @help:  what it is
 * @label: NULL: it has none, or but for the node
 * @value: of the label
 * @attr:  attribute of the reply
 * @is:    not 0: the metric is 1 where the attribute is this, else 0
 * @milli: the attribute is in thousandths
 */
struct metric {
	const char *name;
	const char *help;
	const char *label;
	const char *value;
	unsigned int attr;
	unsigned int is;
	bool milli;
};

#define METRIC(_name, _attr, _help, ...) \
	{ .name = _name, .help = _help, .attr = _attr, ##__VA_ARGS__ }
#define LABELLED(_name, _label, _value, _attr, _help, ...) \
	{ .name = _name, .help = _help, .label = _label, .value = _value, .attr = _attr, \
	  ##__VA_ARGS__ }
#define MORE(_value, _attr, ...) \
	{ .value = _value, .attr = _attr, ##__VA_ARGS__ }

static const struct metric module_metrics[] = {
	METRIC("zc_memory_limit_bytes", ZC_A_MODULE_MAX_BYTES,
	       "Limit on the memory of all buffers and transfers together (max_bytes)."),
	LABELLED("zc_memory_bytes", "kind", "used", ZC_A_MODULE_USED_BYTES,
		 "Memory: used, of that held by others, and, not in used, parked for reuse."),
	MORE("held", ZC_A_MODULE_HELD_BYTES),
	MORE("parked", ZC_A_MODULE_PARKED_BYTES),
	METRIC("zc_buffers_alive", ZC_A_MODULE_BUFFERS,
	       "Buffers that there are."),
	METRIC("zc_transfers_running", ZC_A_MODULE_TRANSFERS,
	       "Transfers under way, but for small ones."),
	METRIC("zc_parameter_depth", ZC_A_MODULE_DEPTH,
	       "Reads that a transfer keeps in flight."),
	METRIC("zc_parameter_copybreak_bytes", ZC_A_MODULE_COPYBREAK,
	       "Sends of fewer bytes are copied."),
	METRIC("zc_parameter_held_after_seconds", ZC_A_MODULE_HELD_AFTER,
	       "When a destroyed buffer that is still mapped or held counts as a leak; 0: never."),
	METRIC("zc_parameter_idle_after_seconds", ZC_A_MODULE_IDLE_AFTER,
	       "When a buffer that nobody mapped or sent from counts as a leak; 0: never."),
	METRIC("zc_parameter_uring_life_seconds", ZC_A_MODULE_URING_LIFE,
	       "How long a command of io_uring may last; 0: as long as it takes.",
	       .milli = true),
	{ }
};

static const struct metric pool_metrics[] = {
	METRIC("zc_reserve_target_bytes", ZC_A_POOL_RESERVE_BYTES,
	       "Hugepages that are to be kept ready on the node."),
	LABELLED("zc_reserve_bytes", "state", "ready", ZC_A_POOL_READY_BYTES,
		 "Hugepages of the reserve: ready, or had by buffers (out)."),
	MORE("out", ZC_A_POOL_OUT_BYTES),
	LABELLED("zc_reserve_short", "reason", "limit", ZC_A_POOL_SHORT,
		 "Whether the reserve is short for this reason (1) or not (0).",
		 .is = ZC_SHORTAGE_LIMIT),
	MORE("memory", ZC_A_POOL_SHORT, .is = ZC_SHORTAGE_MEMORY),
	MORE("fragmented", ZC_A_POOL_SHORT, .is = ZC_SHORTAGE_FRAGMENTED),
	MORE("stopped", ZC_A_POOL_SHORT, .is = ZC_SHORTAGE_STOPPED),
	MORE("used", ZC_A_POOL_SHORT, .is = ZC_SHORTAGE_USED),
	METRIC("zc_node_free_bytes", ZC_A_POOL_FREE_BYTES,
	       "Memory of the node that the kernel has free."),
	METRIC("zc_node_free_hugepage_bytes", ZC_A_POOL_FREE_HUGE_BYTES,
	       "How much of the node's free memory is in hugepages."),
	{ }
};

static const struct metric stats_metrics[] = {
	METRIC("zc_buffers_made_total", ZC_A_STATS_BUFFERS_MADE,
	       "Buffers made."),
	METRIC("zc_buffers_again_total", ZC_A_STATS_BUFFERS_AGAIN,
	       "Buffers had again by the file that had destroyed them."),
	METRIC("zc_buffers_freed_total", ZC_A_STATS_BUFFERS_FREED,
	       "Buffers that nobody has any more."),
	METRIC("zc_reserve_hugepages_taken_total", ZC_A_STATS_BUFFERS_RESERVED,
	       "Hugepages that buffers got from the reserve."),
	LABELLED("zc_buffers_refused_total", "reason", "limit", ZC_A_STATS_REFUSED_LIMIT,
		 "Buffers refused, by what stood in the way."),
	MORE("memlock", ZC_A_STATS_REFUSED_MEMLOCK),
	MORE("cgroup", ZC_A_STATS_REFUSED_CGROUP),
	MORE("memory", ZC_A_STATS_REFUSED_MEMORY),
	MORE("handle", ZC_A_STATS_REFUSED_HANDLE),
	LABELLED("zc_leaks_total", "kind", "held", ZC_A_STATS_LEAKS_HELD,
		 "Buffers that are destroyed and still held, or that nobody uses (idle)."),
	MORE("idle", ZC_A_STATS_LEAKS_IDLE),
	METRIC("zc_transfers_begun_total", ZC_A_STATS_TRANSFERS_BEGUN,
	       "Transfers begun, from files and from buffers."),
	LABELLED("zc_transfers_total", "result", "done", ZC_A_STATS_TRANSFERS_DONE,
		 "Transfers that have ended, by how."),
	MORE("failed", ZC_A_STATS_TRANSFERS_FAILED),
	MORE("canceled", ZC_A_STATS_TRANSFERS_CANCELED),
	METRIC("zc_sent_bytes_total", ZC_A_STATS_SENT_BYTES,
	       "Bytes that transfers have put into sockets."),
	METRIC("zc_copied_bytes_total", ZC_A_STATS_COPIED_BYTES,
	       "How many of the bytes sent the processor copied."),
	METRIC("zc_cached_bytes_total", ZC_A_STATS_CACHED_BYTES,
	       "How many of the bytes sent came by way of the page cache."),
	LABELLED("zc_fallback_transfers_total", "reason", "no-direct",
		 ZC_A_STATS_FALLBACK_NO_DIRECT, "Transfers that copied bytes, by why."),
	MORE("no-sg", ZC_A_STATS_FALLBACK_NO_SG),
	MORE("socket", ZC_A_STATS_FALLBACK_SOCKET),
	MORE("loopback", ZC_A_STATS_FALLBACK_LOOPBACK),
	MORE("small", ZC_A_STATS_FALLBACK_SMALL),
	METRIC("zc_dma_mappings_total", ZC_A_STATS_DMA_MAPPED,
	       "Times that a buffer was mapped for a device."),
	METRIC("zc_dma_mappings_revoked_total", ZC_A_STATS_DMA_REVOKED,
	       "How many of the mappings went with their device."),
	METRIC("zc_events_lost_total", ZC_A_STATS_EVENTS_LOST,
	       "Netlink events that could not be sent for want of memory."),
	{ }
};

static void print_head(FILE *to, const char *name, const char *help, const char *type)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_value(FILE *to, const struct metric *m, uint64_t val)
{
	unsigned long long n = m->is ? val == m->is : val;

	if (m->milli)
		fprintf(to, " %llu.%03llu\n", n / 1000, n % 1000);
	else
		fprintf(to, " %llu\n", n);
}

/* {node="0",state="ready"}, or one of them, or nothing. */
static void print_labels(FILE *to, const char *label, const char *value, const uint64_t *node)
{
	if (!label && !node)
		return;
	fputc('{', to);
	if (node)
		fprintf(to, "node=\"%llu\"%s", (unsigned long long)*node, label ? "," : "");
	if (label)
		fprintf(to, "%s=\"%s\"", label, value);
	fputc('}', to);
}

/**
 * struct replies - replies that metrics are made of
 * @type:  of the metrics
 * @list:  each
 * @nr:    how many
 * @nodes: there is one for each NUMA node
 */
struct replies {
	const char *type;
	const struct prom_attrs *list;
	size_t nr;
	bool nodes;
};

/* Of a module that is older than its attribute there is no metric. */
static void print_metrics(FILE *to, const struct metric *m, const struct replies *replies)
{
	const struct metric *head = m, *told = NULL;
	const struct prom_attrs *attrs;
	size_t i;

	for (; m->name || m->value; m++) {
		head = m->name ? m : head;
		for (i = 0; i < replies->nr; i++) {
			attrs = &replies->list[i];
			if (!attrs->has[m->attr])
				continue;
			if (told != head)
				print_head(to, head->name, head->help, replies->type);
			told = head;
			fputs(head->name, to);
			print_labels(to, head->label, m->value,
				     replies->nodes ? &attrs->val[ZC_A_POOL_NODE] : NULL);
			print_value(to, m, attrs->val[m->attr]);
		}
	}
}

/* A label's value as the format wants it. */
static void print_escaped(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			fputs("\\n", to);
			continue;
		}
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
}

/**
 * prom_print - all metrics
 * @to:    where to
 * @state: what there is
 */
void prom_print(FILE *to, const struct prom_state *state)
{
	const struct replies module = { "gauge", &state->module, 1, false };
	const struct replies pools = { "gauge", state->pools, state->nodes, true };
	const struct replies stats = { "counter", &state->stats, 1, false };

	print_head(to, "zc_up", "Whether the module zc is loaded (1) or not (0).", "gauge");
	fprintf(to, "zc_up %d\n", state->up);
	if (!state->up)
		return;
	print_head(to, "zc_module_info", "Version of the module; always 1.", "gauge");
	fputs("zc_module_info{version=\"", to);
	print_escaped(to, state->version);
	fputs("\"} 1\n", to);
	print_metrics(to, module_metrics, &module);
	print_metrics(to, pool_metrics, &pools);
	print_metrics(to, stats_metrics, &stats);
}
