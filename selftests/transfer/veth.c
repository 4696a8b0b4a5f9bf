// SPDX-License-Identifier: GPL-2.0-only
/* Two network namespaces, "near" and "far", and what connects them. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "veth.h"
#include "zc_test.h"

static int netns(void)
{
	return open("/proc/self/ns/net", O_RDONLY);
}

bool veth_have(const char *type)
{
	zct_run("modprobe -q %s", type);
	return !unshare(CLONE_NEWNET) && !zct_run("ip link add zctry type %s", type);
}

int veth_connect(const struct veth *v, int family, int *sock)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0xc0000202),	/* 192.0.2.2 */
	};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		/* 2001:db8::2 */
		.sin6_addr = { .s6_addr = { 0x20, 1, 0x0d, 0xb8, [15] = 2 } },
	};
	struct sockaddr *addr = family == AF_INET ? (void *)&in : (void *)&in6;
	socklen_t len = family == AF_INET ? sizeof(in) : sizeof(in6);
	int fd;

	setns(v->far, CLONE_NEWNET);
	fd = socket(family, SOCK_STREAM, 0);
	if (bind(fd, addr, len) || listen(fd, 1) || getsockname(fd, addr, &len))
		return -errno;
	setns(v->near, CLONE_NEWNET);
	sock[0] = socket(family, SOCK_STREAM, 0);
	if (connect(sock[0], addr, len))
		return -errno;
	sock[1] = accept(fd, NULL, NULL);
	close(fd);
	return sock[1] < 0 ? -errno : 0;
}

static const char addresses[] =
	"ip addr add 192.0.2.%d/24 dev %s; ip addr add 2001:db8::%d/64 dev %s nodad;"
	"ip link set %s up";

bool veth_up(struct veth *v)
{
	if (unshare(CLONE_NEWNET))
		return false;
	v->far = netns();
	if (unshare(CLONE_NEWNET))
		return false;
	v->near = netns();
	if (zct_run("ip link add zc0 type veth peer name zc1 netns /proc/self/fd/%d",
		    v->far))
		return false;
	zct_run(addresses, 1, "zc0", 1, "zc0", "zc0");
	setns(v->far, CLONE_NEWNET);
	zct_run(addresses, 2, "zc1", 2, "zc1", "zc1");
	setns(v->near, CLONE_NEWNET);
	return true;
}

bool veth_bridge_up(struct veth *v)
{
	if (unshare(CLONE_NEWNET))
		return false;
	v->near = netns();
	if (unshare(CLONE_NEWNET))
		return false;
	v->far = netns();
	if (unshare(CLONE_NEWNET))
		return false;
	/* It lasts as long as this process, by a descriptor. */
	if (netns() < 0)
		return false;
	if (zct_run("ip link add zcbr type bridge && ip link set zcbr up &&"
		    "ip link add p0 master zcbr type veth peer name zc0 netns /proc/self/fd/%d &&"
		    "ip link add p1 master zcbr type veth peer name zc1 netns /proc/self/fd/%d &&"
		    "ip link set p0 up && ip link set p1 up", v->near, v->far))
		return false;
	setns(v->far, CLONE_NEWNET);
	zct_run(addresses, 2, "zc1", 2, "zc1", "zc1");
	setns(v->near, CLONE_NEWNET);
	zct_run(addresses, 1, "zc0", 1, "zc0", "zc0");
	return true;
}
