/* SPDX-License-Identifier: MIT */
/*
 * The status file. It is formatted without an allocator and without a JSON library: every text in
 * it is ours or the kernel's, and only the cgroup's path may need escaping.
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
	char bytes[1024 + 2 * CGROUP_PATH_MAX];
	size_t used;
};

static int status_dir = -1;

int status_init(struct status *s, int dir_fd)
{
	size_t n = read_text(
		AT_FDCWD, "/proc/sys/kernel/random/boot_id", s->boot_id, sizeof(s->boot_id));

	if (n == 0)
		return -errno;
	s->boot_id[strcspn(s->boot_id, "\n")] = '\0';
	s->shim_start = start_time(getpid());
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

static void add_path_or_null(struct text *t, const char *name, const char *path)
{
	if (path == NULL) {
		add(t, ",\"%s\":null", name);
		return;
	}
	add(t, ",\"%s\":\"", name);
	for (; *path != '\0'; path++)
		add(t, *path == '"' || *path == '\\' ? "\\%c" : "%c", *path);
	add(t, "\"");
}

static void add_log(struct text *t, const struct status *s)
{
	if (!s->has_log) {
		add(t, ",\"log\":null");
		return;
	}
	add(t, ",\"log\":{\"bytes\":%llu,\"lost\":%llu", (unsigned long long)s->log_bytes,
		(unsigned long long)s->log_lost);
	if (s->log_errno != 0)
		add(t, ",\"error\":\"%s\"", strerror(s->log_errno));
	else
		add(t, ",\"error\":null");
	add(t, ",\"is_cut\":%s}", yes_no(s->is_log_cut));
}

static void add_end(struct text *t, const struct status *s)
{
	bool is_unstarted = s->failure.step != STEP_NONE;
	bool exited = is_unstarted || WIFEXITED(s->wait_status);
	int code = is_unstarted ? SHIM_EXIT_NO_EXEC : WEXITSTATUS(s->wait_status);
	struct rusage ru;

	add_number_or_null(t, "exit_code", exited, code);
	add_number_or_null(t, "signal", !exited, WTERMSIG(s->wait_status));
	add(t, ",\"timed_out\":%s,\"stopped\":%s,\"left\":%s,\"killed\":%u", yes_no(s->timed_out),
		yes_no(s->stopped), yes_no(s->left), s->killed);
	if (is_unstarted)
		add(t, ",\"error\":\"cannot start: %s: %s\"", start_step_text(s->failure.step),
			strerror(s->failure.code));
	else
		add(t, ",\"error\":null");
	add_log(t, s);
	(void)getrusage(RUSAGE_CHILDREN, &ru);
	add(t, ",\"ended_real\":%lld", (long long)s->ended_real);
	add(t, ",\"rusage\":{\"user_us\":%lld,\"system_us\":%lld,\"maxrss_kb\":%ld}",
		tv_us(ru.ru_utime), tv_us(ru.ru_stime), ru.ru_maxrss);
}

static void format_status(struct text *t, const struct status *s, bool is_over)
{
	add(t, "{\"version\":1,\"state\":\"%s\",\"boot_id\":\"%s\"", s->state, s->boot_id);
	add(t, ",\"shim_pid\":%d,\"shim_start\":%llu", (int)getpid(),
		(unsigned long long)s->shim_start);
	if (s->pid) {
		add(t, ",\"pid\":%d,\"pid_start\":%llu,\"started_real\":%lld", (int)s->pid,
			(unsigned long long)s->pid_start, (long long)s->started_real);
		add_path_or_null(t, "cgroup", s->cgroup);
	}
	if (is_over)
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

int status_write(struct status *s, bool is_over)
{
	struct text t = {.used = 0};
	int fd, r;

	format_status(&t, s, is_over);
	fd = openat(status_dir, SHIM_STATUS_FILE ".tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, t.bytes, t.used);
	if (!r && is_over && fdatasync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && renameat(status_dir, SHIM_STATUS_FILE ".tmp", status_dir, SHIM_STATUS_FILE) < 0)
		r = -errno;
	return r;
}
