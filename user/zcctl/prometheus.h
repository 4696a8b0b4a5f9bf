/* SPDX-License-Identifier: GPL-2.0-only */
/* zcctl stats --prometheus: what there is, and how it is printed. */
#ifndef _ZCCTL_PROMETHEUS_H
#define _ZCCTL_PROMETHEUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/zc_netlink.h>

#define PROM_ATTRS	32

/**
 * struct prom_attrs - numbers of a reply, by their attributes
 * @has: which it has
 * @val: their values
 */
struct prom_attrs {
	bool has[PROM_ATTRS];
	uint64_t val[PROM_ATTRS];
};

/**
 * struct prom_state - what the module says of itself at one time
 * @up:      it is loaded; else there is nothing more
 * @version: its version
 * @module:  of module-get
 * @stats:   of stats-get
 * @pools:   of pool-get, each node
 * @nodes:   how many these are
 * @lost:    there was no memory for one of them
 */
struct prom_state {
	bool up;
	char version[64];
	struct prom_attrs module;
	struct prom_attrs stats;
	struct prom_attrs *pools;
	size_t nodes;
	bool lost;
};

/* prometheus-text.c: the text format */

void prom_print(FILE *to, const struct prom_state *state);

/* prometheus.c: from the module to a file */

int prom_stats(const char *path);

#endif /* _ZCCTL_PROMETHEUS_H */
