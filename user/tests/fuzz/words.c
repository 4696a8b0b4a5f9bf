// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sizes, numbers, addresses and devices, as people write them; what the kernel's log says, and
 * what a benchmark that was killed had changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/claim.h"
#include "dma.h"
#include "fuzz.h"
#include "load.h"
#include "zcctl.h"

static void sizes(const char *text)
{
	uint64_t bytes, again, u64;
	char plain[32];
	int val;

	/* What was understood is understood again as a plain number. */
	if (parse_size(text, &bytes)) {
		snprintf(plain, sizeof(plain), "%llu", (unsigned long long)bytes);
		if (!parse_size(plain, &again) || again != bytes)
			abort();
	}
	if (parse_int(text, -5, 1000, &val) && (val < -5 || val > 1000))
		abort();
	if (parse_u64(text, 3, 99999, &u64) && (u64 < 3 || u64 > 99999))
		abort();
}

static void address(const char *text)
{
	char *host = NULL, *port = NULL;

	if (parse_host_port(text, &host, &port) && (!*host || atoi(port) < 1))
		abort();
	free(host);
	free(port);
}

static void device(const char *text)
{
	char name[DMA_NAME], again[DMA_NAME];

	/* A complete name is its own. */
	if (dma_sysfs_name(text, name, sizeof(name)) &&
	    (strchr(name, '/') || !dma_sysfs_name(name, again, sizeof(again)) ||
	     strcmp(name, again)))
		abort();
}

static void log_lines(const char *text, size_t size)
{
	struct load_failed failed = { .err = 1 + (unsigned char)*text % 130, .params = size & 1 };
	size_t i;

	for (i = 0; i < KMSG_LINES && *text; i++) {
		size_t len = strcspn(text, "\n");

		snprintf(failed.log.line[i], KMSG_LINE, "%.*s", (int)len, text);
		text += len + !!text[len];
		failed.log.nr = i + 1;
	}
	load_explain(&failed);
}

static void put_back(const char *path, const char *value)
{
	/* Nothing else is written to. */
	if ((strncmp(path, "/proc/", 6) && strncmp(path, "/sys/", 5)) || strchr(path, ' ') ||
	    strchr(path, '\n') || strchr(value, '\n'))
		abort();
}

static void claims(const uint8_t *data, size_t size)
{
	int fd = open(fuzz_file(0, data, size), O_RDONLY | O_CLOEXEC);

	claim_each(fd, put_back);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	sizes(text);
	address(text);
	device(text);
	log_lines(text, size);
	claims(data, size);
	free(text);
	return 0;
}
