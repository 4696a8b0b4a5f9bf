// SPDX-License-Identifier: GPL-2.0-only
/* The socket of generic netlink. */
#include <errno.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "nl.h"
#include "stop.h"

/* Events may come in bursts; with CAP_NET_ADMIN the limit of rmem_max does not bind. */
#define ROOM	(4 << 20)

struct zcnl_socket {
	struct nl_sock *nl;
	int fd;
};

/* Reasons in sentences; and no attribute that the kernel passes over. */
static void set_options(int fd)
{
	int on = 1, room = ROOM;

	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

static int connect_to(struct zcnl_socket *sock, int *family)
{
	int err;

	sock->nl = nl_socket_alloc();
	if (!sock->nl)
		return -ENOMEM;
	nl_socket_disable_auto_ack(sock->nl);
	err = genl_connect(sock->nl);
	if (err == -NLE_PROTO_MISMATCH || err == -NLE_AF_NOSUPPORT)
		return -EPROTONOSUPPORT;
	if (err)
		return err == -NLE_PERM ? -EPERM : -EIO;
	sock->fd = nl_socket_get_fd(sock->nl);
	*family = genl_ctrl_resolve(sock->nl, ZC_FAMILY_NAME);
	if (*family < 0)
		return *family == -NLE_OBJ_NOTFOUND ? -ENOENT : -EIO;
	set_options(sock->fd);
	return 0;
}

int socket_open(struct zcnl_socket **sock, int *family)
{
	int err;

	*sock = calloc(1, sizeof(**sock));
	if (!*sock)
		return -ENOMEM;
	err = connect_to(*sock, family);
	if (err)
		socket_close(*sock);
	return err;
}

/* Takes NULL, too. */
void socket_close(struct zcnl_socket *sock)
{
	if (!sock)
		return;
	nl_socket_free(sock->nl);
	free(sock);
}

int socket_send(struct zcnl_socket *sock, struct nl_msg *msg)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	ssize_t n;

	do
		n = sendto(sock->fd, hdr, hdr->nlmsg_len, 0, (struct sockaddr *)&kernel,
			   sizeof(kernel));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int socket_receive(struct zcnl_socket *sock, void *buf, size_t size, int timeout_ms)
{
	struct pollfd pfd = { .fd = sock->fd, .events = POLLIN };
	struct sockaddr_nl from = { };
	socklen_t len = sizeof(from);
	ssize_t n;

	n = stop_poll(&pfd, timeout_ms);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	n = recvfrom(sock->fd, buf, size, MSG_TRUNC | MSG_DONTWAIT, (struct sockaddr *)&from,
		     &len);
	if (n < 0)
		return -errno;
	if (from.nl_pid)	/* not by the kernel */
		return -EAGAIN;
	return (size_t)n > size ? -EMSGSIZE : n;
}

static int join(int fd, struct nl_sock *lookup, const char *family, const char *group)
{
	int nr = genl_ctrl_resolve_grp(lookup, family, group);

	if (nr < 0)
		return -ENOENT;
	return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &nr, sizeof(nr)) ? -errno : 0;
}

/* Also to be told when the family goes. */
int socket_join(struct zcnl_socket *sock, const char *group)
{
	/* Looked up by another socket: events that come meanwhile are no answers. */
	struct nl_sock *lookup = nl_socket_alloc();
	int err = -ENOMEM;

	if (lookup && !genl_connect(lookup)) {
		err = join(sock->fd, lookup, ZC_FAMILY_NAME, group);
		if (!err)
			join(sock->fd, lookup, "nlctrl", "notify");
	}
	nl_socket_free(lookup);
	return err;
}
