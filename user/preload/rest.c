// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is left of a piece of which zc could send a part, as the socket was full: a server asks for
 * the rest, however small, and that goes the way of the piece.
 */
#include "preload.h"

#define SOCKETS	1024

/* By descriptor of the socket: the file's descriptor and where to go on, and never 0. */
static atomic_ullong rests[SOCKETS];

static unsigned long long rest_of(int in, int64_t pos)
{
	return (unsigned long long)pos << 16 | (in & 0x7fff) << 1 | 1;
}

/**
 * rest_is - is that the rest of a piece?
 * @out: socket
 * @in:  file
 * @pos: where it begins in the file
 *
 * Returns: true if so. It may be wrong, which does no harm.
 */
bool rest_is(int out, int in, int64_t pos)
{
	return atomic_load(&rests[out % SOCKETS]) == rest_of(in, pos);
}

/**
 * rest_set - a piece was sent
 * @out:  socket
 * @in:   file
 * @pos:  where it ended in the file
 * @some: some of it is left
 */
void rest_set(int out, int in, int64_t pos, bool some)
{
	atomic_store(&rests[out % SOCKETS], some ? rest_of(in, pos) : 0);
}
