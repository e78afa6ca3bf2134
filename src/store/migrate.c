/* SPDX-License-Identifier: MIT */
/*
 * From an older version to the present one, inside the one transaction that open.c began. The
 * version is written last. Killed anywhere, the file is the old or the new one.
 *
 * From an older version of ours: what came since is added (schema.c), no row is touched.
 *
 * From a database of the Go program (versions 0 to 2): the old tables are renamed, ours are made,
 * each old job becomes a job and its event, and the old tables go.
 *
 * What becomes of such a job: the end states are kept; what waited waits again (queued, or for its
 * approval); what ran is lost, since nothing tells how it ended. The chat ids of the old table have
 * no place in ours and live on in the backup.
 *
 * What surprised: a TEXT PRIMARY KEY of an old SQLite table may be NULL; columns may be missing in
 * very old files; times are Go's time.String() (go_time.c) and may be unreadable, in which case the
 * row keeps its place in the order and takes the time of the row before it.
 */
#include "base/json.h"
#include "base/limits.h"
#include "store/go_time.h"
#include "store/store_internal.h"

/* One row of the old table. Texts may be NULL. */
struct go_job {
	char *id, *pylon, *status, *payload, *output, *session_id, *error;
	int64_t created_at, started_at, completed_at; /* 0: absent or unreadable */
};

/* Where an old state goes. */
static const struct {
	const char *old;
	enum job_state state;
} go_states[] = {
	{"completed", JOB_COMPLETED},
	{"failed", JOB_FAILED},
	{"timeout", JOB_TIMED_OUT},
	{"dismissed", JOB_DISMISSED},
	{"awaiting_approval", JOB_AWAITING_APPROVAL},
	{"queued", JOB_QUEUED},
	{"pending", JOB_QUEUED},
	{"approved", JOB_QUEUED},
	{"triggered", JOB_QUEUED},
	{"running", JOB_LOST},
	{"active", JOB_LOST},
};

static void go_job_free(struct go_job *g)
{
	free(g->id);
	free(g->pylon);
	free(g->status);
	free(g->payload);
	free(g->output);
	free(g->session_id);
	free(g->error);
}

/* A state that nobody has heard of is treated as one whose end is unknown. */
static enum job_state go_state(const char *status)
{
	for (size_t i = 0; i < ARRAY_LEN(go_states); i++)
		if (str_eq(go_states[i].old, status))
			return go_states[i].state;
	return JOB_LOST;
}

static char *get_text_or_null(struct query *q)
{
	char *s = get_text(q, NULL);

	if (str_is_empty(s))
		freep(&s);
	return s;
}

static int64_t get_time(struct query *q)
{
	CLEANUP(freep) char *text = NULL;
	int64_t at = 0;

	if (sqlite3_column_type(q->stmt, q->got) == SQLITE_INTEGER)
		return go_time_from_int(get_int(q));
	text = get_text(q, NULL);
	return text != NULL && go_time_parse(slice_of(text), &at) ? at : 0;
}

static void go_job_read(struct query *q, struct go_job *g)
{
	*g = (struct go_job){
		.id = get_text_or_null(q),
		.pylon = NULL,
	};
	g->pylon = get_text_or_null(q);
	g->status = get_text_or_null(q);
	g->payload = get_text_or_null(q);
	g->output = get_text_or_null(q);
	g->session_id = get_text_or_null(q);
	g->error = get_text_or_null(q);
	g->created_at = get_time(q);
	g->started_at = get_time(q);
	g->completed_at = get_time(q);
}

/* "SELECT id, pylon_name, ..., NULL, ... FROM go_jobs": NULL for each column this file lacks. */
static int select_text(struct store_db *db, struct buf *ret, struct err *e)
{
	static const char *const columns[] = {"id", "pylon_name", "status", "trigger_payload",
		"agent_output", "session_id", "error", "created_at", "started_at", "completed_at"};

	buf_add_str(ret, "SELECT ");
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		CLEANUP(freep)
		char *sql = xasprintf(
			"SELECT count(*) FROM pragma_table_info('go_jobs') WHERE name = '%s'",
			columns[i]);
		int64_t has_column;
		int rc = sql_number(db, sql, 0, &has_column, e);

		if (rc < 0)
			return rc;
		buf_printf(ret, "%s%s", i == 0 ? "" : ", ", has_column > 0 ? columns[i] : "NULL");
	}
	buf_add_str(ret, " FROM go_jobs ORDER BY rowid");
	return 0;
}

