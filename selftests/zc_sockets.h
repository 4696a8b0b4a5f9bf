/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets of which TCP is only a part: kernel TLS, with the key that all tests have, and MPTCP. */
#ifndef _ZC_SOCKETS_TEST_H
#define _ZC_SOCKETS_TEST_H

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "zc_test.h"

/* Headers of older libraries have them not. */
#ifndef SOL_TLS
#define SOL_TLS		282
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif

/* Returns 0 or a negative errno: -ENOENT where the kernel has no TLS, or not its module yet. */
static inline int zct_tls_ulp(int sock)
{
	return setsockopt(sock, IPPROTO_TCP, TCP_ULP, "tls", 4) ? -errno : 0;
}

/* @way: TLS_TX or TLS_RX. Both ends have the same key. */
static inline int zct_tls_way(int sock, int way)
{
	struct tls12_crypto_info_aes_gcm_128 info = {
		.info.version = TLS_1_2_VERSION,
		.info.cipher_type = TLS_CIPHER_AES_GCM_128,
		.iv = "12345678",
		.key = "0123456789abcde",
		.salt = "abcd",
	};

	return setsockopt(sock, SOL_TLS, way, &info, sizeof(info)) ? -errno : 0;
}

/* Two sockets that are connected and send and receive by it. */
static inline int zct_tls_pair(int *sock)
{
	int i, ret = zct_pair(AF_INET, sock);

	for (i = 0; i < 2 && !ret; i++) {
		ret = zct_tls_ulp(sock[i]);
		ret = ret ?: zct_tls_way(sock[i], TLS_TX);
		ret = ret ?: zct_tls_way(sock[i], TLS_RX);
	}
	return ret;
}

/* Two of MPTCP, connected; -EPROTONOSUPPORT or -ENOPROTOOPT where the kernel has it not. */
static inline int zct_mptcp_pair(int *sock)
{
	sock[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	return zct_meet(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP), sock);
}

#endif /* _ZC_SOCKETS_TEST_H */
