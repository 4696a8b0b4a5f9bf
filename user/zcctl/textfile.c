// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file that others read at any time: they find what it had before or all that is new.
 * That holds until the machine crashes; to wait for the disk twice a minute is too much.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "textfile.h"
#include "zcctl.h"

/* rename() would put a file in the place of a device or link, of /dev/stdout for one. */
static int check_place(const char *path)
{
	struct stat st;

	if (lstat(path, &st) || S_ISREG(st.st_mode))
		return EX_OK;
	return out_error(EX_FAILED, 0,
			 "give the name of a file; '--help' says what makes it standard output",
			 "%s is %s, and is left alone", path,
			 S_ISDIR(st.st_mode) ? "a directory" : "no regular file");
}

/**
 * textfile_open - begin a file that is to take the place of another
 * @file: the file; write to its @to
 * @path: where it will be
 *
 * What is begun has a name that begins with a dot, and an end that collectors of *.prom
 * pass over.
 *
 * Returns: EX_OK, or an exit code after an error message.
 */
int textfile_open(struct textfile *file, const char *path)
{
	const char *slash = strrchr(path, '/');
	int len = slash ? slash - path + 1 : 0;
	int fd, ret = check_place(path);

	if (ret)
		return ret;
	file->path = path;
	if (asprintf(&file->tmp, "%.*s.%s.XXXXXX", len, path, path + len) < 0)
		return out_error(EX_FAILED, ENOMEM, NULL, "cannot write %s", path);
	fd = mkstemp(file->tmp);
	file->to = fd < 0 ? NULL : fdopen(fd, "w");
	if (file->to)
		return EX_OK;
	ret = out_error(errno == EACCES ? EX_PERMISSION : EX_FAILED, errno,
			"its folder has to be there, to take new files, and yours to write to",
			"cannot make %s", path);
	free(file->tmp);
	return ret;
}

/**
 * textfile_close - put the file in its place, readable for all
 * @file: of textfile_open()
 *
 * Where that fails what was there before stays, and nothing else.
 *
 * Returns: EX_OK, or an exit code after an error message.
 */
int textfile_close(struct textfile *file)
{
	int ret = EX_OK, err = 0;

	if (ferror(file->to) || fflush(file->to) || fchmod(fileno(file->to), 0644))
		err = errno ?: EIO;
	if (fclose(file->to) && !err)
		err = errno;
	if (!err && rename(file->tmp, file->path))
		err = errno;
	if (err) {
		unlink(file->tmp);
		ret = out_error(EX_FAILED, err, "what was there before is as it was",
				"cannot write %s", file->path);
	}
	free(file->tmp);
	return ret;
}
