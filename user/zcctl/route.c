// SPDX-License-Identifier: GPL-2.0-only
/* By which network device a socket sends, and what that can do. */
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "route.h"
#include "zcctl.h"

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	if (!a || a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return a->sa_family == AF_INET6 &&
	       !memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
		       &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr));
}

/* The device that has the address @addr, and its flags. */
static bool device_of(const struct sockaddr *addr, char *name, unsigned int *flags)
{
	struct ifaddrs *list, *one;
	bool found = false;

	if (getifaddrs(&list))
		return false;
	for (one = list; one && !found; one = one->ifa_next) {
		found = same_address(one->ifa_addr, addr);
		if (!found)
			continue;
		snprintf(name, IFNAMSIZ, "%s", one->ifa_name);
		*flags = one->ifa_flags;
	}
	freeifaddrs(list);
	return found;
}

static int feature(int sock, const char *name, unsigned int what)
{
	struct ethtool_value value = { .cmd = what };
	struct ifreq ifr = { };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_data = (void *)&value;
	return ioctl(sock, SIOCETHTOOL, &ifr) < 0 ? -1 : !!value.data;
}

static int mtu_of(int sock, const char *name)
{
	struct ifreq ifr = { };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return ioctl(sock, SIOCGIFMTU, &ifr) < 0 ? -1 : ifr.ifr_mtu;
}

/**
 * route_find - the way of a socket
 * @sock:  with a peer
 * @route: filled in
 *
 * Returns: false if the device cannot be seen.
 */
bool route_find(int sock, struct route *route)
{
	struct sockaddr_storage local = { }, peer = { };
	socklen_t len = sizeof(local), peer_len = sizeof(peer);
	unsigned int flags;

	if (getsockname(sock, (struct sockaddr *)&local, &len) ||
	    !device_of((struct sockaddr *)&local, route->name, &flags))
		return false;
	/* An address of this host is reached by the loopback, whatever device has it. */
	route->loopback = flags & IFF_LOOPBACK ||
			  (!getpeername(sock, (struct sockaddr *)&peer, &peer_len) &&
			   same_address((struct sockaddr *)&peer, (struct sockaddr *)&local));
	route->tso = feature(sock, route->name, ETHTOOL_GTSO);
	route->gso = feature(sock, route->name, ETHTOOL_GGSO);
	route->mtu = mtu_of(sock, route->name);
	/* Last: who sees -1 looks at errno. */
	route->checksum = feature(sock, route->name, ETHTOOL_GTXCSUM);
	route->gather = feature(sock, route->name, ETHTOOL_GSG);
	return true;
}

static void add_feature(struct json_object *obj, const char *key, int has)
{
	json_object_object_add(obj, key, has < 0 ? NULL : json_object_new_boolean(has));
}

/* As a report's "nic". */
struct json_object *route_json(const struct route *route)
{
	struct json_object *obj = json_object_new_object();

	out_add_str(obj, "device", route->name);
	json_object_object_add(obj, "loopback", json_object_new_boolean(route->loopback));
	add_feature(obj, "scatter_gather", route->gather);
	add_feature(obj, "tx_checksum", route->checksum);
	add_feature(obj, "tso", route->tso);
	add_feature(obj, "gso", route->gso);
	json_object_object_add(obj, "mtu", route->mtu < 0 ? NULL :
			       json_object_new_int(route->mtu));
	return obj;
}
