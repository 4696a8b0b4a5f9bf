// SPDX-License-Identifier: GPL-2.0-only
/* zcctl doctor: has the module to be signed, and is it? */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

#define EFIVARS "/sys/firmware/efi/efivars"
#define SECURE_BOOT EFIVARS "/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static const char signed_tail[] = "~Module signature appended~\n";

/* 1, 0, or -1: it cannot be seen. */
static int has_tail(const struct doctor *doctor)
{
	char tail[sizeof(signed_tail)] = "";
	size_t len = sizeof(signed_tail) - 1;
	FILE *f = root_open(doctor->installed);
	int yes = -1;

	if (f && !fseek(f, -(long)len, SEEK_END) && fread(tail, 1, len, f) == len)
		yes = !strcmp(tail, signed_tail);
	if (f)
		fclose(f);
	return yes;
}

/* The same; where it is compressed, so is the tail. */
static int is_signed(const struct doctor *doctor)
{
	const char *name = doctor->installed;
	char *value;
	int yes;

	if (!*name || !strcmp(name + strlen(name) - 3, ".ko"))
		return *name ? has_tail(doctor) : -1;
	value = doctor_module_info(doctor, "vermagic");
	if (!value)
		return -1;
	free(value);
	value = doctor_module_info(doctor, "sig_id");
	yes = !!value;
	free(value);
	return yes;
}

static bool has_secure_boot(void)
{
	unsigned char data[5] = { 0 };
	FILE *f = root_open(SECURE_BOOT);
	bool on;

	/* Four bytes of attributes come first. */
	on = f && fread(data, 1, sizeof(data), f) == sizeof(data) && data[4] == 1;
	if (f)
		fclose(f);
	return on;
}

/* The folder is there whether or not it is mounted, and no firmware is without variables. */
static bool has_efivars(void)
{
	char path[ROOT_PATH];
	int entries = 0;
	DIR *dir;

	root_path(path, sizeof(path), "%s", EFIVARS);
	dir = opendir(path);
	while (dir && readdir(dir))
		entries++;
	if (dir)
		closedir(dir);
	return entries > 2;
}

/* Why modules have to be signed, or NULL. */
static const char *signature_wanted(void)
{
	char line[64];

	if (root_line(line, sizeof(line), "/sys/module/module/parameters/sig_enforce") &&
	    *line == 'Y')
		return "module.sig_enforce";
	if (root_chosen(line, sizeof(line), "/sys/kernel/security/lockdown") &&
	    strcmp(line, "none"))
		return "lockdown";
	return NULL;
}

static void find_unsigned(struct doctor *doctor, const char *wanted)
{
	char command[2 * ROOT_PATH];
	const char *file = doctor->installed, *compressed = file + strlen(file) - 3;

	/* A signature is of what was compressed. */
	if (strcmp(compressed, ".ko")) {
		doctor_find(doctor, "signature", DOCTOR_PROBLEM, "sudo make dkms-install",
			    "this kernel takes only signed modules (%s), and %s is not signed",
			    wanted, file);
		return;
	}
	snprintf(command, sizeof(command), "sudo /lib/modules/%s/build/scripts/sign-file sha256 "
		 "/var/lib/dkms/mok.key /var/lib/dkms/mok.pub %s", doctor->release, file);
	doctor_find(doctor, "signature", DOCTOR_PROBLEM, command,
		    "this kernel takes only signed modules (%s), and %s is not signed; the key has "
		    "to be enrolled once: mokutil --import /var/lib/dkms/mok.pub", wanted, file);
}

/**
 * doctor_signature - has the module to be signed, and is it?
 * @doctor: the visit
 */
void doctor_signature(struct doctor *doctor)
{
	const char *wanted = signature_wanted();
	int is = is_signed(doctor);

	if (root_no_modules())
		return;
	if (!wanted && !root_exists("/sys/module"))
		doctor_note(doctor, "signature",
			    "whether modules have to be signed cannot be seen: there is no /sys/module");
	else if (!wanted && has_secure_boot() && !root_exists("/sys/kernel/security/lsm"))
		doctor_note(doctor, "signature",
			    "with Secure Boot modules have to be signed, unless it was told otherwise; "
			    "see lockdown");
	else if (!wanted)
		doctor_ok(doctor, "signature", "this kernel takes modules that are not signed");
	else if (doctor->loaded)
		doctor_ok(doctor, "signature",
			  "this kernel takes only signed modules (%s), and has taken zc", wanted);
	else if (!*doctor->installed)
		doctor_find(doctor, "signature", DOCTOR_WARNING, "sudo make dkms-install",
			    "this kernel takes only signed modules (%s): one built by hand is not, "
			    "dkms signs those that it builds", wanted);
	else if (is < 0)
		doctor_note(doctor, "signature",
			    "this kernel takes only signed modules (%s); whether %s is cannot be seen",
			    wanted, doctor->installed);
	else if (is)
		doctor_note(doctor, "signature",
			    "this kernel takes only signed modules (%s), and %s is one; whether its "
			    "key is enrolled cannot be seen", wanted, doctor->installed);
	else
		find_unsigned(doctor, wanted);
}

/**
 * doctor_lockdown - does the kernel keep root from changing it?
 * @doctor: the visit
 */
void doctor_lockdown(struct doctor *doctor)
{
	char how[32];

	if (root_chosen(how, sizeof(how), "/sys/kernel/security/lockdown")) {
		if (!strcmp(how, "none"))
			doctor_ok(doctor, "lockdown", "this kernel is not locked down");
		else
			doctor_note(doctor, "lockdown",
				    "this kernel is locked down (%s): see signature", how);
	} else if (errno == EACCES) {
		doctor_find(doctor, "lockdown", DOCTOR_NOTE, "sudo zcctl doctor",
			    "it cannot be seen: only root may read /sys/kernel/security/lockdown");
	} else if (root_exists("/sys/kernel/security/lsm") ||
		   (root_exists("/sys/kernel") && !root_exists("/sys/kernel/security"))) {
		doctor_ok(doctor, "lockdown", "this kernel has none");
	} else {
		doctor_find(doctor, "lockdown", DOCTOR_NOTE,
			    "sudo mount -t securityfs none /sys/kernel/security",
			    "it cannot be seen: securityfs is not mounted");
	}
}

/**
 * doctor_secure_boot - does the firmware take only what is signed?
 * @doctor: the visit
 */
void doctor_secure_boot(struct doctor *doctor)
{
	if (!root_exists("/sys/firmware/efi"))
		doctor_ok(doctor, "secure-boot", "this machine was not booted by EFI");
	else if (!root_exists(EFIVARS))
		doctor_note(doctor, "secure-boot", "it cannot be seen: there is no " EFIVARS);
	else if (!has_efivars())
		doctor_find(doctor, "secure-boot", DOCTOR_NOTE,
			    "sudo mount -t efivarfs none " EFIVARS,
			    "it cannot be seen: efivarfs is not mounted");
	else if (has_secure_boot())
		doctor_note(doctor, "secure-boot",
			    "it is on: most kernels lock themselves down then, see signature");
	else
		doctor_ok(doctor, "secure-boot", "it is off");
}
