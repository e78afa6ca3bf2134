/* SPDX-License-Identifier: MIT */
/*
 * Every pylon of a home, by name.
 *
 * A broken pylon never takes another one with it: its name goes into `broken`, its problems into
 * the list, and the next one is read. The exception is a path that several want: then all of them
 * are broken, because which one the sender meant is not for us to say.
 */
#include <errno.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/limits.h"
#include "config/config-internal.h"

/* A pylon that was read, on its way into the snapshot. */
struct candidate {
	struct pylon_config *p;
	int line, column;              /* of its trigger.path */
	const struct candidate *rival; /* another one with the same path; NULL = none */
};

struct candidates {
	struct candidate *v;
	size_t n;
};

static void candidates_fini(struct candidates *l)
{
	for (size_t i = 0; i < l->n; i++)
		pylon_config_unref(l->v[i].p);
	free(l->v);
}

/* --- the folder --- */

static void collect(const char *name, void *ctx)
{
	strv_add(ctx, name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct strv *names)
{
	if (names->n > 1)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
}

static int list_pylons(struct loading *l, struct strv *names)
{
	CLEANUP(freep) char *path = xasprintf("%s/pylons", l->home);
	struct report r = report_start(l->problems, path);
	struct err e = CLEAN_ERR;
	int rc = dir_each(path, collect, names, &e);

	/* A new home has none; but what runs is not switched off by a folder that is gone for a
	 * moment, or by a link that leads nowhere. */
	if (rc == -ENOENT && !l->had_pylons)
		return 0;
	if (rc < 0) {
		report_at(&r, NULL, "cannot be listed: %s", e.text);
		return rc;
	}
	sort(names);
	return 0;
}

/* --- one of them --- */

/* Of every text that it was made of. */
static void set_digest(struct pylon_config *p, const struct loading *l, struct slice text,
	const struct env_file *own)
{
	uint8_t parts[4][SHA256_SIZE];

	sha256(text.p, text.n, parts[0]);
	memcpy(parts[1], own->digest, SHA256_SIZE);
	memcpy(parts[2], l->env.digest, SHA256_SIZE);
	sha256(l->c->global_text, strlen(l->c->global_text), parts[3]);
	_Static_assert(sizeof(p->digest) == SHA256_HEX_SIZE, "the digest is SHA-256 in hex");
	sha256_hex(parts, sizeof(parts), p->digest);
}

static struct pylon_config *read_pylon(struct loading *l, const char *name, const char *path,
	struct slice text, struct form *ret_form)
{
	CLEANUP(freep) char *env_path = xasprintf("%s/pylons/%s/.env", l->home, name);
	struct env_file own = ENV_FILE_NULL;
	struct env env = {&own, &l->env, env_path};
	struct pylon_text in = {name, path, text, &env, &l->global};
	struct pylon_config *p = NULL;

	if (env_file_load(&own, env_path, false, l->problems))
		p = pylon_parse(&in, l->problems, ret_form);
	if (p)
		set_digest(p, l, text, &own);
	env_file_fini(&own);
	return p;
}

struct pylon_config *load_pylon(
	struct loading *l, const char *name, struct form *ret_form, bool *ret_absent)
{
	CLEANUP(freep) char *path = xasprintf("%s/pylons/%s/pylon.yaml", l->home, name);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct report r = report_start(l->problems, path);
	mode_t mode = 0;
	int rc = config_file_read(&r, path, YAML_MAX, &text, &mode);

	*ret_absent = rc == FILE_E_ABSENT;
	return rc == 0 ? read_pylon(l, name, path, buf_slice(&text), ret_form) : NULL;
}

static void add(struct loading *l, const char *name, struct candidates *to)
{
	CLEANUP(form_fini) struct form form = {0};
	bool is_absent;
	struct pylon_config *p = load_pylon(l, name, &form, &is_absent);
	const struct node *path;

	if (is_absent)
		return; /* no pylon, only a folder */
	if (!p) {
		strv_add(&l->c->broken, name);
		return;
	}
	path = form_node(&form, P_TRIGGER_PATH);
	to->v = xreallocarray(to->v, to->n + 1, sizeof(*to->v));
	to->v[to->n++] = (struct candidate){
		.p = p, .line = path ? path->line : 0, .column = path ? path->column : 0};
}

/* --- paths --- */

static bool has_route(const struct pylon_config *p)
{
	return p->trigger == TRIGGER_WEBHOOK && !p->is_disabled;
}

/* By path, then by name: candidates are in the order of their names. */
static int by_path(const void *a, const void *b)
{
	const struct candidate *const *x = a, *const *y = b;
	int order = strcmp((*x)->p->path, (*y)->p->path);

	if (order != 0)
		return order;
	return *x < *y ? -1 : *x > *y;
}

/* Sorted and not each against each: there may be thousands. */
static void find_rivals(struct candidates *l)
{
	CLEANUP(freep) struct candidate **sorted = NULL;
	size_t n = 0;

	if (l->n < 2)
		return;
	sorted = xcalloc(l->n, sizeof(struct candidate *));
	for (size_t i = 0; i < l->n; i++) {
		if (has_route(l->v[i].p))
			sorted[n++] = &l->v[i];
	}
	qsort(sorted, n, sizeof(struct candidate *), by_path);
	for (size_t i = 1; i < n; i++) {
		if (!str_eq(sorted[i]->p->path, sorted[i - 1]->p->path))
			continue;
		sorted[i]->rival = sorted[i - 1];
		if (!sorted[i - 1]->rival)
			sorted[i - 1]->rival = sorted[i];
	}
}

static void report_rival(struct loading *l, const struct candidate *c)
{
	struct report r = report_start(l->problems, c->p->file);

	report_problem(&r, c->line, c->column,
		"`trigger.path` %s is that of the pylon `%s`, too; change or disable one of them",
		c->p->path, c->rival->p->name);
}

static void take(struct loading *l, struct candidates *from)
{
	struct config *c = l->c;

	find_rivals(from);
	c->pylons = xcalloc_held(MAX_OF(from->n, (size_t)1), sizeof(struct pylon_config *));
	for (size_t i = 0; i < from->n; i++) {
		if (from->v[i].rival) {
			report_rival(l, &from->v[i]);
			strv_add(&c->broken, from->v[i].p->name);
		} else {
			c->pylons[c->pylon_count++] = pylon_config_ref(from->v[i].p);
		}
	}
	sort(&c->broken);
}

int load_pylons(struct loading *l)
{
	CLEANUP(strv_fini) struct strv names = STRV_NULL;
	CLEANUP(candidates_fini) struct candidates found = {NULL, 0};
	int rc = list_pylons(l, &names);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < names.n; i++)
		add(l, names.v[i], &found);
	take(l, &found);
	return 0;
}

/* --- what is wrong with one --- */

/* The file's name when it is one of this pylon's; NULL otherwise. */
static const char *file_of(const char *path, const char *name)
{
	CLEANUP(freep) char *folder = xasprintf("/pylons/%s", name);
	const char *file = strrchr(path, '/');
	size_t n = strlen(folder);

	if (!file || (size_t)(file - path) < n || memcmp(file - n, folder, n) != 0)
		return NULL;
	return file + 1;
}

void config_pylon_problem(struct buf *out, const struct problems *problems, const char *name)
{
	for (size_t i = 0; i < problems->n; i++) {
		const struct problem *p = &problems->v[i];
		const char *file = p->is_warning || !p->file ? NULL : file_of(p->file, name);

		if (!file)
			continue;
		if (!str_eq(file, "pylon.yaml"))
			buf_printf(out, "%s: ", file);
		buf_printf(out, "%d:%d: %s", p->line, p->column, p->text);
		return;
	}
}
