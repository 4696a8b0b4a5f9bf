// SPDX-License-Identifier: GPL-2.0-only
/* A FUSE mount of one file with the pattern, whose reads need not be answered. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse_server.h"
#include "zc_test.h"

static void answer(struct fuse_server *s, uint64_t unique, int err, const void *data, size_t len)
{
	struct fuse_out_header head = { .len = sizeof(head) + len, .error = err,
					.unique = unique };
	char buf[sizeof(head) + (1 << 17)];

	memcpy(buf, &head, sizeof(head));
	if (len)
		memcpy(buf + sizeof(head), data, len);
	/* Nobody may want it any more. */
	if (write(s->dev, buf, head.len) < 0)
		return;
}

static void answer_read(struct fuse_server *s, uint64_t unique, const struct fuse_read_in *in)
{
	size_t len = in->offset < s->size ? s->size - in->offset : 0;
	char buf[1 << 17];

	if (len > in->size)
		len = in->size;
	if (s->most && len > s->most)
		len = s->most;
	zct_pattern(buf, in->offset, len);
	answer(s, unique, 0, buf, len);
}

static void serve_read(struct fuse_server *s, uint64_t unique, const struct fuse_read_in *in)
{
	if (s->err) {
		answer(s, unique, s->err, NULL, 0);
		return;
	}
	if (in->offset < s->hold) {
		answer_read(s, unique, in);
		return;
	}
	pthread_mutex_lock(&s->lock);
	if (s->nr < sizeof(s->waits) / sizeof(*s->waits)) {
		s->waits[s->nr].unique = unique;
		s->waits[s->nr++].in = *in;
	}
	pthread_mutex_unlock(&s->lock);
}

