/* SPDX-License-Identifier: MIT */
/*
 * Running one git command: settings, time limit, what it reports, what became of it.
 *
 * An attempt may be two or three children. Which ssh the user wants is read from the user's
 * configuration (core.sshCommand) first, because the options that keep ssh from asking must be
 * added to it. And when https is refused for an address that also has an ssh form, that is tried.
 * Before it the disk is looked at, and while it runs: git is stopped before the disk is full.
 *
 * Standard error is cut into lines; a line that ends in "\r" only counts ("Receiving objects: 37%")
 * and is told now and then. All that is kept or told goes through mask(), because a server may
 * send back what it was sent.
 */
#include <signal.h>
#include <stdio.h>

#include "loop/child.h"
#include "workspace/git_internal.h"

struct git {
	struct loop *loop;
	struct strv user; /* environment */
};

enum phase {
	PHASE_SSH_COMMAND,
	PHASE_GIT,
};

struct git_task {
	struct git *git;
	struct git_command c;
	struct strv args; /* a copy */
	char *input, *dir, *tree;
	enum phase phase;
	struct child *child;
	struct defer failed; /* nothing could be started at all */
	struct timer space;  /* looks at what is left of the disk */
	bool is_out_of_space;
	char *ssh;
	struct buf out, tail, line;
	int64_t counted_mono; /* when a line that only counts was told last */
	bool was_return;      /* the last character was "\r" */
	unsigned lines;       /* told so far */
	char *first_refusal;  /* of https, before ssh was tried */
};

struct git *git_new(struct loop *l)
{
	struct git *g = xcalloc(1, sizeof(*g));

	g->loop = l;
	git_env_user(&g->user);
	return g;
}

void git_free(struct git *g)
{
	if (g == NULL)
		return;
	strv_fini(&g->user);
	free(g);
}

void git_task_free(struct git_task *t)
{
	if (t == NULL)
		return;
	child_free(t->child);
	defer_cancel(&t->failed);
	timer_cancel(&t->space);
	strv_fini(&t->args);
	buf_fini(&t->out);
	buf_fini(&t->tail);
	buf_fini(&t->line);
	free(t->input);
	free(t->dir);
	free(t->tree);
	free(t->ssh);
	free(t->first_refusal);
	free(t);
}

/* --- what it says --- */

static void mask(const struct git_task *t, struct buf *b)
{
	const struct strv none = STRV_NULL;
	const struct strv *secrets = t->c.repo == NULL ? &none : &t->c.repo->secrets;

	for (size_t i = 0; i < secrets->n; i++) {
		const char *secret = secrets->v[i];
		CLEANUP(buf_fini) struct buf masked = BUF_NULL;
		const char *from = buf_str(b);
		const char *hit;

		while ((hit = strstr(from, secret)) != NULL) {
			buf_add(&masked, from, (size_t)(hit - from));
			buf_add_str(&masked, "***");
			from = hit + strlen(secret);
		}
		buf_add_str(&masked, from);
		buf_clear(b);
		buf_add(b, buf_str(&masked), masked.n);
	}
}

static void keep_tail(struct git_task *t, const char *line)
{
	buf_printf(&t->tail, "%s\n", line);
	if (t->tail.n > GIT_TAIL_MAX)
		buf_drop_front(&t->tail, t->tail.n - GIT_TAIL_MAX);
}

static void tell_line(struct git_task *t, bool only_counts)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;
	int64_t now = loop_mono(t->git->loop);

	while (t->line.n > 0 && t->line.p[t->line.n - 1] == ' ')
		t->line.p[--t->line.n] = '\0';
	utf8_clean(&clean, buf_str(&t->line), t->line.n);
	buf_clear(&t->line);
	mask(t, &clean);
	if (clean.n == 0 || t->phase != PHASE_GIT)
		return;
	if (only_counts) {
		if (now - t->counted_mono < GIT_PROGRESS_US)
			return;
		t->counted_mono = now;
	} else {
		keep_tail(t, buf_str(&clean));
	}
	if (t->c.on_line != NULL && t->lines++ < GIT_LINES_MAX)
		t->c.on_line(t->c.ctx, buf_str(&clean));
}

