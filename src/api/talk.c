/* SPDX-License-Identifier: MIT */
/*
 * api/talk.c - talking to a job: the next message in its conversation, and where a shell in its
 * container can be had.
 *
 * The daemon carries no terminal: it names the container engine's socket and the container, and
 * the command line talks to the engine itself, as the user who typed it. So a shell needs the right
 * to use the engine, which a token of this API does not give; and somebody on another machine has
 * no use for the path of a socket here.
 */
#include "api/api-internal.h"

/* POST /api/jobs/:id/reply {"text":"...","by":"..."} */
void talk_reply(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(job_fini) struct job j = {0};
	CLEANUP(js_freep) struct js *body = api_body(req);
	CLEANUP(freep) char *by = NULL;
	const char *text = js_get_str(body, "text");

	if (body == NULL)
		return;
	if (text == NULL) {
		api_refuse(req, 400, "invalid_request",
			"send {\"text\":\"...\"}: what the agent is to be told");
		return;
	}
	if (!api_find_job(a, req, m->args[0], &j))
		return;
	by = api_decider(req, body);
	engine_reply(a->o.engine, &j.id, slice_of(text), by, api_answered, req);
}

static void refuse_attach(struct http_request *req, const struct job *j, int why)
{
	if (why == STORE_E_NOT_FOUND)
		api_refuse(req, 409, "conflict",
			"the job is %s: it has no running container to attach to",
			job_state_name(j->state));
	else
		api_refuse(req, 503, "engine_unavailable",
			"there is no container engine just now: `pylon status` says why");
}

/* GET /api/jobs/:id/attach */
void talk_attach(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(job_fini) struct job j = {0};
	CLEANUP(buf_fini) struct buf socket = BUF_NULL;
	CLEANUP(buf_fini) struct buf container = BUF_NULL;
	CLEANUP(js_freep) struct js *o = NULL;
	int r;

	if (!http_request_is_local(req)) {
		api_refuse(req, 403, "forbidden",
			"a shell in a container is to be had on the daemon's own machine only");
		return;
	}
	if (!api_find_job(a, req, m->args[0], &j))
		return;
	r = engine_job_container(a->o.engine, &j.id, &socket, &container);
	if (r != 0) {
		refuse_attach(req, &j, r);
		return;
	}
	o = js_object();
	js_set_str(o, "job_id", j.id.s);
	js_set_str(o, "socket", buf_str(&socket));
	js_set_str(o, "container", buf_str(&container));
	api_respond_json(req, 200, o);
}
