/* SPDX-License-Identifier: MIT */
/*
 * prepare.c - between claim and container: image, workspace, session, run folder.
 *
 *   whom does the image run as?  ->  workspace  ->  session folder, turn  ->  /run/pylon  -> runner
 *
 * The first question is asked only where somebody wants to know: a checkout and a session folder
 * are given to that user. Each step may take long and answers through a callback that finds the run
 * by its id, for by then it may be over. Nothing has started yet, so whoever ends a run here only
 * cancels what is under way.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/rundir-internal.h"
#include "workspace/session.h"

#define REPO_MAX KIB(4)
#define REF_MAX  KIB(1)

/* Nobody: for a container that is closed off completely and whose image would run as root. */
#define CONFINED_ID   65534
#define CONFINED_USER "65534:65534"

static void end_start(struct live *v, enum job_state state, const char *reason, const char *text)
{
	struct ending d = {.run_state = RUN_LOST,
		.job_state = state,
		.exit_code = -1,
		.reason = reason,
		.error = xstrdup_or_null(text),
		.is_free = state == JOB_QUEUED};

	live_close_log(v);
	live_finish(v, &d);
}

static void start_failed(struct live *v, const char *reason, const char *text)
{
	CLEANUP(buf_fini) struct buf shown = BUF_NULL;

	mask_text(v->mask, slice_of(text), &shown);
	live_note(v, buf_str(&shown));
	end_start(v, JOB_FAILED, reason, buf_str(&shown));
}

/* True when the run is to end and was ended. */
static bool is_called_off(struct live *v)
{
	if (v->stop != STOP_NONE)
		end_start(v, JOB_CANCELLED, "killed", "it was stopped before it started");
	else if (v->is_shutdown)
		end_start(v, JOB_QUEUED, "interrupted", NULL);
	else
		return false;
	return true;
}

void live_abandon(struct live *v)
{
	struct workspace *w = v->engine->ports.workspace;

	/* Of a recovered one only the survey can tell whether it is there. */
	if (v->is_finishing || v->is_recovered || live_is_handed(v))
		return;
	if (v->step == START_WORKSPACE)
		w->ops->cancel(w, &v->job_id); /* workspace_ready() follows */
	else
		(void)is_called_off(v);
}

/* --- sessions --- */

static bool is_target_of(const char *volume, const char *target)
{
	const char *first = strchr(volume, ':');
	const char *last = strrchr(volume, ':');
	size_t n;

	must(first != NULL && last > first);
	n = (size_t)(last - first - 1);
	return strncmp(first + 1, target, n) == 0 && (target[n] == '\0' || target[n] == '/');
}

/* What the catalogue says of the agent, unless a volume of the user takes the folder's place. */
static const struct runner_agent *session_agent(const struct pylon_config *c)
{
	const struct runner_agent *a = runner_agent(c->agent_type);

	if (a == NULL || a->session_target == NULL)
		return NULL;
	for (size_t i = 0; i < c->volumes.n; i++)
		if (is_target_of(c->volumes.v[i], a->session_target))
			return NULL;
	return a;
}

/* Where the user's own Claude Code keeps its login; NULL when that is not to be used. */
static char *login_path(const struct pylon_config *c, const struct runner_agent *a)
{
	const char *dir = secure_getenv("CLAUDE_CONFIG_DIR");
	const char *home = secure_getenv("HOME");

	if (c->auth != AGENT_AUTH_OAUTH || a->login_name == NULL)
		return NULL;
	if (!str_is_empty(dir))
		return xasprintf("%s/%s", dir, a->login_name);
	return str_is_empty(home) ? NULL : xasprintf("%s/.claude/%s", home, a->login_name);
}

static bool is_confined(const struct live *v)
{
	const struct pylon_config *c = v->config;

	return c->read_only && str_eq(c->network, "none") && v->user.is_known && v->user.is_root;
}

static struct workspace_owner owner_of(const struct live *v)
{
	struct workspace_owner owner = {v->user.is_known, v->user.uid, v->user.gid};

