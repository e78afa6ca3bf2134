/* SPDX-License-Identifier: MIT */
/*
 * Opening by openat2(2), which refuses links in any place. Behind an old seccomp filter it is not
 * there; a single component that is no ".." cannot lead elsewhere then either.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workspace/below_internal.h"

int below_open(int parent, const char *name)
{
	const unsigned flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct open_how how = {.flags = flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(parent, name, (int)flags);
	return fd < 0 ? -errno : fd;
}

int below_set_mode(int fd, mode_t mode)
{
	char magic[64];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_mode & 07777) == mode)
		return 0;
	/* fchmod(2) refuses O_PATH descriptors, and a name could be exchanged for a link. */
	(void)snprintf(magic, sizeof(magic), "/proc/self/fd/%d", fd);
	return chmod(magic, mode) < 0 ? -errno : 0;
}
