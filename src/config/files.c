/* SPDX-License-Identifier: MIT */
/*
 * Opening what lies in $PYLON_HOME. The user owns these files and may have put anything in their
 * place: a folder, a FIFO that nobody writes to, a link to nothing. Each becomes one clear problem,
 * and none of them may stop the daemon: the file's kind is asked before it is opened (opening a
 * device can have effects of its own) and again afterwards, and opening never waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "config/config-internal.h"

static const char *kind_name(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a folder";
	if (S_ISFIFO(mode))
		return "a FIFO";
	if (S_ISSOCK(mode))
		return "a socket";
	return "a device";
}

/* False with the problem told, or with *ret_absent. */
static bool is_regular(struct report *r, const char *path, bool *ret_absent)
{
	struct stat st;
	struct err e = CLEAN_ERR;
	int rc;

	*ret_absent = false;
	if (stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			report_at(r, NULL, "is %s; a file is needed", kind_name(st.st_mode));
		return S_ISREG(st.st_mode);
	}
	rc = err_errno(&e, "cannot be read");
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		report_at(r, NULL, "is a link that leads to no file");
	else if (rc == -ENOENT || rc == -ENOTDIR)
		*ret_absent = true;
	else
		report_at(r, NULL, "%s", e.text);
	return false;
}

static int read_open_file(struct report *r, int fd, size_t max, struct buf *ret, mode_t *ret_mode)
{
	struct stat st;
	struct err e = CLEAN_ERR;
	int rc;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		report_at(r, NULL, "changed while it was opened");
		return FILE_E_UNUSABLE;
	}
	rc = fd_read(fd, max, ret);
	if (rc == -EFBIG) {
		report_at(r, NULL, "is larger than %zu KiB", max >> 10);
		return FILE_E_UNUSABLE;
	}
	if (rc < 0) {
		errno = -rc;
		(void)err_errno(&e, "cannot be read");
		report_at(r, NULL, "%s", e.text);
		return FILE_E_UNUSABLE;
	}
	*ret_mode = st.st_mode;
	return 0;
}

int config_file_read(
	struct report *r, const char *path, size_t max, struct buf *ret, mode_t *ret_mode)
{
	CLEANUP(closep) int fd = -1;
	struct err e = CLEAN_ERR;
	bool is_absent;

	if (!is_regular(r, path, &is_absent))
		return is_absent ? FILE_E_ABSENT : FILE_E_UNUSABLE;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		(void)err_errno(&e, "cannot be opened");
		report_at(r, NULL, "%s", e.text);
		return FILE_E_UNUSABLE;
	}
	return read_open_file(r, fd, max, ret, ret_mode);
}

bool env_file_load(struct env_file *f, const char *path, bool first_wins, struct problems *problems)
{
	struct report r = report_start(problems, path);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	mode_t mode = 0;
	int rc = config_file_read(&r, path, ENV_FILE_MAX, &text, &mode);

	if (rc == FILE_E_ABSENT)
		return true;
	if (rc != 0)
		return false;
	if (memchr(buf_str(&text), '\0', text.n)) {
		report_at(&r, NULL, "is no text file");
		return false;
	}
	if (mode & (S_IRWXG | S_IRWXO))
		report_warning(
			&r, NULL, "others may read the secrets in it; run: chmod 600 %s", path);
	env_parse(f, buf_slice(&text), first_wins);
	return true;
}
