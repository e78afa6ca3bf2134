/* SPDX-License-Identifier: MIT */
/*
 * tests/lib/scratch.c - a folder of a test's own, and work done in a child process.
 *
 * A child ends with _exit, so that cmocka and the leak checker of the parent stay out of it.
 */
#include "lib/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cmocka.h" /* quoted: it must follow the headers above */

enum {
	NOBODY = 65534,
};

struct scratch {
	char *dir;
	struct strv paths;
};

/* Memory first: a disk takes a hundred times longer for thousands of renames. */
static const char *where_to_play(void)
{
	const char *tmp = getenv("TMPDIR");

	if (!str_is_empty(tmp))
		return tmp;
	return access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
}

int scratch_setup(void **state)
{
	struct scratch *s = xcalloc(1, sizeof(*s));

	s->dir = xasprintf("%s/pylon-test-XXXXXX", where_to_play());
	if (mkdtemp(s->dir) == NULL)
		return -1;
	*state = s;
	return 0;
}

int scratch_teardown(void **state)
{
	struct scratch *s = *state;
	struct err e = CLEAN_ERR;
	int r = tree_remove(s->dir, &e);

	if (r < 0)
		print_message("%s\n", e.text);
	strv_fini(&s->paths);
	free(s->dir);
	free(s);
	return r;
}

const char *scratch_dir(const struct scratch *s)
{
	return s->dir;
}

const char *scratch_path(struct scratch *s, const char *name)
{
	strv_addf(&s->paths, "%s/%s", s->dir, name);
	return s->paths.v[s->paths.n - 1];
}

const char *scratch_file(struct scratch *s, const char *name, const char *content)
{
	const char *path = scratch_path(s, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, content, strlen(content)), 0);
	assert_int_equal(close(fd), 0);
	return path;
}

char *scratch_read(const char *path)
{
	struct buf b = BUF_NULL;
	struct err e = CLEAN_ERR;

	if (file_read(path, 1 << 24, &b, &e) < 0)
		fail_msg("%s", e.text);
	return buf_steal(&b);
}

void child_check(bool claim, const char *what)
{
	if (claim)
		return;
	(void)fprintf(stderr, "child: %s does not hold (errno %d)\n", what, errno);
	_exit(1);
}

static int fork_and_wait(void (*fn)(void *ctx), void *ctx, bool is_unprivileged)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (is_unprivileged && geteuid() == 0) {
			CHILD_CHECK(setgroups(0, NULL) == 0);
			CHILD_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0);
			CHILD_CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
		}
		fn(ctx);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

int scratch_fork(void (*fn)(void *ctx), void *ctx)
{
	return fork_and_wait(fn, ctx, false);
}

int scratch_fork_unprivileged(void (*fn)(void *ctx), void *ctx)
{
	return fork_and_wait(fn, ctx, true);
}
