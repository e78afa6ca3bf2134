/* SPDX-License-Identifier: MIT */
/*
 * The shape of a database, and telling what kind of file one is.
 *
 * Invariants the schema itself keeps: a state is one of model's names; a job is over exactly when
 * it has finished_at; a job has at most one run that is not over; a run takes at most one turn; a
 * job takes its event, runs, turns and deliveries with it when it goes, and a run its usage; an
 * instant of a schedule has one row within its epoch. Other programs may read the table `jobs`: one
 * row for each accepted or rejected job, `id` the id that the sender was told.
 *
 * jobs.seq is the order of acceptance and never the rowid: a VACUUM by somebody else may renumber
 * rowids. Events hang on it and not on the id because their tree then only grows at its end, which
 * is worth a fifth of the accept rate. The large columns are the last ones of their table, so that
 * reading the others follows no overflow pages.
 *
 * occurrences.job_id is a text and no reference: history says which job it was after the job is
 * gone. The index jobs_scheduled holds the few open jobs of occurrences, so an accepted webhook
 * pays only a comparison for it.
 *
 * What a run used has a table of its own and not columns of `runs`: most runs have nothing to tell,
 * and a version of ours only ever adds. A job's cost is a column and its tokens are not, so that
 * the statements of every job carry four columns less.
 *
 * turns.run_id is unique, which is also the index that removing a run needs.
 *
 * Version 4 is version 3 and the tables of schedules, version 5 is version 4 and those of turns and
 * usage, word for word; what comes next may not change a text of an earlier version without a
 * migration that rebuilds what it made.
 *
 * What surprised: SQLite keeps the text of every CREATE as it was written, so a text found word for
 * word in ours is the cheapest proof that nobody has altered a table.
 */
#include <errno.h>
#include <stdio.h>

#include "store/salvage_internal.h"

/* Which states there are. Not with IN: for that SQLite builds a table of the words at every insert,
 * which costs the accept path a fifth. The most frequent come first. */
#define W(word) " WHEN '" word "' THEN 1"
#define W_OVER                                                                                     \
	W("completed")                                                                             \
	W("failed")                                                                                \
	W("timed_out") W("cancelled") W("lost") W("dismissed") W("expired") W("rejected")
#define IS_JOB_OVER "CASE state" W_OVER " ELSE 0 END"
#define IS_JOB_STATE                                                                               \
	"CASE state" W("queued") W("starting") W("running") W("awaiting_approval") W_OVER          \
		" ELSE 0 END"
#define IS_RUN_STATE                                                                               \
	"CASE state" W("created") W("starting") W("running") W("stopping") W("exited")             \
		W("lost") " ELSE 0 END"
#define IS_DELIVERY_STATE                                                                          \
	"CASE state" W("pending") W("sending") W("sent") W("scheduled") W("acked") W("dead")       \
		W("unknown") W("cancelled") " ELSE 0 END"
#define RAN W("ran") W("ran_late")
#define IS_OUTCOME                                                                                 \
	"CASE outcome" RAN W("skipped_overlap") W("skipped_catch_up") W("skipped_disabled")        \
		W("skipped_limit") W("failed_to_start") " ELSE 0 END"
#define HAS_RUN "CASE outcome" RAN " ELSE 0 END"

