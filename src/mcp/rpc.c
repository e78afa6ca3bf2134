/* SPDX-License-Identifier: MIT */
/*
 * mcp/rpc.c - JSON-RPC 2.0: from a message to its answer.
 *
 * A request has an id and is always answered; a notification has none and never is, whatever is
 * wrong with it. Answers that are sent to us are ignored, since we never ask. A batch is answered
 * by an array of the answers to its requests.
 *
 * What surprised us: the library below base/json.h refuses "\u0000" in a string, which is JSON all
 * the same. Whoever sends that waits for an answer to his id, so it is looked for by the scanner
 * that has no such limit.
 */
#include "base/scan.h"
#include "mcp/mcp_internal.h"

/* True when `id` is what a request may have: a text or a whole number. */
static bool set_id(struct js *answer, const struct js *id)
{
	int64_t number;

	if (js_str(id) != NULL)
		js_set_str(answer, "id", js_str(id));
	else if (js_int(id, &number))
		js_set_int(answer, "id", number);
	else
		return false;
	return true;
}

static struct js *answer_new(const struct js *id)
{
	struct js *answer = js_object();

	js_set_str(answer, "jsonrpc", "2.0");
	if (!set_id(answer, id))
		js_set_null(answer, "id");
	return answer;
}

static struct js *error_new(const struct js *id, int code, const char *text)
{
	struct js *answer = answer_new(id);
	struct js *error = js_object();

	js_set_int(error, "code", code);
	js_set_str(error, "message", text);
	js_set_take(answer, "error", error);
	return answer;
}

static bool is_id(const struct js *id)
{
	int64_t number;

	return js_str(id) != NULL || js_int(id, &number);
}

static bool is_answer(const struct js *message)
{
	return js_get(message, "method") == NULL &&
	       (js_get(message, "result") != NULL || js_get(message, "error") != NULL);
}

/* NULL, or what makes the message no request. */
static const char *request_fault(const struct js *message)
{
	if (!js_is_object(message))
		return "a message is a JSON object";
	if (js_get_str(message, "jsonrpc") == NULL ||
		!str_eq(js_get_str(message, "jsonrpc"), "2.0"))
		return "jsonrpc must be \"2.0\"";
	if (js_get_str(message, "method") == NULL)
		return "method must be a text";
	if (js_get(message, "id") != NULL && !is_id(js_get(message, "id")))
		return "id must be a text or a whole number";
	return NULL;
}

static struct js *run_method(struct mcp *m, const struct js *message)
{
	const struct js *id = js_get(message, "id");
	const struct js *params = js_get(message, "params");
	const struct method *method = method_find(js_get_str(message, "method"));
	struct js *result = NULL, *answer;
	struct err e = CLEAN_ERR;
	int rc;

	if (method == NULL)
		return error_new(id, RPC_NO_METHOD, "there is no method of that name");
	if (params != NULL && !js_is_object(params))
		return error_new(id, RPC_INVALID_PARAMS, "params must be an object");
	rc = method->run(m, params, &result, &e);
	if (rc != 0)
		return error_new(id, rc, e.text);
	answer = answer_new(id);
	js_set_take(answer, "result", result);
	return answer;
}

/* NULL when there is nothing to say. */
static struct js *answer_one(struct mcp *m, const struct js *message, bool is_in_batch)
{
	const struct js *id = js_get(message, "id");
	const char *fault = request_fault(message);

	if (is_answer(message))
		return NULL;
	if (fault != NULL)
		return error_new(id, RPC_INVALID_REQUEST, fault);
	if (id == NULL)
		return NULL;
	if (is_in_batch && str_eq(js_get_str(message, "method"), "initialize"))
		return error_new(id, RPC_INVALID_REQUEST, "initialize cannot be part of a batch");
	return run_method(m, message);
}

/* Revisions since 2025-06-18 have no batches. */
static struct js *answer_batch(struct mcp *m, const struct js *batch)
{
	CLEANUP(js_freep) struct js *answers = NULL;

	if (m->protocol != NULL && !m->protocol->has_batches)
		return error_new(
			NULL, RPC_INVALID_REQUEST, "this revision of the protocol has no batches");
	if (js_len(batch) == 0)
		return error_new(NULL, RPC_INVALID_REQUEST, "the batch is empty");
	answers = js_array();
	for (size_t i = 0; i < js_len(batch); i++) {
		struct js *answer = answer_one(m, js_at(batch, i), true);

		if (answer != NULL)
			js_add_take(answers, answer);
	}
	return js_len(answers) == 0 ? NULL : STEAL(answers);
}

/* The id of a message that is JSON but cannot be held, or NULL. */
static struct js *find_id(struct slice message)
{
	CLEANUP(scan_fini) struct scan index = SCAN_NULL_INDEX;
	const struct scan_node *id;
	struct slice raw;

	if (scan_parse(&index, message.p, message.n, NULL) != 0 ||
		index.nodes[0].type != SCAN_OBJECT)
		return NULL;
	id = scan_member(&index, &index.nodes[0], SLICE_LIT("id"));
	if (id == NULL || (id->type != SCAN_NUMBER && id->type != SCAN_STRING))
		return NULL;
	raw = id->raw;
	if (id->type == SCAN_STRING)
		raw = (struct slice){raw.p - 1, raw.n + 2}; /* with its quotes */
	return js_parse(raw.p, raw.n, NULL);
}

static struct js *answer_unreadable(struct slice message, const struct err *why)
{
	CLEANUP(js_freep) struct js *id = find_id(message);
	CLEANUP(freep) char *text = xasprintf("the message cannot be read: %s", why->text);

	return error_new(id, id == NULL ? RPC_PARSE_ERROR : RPC_INVALID_PARAMS, text);
}

static bool is_blank(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (strchr(" \t\r", s.p[i]) == NULL || s.p[i] == '\0')
			return false;
	return true;
}

static void write_line(struct buf *out, const struct js *answer)
{
	if (answer == NULL)
		return;
	js_write(out, answer);
	buf_add_char(out, '\n');
}

void mcp_answer(struct mcp *m, struct slice message, struct buf *out)
{
	CLEANUP(js_freep) struct js *read = NULL;
	CLEANUP(js_freep) struct js *answer = NULL;
	struct err e = CLEAN_ERR;

	if (is_blank(message))
		return;
	read = js_parse(message.p, message.n, &e);
	if (read == NULL)
		answer = answer_unreadable(message, &e);
	else if (js_is_array(read))
		answer = answer_batch(m, read);
	else
		answer = answer_one(m, read, false);
	write_line(out, answer);
}

void mcp_answer_too_long(struct buf *out)
{
	CLEANUP(freep)
	char *text = xasprintf("a message has at most %zu bytes", MCP_MESSAGE_MAX);
	CLEANUP(js_freep) struct js *answer = error_new(NULL, RPC_INVALID_REQUEST, text);

	write_line(out, answer);
}