static void on_output(void *ctx, enum child_stream stream, const char *p, size_t n)
{
	struct git_task *t = ctx;

	if (stream == CHILD_STDOUT) {
		buf_add(&t->out, p, MIN_OF(n, GIT_OUTPUT_MAX - t->out.n));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		/* ssh ends its lines in "\r\n". */
		if (t->was_return && p[i] != '\n')
			tell_line(t, true);
		t->was_return = p[i] == '\r';
		if (p[i] == '\n')
			tell_line(t, false);
		else if (!t->was_return && t->line.n < GIT_LINE_MAX && p[i] != '\0')
			buf_add_char(&t->line, p[i]);
	}
}

/* --- its end --- */

static void finish(struct git_task *t, enum git_trouble trouble)
{
	const char *url = t->c.repo == NULL ? NULL : repo_url(t->c.repo);
	CLEANUP(freep) char *last = NULL;
	CLEANUP(freep) char *text = NULL;
	struct git_end end = {.trouble = trouble};

	if (trouble != GIT_FINE)
		last = git_trouble_text(trouble, url, buf_str(&t->tail));
	if (trouble != GIT_FINE && t->first_refusal != NULL)
		text = xasprintf("%s. By ssh: %s", t->first_refusal, last);
	end.text = text != NULL ? text : last != NULL ? last : "";
	end.log = buf_str(&t->tail);
	end.out = buf_slice(&t->out);
	t->c.done(t->c.ctx, &end);
}

static enum git_trouble find_trouble(const struct git_task *t, const struct child_end *end)
{
	if (end->how == CHILD_NOT_STARTED)
		return GIT_NOT_STARTED;
	if (end->is_timed_out)
		return GIT_TIMED_OUT;
	if (end->how == CHILD_EXITED && end->code == 0)
		return GIT_FINE;
	if (t->is_out_of_space)
		return GIT_NO_SPACE;
	if (end->how == CHILD_SIGNALLED && end->code == SIGXFSZ)
		return GIT_TOO_LARGE;
	return git_trouble_find(buf_str(&t->tail));
}

static bool should_try_ssh(const struct git_task *t, enum git_trouble trouble)
{
	const struct repo *r = t->c.repo;

	return r != NULL && r->ssh_url != NULL && !r->uses_ssh_url &&
	       (trouble == GIT_REFUSED || trouble == GIT_NO_REPO);
}

static void start(struct git_task *t);

static void try_ssh(struct git_task *t, enum git_trouble trouble)
{
	struct repo *r = t->c.repo;
	CLEANUP(freep) char *line = xasprintf("%s: refused; trying %s", r->url, r->ssh_url);

	t->first_refusal = git_trouble_text(trouble, r->url, buf_str(&t->tail));
	r->uses_ssh_url = true;
	buf_clear(&t->tail);
	buf_clear(&t->out);
	if (t->c.on_line != NULL)
		t->c.on_line(t->c.ctx, line);
	start(t);
}

static void on_end(void *ctx, const struct child_end *end)
{
	struct git_task *t = ctx;
	enum git_trouble trouble;

	child_freep(&t->child);
	timer_cancel(&t->space);
	if (t->phase == PHASE_SSH_COMMAND) {
		struct slice command = slice_trim(
			(struct slice){buf_str(&t->out), strcspn(buf_str(&t->out), "\n")});
		CLEANUP(freep) char *own = command.n > 0 ? slice_dup(command) : NULL;

		t->ssh = git_ssh_command(own);
		buf_clear(&t->out);
		buf_clear(&t->line);
		start(t);
		return;
	}
	if (t->line.n > 0)
		tell_line(t, false);
	if (end->how == CHILD_NOT_STARTED)
		keep_tail(t, strerror(end->code));
	trouble = find_trouble(t, end);
	if (should_try_ssh(t, trouble)) {
		try_ssh(t, trouble);
		return;
	}
	finish(t, trouble);
	git_task_free(t);
}

