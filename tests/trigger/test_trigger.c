/* SPDX-License-Identifier: MIT */
/*
 * tests/trigger/test_trigger.c - the webhook door: which requests become which event, and how the
 * others are answered.
 */
#include "base/crypto.h"
#include "base/json.h"
#include "trigger/trial.h"

#define STD_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define STD_BODY   "{\"test\": 2432232314}"
#define STD_LINES                                                                                  \
	"webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp: 1614265330",               \
		"webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define SVIX_LINES                                                                                 \
	"svix-id: msg_p5jXN8AQM9LWM0D4loKWxJek", "svix-timestamp: 1614265330",                     \
		"svix-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

/* --- configuration --- */

static void paths_of_our_own_are_reserved(void **state)
{
	static const char *const bad[] = {"", "hook", "http://x/hook", "/", "/healthz", "/readyz",
		"/metrics", "/callback/", "/callback/x", "/hooks/a", "/trigger/x", "/api/jobs",
		"/api/", "/approve/x", "/a b", "/a?b", "/a#b", "/a\nb", "/a\x7f"};
	static const char *const good[] = {"/hook", "/webhook/x", "/apix", "/healthz/x",
		"/metrics2", "/api", "/x/api/", "/Callback/x", "/\xc3\xa9"};
	struct err e = CLEAN_ERR;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct route_config c = {.path = bad[i], .max_body = 1};
		struct route *r = NULL;

		assert_false(route_path_is_allowed(bad[i], &e));
		assert_true(route_new(&r, &c, &e) < 0);
		assert_true(str_has_prefix(e.text, "trigger.path: "));
	}
	assert_false(route_path_is_allowed(NULL, &e));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(route_path_is_allowed(good[i], &e));
}

static void route_with_unusable_secret_is_refused(void **state)
{
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;
	struct route_config c = {.path = "/hook", .secrets = &secrets, .tolerance_us = -1};
	struct route *r = NULL;
	struct err e = CLEAN_ERR;

	(void)state;
	c.recipe = SIGNATURE_GITHUB;
	assert_true(route_new(&r, &c, &e) < 0);
	assert_string_equal(e.text, "trigger.secret: there is no secret");
	strv_add(&secrets, "${UNSET}");
	assert_true(route_new(&r, &c, &e) < 0);
	c.recipe = SIGNATURE_HEX;
	assert_true(route_new(&r, &c, &e) < 0);
	assert_true(str_has_prefix(e.text, "trigger.signature: "));
	/* A secret that nobody would look at must not pass for protection. */
	c.recipe = SIGNATURE_NONE;
	assert_true(route_new(&r, &c, &e) < 0);
	assert_null(r);
	route_free(NULL);
}

static void route_keeps_its_own_copies(void **state)
{
	char path[] = "/hook";
	struct route_config c = {.path = path, .max_body = 7};
	CLEANUP(trial_fini) struct trial t = trial_of(&c);

	(void)state;
	path[1] = 'X';
	assert_string_equal(route_path(t.route), "/hook");
	assert_int_equal(route_max_body(t.route), 7);
}

/* --- the head --- */

static void only_post_is_admitted(void **state)
{
	static const char *const others[] = {
		"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post"};
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	assert_int_equal(ADMIT(&t, "POST", "Host: x"), 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_int_equal(ADMIT(&t, others[i], "Host: x"), 405);
		assert_string_equal(t.answer.code, "method_not_allowed");
		assert_string_equal(t.answer.allow, "POST, OPTIONS");
	}
}

static void announced_length_above_the_limit_is_refused_before_the_type(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	assert_int_equal(ADMIT(&t, "POST", "Content-Length: 65535"), 0);
	assert_int_equal(ADMIT(&t, "POST", "Content-Length: 65536"), 0);
	assert_int_equal(ADMIT(&t, "POST", "Content-Length: 65537"), 413);
	assert_string_equal(t.answer.code, "too_large");
	assert_int_equal(
		ADMIT(&t, "POST", "Content-Length: 65537", "Content-Type: image/png"), 413);
}

