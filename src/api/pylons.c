/* SPDX-License-Identifier: MIT */
/*
 * api/pylons.c - the pipelines: what there is, whether it can run, and starting one by hand.
 *
 * Secrets of the configuration never appear here: only names, paths and types do.
 */
#include "api/api-internal.h"

static const char *trigger_name(enum trigger_type t)
{
	switch (t) {
	case TRIGGER_WEBHOOK:
		return "webhook";
	case TRIGGER_CRON:
		return "cron";
	case TRIGGER_MANUAL:
		return "manual";
	}
	return "unknown";
}

static const char *workspace_name(enum workspace_type w)
{
	switch (w) {
	case WORKSPACE_GIT_CLONE:
		return "git-clone";
	case WORKSPACE_GIT_WORKTREE:
		return "git-worktree";
	case WORKSPACE_LOCAL:
		return "local";
	case WORKSPACE_NONE:
		return "none";
	}
	return "unknown";
}

static struct js *trigger_json(const struct engine_pylon *p)
{
	const struct pylon_config *c = p->config;
	struct js *o = js_object();

	js_set_str(o, "type", trigger_name(c->trigger));
	js_set_str(o, "path", c->path);
	js_set_str(o, "schedule", c->schedule);
	js_set_str(o, "description", p->schedule);
	js_set_str(o, "timezone", c->timezone);
	js_set_time(o, "next_run", p->next_occurrence);
	js_set_bool(o, "signed", c->secrets.n > 0);
	return o;
}

static struct js *counts_json(const struct store_counts *n)
{
	static const enum job_state open_states[] = {
		JOB_AWAITING_APPROVAL, JOB_QUEUED, JOB_STARTING, JOB_RUNNING};
	struct js *o = js_object();

	for (size_t i = 0; i < ARRAY_LEN(open_states); i++)
		js_set_int(o, job_state_name(open_states[i]), n->jobs[open_states[i]]);
	return o;
}

static struct js *pylon_json(const struct engine_pylon *p)
{
	const struct pylon_config *c = p->config;
	struct js *o = js_object();

	js_set_str(o, "name", c->name);
	js_set_str(o, "description", c->description);
	js_set_bool(o, "enabled", !c->is_disabled);
	js_set_bool(o, "ready", p->is_ready);
	js_set_str(o, "reason", p->reason);
	js_set_str(o, "config_problem", p->config_problem);
	js_set_take(o, "trigger", trigger_json(p));
	js_set_str(o, "workspace", workspace_name(c->workspace));
	js_set_str(o, "channel", c->channel.type_name);
	js_set_str(o, "agent", c->agent_type);
	js_set_str(o, "image", c->image);
	js_set_bool(o, "approval", c->approval);
	js_set_take(o, "jobs", counts_json(&p->counts));
	return o;
}

static void add_pylon(const struct engine_pylon *p, void *ctx)
{
	js_add_take(ctx, pylon_json(p));
}

void pylons_list(struct api *a, struct http_request *req, const struct route_match *m)
{
	struct js *items = js_array();

	(void)m;
	engine_each_pylon(a->o.engine, add_pylon, items);
	api_respond_list(req, items, NULL);
}

struct wanted {
	struct slice name;
	struct js *found;
};

static void find_pylon(const struct engine_pylon *p, void *ctx)
{
	struct wanted *w = ctx;

	if (w->found == NULL && slice_eq_str(w->name, p->config->name))
		w->found = pylon_json(p);
}

void pylons_one(struct api *a, struct http_request *req, const struct route_match *m)
{
	struct wanted w = {.name = m->args[0]};

	engine_each_pylon(a->o.engine, find_pylon, &w);
	if (w.found == NULL) {
		api_refuse(req, 404, "not_found", "there is no pylon of that name");
		return;
	}
	api_respond_json(req, 200, w.found);
	js_free(w.found);
}

void pylons_trigger(struct api *a, struct http_request *req, const struct route_match *m)
{
	const struct inbound *in = http_request_inbound(req);
	CLEANUP(freep) char *name = slice_dup(m->args[0]);

	if (in->body.n > 0 && !api_is_json(in)) {
		api_refuse(req, 415, "unsupported_type", "send the body as application/json");
		return;
	}
	engine_trigger(a->o.engine, name, in->body, http_request_is_local(req) ? "manual" : "api",
		api_answered, req);
}

/* Edits the pylon's file, as a person would, and has it taken over at once. */
void pylons_enable(struct api *a, struct http_request *req, const struct route_match *m)
{
	bool enable = m->route->param != 0;
	CLEANUP(js_freep) struct js *o = NULL;
	CLEANUP(freep) char *name = slice_dup(m->args[0]);
	struct err e = CLEAN_ERR;
	int rc = engine_set_enabled(a->o.engine, name, enable, &e);

	if (rc > 0) {
		api_refuse(req, 404, "not_found", "there is no pylon of that name");
		return;
	}
	if (rc < 0) {
		api_refuse(req, 409, "invalid_config", "%.150s", e.text);
		return;
	}
	if (a->o.reload_pylons != NULL)
		a->o.reload_pylons(a->o.reload_ctx);
	o = js_object();
	js_set_str(o, "status", enable ? "enabled" : "disabled");
	api_respond_json(req, 200, o);
}