	if (is_confined(v))
		owner.uid = owner.gid = CONFINED_ID;
	return owner;
}

static struct session_spec session_spec(
	const struct live *v, const struct runner_agent *a, const char *login)
{
	return (struct session_spec){.home = v->engine->config->home,
		.pylon = v->config->name,
		.agent = a->type,
		.owner = owner_of(v),
		.login = login,
		.login_name = a->login_name};
}

void live_restore_mask(struct live *v)
{
	const struct runner_agent *a = session_agent(v->config);
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;

	if (a != NULL) {
		CLEANUP(freep) char *login = login_path(v->config, a);
		struct session_spec spec = session_spec(v, a, login);

		session_secrets(&spec, &secrets);
	}
	live_set_mask(v, &secrets);
}

static int prepare_session(struct live *v, struct outfit *o, struct err *err)
{
	const struct pylon_config *c = v->config;
	const struct runner_agent *a = session_agent(c);
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	CLEANUP(freep) char *login = a == NULL ? NULL : login_path(c, a);
	bool has_login = false;
	struct session_spec spec;
	int rc;

	if (a == NULL)
		return 0;
	spec = session_spec(v, a, login);
	rc = session_prepare(&spec, &path, &secrets, &has_login, err);
	if (rc < 0)
		return rc;
	if (c->auth == AGENT_AUTH_OAUTH && !has_login)
		live_note(v, "there is no login to copy: sign in with `claude` on this machine, or "
			     "set agent.auth: api_key");
	live_set_mask(v, &secrets);
	o->agent = a;
	o->session = buf_steal(&path);
	return 0;
}

/* --- workspace --- */

static bool has_repo(const struct live *v)
{
	return !str_is_empty(v->repo);
}

static struct workspace_spec workspace_spec(const struct live *v)
{
	static const enum workspace_kind kinds[] = {
		[WORKSPACE_GIT_CLONE] = WORKSPACE_KIND_GIT_CLONE,
		[WORKSPACE_GIT_WORKTREE] = WORKSPACE_KIND_GIT_WORKTREE,
		[WORKSPACE_LOCAL] = WORKSPACE_KIND_LOCAL,
		[WORKSPACE_NONE] = WORKSPACE_KIND_NONE,
	};
	const struct pylon_config *c = v->config;

	return (struct workspace_spec){.kind = kinds[c->workspace],
		.job_id = v->job_id,
		.path = c->workspace_path,
		.repo = v->repo,
		.ref = v->ref,
		.is_repo_literal = c->repo != NULL && template_is_literal(c->repo),
		.owner = owner_of(v)};
}

static void workspace_progress(void *ctx, const struct id *job_id, const char *line)
{
	struct live *v = engine_live_job(ctx, job_id);

	if (v != NULL)
		live_note(v, line);
}

static int gather_outfit(struct live *v, struct outfit *o, struct err *err)
{
	struct workspace *w = v->engine->ports.workspace;
	struct workspace_spec spec = workspace_spec(v);
	int rc;

	if (has_repo(v))
		o->shared = w->ops->shared(w, &spec);
	if (is_confined(v))
		o->user = CONFINED_USER;
	rc = pylon_config_check_folders(v->config, err);
	if (rc == 0)
		rc = prepare_session(v, o, err);
	if (rc < 0)
		return rc;
	rc = store_turn(v->pylon->db, &v->job_id, &o->turn, err);
	o->has_turn = rc == 0;
	return rc == STORE_E_NOT_FOUND ? 0 : rc;
}

static void hand_to_runner(
	struct live *v, const char *folder, const struct job *j, const struct event_record *ev)
{
	struct outfit o = {.folder = folder};
	struct rundir rd = {0};
	struct err err = CLEAN_ERR;
	int rc = gather_outfit(v, &o, &err);

