// SPDX-License-Identifier: GPL-2.0-only
/* zcctl doctor: can zc work here, and what mends it if not? */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

#define ANY_PORT	"4000"
#define WIDTH		80

static const char doctor_help[] =
"usage: zcctl doctor [FILE] [--to HOST[:PORT]]\n"
"\n"
"Look whether zc can work on this machine, and show for each thing whether it is in\n"
"order, and the command that mends it if not. Nothing is changed. Root is not needed,\n"
"but for root and for others not all is the same: run it as whoever is to use zc.\n"
"\n"
"  FILE                also: can FILE be read directly?\n"
"  --to HOST[:PORT]    also: does the way to HOST take packets that refer to memory?\n"
"\n"
"  ok       as it should be\n"
"  note     good to know\n"
"  warning  zc works, but not as well as it could, or not for all\n"
"  problem  something does not work\n"
"\n"
"Exit code 1: there is a problem.\n"
"\n"
"examples:\n"
"  zcctl doctor\n"
"  zcctl doctor /srv/disk.img --to otherhost:4000\n";

static void (*const checks[])(struct doctor *doctor) = {
	doctor_module,
	doctor_headers,
	doctor_signature,
	doctor_lockdown,
	doctor_secure_boot,
	doctor_device,
	doctor_nodes,
	doctor_memlock,
	doctor_thp,
	doctor_hugetlb,
	doctor_bench,
	doctor_iommu,
	doctor_file,
	doctor_route,
};

static const struct state_name {
	const char *one;
	const char *many;
	const char *colour;
} states[DOCTOR_STATES] = {
	[DOCTOR_OK] = { "ok", "ok", "\033[32m" },
	[DOCTOR_NOTE] = { "note", "notes", "\033[36m" },
	[DOCTOR_WARNING] = { "warning", "warnings", "\033[33m" },
	[DOCTOR_PROBLEM] = { "problem", "problems", "\033[1;31m" },
};

/* https://no-color.org */
static bool colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

/* Words up to WIDTH; the lines but the first begin below @column. */
static void print_wrapped(const char *text, int column)
{
	int at = column, len;

	for (; *text; text += len + strspn(text + len, " ")) {
		len = strcspn(text, " ");
		if (at > column && at + 1 + len > WIDTH) {
			printf("\n%*s", column, "");
			at = column;
		}
		at += printf("%s%.*s", at > column ? " " : "", len, text);
	}
	putchar('\n');
}

static void print_finding(const char *name, const struct state_name *state,
			  const char *command, const char *text)
{
	bool colour = colours();
	int column;

	column = printf("%s%-7s%s  %-12s  ", colour ? state->colour : "", state->one,
			colour ? "\033[m" : "", name);
	if (colour)
		column -= strlen(state->colour) + strlen("\033[m");
	print_wrapped(text, column);
	/* In one piece, to be copied. */
	if (command)
		printf("%*s> %s\n", column, "", command);
}

/**
 * doctor_find - one finding
 * @doctor:  the visit
 * @name:    of what was looked at
 * @state:   of it
 * @command: what mends it, or NULL
 * @fmt:     a sentence for people
 */
void doctor_find(struct doctor *doctor, const char *name, enum doctor_state state,
		 const char *command, const char *fmt, ...)
{
	struct json_object *obj;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	doctor->count[state]++;
	if (!out_json) {
		print_finding(name, &states[state], command, text);
		return;
	}
	obj = json_object_new_object();
	out_add_str(obj, "name", name);
	out_add_str(obj, "state", states[state].one);
	out_add_str(obj, "text", text);
	out_add_str(obj, "command", command);
	json_object_array_add(doctor->findings, obj);
}

/* Whose rights: of this process, or of one that a test has made up. */
static void look_at_rights(struct doctor *doctor)
{
	FILE *f = root_open("/proc/self/status");
	unsigned long long caps;
	unsigned int uid;
	char line[256];

	doctor->uid = geteuid();
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Uid: %*u %u", &uid) == 1)
			doctor->uid = uid;
		else if (sscanf(line, "CapEff: %llx", &caps) == 1)
			doctor->caps = caps;
	}
	if (f)
		fclose(f);
}

/* "2 problems, 1 warning" */
static void print_sum(const struct doctor *doctor)
{
	const char *comma = "";
	int state;

	putchar('\n');
	for (state = DOCTOR_PROBLEM; state >= DOCTOR_WARNING; state--) {
		unsigned int nr = doctor->count[state];

		if (!nr)
			continue;
		printf("%s%u %s", comma, nr, nr == 1 ? states[state].one : states[state].many);
		comma = ", ";
	}
	puts(*comma ? "" : "no problems");
}

static int visit(struct doctor *doctor)
{
	struct json_object *obj;
	size_t i;

	doctor->findings = json_object_new_array();
	root_line(doctor->release, sizeof(doctor->release), "/proc/sys/kernel/osrelease");
	look_at_rights(doctor);
	doctor_module_look(doctor);
	for (i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		checks[i](doctor);
	if (out_json) {
		obj = out_new("doctor");
		json_object_object_add(obj, "findings", doctor->findings);
		out_object(obj);
	} else {
		json_object_put(doctor->findings);
		print_sum(doctor);
	}
	return doctor->count[DOCTOR_PROBLEM] ? EX_FAILED : EX_OK;
}

/* HOST alone, too: then any port will do. "::1" is a host, "[::1]:1" one with a port. */
static bool parse_to(const char *text, struct doctor *doctor)
{
	const char *colon = strchr(text, ':');

	if (*text && (!colon || (*text != '[' && strchr(colon + 1, ':')))) {
		doctor->host = strdup(text);
		doctor->port = strdup(ANY_PORT);
		return doctor->host && doctor->port;
	}
	return parse_host_port(text, &doctor->host, &doctor->port);
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	struct doctor doctor = { };
	const char *to = NULL;
	int c;

	while ((c = getopt_long(argc, argv, ":t:h", options, NULL)) != -1) {
		switch (c) {
		case 't':
			to = optarg;
			break;
		case 'h':
			fputs(doctor_help, stdout);
			return EX_OK;
		case ':':
			return out_no_value("doctor", argv);
		default:
			return out_bad_option("doctor", argv);
		}
	}
	if (argc - optind > 1)
		return out_usage("doctor: one file, please");
	doctor.file = argv[optind];
	if (to && !parse_to(to, &doctor))
		c = out_usage("doctor: '%s' is no HOST or HOST:PORT, as localhost:4000 or "
			      "[::1]:4000", to);
	else
		c = visit(&doctor);
	free(doctor.host);
	free(doctor.port);
	return c;
}
