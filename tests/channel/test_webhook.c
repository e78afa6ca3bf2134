/* SPDX-License-Identifier: MIT */
/*
 * tests/channel/test_webhook.c - the webhook channel against a server of ours on the same loop.
 */
#include <errno.h>

#include "channel/channel_internal.h"
#include "http/http.h"
#include "lib/t.h"
#include "signature/signature.h"

#define DELIVERY "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
#define SECRET   "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define MESSAGE                                                                                    \
	"{\"kind\":\"result\",\"job\":{\"id\":\"1a2b3c4d-0000-4000-8000-000000000000\","           \
	"\"pylon\":\"gh\",\"state\":\"completed\",\"exit_code\":0},"                               \
	"\"topic\":\"gh -- x\",\"text\":\"all good\"}"

struct world {
	struct loop *loop;
	struct http_client *client;
	struct http_server *server;
	struct channel *channel;
	char *url;
	/* what the server answers */
	int status;
	const char *header, *answer;
	bool is_mute;
	struct http_request *held;
	/* what it got */
	unsigned requests;
	struct buf body, headers;
	char *id, *timestamp, *signature;
	/* what the channel told */
	unsigned reports;
	struct id delivery_id;
	enum channel_outcome outcome;
	int64_t retry_after_us;
	char *text;
};

static char *header_of(struct http_request *r, const char *name)
{
	struct slice value;

	return http_request_header(r, name, &value) ? slice_dup(value) : NULL;
}

static int admit(void *ctx UNUSED, struct http_request *r UNUSED, size_t *ret_max_body,
	struct answer *ret_answer UNUSED)
{
	*ret_max_body = MIB(1);
	return 0;
}

static void handle(void *ctx, struct http_request *r)
{
	struct world *w = ctx;
	const char *headers[] = {w->header, NULL};

	w->requests++;
	buf_clear(&w->body);
	buf_add_slice(&w->body, http_request_inbound(r)->body);
	free(w->id);
	free(w->timestamp);
	free(w->signature);
	w->id = header_of(r, "webhook-id");
	w->timestamp = header_of(r, "webhook-timestamp");
	w->signature = header_of(r, "webhook-signature");
	buf_clear(&w->headers);
	for (size_t i = 0; i < http_request_inbound(r)->field_count; i++) {
		const struct inbound_field *f = &http_request_inbound(r)->fields[i];

		buf_printf(&w->headers, "%.*s: %.*s\n", SLICE_ARG(f->name), SLICE_ARG(f->value));
	}
	if (w->is_mute)
		w->held = r;
	else
		http_respond(r, w->status, "text/plain", slice_of(w->answer), headers);
}

static void on_done(void *ctx, const struct id *id, const struct channel_report *r)
{
	struct world *w = ctx;

	w->reports++;
	w->delivery_id = *id;
	w->outcome = r->outcome;
	w->retry_after_us = r->retry_after_us;
	free(w->text);
	w->text = xstrdup_or_null(r->text);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct http_handlers h = {.admit = admit, .handle = handle, .ctx = w};
	struct err e = CLEAN_ERR;
	uint16_t port = 0;

	w->loop = loop_new(&e);
	assert_non_null(w->loop);
	w->client = http_client_new(w->loop, &e);
	w->server = http_server_new(w->loop, &h, &e);
	assert_int_equal(http_listen_tcp(w->server, "127.0.0.1", 0, &port, &e), 0);
	w->channel = channel_new(w->loop, w->client, -1, on_done, w);
	w->url = xasprintf("http://127.0.0.1:%u/hook?x=1", port);
	w->status = 200;
	w->answer = "thanks";
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	w->channel->ops->free(w->channel);
	if (w->held != NULL)
		http_respond(w->held, 200, NULL, SLICE_NULL, NULL);
	http_server_free(w->server);
	http_client_free(w->client);
	loop_free(w->loop);
	buf_fini(&w->body);
	buf_fini(&w->headers);
	free(w->url);
	free(w->id);
	free(w->timestamp);
	free(w->signature);
	free(w->text);
	free(w);
	return 0;
}

