// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's modules, by system call: for the static binary, as Debian has no
 * static libkmod. Compressed ones are the kernel's to unpack, where it can.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "zcctl.h"

/**
 * struct packing - a way to compress a module
 * @suffix: of the file
 * @name:   as the kernel calls it
 */
struct packing {
	const char *suffix;
	const char *name;
};

static const struct packing packings[] = {
	{ ".ko.xz", "xz" },
	{ ".ko.zst", "zstd" },
	{ ".ko.gz", "gzip" },
};

#define NR(array)	(sizeof(array) / sizeof(*(array)))

/* Where packages and DKMS put it. */
static int module_find_installed(char *path, size_t size)
{
	static const char *const dirs[] = { "updates/dkms", "updates", "extra" };
	static const char *const suffixes[] = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };
	struct utsname uts;
	size_t i, j;

	if (uname(&uts) < 0)
		return -errno;
	for (i = 0; i < NR(dirs); i++) {
		for (j = 0; j < NR(suffixes); j++) {
			snprintf(path, size, "/lib/modules/%s/%s/zc%s", uts.release,
				 dirs[i], suffixes[j]);
			if (!access(path, F_OK))
				return 0;
		}
	}
	return -ENOENT;
}

/* @path is NULL for the installed one. *@found is its name. */
static int module_open(const char *path, char *found, size_t size)
{
	int fd, err = 0;

	if (path)
		snprintf(found, size, "%s", path);
	else
		err = module_find_installed(found, size);
	if (err)
		return err;
	fd = open(path ? path : found, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* How it is compressed, or NULL. */
static const struct packing *packing_of(const char *path)
{
	size_t len = strlen(path), i;

	for (i = 0; i < NR(packings); i++) {
		size_t end = strlen(packings[i].suffix);

		if (len >= end && !strcmp(path + len - end, packings[i].suffix))
			return &packings[i];
	}
	return NULL;
}

/* The kernel says what it can unpack (since 5.17), if anything. */
static bool kernel_unpacks(const struct packing *packing)
{
	FILE *f = fopen("/sys/module/compression", "re");
	char name[32] = "";

	if (!f)
		return false;
	if (!fgets(name, sizeof(name), f))
		*name = '\0';
	fclose(f);
	name[strcspn(name, "\n")] = '\0';
	return !strcmp(name, packing->name);
}

int module_insert(const char *path, const char *params)
{
	const struct packing *packing;
	char found[4096];
	int fd = module_open(path, found, sizeof(found)), err = 0;

	if (fd < 0)
		return fd;
	packing = packing_of(found);
	if (packing && !kernel_unpacks(packing))
		err = -EOPNOTSUPP;
	else if (syscall(SYS_finit_module, fd, params,
			 packing ? MODULE_INIT_COMPRESSED_FILE : 0) < 0)
		err = -errno;
	close(fd);
	return err;
}

int module_remove(void)
{
	return syscall(SYS_delete_module, "zc", O_NONBLOCK) < 0 ? -errno : 0;
}

/* Of "parm=name:what it is", between zeros. */
static void print_names(FILE *to, const char *data, size_t size)
{
	static const char key[] = "parm=";
	const char *end = data + size, *p = data;

	while ((p = memmem(p, end - p, key, strlen(key)))) {
		const char *name = p + strlen(key), *colon;

		colon = memchr(name, ':', end - name);
		if (colon && colon > name && !memchr(name, '\0', colon - name))
			fprintf(to, "%s%.*s", ftell(to) ? " " : "",
				(int)(colon - name), name);
		p = name;
	}
}

/* Of "key=value", before a zero; "srcversion" is another key than "version". */
static void print_value(FILE *to, const char *data, size_t size, const char *key)
{
	const char *end = data + size, *p = data;
	size_t len = strlen(key);

	while ((p = memmem(p, end - p, key, len))) {
		const char *value = p + len + 1;

		if (p > data && !isalnum(p[-1]) && p[-1] != '_' && value < end &&
		    p[len] == '=' && memchr(value, '\0', end - value)) {
			fputs(value, to);
			return;
		}
		p += len;
	}
}

/* NULL for @key: the names of the parameters. In a compressed file none are found. */
static char *module_ask(const char *path, const char *key)
{
	char found[4096], *answer = NULL, *data;
	int fd = module_open(path, found, sizeof(found));
	struct stat st;
	size_t len = 0;
	FILE *to;

	if (fd < 0)
		return NULL;
	to = open_memstream(&answer, &len);
	if (to && !fstat(fd, &st) && st.st_size) {
		data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			if (key)
				print_value(to, data, st.st_size, key);
			else
				print_names(to, data, st.st_size);
			munmap(data, st.st_size);
		}
	}
	close(fd);
	if (!to || fclose(to) || !len) {
		free(answer);
		return NULL;
	}
	return answer;
}

char *module_params(const char *path)
{
	return module_ask(path, NULL);
}

char *module_info(const char *path, const char *key)
{
	return module_ask(path, key);
}