static const char ddl_3[] =
	"CREATE TABLE jobs(\n"
	"	id TEXT PRIMARY KEY NOT NULL CHECK (length(id) BETWEEN 1 AND 36),\n"
	"	seq INTEGER NOT NULL UNIQUE,\n"
	"	pylon TEXT NOT NULL,\n"
	"	state TEXT NOT NULL CHECK (" IS_JOB_STATE "),\n"
	"	reason TEXT,\n"
	"	source TEXT NOT NULL,\n"
	"	delivery_id TEXT,\n"
	"	attempt INTEGER NOT NULL DEFAULT 0,\n"
	"	failures INTEGER NOT NULL DEFAULT 0,\n"
	"	not_before INTEGER NOT NULL DEFAULT 0,\n"
	"	expires_at INTEGER NOT NULL DEFAULT 0,\n"
	"	created_at INTEGER NOT NULL,\n"
	"	queued_at INTEGER NOT NULL DEFAULT 0,\n"
	"	started_at INTEGER NOT NULL DEFAULT 0,\n"
	"	finished_at INTEGER NOT NULL DEFAULT 0,\n"
	"	exit_code INTEGER NOT NULL DEFAULT -1,\n"
	"	session_id TEXT,\n"
	"	cost_usd REAL NOT NULL DEFAULT 0,\n"
	"	error TEXT,\n"
	"	decided_by TEXT,\n"
	"	result TEXT,\n"
	"	output_json TEXT,\n"
	"	CHECK ((finished_at > 0) = (" IS_JOB_OVER "))\n"
	") STRICT;\n"
	"CREATE INDEX jobs_created ON jobs(created_at);\n"
	"CREATE INDEX jobs_state ON jobs(state, created_at);\n"
	"CREATE INDEX jobs_queue ON jobs(seq, not_before) WHERE state = 'queued';\n"
	"CREATE INDEX jobs_delayed ON jobs(not_before) WHERE state = 'queued' AND not_before > 0;\n"
	"CREATE INDEX jobs_expiry ON jobs(expires_at)\n"
	"	WHERE state = 'awaiting_approval' AND expires_at > 0;\n"
	"CREATE INDEX jobs_finished ON jobs(finished_at) WHERE finished_at > 0;\n"

	"CREATE TABLE events(\n"
	"	job_seq INTEGER PRIMARY KEY NOT NULL REFERENCES jobs(seq) ON DELETE CASCADE,\n"
	"	id TEXT NOT NULL,\n"
	"	received_at INTEGER NOT NULL,\n"
	"	body_sha256 TEXT,\n"
	"	query TEXT,\n"
	"	headers_json TEXT,\n"
	"	body TEXT NOT NULL\n"
	") STRICT;\n"

	"CREATE TABLE dedupe(\n"
	"	seq INTEGER PRIMARY KEY NOT NULL,\n"
	"	key TEXT NOT NULL UNIQUE,\n"
	"	job_id TEXT NOT NULL,\n"
	"	created_at INTEGER NOT NULL\n"
	") STRICT;\n"

	"CREATE TABLE runs(\n"
	"	id TEXT PRIMARY KEY NOT NULL,\n"
	"	job_id TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,\n"
	"	attempt INTEGER NOT NULL,\n"
	"	state TEXT NOT NULL CHECK (" IS_RUN_STATE "),\n"
	"	stop INTEGER NOT NULL DEFAULT 0 CHECK (stop BETWEEN 0 AND 2),\n"
	"	token_sha256 TEXT NOT NULL,\n"
	"	handle TEXT,\n"
	"	image TEXT,\n"
	"	exit_code INTEGER NOT NULL DEFAULT -1,\n"
	"	reason TEXT,\n"
	"	created_at INTEGER NOT NULL,\n"
	"	started_at INTEGER NOT NULL DEFAULT 0,\n"
	"	finished_at INTEGER NOT NULL DEFAULT 0,\n"
	"	timeout_us INTEGER NOT NULL DEFAULT 0,\n"
	"	report TEXT,\n"
	"	UNIQUE (job_id, attempt)\n"
	") STRICT;\n"
	"CREATE UNIQUE INDEX runs_living ON runs(job_id) WHERE state NOT IN ('exited','lost');\n"

	"CREATE TABLE deliveries(\n"
	"	seq INTEGER PRIMARY KEY NOT NULL,\n"
	"	id TEXT NOT NULL UNIQUE,\n"
	"	job_id TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,\n"
	"	kind TEXT NOT NULL,\n"
	"	channel TEXT NOT NULL,\n"
	"	state TEXT NOT NULL CHECK (" IS_DELIVERY_STATE "),\n"
	"	attempt INTEGER NOT NULL DEFAULT 0,\n"
	"	may_repeat INTEGER NOT NULL DEFAULT 0,\n"
	"	due_at INTEGER NOT NULL DEFAULT 0,\n"
	"	created_at INTEGER NOT NULL,\n"
	"	sent_at INTEGER NOT NULL DEFAULT 0,\n"
	"	error TEXT,\n"
	"	message TEXT NOT NULL\n"
	") STRICT;\n"
	"CREATE INDEX deliveries_job ON deliveries(job_id, channel);\n"
	"CREATE INDEX deliveries_state ON deliveries(state);\n"
	"CREATE INDEX deliveries_due ON deliveries(due_at) WHERE state = 'pending';\n";

