// SPDX-License-Identifier: GPL-2.0-only
/* What the tests of zc share. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "zc_test.h"

int zct_load(void)
{
	const char *ko = getenv("ZC_KO");
	int file = ko ? open(ko, O_RDONLY | O_CLOEXEC) : -1, ret = 0;

	if (file < 0)
		return -ENOENT;
	if (syscall(SYS_finit_module, file, "", 0))
		ret = -errno;
	close(file);
	return ret;
}

int zct_unload(int ms)
{
	uint64_t end = zct_now_ms() + ms;

	while (syscall(SYS_delete_module, "zc", O_NONBLOCK)) {
		if (errno != EAGAIN || zct_now_ms() >= end)
			return -errno;
		usleep(10000);
	}
	return 0;
}

bool zct_kill_soon(pid_t pid, unsigned int *seed)
{
	int status;

	usleep(rand_r(seed) % 30000);
	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}

int zct_open(void)
{
	int fd = open("/dev/zc", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	/* If it fails, another may have done so. */
	zct_load();
	return open("/dev/zc", O_RDWR | O_CLOEXEC);
}

int zct_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

uint64_t zct_used(int fd)
{
	struct zc_query query = { 0 };

	if (ioctl(fd, ZC_IOC_QUERY, &query))
		return UINT64_MAX;
	return query.used_bytes;
}

uint64_t zct_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

int zct_drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	return syscall(SYS_capset, &head, none) ? -errno : 0;
}

bool zct_kernel_is_slow(void)
{
	return !access("/sys/kernel/debug/kmemleak", F_OK) ||
	       !access("/sys/kernel/debug/kcsan", F_OK);
}

bool zct_all(void)
{
	const char *val = getenv("ZC_ALL");

	return val && *val;
}

bool zct_used_becomes(int fd, uint64_t want, int ms)
{
	uint64_t end = zct_now_ms() + ms;

	while (zct_used(fd) != want) {
		if (zct_now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

bool zct_event(int fd, struct zc_event *ev, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, ms) != 1)
		return false;
	/* Each field is to be written. */
	memset(ev, 0xee, sizeof(*ev));
	return read(fd, ev, sizeof(*ev)) == sizeof(*ev);
}

int zct_create(int fd, uint64_t size, uint32_t flags, int node,
	       struct zc_buf_create *arg)
{
	*arg = (struct zc_buf_create){ .size = size, .flags = flags, .node = node };
	return zct_ioctl(fd, ZC_IOC_BUF_CREATE, arg);
}

int zct_destroy(int fd, uint32_t handle)
{
	struct zc_buf_destroy arg = { .handle = handle };

	return zct_ioctl(fd, ZC_IOC_BUF_DESTROY, &arg);
}

int zct_seal(int fd, uint32_t handle)
{
	struct zc_buf_seal arg = { .handle = handle };

	return zct_ioctl(fd, ZC_IOC_BUF_SEAL, &arg);
}

void *zct_map(int fd, const struct zc_buf_create *buf)
{
	return mmap(NULL, buf->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    buf->mmap_offset);
}

long long zct_param(const char *name)
{
	char path[128];
	long long val = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/zc/parameters/%s", name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%lld", &val) != 1)
		val = -1;
	fclose(f);
	return val;
}

int zct_param_set(const char *name, long long val)
{
	char path[128], text[32];
	int fd, len, ret = 0;

	snprintf(path, sizeof(path), "/sys/module/zc/parameters/%s", name);
	len = snprintf(text, sizeof(text), "%lld", val);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != len)
		ret = -errno;
	close(fd);
	return ret;
}

/* Set what is below /proc/sys; @get, if not NULL, is what it was. */
int zct_sysctl(const char *path, const char *set, char *get, size_t size)
{
	char name[128];
	ssize_t len;
	int fd, ret = 0;

	snprintf(name, sizeof(name), "/proc/sys/%s", path);
	fd = open(name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (get) {
		len = read(fd, get, size - 1);
		if (len < 0)
			ret = -errno;
		get[len < 0 ? 0 : len] = 0;
	}
	/* Not behind what was read, where it would be ignored. */
	if (pwrite(fd, set, strlen(set), 0) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static uint64_t kib_line(FILE *f, const char *key, const void *addr)
{
	size_t len = strlen(key);
	unsigned long start, end;
	bool inside = !addr;
	uint64_t val = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (addr && sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (uintptr_t)addr >= start && (uintptr_t)addr < end;
		else if (inside && !strncmp(line, key, len) && line[len] == ':')
			val = strtoull(line + len + 1, NULL, 10) * 1024;
	}
	if (f)
		fclose(f);
	return val;
}

uint64_t zct_smaps(const void *addr, const char *key)
{
	return kib_line(fopen("/proc/self/smaps", "re"), key, addr);
}

uint64_t zct_meminfo(const char *key)
{
	return kib_line(fopen("/proc/meminfo", "re"), key, NULL);
}

uint64_t zct_mem_free(void)
{
	uint64_t free = zct_meminfo("MemFree");
	unsigned long count;
	FILE *f = fopen("/proc/zoneinfo", "re");
	bool lists = false;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, "pagesets"))
			lists = true;
		else if (strstr(line, "start_pfn") || strstr(line, "node_unreclaimable"))
			lists = false;
		else if (lists && sscanf(line, " count: %lu", &count) == 1)
			free += count * 4096ull;
	}
	if (f)
		fclose(f);
	return free;
}

