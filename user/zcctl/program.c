// SPDX-License-Identifier: GPL-2.0-only
/* A program that is to be run: where it is, and whether LD_PRELOAD has an effect on it. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "program.h"

#define ELF_MAGIC	"\177ELF"
#define ELF_64		2
#define ELF_INTERP	3

/* The begin of a program (ELF); of 32 bits up to @machine alone. */
struct elf_head {
	char magic[4];
	uint8_t bits;
	uint8_t ident[11];
	uint16_t type;
	uint16_t machine;
	uint32_t version;
	uint64_t entry;
	uint64_t headers;
	uint64_t sections;
	uint32_t flags;
	uint16_t size;
	uint16_t header_size;
	uint16_t nr_headers;
};

/* Interpreters of interpreters; the kernel gives up there, too. */
#define DEPTH_MAX	5

/* Not a folder, which may be entered by the same right. */
static bool may_run(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* As exec does it. Returns the path, the caller's to free; NULL if there is none. */
static char *in_path(const char *name)
{
	const char *path = getenv("PATH") ?: "/usr/bin:/bin", *end;
	char *full;

	for (;; path = end + 1) {
		end = strchrnul(path, ':');
		if (asprintf(&full, "%.*s%s%s", (int)(end - path), path, end > path ? "/" : "",
			     name) < 0)
			return NULL;
		if (may_run(full))
			return full;
		free(full);
		if (!*end)
			return NULL;
	}
}

/**
 * program_find - where is a program?
 * @name: as typed
 *
 * Returns: its path, the caller's to free; NULL with errno.
 */
char *program_find(const char *name)
{
	char *path;

	if (strchr(name, '/'))
		return access(name, X_OK) ? NULL : strdup(name);
	path = in_path(name);
	if (!path)
		errno = ENOENT;
	return path;
}

/* Does it change the user, or gain rights? Then the loader takes nothing of the user's. */
static bool gains_rights(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	if ((st.st_mode & S_ISUID) && st.st_uid != geteuid())
		return true;
	if ((st.st_mode & S_ISGID) && (st.st_mode & 0010) && st.st_gid != getegid())
		return true;
	return geteuid() && getxattr(path, "security.capability", NULL, 0) > 0;
}

/* The interpreter of a script: the first word after "#!". */
static bool take_interpreter(const char *head, char *path, size_t size)
{
	size_t len;

	head += 2 + strspn(head + 2, " \t");
	len = strcspn(head, " \t\r\n");
	if (!len || len >= size)
		return false;
	memcpy(path, head, len);
	path[len] = '\0';
	return true;
}

/* Has it a loader (PT_INTERP)? Without one there is nobody to load a library. */
static bool has_loader(int fd, const struct elf_head *elf)
{
	unsigned int i;
	uint32_t type;

	for (i = 0; i < elf->nr_headers; i++)
		if (pread(fd, &type, sizeof(type), elf->headers + i * elf->header_size) ==
		    sizeof(type) && type == ELF_INTERP)
			return true;
	return false;
}

static bool is_elf(const struct elf_head *head)
{
	return !memcmp(head->magic, ELF_MAGIC, sizeof(head->magic));
}

static bool read_elf(const char *path, struct elf_head *elf)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is;

	is = fd >= 0 && read(fd, elf, sizeof(*elf)) == sizeof(*elf) &&
	     is_elf(elf);
	if (fd >= 0)
		close(fd);
	return is;
}

static enum program_kind kind_of_elf(int fd, const struct elf_head *elf,
				     const char *library)
{
	struct elf_head own;

	if (read_elf(library, &own) && (own.bits != elf->bits || own.machine != elf->machine))
		return PROGRAM_FOREIGN;
	/* A library of 32-bit programs has not been looked into: it says so itself. */
	if (elf->bits != ELF_64)
		return PROGRAM_FINE;
	return has_loader(fd, elf) ? PROGRAM_FINE : PROGRAM_STATIC;
}

/* @path becomes its interpreter where it is a script, for the caller to look at. */
static enum program_kind kind_of(char *path, size_t size, const char *library)
{
	union {
		struct elf_head elf;
		char text[256];
	} head = { };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum program_kind kind = PROGRAM_UNKNOWN;
	ssize_t len;

	/* What may be run, and not be read, is left to the kernel. */
	if (fd < 0)
		return PROGRAM_UNKNOWN;
	len = read(fd, &head, sizeof(head) - 1);
	if (len > 2 && head.text[0] == '#' && head.text[1] == '!')
		kind = take_interpreter(head.text, path, size) ? PROGRAM_SCRIPT :
								 PROGRAM_UNKNOWN;
	else if (len >= (ssize_t)sizeof(head.elf) && is_elf(&head.elf))
		kind = kind_of_elf(fd, &head.elf, library);
	close(fd);
	return kind;
}

/**
 * program_kind - has LD_PRELOAD an effect on a program?
 * @program: its path
 * @library: that is to be loaded
 * @path:    written: which file it is that decides: the program, or of a script the interpreter
 * @size:    room there
 *
 * Returns: what it is; never PROGRAM_SCRIPT.
 */
enum program_kind program_kind(const char *program, const char *library, char *path,
			       size_t size)
{
	enum program_kind kind = PROGRAM_SCRIPT;
	int depth;

	snprintf(path, size, "%s", program);
	for (depth = 0; depth < DEPTH_MAX && kind == PROGRAM_SCRIPT; depth++) {
		kind = kind_of(path, size, library);
		/* Of scripts it is the interpreter's rights that count. */
		if (kind != PROGRAM_SCRIPT && gains_rights(path))
			return PROGRAM_PRIVILEGED;
	}
	return kind == PROGRAM_SCRIPT ? PROGRAM_UNKNOWN : kind;
}