/* --- what an agent's output says --- */

struct go_output {
	char *result, *json, *session_id;
	double cost_usd;
};

static void go_output_free(struct go_output *o)
{
	free(o->result);
	free(o->json);
	free(o->session_id);
}

/* A result for people: clean, and cut at a character when it is too long. */
static char *result_text(const char *text)
{
	struct buf b = BUF_NULL;
	size_t n;

	utf8_clean(&b, text, strlen(text));
	n = b.n;
	if (n > RESULT_TEXT_MAX) {
		n = RESULT_TEXT_MAX;
		while (n > 0 && ((unsigned char)b.p[n] & 0xc0) == 0x80)
			n--;
		b.p[n] = '\0';
	}
	return buf_steal(&b);
}

static void go_output_read(const char *text, struct go_output *ret)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const char *result;

	*ret = (struct go_output){0};
	if (text == NULL || str_eq(text, "null"))
		return;
	j = js_parse(text, strlen(text), NULL);
	result = js_is_object(j) ? js_get_str(j, "result") : js_str(j);
	if (j == NULL)
		result = text;
	else
		ret->json = xstrdup(text);
	if (result != NULL)
		ret->result = result_text(result);
	ret->session_id = xstrdup_or_null(js_get_str(j, "session_id"));
	ret->cost_usd = js_get_real(j, "total_cost_usd", 0);
}

/* The body of the event: an object in any case. */
static char *event_body(const char *payload)
{
	CLEANUP(js_freep) struct js *j = NULL;
	CLEANUP(js_freep) struct js *o = NULL;
	struct buf b = BUF_NULL;

	if (payload == NULL || str_eq(payload, "null"))
		return xstrdup("{}");
	j = js_parse(payload, strlen(payload), NULL);
	if (js_is_object(j))
		return xstrdup(payload);
	o = js_object();
	if (j == NULL)
		js_set_str(o, "text", payload);
	else
		js_set_json(o, "value", payload);
	js_write(&b, o);
	return buf_steal(&b);
}

/* --- writing --- */

static int job_insert(struct store_db *db, const struct go_job *g, const struct id *id, int64_t seq,
	struct err *e)
{
	CLEANUP(go_output_free) struct go_output out;
	CLEANUP(freep) char *reason = NULL;
	CLEANUP(query_closep) struct query q;
	enum job_state state = go_state(g->status);
	int64_t finished_at = g->completed_at > 0 ? g->completed_at : g->created_at;