static struct channel_target target_of(const struct world *w)
{
	return (struct channel_target){.type = "webhook", .url = w->url, .allow_private = true};
}

static void deliver(struct world *w, const struct channel_target *to, const char *message)
{
	struct channel_message m = {
		.delivery_id = {DELIVERY}, .kind = "result", .message = message, .attempt = 1};
	unsigned before = w->reports;

	w->channel->ops->send(w->channel, to, &m);
	assert_int_equal(w->reports, before);
	for (int i = 0; i < 1000 && w->reports == before; i++)
		(void)loop_turn(w->loop, 20 * US_PER_MS);
	assert_int_equal(w->reports, before + 1);
	assert_string_equal(w->delivery_id.s, DELIVERY);
}

static void expect(struct world *w, int status, enum channel_outcome outcome)
{
	struct channel_target to = target_of(w);

	w->status = status;
	deliver(w, &to, MESSAGE);
	if (w->outcome != outcome)
		fail_msg("status %d: outcome %d, not %d", status, w->outcome, outcome);
}

static void message_arrives_as_json(void **state)
{
	struct world *w = *state;
	struct js *body;

	expect(w, 204, CHANNEL_SENT);
	assert_null(w->text);
	assert_string_equal(w->id, DELIVERY);
	assert_non_null(w->timestamp);
	assert_null(w->signature);
	assert_non_null(strcasestr(buf_str(&w->headers), "content-type: application/json\n"));
	body = js_parse(w->body.p, w->body.n, NULL);
	assert_string_equal(js_get_str(body, "type"), "job.completed");
	assert_non_null(js_get_str(body, "timestamp"));
	assert_string_equal(js_get_str(js_get(body, "data"), "pylon"), "gh");
	assert_string_equal(js_get_str(js_get(body, "data"), "text"), "all good");
	assert_string_equal(js_get_str(js_get(body, "data"), "topic"), "gh -- x");
	assert_int_equal(js_get_int(js_get(body, "data"), "exit_code", -1), 0);
	js_free(body);
}

static void type_follows_the_kind(void **state)
{
	static const char *const rows[][2] = {{"result", "\"type\":\"job.completed\""},
		{"approval", "\"type\":\"job.approval_requested\""},
		{"notice", "\"type\":\"job.notice\""}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct channel_message m = {.kind = rows[i][0], .message = MESSAGE};
		struct buf out = BUF_NULL;

		assert_true(webhook_body(&out, &m, US_PER_SEC));
		assert_non_null(strstr(out.p, rows[i][1]));
		buf_fini(&out);
	}
}

static size_t signed_header(void *ctx, const char *name, struct slice *ret_value)
{
	struct world *w = ctx;

	if (str_eq(name, "webhook-id"))
		*ret_value = slice_of(w->id);
	else if (str_eq(name, "webhook-timestamp"))
		*ret_value = slice_of(w->timestamp);
	else if (str_eq(name, "webhook-signature"))
		*ret_value = slice_of(w->signature);
	else
		return 0;
	return 1;
}

static void signature_verifies(void **state)
{
	struct world *w = *state;
	struct channel_target to = target_of(w);
	struct strv secrets = STRV_NULL;
	struct signature *s = NULL;

	to.secret = SECRET;
	deliver(w, &to, MESSAGE);
	assert_int_equal(w->outcome, CHANNEL_SENT);
	assert_non_null(w->signature);
	strv_add(&secrets, SECRET);
	assert_int_equal(signature_new(&s, SIGNATURE_STANDARD, NULL, &secrets, -1, NULL), 0);
	assert_int_equal(
		signature_verify(s, signed_header, w, buf_slice(&w->body), loop_real(w->loop)), 0);
	w->body.p[5] ^= 1;
	assert_int_equal(
		signature_verify(s, signed_header, w, buf_slice(&w->body), loop_real(w->loop)),
		SIGNATURE_E_BAD_SIGNATURE);
	signature_free(s);
	strv_fini(&secrets);
}

