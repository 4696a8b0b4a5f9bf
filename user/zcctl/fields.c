// SPDX-License-Identifier: GPL-2.0-only
/* The attributes and commands of the family, as Documentation/netlink/specs/zc.yaml has them. */
#include "nl.h"

/* ZC_FEAT_* of linux/zc.h, by their bits. */
static const char *const features[] = {
	"buffer", "sendfile", "page-path", "send", "async", "stats", "reserve", "info",
	"share", "import", "dma", "dmabuf", NULL
};

/* ZC_BUF_* of linux/zc.h, by their bits. */
static const char *const buffer_flags[] = {
	"small-ok", "node-strict", "sealed", "zero", "slice", "imported", "rdonly", NULL
};

static const char *const buffer_state[] = {
	"handle", "sealed", "imported", NULL
};

static const char *const reason[] = {
	"no-direct", "no-sg", "socket", "loopback", "small", NULL
};

static const char *const transfer_source[] = {
	"file", "buffer", NULL
};

static const char *const transfer_waiter[] = {
	"caller", "event", "io-uring", NULL
};

static const char *const shortage[] = {
	"none", "limit", "memory", "fragmented", "stopped", "used", NULL
};

static const char *const target_state[] = {
	"translated", "lazy", NULL
};

static const struct zcnl_field module_fields[] = {
	[ZC_A_MODULE_ABI] = { "abi", .type = ZCNL_U32 },
	[ZC_A_MODULE_VERSION] = { "version", .type = ZCNL_TEXT },
	[ZC_A_MODULE_FEATURES] = { "features", .type = ZCNL_U64, .bits = features },
	[ZC_A_MODULE_MAX_BYTES] = { "max-bytes", .type = ZCNL_U64 },
	[ZC_A_MODULE_USED_BYTES] = { "used-bytes", .type = ZCNL_U64 },
	[ZC_A_MODULE_HELD_BYTES] = { "held-bytes", .type = ZCNL_U64 },
	[ZC_A_MODULE_PARKED_BYTES] = { "parked-bytes", .type = ZCNL_U64 },
	[ZC_A_MODULE_BUFFERS] = { "buffers", .type = ZCNL_U32 },
	[ZC_A_MODULE_TRANSFERS] = { "transfers", .type = ZCNL_U32 },
	[ZC_A_MODULE_DEPTH] = { "depth", .type = ZCNL_U32 },
	[ZC_A_MODULE_COPYBREAK] = { "copybreak", .type = ZCNL_U32 },
	[ZC_A_MODULE_HELD_AFTER] = { "held-after", .type = ZCNL_U32 },
	[ZC_A_MODULE_IDLE_AFTER] = { "idle-after", .type = ZCNL_U32 },
	[ZC_A_MODULE_URING_LIFE] = { "uring-life", .type = ZCNL_U32 },
};

const struct zcnl_set zcnl_module = { "module", ZC_A_MODULE_MAX, module_fields };

static const struct zcnl_field pool_fields[] = {
	[ZC_A_POOL_NODE] = { "node", .type = ZCNL_U32 },
	[ZC_A_POOL_RESERVE_BYTES] = { "reserve-bytes", .type = ZCNL_U64 },
	[ZC_A_POOL_READY_BYTES] = { "ready-bytes", .type = ZCNL_U64 },
	[ZC_A_POOL_OUT_BYTES] = { "out-bytes", .type = ZCNL_U64 },
	[ZC_A_POOL_FREE_BYTES] = { "free-bytes", .type = ZCNL_U64 },
	[ZC_A_POOL_FREE_HUGE_BYTES] = { "free-huge-bytes", .type = ZCNL_U64 },
	[ZC_A_POOL_SHORT] = { "short", .type = ZCNL_U32, .names = shortage },
};

const struct zcnl_set zcnl_pool = { "pool", ZC_A_POOL_MAX, pool_fields };

static const struct zcnl_field holder_fields[] = {
	[ZC_A_HOLDER_PID] = { "pid", .type = ZCNL_U32 },
	[ZC_A_HOLDER_UID] = { "uid", .type = ZCNL_U32 },
	[ZC_A_HOLDER_MAPPINGS] = { "mappings", .type = ZCNL_U32 },
};

const struct zcnl_set zcnl_holder = { "holder", ZC_A_HOLDER_MAX, holder_fields };