/* --- what is left of the disk --- */

static bool is_out_of_space(struct git_task *t)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	if (t->phase != PHASE_GIT || t->dir == NULL || !git_space_is_low(t->dir, &text))
		return false;
	keep_tail(t, buf_str(&text));
	t->is_out_of_space = true;
	return true;
}

static void on_space(struct timer *timer UNUSED, void *ctx)
{
	struct git_task *t = ctx;

	if (is_out_of_space(t))
		child_stop(t->child);
	else
		timer_set_in(&t->space, GIT_FREE_LOOK_US);
}

/* --- its start --- */

static void on_failed(void *ctx)
{
	struct git_task *t = ctx;

	finish(t, t->is_out_of_space ? GIT_NO_SPACE : GIT_NOT_STARTED);
	git_task_free(t);
}

static void make_args(const struct git_task *t, struct strv *ret)
{
	strv_add(ret, "git");
	if (t->phase == PHASE_SSH_COMMAND) {
		strv_add(ret, "config");
		strv_add(ret, "--global");
		strv_add(ret, "--includes");
		strv_add(ret, "--get");
		strv_add(ret, "core.sshCommand");
		return;
	}
	if (t->dir != NULL)
		strv_addf(ret, "--git-dir=%s", t->dir);
	if (t->tree != NULL)
		strv_addf(ret, "--work-tree=%s", t->tree);
	for (size_t i = 0; i < t->args.n; i++)
		strv_add(ret, t->args.v[i]);
}

/* insteadOf may turn https into ssh, so ssh is made ready for both. */
static enum phase next_phase(struct git_task *t)
{
	const struct repo *r = t->c.repo;
	CLEANUP(freep) char *own = NULL;

	if (r == NULL || r->transport == REPO_LOCAL || t->ssh != NULL)
		return PHASE_GIT;
	own = git_env_ssh(&t->git->user);
	if (own == NULL)
		return PHASE_SSH_COMMAND;
	t->ssh = git_ssh_command(own);
	return PHASE_GIT;
}

static void start(struct git_task *t)
{
	CLEANUP(strv_fini) struct strv args = STRV_NULL;
	CLEANUP(strv_fini) struct strv env = STRV_NULL;
	struct err e = CLEAN_ERR;
	struct child_spec s = {
		.input = t->input == NULL ? SLICE_NULL : (struct slice){t->input, t->c.input.n},
		/* A container's user must be able to read what is made; the folders above are ours.
		 */
		.mask = 022,
		.niceness = 5,
		.dies_with_us = true,
		.max_file_bytes = GIT_FILE_MAX,
		.max_memory_bytes = GIT_MEMORY_MAX,
		.timeout_us = t->c.timeout_us > 0 ? t->c.timeout_us : GIT_TIMEOUT_US,
		.grace_us = GIT_GRACE_US,
		.on_output = on_output,
		.on_end = on_end,
		.ctx = t,
	};

	t->phase = next_phase(t);
	make_args(t, &args);
	git_env(&env, &t->git->user, &t->c, t->ssh);
	s.argv = args.v;
	s.env = env.v;
	if (is_out_of_space(t)) {
		defer_set(&t->failed);
	} else if (child_start(&t->child, t->git->loop, &s, &e) < 0) {
		keep_tail(t, e.text);
		defer_set(&t->failed);
	} else {
		timer_set_in(&t->space, GIT_FREE_LOOK_US);
	}
}

struct git_task *git_run(struct git *g, const struct git_command *c)
{
	struct git_task *t = xcalloc_held(1, sizeof(*t));

	t->git = g;
	t->c = *c;
	strv_copy(&t->args, &c->args);
	t->dir = xstrdup_or_null(c->dir);
	t->tree = xstrdup_or_null(c->tree);
	if (c->input.p != NULL)
		t->input = slice_dup(c->input);
	t->counted_mono = loop_mono(g->loop);
	defer_init(&t->failed, g->loop, on_failed, t);
	timer_init(&t->space, g->loop, on_space, t);
	start(t);
	return t;
}
