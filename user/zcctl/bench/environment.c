// SPDX-License-Identifier: GPL-2.0-only
/* On what machine, and how, a report was made. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "method.h"
#include "root.h"
#include "route.h"

#define PARAMETERS	"/sys/module/zc/parameters"
#define CLOCKS	"/sys/devices/system/clocksource/clocksource0"

static struct json_object *environment;

/* The first line of a file, or null. */
static void add_line(struct json_object *env, const char *key, const char *path)
{
	char line[256];

	out_add_str(env, key, root_line(line, sizeof(line), "%s", path) ? line : NULL);
}

/* Of "always [madvise] never" what is chosen. */
static void add_chosen(struct json_object *env, const char *key, const char *path)
{
	char word[32];

	out_add_str(env, key, root_chosen(word, sizeof(word), path) ? word : NULL);
}

/* Its model, as far as there is room, and whether it says that it is a virtual one. */
static bool cpu_model(char *model, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	bool emulated = false;
	char line[4096], *name;

	model[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		name = strncmp(line, "model name", 10) ? NULL : strchr(line, ':');
		if (name && !model[0]) {
			name[strcspn(name, "\n")] = '\0';
			snprintf(model, size, "%s", name + 1 + strspn(name + 1, " "));
		}
		if (!strncmp(line, "flags", 5)) {
			emulated = strstr(line, " hypervisor");
			break;
		}
	}
	if (f)
		fclose(f);
	return emulated;
}

static bool is_tcg(const char *model)
{
	return strstr(model, "TCG");
}

/* Is the processor one of QEMU's TCG, whose clock may count instructions? */
bool bench_emulated(void)
{
	char model[128];

	return cpu_model(model, sizeof(model)) && is_tcg(model);
}

/* What the times of a virtual machine's memory are worth; NULL: it is none. */
const char *bench_virtual(void)
{
	char model[128];

	if (!cpu_model(model, sizeof(model)))
		return NULL;
	if (is_tcg(model))
		return "emulated: no remote cost";
	return "virtual: remote only where the host has put these nodes on its own";
}

static void add_cpu(struct json_object *env)
{
	char model[128];
	bool emulated = cpu_model(model, sizeof(model));

	out_add_str(env, "cpu", model[0] ? model : NULL);
	out_add_u64(env, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	json_object_object_add(env, "virtual", json_object_new_boolean(emulated));
}

/* The first line of each file in a folder; NULL where there is no such folder. */
static struct json_object *folder(const char *dir)
{
	struct json_object *obj;
	DIR *d = opendir(dir);
	struct dirent *one;
	char path[512];

	if (!d)
		return NULL;
	obj = json_object_new_object();
	while ((one = readdir(d))) {
		if (one->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, one->d_name);
		add_line(obj, one->d_name, path);
	}
	closedir(d);
	return obj;
}

static struct json_object *mitigations(void)
{
	return folder("/sys/devices/system/cpu/vulnerabilities") ?: json_object_new_object();
}

static void add_command(struct json_object *env, int argc, char **argv)
{
	char text[1024] = "zcctl bench";
	size_t len = strlen(text);
	int i;

	for (i = 0; i < argc && len < sizeof(text); i++)
		len += snprintf(text + len, sizeof(text) - len, " %s", argv[i]);
	out_add_str(env, "command", text);
}

static void add_time(struct json_object *env)
{
	time_t now = time(NULL);
	char text[32];

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	out_add_str(env, "time", text);
}

static void add_load(struct json_object *env)
{
	double load;

	if (getloadavg(&load, 1) == 1)
		out_add_double(env, "load", load);
	else
		out_add_str(env, "load", NULL);
}

/*
 * Before anything is measured, which changes the load, and parameters of the module; @argv is
 * from the benchmark's name on.
 */
void bench_environment_begin(int argc, char **argv)
{
	environment = json_object_new_object();
	add_time(environment);
	add_command(environment, argc, argv);
	add_load(environment);
	json_object_object_add(environment, "module_parameters", folder(PARAMETERS));
}

/* What one benchmark has to say beside it; consumes @val. */
void bench_environment_add(const char *key, struct json_object *val)
{
	json_object_object_add(environment, key, val);
}

/*
 * By which device a socket sends, and what that takes off the processor's hands. Is it the
 * loopback?
 */
bool bench_environment_nic(int sock)
{
	struct route route = {};
	bool found = route_find(sock, &route);

	bench_environment_add("nic", found ? route_json(&route) : NULL);
	return route.loopback;
}

/* For the report: the machine, and what the options said. The caller's. */
struct json_object *bench_environment(void)
{
	struct json_object *env = environment;
	struct utsname uts;

	environment = NULL;
	if (uname(&uts))
		memset(&uts, 0, sizeof(uts));
	out_add_str(env, "zcctl", ZC_VERSION);
	add_line(env, "module", "/sys/module/zc/version");
	add_line(env, "module_srcversion", "/sys/module/zc/srcversion");
	out_add_str(env, "kernel", uts.release);
	out_add_str(env, "machine", uts.machine);
	add_cpu(env);
	json_object_object_add(env, "mitigations", mitigations());
	add_line(env, "clocksource", CLOCKS "/current_clocksource");
	add_chosen(env, "thp", "/sys/kernel/mm/transparent_hugepage/enabled");
	add_line(env, "governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
	bench_pin_json(env);
	json_object_object_add(env, "icount", json_object_new_boolean(bench_method.icount));
	out_add_u64(env, "repeat", bench_method.repeat);
	return env;
}