/* What version 4 added. */
static const char ddl_4[] =
	"CREATE INDEX jobs_scheduled ON jobs(state)\n"
	"	WHERE source = 'schedule' AND finished_at = 0;\n"

	"CREATE TABLE schedules(\n"
	"	id TEXT PRIMARY KEY NOT NULL,\n"
	"	spec TEXT NOT NULL,\n"
	"	anchor INTEGER NOT NULL,\n"
	"	epoch INTEGER NOT NULL CHECK (epoch >= 1),\n"
	"	decided_to INTEGER NOT NULL,\n"
	"	disabled_at INTEGER NOT NULL DEFAULT 0\n"
	") STRICT;\n"

	"CREATE TABLE occurrences(\n"
	"	schedule TEXT NOT NULL,\n"
	"	epoch INTEGER NOT NULL CHECK (epoch >= 1),\n"
	"	at INTEGER NOT NULL,\n"
	"	last INTEGER NOT NULL,\n"
	"	count INTEGER NOT NULL CHECK (count >= 1),\n"
	"	outcome TEXT NOT NULL CHECK (" IS_OUTCOME "),\n"
	"	job_id TEXT,\n"
	"	note TEXT,\n"
	"	decided_at INTEGER NOT NULL,\n"
	"	UNIQUE (schedule, epoch, at),\n"
	"	CHECK (last >= at),\n"
	"	CHECK (job_id IS NULL OR " HAS_RUN ")\n"
	") STRICT;\n"
	"CREATE INDEX occurrences_newest ON occurrences(at, epoch, schedule);\n"
	"CREATE INDEX occurrences_schedule ON occurrences(schedule, at, epoch);\n"
	"CREATE INDEX occurrences_job ON occurrences(job_id) WHERE job_id IS NOT NULL;\n";

/* What version 5 added. */
static const char ddl_5[] =
	"CREATE TABLE usage(\n"
	"	run_id TEXT PRIMARY KEY NOT NULL REFERENCES runs(id) ON DELETE CASCADE,\n"
	"	cost_usd REAL NOT NULL CHECK (cost_usd >= 0),\n"
	"	input_tokens INTEGER NOT NULL CHECK (input_tokens >= 0),\n"
	"	output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),\n"
	"	cache_read_tokens INTEGER NOT NULL CHECK (cache_read_tokens >= 0),\n"
	"	cache_write_tokens INTEGER NOT NULL CHECK (cache_write_tokens >= 0)\n"
	") STRICT, WITHOUT ROWID;\n"

	"CREATE TABLE turns(\n"
	"	seq INTEGER PRIMARY KEY NOT NULL,\n"
	"	job_id TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,\n"
	"	run_id TEXT UNIQUE REFERENCES runs(id),\n"
	"	session_id TEXT,\n"
	"	said_by TEXT,\n"
	"	created_at INTEGER NOT NULL,\n"
	"	text TEXT NOT NULL\n"
	") STRICT;\n"
	"CREATE INDEX turns_job ON turns(job_id);\n";

/* What that version added; the oldest of ours: everything it has. */
static const char *ddl_of(int version)
{
	static const char *const ddl[] = {ddl_3, ddl_4, ddl_5};

	_Static_assert(
		ARRAY_LEN(ddl) == SCHEMA_VERSION - SCHEMA_OLDEST + 1, "a text for each version");
	must(version >= SCHEMA_OLDEST && version <= SCHEMA_VERSION);
	return ddl[version - SCHEMA_OLDEST];
}

int schema_stamp(struct store_db *db, struct err *e)
{
	char sql[96];

	(void)snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; PRAGMA user_version=%d",
		APPLICATION_ID, SCHEMA_VERSION);
	return sql_exec(db, sql, e);
}

int schema_add(struct store_db *db, int from, struct err *e)
{
	int rc = 0;

	for (int v = MAX_OF(from + 1, SCHEMA_OLDEST); rc == 0 && v <= SCHEMA_VERSION; v++)
		rc = sql_exec(db, ddl_of(v), e);
	return rc;
}

