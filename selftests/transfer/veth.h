/* SPDX-License-Identifier: GPL-2.0-only */
/* Two network namespaces, "near" and "far", and what connects them. */
#ifndef _ZC_VETH_H
#define _ZC_VETH_H

#include <stdbool.h>

/**
 * struct veth - the namespaces
 * @near: descriptor of the one that the thread is in afterwards; it has zc0
 * @far:  that of the other one, which has zc1
 */
struct veth {
	int near;
	int far;
};

/* Does the kernel know this type of link? The thread has another network afterwards. */
bool veth_have(const char *type);
/* A pair between them. Returns whether it worked. */
bool veth_up(struct veth *v);
/* The same, each with a pair to a bridge in a third one. */
bool veth_bridge_up(struct veth *v);
/* A connection from here, in the "near" namespace, to the "far" one. 0 or a negative errno. */
int veth_connect(const struct veth *v, int family, int *sock);

#endif /* _ZC_VETH_H */
