// SPDX-License-Identifier: GPL-2.0-only
/* zcctl doctor: does the way to a host take packets that refer to memory? */
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor.h"
#include "route.h"

static void find_features(struct doctor *doctor, const struct route *route)
{
	int gather = route->gather, sum = route->checksum;
	const char *name = route->name;
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

/* A socket whose peer is told, but sent nothing. */
static int connect_to(const struct doctor *doctor)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list, *one;
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
		if (connect(sock, one->ai_addr, one->ai_addrlen)) {
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
	struct route route;
	int sock;

	if (!doctor->host)
		return;
	sock = connect_to(doctor);
	if (sock < 0) {
		doctor_find(doctor, "route", DOCTOR_PROBLEM, NULL, "no way to %s: %s", doctor->host,
			    errno == ENOENT ? "no host of that name is known" : strerror(errno));
		return;
	}
	if (!route_find(sock, &route))
		doctor_note(doctor, "route",
			    "the device on the way to %s cannot be seen", doctor->host);
	else if (route.loopback)
		doctor_ok(doctor, "route", "the packets loop back to this host, without a copy");
	else
		find_features(doctor, &route);
	close(sock);
}
