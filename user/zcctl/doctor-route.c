// SPDX-License-Identifier: GPL-2.0-only
/* zcctl doctor: does the way to a host take packets that refer to memory? */
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor.h"

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

/* 1, 0, or -1: it does not say. */
static int feature(int sock, const char *name, unsigned int what)
{
	struct ethtool_value value = { .cmd = what };
	struct ifreq ifr = { };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_data = (void *)&value;
	return ioctl(sock, SIOCETHTOOL, &ifr) < 0 ? -1 : !!value.data;
}

static void find_features(struct doctor *doctor, int sock, const char *name)
{
	int gather = feature(sock, name, ETHTOOL_GSG);
	int sum = feature(sock, name, ETHTOOL_GTXCSUM);
	char command[64];

	snprintf(command, sizeof(command), "sudo ethtool -K %s tx on sg on", name);
	if (gather < 0 || sum < 0)
		doctor_note(doctor, "route",
			    "by %s, which does not say what it can: %s", name, strerror(errno));
	else if (!gather || !sum)
		doctor_find(doctor, "route", DOCTOR_WARNING, command,
			    "by %s, where %s off: the kernel copies all that is sent", name,
			    gather ? "checksums are" : sum ? "scatter-gather is" :
			    "scatter-gather and checksums are");
	else
		doctor_ok(doctor, "route",
			  "by %s, which gathers packets from memory, and makes their checksums",
			  name);
}

/* An address of this host is reached by the loopback, whatever device has it. */
static bool is_own(int sock, const struct sockaddr_storage *local)
{
	struct sockaddr_storage peer = { };
	socklen_t len = sizeof(peer);

	return !getpeername(sock, (struct sockaddr *)&peer, &len) &&
	       same_address((struct sockaddr *)&peer, (const struct sockaddr *)local);
}

/* A socket whose peer is told, but sent nothing. */
static int connect_to(const struct doctor *doctor, struct sockaddr_storage *local)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list, *one;
	socklen_t len = sizeof(*local);
	int sock = -1, err;

	err = getaddrinfo(doctor->host, doctor->port, &hints, &list);
	if (err) {
		if (err != EAI_SYSTEM)
			errno = ENOENT;
		return -1;
	}
	for (one = list; one && sock < 0; one = one->ai_next) {
		sock = socket(one->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (sock < 0)
			continue;
		if (connect(sock, one->ai_addr, one->ai_addrlen) ||
		    getsockname(sock, (struct sockaddr *)local, &len)) {
			err = errno;
			close(sock);
			sock = -1;
			errno = err;
		}
	}
	freeaddrinfo(list);
	return sock;
}

/**
 * doctor_route - the way to the host that is to be sent to
 * @doctor: the visit
 */
void doctor_route(struct doctor *doctor)
{
	struct sockaddr_storage local = { };
	char name[IFNAMSIZ];
	unsigned int flags;
	int sock;

	if (!doctor->host)
		return;
	sock = connect_to(doctor, &local);
	if (sock < 0) {
		doctor_find(doctor, "route", DOCTOR_PROBLEM, NULL, "no way to %s: %s", doctor->host,
			    errno == ENOENT ? "no host of that name is known" : strerror(errno));
		return;
	}
	if (!device_of((struct sockaddr *)&local, name, &flags))
		doctor_note(doctor, "route",
			    "the device on the way to %s cannot be seen", doctor->host);
	else if (flags & IFF_LOOPBACK || is_own(sock, &local))
		doctor_ok(doctor, "route", "the packets loop back to this host, without a copy");
	else
		find_features(doctor, sock, name);
	close(sock);
}
