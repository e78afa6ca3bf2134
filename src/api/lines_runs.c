/* SPDX-License-Identifier: MIT */
/*
 * api/lines_runs.c - the request types about runs: background work by the names of the agent
 * runtime's protocol. A run is a job of background work there; jobs of pylons are not seen through
 * this door, whatever their id.
 */
#include "api/lines-internal.h"
#include "base/id.h"

#define SOURCE "socket"

/* A page of runs as long as nobody wrote whole books into them. */
#define LIST_RUNS_MAX  LIST_LIMIT_MAX
#define LIST_BYTES_MAX MIB(4)

/* --- finding one --- */

enum found {
	FOUND,
	FOUND_NOT,
	FOUND_ELSEWHERE, /* a job of a pylon */
	FOUND_REFUSED,
};

/* `id` must be whole: a program does not abbreviate. */
static enum found find(struct line_request *q, const char *id, struct job *ret)
{
	struct err e = CLEAN_ERR;
	int rc = STORE_E_NOT_FOUND;

	if (id_is_valid(slice_of(id)))
		rc = engine_find_job(q->lines->api->o.engine, id, ret, &e);
	if (rc < 0) {
		line_refuse(q, "the run cannot be read: %s", e.text);
		return FOUND_REFUSED;
	}
	if (rc > 0)
		return FOUND_NOT;
	q->about = ret->id;
	return str_eq(ret->pylon, RUNTIME_NAME) ? FOUND : FOUND_ELSEWHERE;
}

/* The run named by the request; false after having refused. */
static bool need_run(struct line_request *q, const char *label, struct job *ret)
{
	CLEANUP(freep) char *id = line_need(q, q->doc, "runId", label);
	enum found found;

	if (id == NULL)
		return false;
	found = find(q, id, ret);
	if (found == FOUND)
		return true;
	if (found != FOUND_REFUSED)
		line_refuse(q, "Run not found: %.64s", id);
	return false;
}

static void set_scanned(struct js *o, const struct line_request *q)
{
	js_set_time(o, "scannedAt", loop_real(q->lines->api->o.loop));
}

void line_runs_get(struct line_request *q)
{
	CLEANUP(job_fini) struct job j = {0};
	struct js *o;
	size_t size;

	if (!need_run(q, "runs.get runId", &j))
		return;
	o = js_object();
	set_scanned(o, q);
	js_set_take(o, "run", run_record(q->lines->api, &j, true, &size));
	line_answer(q, o);
}

/* --- the list --- */

enum {
	STATUSES = 7,
};

static const char *const status_names[STATUSES] = {
	"queued", "waiting", "running", "completed", "failed", "cancelled", "interrupted"};

struct listing {
	struct api *api;
	struct js *runs;
	size_t n, bytes, attention;
	size_t by_status[STATUSES];
	bool is_cut;
};

static void count_status(struct listing *l, const char *status)
{
	for (size_t i = 0; i < STATUSES; i++)
		l->by_status[i] += str_eq(status, status_names[i]);
	l->attention += str_eq(run_recovery_action(status), "attention");
}

static void add_run(const struct job *j, void *ctx)
{
	struct listing *l = ctx;
	size_t size;

	if (l->n == LIST_RUNS_MAX || l->bytes > LIST_BYTES_MAX) {
		l->is_cut = true;
		return;
	}
	js_add_take(l->runs, run_record(l->api, j, false, &size));
	count_status(l, execution_status(l->api, j));
	l->bytes += size;
	l->n++;
}

static struct js *summary_json(const struct listing *l)
{
	struct js *o = js_object(), *actions = js_object(), *statuses = js_object();

	js_set_int(o, "total", (int64_t)l->n);
	js_set_int(actions, "none", (int64_t)(l->n - l->attention));
	js_set_int(actions, "resume", 0);
	js_set_int(actions, "rerun", 0);
	js_set_int(actions, "attention", (int64_t)l->attention);
	js_set_int(actions, "invalid", 0);
	js_set_take(o, "recoveryActions", actions);
	for (size_t i = 0; i < STATUSES; i++)
		if (l->by_status[i] > 0)
			js_set_int(statuses, status_names[i], (int64_t)l->by_status[i]);
	js_set_take(o, "statuses", statuses);
	return o;
}

