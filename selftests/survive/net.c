// SPDX-License-Identifier: GPL-2.0-only
/*
 * Networks that lose packets, have them twice, late and damaged; links that go down; and peers
 * that reset connections at random moments.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "flow.h"
#include "state.h"
#include "veth.h"

/* What a helper gets of a test. */
#define SELF	FIXTURE_DATA(net)

/* For each flow to move on by so much, in the worst case after minutes without a packet */
#define STEP	(300 * 1024ull)
#define PATIENCE_MS	200000

FIXTURE(net)
{
	int fd;
	struct state before;
	struct veth veth;
	struct flows flows;
	unsigned int seed;
};

FIXTURE_SETUP(net)
{
	self->seed = flow_seed();
	self->veth = (struct veth){ -1, -1 };
	self->fd = zct_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, state_settled(self->fd, &self->before));
}

FIXTURE_TEARDOWN(net)
{
	struct state after;

	/* Of whatever namespace this is */
	zct_run("ip link set lo up");
	close(self->veth.near);
	close(self->veth.far);
	EXPECT_TRUE(state_back(self->fd, &self->before, &after, 30000));
	close(self->fd);
}

static int connect_far(int *sock, void *data)
{
	return veth_connect(data, AF_INET, sock);
}

/* Flows over a veth. False if there is none. */
static bool start(struct __test_metadata *_metadata, SELF *self)
{
	if (!veth_have("veth"))
		return false;
	ASSERT_TRUE(veth_up(&self->veth));
	ASSERT_EQ(0, flows_start(&self->flows, connect_far, &self->veth, self->seed));
	EXPECT_TRUE(flows_move(&self->flows, STEP, PATIENCE_MS));
	return true;
}

static void finish(struct __test_metadata *_metadata, SELF *self)
{
	EXPECT_EQ(0, flows_again(&self->flows));
	EXPECT_TRUE(flows_end(&self->flows));
}

/* What the namespace of @ns, a descriptor, has counted of it, in /proc/net; 0 if it does not. */
static uint64_t counted(int ns, const char *name)
{
	char cmd[256];
	unsigned long long val = 0;
	FILE *f;

	/* Lines come in pairs: names, and their values. */
	snprintf(cmd, sizeof(cmd), "nsenter --net=/proc/%d/fd/%d cat /proc/net/netstat "
		 "/proc/net/snmp | awk -v name=%s 'NR %% 2 { split($0, names); next } "
		 "{ for (i = 2; i <= NF; i++) if (names[i] == name) print $i }'", getpid(), ns,
		 name);
	f = popen(cmd, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &val) != 1)
		val = 0;
	pclose(f);
	return val;
}

/* Of both ends */
static uint64_t counted_both(const struct veth *v, const char *name)
{
	return counted(v->near, name) + counted(v->far, name);
}

/* Both ways: what is acknowledged is lost, and so are acknowledgments. */
TEST_F_TIMEOUT(net, netem, 900)
{
	/* What is done to packets, and what TCP counts where it was. */
	static const struct {
		const char *netem;
		const char *counter;
	} kinds[] = {
		{ "loss 2%", "RetransSegs" },
		{ "delay 3ms 2ms reorder 30% 50%", "TCPOFOQueue" },
		{ "duplicate 10%", "TCPDSACKOldSent" },
		{ "corrupt 1%", "InCsumErrors" },
		{ "loss 1% duplicate 2% corrupt 0.5% delay 2ms 1ms reorder 25% 50%",
		  "RetransSegs" },
	};
	uint64_t before;
	size_t i;

	zct_run("modprobe -q sch_netem");
	if (!veth_have("veth") || zct_run("tc qdisc add dev lo root netem loss 1%% 2>/dev/null"))
		SKIP(return, "no veth, or no netem");
	ASSERT_TRUE(start(_metadata, self));
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		before = counted_both(&self->veth, kinds[i].counter);
		ASSERT_EQ(0, zct_run("tc qdisc replace dev zc0 root netem limit 5000 %s",
				     kinds[i].netem));
		ASSERT_EQ(0, zct_run("nsenter --net=/proc/%d/fd/%d "
				     "tc qdisc replace dev zc1 root netem limit 5000 %s",
				     getpid(), self->veth.far, kinds[i].netem));
		/* Until it has happened; to few packets it need not. */
		do {
			ASSERT_TRUE(flows_move(&self->flows, STEP, PATIENCE_MS))
				TH_LOG("%s", kinds[i].netem);
		} while (counted_both(&self->veth, kinds[i].counter) == before);
	}
	ASSERT_EQ(0, zct_run("tc qdisc del dev zc0 root"));
	finish(_metadata, self);
}

