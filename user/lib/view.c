// SPDX-License-Identifier: LGPL-2.1-or-later
/* Parts of a buffer's memory, with bounds. */
#include <errno.h>

#include "private.h"

ZC_EXPORT int zc_view_slice(const struct zc_view *view, uint64_t offset, uint64_t len,
			    struct zc_view *slice)
{
	if (offset > view->size || len > view->size - offset)
		return -ERANGE;
	*slice = (struct zc_view) {
		.buf = view->buf,
		.data = (char *)view->data + offset,
		.offset = view->offset + offset,
		.size = len,
	};
	return 0;
}

ZC_EXPORT int zc_buffer_view(struct zc_buffer *buf, uint64_t offset, uint64_t len,
			     struct zc_view *view)
{
	const struct zc_view whole = {
		.buf = buf,
		.data = zc_buffer_data(buf),
		.size = zc_buffer_size(buf),
	};

	return zc_view_slice(&whole, offset, len, view);
}

ZC_EXPORT void *zc_view_at(const struct zc_view *view, uint64_t index, size_t size,
			   size_t align)
{
	char *data = view->data;

	if (!size || !align || (uintptr_t)data % align || size % align) {
		errno = EINVAL;
		return NULL;
	}
	if (index >= view->size / size) {
		errno = ERANGE;
		return NULL;
	}
	return data + index * size;
}

ZC_EXPORT int64_t zc_view_send(const struct zc_view *view, struct zc_send *arg)
{
	int64_t ret;

	if (arg->offset > view->size || arg->len > view->size - arg->offset)
		return -ERANGE;
	arg->offset += view->offset;
	ret = zc_buffer_send(view->buf, arg);
	arg->offset -= view->offset;
	return ret;
}