static void media_types_are_json_forms_and_text_in_utf8(void **state)
{
	static const char *const good[] = {"", "application/json", "Application/JSON",
		"application/json; charset=utf-8", "application/json;charset=\"UTF-8\"",
		"application/json; charset=utf8", "application/json;",
		"application/cloudevents+json",
		"application/vnd.github.v3+json; param=\"a;charset=latin1\"", "model/x+JSON",
		"application/x-www-form-urlencoded", "text/plain", "text/html; charset=utf-8",
		"application/json ; version=1 ; charset = utf-8"};
	static const char *const bad[] = {"json", "application", "application/xml", "image/png",
		"application/octet-stream", "multipart/form-data; boundary=x", "application/jsonx",
		"application/json; charset=iso-8859-1", "text/plain; charset=utf-16", "text",
		"application/json, application/json", "text/plain; charset=", "; charset=utf-8"};
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CLEANUP(freep) char *line = xasprintf("content-type: %s", good[i]);

		assert_int_equal(ADMIT(&t, "POST", line), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(freep) char *line = xasprintf("Content-Type: %s", bad[i]);

		assert_int_equal(ADMIT(&t, "POST", line), 415);
		assert_string_equal(t.answer.code, "unsupported_type");
		assert_int_equal(JUDGE(&t, "{}", line), 415);
	}
	assert_int_equal(ADMIT(&t, "POST", "Content-Type: application/json",
				 "Content-Type: application/json"),
		415);
}

static void coded_bodies_are_refused(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	assert_int_equal(ADMIT(&t, "POST", "Content-Encoding: identity"), 0);
	assert_int_equal(ADMIT(&t, "POST", "Content-Encoding: IDENTITY"), 0);
	assert_int_equal(ADMIT(&t, "POST", "Content-Encoding:"), 0);
	assert_int_equal(ADMIT(&t, "POST", "Content-Encoding: gzip"), 415);
	assert_int_equal(
		ADMIT(&t, "POST", "Content-Encoding: identity", "Content-Encoding: br"), 415);
	assert_int_equal(ADMIT(&t, "POST", "Content-Encoding: identity, gzip"), 415);
}

/* --- bodies --- */

static void check_body(const char *body, const char *type, const char *expected)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();
	CLEANUP(freep) char *line = xasprintf("Content-Type: %s", type == NULL ? "" : type);
	CLEANUP(scan_fini) struct scan index = SCAN_NULL_INDEX;
	int status = trial_judge(&t, slice_of(body), type == NULL ? NO_LINES : LINES(line));

	if (status != 0)
		print_message("%s: %d %s\n", body, status, t.why.text);
	assert_int_equal(status, 0);
	assert_string_equal(t.event.body, expected);
	assert_int_equal(t.event.body_n, strlen(expected));
	/* Whatever came in, an object comes out that the scanner reads again. */
	assert_int_equal(scan_parse(&index, t.event.body, t.event.body_n, NULL), 0);
	assert_int_equal(index.nodes[0].type, SCAN_OBJECT);
}

static void json_body_is_kept_as_it_was_sent(void **state)
{
	(void)state;
	check_body(
		"{\"n\": 1.10,\n \"s\":\"\\u00e9\"}", NULL, "{\"n\": 1.10,\n \"s\":\"\\u00e9\"}");
	check_body(" {\"a\":1}\r\n", "application/json", "{\"a\":1}");
	check_body("null", "application/json", "{}");
	check_body(" null ", NULL, "{}");
	check_body("{}", "application/x+json", "{}");
}

static void post_without_body_and_type_is_the_empty_object(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	check_body("", NULL, "{}");
	assert_int_equal(trial_judge(&t, SLICE_NULL, NO_LINES), 0);
	assert_string_equal(t.event.body, "{}");
	assert_int_equal(JUDGE(&t, "", "Content-Type: application/json"), 400);
	assert_string_equal(t.answer.code, "invalid_json");
	assert_int_equal(trial_judge(&t, SLICE_LIT(" "), NO_LINES), 400);
}

