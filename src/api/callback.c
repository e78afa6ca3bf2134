/* SPDX-License-Identifier: MIT */
/*
 * api/callback.c - agents in their containers report here.
 *
 * The table of routes lets only the exact shape /callback/<job id>/<32 hex digits> through; whether
 * the token is that of a living run of that job, only the engine knows. Whoever guesses learns
 * nothing: a wrong token, a wrong job and a wrong shape are the same 404.
 */
#include "api/api-internal.h"

void callback_report(struct api *a, struct http_request *req, const struct route_match *m)
{
	engine_report(a->o.engine, m->args[0], m->args[1], http_request_inbound(req)->body,
		api_answered, req);
}

void callback_hook(struct api *a, struct http_request *req, const struct route_match *m)
{
	engine_tool_event(a->o.engine, m->args[0], m->args[1], http_request_inbound(req)->body,
		api_answered, req);
}