static void serve(struct fuse_server *s, const struct fuse_in_header *head, const void *arg)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.flags = s->flags,
		.max_background = 200,
		.max_readahead = 1 << 17,
		.max_write = 1 << 17,
	};
	struct fuse_attr file = { .ino = 2, .size = s->size, .mode = S_IFREG | 0644, .nlink = 1 };
	struct fuse_attr dir = { .ino = 1, .mode = S_IFDIR | 0755, .nlink = 2 };
	struct fuse_entry_out entry = {
		.nodeid = 2, .attr_valid = 1000, .entry_valid = 1000, .attr = file,
	};
	struct fuse_attr_out attr = {
		.attr_valid = 1000,
		.attr = s->below && head->nodeid == 1 ? dir : file,
	};
	struct fuse_open_out opened = { .fh = 1, .open_flags = s->opened };

	switch (head->opcode) {
	case FUSE_INIT:
		answer(s, head->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		answer(s, head->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(s, head->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(s, head->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		__atomic_store_n(&s->reader, head->uid, __ATOMIC_RELAXED);
		serve_read(s, head->unique, arg);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(s, head->unique, head->opcode == FUSE_RELEASE ? 0 : -ENOSYS, NULL, 0);
	}
}

static void *server_main(void *data)
{
	static char buf[1 << 18];
	struct fuse_server *s = data;
	struct pollfd p = { .fd = s->dev, .events = POLLIN };

	while (!__atomic_load_n(&s->deaf, __ATOMIC_RELAXED)) {
		const struct fuse_in_header *head = (void *)buf;

		if (poll(&p, 1, 20) < 1)
			continue;
		if (read(s->dev, buf, sizeof(buf)) >= (ssize_t)sizeof(*head))
			serve(s, head, head + 1);
		else if (errno == ENODEV)
			break;
	}
	return NULL;
}

bool fuse_holds(struct fuse_server *s, unsigned int nr)
{
	uint64_t end = zct_now_ms() + 5000;

	while (__atomic_load_n(&s->nr, __ATOMIC_RELAXED) < nr) {
		if (zct_now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

void fuse_answers(struct fuse_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->hold = UINT64_MAX;
	while (s->nr) {
		s->nr--;
		answer_read(s, s->waits[s->nr].unique, &s->waits[s->nr].in);
	}
	pthread_mutex_unlock(&s->lock);
}

bool fuse_resizes(struct fuse_server *s, uint64_t size)
{
	struct {
		struct fuse_out_header head;
		struct fuse_notify_inval_inode_out arg;
	} note = {
		.head = { .len = sizeof(note), .error = FUSE_NOTIFY_INVAL_INODE },
		.arg = { .ino = 1, .off = -1 },
	};

	__atomic_store_n(&s->size, size, __ATOMIC_SEQ_CST);
	return write(s->dev, &note, sizeof(note)) == sizeof(note);
}

void fuse_deaf(struct fuse_server *s)
{
	if (!__atomic_exchange_n(&s->deaf, true, __ATOMIC_RELAXED))
		pthread_join(s->thread, NULL);
}

void fuse_abort(void)
{
	umount2(FUSE_FILE, MNT_FORCE);
}

static int open_file(const struct fuse_server *s)
{
	int file = open(s->below ? FUSE_BELOW : FUSE_FILE, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (file < 0 || fstat(file, &st))
		return -errno;
	/* It is that of the mount, not what lies below. */
	return st.st_size == (off_t)s->size ? file : -ESTALE;
}

/* Returns the file or a negative errno. */
static int start(struct fuse_server *s)
{
	char opts[128];

	umount2(FUSE_FILE, MNT_FORCE | MNT_DETACH);
	remove(FUSE_FILE);
	if (s->below)
		mkdir(FUSE_FILE, 0700);
	else
		close(open(FUSE_FILE, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	s->dev = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(opts, sizeof(opts), "fd=%d,rootmode=%s,user_id=0,group_id=0%s", s->dev,
		 s->below ? "40000" : "100000", s->anyone ? ",allow_other" : "");
	if (s->dev < 0 || mount("zc", FUSE_FILE, "fuse", MS_NOSUID | MS_NODEV, opts))
		return -errno;
	pthread_mutex_init(&s->lock, NULL);
	pthread_create(&s->thread, NULL, server_main, s);
	return open_file(s);
}

int fuse_begin(struct fuse_env *e, int sock[][2], int nr)
{
	int ret;

	e->fd = zct_open();
	if (e->fd < 0)
		return -errno;
	e->used = zct_used(e->fd);
	e->sock = sock;
	for (e->nr = 0; e->nr < nr; e->nr++) {
		ret = zct_pair(AF_INET, sock[e->nr]);
		if (ret)
			return ret;
	}
	e->file = start(&e->server);
	return e->file < 0 ? e->file : 0;
}

int fuse_send(const struct fuse_env *e, int file, int nr, uint64_t len, uint32_t flags,
	      struct zc_sendfile *arg)
{
	*arg = (struct zc_sendfile){
		.in_fd = file,
		.out_fd = e->sock[nr][0],
		.len = len,
		.flags = flags,
		.user_data = file,
	};
	return zct_ioctl(e->fd, ZC_IOC_SENDFILE, arg);
}

int fuse_end(struct fuse_env *e, int ms)
{
	int ret, i;

	fuse_abort();
	ret = zct_used_becomes(e->fd, e->used, ms) ? 0 : -ETIMEDOUT;
	close(e->file);
	fuse_deaf(&e->server);
	close(e->server.dev);
	if (umount2(FUSE_FILE, MNT_DETACH) && !ret)
		ret = -errno;
	remove(FUSE_FILE);
	for (i = 0; i < e->nr; i++) {
		close(e->sock[i][0]);
		close(e->sock[i][1]);
	}
	close(e->fd);
	return ret;
}

pid_t fuse_fork(struct fuse_env *e, uid_t uid)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		close(ready[0]);
		/* The connection ends with its last descriptor. */
		close(e->server.dev);
		if (setgid(uid) || setuid(uid))
			_exit(1);
		e->ready = ready[1];
		return 0;
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

void fuse_submitted(const struct fuse_env *e)
{
	if (write(e->ready, "", 1) == 1)
		pause();
	_exit(3);
}