static void text_body_becomes_an_object(void **state)
{
	(void)state;
	check_body("say \"hi\"\n\\", "text/plain", "{\"text\":\"say \\\"hi\\\"\\n\\\\\"}");
	check_body("", "text/plain", "{\"text\":\"\"}");
	check_body("{\"a\":1}", "text/plain; charset=utf-8", "{\"text\":\"{\\\"a\\\":1}\"}");
}

static void form_body_becomes_an_object(void **state)
{
	static const char form[] = "application/x-www-form-urlencoded";

	(void)state;
	check_body("", form, "{\"form\":{}}");
	check_body("a=1&b=x+y%21&c", form, "{\"form\":{\"a\":\"1\",\"b\":\"x y!\",\"c\":\"\"}}");
	check_body("&&a=1&&=v&", form, "{\"form\":{\"a\":\"1\",\"\":\"v\"}}");
	check_body("a=1&b=2&a=3&a=1", form, "{\"form\":{\"a\":[\"1\",\"3\",\"1\"],\"b\":\"2\"}}");
	check_body("b=1&a=2&%62=3", form, "{\"form\":{\"b\":[\"1\",\"3\"],\"a\":\"2\"}}");
	check_body("a=%&b=%4&c=%zz&d=%C3%A9%00", form,
		"{\"form\":{\"a\":\"%\",\"b\":\"%4\",\"c\":\"%zz\",\"d\":\"\xc3\xa9\\u0000\"}}");
	check_body("payload=%7B%22a%22%3A1%7D", form, "{\"form\":{\"payload\":\"{\\\"a\\\":1}\"}}");
	check_body("a=b=c", form, "{\"form\":{\"a\":\"b=c\"}}");
}

static void form_fields_are_limited(void **state)
{
	CLEANUP(trial_fini) struct trial t = {0};
	struct route_config c = {.path = "/hook", .max_body = MIB(1)};

	(void)state;
	t = trial_of(&c);
	for (size_t n = SCAN_KEYS_MAX - 2; n <= SCAN_KEYS_MAX; n++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;
		CLEANUP(scan_fini) struct scan index = SCAN_NULL_INDEX;

		for (size_t i = 0; i < n; i++)
			buf_printf(&b, "&k%zu=%zu", i, i);
		if (n < SCAN_KEYS_MAX) {
			assert_int_equal(trial_judge(&t, buf_slice(&b),
						 LINES("Content-Type: "
						       "application/x-www-form-urlencoded")),
				0);
			assert_int_equal(scan_parse(&index, t.event.body, t.event.body_n, NULL), 0);
		} else {
			assert_int_equal(trial_judge(&t, buf_slice(&b),
						 LINES("Content-Type: "
						       "application/x-www-form-urlencoded")),
				413);
		}
	}
}

static void bad_bodies_have_stable_codes(void **state)
{
	static const struct {
		const char *body, *type, *code;
		int status;
	} cases[] = {
		{"{", "application/json", "invalid_json", 400},
		{"{\"a\":1,\"a\":2}", "application/json", "invalid_json", 400},
		{"{} x", "application/json", "invalid_json", 400},
		{"{\"a\":\"\xff\"}", "application/json", "invalid_utf8", 400},
		{"{\"a\":\"\\ud800\"}", "application/json", "invalid_utf8", 400},
		{"[1]", "application/json", "not_object", 400},
		{"\"text\"", "application/json", "not_object", 400},
		{"7", "application/json", "not_object", 400},
		{"false", "application/json", "not_object", 400},
		{"\xff", "text/plain", "invalid_utf8", 400},
		{"a=%ff", "application/x-www-form-urlencoded", "invalid_utf8", 400},
		{"%ff=a", "application/x-www-form-urlencoded", "invalid_utf8", 400},
	};
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(freep) char *line = xasprintf("Content-Type: %s", cases[i].type);

		assert_int_equal(JUDGE(&t, cases[i].body, line), cases[i].status);
		assert_string_equal(t.answer.code, cases[i].code);
		assert_true(t.answer.text[0] != '\0' && t.why.text[0] != '\0');
	}
}

