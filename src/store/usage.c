/* SPDX-License-Identifier: MIT */
/*
 * What runs used: money and the tokens that a model API counted.
 *
 * The numbers come from an agent's own file and may be anything. What is written is never negative
 * and never infinite, and adding up stops at the largest number, so that every sum can be shown; a
 * sum in SQL would fail there ("integer overflow").
 *
 * The jobs of older versions have a cost in their row and no rows here.
 */
#include <math.h>

#include "store/store_internal.h"

/* No run costs that. The sum over all runs that a database can hold stays finite. */
#define COST_MAX 1e9

double usage_cost(double told)
{
	return isfinite(told) && told > 0 ? MIN_OF(told, COST_MAX) : 0;
}

static int64_t tokens(int64_t told)
{
	return MAX_OF(told, 0);
}

static int64_t add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

int usage_add(struct store_db *db, const struct id *run_id, double cost_usd, const struct usage *u,
	struct err *e)
{
	CLEANUP(query_closep) struct query q = QUERY_NULL;
	double cost = usage_cost(cost_usd);

	if (cost <= 0 && u->input_tokens <= 0 && u->output_tokens <= 0 &&
		u->cache_read_tokens <= 0 && u->cache_write_tokens <= 0)
		return 0;
	query_open(&q, db, SLOT_USAGE_ADD,
		"INSERT INTO usage(run_id, cost_usd, input_tokens, output_tokens, "
		"cache_read_tokens, cache_write_tokens) VALUES(?, ?, ?, ?, ?, ?)");
	put_id(&q, run_id);
	put_real(&q, cost);
	put_int(&q, tokens(u->input_tokens));
	put_int(&q, tokens(u->output_tokens));
	put_int(&q, tokens(u->cache_read_tokens));
	put_int(&q, tokens(u->cache_write_tokens));
	return query_exec(&q, e);
}

int usage_sum(struct store_db *db, const struct id *job_id, struct usage *ret, struct err *e)
{
	CLEANUP(query_closep) struct query q;
	struct usage sum = {0};
	int rc;

	query_open(&q, db, SLOT_GET_USAGE,
		"SELECT input_tokens, output_tokens, cache_read_tokens, cache_write_tokens "
		"FROM runs CROSS JOIN usage ON run_id = id WHERE job_id = ?");
	put_id(&q, job_id);
	while ((rc = query_next(&q, e)) > 0) {
		sum.input_tokens = add(sum.input_tokens, get_int(&q));
		sum.output_tokens = add(sum.output_tokens, get_int(&q));
		sum.cache_read_tokens = add(sum.cache_read_tokens, get_int(&q));
		sum.cache_write_tokens = add(sum.cache_write_tokens, get_int(&q));
	}
	if (rc == 0)
		*ret = sum;
	return rc;
}
