/* SPDX-License-Identifier: GPL-2.0-only */
/* Failures on demand. */
#ifndef _FAULT_H
#define _FAULT_H

#include <stdbool.h>
#include <stddef.h>

/* Why this kernel cannot fail on demand; NULL if it can. */
const char *fault_missing(void);
/* The first line of a file, and a new one. Both return 0 or a negative errno. */
int fault_read(const char *path, char *val, size_t size);
int fault_write(const char *path, const char *val);
/* Change a setting below debugfs; fault_restore() takes all changes back. */
int fault_set(const char *attr, const char *file, const char *val);
void fault_restore(void);
/* What a setting is, a number; or a negative errno. */
long fault_get(const char *attr, const char *file);
/* From here on allocations that may sleep can fail too, whatever their order. */
int fault_begin(void);
/*
 * Instead: copies to and from user space by the module can fail, and no allocation. Returns
 * -EOPNOTSUPP if this kernel cannot.
 */
int fault_begin_copies(void);
/* Instead: those that are asked for from within the module can fail, and no others. */
int fault_begin_module(void);
/* Instead: those that the module asks for itself, and not what it calls does. */
int fault_begin_own(void);
/* Instead: those that a module makes while it is initialised can fail, and no others. */
int fault_begin_init(void);
/*
 * Fail the @nth allocation, or copy, of this thread from here on; 0: none. Where the kernel can
 * tell, those of slabs come first, and then those of pages: so the same number is the same one.
 * To be called with 1, 2, 3 … until fault_disarm() says no.
 */
void fault_arm(unsigned int nth);
/* Returns whether that allocation came, or there are those of the other kind to be tried. */
bool fault_disarm(void);
/* The same of each worker of the kernel. Those that are made later are not among them. */
void fault_arm_workers(unsigned int nth);
/* How many have failed since fault_arm(1). */
unsigned int fault_count(void);
/* Fail @percent of what is allocated from within the module, so often at most. */
int fault_spread(unsigned int percent, unsigned int times);
/* No more. Returns how many failed. */
unsigned int fault_calm(void);

#endif /* _FAULT_H */
