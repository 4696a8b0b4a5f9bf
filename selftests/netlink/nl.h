/* SPDX-License-Identifier: GPL-2.0-only */
/* The netlink family as a program without a library speaks to it. */
#ifndef _NL_H
#define _NL_H

#include <linux/netlink.h>
#include <linux/zc_netlink.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "zc_test.h"

/* No attribute of the family has a higher number. */
#define NL_ATTRS_MAX	40

/**
 * struct nl - a socket of the family
 * @sock:   the socket, or -1
 * @family: number of the family
 * @group:  numbers of its groups: buffers, transfers, alerts
 * @seq:    of the last request
 * @text:   what the kernel said of the last refusal, or ""
 * @at:     which attribute it minded: where that stands in the request, or 0
 * @intr:   the last dump said that what it says may not fit together
 * @parts:  messages received by recv() of the last dump
 */
struct nl {
	int sock;
	uint16_t family;
	uint32_t group[3];
	uint32_t seq;
	char text[256];
	uint32_t at;
	bool intr;
	unsigned int parts;
};

enum nl_group { NL_BUFFERS, NL_TRANSFERS, NL_ALERTS };

/**
 * struct nl_req - a request
 * @len: bytes of @buf in use
 * @buf: its headers and attributes
 */
struct nl_req {
	uint32_t len;
	char buf[512] __attribute__((aligned(8)));
};

/**
 * struct nl_msg - an answer, or an event
 * @cmd:  ZC_CMD_*
 * @attr: by number, NULL if it is not there; of several the last one
 * @nr:   how often each is there
 * @buf:  where they lie
 */
struct nl_msg {
	uint8_t cmd;
	const struct nlattr *attr[NL_ATTRS_MAX];
	unsigned int nr[NL_ATTRS_MAX];
	char buf[8192] __attribute__((aligned(8)));
};

/* Each returns 0 or a negative errno. */
int nl_open(struct nl *nl);
void nl_close(struct nl *nl);
int nl_join(struct nl *nl, enum nl_group group);
int nl_leave(struct nl *nl, enum nl_group group);

void nl_begin(struct nl_req *req, uint8_t cmd);
void nl_put(struct nl_req *req, int attr, const void *data, size_t len);
void nl_put_u32(struct nl_req *req, int attr, uint32_t val);
void nl_put_u64(struct nl_req *req, int attr, uint64_t val);

/* Send it, with these NLM_F_* flags; the answer is not waited for. By write(2) or sendto(2). */
int nl_send(struct nl *nl, struct nl_req *req, uint16_t flags);
int nl_send_to(struct nl *nl, struct nl_req *req, uint16_t flags);
/* Ask for one thing; *@msg is the answer, unless it is NULL. */
int nl_do(struct nl *nl, struct nl_req *req, struct nl_msg *msg);

/* Set a node's reserve, and wait until it is there, or known to be short. */
int nl_set_reserve(struct nl *nl, unsigned int node, uint64_t bytes);
/* The answer to what was sent. */
int nl_answer(struct nl *nl, struct nl_msg *msg);

/* Called with each answer; false: it is wanted no more. */
typedef bool (*nl_each)(const struct nl_msg *msg, void *data);
/* Ask for those that match. Returns how many there were, or a negative errno. */
int nl_dump(struct nl *nl, struct nl_req *req, nl_each each, void *data);
/* The same of a dump that was asked for. */
int nl_dump_rest(struct nl *nl, nl_each each, void *data);

/* The next event within @ms milliseconds: 1, 0 if there is none, or a negative errno. */
int nl_event(struct nl *nl, struct nl_msg *msg, int ms);
/* Throw away what is there. Returns how many events that were, or a negative errno. */
int nl_drain(struct nl *nl);

static inline bool nl_has(const struct nl_msg *msg, int attr)
{
	return msg->attr[attr];
}

/* Of one that is not there, all bits. */
uint32_t nl_u32(const struct nl_msg *msg, int attr);
uint64_t nl_u64(const struct nl_msg *msg, int attr);
const char *nl_str(const struct nl_msg *msg, int attr);
/* Attributes within that one, which is nested. */
void nl_inner(struct nl_msg *inner, const struct nl_msg *msg, int attr);

/* What the module has counted. */
struct nl_stats {
	uint64_t of[ZC_A_STATS_MAX + 1];
};

int nl_stats(struct nl *nl, struct nl_stats *stats);
/* How much has one of them grown since? UINT64_MAX if it cannot be asked for. */
uint64_t nl_grown(struct nl *nl, const struct nl_stats *before, int attr);
/* Wait until it has grown so much, at most @ms milliseconds, and see that it does no more. */
bool nl_grows(struct nl *nl, const struct nl_stats *before, int attr, uint64_t by, int ms);
/* The only counters that have grown are those in @attrs, which end with 0. Else prints. */
bool nl_grown_only(struct nl *nl, const struct nl_stats *before, const int *attrs);

/* The number of the buffer with this handle of @fd, which is this process's; or 0. */
uint32_t nl_buffer_id(int fd, uint32_t handle);

/* Become a user without privilege; false if that cannot be. */
bool nl_be_nobody(void);
/* Returns what @fn does in a child, from 0 to 127, or -1. */
int nl_in_child(int (*fn)(void *data), void *data);

#endif /* _NL_H */
