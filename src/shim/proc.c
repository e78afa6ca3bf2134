/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says in small text files (proc(5), cgroups(7)). Read without stdio: it would be a
 * tenth of this program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "shim/shim_internal.h"

enum {
	FIELD_PARENT = 4,
	FIELD_START = 22,
	STAT_MAX = 1024,
};

int64_t clock_us(int clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

size_t read_text(int dir, const char *path, char *ret, size_t size)
{
	CLEANUP(closep) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	while (fd >= 0 && n < size - 1) {
		ssize_t got = read(fd, ret + n, size - 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	ret[n] = '\0';
	return n;
}

uint64_t take_number(const char **at)
{
	uint64_t value = 0;

	while (**at == ' ')
		++*at;
	for (; **at >= '0' && **at <= '9'; ++*at)
		value = value * 10 + (uint64_t)(**at - '0');
	return value;
}

/* A numeric field of /proc/PID/stat; 0 when the process is gone. */
static uint64_t stat_field(pid_t pid, int wanted)
{
	char path[40], line[STAT_MAX];
	const char *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	(void)read_text(AT_FDCWD, path, line, sizeof(line));
	/* The name in field 2 may hold anything, so count from the last parenthesis: that space is
	 * field 3's. */
	p = strrchr(line, ')');
	for (int field = 2; p != NULL && field < wanted; field++)
		p = strchr(p + 1, ' ');
	return p == NULL ? 0 : take_number(&p);
}

uint64_t start_time(pid_t pid)
{
	return stat_field(pid, FIELD_START);
}

pid_t parent_of(pid_t pid)
{
	return (pid_t)stat_field(pid, FIELD_PARENT);
}
