/* SPDX-License-Identifier: MIT */
/*
 * From the form of a pylon.yaml, and what config.yaml says where it is silent, to one pylon; with
 * everything that no single key can tell.
 *
 * Two kinds of "cannot run": a problem means that the file is wrong and the pylon is broken;
 * "not ready" means that the file is right and this version cannot do it yet. Where old files are
 * silent the answer is the one they were written for: no workspace type is git-clone, and a
 * checkout without a repository is an empty folder.
 */
#include <errno.h>

#include "base/id.h"
#include "config/pylon-internal.h"
#include "model/model.h"

#define NAME_RULE "1-63 of a-z 0-9 . _ - and begins with a letter or digit"

void pylon_not_ready(struct build *b, const char *fmt, ...)
{
	va_list ap;

	if (b->not_ready->n > 0)
		buf_add_str(b->not_ready, "; ");
	va_start(ap, fmt);
	buf_vprintf(b->not_ready, fmt, ap);
	va_end(ap);
}

/* --- name --- */

static void build_name(struct build *b, const char *folder)
{
	const char *name = text_of(b, P_NAME);
	CLEANUP(freep) char *quoted = name ? report_quote(name) : NULL;

	if (!name_is_valid(slice_of(folder))) {
		report_at(b->r, node_of(b, P_NAME),
			"a pylon's name is " NAME_RULE "; rename its folder");
	} else if (!name) {
		if (!node_of(b, P_NAME))
			report_at(b->r, NULL, "`name` is required; add: name: %s", folder);
	} else if (!name_is_valid(slice_of(name))) {
		report_at(b->r, node_of(b, P_NAME),
			"`name` is `%s`, but a pylon's name is " NAME_RULE, quoted);
	} else if (!str_eq(name, folder)) {
		/* Old files may: theirs was never compared with the folder. */
		report_warning(b->r, node_of(b, P_NAME),
			"`name` is `%s`, but the folder is `%s`, and that is what counts", quoted,
			folder);
	}
	b->p->name = xstrdup_or_null(folder);
	b->p->description = xstrdup_or_null(text_of(b, P_DESCRIPTION));
	b->p->is_disabled = form_number(b->f, P_DISABLED) != 0;
	b->p->created_real = form_number(b->f, P_CREATED);
}

/* --- workspace --- */

static void build_local(struct build *b)
{
	const char *path = text_of(b, P_WORKSPACE_PATH);
	struct err e = CLEAN_ERR;

	b->p->workspace = WORKSPACE_LOCAL;
	if (!path) {
		report_at(b->r, node_of(b, P_WORKSPACE_TYPE),
			"`workspace.path` is required for a `local` workspace");
		return;
	}
	b->p->workspace_path = volume_source(&b->g->rules, path, &e);
	if (!b->p->workspace_path)
		report_at(b->r, node_of(b, P_WORKSPACE_PATH), "`workspace.path` %s", e.text);
}

static void build_workspace(struct build *b)
{
	const char *repo = text_of(b, P_WORKSPACE_REPO);
	bool has_repo = repo && !text_is_blank(slice_of(repo));

	b->p->workspace = WORKSPACE_NONE;
	if (has_word(b, P_WORKSPACE_TYPE, "local"))
		build_local(b);
	if (!has_repo || has_word(b, P_WORKSPACE_TYPE, "none") ||
		has_word(b, P_WORKSPACE_TYPE, "local"))
		return;
	b->p->workspace = has_word(b, P_WORKSPACE_TYPE, "git-clone") ? WORKSPACE_GIT_CLONE
								     : WORKSPACE_GIT_WORKTREE;
	b->p->repo = STEAL(b->f->values[P_WORKSPACE_REPO].template);
	b->p->ref = STEAL(b->f->values[P_WORKSPACE_REF].template);
}

/* --- channel --- */

static void build_on(struct build *b)
{
	const struct value *on = &b->f->values[P_CHANNEL_ON];

	for (size_t i = 0; i < on->list.n; i++) {
		enum job_state state;

		if (job_state_from_name(on->list.v[i], &state) && job_is_over(state)) {
			strv_add(&b->p->on, on->list.v[i]);
			continue;
		}
		report_at(b->r, on->node->items[i].value,
			"`channel.on` may have completed, failed, timed_out, cancelled, lost, dismissed, "
			"expired and rejected in it");
	}
}

static void warn_unused_channel(struct build *b)
{
	for (unsigned i = P_CHANNEL + CH_TYPE + 1; i <= P_CHANNEL_END; i++) {
		if (node_of(b, i)) {
			report_warning(b->r, node_of(b, i),
				"`%s` does nothing without `channel.type`",
				b->f->schema->keys[i].path);
			return;
		}
	}
}

static void build_channel(struct build *b)
{
	CLEANUP(buf_fini) struct buf why = BUF_NULL;

	if (text_of(b, P_CHANNEL + CH_TYPE)) {
		channel_build(&b->p->channel, b->f, P_CHANNEL, &why);
	} else {
		channel_copy(&b->p->channel, &b->g->channel);
		if (b->g->channel_not_ready)
			buf_add_str(&why, b->g->channel_not_ready);
		if (!node_of(b, P_CHANNEL + CH_TYPE))
			warn_unused_channel(b);
	}
	if (why.n > 0)
		pylon_not_ready(b, "%s", buf_str(&why));
	b->p->topic = STEAL(b->f->values[P_CHANNEL_TOPIC].template);
	b->p->message = STEAL(b->f->values[P_CHANNEL_MESSAGE].template);
	b->p->approval = form_number(b->f, P_CHANNEL_APPROVAL) != 0;
	b->p->approval_timeout_us = form_number(b->f, P_CHANNEL_APPROVAL_TIMEOUT);
	build_on(b);
}

