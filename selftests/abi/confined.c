// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that lock themselves in: without a capability, with a seccomp filter that lets through
 * what zc needs and kills for all else, by Landlock. What they have opened before goes on working;
 * what Landlock has taken is taken. netlink, which has rights of its own, is in netlink:perm.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zc_test.h"

#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV	(1ull << 15)
#endif

#define SELF	FIXTURE_DATA(confined)
#define NAME	EXT4_DIR "/zc-confined"
#define LEN	(256 * 1024)

/* The numbers of lines at which a child has ended in failure */
#define CHECK(ok)	do { if (!(ok)) _exit(__LINE__ & 0x7f ?: 1); } while (0)

FIXTURE(confined)
{
	int fd;
	int file;
	int mem;
	int sock[2];
};

FIXTURE_SETUP(confined)
{
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	self->file = zct_pattern_file(NAME, LEN);
	ASSERT_GE(self->file, 0);
	self->mem = memfd_create("zc-confined", MFD_CLOEXEC);
	ASSERT_GE(self->mem, 0);
	ASSERT_EQ(0, ftruncate(self->mem, LEN));
	ASSERT_EQ(0, zct_pair(AF_INET, self->sock));
}

FIXTURE_TEARDOWN(confined)
{
	EXPECT_TRUE(zct_used_becomes(self->fd, 0, 5000));
	close(self->sock[0]);
	close(self->sock[1]);
	close(self->mem);
	close(self->file);
	close(self->fd);
	unlink(NAME);
}

/* What comes is the pattern. */
static void receive(int sock, uint64_t offset, size_t len)
{
	static char data[LEN];
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = read(sock, data + got, len - got);
		CHECK(n > 0);
		got += n;
	}
	CHECK(zct_pattern_check(data, offset, len) == -1);
}

/* By descriptors that it has: transfers. */
static void send_all(int fd, int file, const int *sock)
{
	struct zc_send send = { .out_fd = sock[0], .len = LEN, .user_data = 5 };
	struct zc_sendfile sendfile = { .in_fd = file, .out_fd = sock[0], .len = LEN };
	struct zc_buf_create buf;
	struct zc_event ev;
	char *map;

	CHECK(!zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
	map = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, buf.mmap_offset);
	CHECK(map != MAP_FAILED);
	zct_pattern(map, 0, LEN);
	CHECK(!munmap(map, HUGE));
	CHECK(!zct_seal(fd, buf.handle));
	send.handle = buf.handle;
	CHECK(!ioctl(fd, ZC_IOC_SEND, &send) && send.sent == LEN);
	receive(sock[1], 0, LEN);
	CHECK(!ioctl(fd, ZC_IOC_SENDFILE, &sendfile) && sendfile.sent == LEN);
	receive(sock[1], 0, LEN);
	send.offset = 0;
	send.flags = ZC_SEND_ASYNC;
	CHECK(!ioctl(fd, ZC_IOC_SEND, &send));
	receive(sock[1], 0, LEN);
	CHECK(zct_event(fd, &ev, 30000));
	CHECK(ev.user_data == 5 && !ev.error && ev.sent == LEN);
	CHECK(!zct_destroy(fd, buf.handle));
}

/* Buffers for others, of other memory and for a device. */
static void hand_on(int fd, int mem)
{
	struct zc_buf_import import = { .fd = mem };
	struct zc_buf_export export;
	struct zc_buf_create buf;
	struct zc_buf_share share;
	struct zc_dma_unmap unmap;
	struct zc_dma_map map;
	char *at;

	CHECK(!zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
	share = (struct zc_buf_share){ .handle = buf.handle };
	CHECK(!ioctl(fd, ZC_IOC_BUF_SHARE, &share));
	at = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, share.fd, 0);
	CHECK(at != MAP_FAILED);
	at[HUGE - 1] = 1;
	CHECK(!munmap(at, HUGE) && !close(share.fd));
	export = (struct zc_buf_export){ .handle = buf.handle };
	if (!ioctl(fd, ZC_IOC_BUF_EXPORT, &export))
		CHECK(!close(export.fd));
	else
		CHECK(errno == ENOTTY);
	map = (struct zc_dma_map){ .handle = buf.handle, .flags = ZC_DMA_TO_DEVICE };
	CHECK(!ioctl(fd, ZC_IOC_DMA_MAP, &map));
	unmap = (struct zc_dma_unmap){ .handle = buf.handle };
	CHECK(!ioctl(fd, ZC_IOC_DMA_UNMAP, &unmap));
	CHECK(!zct_destroy(fd, buf.handle));
	CHECK(!ioctl(fd, ZC_IOC_BUF_IMPORT, &import) && import.size == LEN);
	CHECK(!zct_destroy(fd, import.handle));
}

/* What wants a capability. */
static void be_refused(int fd)
{
	struct zc_dma_attach attach = { .name = "pci:0000:00:00.0" };
	struct zc_dma_measure measure = { .kind = ZC_MEASURE_PAGES, .size = HUGE };
	struct zc_dma_map map = { .flags = ZC_DMA_TO_DEVICE | ZC_DMA_BOUNCE };
	struct zc_buf_create buf;

	CHECK(ioctl(fd, ZC_IOC_DMA_ATTACH, &attach) == -1 && errno == EPERM);
	CHECK(ioctl(fd, ZC_IOC_DMA_MEASURE, &measure) == -1 && errno == EPERM);
	CHECK(!zct_create(fd, HUGE, 0, ZC_NODE_ANY, &buf));
	map.handle = buf.handle;
	CHECK(ioctl(fd, ZC_IOC_DMA_MAP, &map) == -1 && errno == EPERM);
	CHECK(!zct_destroy(fd, buf.handle));
}

