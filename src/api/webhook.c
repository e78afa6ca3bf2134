/* SPDX-License-Identifier: MIT */
/*
 * api/webhook.c - a sender's POST goes to the engine, the engine's verdict goes back.
 *
 * The request is kept until the engine has committed, even when the sender has long gone: the
 * server then drops the answer, and the job is made all the same. The failpoints around the answer
 * are where a sender sees nothing although the job is safe, and must send again.
 */
#include "api/api-internal.h"
#include "base/failpoint.h"

void webhook_count(struct api *a, int status)
{
	if (status > 0 && status < API_STATUS_MAX)
		a->webhook_answers[status]++;
}

static void answered(void *ctx, const struct answer *answer)
{
	struct http_request *req = ctx;
	struct api *a = http_request_data(req);

	webhook_count(a, answer->status);
	failpoint(FP_answer_before);
	http_respond_answer(req, answer);
	failpoint(FP_answer_after);
}

void webhook_handle(struct api *a, struct http_request *req)
{
	http_request_set_data(req, a);
	engine_webhook(a->o.engine, http_request_inbound(req), answered, req);
}