void line_runs_list(struct line_request *q)
{
	struct listing l = {.api = q->lines->api, .runs = js_array()};
	struct store_job_query query = {.state = JOB_STATES, .limit = LIST_RUNS_MAX + 1};
	struct err e = CLEAN_ERR;
	struct js *o;

	if (engine_list_jobs(l.api->o.engine, RUNTIME_NAME, &query, add_run, &l, &e) < 0) {
		js_free(l.runs);
		line_refuse(q, "the runs cannot be read: %s", e.text);
		return;
	}
	o = js_object();
	set_scanned(o, q);
	js_set_take(o, "runs", l.runs);
	js_set_take(o, "summary", summary_json(&l));
	if (l.is_cut)
		js_set_bool(o, "truncated", true);
	line_answer(q, o);
}

/* --- starting --- */

/* The engine has answered. What is wrong with the request is an error; that there is no room for it
 * now is a result. */
static void started(void *ctx, const struct answer *a)
{
	struct line_request *q = ctx;
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	bool is_accepted = a->status < 300;
	struct id id = {""};
	struct js *o;

	if (a->status == 400 || a->status == 404) {
		line_refuse(q, "%s", a->text);
		return;
	}
	o = js_object();
	js_set_bool(o, "accepted", is_accepted);
	js_set_str(o, "runId", a->job_id);
	if (q->about.s[0] != '\0')
		js_set_str(o, "sourceRunId", q->about.s);
	if (str_copy(id.s, sizeof(id.s), a->job_id) && id.s[0] != '\0') {
		engine_log_path(q->lines->api->o.engine, RUNTIME_NAME, &id, &log);
		js_set_str(o, "logPath", buf_str(&log));
	}
	if (!is_accepted)
		js_set_str(o, "reason", a->text);
	line_answer(q, o);
}

/* NULL and objects are fine; false after having refused. */
static bool check_object(struct line_request *q, const struct js *input, const char *key)
{
	const struct js *value = js_get(input, key);

	if (value == NULL || js_is_object(value))
		return true;
	line_refuse(q, "runs.startBackground %s must be an object when provided", key);
	return false;
}

static bool check_text(
	struct line_request *q, const struct js *obj, const char *key, const char *label)
{
	CLEANUP(freep) char *text = line_need(q, obj, key, label);

	return text != NULL;
}

static bool check_conversation(struct line_request *q, const struct js *input)
{
	static const char *const needed[][2] = {
		{"conversationId", "runs.startBackground callbackConversation.conversationId"},
		{"sessionFile", "runs.startBackground callbackConversation.sessionFile"},
	};
	const struct js *c = js_get(input, "callbackConversation");

	for (size_t i = 0; c != NULL && i < ARRAY_LEN(needed); i++)
		if (!check_text(q, c, needed[i][0], needed[i][1]))
			return false;
	return true;
}

