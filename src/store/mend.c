/* SPDX-License-Identifier: MIT */
/*
 * After the rows: the references hold again and the states agree. The rules, which
 * docs/reliability.md tells people:
 *
 * - An event is what a sender was promised (2xx), so its job is made when that row is lost: lost,
 *   with a new id; a person can look at the event and retry it. So is the job of a message that is
 *   still to be sent.
 * - A job whose event is lost gets the event `null`. If it was still to run, it does not: lost.
 * - What ran and has no living run is lost; a run whose job does not run is lost.
 * - A schedule whose row is lost starts a new epoch: its old instants never fire twice.
 * - Everything else whose parent is lost is dropped and counted.
 */
#include <stdio.h>

#include "store/salvage_internal.h"

/* A version 4 UUID (RFC 9562 section 5.4). */
#define UUID                                                                                       \
	"lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || "                        \
	"substr(hex(randomblob(2)), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) || "        \
	"substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"

#define JOB_COLUMNS                                                                                \
	"jobs(id, seq, pylon, state, reason, source, created_at, queued_at, finished_at, error) "
#define LIVING  "state NOT IN ('exited', 'lost')"
#define RUNNING "state IN ('starting', 'running')"
#define NO_ROW  "the row of this job was lost when its database was damaged"

enum counted { MADE, DROPPED, CHANGED };

static const struct step {
	const char *table;
	enum counted counted;
	const char *sql; /* ?1 the pylon, ?2 now; every one uses both */
} steps[] = {
	{"jobs", MADE,
		"INSERT OR IGNORE INTO " JOB_COLUMNS "SELECT " UUID ", job_seq, ?1, 'lost', "
		"'salvaged', 'webhook', max(received_at, 1), 0, max(received_at, 1), '" NO_ROW
		"; its event is kept' FROM events WHERE ?2 AND "
		"NOT EXISTS (SELECT 1 FROM jobs WHERE seq = job_seq)"},
	{"jobs", MADE,
		"INSERT OR IGNORE INTO " JOB_COLUMNS "SELECT job_id, "
		"(SELECT ifnull(max(seq), 0) FROM jobs) + row_number() OVER (ORDER BY first), ?1, "
		"'lost', 'salvaged', 'webhook', ?2, 0, ?2, '" NO_ROW "; a message of it is kept' "
		"FROM (SELECT job_id, min(seq) AS first FROM deliveries "
		"WHERE state IN ('pending', 'sending', 'scheduled') "
		"AND job_id NOT IN (SELECT id FROM jobs) GROUP BY job_id)"},
	{"jobs", CHANGED,
		"UPDATE jobs SET state = 'lost', reason = 'salvaged', finished_at = ?2, error = "
		"'its event was lost when the database was damaged' WHERE ?1 NOT NULL AND "
		"state IN ('queued', 'awaiting_approval') AND seq NOT IN (SELECT job_seq FROM "
		"events)"},
	{"events", MADE,
		"INSERT INTO events(job_seq, id, received_at, body) SELECT seq, " UUID
		", created_at, 'null' FROM jobs WHERE ?1 NOT NULL AND ?2 AND seq NOT IN "
		"(SELECT job_seq FROM events)"},
	{"jobs", CHANGED,
		"UPDATE jobs SET state = 'lost', reason = 'salvaged', finished_at = ?2, error = "
		"'its run was lost when the database was damaged' WHERE ?1 NOT NULL AND " RUNNING
		" AND id NOT IN (SELECT job_id FROM runs WHERE " LIVING ")"},
	{"runs", CHANGED,
		"UPDATE runs SET state = 'lost', reason = 'salvaged', finished_at = ?2 "
		"WHERE ?1 NOT NULL AND " LIVING " AND job_id IN (SELECT id FROM jobs WHERE NOT "
		"(" RUNNING "))"},
	{"usage", DROPPED,
		"DELETE FROM usage WHERE ?1 NOT NULL AND ?2 AND run_id IN "
		"(SELECT id FROM runs WHERE " LIVING ")"},
	{"schedules", MADE,
		"INSERT INTO schedules(id, spec, anchor, epoch, decided_to) SELECT schedule, '', "
		"0, max(epoch), max(last) FROM occurrences WHERE ?1 NOT NULL AND ?2 AND "
		"schedule NOT IN (SELECT id FROM schedules) GROUP BY schedule"},
};

static int step_run(struct salvage *s, const struct step *step, struct err *e)
{
	struct shape *t = shape_find(s, step->table);
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, s->to, SLOT_NONE, step->sql);
	put_text(&q, s->pylon);
	put_int(&q, s->now_real);
	rc = query_exec(&q, e);
	if (rc < 0)
		return rc;
	if (step->counted == MADE)
		t->told->made += rc;
	if (step->counted == DROPPED)
		t->told->dropped += rc;
	return 0;
}

/* Drops the rows of a table of which one reference points nowhere; their number. */
static int drop_orphans(struct salvage *s, const char *table, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc, dropped = 0;

	query_open(&q, s->to, SLOT_NONE,
		"SELECT f.\"from\", f.\"table\", f.\"to\" FROM pragma_foreign_key_list(?) f");
	put_text(&q, table);
	while ((rc = query_next(&q, e)) > 0) {
		CLEANUP(freep) char *column = get_text(&q, NULL);
		CLEANUP(freep) char *parent = get_text(&q, NULL);
		CLEANUP(freep) char *key = get_text(&q, NULL);
		CLEANUP(freep)
		char *sql = xasprintf("DELETE FROM \"%s\" WHERE \"%s\" NOT NULL AND \"%s\" NOT IN "
				      "(SELECT \"%s\" FROM \"%s\")",
			table, column, column, key == NULL ? "rowid" : key, parent);
		CLEANUP(query_closep) struct query del;

		query_open(&del, s->to, SLOT_NONE, sql);
		rc = query_exec(&del, e);
		if (rc < 0)
			return rc;
		dropped += rc;
	}
	return rc < 0 ? rc : dropped;
}

/* Until nothing more falls: what is dropped may be the parent of others. */
static int drop_all_orphans(struct salvage *s, struct err *e)
{
	int fell;

	do {
		fell = 0;
		for (size_t i = 0; i < s->n; i++) {
			int rc = drop_orphans(s, s->tables[i]->told->name, e);

			if (rc < 0)
				return rc;
			s->tables[i]->told->dropped += rc;
			fell += rc;
		}
	} while (fell > 0);
	return 0;
}

int salvage_mend(struct salvage *s, struct err *e)
{
	bool is_ours = shape_find(s, "events") != NULL;
	int rc = 0;

	for (size_t i = 0; is_ours && rc == 0 && i < ARRAY_LEN(steps); i++)
		rc = step_run(s, &steps[i], e);
	if (rc == 0)
		rc = drop_all_orphans(s, e);
	return rc;
}