static void extra_headers_are_sent_but_not_over_ours(void **state)
{
	struct world *w = *state;
	struct channel_target to = target_of(w);
	struct strv headers = STRV_NULL;

	strv_add(&headers, "X-Token: t1");
	strv_add(&headers, "Webhook-Id: forged");
	strv_add(&headers, "content-length: 3");
	to.headers = &headers;
	deliver(w, &to, MESSAGE);
	assert_int_equal(w->outcome, CHANNEL_SENT);
	assert_non_null(strstr(buf_str(&w->headers), "X-Token: t1\n"));
	assert_string_equal(w->id, DELIVERY);
	assert_null(strstr(buf_str(&w->headers), "forged"));
	strv_fini(&headers);
}

static void statuses_decide(void **state)
{
	struct world *w = *state;

	expect(w, 200, CHANNEL_SENT);
	expect(w, 299, CHANNEL_SENT);
	expect(w, 301, CHANNEL_DEAD);
	expect(w, 307, CHANNEL_DEAD);
	expect(w, 400, CHANNEL_DEAD);
	expect(w, 401, CHANNEL_DEAD);
	expect(w, 403, CHANNEL_DEAD);
	expect(w, 404, CHANNEL_DEAD);
	expect(w, 408, CHANNEL_RETRY);
	expect(w, 410, CHANNEL_DEAD);
	assert_non_null(strstr(w->text, "410"));
	assert_non_null(strstr(w->text, "thanks"));
	expect(w, 425, CHANNEL_RETRY);
	expect(w, 429, CHANNEL_RETRY);
	expect(w, 500, CHANNEL_RETRY);
	expect(w, 503, CHANNEL_RETRY);
	expect(w, 599, CHANNEL_RETRY);
	assert_int_equal(w->requests, 15);
}

static void wish_of_the_receiver_is_told(void **state)
{
	struct world *w = *state;

	expect(w, 503, CHANNEL_RETRY);
	assert_int_equal(w->retry_after_us, -1);
	w->header = "Retry-After: 30";
	expect(w, 429, CHANNEL_RETRY);
	assert_int_equal(w->retry_after_us, 30 * US_PER_SEC);
}

static void refusal_is_shown_safely(void **state)
{
	struct world *w = *state;

	w->answer = "no \x1b[2Jsuch hook\nsecond line";
	expect(w, 410, CHANNEL_DEAD);
	assert_non_null(strstr(w->text, ": no such hook"));
	assert_null(strstr(w->text, "second"));
}

static void silence_after_sending_is_unknown(void **state)
{
	struct world *w = *state;
	struct channel_target to = target_of(w);

	container_of(w->channel, struct channels, base)->timeout_us = 100 * US_PER_MS;
	w->is_mute = true;
	deliver(w, &to, MESSAGE);
	assert_int_equal(w->requests, 1);
	assert_int_equal(w->outcome, CHANNEL_UNKNOWN);
	assert_non_null(w->text);
}

static void nobody_there_is_worth_a_retry(void **state)
{
	struct world *w = *state;
	struct channel_target to = target_of(w);

	http_server_stop_listening(w->server);
	deliver(w, &to, MESSAGE);
	assert_int_equal(w->outcome, CHANNEL_RETRY);
}

static void private_address_is_refused(void **state)
{
	struct world *w = *state;
	struct channel_target to = target_of(w);

	to.allow_private = false;
	deliver(w, &to, MESSAGE);
	assert_int_equal(w->outcome, CHANNEL_DEAD);
	assert_int_equal(w->requests, 0);
	assert_non_null(strstr(w->text, "allow_private"));
}