/* What the engine does not look at, but clients expect to be told. */
static bool check_input(struct line_request *q, const struct js *input)
{
	static const char *const objects[] = {
		"agent", "manifestMetadata", "callbackConversation", "checkpointPayload"};
	const struct js *argv = js_get(input, "argv");
	const struct js *source = js_get(input, "source");

	if (!js_is_object(input)) {
		line_refuse(q, "runs.startBackground input must be an object");
		return false;
	}
	if (argv != NULL && !js_is_array(argv)) {
		line_refuse(q, "runs.startBackground argv must be an array when provided");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		if (!check_object(q, input, objects[i]))
			return false;
	if (js_is_object(source) &&
		!check_text(q, source, "type", "runs.startBackground source.type"))
		return false;
	return check_conversation(q, input) &&
	       check_text(q, input, "taskSlug", "runs.startBackground taskSlug") &&
	       check_text(q, input, "cwd", "runs.startBackground cwd");
}

void line_runs_start(struct line_request *q)
{
	const struct js *input = js_get(q->doc, "input");
	CLEANUP(buf_fini) struct buf body = BUF_NULL;

	if (!check_input(q, input))
		return;
	js_write(&body, input);
	engine_start_work(q->lines->api->o.engine, buf_slice(&body), SOURCE, started, q);
}

/* --- once more --- */

static bool refuse_active(struct line_request *q, const struct job *j)
{
	if (job_is_over(j->state))
		return false;
	line_refuse(q, "Run %s is still active.", j->id.s);
	return true;
}

/* As need_run(), for a run that can be asked for again. */
static bool need_replayable(struct line_request *q, const char *label, struct job *ret)
{
	CLEANUP(freep) char *id = line_need(q, q->doc, "runId", label);
	enum found found;

	if (id == NULL)
		return false;
	found = find(q, id, ret);
	if (found == FOUND)
		return !refuse_active(q, ret);
	if (found == FOUND_NOT)
		line_refuse(q, "Run not found: %.64s", id);
	else if (found == FOUND_ELSEWHERE)
		line_refuse(q, "Run %s is not a replayable background run.", id);
	return false;
}

void line_runs_rerun(struct line_request *q)
{
	CLEANUP(job_fini) struct job j = {0};

	if (need_replayable(q, "runs.rerun runId", &j))
		engine_rerun(q->lines->api->o.engine, &j.id, started, q);
}

/* What is told to a subagent that goes on; NULL after having refused. */
static char *follow_up_body(struct line_request *q, const struct job *j)
{
	struct api *a = q->lines->api;
	CLEANUP(js_freep) struct js *work = execution_work(a, j);
	const char *prompt = js_get_str(q->doc, "prompt");

	if (work == NULL)
		line_refuse(
			q, "Run %s does not contain enough launch metadata to restart.", j->id.s);
	else if (!execution_is_subagent(work))
		line_refuse(q, "Run %s does not support follow-up prompts.", j->id.s);
	else if (!execution_can_follow_up(j, work))
		line_refuse(q, "Run %s does not have a resumable session transcript.", j->id.s);
	else if (prompt == NULL || prompt[strspn(prompt, " \t\r\n\v\f")] == '\0')
		return execution_follow_up_body(work, j, EXECUTION_FOLLOW_UP_PROMPT);
	else
		return execution_follow_up_body(work, j, prompt);
	return NULL;
}

void line_runs_follow_up(struct line_request *q)
{
	CLEANUP(job_fini) struct job j = {0};
	CLEANUP(freep) char *body = NULL;

	if (!need_replayable(q, "runs.followUp runId", &j))
		return;
	body = follow_up_body(q, &j);
	if (body != NULL)
		engine_start_work(q->lines->api->o.engine, slice_of(body), SOURCE, started, q);
}

/* --- cancel --- */

/* `reason` NULL: it was. */
static void answer_cancel(struct line_request *q, const char *id, const char *reason)
{
	struct js *o = js_object();

	js_set_bool(o, "cancelled", reason == NULL);
	js_set_str(o, "runId", id);
	if (reason != NULL)
		js_set_str(o, "reason", reason);
	line_answer(q, o);
}

static void cancelled(void *ctx, const struct answer *a)
{
	struct line_request *q = ctx;
	struct id id = q->about;

	answer_cancel(q, id.s, a->status < 300 ? NULL : a->text);
}

void line_runs_cancel(struct line_request *q)
{
	CLEANUP(freep) char *id = line_need(q, q->doc, "runId", "runs.cancel runId");
	CLEANUP(job_fini) struct job j = {0};
	CLEANUP(freep) char *over = NULL;
	enum found found;

	if (id == NULL)
		return;
	found = find(q, id, &j);
	if (found == FOUND_NOT) {
		answer_cancel(q, id, "run not found");
	} else if (found == FOUND_ELSEWHERE) {
		answer_cancel(q, id, "only daemon background work can be cancelled");
	} else if (found == FOUND && job_is_over(j.state)) {
		over = xasprintf("run is already %s", execution_status(q->lines->api, &j));
		answer_cancel(q, id, over);
	} else if (found == FOUND) {
		engine_decide(q->lines->api->o.engine, ENGINE_KILL, &j.id, "local", cancelled, q);
	}
}
