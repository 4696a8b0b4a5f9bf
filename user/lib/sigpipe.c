// SPDX-License-Identifier: LGPL-2.1-or-later
/* sendfile(2) and splice(2) raise SIGPIPE, and have no MSG_NOSIGNAL: for one thread, once. */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "fallback.h"

/**
 * zc_sigpipe_block - have no SIGPIPE raised in this thread
 * @was:   written, for zc_sigpipe_restore()
 * @flags: ZC_SEND_* flags: without ZC_SEND_NOSIGNAL nothing is done
 */
void zc_sigpipe_block(struct zc_sigpipe *was, uint32_t flags)
{
	sigset_t set;

	was->on = flags & ZC_SEND_NOSIGNAL;
	if (!was->on)
		return;
	sigpending(&set);
	was->pending = sigismember(&set, SIGPIPE);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, &was->mask);
}

/**
 * zc_sigpipe_restore - take what came meanwhile, and have all as it was
 * @was: from zc_sigpipe_block()
 */
void zc_sigpipe_restore(const struct zc_sigpipe *was)
{
	static const struct timespec at_once;
	int err = errno;
	sigset_t set;

	if (!was->on)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	if (!was->pending)
		while (sigtimedwait(&set, NULL, &at_once) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &was->mask, NULL);
	errno = err;
}
