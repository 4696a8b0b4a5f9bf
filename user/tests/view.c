// SPDX-License-Identifier: GPL-2.0-only
/* Bounds of views, without the module: the buffer is memory of this program. TAP output. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <zc/zc.h>

#define SIZE	8192

static char memory[SIZE] __attribute__((aligned(4096)));

/* In the place of the library's, which needs the device. */
void *zc_buffer_data(const struct zc_buffer *buf)
{
	(void)buf;
	return memory;
}

uint64_t zc_buffer_size(const struct zc_buffer *buf)
{
	(void)buf;
	return SIZE;
}

static uint64_t sent_from;

int64_t zc_buffer_send(struct zc_buffer *buf, struct zc_send *arg)
{
	(void)buf;
	sent_from = arg->offset;
	return arg->len;
}

static int tests, failed;

static void check(bool right, const char *name)
{
	printf("%sok %d %s\n", right ? "" : "not ", ++tests, name);
	failed += !right;
}

static bool is(const struct zc_view *view, uint64_t offset, uint64_t size)
{
	return view->offset == offset && view->size == size &&
	       view->data == memory + offset;
}

static bool out_of_range(uint64_t offset, uint64_t len)
{
	struct zc_view view = { .size = 1 };

	return zc_buffer_view(NULL, offset, len, &view) == -ERANGE && view.size == 1;
}

int main(void)
{
	struct record {
		uint64_t key;
		uint32_t val[4];
	};
	struct zc_view whole, part, odd;
	struct zc_send arg = { .offset = 10, .len = 20 };

	check(!zc_buffer_view(NULL, 0, SIZE, &whole) && is(&whole, 0, SIZE), "all of it");
	check(!zc_buffer_view(NULL, SIZE, 0, &part) && is(&part, SIZE, 0),
	      "nothing, at the end");
	check(out_of_range(SIZE + 1, 0) && out_of_range(0, SIZE + 1) &&
	      out_of_range(SIZE, 1) && out_of_range(1, SIZE), "beyond the buffer");
	check(out_of_range(1, UINT64_MAX) && out_of_range(UINT64_MAX, 1) &&
	      out_of_range(UINT64_MAX, UINT64_MAX), "no overflow");

	check(!zc_view_slice(&whole, 4096, 240, &part) && is(&part, 4096, 240),
	      "part of a view");
	check(zc_view_slice(&part, 0, 241, &odd) == -ERANGE &&
	      zc_view_slice(&part, 240, 1, &odd) == -ERANGE, "beyond the view");
	check(!zc_view_slice(&part, 1, 239, &odd) && is(&odd, 4097, 239),
	      "part of a part");
	odd = part;
	check(!zc_view_slice(&odd, 24, 48, &odd) && is(&odd, 4120, 48), "in its own place");

	check(ZC_VIEW_NR(&part, struct record) == 10, "elements");
	check((char *)ZC_VIEW_AT(&part, struct record, 9) == memory + 4096 + 216,
	      "the last one");
	errno = 0;
	check(!ZC_VIEW_AT(&part, struct record, 10) && errno == ERANGE, "the one after it");
	check(!ZC_VIEW_AT(&part, struct record, UINT64_MAX) && errno == ERANGE,
	      "one far away");
	zc_view_slice(&part, 1, 239, &odd);
	check(!ZC_VIEW_AT(&odd, struct record, 0) && errno == EINVAL, "not aligned");
	check(ZC_VIEW_AT(&odd, char, 238) == memory + 4097 + 238, "bytes are always");
	check(!zc_view_at(&part, 0, 0, 1) && errno == EINVAL, "elements without a size");
	check(!zc_view_at(&part, 0, 4, 0) && errno == EINVAL, "or alignment");

	check(zc_view_send(&part, &arg) == 20 && sent_from == 4106 && arg.offset == 10,
	      "send from a view");
	arg.len = 231;
	check(zc_view_send(&part, &arg) == -ERANGE, "send from beyond it");
	printf("1..%d\n", tests);
	return failed != 0;
}
