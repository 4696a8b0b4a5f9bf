/* SPDX-License-Identifier: GPL-2.0-only */
/* By which network device a socket sends, and what that can do. */
#ifndef _ZCCTL_ROUTE_H
#define _ZCCTL_ROUTE_H

#include <json-c/json.h>
#include <net/if.h>
#include <stdbool.h>

/**
 * struct route - the way of what a socket sends. Features are 1, 0, or -1: it does not say
 * @name:     device
 * @loopback: it comes back to this host
 * @gather:   packets may refer to memory here and there
 * @checksum: the device makes the checksums
 * @tso:      and parts packets of up to 64 KiB
 * @gso:      or the kernel does, late
 * @mtu:      bytes of a packet, or -1
 */
struct route {
	char name[IFNAMSIZ];
	bool loopback;
	int gather;
	int checksum;
	int tso;
	int gso;
	int mtu;
};

bool route_find(int sock, struct route *route);
struct json_object *route_json(const struct route *route);

#endif /* _ZCCTL_ROUTE_H */
