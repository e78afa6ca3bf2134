/* SPDX-License-Identifier: MIT */
/*
 * The runner port for commands of this machine: what the engine room calls, and what is due.
 *
 * Whatever the engine room asks for is done, or told, in the loop's next turn, so no callback is
 * ever made from inside a call of the port. What is due of one run is told in one turn, that its
 * beginning and its end may be one commit; a callback may free any run, so each is one step of a
 * round from which freed runs vanish by themselves.
 */
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "runner/process_internal.h"

enum {
	LAUNCHES_MAX = 8, /* a turn: each takes about half a millisecond */
};

/* A question that is answered in the next turn. */
struct ask {
	struct list node;
	void (*image)(void *ctx, int rc, const char *text, const struct runner_user *user);
	void (*each)(void *ctx, const struct runner_found *f);
	void (*listed)(void *ctx, int rc, const char *text);
	void *ctx;
};

static struct processes *processes_of(struct runner *base)
{
	return container_of(base, struct processes, base);
}

static struct process_run *find_any(struct processes *p, const struct id *run_id)
{
	list_foreach (it, &p->runs) {
		struct process_run *r = list_entry(it, struct process_run, node);

		if (str_eq(r->id.s, run_id->s))
			return r;
	}
	return NULL;
}

/* One that somebody still asks for. */
static struct process_run *find(struct processes *p, const struct id *run_id)
{
	struct process_run *r = find_any(p, run_id);

	return r == NULL || r->is_doomed ? NULL : r;
}

void process_due(struct process_run *r, unsigned what)
{
	if (what == 0)
		return;
	r->due |= what;
	list_remove(&r->due_node);
	list_append(&r->all->due, &r->due_node);
	defer_set(&r->all->settle);
}

static void on_folder(const char *folder, const char *entry, void *ctx)
{
	struct processes *p = ctx;
	struct process_run *r = NULL;
	struct id id;

	if (str_copy(id.s, sizeof(id.s), strrchr(folder, '/') + 1))
		r = find_any(p, &id);
	if (r != NULL && (*entry == '\0' || str_eq(entry, PROCESS_RECORD_FILE)))
		process_run_look(r);
}

/* --- telling --- */

static void tell_refused(struct process_run *r)
{
	struct runner_events ev = r->all->ev;
	CLEANUP(freep) char *text = STEAL(r->text);
	struct id id = r->id;
	enum runner_refusal why = r->refusal;

	/* What there was of a folder is removed; one that was there before is another's. */
	process_run_free(r);
	ev.refused(ev.ctx, &id, why, text);
}

static void tell_exited(struct process_run *r)
{
	struct runner_events ev = r->all->ev;
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	CLEANUP(freep) char *text = STEAL(r->text);
	struct runner_exit x = r->exit;
	struct id id = r->id;

	if (!x.is_gone && r->log_path != NULL) {
		process_log_stdout(r->log_path, &log);
		mask_text(r->mask, buf_slice(&log), &out);
	}
	/* What stands for a secret may be longer than it. */
	if (out.n > RESULT_FILE_MAX)
		buf_drop_front(&out, out.n - RESULT_FILE_MAX);
	x.text = text;
	x.stdout_tail = buf_str(&out);
	x.stdout_tail_n = out.n;
	ev.exited(ev.ctx, &id, &x);
}

/* The first of what is due; the run may be gone afterwards. */
static void tell(struct process_run *r)
{
	struct runner_events ev = r->all->ev;
	struct id id = r->id;
	unsigned first = r->due & -r->due;

	r->due &= ~first;
	if (r->is_doomed) {
		r->due = 0;
		if (r->phase == PHASE_OVER)
			process_run_doom(r);
	} else if (first == DUE_STARTED) {
		ev.started(ev.ctx, &id, id.s);
	} else if (first == DUE_OUTPUT) {
		ev.output(ev.ctx, &id);
	} else if (first == DUE_REFUSED) {
		tell_refused(r);
	} else if (first == DUE_EXITED) {
		tell_exited(r);
	}
}

