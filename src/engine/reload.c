/* SPDX-License-Identifier: MIT */
/*
 * reload.c - another configuration takes over while work goes on.
 *
 * The new snapshot was read and checked aside; here it is put in place within one turn of the loop,
 * so that every request meets either the old one or the new one as a whole. What was accepted
 * before keeps the configuration it was accepted under: a job's runs, texts and limits come from
 * pylon_config_of(), not from what the file says now. Only the way out follows the present
 * configuration: a message that waits for a repaired URL must find it.
 *
 *   file gone       nothing new comes in; what is alive ends in peace, then the pylon is forgotten
 *   file broken     the running configuration stays, and everybody who looks is told
 *   file changed    routes, schedules and images are made anew
 *   disabled        as if gone, but remembered: its queued jobs wait until it is enabled
 */
#include "engine/engine-internal.h"

/* --- one pylon --- */

static size_t place_of(const struct engine *e, const char *name)
{
	size_t i = 0;

	while (i < e->pylon_count && strcmp(e->pylons[i]->config->name, name) < 0)
		i++;
	return i;
}

struct pylon *engine_add_pylon(struct engine *e, struct pylon_config *c)
{
	struct pylon *p = xcalloc(1, sizeof(*p));
	size_t i = place_of(e, c->name);

	p->engine = e;
	p->dock = &e->containers;
	p->config = pylon_config_ref(c);
	list_init(&p->elders);
	list_init(&p->repetitions);
	e->pylons = xreallocarray(e->pylons, e->pylon_count + 1, sizeof(struct pylon *));
	memmove(&e->pylons[i + 1], &e->pylons[i], (e->pylon_count - i) * sizeof(struct pylon *));
	e->pylons[i] = p;
	e->pylon_count++;
	return p;
}

static struct route_config route_config_of(const struct pylon_config *c)
{
	struct route_config rc = {.path = c->path,
		.signature_header = c->signature_header,
		.secrets = &c->secrets,
		.tolerance_us = c->tolerance_us,
		.dedupe_header = c->dedupe,
		.dedupe = c->dedupe_template,
		.condition = c->condition,
		.pylon = c->name,
		.max_body = c->max_body};

	if (c->secrets.n == 0)
		return rc;
	rc.recipe = signature_recipe_from_header(c->signature_header);
	if (c->signature != NULL)
		must(signature_recipe_from_name(slice_of(c->signature), &rc.recipe));
	return rc;
}

void pylon_make_route(struct pylon *p)
{
	const struct pylon_config *c = p->config;
	struct route_config rc = route_config_of(c);
	struct err err = CLEAN_ERR;

	route_free(p->route);
	p->route = NULL;
	str_replace(&p->trigger_problem, NULL);
	if (c->trigger != TRIGGER_WEBHOOK || c->not_ready != NULL || !pylon_is_active(p))
		return;
	if (route_new(&p->route, &rc, &err) == 0)
		return;
	str_replace(&p->trigger_problem, err.text);
	log_error(TAG, "%s: %s", c->name, err.text);
}

/* Jobs of the present configuration may still be open: it is kept for them. */
static struct elder *keep_elder(struct pylon *p)
{
	struct elder *elder = xcalloc_held(1, sizeof(*elder));

	elder->config = p->config;
	elder->since = p->config_since;
	list_prepend(&p->elders, &elder->node);
	return elder;
}

static void elder_free(struct elder *elder)
{
	list_remove(&elder->node);
	pylon_config_unref(elder->config);
	free(elder);
}

void pylon_forget_elders(struct pylon *p)
{
	list_foreach_safe (it, &p->elders)
		elder_free(list_entry(it, struct elder, node));
}

/* pylon_config_of() marks what it finds. */
static void count_needs(const struct job *j, void *ctx)
{
	struct pylon *p = ctx;

	(void)pylon_config_of(p, j);
	p->last_accepted = MAX_OF(p->last_accepted, MAX_OF(j->created_at, j->queued_at));
}

/* Under constant load some job is always open; but not one of each configuration that there ever
 * was. */