static const struct zcnl_field buffer_fields[] = {
	[ZC_A_BUFFER_ID] = { "id", .type = ZCNL_U32 },
	[ZC_A_BUFFER_STATE] = { "state", .type = ZCNL_U32, .bits = buffer_state },
	[ZC_A_BUFFER_PID] = { "pid", .type = ZCNL_U32 },
	[ZC_A_BUFFER_UID] = { "uid", .type = ZCNL_U32 },
	[ZC_A_BUFFER_COMM] = { "comm", .type = ZCNL_TEXT },
	[ZC_A_BUFFER_SIZE] = { "size", .type = ZCNL_U64 },
	[ZC_A_BUFFER_HUGE_BYTES] = { "huge-bytes", .type = ZCNL_U64 },
	[ZC_A_BUFFER_HELD_BYTES] = { "held-bytes", .type = ZCNL_U64 },
	[ZC_A_BUFFER_AGE_MS] = { "age-ms", .type = ZCNL_U64 },
	[ZC_A_BUFFER_IDLE_MS] = { "idle-ms", .type = ZCNL_U64 },
	[ZC_A_BUFFER_HANDLE] = { "handle", .type = ZCNL_U32 },
	[ZC_A_BUFFER_FLAGS] = { "flags", .type = ZCNL_U32, .bits = buffer_flags },
	[ZC_A_BUFFER_NODE] = { "node", .type = ZCNL_U32 },
	[ZC_A_BUFFER_MAPPINGS] = { "mappings", .type = ZCNL_U32 },
	[ZC_A_BUFFER_SENDS] = { "sends", .type = ZCNL_U32 },
	[ZC_A_BUFFER_TARGETS] = { "targets", .type = ZCNL_U32 },
	[ZC_A_BUFFER_HOLDERS] = { "holders", "nr_holders", .type = ZCNL_U32 },
	[ZC_A_BUFFER_HOLDER] = { "holder", "holders", .type = ZCNL_NEST, .nest = &zcnl_holder },
	[ZC_A_BUFFER_TARGET] = { "target", .type = ZCNL_U32, .asked = true },
	[ZC_A_BUFFER_WITH_HOLDERS] = { "with-holders", .type = ZCNL_FLAG, .asked = true },
	[ZC_A_BUFFER_STATE_NOT] = { "state-not", .type = ZCNL_U32, .bits = buffer_state,
				    .asked = true },
};

const struct zcnl_set zcnl_buffer = { "buffer", ZC_A_BUFFER_MAX, buffer_fields };

static const struct zcnl_field transfer_fields[] = {
	[ZC_A_TRANSFER_ID] = { "id", .type = ZCNL_U64 },
	[ZC_A_TRANSFER_SOURCE] = { "source", .type = ZCNL_U32, .names = transfer_source },
	[ZC_A_TRANSFER_WAITER] = { "waiter", .type = ZCNL_U32, .names = transfer_waiter },
	[ZC_A_TRANSFER_PID] = { "pid", .type = ZCNL_U32 },
	[ZC_A_TRANSFER_UID] = { "uid", .type = ZCNL_U32 },
	[ZC_A_TRANSFER_COMM] = { "comm", .type = ZCNL_TEXT },
	[ZC_A_TRANSFER_INODE] = { "inode", .type = ZCNL_U64 },
	[ZC_A_TRANSFER_DEV_MAJOR] = { "dev-major", .type = ZCNL_U32 },
	[ZC_A_TRANSFER_DEV_MINOR] = { "dev-minor", .type = ZCNL_U32 },
	[ZC_A_TRANSFER_BUFFER] = { "buffer", .type = ZCNL_U32 },
	[ZC_A_TRANSFER_SOCKET] = { "socket", .type = ZCNL_U64 },
	[ZC_A_TRANSFER_OFFSET] = { "offset", .type = ZCNL_U64 },
	[ZC_A_TRANSFER_LENGTH] = { "length", .type = ZCNL_U64 },
	[ZC_A_TRANSFER_SENT] = { "sent", .type = ZCNL_U64 },
	[ZC_A_TRANSFER_COPIED] = { "copied", .type = ZCNL_U64 },
	[ZC_A_TRANSFER_CACHED] = { "cached", .type = ZCNL_U64 },
	[ZC_A_TRANSFER_REASONS] = { "reasons", .type = ZCNL_U32, .bits = reason },
	[ZC_A_TRANSFER_AGE_MS] = { "age-ms", .type = ZCNL_U64 },
	[ZC_A_TRANSFER_ERROR] = { "error", .type = ZCNL_U32 },
};

const struct zcnl_set zcnl_transfer = { "transfer", ZC_A_TRANSFER_MAX, transfer_fields };

static const struct zcnl_field target_fields[] = {
	[ZC_A_TARGET_ID] = { "id", "target", .type = ZCNL_U32 },
	[ZC_A_TARGET_NAME] = { "name", .type = ZCNL_TEXT },
	[ZC_A_TARGET_DRIVER] = { "driver", .type = ZCNL_TEXT },
	[ZC_A_TARGET_STATE] = { "state", .type = ZCNL_U32, .bits = target_state },
	[ZC_A_TARGET_MAPPINGS] = { "mappings", .type = ZCNL_U32 },
	[ZC_A_TARGET_MASK] = { "mask", .type = ZCNL_U64 },
	[ZC_A_TARGET_MAX_MAPPING] = { "max-mapping", .type = ZCNL_U64 },
	[ZC_A_TARGET_BUFFER] = { "buffer", .type = ZCNL_U32, .asked = true },
};

const struct zcnl_set zcnl_target = { "target", ZC_A_TARGET_MAX, target_fields };

