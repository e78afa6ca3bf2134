/* SPDX-License-Identifier: MIT */
/*
 * tests/workspace/test_drive.c - the room as a program, for tests that need real transports.
 *
 *	unit_workspace_drive JOBS_DIR <wishes
 *
 * Each line of standard input is a workspace to prepare, in tab-separated fields: kind (clone,
 * worktree), job id, repo, ref, "literal" or "rendered", owner's uid (or "-"), time limit in ms (0:
 * the default). All are begun at once. On standard output: "log JOB line", "done JOB rc text" and
 * "shared JOB path". Without arguments it proves only that it is there.
 */
#include <errno.h>

#include "base/limits.h"
#include "lib/t.h"
#include "workspace/workspace.h"

enum { WISHES_MAX = 64, FIELDS = 7 };

struct drive {
	struct workspace *w;
	struct workspace_spec specs[WISHES_MAX];
	char *lines[WISHES_MAX];
	size_t n, open;
};

static void on_progress(void *ctx UNUSED, const struct id *job_id, const char *line)
{
	(void)printf("log %s %s\n", job_id->s, line);
	(void)fflush(stdout);
}

static void on_done(void *ctx, const struct id *job_id, int rc, const char *text)
{
	struct drive *d = ctx;

	d->open--;
	(void)printf("done %s %d %s\n", job_id->s, rc, text);
	for (size_t i = 0; i < d->n; i++) {
		CLEANUP(freep) char *shared = NULL;

		if (!str_eq(d->specs[i].job_id.s, job_id->s))
			continue;
		shared = d->w->ops->shared(d->w, &d->specs[i]);
		if (shared != NULL)
			(void)printf("shared %s %s\n", job_id->s, shared);
	}
	(void)fflush(stdout);
}

static void read_wish(struct drive *d, char *line)
{
	struct workspace_spec *s = &d->specs[d->n];
	char *field[FIELDS];
	char *rest = line;

	for (size_t i = 0; i < FIELDS; i++) {
		field[i] = strsep(&rest, "\t\n");
		must(field[i] != NULL);
	}
	s->kind =
		str_eq(field[0], "clone") ? WORKSPACE_KIND_GIT_CLONE : WORKSPACE_KIND_GIT_WORKTREE;
	must(str_copy(s->job_id.s, sizeof(s->job_id.s), field[1]));
	s->repo = field[2];
	s->ref = field[3];
	s->is_repo_literal = str_eq(field[4], "literal");
	s->owner.is_known = !str_eq(field[5], "-");
	s->owner.uid = (uid_t)strtoul(field[5], NULL, 10);
	s->owner.gid = (gid_t)s->owner.uid;
	s->timeout_us = strtol(field[6], NULL, 10) * US_PER_MS;
	s->progress = on_progress;
	d->lines[d->n++] = line;
}

static int drive(const char *jobs_dir)
{
	static struct drive d;
	struct err e = CLEAN_ERR;
	struct loop *l = loop_new(&e);
	size_t size = 0;
	char *line = NULL;

	must(l != NULL);
	d.w = workspace_new(l, jobs_dir);
	while (d.n < WISHES_MAX && getline(&line, &size, stdin) > 0) {
		read_wish(&d, line);
		line = NULL;
		size = 0;
	}
	free(line);
	d.open = d.n;
	for (size_t i = 0; i < d.n; i++)
		d.w->ops->prepare(d.w, &d.specs[i], on_done, &d);
	while (d.open > 0)
		must(loop_turn(l, -1) >= 0);
	d.w->ops->free(d.w);
	loop_free(l);
	for (size_t i = 0; i < d.n; i++)
		free(d.lines[i]);
	return 0;
}

static void is_there(void **state UNUSED)
{
	assert_true(FIELDS > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(is_there)};

	return argc > 1 ? drive(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