/* --- limits and volumes --- */

static void build_limits(struct build *b)
{
	const struct form *f = b->f;

	b->p->timeout_us = node_of(b, P_AGENT_TIMEOUT)
				   ? form_number(f, P_AGENT_TIMEOUT)
				   : form_number(&b->g->form, G_DOCKER_DEFAULT_TIMEOUT);
	b->p->max_concurrent = (int)form_number(f, P_AGENT_MAX_CONCURRENT);
	b->p->retries = (int)form_number(f, P_AGENT_RETRIES);
	b->p->retry_backoff_us = form_number(f, P_AGENT_RETRY_BACKOFF);
	b->p->memory = (uint64_t)form_number(f, P_AGENT_MEMORY);
	b->p->cpus = f->values[P_AGENT_CPUS].real;
	b->p->pids = (int)form_number(f, P_AGENT_PIDS);
	b->p->network = xstrdup_or_null(form_text(f, P_AGENT_NETWORK));
	b->p->read_only = form_number(f, P_AGENT_READ_ONLY) != 0;
}

/* True when an earlier volume has the same target. */
static bool is_target_taken(const struct strv *volumes, const char *volume)
{
	const char *target = volume + strcspn(volume, ":");
	size_t n;

	if (*target == '\0')
		return false;
	n = strcspn(target + 1, ":") + 2;
	for (size_t i = 0; i < volumes->n; i++) {
		const char *other = volumes->v[i] + strcspn(volumes->v[i], ":");

		if (strncmp(other, target, n) == 0)
			return true;
	}
	return false;
}

static void build_volumes(struct build *b)
{
	const struct value *list = &b->f->values[P_AGENT_VOLUMES];

	for (size_t i = 0; i < list->list.n; i++) {
		CLEANUP(buf_fini) struct buf volume = BUF_NULL;
		CLEANUP(freep) char *quoted = report_quote(list->list.v[i]);
		const struct node *at = list->node->items[i].value;
		struct err e = CLEAN_ERR;

		if (volume_check(&b->g->rules, list->list.v[i], &volume, &e) < 0)
			report_at(b->r, at, "volume `%s`: %s", quoted, e.text);
		else if (is_target_taken(&b->p->volumes, buf_str(&volume)))
			report_at(b->r, at, "volume `%s`: another volume has this target", quoted);
		else
			strv_take(&b->p->volumes, buf_steal(&volume));
	}
}

/* --- the whole --- */

static void build(struct build *b, const char *folder)
{
	build_name(b, folder);
	pylon_build_trigger(b);
	build_workspace(b);
	build_channel(b);
	pylon_build_agent(b);
	build_limits(b);
	build_volumes(b);
	pylon_build_secrets(b);
	if (b->not_ready->n > 0)
		b->p->not_ready = buf_steal(b->not_ready);
}

struct pylon_config *pylon_parse(
	const struct pylon_text *in, struct problems *problems, struct form *ret_form)
{
	/* Freed by hand: GCC's analyzer loses track of what hangs on a CLEANUP variable. */
	struct pylon_config *p = xcalloc(1, sizeof(*p));
	struct report r = report_start(problems, in->file);
	struct buf not_ready = BUF_NULL;
	struct build b = {p, ret_form, in->global, &r, &not_ready};

	*ret_form = (struct form){0};
	p->refs = 1;
	p->file = xstrdup(in->file);
	if (text_is_blank(in->text))
		report_at(&r, NULL, "is empty; it needs at least: name: %s", in->name);
	else if (form_read(ret_form, &schema_pylon, &r, in->env, in->text))
		build(&b, in->name);
	ret_form->report = NULL; /* both end with this function */
	ret_form->env = NULL;
	report_finish(&r);
	if (!r.is_fatal)
		return p;
	pylon_config_unref(p);
	return NULL;
}

/* --- ownership --- */

struct pylon_config *pylon_config_ref(struct pylon_config *p)
{
	must(p->refs > 0);
	p->refs++;
	return p;
}

static void pylon_config_free(struct pylon_config *p)
{
	free(p->name);
	free(p->file);
	free(p->description);
	free(p->not_ready);
	free(p->path);
	free(p->schedule);
	free(p->timezone);
	template_free(p->condition);
	template_free(p->dedupe_template);
	strv_fini(&p->secrets);
	free(p->signature);
	free(p->signature_header);
	free(p->dedupe);
	free(p->public_url);
	free(p->workspace_path);
	template_free(p->repo);
	template_free(p->ref);
	channel_config_fini(&p->channel);
	template_free(p->topic);
	template_free(p->message);
	strv_fini(&p->on);
	free(p->agent_type);
	free(p->image);
	strv_fini(&p->command);
	strv_fini(&p->env);
	template_free(p->prompt);
	free(p->network);
	strv_fini(&p->volumes);
	strv_fini(&p->secrets_known);
	free(p);
}

void pylon_config_unref(struct pylon_config *p)
{
	if (!p)
		return;
	must(p->refs > 0);
	if (--p->refs == 0)
		pylon_config_free(p);
}