/* Nobody is told: what is under way waits, and goes on. */
TEST_F_TIMEOUT(net, link_down, 900)
{
	int i;

	if (!start(_metadata, self))
		SKIP(return, "no veth");
	for (i = 0; i < 6; i++) {
		/* Now this end, now the other. */
		const char *where = i % 2 ? "nsenter --net=/proc/%d/fd/%d ip link set zc1 %s" :
					    "true %d %d; ip link set zc0 %s";
		char cmd[128];

		snprintf(cmd, sizeof(cmd), where, getpid(), self->veth.far, "down");
		ASSERT_EQ(0, zct_run("%s", cmd));
		usleep(rand_r(&self->seed) % 500000);
		snprintf(cmd, sizeof(cmd), where, getpid(), self->veth.far, "up");
		ASSERT_EQ(0, zct_run("%s", cmd));
		EXPECT_TRUE(flows_move(&self->flows, STEP, PATIENCE_MS));
	}
	finish(_metadata, self);
}

static int connect_impatient(int *sock, void *data)
{
	int ret = connect_far(sock, data), ms = 3000;

	if (!ret && setsockopt(sock[0], IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)))
		ret = -errno;
	return ret;
}

/* The link is taken away for good: what send(2) says, and all comes back. */
TEST_F_TIMEOUT(net, link_gone, 900)
{
	static const int errors[] = { ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EPIPE, 0 };
	int way;

	if (!veth_have("veth"))
		SKIP(return, "no veth");
	ASSERT_TRUE(veth_up(&self->veth));
	ASSERT_EQ(0, flows_start(&self->flows, connect_impatient, &self->veth, self->seed));
	EXPECT_TRUE(flows_move(&self->flows, STEP, PATIENCE_MS));
	ASSERT_EQ(0, zct_run("ip link del zc0"));
	for (way = 0; way < FLOW_WAYS; way++) {
		flow_leave(&self->flows.of[way]);
		EXPECT_TRUE(flow_join(&self->flows.of[way], errors));
	}
	close(self->flows.file);
	unlink(FLOW_FILE);
}

/* In the middle of whatever it is: ECONNRESET, or later EPIPE; what came before was right. */
TEST_F_TIMEOUT(net, resets, 900)
{
	static const int errors[] = { ECONNRESET, EPIPE, 0 };
	int file = zct_pattern_file(FLOW_FILE, FLOW_SIZE), sock[2], i;
	uint64_t bytes = 0;
	struct flow f;

	ASSERT_GE(file, 0);
	TH_LOG("seed %u", self->seed);
	for (i = 0; i < 10 * FLOW_WAYS; i++) {
		ASSERT_EQ(0, zct_pair(AF_INET, sock));
		ASSERT_EQ(0, flow_start(&f, i % FLOW_WAYS, file, sock, rand_r(&self->seed)));
		usleep(rand_r(&self->seed) % 30000);
		flow_reset(&f);
		EXPECT_TRUE(flow_join(&f, errors));
		bytes += f.rx.bytes;
	}
	EXPECT_LT(0, bytes);
	close(file);
	unlink(FLOW_FILE);
}

TEST_HARNESS_MAIN
