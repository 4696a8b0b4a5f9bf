/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module by generic netlink: requests, what it replies, and its events. Attributes
 * have the names of Documentation/netlink/specs/zc.yaml.
 */
#ifndef _ZCCTL_NL_H
#define _ZCCTL_NL_H

#include <linux/zc_netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "zcctl.h"

/* Of any set of attributes; all have fewer. */
#define ZCNL_ATTRS	64

/**
 * enum zcnl_type - what an attribute holds
 * @ZCNL_NONE: nothing: there is no such attribute, or it fills a gap
 * @ZCNL_U32:  a number
 * @ZCNL_U64:  a number
 * @ZCNL_TEXT: a string
 * @ZCNL_FLAG: that it is there
 * @ZCNL_NEST: attributes
 */
enum zcnl_type {
	ZCNL_NONE,
	ZCNL_U32,
	ZCNL_U64,
	ZCNL_TEXT,
	ZCNL_FLAG,
	ZCNL_NEST,
};

/**
 * struct zcnl_field - an attribute
 * @name:  as in the specification
 * @key:   its key in JSON, if that is not the name with "_" for "-"
 * @type:  what it holds
 * @bits:  names of its bits, up to a NULL: a set of flags
 * @names: names of its values, up to a NULL: an enumeration
 * @nest:  attributes in it, of a nest; there may be several
 * @asked: of requests alone
 */
struct zcnl_field {
	const char *name;
	const char *key;
	enum zcnl_type type;
	const char *const *bits;
	const char *const *names;
	const struct zcnl_set *nest;
	bool asked;
};

/**
 * struct zcnl_set - the attributes of an object
 * @name:   of the object
 * @max:    highest number
 * @fields: each, by its number
 */
struct zcnl_set {
	const char *name;
	int max;
	const struct zcnl_field *fields;
};

extern const struct zcnl_set zcnl_module, zcnl_pool, zcnl_holder, zcnl_buffer, zcnl_transfer,
	zcnl_target, zcnl_stats;

/**
 * struct zcnl_command - a command, or an event
 * @name: as in the specification
 * @set:  attributes of requests, replies and events
 */
struct zcnl_command {
	const char *name;
	const struct zcnl_set *set;
};

/* By number; fields.c. */
extern const struct zcnl_command zcnl_commands[ZC_CMD_MAX + 1];

/**
 * struct zcnl_reply - what a message says
 * @cmd:   command or event
 * @set:   which attributes it may have
 * @tb:    each attribute that is there and can be read, by its number; of several the last
 * @first: all, one after another
 * @len:   bytes of them
 */
struct zcnl_reply {
	int cmd;
	const struct zcnl_set *set;
	struct nlattr *tb[ZCNL_ATTRS];
	struct nlattr *first;
	int len;
};

/* reply.c: attributes */

bool reply_parse(struct zcnl_reply *reply, int cmd, const struct zcnl_set *set,
		 struct nlattr *first, int len);
bool reply_has(const struct zcnl_reply *reply, int attr);
uint64_t reply_num(const struct zcnl_reply *reply, int attr);
const char *reply_text(const struct zcnl_reply *reply, int attr, char *text, size_t size);
const char *reply_name(const struct zcnl_reply *reply, int attr);
const char *reply_bits(const struct zcnl_reply *reply, int attr, char *text, size_t size);
bool reply_nest(const struct zcnl_reply *reply, int attr, struct zcnl_reply *inner);
struct json_object *reply_json(const struct zcnl_reply *reply);
void reply_add(const struct zcnl_reply *reply, struct json_object *obj);

/* nl.c: requests and events */

struct zcnl;
typedef void (*zcnl_fn)(const struct zcnl_reply *reply, void *arg);

bool zcnl_there(void);
int zcnl_open(struct zcnl **nl);
void zcnl_close(struct zcnl *nl);
struct nl_msg *zcnl_new(struct zcnl *nl, int cmd);
void zcnl_put(struct nl_msg *msg, int cmd, int attr, uint64_t val);
int zcnl_do(struct zcnl *nl, struct nl_msg *msg, zcnl_fn fn, void *arg);
int zcnl_dump(struct zcnl *nl, struct nl_msg *msg, zcnl_fn fn, void *arg);
bool zcnl_interrupted(const struct zcnl *nl);
void zcnl_warn_interrupted(const struct zcnl *nl);
int zcnl_error(const struct zcnl *nl, int err, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int zcnl_join(struct zcnl *nl, const char *group);
int zcnl_next(struct zcnl *nl, struct zcnl_reply *reply, struct timespec *when, int timeout_ms);

/* nl-socket.c; tests have tests/fake-nl.c in its place */

struct zcnl_socket;

/**
 * socket_open - connect to the family
 * @sock:   out: the socket
 * @family: out: number of the family
 *
 * Returns: 0 or a negative errno; -ENOENT if there is no such family.
 */
int socket_open(struct zcnl_socket **sock, int *family);
void socket_close(struct zcnl_socket *sock);
int socket_send(struct zcnl_socket *sock, struct nl_msg *msg);

/**
 * socket_receive - have what came
 * @sock:       socket
 * @buf:        room
 * @size:       bytes of it
 * @timeout_ms: how long to wait; negative: for as long as it takes
 *
 * Returns: bytes, 0 if nothing came in time, or a negative errno; -EINTR after a signal,
 * -ENOBUFS if something was lost.
 */
int socket_receive(struct zcnl_socket *sock, void *buf, size_t size, int timeout_ms);
int socket_join(struct zcnl_socket *sock, const char *group);

#endif /* _ZCCTL_NL_H */
