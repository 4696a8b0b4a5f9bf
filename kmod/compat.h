/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that zc builds for, Linux 6.1 to 7.3. The
 * rest of the module is written for the newest one; version checks stand here
 * and nowhere else. Each says since when the new way exists, and so when the old
 * one may go.
 */
#ifndef _ZC_COMPAT_H
#define _ZC_COMPAT_H

#include <linux/bvec.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/sched/mm.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "zc needs Linux 6.1 or later"
#endif

/* vm_flags became read-only, with setters, in 6.3. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}
#endif

/**
 * zc_mm_get_unmapped_area - pick an address for a mapping of the caller
 * @filp:  file
 * @addr:  hint
 * @len:   bytes
 * @pgoff: offset in pages
 * @flags: MAP_* flags
 *
 * mm_get_unmapped_area() came in 6.10, and lost its mm argument in 6.19.
 *
 * Returns: the address or a negative errno.
 */
static inline unsigned long zc_mm_get_unmapped_area(struct file *filp,
						    unsigned long addr,
						    unsigned long len,
						    unsigned long pgoff,
						    unsigned long flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	return current->mm->get_unmapped_area(filp, addr, len, pgoff, flags);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
	return mm_get_unmapped_area(current->mm, filp, addr, len, pgoff, flags);
#else
	return mm_get_unmapped_area(filp, addr, len, pgoff, flags);
#endif
}

/**
 * zc_sock_send_pages - send a part of a folio on a socket by reference
 * @sock:  a socket whose protocol takes pages
 * @folio: the folio; the socket takes references of its own
 * @off:   first byte in the folio
 * @len:   bytes
 * @flags: MSG_* flags
 *
 * sendpage() became sendmsg() with MSG_SPLICE_PAGES in 6.5. The 6.1 headers
 * define MSG_SPLICE_PAGES without an implementation, so that the version decides
 * and not the name.
 *
 * Returns: bytes taken by the socket, or a negative errno. May sleep.
 */
static inline ssize_t zc_sock_send_pages(struct socket *sock,
					 struct folio *folio, size_t off,
					 size_t len, int flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	/*
	 * A unix socket appends to its last skb without a look at the send
	 * buffer until the frags are used up: small frags keep it bounded.
	 */
	const size_t step = sock->ops->family == PF_UNIX ? PAGE_SIZE : len;
	size_t done = 0;
	ssize_t ret;

	do {
		struct page *page = folio_page(folio, (off + done) >> PAGE_SHIFT);
		size_t start = offset_in_page(off + done);
		size_t n = min(len - done, step - (step == len ? 0 : start));
		bool last = done + n == len && !(flags & MSG_MORE);

		ret = kernel_sendpage(sock, page, start, n,
				      last ? flags : flags | MSG_SENDPAGE_NOTLAST);
		if (ret > 0)
			done += ret;
		if (ret != n)
			break;
	} while (done < len);
	return done ?: ret;
#else
	struct msghdr msg = { .msg_flags = flags | MSG_SPLICE_PAGES };
	struct bio_vec bv = {
		.bv_page = folio_page(folio, 0),
		.bv_offset = off,
		.bv_len = len,
	};

	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, &bv, 1, len);
	return sock_sendmsg(sock, &msg);
#endif
}

#endif /* _ZC_COMPAT_H */
