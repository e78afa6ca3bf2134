/* SPDX-License-Identifier: MIT */
/*
 * api/occurrences.c - the ledger of schedules: every instant and what became of it.
 */
#include <stdio.h>

#include "api/api-internal.h"

struct page {
	struct js *items;
	int64_t last; /* instant of the last row, 0 = none */
	size_t n;
};

struct js *occurrence_json(const struct occurrence *o, const char *pylon)
{
	struct js *j = js_object();

	js_set_str(j, "pylon", pylon_label(pylon));
	js_set_time(j, "at", o->at);
	js_set_time(j, "last", o->last);
	js_set_int(j, "count", o->count);
	js_set_str(j, "outcome", occurrence_outcome_name(o->outcome));
	js_set_str(j, "job_id", o->job_id.s[0] == '\0' ? NULL : o->job_id.s);
	js_set_str(j, "note", o->note);
	js_set_time(j, "decided_at", o->decided_at);
	js_set_int(j, "epoch", o->epoch);
	return j;
}

static void add_occurrence(const struct occurrence *o, const char *pylon, void *ctx)
{
	struct page *p = ctx;

	js_add_take(p->items, occurrence_json(o, pylon));
	p->last = o->at;
	p->n++;
}

/* GET /api/occurrences?pylon=&limit=&before= */
void occurrences_list(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(buf_fini) struct buf pylon = BUF_NULL;
	CLEANUP(buf_fini) struct buf before = BUF_NULL;
	bool has_pylon = http_request_query(req, "pylon", &pylon);
	struct page p = {0};
	struct err e = CLEAN_ERR;
	uint64_t at = 0;
	size_t limit;
	char next[32];

	(void)m;
	if (!api_query_limit(req, &limit))
		return;
	if (http_request_query(req, "before", &before) &&
		!slice_to_u64(buf_slice(&before), INT64_MAX, &at)) {
		api_refuse(req, 400, "invalid_request", "before is the number in \"next\"");
		return;
	}
	p.items = js_array();
	if (engine_list_occurrences(a->o.engine, has_pylon ? buf_str(&pylon) : NULL, (int64_t)at,
		    limit, add_occurrence, &p, &e) < 0) {
		js_free(p.items);
		api_refuse(req, 503, "store_unavailable", "%.150s", e.text);
		return;
	}
	(void)snprintf(next, sizeof(next), "%lld", (long long)p.last);
	api_respond_list(req, p.items, p.n == limit ? next : NULL);
}