static void forget_unneeded(struct pylon *p, const struct elder *newest)
{
	struct err err = CLEAN_ERR;

	if (!pylon_has_open_jobs(p) || pylon_db(p) == NULL || store_db_has_work(p->db))
		return;
	list_foreach (it, &p->elders)
		list_entry(it, struct elder, node)->is_needed = false;
	if (store_open_jobs(p->db, false, count_needs, p, &err) < 0) {
		log_warn(TAG, "%s: %s", p->config->name, err.text);
		return;
	}
	list_foreach_safe (it, &p->elders) {
		struct elder *elder = list_entry(it, struct elder, node);

		if (!elder->is_needed && elder != newest)
			elder_free(elder);
	}
}

static void replace_config(struct pylon *p, struct pylon_config *c)
{
	int64_t now = loop_real(p->engine->loop);

	forget_unneeded(p, keep_elder(p));
	p->config = pylon_config_ref(c);
	p->config_since = MAX_OF(now, MAX_OF(p->config_since, p->last_accepted)) + 1;
}

/* How much background work may run may have changed; jobs under way go on. */
static void update_runtime(struct engine *e)
{
	struct pylon *p = engine_runtime(e);
	struct pylon_config *c;

	if (p == NULL || p->config->max_concurrent == e->config->max_background)
		return;
	c = config_runtime(e->config);
	replace_config(p, c);
	pylon_config_unref(c);
}

static void take_config(struct pylon *p, struct pylon_config *c)
{
	bool is_other_image = !pylon_is_active(p) || !str_eq(p->config->image, c->image);

	p->is_gone = false;
	str_replace(&p->config_problem, NULL);
	replace_config(p, c);
	pylon_make_route(p);
	pylon_start_clockwork(p);
	if (is_other_image)
		pylon_check_image(p);
}

static void retire(struct pylon *p)
{
	p->is_gone = true;
	p->gone_mono = loop_mono(p->engine->loop);
	str_replace(&p->config_problem, NULL);
	pylon_make_route(p);
	pylon_stop_clockwork(p);
}

/* --- what is no longer needed --- */

static bool has_work(const struct pylon *p)
{
	return p->db != NULL && store_db_has_work(p->db);
}

/* A message that is to be sent keeps a pylon, too: nobody else would send it. */
static bool is_needed(const struct pylon *p)
{
	return !p->is_gone || p->active > 0 || p->in_flight > 0 || has_work(p) ||
	       (p->db != NULL && p->next_delivery != 0);
}

static void drop(struct engine *e, size_t i)
{
	struct pylon *p = e->pylons[i];

	log_info(TAG, "%s: removed", p->config->name);
	if (p->db != NULL)
		store_close(p->db);
	pylon_free(p);
	e->pylon_count--;
	memmove(&e->pylons[i], &e->pylons[i + 1], (e->pylon_count - i) * sizeof(struct pylon *));
}

void engine_forget_gone(struct engine *e)
{
	for (size_t i = e->pylon_count; i-- > 0;) {
		struct pylon *p = e->pylons[i];

		if (!pylon_has_open_jobs(p) && !has_work(p))
			pylon_forget_elders(p);
		if (!is_needed(p))
			drop(e, i);
	}
}

/* --- the whole --- */

static void note(struct engine *e, const char *name, struct slice problem)
{
	strv_addf(&e->config_notes, "%s: %.*s", name, SLICE_ARG(problem));
}

/* Its file cannot be used. A pylon that runs goes on with what it has. */
static void refuse_pylon(struct engine *e, const char *name, const struct problems *problems)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct pylon *p = engine_pylon(e, name);

	config_pylon_problem(&text, problems, name);
	note(e, name, buf_slice(&text));
	if (p == NULL || p->is_gone) {
		log_error(TAG, "%s: cannot be used: %s", name, buf_str(&text));
		return;
	}
	if (!str_eq(p->config_problem, buf_str(&text)))
		log_error(TAG, "%s: goes on with its previous configuration: %s", name,
			buf_str(&text));
	str_replace(&p->config_problem, buf_str(&text));
}

