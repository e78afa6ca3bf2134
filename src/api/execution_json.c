/* SPDX-License-Identifier: MIT */
/*
 * api/execution_json.c - background work as JSON.
 *
 * An execution is a job without a pylon. Its keys and the words of "status" are those of the agent
 * runtime's protocol, whose clients are to understand them; "state", "reason" and the keys with an
 * underscore are ours and as those of every job. What it is asked to do is the body of its event
 * (docs/runtime.md), of which nobody has promised that it can still be read.
 */
#include "api/api-internal.h"
#include "base/file.h"

static const char *const status_words[JOB_STATES] = {
	[JOB_AWAITING_APPROVAL] = "waiting",
	[JOB_QUEUED] = "queued",
	[JOB_STARTING] = "queued",
	[JOB_RUNNING] = "running",
	[JOB_COMPLETED] = "completed",
	[JOB_FAILED] = "failed",
	[JOB_TIMED_OUT] = "failed",
	[JOB_CANCELLED] = "cancelled",
	[JOB_LOST] = "interrupted",
	[JOB_DISMISSED] = "cancelled",
	[JOB_EXPIRED] = "cancelled",
	[JOB_REJECTED] = "failed",
};

const char *execution_status(const struct api *a, const struct job *j)
{
	if (j->state == JOB_QUEUED && j->not_before > loop_real(a->o.loop))
		return "waiting";
	return status_words[j->state];
}

struct js *execution_work(struct api *a, const struct job *j)
{
	CLEANUP(event_record_fini) struct event_record ev = {0};
	struct js *work;

	if (engine_job_event(a->o.engine, j, &ev, NULL) != 0 || ev.body == NULL)
		return NULL;
	work = js_parse(ev.body, ev.body_n, NULL);
	if (js_is_object(work))
		return work;
	js_free(work);
	return NULL;
}

bool execution_is_subagent(const struct js *work)
{
	return js_is_object(js_get(work, "agent"));
}

/* --- the command, in one line --- */

static bool is_plain(const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_@%+=:,./-";

	return *word != '\0' && word[strspn(word, letters)] == '\0';
}

/* As a shell would have to be told it. */
static void add_word(struct buf *out, const char *word)
{
	if (is_plain(word)) {
		buf_add_str(out, word);
		return;
	}
	buf_add_char(out, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			buf_add_str(out, "'\\''");
		else
			buf_add_char(out, *word);
	}
	buf_add_char(out, '\'');
}

void execution_command(struct buf *out, const struct js *work)
{
	const struct js *argv = js_get(work, "argv");
	size_t begin = out->n;

	if (js_get_str(work, "shellCommand") != NULL)
		buf_add_str(out, js_get_str(work, "shellCommand"));
	for (size_t i = 0; i < js_len(argv); i++) {
		const char *word = js_str(js_at(argv, i));

		if (i > 0)
			buf_add_char(out, ' ');
		add_word(out, word == NULL ? "" : word);
	}
	for (size_t i = begin; i < out->n; i++)
		if (out->p[i] == '\n' || out->p[i] == '\r' || out->p[i] == '\t')
			out->p[i] = ' ';
}

/* --- the same work once more --- */

struct copying {
	struct js *to;
	const char *const *without;
};

static void copy_member(const char *key, const struct js *value, void *ctx)
{
	struct copying *c = ctx;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	for (size_t i = 0; c->without[i] != NULL; i++)
		if (str_eq(key, c->without[i]))
			return;
	js_write(&text, value);
	js_set_json(c->to, key, buf_str(&text));
}

void copy_members_json(struct js *to, const struct js *from, const char *const *without)
{
	struct copying c = {to, without};

	js_each(from, copy_member, &c);
}

char *execution_follow_up_body(const struct js *work, const struct job *j, const char *prompt)
{
	static const char *const ours[] = {"agent", "followUpOfRunId", NULL};
	static const char *const agents[] = {"prompt", "session", NULL};
	CLEANUP(js_freep) struct js *o = js_object();
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct js *agent = js_object();

	copy_members_json(o, work, ours);
	copy_members_json(agent, js_get(work, "agent"), agents);
	js_set_str(agent, "prompt", prompt);
	js_set_str(agent, "session", j->session_id);
	js_set_take(o, "agent", agent);
	js_set_str(o, "followUpOfRunId", j->id.s);
	js_write(&text, o);
	return buf_steal(&text);
}

