/* SPDX-License-Identifier: MIT */
/*
 * base/file.c - reading, replacing and locking single files (folders are in tree.c).
 *
 * What surprised us: a container can leave a FIFO, a device or a link where a result is expected,
 * and opening a device may do something by itself. So a foreign file is first named with O_PATH,
 * judged, and only then opened for reading through /proc/self/fd.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	READ_STEP_MIN = 4096,
	PID_TEXT_MAX = 24,
};

int fd_read(int fd, size_t max, struct buf *ret)
{
	for (;;) {
		size_t room = MIN_OF(max - ret->n, MAX_OF(ret->n, (size_t)READ_STEP_MIN));
		ssize_t n;

		/* One byte more than allowed tells a full file from one that is too large. */
		buf_reserve(ret, room + 1);
		n = read(fd, ret->p + ret->n, room + 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if ((size_t)n > max - ret->n)
			return -EFBIG;
		ret->n += (size_t)n;
		ret->p[ret->n] = '\0';
	}
}

/* Reads fd into *ret, or says why not; `name` is for the message. */
static int read_whole(int fd, const char *name, size_t max, struct buf *ret, struct err *e)
{
	CLEANUP(buf_fini) struct buf content = BUF_NULL;
	int r = fd_read(fd, max, &content);

	if (r == -EFBIG)
		return err_set(e, r, "%s is larger than %zu bytes", name, max);
	if (r < 0) {
		errno = -r;
		return err_errno(e, "cannot read %s", name);
	}
	buf_fini(ret);
	*ret = content;
	content = BUF_NULL;
	return 0;
}

int file_read(const char *path, size_t max, struct buf *ret, struct err *e)
{
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_errno(e, "cannot open %s", path);
	return read_whole(fd, path, max, ret, e);
}

/* O_PATH descriptor of dir/name, never through a link. */
static int open_beneath(int dir_fd, const char *name)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));

	/* Before Linux 5.6, or behind an old seccomp filter. A single component that is not ".."
	 * cannot leave the folder anyway; the caller looks for a link. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

static int judge_foreign(int fd, const char *name, size_t max, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot look at %s", name);
	if (S_ISLNK(st.st_mode))
		return err_set(e, -ELOOP, "%s is a link", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s is not a regular file", name);
	if (st.st_nlink != 1)
		return err_set(e, -EMLINK, "%s has more than one name", name);
	if ((uintmax_t)st.st_size > max)
		return err_set(e, -EFBIG, "%s is larger than %zu bytes", name, max);
	return 0;
}

int file_read_beneath(const char *dir, const char *name, size_t max, struct buf *ret, struct err *e)
{
	CLEANUP(closep) int dir_fd = -1;
	CLEANUP(closep) int path_fd = -1;
	CLEANUP(closep) int fd = -1;
	char magic[64];
	int r;

	if (str_is_empty(name) || strchr(name, '/') != NULL || str_eq(name, ".") ||
		str_eq(name, ".."))
		return err_set(e, -EINVAL, "\"%s\" is not the name of a file", name);
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd < 0)
		return err_errno(e, "cannot open the folder %s", dir);
	path_fd = open_beneath(dir_fd, name);
	if (path_fd < 0)
		return err_errno(e, "cannot open %s in %s", name, dir);
	r = judge_foreign(path_fd, name, max, e);
	if (r < 0)
		return r;
	(void)snprintf(magic, sizeof(magic), "/proc/self/fd/%d", path_fd);
	fd = open(magic, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "cannot open %s in %s", name, dir);
	return read_whole(fd, name, max, ret, e);
}

int write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Makes a rename in the folder of path durable. */
static int sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(freep) char *folder = NULL;
	CLEANUP(closep) int fd = -1;

	if (slash == NULL)
		folder = xstrdup(".");
	else
		folder = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int fill_new_file(int fd, const void *p, size_t n, mode_t mode)
{
	int r = write_all(fd, p, n);

	if (r < 0)
		return r;
	return fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -errno : 0;
}

int file_write(const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
	CLEANUP(freep) char *temporary = xasprintf("%s.XXXXXX", path);
	CLEANUP(closep) int fd = mkostemp(temporary, O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_errno(e, "cannot write beside %s", path);
	r = fill_new_file(fd, p, n, mode);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temporary);
	else
		r = sync_folder_of(path);
	if (r < 0) {
		errno = -r;
		return err_errno(e, "cannot write %s", path);
	}
	return 0;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* The process id that the holder of a lock wrote; 0 when there is none to be read. */
static pid_t read_pid(int fd)
{
	char text[PID_TEXT_MAX];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	struct slice digits = {text, n > 0 ? (size_t)n : 0};
	uint64_t pid;

	if (digits.n > 0 && digits.p[digits.n - 1] == '\n')
		digits.n--;
	return slice_to_u64(digits, INT32_MAX, &pid) ? (pid_t)pid : 0;
}

static int write_pid(int fd)
{
	char text[PID_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) < 0)
		return -errno;
	return write_all(fd, text, (size_t)n);
}

int file_lock(const char *path, pid_t *ret_pid, struct err *e)
{
	CLEANUP(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	int r;

	if (fd < 0)
		return err_errno(e, "cannot open the lock %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_errno(e, "cannot lock %s", path);
		*ret_pid = read_pid(fd);
		return err_set(e, -EWOULDBLOCK, "%s is held by another process", path);
	}
	r = write_pid(fd);
	if (r < 0) {
		errno = -r;
		return err_errno(e, "cannot write %s", path);
	}
	return fd_steal(&fd);
}