/* How many things a database of that version has. */
static int64_t ddl_count(int version)
{
	int64_t n = 0;

	for (int v = SCHEMA_OLDEST; v <= version; v++)
		for (const char *p = strstr(ddl_of(v), "CREATE "); p != NULL;
			p = strstr(p + 1, "CREATE "))
			n++;
	return n;
}

/* Is that the whole text of one of them? */
static bool ddl_has(int version, const char *sql)
{
	for (int v = SCHEMA_OLDEST; v <= version; v++) {
		const char *p = strstr(ddl_of(v), sql);

		if (p != NULL && p[strlen(sql)] == ';')
			return true;
	}
	return false;
}

/* Things that somebody added (an index for a report) are left alone. */
int schema_check(struct store_db *db, int version, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int64_t found = 0;
	int rc;

	query_open(&q, db, SLOT_NONE,
		"SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'");
	while ((rc = query_next(&q, e)) > 0) {
		CLEANUP(freep) char *sql = get_text(&q, NULL);

		found += ddl_has(version, sql);
	}
	if (rc < 0)
		return rc;
	if (found != ddl_count(version))
		return err_set(e, -EUCLEAN,
			"%s: %lld of its %lld tables and indexes are as they must be", db->path,
			(long long)found, (long long)ddl_count(version));
	return 0;
}

bool schema_is_familiar(struct store_db *db)
{
	CLEANUP(query_closep) struct query q;
	struct err e = CLEAN_ERR;
	bool has_any = false;
	int rc;

	query_open(&q, db, SLOT_NONE, "SELECT sql FROM sqlite_schema WHERE type = 'table'");
	while ((rc = query_next(&q, &e)) > 0) {
		CLEANUP(freep) char *sql = get_text(&q, NULL);

		if (sql == NULL || !ddl_has(SCHEMA_VERSION, sql))
			return false;
		has_any = true;
	}
	return rc == 0 && has_any;
}

/* Version of a Go database; -EPROTO when it has none that we know. */
static int go_version(struct store_db *db, int *ret, struct err *e)
{
	int64_t has_version, has_jobs, version = 0;
	int rc;

	rc = sql_number(db,
		"SELECT count(*) FROM sqlite_schema WHERE type='table' AND name='schema_version'",
		0, &has_version, e);
	if (rc < 0)
		return rc;
	rc = sql_number(db,
		"SELECT count(*) FROM pragma_table_info('jobs') "
		"WHERE name IN ('id', 'status')",
		0, &has_jobs, e);
	if (rc < 0)
		return rc;
	if (has_version == 0 && has_jobs != 2)
		return err_set(e, -EPROTO, "%s: this is some other program's database", db->path);
	if (has_version != 0)
		rc = sql_number(db, "SELECT max(version) FROM schema_version", 0, &version, e);
	if (rc < 0)
		return rc;
	if (version < 0 || version > 2)
		return err_set(e, -EPROTO, "%s: version %lld of the old format is not known",
			db->path, (long long)version);
	*ret = (int)version;
	return 0;
}

int schema_identify(struct store_db *db, enum schema_kind *ret, int *ret_version, struct err *e)
{
	int64_t application, version, objects;
	int rc = sql_number(db, "PRAGMA application_id", 0, &application, e);

	if (rc == 0)
		rc = sql_number(db, "PRAGMA user_version", 0, &version, e);
	if (rc == 0)
		rc = sql_number(db, "SELECT count(*) FROM sqlite_schema", 0, &objects, e);
	if (rc != 0)
		return rc;
	if (application == APPLICATION_ID && version > SCHEMA_VERSION)
		return err_set(e, -EPROTO,
			"%s: version %lld was made by a newer pylon (this one knows %d)", db->path,
			(long long)version, SCHEMA_VERSION);
	if (application == APPLICATION_ID && version < SCHEMA_OLDEST)
		return err_set(
			e, -EUCLEAN, "%s: there is no version %lld", db->path, (long long)version);
	*ret_version = application == APPLICATION_ID ? (int)version : SCHEMA_VERSION;
	*ret = application == APPLICATION_ID ? SCHEMA_OURS : SCHEMA_NEW;
	if (application == APPLICATION_ID || (application == 0 && objects == 0))
		return 0;
	if (application != 0)
		return err_set(e, -EPROTO, "%s: this is some other program's database", db->path);
	*ret = SCHEMA_GO;
	return go_version(db, ret_version, e);
}
