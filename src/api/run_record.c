/* SPDX-License-Identifier: MIT */
/*
 * api/run_record.c - a job of background work as the agent runtime's protocol has it: a run with a
 * manifest (what was asked for), a status, a checkpoint and, at the end, a result.
 *
 * There these are files and rows that are written one after the other; here they are four views of
 * one job and its event, made when somebody asks. So the paths of a run name files of which only
 * the log exists.
 */
#include "api/lines-internal.h"

static const char *const nothing[] = {NULL};

/* Sets to[key] to a copy of value; nothing when there is none. */
static void copy_json(struct js *to, const char *key, const struct js *value)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	if (value == NULL)
		return;
	js_write(&text, value);
	js_set_json(to, key, buf_str(&text));
}

static const struct js *agent_of(const struct js *work)
{
	return js_get(work, "agent");
}

const char *run_recovery_action(const char *status)
{
	/* What is not over is looked after by the daemon itself. */
	return str_eq(status, "interrupted") ? "attention" : "none";
}

/* --- paths --- */

/* Cuts the last name off. */
static void go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash != NULL)
		*slash = '\0';
}

static struct js *paths_json(struct api *a, const struct job *j)
{
	static const char *const files[][2] = {{"manifestPath", "manifest.json"},
		{"statusPath", "status.json"}, {"checkpointPath", "checkpoint.json"},
		{"eventsPath", "events.jsonl"}, {"resultPath", "result.json"}};
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	CLEANUP(freep) char *dir = NULL;
	CLEANUP(freep) char *root = NULL;
	struct js *o = js_object();

	engine_log_path(a->o.engine, RUNTIME_NAME, &j->id, &log);
	dir = xstrdup(buf_str(&log)); /* <dir>/logs/<id>.log */
	go_up(dir);
	go_up(dir);
	root = xasprintf("%s/runs/%s", dir, j->id.s);
	js_set_str(o, "root", root);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEANUP(freep) char *path = xasprintf("%s/%s", root, files[i][1]);

		js_set_str(o, files[i][0], path);
	}
	js_set_str(o, "outputLogPath", buf_str(&log));
	return o;
}

/* --- manifest --- */

static struct js *target_json(const struct js *work, bool is_whole)
{
	CLEANUP(buf_fini) struct buf command = BUF_NULL;
	const struct js *agent = agent_of(work);
	struct js *o = js_object();

	if (execution_is_subagent(work)) {
		js_set_str(o, "type", "agent");
		(void)cut_text_json(o, "prompt", js_get_str(agent, "prompt"), is_whole);
		copy_json(o, "model", js_get(agent, "model"));
		copy_json(o, "noSession", js_get(agent, "noSession"));
		return o;
	}
	execution_command(&command, work);
	js_set_str(o, "type", "shell");
	(void)cut_text_json(o, "command", buf_str(&command), is_whole);
	js_set_str(o, "cwd", js_get_str(work, "cwd"));
	if (is_whole)
		copy_json(o, "argv", js_get(work, "argv"));
	return o;
}

static struct js *callback_json(void)
{
	struct js *o = js_object();

	js_set_str(o, "alertLevel", "passive");
	js_set_bool(o, "autoResumeIfOpen", true);
	js_set_bool(o, "requireAck", false);
	return o;
}

static struct js *metadata_json(const struct js *work, bool is_whole)
{
	struct js *o = js_object();

	copy_json(o, "taskSlug", js_get(work, "taskSlug"));
	copy_json(o, "cwd", js_get(work, "cwd"));
	if (!is_whole)
		return o;
	copy_members_json(o, js_get(work, "manifestMetadata"), nothing);
	copy_members_json(o, js_get(work, "checkpointPayload"), nothing);
	copy_json(o, "callbackConversation", js_get(work, "callbackConversation"));
	copy_json(o, "followUpOfRunId", js_get(work, "followUpOfRunId"));
	return o;
}

static struct js *manifest_json(const struct job *j, const struct js *work, bool is_whole)
{
	struct js *o = js_object(), *spec = js_object();

	js_set_int(o, "version", 1);
	js_set_str(o, "id", j->id.s);
	js_set_str(o, "kind", execution_is_subagent(work) ? "background-run" : "raw-shell");
	js_set_str(o, "resumePolicy", "manual");
	js_set_time(o, "createdAt", j->created_at);
	js_set_take(spec, "target", target_json(work, is_whole));
	js_set_take(spec, "callback", callback_json());
	js_set_take(spec, "metadata", metadata_json(work, is_whole));
	js_set_take(o, "spec", spec);
	if (js_is_object(js_get(work, "source")))
		copy_json(o, "source", js_get(work, "source"));
	return o;
}

/* --- status and checkpoint --- */

static int64_t updated_at(const struct job *j)
{
	int64_t at = MAX_OF(j->created_at, j->queued_at);

	return MAX_OF(at, MAX_OF(j->started_at, j->finished_at));
}

