/* SPDX-License-Identifier: MIT */
/* clang-format off: a table
 *
 * The directives, each at the start of a line of the prompt:
 *
 *	mock:sleep MS         wait                      mock:result TEXT      use TEXT as the result
 *	mock:exit N           exit status at the end    mock:fail TEXT        report the status "failed"
 *	mock:print TEXT       a line on stdout          mock:no-result        report nothing
 *	mock:stderr TEXT      a line on stderr          mock:json             report on the last line of stdout
 *	mock:bytes N          N bytes, lines of 79 x    mock:callback         report by POST to CALLBACK_URL
 *	mock:oneline N        N bytes, no newline       mock:env              print the environment
 *	mock:alloc MB         allocate and touch        mock:write FILE TEXT  write into the workspace
 *	mock:fork N           N sleeping children       mock:hang             ignore SIGTERM, never end
 */
/* clang-format on */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "agent_mock/agent_internal.h"

enum { LINE_BYTES = 80 };

static long long number(const char *text)
{
	long long n = strtoll(text, NULL, 10);

	return n > 0 ? n : 0;
}

static void do_sleep(struct agent *a, const char *arg)
{
	long long ms = number(arg);
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)a;
	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static void do_exit(struct agent *a, const char *arg)
{
	a->exit_code = (int)(number(arg) & 0xff);
}

static void do_print(struct agent *a, const char *arg)
{
	(void)a;
	(void)puts(arg);
}

static void do_stderr(struct agent *a, const char *arg)
{
	(void)a;
	(void)fprintf(stderr, "%s\n", arg);
}

static void do_bytes(struct agent *a, const char *arg)
{
	char line[LINE_BYTES];
	long long left = number(arg);

	(void)a;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (; left >= LINE_BYTES; left -= LINE_BYTES)
		(void)fwrite(line, 1, sizeof(line), stdout);
	if (left > 0)
		(void)fwrite(line + sizeof(line) - left, 1, (size_t)left, stdout);
}

static void do_oneline(struct agent *a, const char *arg)
{
	(void)a;
	for (long long left = number(arg); left > 0; left--)
		(void)putchar('x');
}

static void do_result(struct agent *a, const char *arg)
{
	a->result = arg;
}

static void do_fail(struct agent *a, const char *arg)
{
	a->failure = arg;
}

static void do_no_result(struct agent *a, const char *arg)
{
	(void)arg;
	a->no_result = true;
}

static void do_json(struct agent *a, const char *arg)
{
	(void)arg;
	a->to_stdout = true;
}

static void do_callback(struct agent *a, const char *arg)
{
	(void)arg;
	a->to_callback = true;
}

/* Kept until the end, and populated: what counts is what is resident. */
static void do_alloc(struct agent *a, const char *arg)
{
	long long mb = number(arg), done = 0;

	(void)a;
	for (; done < mb; done++) {
		const void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (p == MAP_FAILED)
			break;
	}
	printf("allocated %lld of %lld MB\n", done, mb);
}

static void do_fork(struct agent *a, const char *arg)
{
	long long wanted = number(arg), done = 0;
	pid_t parent = getpid();

	(void)a;
	for (; done < wanted; done++) {
		pid_t pid = fork();

		if (pid == 0) {
			/* They go with the agent, as they would with its container; it may be
			 * gone already. */
			(void)prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
			while (getppid() == parent)
				(void)pause();
			_exit(0);
		}
		if (pid < 0)
			break;
	}
	printf("forked %lld of %lld\n", done, wanted);
}

static void do_hang(struct agent *a, const char *arg)
{
	(void)a;
	(void)arg;
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)puts("hanging");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}

static void do_env(struct agent *a, const char *arg)
{
	(void)a;
	(void)arg;
	for (char **e = environ; *e; e++)
		printf("env: %s\n", *e);
}

static void do_write(struct agent *a, const char *arg)
{
	size_t name = strcspn(arg, " ");
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%.*s", a->workspace, (int)name, arg);
	f = fopen(path, "we");
	if (!f || fprintf(f, "%s\n", arg[name] ? arg + name + 1 : "") < 0)
		(void)fprintf(stderr, "mock agent: %s: %s\n", path, strerror(errno));
	if (f)
		(void)fclose(f);
}

static const struct directive {
	const char *name;
	void (*run)(struct agent *a, const char *arg);
} directives[] = {
	{"sleep", do_sleep},
	{"exit", do_exit},
	{"print", do_print},
	{"stderr", do_stderr},
	{"bytes", do_bytes},
	{"oneline", do_oneline},
	{"result", do_result},
	{"fail", do_fail},
	{"no-result", do_no_result},
	{"json", do_json},
	{"callback", do_callback},
	{"alloc", do_alloc},
	{"fork", do_fork},
	{"hang", do_hang},
	{"env", do_env},
	{"write", do_write},
};

static void run_line(struct agent *a, const char *line)
{
	size_t name = strcspn(line, " ");
	const char *arg = line[name] ? line + name + 1 : "";

	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
		const struct directive *d = &directives[i];

		if (strlen(d->name) == name && memcmp(d->name, line, name) == 0) {
			d->run(a, arg);
			(void)fflush(stdout);
			return;
		}
	}
	(void)fprintf(stderr, "mock agent: unknown directive mock:%.*s\n", (int)name, line);
}

void directives_run(struct agent *a)
{
	char *rest, *line;

	/* A copy: the result may quote the prompt as it was, and mock:result points into the copy.
	 */
	a->lines = rest = strdup(a->prompt);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "mock:", 5) == 0)
			run_line(a, line + 5);
	}
}
