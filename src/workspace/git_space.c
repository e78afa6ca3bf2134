/* SPDX-License-Identifier: MIT */
/*
 * How much room is left where git writes (statvfs(3)).
 *
 * A repository says nowhere how large it is before it is fetched, so what is free is looked at
 * while git runs. What counts is what ordinary users may take: the reserve of root is one.
 */
#include <sys/statvfs.h>

#include "workspace/git_internal.h"

uint64_t git_space_least(uint64_t disk_bytes)
{
	return MIN_OF((uint64_t)GIT_FREE_MIN_BYTES, disk_bytes / GIT_FREE_MIN_PART);
}

bool git_space_is_low(const char *dir, struct buf *ret_text)
{
	struct statvfs fs;
	uint64_t least;

	if (statvfs(dir, &fs) < 0)
		return false;
	least = git_space_least((uint64_t)fs.f_blocks * fs.f_frsize);
	if ((uint64_t)fs.f_bavail * fs.f_frsize >= least)
		return false;
	buf_printf(ret_text, "less than %llu KiB are free for %s", (unsigned long long)least >> 10,
		dir);
	return true;
}