bool execution_can_follow_up(const struct job *j, const struct js *work)
{
	return job_is_over(j->state) && execution_is_subagent(work) && !str_is_empty(j->session_id);
}

/* --- the record --- */

bool execution_describe(
	struct api *a, struct js *o, const struct job *j, const struct js *work, bool is_whole)
{
	CLEANUP(buf_fini) struct buf command = BUF_NULL;
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	bool is_cut;

	execution_command(&command, work);
	engine_log_path(a->o.engine, j->pylon, &j->id, &log);
	js_set_str(o, "kind", execution_is_subagent(work) ? "subagent" : "background-command");
	js_set_str(o, "taskSlug", js_get_str(work, "taskSlug"));
	is_cut = cut_text_json(o, "command", command.n == 0 ? NULL : buf_str(&command), is_whole);
	is_cut |= cut_text_json(o, "prompt", js_get_str(js_get(work, "agent"), "prompt"), is_whole);
	js_set_str(o, "cwd", js_get_str(work, "cwd"));
	js_set_str(o, "conversation", js_get_str(work, "conversation"));
	js_set_str(o, "sourceRunId", js_get_str(work, "followUpOfRunId"));
	js_set_str(o, "logPath", buf_str(&log));
	return is_cut;
}

static void add_state(struct js *o, struct api *a, const struct job *j)
{
	CLEANUP(buf_fini) struct buf waiting = BUF_NULL;

	if (j->state == JOB_QUEUED)
		engine_waiting_reason(a->o.engine, j, &waiting);
	js_set_str(o, "status", execution_status(a, j));
	js_set_str(o, "state", job_state_name(j->state));
	js_set_str(o, "reason", j->reason);
	js_set_str(o, "waiting", waiting.n == 0 ? NULL : buf_str(&waiting));
}

static void add_times(struct js *o, const struct job *j)
{
	js_set_time(o, "createdAt", j->created_at);
	js_set_time(o, "startedAt", j->started_at);
	js_set_time(o, "endedAt", j->finished_at);
	if (j->started_at == 0 || j->finished_at < j->started_at)
		js_set_null(o, "durationMs");
	else
		js_set_int(o, "durationMs", (j->finished_at - j->started_at) / US_PER_MS);
	if (j->exit_code < 0)
		js_set_null(o, "exitCode");
	else
		js_set_int(o, "exitCode", j->exit_code);
}

static struct js *capabilities(const struct js *o, const struct job *j, const struct js *work)
{
	struct js *can = js_object();

	js_set_bool(can, "canCancel", !job_is_over(j->state));
	js_set_bool(can, "canRerun", job_is_over(j->state) && work != NULL);
	js_set_bool(can, "canFollowUp", execution_can_follow_up(j, work));
	js_set_bool(can, "hasLog", file_exists(js_get_str(o, "logPath")));
	js_set_bool(can, "hasResult", j->result != NULL);
	return can;
}

struct js *execution_json(struct api *a, const struct job *j, bool is_whole)
{
	CLEANUP(js_freep) struct js *work = execution_work(a, j);
	struct js *o = js_object();
	bool is_cut;

	js_set_str(o, "id", j->id.s);
	js_set_str(o, "runId", j->id.s);
	add_state(o, a, j);
	is_cut = execution_describe(a, o, j, work, is_whole);
	add_times(o, j);
	js_set_int(o, "attempt", j->attempt);
	is_cut |= cut_text_json(o, "result", j->result, is_whole);
	is_cut |= cut_text_json(o, "error", j->error, is_whole);
	js_set_str(o, "sessionId", j->session_id);
	spent_json(o, j->cost_usd, &j->usage);
	js_set_take(o, "capabilities", capabilities(o, j, work));
	if (!is_whole)
		js_set_bool(o, "truncated", is_cut);
	return o;
}