/* Room for all of it: the receiver is the sender. */
static void room(const int *sock)
{
	int bytes = 4 * LEN;

	setsockopt(sock[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(sock[1], SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
}

static void drop_all(void)
{
	CHECK(!setresgid(NOBODY, NOBODY, NOBODY));
	CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
	CHECK(!zct_drop_capabilities());
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* Documentation/security.rst names them. */
static const int allowed[] = {
	SYS_ioctl, SYS_mmap, SYS_munmap, SYS_read, SYS_poll, SYS_close, SYS_exit_group,
};

static void filter(void)
{
	enum { NR = sizeof(allowed) / sizeof(*allowed) };
	struct sock_filter code[2 * NR + 2];
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };
	int i;

	code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct seccomp_data, nr));
	for (i = 0; i < NR; i++) {
		code[2 * i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							       allowed[i], 0, 1);
		code[2 * i + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							       SECCOMP_RET_ALLOW);
	}
	code[2 * NR + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							SECCOMP_RET_KILL_PROCESS);
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0));
}

static void drop_and_filter(void)
{
	drop_all();
	filter();
}

/* From here on no file may be opened but those below @path, for @access; NULL: none. */
static void landlock(uint64_t handled, const char *path, uint64_t access)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = handled };
	int rules = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	struct landlock_path_beneath_attr beneath = { .allowed_access = access };

	CHECK(rules >= 0);
	if (path) {
		beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
		CHECK(!syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
			       &beneath, 0));
	}
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!syscall(SYS_landlock_restrict_self, rules, 0));
}

static int landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

#define FILES	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

static void open_nothing(void)
{
	landlock(FILES, NULL, 0);
}

static void open_device(void)
{
	landlock(FILES, "/dev/zc", FILES);
}

/* How the child ends that locks itself in, and then does that: 0 if as it should */
static int in_child(SELF *self, void (*lock)(void),
		    void (*act)(SELF *self))
{
	pid_t child;
	int status;

	room(self->sock);
	child = fork();
	if (!child) {
		lock();
		act(self);
		_exit(0);
	}
	return waitpid(child, &status, 0) == child ? status : -errno;
}

/* All that a program without privileges does. */
static void use(SELF *self)
{
	send_all(self->fd, self->file, self->sock);
	hand_on(self->fd, self->mem);
}

static void use_unprivileged(SELF *self)
{
	use(self);
	be_refused(self->fd);
}

static void try_open(SELF *self)
{
	open("/dev/zc", O_RDWR);
}

static void use_and_not_open(SELF *self)
{
	use(self);
	CHECK(open("/dev/zc", O_RDWR) < 0 && errno == EACCES);
}

static void open_and_use(SELF *self)
{
	self->fd = open("/dev/zc", O_RDWR);
	CHECK(self->fd >= 0);
	use(self);
}

TEST_F(confined, no_capability)
{
	EXPECT_EQ(0, in_child(self, drop_all, use_unprivileged));
}

/* All capabilities, but in a user namespace of its own: they count for nothing here. */
static void be_root_elsewhere(void)
{
	CHECK(!setresgid(NOBODY, NOBODY, NOBODY));
	CHECK(!setresuid(NOBODY, NOBODY, NOBODY));
	CHECK(!unshare(CLONE_NEWUSER));
	CHECK(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) == 1);
}

TEST_F(confined, user_namespace)
{
	if (access("/proc/self/ns/user", F_OK))
		SKIP(return, "a kernel without user namespaces");
	EXPECT_EQ(0, in_child(self, be_root_elsewhere, use_unprivileged));
}

TEST_F(confined, seccomp)
{
	if (prctl(PR_GET_SECCOMP) < 0)
		SKIP(return, "a kernel without seccomp");
	EXPECT_EQ(0, in_child(self, drop_and_filter, use_unprivileged));
	/* It is one that kills. */
	EXPECT_EQ(SIGSYS, WTERMSIG(in_child(self, drop_and_filter, try_open)));
}

TEST_F(confined, landlock)
{
	if (landlock_abi() < 1)
		SKIP(return, "a kernel without Landlock");
	EXPECT_EQ(0, in_child(self, open_nothing, use_and_not_open));
	EXPECT_EQ(0, in_child(self, open_device, open_and_use));
}

/* A device that may be opened, and not be asked for anything */
static void open_and_not_ask(void)
{
	landlock(FILES | LANDLOCK_ACCESS_FS_IOCTL_DEV, "/dev/zc", FILES);
}

static void ask(SELF *self)
{
	struct zc_query query = { 0 };
	int fd = open("/dev/zc", O_RDWR);

	CHECK(fd >= 0);
	CHECK(ioctl(fd, ZC_IOC_QUERY, &query) == -1 && errno == EACCES);
	CHECK(!ioctl(self->fd, ZC_IOC_QUERY, &query));
}

TEST_F(confined, landlock_ioctl)
{
	if (landlock_abi() < 5)
		SKIP(return, "a kernel whose Landlock knows no ioctl");
	EXPECT_EQ(0, in_child(self, open_and_not_ask, ask));
}

TEST_HARNESS_MAIN
