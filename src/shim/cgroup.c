/* SPDX-License-Identifier: MIT */
/*
 * The command's own cgroup, where we may make one: then nothing that it starts can get away, also
 * not from a later process, should we be killed.
 *
 * Sources: Documentation/admin-guide/cgroup-v2.rst of Linux; systemd's CGROUP_DELEGATION: one may
 * make cgroups only in a delegated one, which carries the attribute user.delegate (older:
 * trusted.delegate, for root's eyes). No controller is turned on, so processes may stay in the
 * cgroup above (the rule of "no internal processes").
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/str.h"
#include "shim/shim_internal.h"

enum {
	CGROUP2_MAGIC = 0x63677270, /* linux/magic.h */
	DEPTH_MAX = 8,
	TEXT_MAX = 2048,
};

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end == NULL ? NULL : end + 1;
}

/* "0::/path" is the line of version 2 in /proc/self/cgroup. False when there is none. */
static bool own_path(char ret[CGROUP_PATH_MAX])
{
	char text[TEXT_MAX];
	const char *line = text;
	size_t n;

	(void)read_text(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text));
	while (line != NULL && !str_has_prefix(line, "0::/"))
		line = next_line(line);
	if (line == NULL)
		return false;
	line += strlen("0::");
	n = strcspn(line, "\n");
	/* A line without an end was cut off. */
	if (line[n] != '\n' || n >= CGROUP_PATH_MAX)
		return false;
	memcpy(ret, line, n);
	ret[n] = '\0';
	return true;
}

/* It stands in status: what JSON would not take as it is (but for what status.c escapes) is not
 * used. "/.." begins what lies outside of our namespace. */
static bool is_plain(const char *path)
{
	for (const char *p = path; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return !str_has_prefix(path, "/..");
}

static bool has_flag(const char *path, const char *name)
{
	char value[2];

	return getxattr(path, name, value, sizeof(value)) == 1 && value[0] == '1';
}

static bool is_delegated(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_MAGIC &&
	       (has_flag(path, "user.delegate") || has_flag(path, "trusted.delegate"));
}

/* Our own cgroup's folder: alone, or beside those of version 1. */
static bool find_own(char ret[CGROUP_PATH_MAX])
{
	static const char *const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	char path[CGROUP_PATH_MAX];

	if (!own_path(path) || !is_plain(path))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		int n = snprintf(ret, CGROUP_PATH_MAX, "%s%s", roots[i], path);

		if (n < CGROUP_PATH_MAX && is_delegated(ret))
			return true;
	}
	return false;
}

static bool can_kill(const struct cgroup *c)
{
	CLEANUP(closep) int fd = openat(c->dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);

	return fd >= 0;
}

void cgroup_make(struct cgroup *c)
{
	char own[CGROUP_PATH_MAX];
	int n;

	*c = CGROUP_NONE;
	if (!find_own(own))
		return;
	n = snprintf(c->path, sizeof(c->path), "%s/pylon-%d-%llu", own, (int)getpid(),
		(unsigned long long)start_time(getpid()));
	if (n >= CGROUP_PATH_MAX || mkdir(c->path, 0755) < 0)
		return;
	c->dir = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* What could not be killed as a whole is better left to the tree. */
	if (c->dir < 0 || !can_kill(c))
		cgroup_remove(c);
}

static bool put(const struct cgroup *c, const char *name, const char *text)
{
	CLEANUP(closep) int fd = openat(c->dir, name, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

bool cgroup_enter(const struct cgroup *c)
{
	return put(c, "cgroup.procs", "0");
}

/* As far as they fit: it is only told to people. */
static unsigned count_processes(const struct cgroup *c)
{
	char text[TEXT_MAX];
	size_t n = read_text(c->dir, "cgroup.procs", text, sizeof(text));
	unsigned lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

unsigned cgroup_kill(const struct cgroup *c)
{
	unsigned count;

	if (c->dir < 0)
		return 0;
	count = count_processes(c);
	(void)put(c, "cgroup.kill", "1");
	return count;
}

bool cgroup_is_empty(const struct cgroup *c)
{
	char text[TEXT_MAX];
	const char *line = text;

	if (c->dir < 0)
		return true;
	(void)read_text(c->dir, "cgroup.events", text, sizeof(text));
	while (line != NULL && !str_has_prefix(line, "populated 1"))
		line = next_line(line);
	return line == NULL;
}

/* Removes the cgroups in a folder, which it closes. The other entries are files that go with it. */
static void remove_below(int dir, int depth)
{
	DIR *entries = fdopendir(dir);
	const struct dirent *entry;

	if (entries == NULL) {
		closep(&dir);
		return;
	}
	while ((entry = readdir(entries)) != NULL) {
		int below = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (depth < DEPTH_MAX)
			below = openat(dirfd(entries), entry->d_name,
				O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (below >= 0)
			remove_below(below, depth + 1);
		(void)unlinkat(dirfd(entries), entry->d_name, AT_REMOVEDIR);
	}
	(void)closedir(entries);
}

void cgroup_remove(struct cgroup *c)
{
	if (c->dir >= 0)
		remove_below(fd_steal(&c->dir), 0);
	(void)rmdir(c->path);
	*c = CGROUP_NONE;
}