static void refuse_path(struct engine *e, const struct pylon_config *c, const char *holder)
{
	CLEANUP(freep)
	char *text =
		xasprintf("its path %s belongs to %s, whose own file is broken", c->path, holder);
	struct pylon *p = engine_pylon(e, c->name);

	note(e, c->name, slice_of(text));
	log_error(TAG, "%s: %s", c->name, text);
	if (p != NULL)
		str_replace(&p->config_problem, text);
}

/* Its path belongs to a pylon that goes on with what it had because its own file is broken now: the
 * loader cannot see that, and neither may win in silence. */
static bool is_path_held(struct engine *e, const struct config *next, const struct pylon_config *c)
{
	for (size_t i = 0; i < e->pylon_count; i++) {
		const struct pylon *p = e->pylons[i];

		if (c->trigger != TRIGGER_WEBHOOK || str_eq(p->config->name, c->name) ||
			!strv_has(&next->broken, p->config->name) || p->route == NULL ||
			!str_eq(p->config->path, c->path))
			continue;
		refuse_path(e, c, p->config->name);
		return true;
	}
	return false;
}

static void update_pylon(struct pylon *p, struct pylon_config *c)
{
	bool was_active = pylon_is_active(p);

	if (!p->is_gone && str_eq(p->config->digest, c->digest)) {
		if (p->config_problem != NULL)
			log_info(TAG, "%s: its file is as before again", c->name);
		str_replace(&p->config_problem, NULL);
		return;
	}
	take_config(p, c);
	log_info(TAG, "%s: configuration reloaded%s", c->name,
		was_active && !pylon_is_active(p)   ? ", now disabled"
		: !was_active && pylon_is_active(p) ? ", now enabled"
						    : "");
}

static void start_pylon(struct engine *e, struct pylon_config *c)
{
	struct pylon *p = engine_add_pylon(e, c);

	(void)pylon_db(p); /* which says what is wrong with it */
	pylon_make_route(p);
	pylon_start_clockwork(p);
	pylon_check_image(p);
	pylon_close_if_idle(p);
	log_info(TAG, "%s: added%s", c->name, pylon_is_active(p) ? "" : ", disabled");
}

/* A folder that was put in the place of another brings its own database along. */
static void look_for_stale(struct engine *e)
{
	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];

		p->is_stale = p->is_stale || (p->db != NULL && store_is_stale(p->db));
	}
}

void engine_reconfigure(
	struct engine *e, const struct config *next, const struct problems *problems)
{
	if (e->is_bystander) {
		e->config = next;
		update_runtime(e);
		return;
	}
	/* What was handed over in this turn belongs to the old one: its rows get their time now. */
	if (store_has_work(e->store))
		(void)store_commit(e->store, loop_mono(e->loop));
	strv_fini(&e->config_notes);
	strv_fini(&e->restart_needed);
	strv_copy(&e->restart_needed, &next->restart_needed);
	e->config = next;
	update_runtime(e);
	for (size_t i = 0; i < e->pylon_count; i++) {
		struct pylon *p = e->pylons[i];
		const char *name = p->config->name;

		if (!p->is_gone && !p->is_runtime && config_pylon(next, name) == NULL &&
			!strv_has(&next->broken, name))
			retire(p);
	}
	for (size_t i = 0; i < next->pylon_count; i++) {
		struct pylon *p = engine_pylon(e, next->pylons[i]->name);

		if (is_path_held(e, next, next->pylons[i]))
			continue;
		if (p != NULL)
			update_pylon(p, next->pylons[i]);
		else
			start_pylon(e, next->pylons[i]);
	}
	look_for_stale(e);
	for (size_t i = 0; i < next->broken.n; i++)
		refuse_pylon(e, next->broken.v[i], problems);
	engine_emit(e, "config", NULL, NULL, e->config_notes.n == 0 ? "applied" : "refused", NULL);
	engine_kick(e);
}

int engine_set_enabled(struct engine *e, const char *name, bool is_enabled, struct err *err)
{
	const struct pylon *p = engine_pylon(e, name);

	if (p == NULL || p->is_gone)
		return STORE_E_NOT_FOUND;
	return config_edit(p->config->file, "disabled", is_enabled ? "false" : "true", err);
}

void engine_note_config(struct engine *e, const char *text)
{
	if (!strv_has(&e->config_notes, text))
		strv_add(&e->config_notes, text);
}