	if (rc == 0)
		rc = rundir_make(&rd, v, j, ev, &o, &err);
	if (rc < 0) {
		start_failed(v, rc == -ENOSPC ? "no_space" : "workspace", err.text);
	} else {
		live_close_log(v);
		v->step = START_HANDED;
		live_runner(v)->ops->start(live_runner(v), &rd.spec);
	}
	rundir_fini(&rd);
	outfit_fini(&o);
}

/* The job's row and its event; false when they cannot be read, and the start has failed. */
static bool read_cause(struct live *v, struct job *j, struct event_record *ev)
{
	struct err err = CLEAN_ERR;
	int rc = store_job(v->pylon->db, &v->job_id, j, &err);

	if (rc == 0)
		rc = store_event(v->pylon->db, &v->job_id, ev, &err);
	if (rc == 0)
		return true;
	start_failed(v, "store", rc < 0 ? err.text : "its event is missing");
	return false;
}

static void workspace_ready(void *ctx, const struct id *job_id, int rc, const char *text)
{
	struct live *v = engine_live_job(ctx, job_id);
	struct event_record ev = {0};
	struct job j = {0};

	if (v == NULL || v->is_finishing || is_called_off(v))
		return;
	if (rc < 0)
		start_failed(v, rc == -ENOSPC ? "no_space" : "workspace", text);
	else if (read_cause(v, &j, &ev))
		hand_to_runner(v, text, &j, &ev);
	event_record_fini(&ev);
	job_fini(&j);
}

static char *rendered(
	const struct template *t, const struct job *j, const struct event_record *ev, size_t max)
{
	struct buf out = BUF_NULL;

	(void)message_render(&out, t, j, ev, max);
	return buf_steal(&out);
}

/* Repository and ref of a git workspace, as this event means them. */
static bool render_repo(struct live *v)
{
	const struct pylon_config *c = v->config;
	struct event_record ev = {0};
	struct job j = {0};
	bool is_read;

	if (c->repo == NULL || v->repo != NULL)
		return true;
	is_read = read_cause(v, &j, &ev);
	if (is_read) {
		v->repo = rendered(c->repo, &j, &ev, REPO_MAX);
		v->ref = rendered(c->ref, &j, &ev, REF_MAX);
	}
	event_record_fini(&ev);
	job_fini(&j);
	return is_read;
}

static void prepare_workspace(struct live *v)
{
	struct workspace *w = v->engine->ports.workspace;
	struct workspace_spec spec;

	if (!render_repo(v))
		return;
	v->step = START_WORKSPACE;
	spec = workspace_spec(v);
	spec.progress = workspace_progress;
	w->ops->prepare(w, &spec, workspace_ready, v->engine);
}

/* --- image --- */

static bool wants_user(const struct pylon_config *c)
{
	bool is_git = c->workspace == WORKSPACE_GIT_CLONE || c->workspace == WORKSPACE_GIT_WORKTREE;

	return (is_git && c->repo != NULL) || session_agent(c) != NULL ||
	       (c->read_only && str_eq(c->network, "none"));
}

static enum runner_refusal refusal_of(int rc)
{
	if (rc == -EHOSTUNREACH)
		return RUNNER_ENGINE_DOWN;
	return rc == -ENOSPC ? RUNNER_NO_SPACE : RUNNER_NO_IMAGE;
}

void live_image_known(struct live *v, int rc, const char *text, const struct runner_user *user)
{
	if (v->step != START_IMAGE || v->is_finishing || is_called_off(v))
		return;
	if (rc < 0) {
		live_close_log(v);
		live_refused(v, refusal_of(rc), text);
		return;
	}
	v->user = *user;
	prepare_workspace(v);
}

void live_prepare(struct live *v)
{
	/* The claim was on its way to the disk when the daemon was told to stop. */
	v->is_shutdown = v->engine->is_draining;
	if (is_called_off(v))
		return;
	live_set_mask(v, NULL);
	live_begin_log(v);
	if (v->pylon->is_runtime)
		live_start_work(v);
	else if (wants_user(v->config))
		live_ask_image(v);
	else
		prepare_workspace(v);
}