static void tell_all(struct processes *p)
{
	struct list round = LIST_INIT(round);

	list_splice(&round, &p->due);
	while (!list_is_empty(&round)) {
		struct process_run *r = list_entry(round.next, struct process_run, due_node);
		bool has_more = (r->due & (r->due - 1)) != 0;

		list_remove(&r->due_node);
		if (has_more)
			list_prepend(&round, &r->due_node);
		tell(r);
	}
}

static void launch_some(struct processes *p)
{
	int left = LAUNCHES_MAX;

	list_foreach (it, &p->runs) {
		struct process_run *r = list_entry(it, struct process_run, node);

		if (r->phase != PHASE_QUEUED)
			continue;
		if (left-- == 0) {
			defer_set(&p->settle);
			break;
		}
		process_run_launch(r);
	}
}

/* --- surveying --- */

static void add_name(const char *name, void *ctx)
{
	if (id_is_valid(slice_of(name)))
		strv_add(ctx, name);
}

/* What became of a folder that nobody has asked about; NULL when there is nothing any more. */
static const char *look_at(struct processes *p, const char *name)
{
	static const char *const states[] = {
		[RECORD_DAMAGED] = "damaged",
		[RECORD_STARTING] = "created",
		[RECORD_RUNNING] = "running",
		[RECORD_EXITED] = "exited",
	};
	CLEANUP(freep) char *folder = xasprintf("%s/%s", p->dir, name);
	CLEANUP(process_record_fini) struct process_record x = {0};
	struct err e = CLEAN_ERR;

	if (process_record_read(folder, &x, &e) < 0)
		return "damaged";
	if (x.state != RECORD_NONE)
		return states[x.state];
	/* 0: its keeper was faster. */
	return process_folder_revoke(folder, &e) == 1 ? NULL : "created";
}

static void survey_one(struct processes *p, const char *name, const struct ask *a)
{
	struct runner_found f = {.container_id = name};
	const struct process_run *r;

	(void)str_copy(f.run_id.s, sizeof(f.run_id.s), name);
	r = find_any(p, &f.run_id);
	if (r != NULL)
		f.state = r->phase == PHASE_OVER ? "exited" : "running";
	else
		f.state = look_at(p, name);
	if (f.state != NULL)
		a->each(a->ctx, &f);
}

static void survey(struct processes *p, const struct ask *a)
{
	CLEANUP(strv_fini) struct strv names = STRV_NULL;
	struct err e = CLEAN_ERR;
	int rc = dir_each(p->dir, add_name, &names, &e);

	if (rc == -ENOENT)
		rc = 0;
	for (size_t i = 0; rc == 0 && i < names.n; i++)
		survey_one(p, names.v[i], a);
	a->listed(a->ctx, rc, e.text);
}

static void answer(struct processes *p, const struct ask *a)
{
	/* Whoever runs us is whom commands run as. */
	struct runner_user user = {
		.is_known = true, .is_root = geteuid() == 0, .uid = geteuid(), .gid = getegid()};

	if (a->image != NULL)
		a->image(a->ctx, 0, "", &user);
	else
		survey(p, a);
}

static void ask(struct processes *p, struct ask a)
{
	struct ask *copy = xcalloc_held(1, sizeof(*copy));

	*copy = a;
	list_append(&p->asks, &copy->node);
	defer_set(&p->settle);
}

static void answer_all(struct processes *p)
{
	struct list round = LIST_INIT(round);

	list_splice(&round, &p->asks);
	while (!list_is_empty(&round)) {
		struct ask *a = list_entry(round.next, struct ask, node);

		list_remove(&a->node);
		answer(p, a);
		free(a);
	}
}

static void settle(void *ctx)
{
	struct processes *p = ctx;

	if (p->is_open && !p->was_told) {
		p->was_told = true;
		p->ev.ready(p->ev.ctx, true, "processes");
	}
	launch_some(p);
	answer_all(p);
	tell_all(p);
}

/* --- the port --- */

static void op_open(struct runner *base)
{
	struct processes *p = processes_of(base);

	p->is_open = true;
	defer_set(&p->settle);
}

static bool op_is_up(const struct runner *base)
{
	return const_container_of(base, struct processes, base)->was_told;
}

