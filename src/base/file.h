/* SPDX-License-Identifier: MIT */
/*
 * base/file.h - files and folders, done the careful way.
 *
 * What must survive a crash is written to a temporary name in the same folder, synced, renamed,
 * and the folder synced. What a container may have written is opened beneath its folder without
 * following links and must be a regular file (openat2(2) RESOLVE_BENEATH).
 */
#ifndef PYLON_BASE_FILE_H
#define PYLON_BASE_FILE_H

#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"

/* Reads at most max bytes; -EFBIG when the file has more, -ENOENT when there is none. */
NODISCARD int file_read(const char *path, size_t max, struct buf *ret, struct err *e);
/* Reads what is left of a descriptor, appended; -EFBIG when it is more than max bytes in all. */
NODISCARD int fd_read(int fd, size_t max, struct buf *ret);
/* As file_read, for a file `name` (no slash) in folder `dir` that somebody untrusted may have
 * made: no links, regular file with one name only; never blocks. */
NODISCARD int file_read_beneath(
	const char *dir, const char *name, size_t max, struct buf *ret, struct err *e);
/* Replaces the file atomically and durably. */
NODISCARD int file_write(const char *path, const void *p, size_t n, mode_t mode, struct err *e);
/* Makes the folder and its missing parents with `mode`; fine when it is there. */
NODISCARD int dir_make(const char *path, mode_t mode, struct err *e);
/* Removes a folder with all that is in it, without following links and without crossing into
 * another file system; fine when it is absent. A link is unlinked, never followed. */
NODISCARD int tree_remove(const char *path, struct err *e);
/* Calls fn with each entry's name ("." and ".." left out). */
NODISCARD int dir_each(
	const char *path, void (*fn)(const char *name, void *ctx), void *ctx, struct err *e);
bool file_exists(const char *path);
/* write(2) until all is written. */
NODISCARD int write_all(int fd, const void *p, size_t n);

/* Lock a file with flock(2) for as long as the descriptor is open. Writes our pid into it.
 * Returns the descriptor; -EWOULDBLOCK with *ret_pid (0 when unknown) when another holds it. */
NODISCARD int file_lock(const char *path, pid_t *ret_pid, struct err *e);

#endif
