/* SPDX-License-Identifier: MIT */
/*
 * Reading runs and deliveries. The rules of query.c hold here too.
 */
#include "base/limits.h"
#include "store/store_internal.h"

/* --- runs --- */

/* A run without a row in `usage` reads as zeros: NULL as a number is 0. */
#define RUN_COLUMNS                                                                                 \
	"SELECT id, job_id, attempt, state, stop, token_sha256, handle, image, exit_code, reason, " \
	"cost_usd, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, "            \
	"created_at, started_at, finished_at, timeout_us, report "                                  \
	"FROM runs LEFT JOIN usage ON run_id = id "

static int run_read(struct query *q, struct run *ret, struct err *e)
{
	*ret = (struct run){0};
	get_id(q, &ret->id);
	get_id(q, &ret->job_id);
	ret->attempt = (int)get_int(q);
	ret->state = get_run_state(q);
	ret->stop = (enum stop_reason)get_int(q);
	get_array(q, ret->token_sha256, sizeof(ret->token_sha256));
	ret->handle = get_text(q, NULL);
	ret->image = get_text(q, NULL);
	ret->exit_code = (int)get_int(q);
	ret->reason = get_text(q, NULL);
	ret->cost_usd = get_real(q);
	ret->usage.input_tokens = get_int(q);
	ret->usage.output_tokens = get_int(q);
	ret->usage.cache_read_tokens = get_int(q);
	ret->usage.cache_write_tokens = get_int(q);
	ret->created_at = get_int(q);
	ret->started_at = get_int(q);
	ret->finished_at = get_int(q);
	ret->timeout_us = get_int(q);
	ret->report = get_text(q, NULL);
	return query_check(q, e);
}

static int run_one(struct query *q, struct run *ret, struct err *e)
{
	struct run r;
	int rc = query_next(q, e);

	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	rc = run_read(q, &r, e);
	if (rc < 0)
		run_fini(&r);
	else
		*ret = r;
	return rc;
}

int store_run(struct store_db *db, const struct id *run_id, struct run *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_GET_RUN, RUN_COLUMNS "WHERE id = ?");
	put_id(&q, run_id);
	return run_one(&q, ret, e);
}

int store_runs(struct store_db *db, const struct id *job_id,
	void (*fn)(const struct run *r, void *ctx), void *ctx, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_GET_RUNS, RUN_COLUMNS "WHERE job_id = ? ORDER BY attempt");
	put_id(&q, job_id);
	while ((rc = query_next(&q, e)) > 0) {
		CLEANUP(run_fini) struct run r;

		rc = run_read(&q, &r, e);
		if (rc < 0)
			return rc;
		fn(&r, ctx);
	}
	return rc;
}

int store_living_run(struct store_db *db, const struct id *job_id, struct run *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;

	query_open(&q, db, SLOT_GET_LIVING,
		RUN_COLUMNS "WHERE job_id = ? AND state NOT IN ('exited','lost')");
	put_id(&q, job_id);
	return run_one(&q, ret, e);
}

/* --- deliveries --- */

#define DELIVERY_COLUMNS                                                                              \
	"SELECT id, job_id, kind, channel, state, attempt, may_repeat, due_at, created_at, sent_at, " \
	"error, message FROM deliveries d "

static int delivery_read(struct query *q, struct delivery *ret, struct err *e)
{
	*ret = (struct delivery){0};
	get_id(q, &ret->id);
	get_id(q, &ret->job_id);
	ret->kind = get_text(q, NULL);
	ret->channel = get_text(q, NULL);
	ret->state = get_delivery_state(q);
	ret->attempt = (int)get_int(q);
	ret->may_repeat = get_int(q) != 0;
	ret->due_at = get_int(q);
	ret->created_at = get_int(q);
	ret->sent_at = get_int(q);
	ret->error = get_text(q, NULL);
	ret->message = get_text(q, NULL);
	return query_check(q, e);
}

static int delivery_each(
	struct query *q, void (*fn)(const struct delivery *d, void *ctx), void *ctx, struct err *e)
{
	int rc;

	while ((rc = query_next(q, e)) > 0) {
		CLEANUP(delivery_fini) struct delivery d;

		rc = delivery_read(q, &d, e);
		if (rc < 0)
			return rc;
		fn(&d, ctx);
	}
	return rc;
}

int store_delivery(struct store_db *db, const struct id *id, struct delivery *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	struct delivery d;
	int rc;

	query_open(&q, db, SLOT_GET_DELIVERY, DELIVERY_COLUMNS "WHERE id = ?");
	put_id(&q, id);
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_E_NOT_FOUND;
	rc = delivery_read(&q, &d, e);
	if (rc < 0)
		delivery_fini(&d);
	else
		*ret = d;
	return rc;
}

static int next_due(struct store_db *db, int64_t now_real, int64_t *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	query_open(&q, db, SLOT_DUE_NEXT,
		"SELECT due_at FROM deliveries INDEXED BY deliveries_due "
		"WHERE state = 'pending' AND due_at > ? ORDER BY due_at LIMIT 1");
	put_int(&q, now_real);
	rc = query_next(&q, e);
	if (rc < 0)
		return rc;
	*ret = rc > 0 ? get_int(&q) : 0;
	return 0;
}

int store_due_deliveries(struct store_db *db, int64_t now_real, size_t limit,
	void (*fn)(const struct delivery *d, void *ctx), void *ctx, int64_t *ret_next_due,
	struct err *e)
{
	CLEANUP(query_closep) struct query q;
	int rc;

	/* Messages to one channel about one job arrive in their order. */
	query_open(&q, db, SLOT_DUE,
		DELIVERY_COLUMNS
		"INDEXED BY deliveries_due WHERE state = 'pending' AND due_at <= ? AND NOT EXISTS ("
		"SELECT 1 FROM deliveries o WHERE o.job_id = d.job_id AND o.channel = d.channel "
		"AND o.seq < d.seq AND o.state IN ('scheduled','pending','sending')) "
		"ORDER BY due_at, seq LIMIT ?");
	put_int(&q, now_real);
	put_int(&q, (int64_t)limit);
	rc = delivery_each(&q, fn, ctx, e);
	return rc < 0 ? rc : next_due(db, now_real, ret_next_due, e);
}

int store_deliveries(struct store_db *db, const struct id *job_id, enum delivery_state state,
	size_t limit, void (*fn)(const struct delivery *d, void *ctx), void *ctx, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	const char *name = state < DELIVERY_STATES ? delivery_state_name(state) : NULL;

	if (job_id != NULL) {
		query_open(&q, db, SLOT_LIST_DELIVERIES_OF,
			DELIVERY_COLUMNS "WHERE job_id = ?1 AND (?2 IS NULL OR state = ?2) "
					 "ORDER BY seq DESC LIMIT ?3");
		put_id(&q, job_id);
		put_text(&q, name);
	} else if (name != NULL) {
		query_open(&q, db, SLOT_LIST_DELIVERIES_STATE,
			DELIVERY_COLUMNS "WHERE state = ? ORDER BY seq DESC LIMIT ?");
		put_text(&q, name);
	} else {
		query_open(
			&q, db, SLOT_LIST_DELIVERIES, DELIVERY_COLUMNS "ORDER BY seq DESC LIMIT ?");
	}
	put_int(&q, limit > 0 ? (int64_t)limit : LIST_LIMIT_DEFAULT);
	return delivery_each(&q, fn, ctx, e);
}