static void body_limits_hold_one_below_at_and_one_above(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	for (size_t depth = SCAN_DEPTH_MAX - 1; depth <= SCAN_DEPTH_MAX + 1; depth++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		for (size_t i = 0; i < depth; i++)
			buf_add_str(&b, "{\"a\":");
		buf_add_char(&b, '1');
		for (size_t i = 0; i < depth; i++)
			buf_add_char(&b, '}');
		assert_int_equal(trial_judge(&t, buf_slice(&b), NO_LINES),
			depth <= SCAN_DEPTH_MAX ? 0 : 400);
	}
	assert_string_equal(t.answer.code, "too_deep");
	for (size_t n = KIB(64) - 1; n <= KIB(64) + 1; n++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		buf_add_str(&b, "{}");
		while (b.n < n)
			buf_add_char(&b, ' ');
		assert_int_equal(trial_judge(&t, buf_slice(&b), NO_LINES), n <= KIB(64) ? 0 : 413);
	}
	assert_string_equal(t.answer.code, "too_large");
}

static void too_many_members_are_too_large(void **state)
{
	CLEANUP(trial_fini) struct trial t = {0};
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	struct route_config c = {.path = "/hook", .max_body = MIB(1)};

	(void)state;
	t = trial_of(&c);
	buf_add_char(&b, '{');
	for (size_t i = 0; i <= SCAN_KEYS_MAX; i++)
		buf_printf(&b, "%s\"k%zu\":0", i > 0 ? "," : "", i);
	buf_add_char(&b, '}');
	assert_int_equal(trial_judge(&t, buf_slice(&b), NO_LINES), 413);
	assert_string_equal(t.answer.code, "too_large");
}

static void digest_is_that_of_the_body_as_sent(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();
	char hex[SHA256_HEX_SIZE];

	(void)state;
	assert_int_equal(trial_judge(&t, SLICE_LIT(" {} "), NO_LINES), 0);
	sha256_hex(" {} ", 4, hex);
	assert_string_equal(t.event.body_sha256, hex);
	assert_string_equal(t.event.query, "a=1&b");
}

/* --- signatures --- */

