/* SPDX-License-Identifier: MIT */
/*
 * Reading schedules and the ledger of their occurrences. The rules of query.c hold here too.
 *
 * People page by the instant, which several rows may share: the same instant in two epochs, or of
 * two schedules. A page therefore ends with the last row of an instant, never between two of them.
 */
#include "base/limits.h"
#include "store/store_internal.h"

#define OCCURRENCE_COLUMNS                                                                         \
	"SELECT schedule, epoch, at, last, count, outcome, job_id, note, decided_at "              \
	"FROM occurrences "

/* In the order of OCCURRENCE_COLUMNS. */
static int occurrence_read(struct query *q, struct occurrence *ret, struct err *e)
{
	*ret = (struct occurrence){0};
	ret->schedule = get_text(q, NULL);
	ret->epoch = get_int(q);
	ret->at = get_int(q);
	ret->last = get_int(q);
	ret->count = get_int(q);
	ret->outcome = get_outcome(q);
	get_id(q, &ret->job_id);
	ret->note = get_text(q, NULL);
	ret->decided_at = get_int(q);
	return query_check(q, e);
}

int store_schedule_state(
	struct store_db *db, const char *schedule, struct schedule_state *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_GET_SCHEDULE,
		"SELECT spec, anchor, epoch, decided_to, disabled_at FROM schedules WHERE id = ?");
	put_text(&q, schedule);
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	ret->spec = get_text(&q, NULL);
	ret->anchor = get_int(&q);
	ret->epoch = get_int(&q);
	ret->decided_to = get_int(&q);
	ret->disabled_at = get_int(&q);
	return 0;
}

/* The first `limit` rows before an instant, and those that share the instant of the last of them.
 * `of` restricts them to a schedule and is empty otherwise. */
#define PAGE(index, of)                                                                            \
	OCCURRENCE_COLUMNS "INDEXED BY " index " WHERE " of "at < ?1 AND at >= "                   \
			   "(SELECT min(at) FROM (SELECT at FROM occurrences INDEXED BY " index    \
			   " WHERE " of "at < ?1 ORDER BY at DESC LIMIT ?2)) "                     \
			   "ORDER BY at DESC, epoch DESC"

int store_occurrences(struct store_db *db, const char *schedule, int64_t before, size_t limit,
	void (*fn)(const struct occurrence *o, void *ctx), void *ctx, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	if (schedule == NULL)
		query_open(&q, db, SLOT_LIST_OCCURRENCES,
			PAGE("occurrences_newest", "") ", schedule DESC");
	else
		query_open(&q, db, SLOT_LIST_OCCURRENCES_OF,
			PAGE("occurrences_schedule", "schedule = ?3 AND "));
	put_int(&q, before != 0 ? before : INT64_MAX);
	put_int(&q, limit > 0 ? (int64_t)limit : LIST_LIMIT_DEFAULT);
	if (schedule != NULL)
		put_text(&q, schedule);
	while ((rc = query_next(&q, e)) > 0) {
		CLEANUP(occurrence_fini) struct occurrence o;

		rc = occurrence_read(&q, &o, e);
		if (rc < 0)
			return rc;
		fn(&o, ctx);
	}
	return rc;
}

int store_occurrence_of(
	struct store_db *db, const struct id *job_id, struct occurrence *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	struct occurrence o;
	int rc;

	query_open(&q, db, SLOT_GET_OCCURRENCE,
		OCCURRENCE_COLUMNS "INDEXED BY occurrences_job WHERE job_id = ?");
	put_id(&q, job_id);
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	rc = occurrence_read(&q, &o, e);
	if (rc < 0)
		occurrence_fini(&o);
	else
		*ret = o;
	return rc;
}
