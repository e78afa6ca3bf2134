/* SPDX-License-Identifier: MIT */
/*
 * The status file. It is formatted without an allocator and without a JSON library: every text in
 * it is ours or the kernel's, so nothing needs escaping.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim/shim.h"
#include "shim/shim_internal.h"

struct text {
	char bytes[1024];
	size_t used;
};

static int status_dir = -1;

int64_t clock_us(int clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* 0 when the process is gone. */
static long long start_time(pid_t pid)
{
	char path[40], line[1024];
	const char *p;
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(line, 1, sizeof(line) - 1, f);
	(void)fclose(f);
	line[n] = 0;
	/* The name in field 2 may hold anything, so count from the last parenthesis: that space is
	 * field 3's. */
	p = strrchr(line, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoll(p, NULL, 10) : 0;
}

int status_init(struct status *s, int dir_fd)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f)
		return -errno;
	if (!fgets(s->boot_id, sizeof(s->boot_id), f))
		s->boot_id[0] = 0;
	(void)fclose(f);
	s->boot_id[strcspn(s->boot_id, "\n")] = 0;
	status_dir = dir_fd;
	return 0;
}

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->bytes + t->used, sizeof(t->bytes) - t->used, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof(t->bytes) - t->used)
		t->used += (size_t)n;
}

static void add_number_or_null(struct text *t, const char *name, bool known, int number)
{
	if (known)
		add(t, ",\"%s\":%d", name, number);
	else
		add(t, ",\"%s\":null", name);
}

static long long tv_us(struct timeval tv)
{
	return (long long)tv.tv_sec * 1000000 + tv.tv_usec;
}

static const char *yes_no(bool b)
{
	return b ? "true" : "false";
}

static void add_end(struct text *t, const struct status *s)
{
	struct rusage ru;
	bool exited = s->exec_errno || WIFEXITED(s->wait_status);
	int code = s->exec_errno ? SHIM_EXIT_NO_EXEC : WEXITSTATUS(s->wait_status);

	add_number_or_null(t, "exit_code", exited, code);
	add_number_or_null(t, "signal", !exited, WTERMSIG(s->wait_status));
	add(t, ",\"timed_out\":%s,\"stopped\":%s,\"left\":%s,\"killed\":%u", yes_no(s->timed_out),
		yes_no(s->stopped), yes_no(s->left), s->killed);
	if (s->exec_errno)
		add(t, ",\"error\":\"cannot start: %s\"", strerror(s->exec_errno));
	else
		add(t, ",\"error\":null");
	(void)getrusage(RUSAGE_CHILDREN, &ru);
	add(t, ",\"ended_real\":%lld", (long long)s->ended_real);
	add(t, ",\"rusage\":{\"user_us\":%lld,\"system_us\":%lld,\"maxrss_kb\":%ld}",
		tv_us(ru.ru_utime), tv_us(ru.ru_stime), ru.ru_maxrss);
}

static void format_status(struct text *t, const struct status *s, bool sync)
{
	static long long pid_start;

	add(t, "{\"version\":1,\"state\":\"%s\",\"boot_id\":\"%s\"", s->state, s->boot_id);
	add(t, ",\"shim_pid\":%d,\"shim_start\":%lld", (int)getpid(), start_time(getpid()));
	if (s->pid) {
		/* At the end the process is reaped: what was read when it started holds. */
		if (!pid_start)
			pid_start = start_time(s->pid);
		add(t, ",\"pid\":%d,\"pid_start\":%lld,\"started_real\":%lld", (int)s->pid,
			pid_start, (long long)s->started_real);
	}
	if (sync)
		add_end(t, s);
	add(t, "}\n");
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

int status_write(struct status *s, bool sync)
{
	struct text t = {.used = 0};
	int fd, r;

	format_status(&t, s, sync);
	fd = openat(status_dir, SHIM_STATUS_FILE ".tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, t.bytes, t.used);
	if (!r && sync && fdatasync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && renameat(status_dir, SHIM_STATUS_FILE ".tmp", status_dir, SHIM_STATUS_FILE) < 0)
		r = -errno;
	return r;
}