uint64_t zct_oom_kills(void)
{
	FILE *f = fopen("/proc/vmstat", "re");
	unsigned long long val, kills = 0;
	char key[64];

	while (f && fscanf(f, "%63s %llu", key, &val) == 2)
		if (!strcmp(key, "oom_kill"))
			kills = val;
	if (f)
		fclose(f);
	return kills;
}

bool zct_smaps_flag(const void *addr, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	bool inside = false, found = false;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (uintptr_t)addr >= start && (uintptr_t)addr < end;
		else if (inside && !strncmp(line, "VmFlags:", 8))
			found = strstr(line + 8, flag);
	}
	if (f)
		fclose(f);
	return found;
}

uint64_t zct_cached(int fd, uint64_t size)
{
	size_t pages = (size + 4095) / 4096, i;
	unsigned char *vec = malloc(pages);
	uint64_t bytes = 0;
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	/* khugepaged would read what is missing of a hugepage of it, where it makes some. */
	if (map != MAP_FAILED)
		madvise(map, size, MADV_NOHUGEPAGE);
	if (map != MAP_FAILED && vec && !mincore(map, size, vec))
		for (i = 0; i < pages; i++)
			bytes += vec[i] & 1 ? 4096 : 0;
	else
		bytes = UINT64_MAX;
	if (map != MAP_FAILED)
		munmap(map, size);
	free(vec);
	return bytes;
}

bool zct_on_cpu(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return !sched_setaffinity(0, sizeof(one), &one);
}

void zct_stir(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int cpu, fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(addr);
	cpu_set_t all;

	sched_getaffinity(0, sizeof(all), &all);
	if (bind(fd, (void *)&addr, len) || getsockname(fd, (void *)&addr, &len))
		len = 0;
	for (cpu = 0; len && cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		zct_on_cpu(cpu);
		sendto(fd, "", 1, 0, (void *)&addr, len);
	}
	sched_setaffinity(0, sizeof(all), &all);
	close(fd);
}

bool zct_forget(int fd, uint64_t size)
{
	uint64_t end = zct_now_ms() + 5000;

	do {
		zct_stir();
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		if (!zct_cached(fd, size))
			return true;
		usleep(10000);
	} while (zct_now_ms() < end);
	return false;
}

bool zct_warm(int fd, uint64_t offset, uint64_t len)
{
	char *buf = malloc(MIB);
	ssize_t n = 1;

	while (buf && len && n > 0) {
		n = pread(fd, buf, len < MIB ? len : MIB, offset);
		offset += n > 0 ? n : 0;
		len -= n > 0 ? n : 0;
	}
	free(buf);
	return !len;
}

/* Pages that one pipe holds. */
#define PIPE_PAGES	256

bool zct_fragment(uint64_t size)
{
	static struct iovec iov[PIPE_PAGES];
	struct rlimit files = { 8192, 8192 };
	uint64_t off = 0;
	char *area;
	int i, fds[2];

	area = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || setrlimit(RLIMIT_NOFILE, &files))
		return false;
	madvise(area, size, MADV_NOHUGEPAGE);
	memset(area, 1, size);
	while (off + PIPE_PAGES * 8192 <= size) {
		if (pipe(fds) || fcntl(fds[1], F_SETPIPE_SZ, PIPE_PAGES * 4096) < 0)
			return false;
		for (i = 0; i < PIPE_PAGES; i++, off += 8192)
			iov[i] = (struct iovec){ area + off, 4096 };
		if (vmsplice(fds[1], iov, PIPE_PAGES, SPLICE_F_NONBLOCK) !=
		    PIPE_PAGES * 4096)
			return false;
	}
	return !munmap(area, size);
}

int zct_run(const char *fmt, ...)
{
	char *cmd;
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = vasprintf(&cmd, fmt, ap);
	va_end(ap);
	if (ret < 0)
		return -1;
	ret = system(cmd);
	free(cmd);
	return ret;
}

bool zct_has_fs(const char *type)
{
	return !zct_run("modprobe -q %s 2>/dev/null; grep -qw %s /proc/filesystems", type, type);
}

static void *sealer_main(void *arg)
{
	struct zct_sealer *sealer = arg;

	while (!__atomic_load_n(&sealer->over, __ATOMIC_RELAXED)) {
		sealer->odd += zct_seal(sealer->fd, sealer->handle) != -EBUSY;
		usleep(2000);
	}
	return NULL;
}

int zct_sealer_start(struct zct_sealer *sealer, int fd, const struct zc_buf_create *buf)
{
	struct iovec iov = { .iov_len = 4096 };
	ssize_t got = -1;

	*sealer = (struct zct_sealer){ .fd = fd, .handle = buf->handle };
	iov.iov_base = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, buf->mmap_offset);
	if (iov.iov_base == MAP_FAILED || pipe(sealer->pipe))
		return -errno;
	got = vmsplice(sealer->pipe[1], &iov, 1, 0);
	munmap(iov.iov_base, 4096);
	if (got != 4096)
		return -EIO;
	return -pthread_create(&sealer->thread, NULL, sealer_main, sealer);
}

void zct_sealer_stop(struct zct_sealer *sealer)
{
	__atomic_store_n(&sealer->over, true, __ATOMIC_RELAXED);
	pthread_join(sealer->thread, NULL);
	close(sealer->pipe[0]);
	close(sealer->pipe[1]);
}