/* The step of its life that it has taken last. */
static const char *step_of(const char *status)
{
	if (str_eq(status, "running"))
		return "spawned";
	return str_eq(status, "waiting") ? "queued" : status;
}

/* Why it did not end well; nothing when it did, or is not over. */
static void add_error(struct buf *out, const struct job *j)
{
	if (!job_is_over(j->state) || j->state == JOB_COMPLETED)
		return;
	if (!str_is_empty(j->error))
		buf_add_str(out, j->error);
	else if (j->state == JOB_FAILED && j->exit_code >= 0)
		buf_printf(out, "Command exited with code %d", j->exit_code);
	else
		buf_add_str(out, str_is_empty(j->reason) ? job_state_name(j->state) : j->reason);
}

static struct js *status_json(const struct job *j, const char *status, const char *error)
{
	struct js *o = js_object();

	js_set_int(o, "version", 1);
	js_set_str(o, "runId", j->id.s);
	js_set_str(o, "status", status);
	js_set_time(o, "createdAt", j->created_at);
	js_set_time(o, "updatedAt", updated_at(j));
	js_set_int(o, "activeAttempt", j->attempt);
	if (j->started_at > 0)
		js_set_time(o, "startedAt", j->started_at);
	if (job_is_over(j->state))
		js_set_time(o, "completedAt", j->finished_at);
	js_set_str(o, "checkpointKey", step_of(status));
	if (error[0] != '\0')
		js_set_str(o, "lastError", error);
	return o;
}

static struct js *checkpoint_json(
	const struct job *j, const struct js *work, const char *status, bool is_whole)
{
	struct js *o = js_object(), *payload = js_object();

	js_set_int(o, "version", 1);
	js_set_str(o, "runId", j->id.s);
	js_set_time(o, "updatedAt", updated_at(j));
	js_set_str(o, "step", step_of(status));
	copy_json(payload, "taskSlug", js_get(work, "taskSlug"));
	copy_json(payload, "cwd", js_get(work, "cwd"));
	if (is_whole)
		copy_members_json(payload, js_get(work, "checkpointPayload"), nothing);
	js_set_take(o, "payload", payload);
	return o;
}

/* --- result --- */

static void add_summary(struct buf *out, const struct job *j, const char *error)
{
	if (!str_is_empty(j->result))
		buf_add_str(out, j->result);
	else if (j->state == JOB_CANCELLED)
		buf_add_str(out, "Run cancelled.");
	else if (error[0] != '\0')
		buf_add_str(out, error);
	else
		buf_add_str(out, "Run completed successfully.");
}

static struct js *result_json(
	const struct job *j, const struct js *work, const char *error, bool is_whole)
{
	CLEANUP(buf_fini) struct buf summary = BUF_NULL;
	struct js *o = js_object();

	add_summary(&summary, j, error);
	js_set_int(o, "version", 1);
	js_set_str(o, "runId", j->id.s);
	copy_json(o, "taskSlug", js_get(work, "taskSlug"));
	copy_json(o, "cwd", js_get(work, "cwd"));
	js_set_time(o, "startedAt", j->started_at);
	js_set_time(o, "endedAt", j->finished_at);
	if (j->exit_code < 0)
		js_set_null(o, "exitCode");
	else
		js_set_int(o, "exitCode", j->exit_code);
	js_set_null(o, "signal");
	js_set_bool(o, "cancelled", j->state == JOB_CANCELLED);
	js_set_bool(o, "success", j->state == JOB_COMPLETED);
	(void)cut_text_json(o, "summary", buf_str(&summary), is_whole);
	if (error[0] != '\0')
		(void)cut_text_json(o, "error", error, is_whole);
	js_set_str(o, "sessionId", j->session_id);
	spent_json(o, j->cost_usd, &j->usage);
	return o;
}

/* --- all of it --- */

struct js *run_record(struct api *a, const struct job *j, bool is_whole, size_t *ret_size)
{
	CLEANUP(js_freep) struct js *work = execution_work(a, j);
	CLEANUP(buf_fini) struct buf error = BUF_NULL;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	const char *status = execution_status(a, j);
	struct js *o = js_object(), *problems = js_array();

	add_error(&error, j);
	js_set_str(o, "runId", j->id.s);
	js_set_take(o, "paths", paths_json(a, j));
	js_set_take(o, "manifest", manifest_json(j, work, is_whole));
	js_set_take(o, "status", status_json(j, status, buf_str(&error)));
	js_set_take(o, "checkpoint", checkpoint_json(j, work, status, is_whole));
	if (job_is_over(j->state))
		js_set_take(o, "result", result_json(j, work, buf_str(&error), is_whole));
	if (work == NULL)
		js_add_str(problems, "what it was asked to do cannot be read any more");
	js_set_take(o, "problems", problems);
	js_set_str(o, "recoveryAction", run_recovery_action(status));
	js_write(&text, o);
	*ret_size = text.n;
	return o;
}
