/* SPDX-License-Identifier: MIT */
/*
 * api/routes.c - every path of the program that is not a webhook's, in one table.
 *
 * Patterns are matched segment by segment:
 *
 *   :job    a whole job id         :token  the secret of a run
 *   :name   a pylon's name         :id     an id or the beginning of one (the handler judges it)
 *   *       (last) anything, also nothing
 *
 * The first matching row counts. A "*" row below an area answers for what the area does not have,
 * at the door that belongs to the area: so a stranger cannot learn by 404 against 401 what exists.
 *
 * What surprised us: the path arrives percent-decoded, so "/callback/..%2f..%2fx" looks as if it
 * had more segments than the sender wrote. No name of ours needs an escape; a path with one
 * matches "*" rows only.
 */
#include "api/api-internal.h"
#include "base/id.h"

#define GET        "GET, HEAD"
#define STREAM     "GET"
#define POST       "POST"
#define ANY_METHOD ""

const struct route api_routes[] = {
	{GET, "/healthz", DOOR_OPEN, 0, health_live, 0},
	{GET, "/readyz", DOOR_OPEN, 0, health_ready, 0},
	{POST, "/callback/:job/:token", DOOR_OPEN, CALLBACK_MAX, callback_report, 0},
	{POST, "/callback/*", DOOR_OPEN, 0, NULL, 0},
	{POST, "/hooks/:job/:token", DOOR_OPEN, CALLBACK_MAX, callback_hook, 0},
	{POST, "/hooks/*", DOOR_OPEN, 0, NULL, 0},

	{GET, "/metrics", DOOR_API, 0, metrics_get, 0},
	{POST, "/trigger/:name", DOOR_API, API_BODY_MAX, pylons_trigger, 0},
	{ANY_METHOD, "/trigger/*", DOOR_API, 0, NULL, 0},
	{GET, "/api/daemon", DOOR_API, 0, daemon_get, 0},
	{POST, "/api/daemon/stop", DOOR_API, API_BODY_MAX, daemon_stop, 0},
	{POST, "/api/daemon/reload", DOOR_API, API_BODY_MAX, daemon_reload, 0},
	{GET, "/api/pylons", DOOR_API, 0, pylons_list, 0},
	{GET, "/api/pylons/:name", DOOR_API, 0, pylons_one, 0},
	{POST, "/api/pylons/:name/trigger", DOOR_API, API_BODY_MAX, pylons_trigger, 0},
	{POST, "/api/pylons/:name/enable", DOOR_API, API_BODY_MAX, pylons_enable, true},
	{POST, "/api/pylons/:name/disable", DOOR_API, API_BODY_MAX, pylons_enable, false},
	{GET, "/api/occurrences", DOOR_API, 0, occurrences_list, 0},
	{GET, "/api/schedule/next", DOOR_API, 0, schedule_next_get, 0},
	{POST, "/api/template/render", DOOR_API, API_BODY_MAX, template_render_post, 0},
	{GET, "/api/jobs", DOOR_API, 0, jobs_list, 0},
	{GET, "/api/jobs/:id", DOOR_API, 0, jobs_one, 0},
	{GET, "/api/jobs/:id/explain", DOOR_API, 0, jobs_explain, 0},
	{STREAM, "/api/jobs/:id/log", DOOR_API, 0, log_get, 0},
	{POST, "/api/jobs/:id/kill", DOOR_API, API_BODY_MAX, jobs_decide, ENGINE_KILL},
	{POST, "/api/jobs/:id/retry", DOOR_API, API_BODY_MAX, jobs_decide, ENGINE_RETRY},
	{POST, "/api/jobs/:id/approve", DOOR_API, API_BODY_MAX, jobs_decide, ENGINE_APPROVE},
	{POST, "/api/jobs/:id/dismiss", DOOR_API, API_BODY_MAX, jobs_decide, ENGINE_DISMISS},
	{POST, "/api/jobs/:id/reply", DOOR_API, API_BODY_MAX, talk_reply, 0},
	{GET, "/api/jobs/:id/attach", DOOR_API, 0, talk_attach, 0},
	{GET ", " POST, "/api/executions", DOOR_API, API_BODY_MAX, executions_root, 0},
	{GET, "/api/executions/:id", DOOR_API, 0, executions_one, 0},
	{STREAM, "/api/executions/:id/log", DOOR_API, 0, log_get, true},
	{STREAM, "/api/executions/:id/events", DOOR_API, 0, events_of_execution, 0},
	{POST, "/api/executions/:id/cancel", DOOR_API, API_BODY_MAX, executions_cancel, 0},
	{POST, "/api/executions/:id/rerun", DOOR_API, API_BODY_MAX, executions_rerun, 0},
	{POST, "/api/executions/:id/follow-up", DOOR_API, API_BODY_MAX, executions_follow_up, 0},
	{GET, "/api/deliveries", DOOR_API, 0, deliveries_list, 0},
	{POST, "/api/deliveries/:id/redeliver", DOOR_API, API_BODY_MAX, deliveries_redeliver, 0},
	{STREAM, "/api/events", DOOR_API, 0, events_get, 0},
	{ANY_METHOD, "/api/*", DOOR_API, 0, NULL, 0},
	{ANY_METHOD, "/", DOOR_API, 0, NULL, 0},
};
const size_t api_route_count = ARRAY_LEN(api_routes);

static bool is_token(struct slice s)
{
	if (s.n != TOKEN_SIZE - 1)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

static bool kind_accepts(struct slice kind, struct slice segment)
{
	if (slice_eq_str(kind, ":job"))
		return id_is_valid(segment);
	if (slice_eq_str(kind, ":token"))
		return is_token(segment);
	if (slice_eq_str(kind, ":name"))
		return name_is_valid(segment);
	return segment.n > 0 && segment.n < ID_SIZE;
}

/* Cuts "/segment" off the front; s begins with a slash. */
static struct slice take_segment(struct slice *s)
{
	size_t n = 1;
	struct slice segment;

	while (n < s->n && s->p[n] != '/')
		n++;
	segment = (struct slice){s->p + 1, n - 1};
	s->p += n;
	s->n -= n;
	return segment;
}

static bool pattern_matches(
	const char *text, bool has_escapes, struct slice path, struct slice args[ROUTE_ARGS_MAX])
{
	struct slice pattern = slice_of(text);
	size_t n = 0;

	while (pattern.n > 0 && path.n > 0 && path.p[0] == '/') {
		struct slice want = take_segment(&pattern);
		struct slice have;

		if (slice_eq_str(want, "*"))
			return true;
		have = take_segment(&path);
		if (!slice_has_prefix(want, ":")) {
			if (!slice_eq(want, have))
				return false;
			continue;
		}
		if (!kind_accepts(want, have))
			return false;
		must(n < ROUTE_ARGS_MAX);
		args[n++] = have;
	}
	return pattern.n == 0 && path.n == 0 && !has_escapes;
}

bool route_find(struct slice path, bool has_escapes, struct route_match *ret)
{
	for (size_t i = 0; i < api_route_count; i++) {
		*ret = (struct route_match){.route = &api_routes[i]};
		if (pattern_matches(api_routes[i].pattern, has_escapes, path, ret->args))
			return true;
	}
	return false;
}

/* `methods` is "GET, HEAD". */
bool route_allows(const struct route *r, struct slice method)
{
	const char *p = r->methods;

	if (*p == '\0')
		return true;
	while (*p != '\0') {
		size_t n = strcspn(p, ", ");

		if (slice_eq(method, (struct slice){p, n}))
			return true;
		p += n;
		p += strspn(p, ", ");
	}
	return false;
}
