/* SPDX-License-Identifier: MIT */
/*
 * The configuration read again while another one is at work.
 *
 * Three readings of config.yaml meet here: what the file says now, what was taken over last
 * (global_text), and what it said at the start (start_text). A reload of pylons stands on the
 * second; one that takes config.yaml over stands on the first, but for the keys that only a restart
 * changes, which stay as in the third (global_parse() does that). Whatever the file says now that
 * is not in force afterwards is what restart_needed names.
 *
 * Nothing of the running configuration is changed: whoever called decides what to do with the new
 * one.
 */
#include <errno.h>

#include "config/config-internal.h"

static void pass_on(struct problems *to, const struct problems *from, bool as_warnings)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct problem *p = &from->v[i];
		const struct node at = {.line = p->line, .column = p->column};
		struct report r = report_start(to, p->file);

		if (p->is_warning || as_warnings)
			report_warning(&r, &at, "%s", p->text);
		else
			report_at(&r, &at, "%s", p->text);
	}
}

/* Names every key that the file sets otherwise than it is in force. */
static void note_differences(struct strv *out, const struct form *file, const struct form *in_force)
{
	for (unsigned i = 0; i < in_force->schema->count; i++) {
		if (!form_equal(file, in_force, i))
			strv_add(out, in_force->schema->keys[i].path);
	}
}

/* What the file says now, as if the program were started with it. */
struct disk {
	struct global_file file;
	struct loading loading; /* borrows its .env from the real one */
	struct problems problems;
	bool is_fine;
};

static void disk_read(struct disk *d, const struct loading *l)
{
	d->loading = (struct loading){.home = l->home, .problems = &d->problems, .env = l->env};
	d->is_fine = global_file_read(l->home, &d->problems, &d->file) &&
		     load_global(&d->loading, &d->file, NULL);
}

static void disk_fini(struct disk *d)
{
	d->loading.env = ENV_FILE_NULL; /* not its own */
	loading_fini(&d->loading);
	global_file_fini(&d->file);
	problems_fini(&d->problems);
}

/* config.yaml as it was taken over last. */
static void set_running_file(struct global_file *f, const struct config *running)
{
	*f = (struct global_file){.name = running->global_name};
	f->path = xasprintf("%s/%s", running->home, running->global_name);
	buf_add_str(&f->text, running->global_text);
}

/* What is wrong with the text was told when it was read first, unless it cannot be used now: a
 * variable in it may be gone. */
static bool stand_on(
	struct loading *l, const struct global_file *file, const struct config *running)
{
	CLEANUP(problems_fini) struct problems problems = {NULL, 0};
	struct problems *told = l->problems;
	bool ok;

	l->problems = &problems;
	ok = load_global(l, file, running);
	l->problems = told;
	if (!ok)
		pass_on(told, &problems, false);
	return ok;
}

/* Pylons alone: a config.yaml that is broken now is only worth a warning. */
static bool stand_on_running(struct loading *l, const struct disk *d, const struct config *running)
{
	CLEANUP(global_file_fini) struct global_file file = {0};

	pass_on(l->problems, &d->problems, true);
	set_running_file(&file, running);
	return stand_on(l, &file, running);
}

static bool stand_on_disk(struct loading *l, const struct disk *d, const struct config *running)
{
	pass_on(l->problems, &d->problems, false);
	return d->is_fine && stand_on(l, &d->file, running);
}

/* The first that is no warning, as "file:line:column: text"; heap, NULL = none. */
static char *first_reason(const struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		struct buf line = BUF_NULL;

		if (problems->v[i].is_warning)
			continue;
		problem_print(&line, &problems->v[i]);
		return buf_steal(&line);
	}
	return NULL;
}

int config_reload(const struct config *running, bool take_global, struct config **ret,
	struct problems *problems, struct err *e)
{
	CLEANUP(loading_fini)
	struct loading l = {.home = running->home,
		.problems = problems,
		.had_pylons = running->pylon_count + running->broken.n > 0};
	CLEANUP(disk_fini) struct disk disk = {0};
	CLEANUP(freep) char *reason = NULL;
	bool ok = load_env(&l);

	if (ok) {
		disk_read(&disk, &l);
		ok = take_global ? stand_on_disk(&l, &disk, running)
				 : stand_on_running(&l, &disk, running);
	}
	if (!ok || load_pylons(&l) < 0) {
		reason = first_reason(problems);
		return err_set(e, -EINVAL, "the configuration cannot be used: %s",
			reason == NULL ? running->home : reason);
	}
	if (disk.is_fine)
		note_differences(&l.c->restart_needed, &disk.loading.global.form, &l.global.form);
	else
		l.c->file_problem = first_reason(&disk.problems);
	*ret = STEAL(l.c);
	return 0;
}
