// SPDX-License-Identifier: GPL-2.0-only
/*
 * zcctl bench write: what is written to, and whether it came.
 *
 * - A pipe has a reader, a process that moves what comes on to /dev/null by splice(): so it
 *   copies nothing, touches no byte, and gives the pipe's pages back as read() would. The
 *   pipe is as large as it may be, so that the writer seldom waits for it.
 * - A file is overwritten in place, over and over: it is all there before, on the disk and
 *   in the page cache, and neither grows.
 * - /dev/null takes nothing: what is left is what the buffer costs.
 *
 * Each line has the number of bytes written before it, so that it is known what has to come.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/magic.h>

#include "write.h"

#define BLOCK		(64u << 10)
#define XFS_MAGIC	0x58465342

const char *const write_sinks[WRITE_SINKS] = { "pipe", "file", "null" };

/* Of a file, for writes of so many bytes */
uint64_t write_region(uint64_t size)
{
	return size < WRITE_REGION ? WRITE_REGION / size * size : size;
}

static int write_all(int fd, const char *data, uint64_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= n;
		}
	}
	return 0;
}

static int write_all_at(int fd, const char *data, uint64_t size, uint64_t at)
{
	while (size) {
		ssize_t n = pwrite(fd, data, size, at);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= n;
			at += n;
		}
	}
	return 0;
}

/* References to its pages: nobody may write to them until the reader is done with them. */
static int refer_all(int fd, const char *data, uint64_t size)
{
	while (size) {
		const struct iovec part = { .iov_base = (char *)data, .iov_len = size };
		ssize_t n = vmsplice(fd, &part, 1, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= n;
		}
	}
	return 0;
}

/**
 * write_file_make - a file that goes with its descriptor
 * @dir:  folder
 * @size: bytes, all of which are there
 *
 * Returns: descriptor or a negative errno.
 */
int write_file_make(const char *dir, uint64_t size)
{
	int fd = bench_file_in(dir), err = 0;
	char block[WRITE_UNIT] = { };
	uint64_t done;

	if (fd < 0)
		return fd;
	for (done = 0; done < size && !err; done += sizeof(block))
		err = write_all(fd, block, sizeof(block));
	if (!err && fsync(fd))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* On what it is, for the report: a name, or a number. */
const char *write_file_system(int fd, char *buf, size_t size)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} known[] = {
		{ EXT4_SUPER_MAGIC, "ext4" }, { TMPFS_MAGIC, "tmpfs" },
		{ BTRFS_SUPER_MAGIC, "btrfs" }, { XFS_MAGIC, "xfs" },
		{ OVERLAYFS_SUPER_MAGIC, "overlay" },
	};
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs))
		return "unknown";
	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].magic == (unsigned long)fs.f_type)
			return known[i].name;
	snprintf(buf, size, "%#lx", (unsigned long)fs.f_type);
	return buf;
}

/* Has the block, which is at @at of all that was written, the lines it should have? */
static bool block_right(const char *block, size_t size, uint64_t at)
{
	uint64_t line;
	size_t i;

	for (i = 0; i < size; i += WRITE_LINE) {
		memcpy(&line, block + i, sizeof(line));
		if (line != at + i)
			return false;
	}
	return true;
}

/* All of a block; fewer bytes only at the end. Or a negative errno. */
static ssize_t read_block(int fd, char *block, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, block + done, size - done);

		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += n;
	}
	return done;
}

static int verify_pipe(int fd, uint64_t *arrived)
{
	static char block[BLOCK];
	ssize_t n;

	while ((n = read_block(fd, block, sizeof(block))) > 0) {
		if (n % WRITE_LINE || !block_right(block, n, *arrived))
			return -EBADMSG;
		*arrived += n;
	}
	return n;
}

static int drain_pipe(int fd, uint64_t *arrived)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (null < 0)
		return -errno;
	while ((n = splice(fd, NULL, null, NULL, WRITE_PIPE_BYTES, 0)) > 0)
		*arrived += n;
	return n ? -errno : 0;
}

/* Each part of the file has what was written there last: all of the last time round. */
static int verify_file(const struct write_sink *sink)
{
	static char block[WRITE_UNIT];
	uint64_t round = sink->at / sink->region * sink->region, at, off;

	for (off = 0; off < sink->region; off += sizeof(block)) {
		at = round + off < sink->at ? round + off : round + off - sink->region;
		if (!round && off >= sink->at)
			break;
		if (pread(sink->fd, block, sizeof(block), off) != sizeof(block))
			return -EIO;
		if (!block_right(block, sizeof(block), at))
			return -EBADMSG;
	}
	return 0;
}

/* Its reader ends when the last writer has closed the pipe. */
static int open_pipe(struct write_sink *sink, const struct write_job *job)
{
	struct write_told *told = &job->told[job->nr];
	int ends[2], size, err;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	/* Who may not have so much writes to what there is. */
	fcntl(ends[1], F_SETPIPE_SZ, WRITE_PIPE_BYTES);
	size = fcntl(ends[1], F_GETPIPE_SZ);
	told->pipe_bytes = size > 0 ? size : 0;
	sink->reader = bench_fork();
	if (!sink->reader) {
		close(ends[1]);
		bench_pin(job->processes + job->nr);
		err = job->verify ? verify_pipe(ends[0], &told->arrived) :
				    drain_pipe(ends[0], &told->arrived);
		_exit(-err);
	}
	close(ends[0]);
	sink->fd = ends[1];
	if (sink->reader > 0)
		return 0;
	err = -errno;
	close(ends[1]);
	return err;
}

int write_sink_open(struct write_sink *sink, const struct write_job *job)
{
	*sink = (struct write_sink){ .fd = -1, .refer = job->way->refer };
	switch (job->to) {
	case WRITE_PIPE:
		return open_pipe(sink, job);
	case WRITE_FILE:
		sink->fd = job->files[job->nr];
		sink->region = write_region(job->size);
		return 0;
	default:
		sink->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		return sink->fd < 0 ? -errno : 0;
	}
}

int write_sink_put(struct write_sink *sink, const char *data, uint64_t size)
{
	int err;

	if (sink->region)
		err = write_all_at(sink->fd, data, size, sink->at % sink->region);
	else if (sink->refer)
		err = refer_all(sink->fd, data, size);
	else
		err = write_all(sink->fd, data, size);
	sink->at += size;
	return err;
}

/* Returns: 0, -EBADMSG if other bytes came than were written, or another negative errno. */
int write_sink_close(struct write_sink *sink, const struct write_job *job)
{
	int status = 0;

	if (job->to == WRITE_FILE)
		return job->verify ? verify_file(sink) : 0;
	close(sink->fd);
	if (!sink->reader)
		return 0;
	if (waitpid(sink->reader, &status, 0) != sink->reader || !WIFEXITED(status))
		return -ECHILD;
	if (WEXITSTATUS(status))
		return -WEXITSTATUS(status);
	return job->told[job->nr].arrived == sink->at ? 0 : -EBADMSG;
}
