// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why the kernel did not load the module. Its error says little, and may mean several
 * things; its log says more, to who may read it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "root.h"

#define BUILD	"  build it with the headers of the running kernel: make clean all"
#define SIGN	"  make dkms-install builds one that is signed; to sign this one, with a key\n" \
		"  of yours: scripts/sign-file of the kernel; to enroll it: mokutil --import"

#define NO_MEMORY "there is too little memory: free some, and try again"

/**
 * struct why - what was wrong
 * @cause: a word for programs
 * @text:  what it was and what mends it, for people; lines but the first are indented
 */
struct why {
	const char *cause;
	char text[768];
};

__attribute__((format(printf, 3, 4)))
static bool because(struct why *why, const char *cause, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	why->cause = cause;
	return true;
}

/* What begins with the version differs in it, or in how that was configured. */
static bool other_kernel(struct why *why, const char *built, const char *running)
{
	size_t len = strcspn(built, " ");

	if (len != strcspn(running, " ") || strncmp(built, running, len))
		return because(why, "vermagic",
			       "it was built for kernel %.*s, and this one is %.*s (vermagic):\n"
			       BUILD, (int)len, built, (int)strcspn(running, " "), running);
	return because(why, "vermagic",
		       "it was built for a kernel %.*s of another configuration (vermagic):\n"
		       "  its own is '%s', that of this kernel '%s'\n" BUILD,
		       (int)len, built, built, running);
}

static bool by_vermagic(const char *line, struct why *why)
{
	char built[128], running[128];
	const char *at = strstr(line, "version magic '");

	return at && sscanf(at, "version magic '%127[^']' should be '%127[^']'", built,
			    running) == 2 && other_kernel(why, built, running);
}

/* Of a symbol there may be another version, too: then that is said before. */
static bool by_symbol(const char *line, struct why *why)
{
	char symbol[64], space[64];
	const char *at;

	at = strstr(line, "disagrees about version of symbol ");
	if (at && sscanf(at, "disagrees about version of symbol %63s", symbol) == 1)
		return because(why, "symbol-version",
			       "the kernel that it was built for had another %s:\n" BUILD, symbol);
	at = strstr(line, "Unknown symbol ");
	if (at && sscanf(at, "Unknown symbol %63s", symbol) == 1)
		return because(why, "symbol",
			       "it needs the symbol %s, which this kernel does not have:\n" BUILD,
			       symbol);
	at = strstr(line, "uses symbol");
	if (at && sscanf(at, "uses symbol %*[(]%63[^)]) from namespace %63[^,]", symbol,
			 space) == 2)
		return because(why, "symbol",
			       "it uses the symbol %s of the namespace %s without importing it:\n"
			       BUILD, symbol, space);
	return false;
}

static bool by_parameter(const char *line, struct why *why)
{
	char value[64] = "", name[64];
	const char *at = strchr(line, '`');

	if (at && (sscanf(at, "`%63[^']' invalid for parameter `%63[^']'", value, name) == 2 ||
		   sscanf(at, "`%63[^']' too large for parameter `%63[^']'", value, name) == 2))
		return because(why, "parameter",
			       "the parameter %s does not take the value %s: zcctl load --help",
			       name, value);
	return false;
}

static bool by_signature(const char *line, struct why *why)
{
	char what[64];
	const char *at = strstr(line, "Loading of ");

	if (!at || sscanf(at, "Loading of %63[^,] is rejected", what) != 1)
		return false;
	if (strstr(what, "unavailable key"))
		return because(why, "signature-key",
			       "it is signed by a key that this kernel does not know:\n"
			       "  enroll that: mokutil --import CERTIFICATE, and boot");
	if (strstr(what, "unsupported crypto"))
		return because(why, "signature-crypto",
			       "it is signed in a way that this kernel does not have:\n" SIGN);
	return because(why, "unsigned",
		       "it is not signed, and this kernel takes only signed modules\n"
		       "  (module.sig_enforce, or Secure Boot):\n" SIGN);
}

static bool by_lockdown(const char *line, struct why *why)
{
	char how[32] = "";

	if (strncmp(line, "Lockdown:", 9) || !strstr(line, "module"))
		return false;
	root_chosen(how, sizeof(how), "/sys/kernel/security/lockdown");
	return because(why, "lockdown",
		       "it is not signed, and this kernel is locked down%s%s (lockdown=,\n"
		       "  or Secure Boot): it takes only signed modules\n" SIGN,
		       *how ? ", " : "", how);
}

static bool by_blacklist(const char *line, struct why *why)
{
	return strstr(line, "is blacklisted") &&
	       because(why, "blacklist",
		       "it is blacklisted on the kernel's command line (module_blacklist=)");
}

static bool by_memory(const char *line, struct why *why)
{
	return (strstr(line, "Could not allocate") || strstr(line, "page allocation failure")) &&
	       because(why, "memory", NO_MEMORY);
}

static bool (*const by_log[])(const char *line, struct why *why) = {
	by_vermagic, by_symbol, by_parameter, by_signature, by_lockdown, by_blacklist,
	by_memory,
};

/* Several may be of one trouble; the first is the cause. */
static bool explain_by_log(const struct kmsg *log, struct why *why)
{
	size_t i, j;

	for (i = 0; i < log->nr; i++)
		for (j = 0; j < sizeof(by_log) / sizeof(*by_log); j++)
			if (by_log[j](log->line[i], why))
				return true;
	return false;
}

/*
 * With versions of symbols (CONFIG_MODVERSIONS) the kernel minds the version in vermagic
 * less than what is different because of it.
 */
