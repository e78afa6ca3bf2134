/* SPDX-License-Identifier: MIT */
/*
 * api/deliveries.c - the outbox: what is on its way, what is stuck, and sending it again.
 *
 * Only what is dead or unknown can be sent again, so the beginning of an id is looked for among
 * those.
 */
#include "api/api-internal.h"
#include "base/id.h"

static bool read_state(struct http_request *req, enum delivery_state *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	*ret = DELIVERY_STATES;
	if (!http_request_query(req, "state", &text) || text.n == 0)
		return true;
	if (delivery_state_from_name(buf_str(&text), ret))
		return true;
	api_refuse(req, 400, "invalid_request", "there is no delivery state of that name");
	return false;
}

static void add_delivery(const struct delivery *d, const char *pylon, void *ctx)
{
	js_add_take(ctx, delivery_json(d, pylon));
}

void deliveries_list(struct api *a, struct http_request *req, const struct route_match *m)
{
	struct js *items;
	enum delivery_state state;
	struct err e = CLEAN_ERR;
	size_t limit;

	(void)m;
	if (!read_state(req, &state) || !api_query_limit(req, &limit))
		return;
	items = js_array();
	if (engine_list_deliveries(a->o.engine, state, limit, add_delivery, items, &e) < 0) {
		js_free(items);
		api_refuse(
			req, 503, "store_unavailable", "the list cannot be read: %.100s", e.text);
		return;
	}
	api_respond_list(req, items, NULL);
}

struct search {
	struct slice prefix;
	struct id found;
	size_t count;
};

static void look_at(const struct delivery *d, const char *pylon, void *ctx)
{
	struct search *s = ctx;

	(void)pylon;
	if (strncmp(d->id.s, s->prefix.p, s->prefix.n) != 0)
		return;
	s->found = d->id;
	s->count++;
}

/* A whole id is taken as it is, so that the engine can say what is wrong with it. */
static int find_delivery(struct api *a, struct slice id, struct search *s, struct err *e)
{
	static const enum delivery_state stuck[] = {DELIVERY_DEAD, DELIVERY_UNKNOWN};
	int r = 0;

	*s = (struct search){.prefix = id};
	if (id_is_valid(id)) {
		(void)memcpy(s->found.s, id.p, id.n);
		s->count = 1;
		return 0;
	}
	for (size_t i = 0; r == 0 && id_is_prefix(id) && i < ARRAY_LEN(stuck); i++)
		r = engine_list_deliveries(a->o.engine, stuck[i], LIST_LIMIT_MAX, look_at, s, e);
	return r;
}

void deliveries_redeliver(struct api *a, struct http_request *req, const struct route_match *m)
{
	struct search s;
	struct err e = CLEAN_ERR;

	if (find_delivery(a, m->args[0], &s, &e) < 0)
		api_refuse(
			req, 503, "store_unavailable", "the list cannot be read: %.100s", e.text);
	else if (s.count == 0)
		api_refuse(req, 404, "not_found",
			"no delivery that is dead or unknown has an id that begins like this");
	else if (s.count > 1)
		api_refuse(req, 409, "ambiguous", "several deliveries begin like this");
	else
		engine_redeliver(a->o.engine, &s.found, api_answered, req);
}
