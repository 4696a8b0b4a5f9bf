/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of zcctl share. */
#ifndef _ZCCTL_H
#define _ZCCTL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <zc/zc.h>

/* Exit codes; part of the interface, see zcctl(8). */
enum zcctl_exit {
	EX_OK = 0,
	EX_FAILED = 1,
	EX_USAGE = 2,
	EX_NO_MODULE = 3,
	EX_PERMISSION = 4,
	EX_LEAKS = 5,
	EX_NOISY = 6,
};

/**
 * struct command - a command, or a subcommand
 * @name:  as typed
 * @fn:    gets argv from @name on; returns an exit code
 * @brief: one line for --help
 */
struct command {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *brief;
};

int cmd_load(int argc, char **argv);
int cmd_unload(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_alloc(int argc, char **argv);
int cmd_pool(int argc, char **argv);
int cmd_buffer(int argc, char **argv);
int cmd_leaks(int argc, char **argv);
int cmd_transfer(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_dma(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_recv(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_run(int argc, char **argv);

/* main.c */

void main_restore(void);

/* output.c: data to stdout and errors to stderr, for people or as JSON */

extern bool out_json;
extern bool out_pretty;
extern void (*out_before_errors)(void);
extern const char *out_progress_unit;

void out_object(struct json_object *obj);
bool out_flush(void);
int out_finish(int ret);
int out_error(int code, int err, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
struct json_object *out_error_new(int code, int err, const char *hint, const char *text);
void out_error_object(struct json_object *obj);
int out_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int out_no_value(const char *what, char **argv);
int out_bad_option(const char *what, char **argv);
int out_help_only(const char *what, const char *help, int argc, char **argv);
void out_command(const char *name);
const char *out_bytes(uint64_t bytes, char *buf, size_t size);
struct json_object *out_new(const char *kind);
void out_add_str(struct json_object *obj, const char *key, const char *val);
void out_add_u64(struct json_object *obj, const char *key, uint64_t val);
void out_add_double(struct json_object *obj, const char *key, double val);
void out_progress(const char *what, uint64_t done, uint64_t total);
void out_progress_end(void);
void out_waiting(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* plain.c: text of others, for people */

#define PLAIN_SIZE(len)	(4 * (len) + 1)

char *out_plain(const char *text, char *buf, size_t size);
char *out_plain_copy(const char *text);
struct json_object *out_plain_json(struct json_object *val);

/* parse.c: arguments */

bool parse_size(const char *text, uint64_t *bytes);
bool parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *val);
bool parse_int(const char *text, int min, int max, int *val);
bool parse_host_port(const char *text, char **host, char **port);

/* device.c: the device, with errors that help */

int device_open(struct zc_context **ctx);

/* alloc.c: a buffer, with errors that help */

/**
 * struct alloc_wanted - what buffer is asked for
 * @size:  bytes
 * @page:  bytes of each page, of the hugetlb pool; 0: the module's own
 * @flags: ZC_BUF_* flags
 * @node:  NUMA node, or ZC_NODE_ANY
 * @hold:  how long to keep it, seconds
 */
struct alloc_wanted {
	uint64_t size;
	uint64_t page;
	uint32_t flags;
	int node;
	int hold;
};

int alloc_buffer(struct zc_context *ctx, const struct alloc_wanted *want,
		 struct zc_buffer **buf);

/* file.c: what is sent, and what the kernel says in a line */

int file_open(const char *path, int *fd, uint64_t *size);
int file_open_some(const char *path, int *fd, uint64_t *size);
void file_line(const char *path, char *buf, size_t size);

/* holders.c: who holds the device */

/**
 * struct holder - a process that keeps the module in use
 * @pid:      process
 * @uid:      its owner
 * @comm:     its name, fit for a terminal
 * @fds:      descriptors of /dev/zc
 * @mappings: mappings of /dev/zc
 */
struct holder {
	pid_t pid;
	uid_t uid;
	char comm[PLAIN_SIZE(32)];
	unsigned int fds;
	unsigned int mappings;
};

int holders_find(struct holder **list, size_t *nr);

/* module.c or module-static.c: the kernel's modules */

/**
 * module_insert - load the module
 * @path:   file, or NULL for the module installed for the running kernel
 * @params: "name=value …"
 *
 * Returns: 0 or a negative errno; -EEXIST if it is loaded.
 */
int module_insert(const char *path, const char *params);
int module_remove(void);

/**
 * module_params - names of the module's parameters
 * @path: as for module_insert()
 *
 * Returns: the names, parted by blanks, the caller's to free; NULL if they are not
 * known.
 */
char *module_params(const char *path);

/**
 * module_info - what the module's file says of itself
 * @path: as for module_insert()
 * @key:  "vermagic", for one
 *
 * Returns: the first such value, the caller's to free; NULL if it is not known.
 */
char *module_info(const char *path, const char *key);

/* net.c: sockets */

/**
 * struct net_peer - whom to connect to
 * @host:    name or address
 * @port:    number
 * @timeout: seconds until it is given up; 0: when the kernel does
 * @refused: hint where nobody listens
 */
struct net_peer {
	const char *host;
	const char *port;
	int timeout;
	const char *refused;
};

int net_connect(const struct net_peer *peer);
int net_connect_quietly(const struct net_peer *peer);
int net_listen(const char *bind_to, const char *port);
int net_accept(const char *bind_to, const char *port);

uint64_t now_ns(void);

#endif /* _ZCCTL_H */