static bool other_version(const struct load_failed *failed, struct why *why)
{
	char *built = module_info(failed->path, "vermagic");
	char running[128];
	bool other;

	other = built && root_line(running, sizeof(running), "/proc/sys/kernel/osrelease") &&
		(strncmp(built, running, strlen(running)) || built[strlen(running)] != ' ') &&
		other_kernel(why, built, running);
	free(built);
	return other;
}

static bool not_permitted(struct why *why)
{
	char line[64];

	if (geteuid())
		return because(why, "permission", "run as root: the same, by sudo");
	if (root_line(line, sizeof(line), "/proc/sys/kernel/modules_disabled") && *line == '1')
		return because(why, "disabled",
			       "modules can be loaded no more until the next boot\n"
			       "  (kernel.modules_disabled=1)");
	if (root_chosen(line, sizeof(line), "/sys/kernel/security/lockdown") &&
	    strcmp(line, "none"))
		return because(why, "lockdown",
			       "this kernel is locked down, %s (lockdown=, or Secure Boot):\n"
			       "  it takes only signed modules\n" SIGN, line);
	return because(why, "permission",
		       "module loading is locked: no CAP_SYS_MODULE, as in containers, or lockdown,\n"
		       "  or a security module; dmesg may say more");
}

/* The kernel says more where it could not make out who had signed it. */
static bool rejected(int err, struct why *why)
{
	if (err == ENOKEY)
		return because(why, "signature-key",
			       "it is signed by a key that this kernel does not know:\n"
			       "  enroll that: mokutil --import CERTIFICATE, and boot");
	return because(why, "signature",
		       "the kernel takes only signed modules (Secure Boot), and its signature is\n"
		       "  not valid: changed since it was signed, as by strip, or not signed at all\n"
		       SIGN);
}

static bool no_entry(const struct load_failed *failed, struct why *why)
{
	if (failed->path)
		return because(why, "symbol",
			       "it needs a symbol that this kernel lacks (dmesg says which):\n"
			       BUILD);
	if (root_no_modules())
		return because(why, "no-modules", "this kernel has no loadable modules");
	return because(why, "not-installed",
		       "it is not installed for this kernel: build it with make, then\n"
		       "  zcctl load --path ./zc.ko; or install it by make dkms-install");
}

static bool invalid(bool params, struct why *why)
{
	if (params)
		return because(why, "parameter",
			       "a parameter has a value that it does not take (zcctl load --help);\n"
			       "  dmesg says which");
	return because(why, "invalid",
		       "the kernel can make nothing of it: dmesg says why\n"
		       "  what is compressed it wants as its own: xz --check=crc32");
}

/* What the kernel means by the errors of finit_module(2). */
static bool explain_by_errno(const struct load_failed *failed, struct why *why)
{
	switch (failed->err) {
	case ENOENT:
		return no_entry(failed, why);
	case ENOEXEC:
		return because(why, "format",
			       "it was built for another kernel (vermagic) or is no module:\n"
			       BUILD "; dmesg says more");
	case EPERM:
		return not_permitted(why);
	case EACCES:
		return because(why, "permission", "run as root: the same, by sudo");
	case EKEYREJECTED:
	case ENOKEY:
	case EBADMSG:
		return rejected(failed->err, why);
	case EINVAL:
		return invalid(failed->params, why);
	case ERANGE:
		return invalid(true, why);
	case ENOMEM:
		return because(why, "memory", NO_MEMORY);
	case EOPNOTSUPP:
		return because(why, "compressed",
			       "it is compressed, which this kernel cannot unpack by itself:\n"
			       "  unpack it (unxz, unzstd, gunzip), then zcctl load --path zc.ko");
	case ENOSYS:
		return because(why, "no-modules", "this kernel has no loadable modules");
	default:
		return because(why, "unknown", "dmesg may say more");
	}
}

/* What nobody here knows how to read is given as it is. */
static void add_log(const struct kmsg *log, struct why *why)
{
	size_t len = strlen(why->text);

	if (log->nr)
		snprintf(why->text + len, sizeof(why->text) - len, "\n  the kernel says: %s",
			 log->line[0]);
}

static struct json_object *json_log(const struct kmsg *log)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < log->nr; i++)
		json_object_array_add(array, json_object_new_string(log->line[i]));
	return array;
}

/* May another kernel's module fail like that? */
static bool is_of_build(const char *cause)
{
	return !strncmp(cause, "symbol", strlen("symbol")) || !strcmp(cause, "format") ||
	       !strcmp(cause, "invalid");
}

static void explain(const struct load_failed *failed, struct why *why)
{
	bool logged = explain_by_log(&failed->log, why);

	if (!logged)
		explain_by_errno(failed, why);
	if (is_of_build(why->cause))
		logged &= !other_version(failed, why);
	if (!logged)
		add_log(&failed->log, why);
}

/**
 * load_explain - say why the module was not loaded
 * @failed: what there is to know
 *
 * Returns: an exit code.
 */
int load_explain(const struct load_failed *failed)
{
	int code = failed->err == EPERM || failed->err == EACCES ? EX_PERMISSION : EX_FAILED;
	const char *what = failed->path ? failed->path : "zc";
	struct json_object *obj;
	char text[512];
	struct why why;

	explain(failed, &why);
	if (!out_json)
		return out_error(code, failed->err, why.text, "cannot load %s", what);
	snprintf(text, sizeof(text), "cannot load %s", what);
	obj = out_error_new(code, failed->err, why.text, text);
	out_add_str(obj, "cause", why.cause);
	json_object_object_add(obj, "kernel_log", json_log(&failed->log));
	out_error_object(obj);
	return code;
}