	go_output_read(g->output, &out);
	if (!str_eq(g->id, id->s))
		reason = xasprintf("migrated from the id \"%.200s\"", g->id == NULL ? "" : g->id);
	else if (state == JOB_LOST)
		reason = xstrdup("migrated");
	query_open(&q, db, SLOT_NONE,
		"INSERT INTO jobs(id, seq, pylon, state, reason, source, created_at, queued_at, "
		"started_at, finished_at, session_id, cost_usd, error, result, output_json) "
		"VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	put_id(&q, id);
	put_int(&q, seq);
	put_text(&q, g->pylon);
	put_text(&q, job_state_name(state));
	put_text(&q, reason);
	put_text(&q, g->payload == NULL || str_eq(g->payload, "null") ? "manual" : "webhook");
	put_int(&q, g->created_at);
	put_int(&q, state == JOB_AWAITING_APPROVAL ? 0 : g->created_at);
	put_int(&q, g->started_at);
	put_int(&q, job_is_over(state) ? finished_at : 0);
	put_text(&q, g->session_id != NULL ? g->session_id : out.session_id);
	put_real(&q, out.cost_usd);
	put_text(&q, g->error);
	put_text(&q, out.result);
	put_text(&q, out.json);
	return query_exec(&q, e);
}

static int event_insert(struct store_db *db, const struct go_job *g, int64_t seq, struct err *e)
{
	CLEANUP(freep) char *body = event_body(g->payload);
	CLEANUP(query_closep) struct query q;
	struct id id;

	id_make(&id);
	query_open(&q, db, SLOT_NONE,
		"INSERT INTO events(job_seq, id, received_at, body) VALUES(?, ?, ?, ?)");
	put_int(&q, seq);
	put_id(&q, &id);
	put_int(&q, g->created_at);
	put_text(&q, body);
	return query_exec(&q, e);
}

/* An id that ours could not be is replaced; the old one is told in the job's reason. */
static void choose_id(const struct go_job *g, struct id *ret)
{
	if (g->id != NULL && id_is_valid(slice_of(g->id)))
		(void)str_copy(ret->s, sizeof(ret->s), g->id);
	else
		id_make(ret);
}

static int copy_job(
	struct store_db *db, struct go_job *g, const char *pylon, int64_t seq, struct err *e)
{
	struct id id;
	int rc;

	choose_id(g, &id);
	if (g->pylon == NULL)
		g->pylon = xstrdup(pylon);
	rc = job_insert(db, g, &id, seq, e);
	return rc < 0 ? rc : event_insert(db, g, seq, e);
}

static int copy_jobs(struct store_db *db, const char *pylon, int64_t *ret_rows, struct err *e)
{
	struct buf sql = BUF_NULL;
	CLEANUP(query_closep) struct query q = QUERY_NULL;
	int64_t seq = 0, before = 1; /* not 0: that would mean "not yet" */
	int rc = select_text(db, &sql, e);

	if (rc == 0)
		query_open(&q, db, SLOT_NONE, buf_str(&sql));
	buf_fini(&sql);
	while (rc >= 0 && (rc = query_next(&q, e)) > 0) {
		CLEANUP(go_job_free) struct go_job g;

		go_job_read(&q, &g);
		if (g.created_at == 0)
			g.created_at = g.completed_at > 0 ? g.completed_at : before;
		before = g.created_at;
		rc = copy_job(db, &g, pylon, ++seq, e);
	}
	*ret_rows = seq;
	return rc < 0 ? rc : 0;
}

static int has_table(struct store_db *db, const char *name, bool *ret, struct err *e)
{
	CLEANUP(freep)
	char *sql = xasprintf(
		"SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '%s'", name);
	int64_t n = 0;
	int rc = sql_number(db, sql, 0, &n, e);

	*ret = n > 0;
	return rc;
}

int migrate_go(struct store_db *db, const char *pylon, int64_t *ret_rows, struct err *e)
{
	bool has_jobs;
	int rc = has_table(db, "jobs", &has_jobs, e);

	*ret_rows = 0;
	if (rc == 0 && has_jobs)
		rc = sql_exec(db, "ALTER TABLE jobs RENAME TO go_jobs", e);
	if (rc == 0)
		rc = schema_add(db, 0, e);
	if (rc == 0 && has_jobs)
		rc = copy_jobs(db, pylon, ret_rows, e);
	if (rc == 0)
		rc = sql_exec(db,
			"DROP TABLE IF EXISTS go_jobs; DROP TABLE IF EXISTS payload_sample;"
			"DROP TABLE IF EXISTS schema_version",
			e);
	if (rc == 0)
		rc = schema_stamp(db, e);
	return rc < 0 ? err_wrap(e, "migrating version %s", "of the Go program") : 0;
}

int migrate_ours(struct store_db *db, int from, int64_t *ret_rows, struct err *e)
{
	int rc = schema_add(db, from, e);

	if (rc == 0)
		rc = sql_number(db, "SELECT count(*) FROM jobs", 0, ret_rows, e);
	if (rc == 0)
		rc = schema_stamp(db, e);
	return rc < 0 ? err_wrap(e, "migrating version %d", from) : 0;
}