static void unreadable_message_is_dead(void **state)
{
	struct world *w = *state;
	struct channel_target to = target_of(w);

	deliver(w, &to, "{\"job\":3}");
	assert_int_equal(w->outcome, CHANNEL_DEAD);
	deliver(w, &to, "not json");
	assert_int_equal(w->outcome, CHANNEL_DEAD);
	assert_int_equal(w->requests, 0);
}

static void unknown_type_is_dead(void **state)
{
	struct world *w = *state;
	struct channel_target to = {.type = "pigeon"};

	deliver(w, &to, MESSAGE);
	assert_int_equal(w->outcome, CHANNEL_DEAD);
}

static void freeing_ends_what_is_under_way(void **state)
{
	struct world *w = *state;
	struct channel_target to = target_of(w);
	struct channel_message m = {
		.delivery_id = {DELIVERY}, .kind = "result", .message = MESSAGE};

	w->channel->ops->send(w->channel, &to, &m);
	(void)loop_turn(w->loop, 0);
	w->channel->ops->free(w->channel);
	for (int i = 0; i < 10; i++)
		(void)loop_turn(w->loop, US_PER_MS);
	assert_int_equal(w->reports, 0);
	w->channel = channel_new(w->loop, w->client, -1, on_done, w);
}

static bool is_valid(const char *type, const char *url, const char *secret, const char *header)
{
	struct strv headers = STRV_NULL;
	struct channel_target to = {
		.type = type, .url = url, .secret = secret, .headers = &headers};
	struct err e = CLEAN_ERR;
	bool ok;

	if (header != NULL)
		strv_add(&headers, header);
	ok = channel_target_is_valid(&to, &e);
	assert_true(ok || e.text[0] != '\0');
	strv_fini(&headers);
	return ok;
}

static void targets_are_checked(void **state)
{
	(void)state;
	assert_true(is_valid("stdout", NULL, NULL, NULL));
	assert_true(is_valid("webhook", "https://example.com/x", NULL, NULL));
	assert_true(is_valid("webhook", "HTTP://h", SECRET, "X-A: b"));
	assert_false(is_valid(NULL, NULL, NULL, NULL));
	assert_false(is_valid("telegram", NULL, NULL, NULL));
	assert_false(is_valid("webhook", NULL, NULL, NULL));
	assert_false(is_valid("webhook", "", NULL, NULL));
	assert_false(is_valid("webhook", "ftp://h/", NULL, NULL));
	assert_false(is_valid("webhook", "file:///etc/passwd", NULL, NULL));
	assert_false(is_valid("webhook", "https://", NULL, NULL));
	assert_false(is_valid("webhook", "https:///x", NULL, NULL));
	assert_false(is_valid("webhook", "https://h/a b", NULL, NULL));
	assert_false(is_valid("webhook", "https://h/\r\nX: y", NULL, NULL));
	assert_false(is_valid("webhook", "https://h/", "", NULL));
	assert_false(is_valid("webhook", "https://h/", "whsec_!!", NULL));
	assert_false(is_valid("webhook", "https://h/", NULL, "no colon"));
	assert_false(is_valid("webhook", "https://h/", NULL, ": empty"));
	assert_false(is_valid("webhook", "https://h/", NULL, "X: a\r\nY: b"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(message_arrives_as_json),
		cmocka_unit_test(type_follows_the_kind),
		T(signature_verifies),
		T(extra_headers_are_sent_but_not_over_ours),
		T(statuses_decide),
		T(wish_of_the_receiver_is_told),
		T(refusal_is_shown_safely),
		T(silence_after_sending_is_unknown),
		T(nobody_there_is_worth_a_retry),
		T(private_address_is_refused),
		T(unreadable_message_is_dead),
		T(unknown_type_is_dead),
		T(freeing_ends_what_is_under_way),
		cmocka_unit_test(targets_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