static void op_ensure_image(struct runner *base, const char *image UNUSED,
	void (*done)(void *ctx, int rc, const char *text, const struct runner_user *user),
	void *ctx)
{
	ask(processes_of(base), (struct ask){.image = done, .ctx = ctx});
}

static void op_start(struct runner *base, const struct runner_spec *spec)
{
	struct processes *p = processes_of(base);
	struct process_run *r;
	struct err e = CLEAN_ERR;

	must(find_any(p, &spec->run_id) == NULL);
	r = process_run_new(p, &spec->run_id, spec->log_path, spec->mask);
	if (process_command_line(p, r->folder, spec, &r->argv, &e) < 0) {
		r->phase = PHASE_OVER;
		r->refusal = RUNNER_BAD_SPEC;
		str_replace(&r->text, e.text);
		process_due(r, DUE_REFUSED);
		return;
	}
	if (spec->env != NULL)
		strv_copy(&r->env, spec->env);
	r->phase = PHASE_QUEUED;
	defer_set(&p->settle);
}

static void op_adopt(
	struct runner *base, const struct id *run_id, const char *log_path, struct mask *mask)
{
	struct processes *p = processes_of(base);

	if (find_any(p, run_id) == NULL)
		process_run_look(process_run_new(p, run_id, log_path, mask));
}

static void op_stop(struct runner *base, const struct id *run_id, int64_t grace_us)
{
	struct process_run *r = find(processes_of(base), run_id);

	if (r != NULL)
		process_run_stop(r, grace_us);
}

static void op_note(
	struct runner *base UNUSED, const struct id *run_id UNUSED, const char *line UNUSED)
{
}

static void op_forget(struct runner *base, const struct id *run_id)
{
	struct process_run *r = find(processes_of(base), run_id);

	if (r != NULL)
		process_run_doom(r);
}

static void op_survey(struct runner *base, void (*each)(void *ctx, const struct runner_found *f),
	void (*done)(void *ctx, int rc, const char *text), void *ctx)
{
	ask(processes_of(base), (struct ask){.each = each, .listed = done, .ctx = ctx});
}

static void op_remove(struct runner *base, const char *container_id)
{
	struct processes *p = processes_of(base);
	struct process_run *r;
	struct id id;

	if (!id_is_valid(slice_of(container_id)) || !str_copy(id.s, sizeof(id.s), container_id) ||
		find_any(p, &id) != NULL)
		return;
	r = process_run_new(p, &id, NULL, NULL);
	process_run_look(r);
	process_run_doom(r);
}

static void op_free(struct runner *base)
{
	struct processes *p;

	if (base == NULL)
		return;
	p = processes_of(base);
	list_foreach_safe (it, &p->runs)
		process_run_free(list_entry(it, struct process_run, node));
	list_foreach_safe (it, &p->asks) {
		list_remove(it);
		free(list_entry(it, struct ask, node));
	}
	process_logs_fini(&p->logs);
	folder_watch_free(p->folders);
	defer_cancel(&p->settle);
	free(p->dir);
	free(p->shim);
	free(p);
}

static const struct runner_ops process_ops = {
	.open = op_open,
	.is_up = op_is_up,
	.ensure_image = op_ensure_image,
	.start = op_start,
	.adopt = op_adopt,
	.stop = op_stop,
	.note = op_note,
	.forget = op_forget,
	.survey = op_survey,
	.remove = op_remove,
	.free = op_free,
};

struct runner *runner_process_new(
	struct loop *l, const struct runner_process_config *c, const struct runner_events *ev)
{
	struct processes *p = xcalloc(1, sizeof(*p));
	struct err e = CLEAN_ERR;

	p->base.ops = &process_ops;
	p->loop = l;
	p->ev = *ev;
	p->dir = xstrdup(c->dir);
	p->shim = xstrdup(c->shim);
	p->dies_with_us = c->dies_with_us;
	process_boot_id(p->boot_id);
	list_init(&p->runs);
	list_init(&p->due);
	list_init(&p->asks);
	defer_init(&p->settle, l, settle, p);
	process_logs_init(&p->logs, l);
	if (folder_watch_new(&p->folders, l, on_folder, p, &e) < 0)
		log_warn(PROCESS_TAG, "commands are looked at now and then: %s", e.text);
	return &p->base;
}
