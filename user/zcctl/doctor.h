/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of zcctl doctor share. */
#ifndef _ZCCTL_DOCTOR_H
#define _ZCCTL_DOCTOR_H

#include "root.h"
#include "zcctl.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_NOTE,
	DOCTOR_WARNING,
	DOCTOR_PROBLEM,
	DOCTOR_STATES,
};

/**
 * struct doctor - a visit
 * @file:      file that is to be sent, or NULL
 * @host:      host that is to be sent to, or NULL
 * @port:      its port
 * @release:   of the running kernel
 * @loaded:    is the module loaded?
 * @installed: its file for that kernel, below $ZCCTL_ROOT; "" if there is none
 * @uid:       whose rights are looked at
 * @caps:      effective capabilities
 * @findings:  as JSON
 * @count:     of each state
 */
struct doctor {
	const char *file;
	char *host;
	char *port;
	char release[65];
	bool loaded;
	char installed[ROOT_PATH];
	unsigned int uid;
	uint64_t caps;
	struct json_object *findings;
	unsigned int count[DOCTOR_STATES];
};

void doctor_find(struct doctor *doctor, const char *name, enum doctor_state state,
		 const char *command, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* With nothing to be mended. */
#define doctor_ok(doctor, name, ...) \
	doctor_find(doctor, name, DOCTOR_OK, NULL, __VA_ARGS__)
#define doctor_note(doctor, name, ...) \
	doctor_find(doctor, name, DOCTOR_NOTE, NULL, __VA_ARGS__)

void doctor_module(struct doctor *doctor);
void doctor_headers(struct doctor *doctor);
void doctor_signature(struct doctor *doctor);
void doctor_lockdown(struct doctor *doctor);
void doctor_secure_boot(struct doctor *doctor);
void doctor_device(struct doctor *doctor);
void doctor_nodes(struct doctor *doctor);
void doctor_memlock(struct doctor *doctor);
void doctor_thp(struct doctor *doctor);
void doctor_hugetlb(struct doctor *doctor);
void doctor_bench(struct doctor *doctor);
void doctor_iommu(struct doctor *doctor);
void doctor_file(struct doctor *doctor);
void doctor_route(struct doctor *doctor);

void doctor_module_look(struct doctor *doctor);
char *doctor_module_info(const struct doctor *doctor, const char *key);

#endif /* _ZCCTL_DOCTOR_H */