static void signed_webhook_becomes_an_event_with_its_id(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_signed(SIGNATURE_STANDARD, NULL, STD_SECRET);

	(void)state;
	assert_int_equal(JUDGE(&t, STD_BODY, STD_LINES), 0);
	assert_string_equal(t.event.delivery_id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
	assert_string_equal(t.event.body, STD_BODY);
}

static void refusals_do_not_tell_why_but_the_log_does(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_signed(SIGNATURE_STANDARD, NULL, STD_SECRET);
	struct answer first;

	(void)state;
	assert_int_equal(JUDGE(&t, "x", STD_LINES), 401);
	assert_true(str_has_prefix(t.why.text, "signature: bad_signature: "));
	assert_string_equal(t.answer.code, "unauthorized");
	first = t.answer;
	assert_int_equal(trial_judge(&t, SLICE_LIT(STD_BODY), NO_LINES), 401);
	assert_true(str_has_prefix(t.why.text, "signature: missing_header: "));
	assert_string_equal(t.answer.text, first.text);
	assert_int_equal(JUDGE(&t, STD_BODY, "webhook-id: a", "webhook-timestamp: 1",
				 "webhook-signature: v1,x"),
		401);
	assert_true(str_has_prefix(t.why.text, "signature: stale_timestamp: "));
	assert_string_equal(t.answer.text, first.text);
	assert_int_equal(route_judge(t.route, &t.in, TRIAL_NOW, &t.event, &t.answer, NULL), 401);
}

static void unsigned_delivery_id_beside_a_signed_one_is_not_believed(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_signed(SIGNATURE_STANDARD, NULL, STD_SECRET);

	(void)state;
	assert_int_equal(JUDGE(&t, STD_BODY, "webhook-id: another", SVIX_LINES), 0);
	assert_string_equal(t.event.delivery_id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
}

static struct trial deduped_trial(void)
{
	struct route_config c = {
		.path = "/hook",
		.dedupe_header = "X-Id",
		.max_body = KIB(64),
	};

	return trial_of(&c);
}

static void unfit_delivery_ids_are_replaced_by_their_digest(void **state)
{
	static const char *const unfit[] = {"a\x01z", "a\tz", "a\x7fz", "a\xffz"};
	CLEANUP(trial_fini) struct trial t = deduped_trial();
	char id[DELIVERY_ID_MAX + 8], line[DELIVERY_ID_MAX + 16], hex[SHA256_HEX_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(unfit); i++) {
		(void)snprintf(line, sizeof(line), "X-Id: %s", unfit[i]);
		sha256_hex(unfit[i], strlen(unfit[i]), hex);
		assert_int_equal(JUDGE(&t, "{}", line), 0);
		assert_string_equal(t.event.delivery_id, hex);
	}
	for (size_t n = DELIVERY_ID_MAX - 1; n <= DELIVERY_ID_MAX + 1; n++) {
		memset(id, 'x', n);
		id[n] = '\0';
		(void)snprintf(line, sizeof(line), "X-Id: %s", id);
		sha256_hex(id, n, hex);
		assert_int_equal(JUDGE(&t, "{}", line), 0);
		assert_string_equal(t.event.delivery_id, n <= DELIVERY_ID_MAX ? id : hex);
	}
}

static void empty_or_absent_delivery_id_is_none(void **state)
{
	CLEANUP(trial_fini) struct trial t = deduped_trial();
	CLEANUP(trial_fini) struct trial plain = trial_unsigned();

	(void)state;
	assert_int_equal(JUDGE(&t, "{}", "X-Id:"), 0);
	assert_null(t.event.delivery_id);
	assert_int_equal(trial_judge(&t, SLICE_LIT("{}"), NO_LINES), 0);
	assert_null(t.event.delivery_id);
	assert_int_equal(JUDGE(&t, "{}", "x-id: 7"), 0);
	assert_string_equal(t.event.delivery_id, "7");
	/* Without a recipe nobody's header is the id. */
	assert_int_equal(JUDGE(&plain, "{}", "X-GitHub-Delivery: 7"), 0);
	assert_null(plain.event.delivery_id);
}

static void configured_dedupe_header_goes_before_the_recipes_own(void **state)
{
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;
	CLEANUP(trial_fini) struct trial t = {0};
	struct route_config c = {
		.path = "/hook",
		.recipe = SIGNATURE_STANDARD,
		.secrets = &secrets,
		.tolerance_us = -1,
		.dedupe_header = "Idempotency-Key",
		.max_body = KIB(64),
	};

	(void)state;
	strv_add(&secrets, STD_SECRET);
	t = trial_of(&c);
	assert_int_equal(JUDGE(&t, STD_BODY, STD_LINES, "idempotency-key: mine"), 0);
	assert_string_equal(t.event.delivery_id, "mine");
}

/* --- headers --- */

static void headers_are_kept_in_lower_case_and_joined(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	assert_int_equal(
		JUDGE(&t, "{}", "Host: h", "X-A: 1", "X-B: \"q\"\\", "x-a: 2", "X-a:", "X-C: \xff"),
		0);
	assert_string_equal(t.event.headers_json,
		"{\"host\":\"h\",\"x-a\":\"1, 2, \","
		"\"x-b\":\"\\\"q\\\"\\\\\",\"x-c\":\"\xef\xbf\xbd\"}");
	assert_int_equal(trial_judge(&t, SLICE_LIT("{}"), NO_LINES), 0);
	assert_string_equal(t.event.headers_json, "{}");
}

static void long_headers_are_kept_whole(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();
	CLEANUP(freep) char *line = NULL, *expected = NULL;
	char value[3000];

	(void)state;
	memset(value, 'V', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	line = xasprintf("X-LONG: %s", value);
	expected = xasprintf("{\"x-long\":\"%s, %s\",\"x-z\":\"Z\"}", value, value);
	assert_int_equal(JUDGE(&t, "{}", line, "X-Z: Z", line), 0);
	assert_string_equal(t.event.headers_json, expected);
}

static void secrets_in_headers_are_redacted(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_signed(SIGNATURE_STANDARD, NULL, STD_SECRET);

	(void)state;
	assert_int_equal(JUDGE(&t, STD_BODY, STD_LINES, "Authorization: Bearer SECRET",
				 "PROXY-AUTHORIZATION: SECRET", "Cookie: SECRET", "cookie: SECRET",
				 "X-Gitlab-Token: SECRET", "Svix-Signature: SECRET", "X-Ok: fine"),
		0);
	assert_string_equal(t.event.headers_json,
		"{\"webhook-id\":\"msg_p5jXN8AQM9LWM0D4loKWxJek\",\"webhook-timestamp\":\"1614265330\","
		"\"webhook-signature\":\"<redacted>\",\"authorization\":\"<redacted>\","
		"\"proxy-authorization\":\"<redacted>\",\"cookie\":\"<redacted>\","
		"\"x-gitlab-token\":\"<redacted>\",\"svix-signature\":\"<redacted>\",\"x-ok\":\"fine\"}");
}

static void configured_signature_header_is_redacted_even_when_unsigned(void **state)
{
	CLEANUP(trial_fini) struct trial t = {0};
	struct route_config c = {
		.path = "/hook",
		.signature_header = "X-My-Sig",
		.max_body = KIB(64),
	};

	(void)state;
	t = trial_of(&c);
	assert_int_equal(JUDGE(&t, "{}", "x-my-sig: SECRET"), 0);
	assert_string_equal(t.event.headers_json, "{\"x-my-sig\":\"<redacted>\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_of_our_own_are_reserved),
		cmocka_unit_test(route_with_unusable_secret_is_refused),
		cmocka_unit_test(route_keeps_its_own_copies),
		cmocka_unit_test(only_post_is_admitted),
		cmocka_unit_test(announced_length_above_the_limit_is_refused_before_the_type),
		cmocka_unit_test(media_types_are_json_forms_and_text_in_utf8),
		cmocka_unit_test(coded_bodies_are_refused),
		cmocka_unit_test(json_body_is_kept_as_it_was_sent),
		cmocka_unit_test(post_without_body_and_type_is_the_empty_object),
		cmocka_unit_test(text_body_becomes_an_object),
		cmocka_unit_test(form_body_becomes_an_object),
		cmocka_unit_test(form_fields_are_limited),
		cmocka_unit_test(bad_bodies_have_stable_codes),
		cmocka_unit_test(body_limits_hold_one_below_at_and_one_above),
		cmocka_unit_test(too_many_members_are_too_large),
		cmocka_unit_test(digest_is_that_of_the_body_as_sent),
		cmocka_unit_test(signed_webhook_becomes_an_event_with_its_id),
		cmocka_unit_test(refusals_do_not_tell_why_but_the_log_does),
		cmocka_unit_test(unsigned_delivery_id_beside_a_signed_one_is_not_believed),
		cmocka_unit_test(unfit_delivery_ids_are_replaced_by_their_digest),
		cmocka_unit_test(empty_or_absent_delivery_id_is_none),
		cmocka_unit_test(configured_dedupe_header_goes_before_the_recipes_own),
		cmocka_unit_test(headers_are_kept_in_lower_case_and_joined),
		cmocka_unit_test(long_headers_are_kept_whole),
		cmocka_unit_test(secrets_in_headers_are_redacted),
		cmocka_unit_test(configured_signature_header_is_redacted_even_when_unsigned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