static const struct zcnl_field stats_fields[] = {
	[ZC_A_STATS_BUFFERS_MADE] = { "buffers-made", .type = ZCNL_U64 },
	[ZC_A_STATS_BUFFERS_AGAIN] = { "buffers-again", .type = ZCNL_U64 },
	[ZC_A_STATS_BUFFERS_FREED] = { "buffers-freed", .type = ZCNL_U64 },
	[ZC_A_STATS_BUFFERS_RESERVED] = { "buffers-reserved", .type = ZCNL_U64 },
	[ZC_A_STATS_REFUSED_LIMIT] = { "refused-limit", .type = ZCNL_U64 },
	[ZC_A_STATS_REFUSED_MEMLOCK] = { "refused-memlock", .type = ZCNL_U64 },
	[ZC_A_STATS_REFUSED_CGROUP] = { "refused-cgroup", .type = ZCNL_U64 },
	[ZC_A_STATS_REFUSED_MEMORY] = { "refused-memory", .type = ZCNL_U64 },
	[ZC_A_STATS_REFUSED_HANDLE] = { "refused-handle", .type = ZCNL_U64 },
	[ZC_A_STATS_LEAKS_HELD] = { "leaks-held", .type = ZCNL_U64 },
	[ZC_A_STATS_LEAKS_IDLE] = { "leaks-idle", .type = ZCNL_U64 },
	[ZC_A_STATS_TRANSFERS_BEGUN] = { "transfers-begun", .type = ZCNL_U64 },
	[ZC_A_STATS_TRANSFERS_DONE] = { "transfers-done", .type = ZCNL_U64 },
	[ZC_A_STATS_TRANSFERS_FAILED] = { "transfers-failed", .type = ZCNL_U64 },
	[ZC_A_STATS_TRANSFERS_CANCELED] = { "transfers-canceled", .type = ZCNL_U64 },
	[ZC_A_STATS_SENT_BYTES] = { "sent-bytes", .type = ZCNL_U64 },
	[ZC_A_STATS_COPIED_BYTES] = { "copied-bytes", .type = ZCNL_U64 },
	[ZC_A_STATS_CACHED_BYTES] = { "cached-bytes", .type = ZCNL_U64 },
	[ZC_A_STATS_FALLBACK_NO_DIRECT] = { "fallback-no-direct", .type = ZCNL_U64 },
	[ZC_A_STATS_FALLBACK_NO_SG] = { "fallback-no-sg", .type = ZCNL_U64 },
	[ZC_A_STATS_FALLBACK_SOCKET] = { "fallback-socket", .type = ZCNL_U64 },
	[ZC_A_STATS_FALLBACK_LOOPBACK] = { "fallback-loopback", .type = ZCNL_U64 },
	[ZC_A_STATS_FALLBACK_SMALL] = { "fallback-small", .type = ZCNL_U64 },
	[ZC_A_STATS_DMA_MAPPED] = { "dma-mapped", .type = ZCNL_U64 },
	[ZC_A_STATS_DMA_REVOKED] = { "dma-revoked", .type = ZCNL_U64 },
	[ZC_A_STATS_EVENTS_LOST] = { "events-lost", .type = ZCNL_U64 },
};

const struct zcnl_set zcnl_stats = { "stats", ZC_A_STATS_MAX, stats_fields };

const struct zcnl_command zcnl_commands[ZC_CMD_MAX + 1] = {
	[ZC_CMD_MODULE_GET] = { "module-get", &zcnl_module },
	[ZC_CMD_MODULE_SET] = { "module-set", &zcnl_module },
	[ZC_CMD_POOL_GET] = { "pool-get", &zcnl_pool },
	[ZC_CMD_POOL_SET] = { "pool-set", &zcnl_pool },
	[ZC_CMD_BUFFER_GET] = { "buffer-get", &zcnl_buffer },
	[ZC_CMD_TRANSFER_GET] = { "transfer-get", &zcnl_transfer },
	[ZC_CMD_TARGET_GET] = { "target-get", &zcnl_target },
	[ZC_CMD_STATS_GET] = { "stats-get", &zcnl_stats },
	[ZC_CMD_BUFFER_MADE_NTF] = { "buffer-made-ntf", &zcnl_buffer },
	[ZC_CMD_BUFFER_FREED_NTF] = { "buffer-freed-ntf", &zcnl_buffer },
	[ZC_CMD_BUFFER_LEAK_NTF] = { "buffer-leak-ntf", &zcnl_buffer },
	[ZC_CMD_TRANSFER_DONE_NTF] = { "transfer-done-ntf", &zcnl_transfer },
	[ZC_CMD_TRANSFER_FAILED_NTF] = { "transfer-failed-ntf", &zcnl_transfer },
	[ZC_CMD_TRANSFER_FALLBACK_NTF] = { "transfer-fallback-ntf", &zcnl_transfer },
	[ZC_CMD_POOL_LOW_NTF] = { "pool-low-ntf", &zcnl_pool },
	[ZC_CMD_TARGET_GONE_NTF] = { "target-gone-ntf", &zcnl_target },
};
