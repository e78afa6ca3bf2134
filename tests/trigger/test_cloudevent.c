/* SPDX-License-Identifier: MIT */
/*
 * tests/trigger/test_cloudevent.c - CloudEvents in both modes become the same event.
 */
#include "base/crypto.h"
#include "trigger/trial.h"

#define STRUCTURED "Content-Type: application/cloudevents+json"
#define SECRET     "It's a Secret to Everybody"
#define BINARY     "ce-specversion: 1.0", "ce-id: 7", "ce-source: /s", "ce-type: t"
/* What every envelope must have, and more of it. */
#define EVENT(more)                                                                                \
	"{\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"/s\",\"type\":\"t\"" more "}"
#define KEPT(more)                                                                                 \
	"{" more "\"ce-specversion\":\"1.0\",\"ce-id\":\"7\",\"ce-source\":\"/s\",\"ce-type\":\"t\""

/* --- both --- */

static void both_modes_make_the_same_event(void **state)
{
	CLEANUP(trial_fini) struct trial b = trial_unsigned();
	CLEANUP(trial_fini) struct trial s = trial_unsigned();

	(void)state;
	assert_int_equal(JUDGE(&b, "{\"n\": 1.10}", "CE-SpecVersion: 1.0", "CE-Id: 7",
				 "ce-source: /s", "ce-type: t", "ce-subject: caf%C3%A9",
				 "ce-myext: 5", "Content-Type: application/json"),
		0);
	assert_int_equal(JUDGE(&s,
				 EVENT(",\"subject\":\"caf\\u00e9\",\"myext\":5,"
				       "\"datacontenttype\":\"application/json\","
				       "\"data\":{\"n\": 1.10}"),
				 "ce-id: other", STRUCTURED),
		0);
	assert_string_equal(b.event.headers_json,
		KEPT("") ",\"ce-subject\":\"caf\xc3\xa9\",\"ce-myext\":\"5\","
			 "\"content-type\":\"application/json\"}");
	assert_string_equal(s.event.headers_json, b.event.headers_json);
	assert_string_equal(s.event.body, "{\"n\": 1.10}");
	assert_string_equal(b.event.body, s.event.body);
	assert_string_equal(b.event.delivery_id, "/s 7");
	assert_string_equal(s.event.delivery_id, "/s 7");
}

static void signature_is_over_the_body_as_sent(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_signed(SIGNATURE_HEX, "X-Sig", SECRET);
	char digest[SHA256_HEX_SIZE];

	(void)state;
	sha256_hex(EVENT(",\"data\":{}"), strlen(EVENT(",\"data\":{}")), digest);
	assert_int_equal(trial_judge_signed(&t, EVENT(",\"data\":{}"), LINES(STRUCTURED)), 0);
	assert_string_equal(t.event.body_sha256, digest);
	assert_int_equal(trial_judge_signed(&t, "{}", LINES(BINARY)), 0);
	assert_int_equal(JUDGE(&t, EVENT(""), STRUCTURED), 401);
	assert_int_equal(JUDGE(&t, "{}", STRUCTURED), 401);
}

/* --- the delivery id --- */

static void other_rules_for_the_delivery_id_go_first(void **state)
{
	CLEANUP(trial_fini)
	struct trial own = trial_signed(SIGNATURE_STANDARD, NULL, "whsec_c2VjcmV0");
	CLEANUP(trial_fini) struct trial t = trial_filtered(NULL, "{{ .body.key }}");
	struct route_config c = {.path = "/h", .dedupe_header = "X-Id", .max_body = KIB(1)};
	CLEANUP(trial_fini) struct trial header = trial_of(&c);

	(void)state;
	assert_int_equal(trial_judge_signed(&own, "{}", LINES(BINARY)), 0);
	assert_string_equal(own.event.delivery_id, "id-1");
	assert_int_equal(JUDGE(&t, "{\"key\":\"k\"}", BINARY), 0);
	assert_string_equal(t.event.delivery_id, "k");
	assert_int_equal(JUDGE(&t, "{}", BINARY), 0);
	assert_null(t.event.delivery_id);
	assert_int_equal(JUDGE(&header, "{}", BINARY, "X-Id: x"), 0);
	assert_string_equal(header.event.delivery_id, "x");
	assert_int_equal(JUDGE(&header, "{}", BINARY), 0);
	assert_null(header.event.delivery_id);
}

static void dedupe_by_ce_id_means_the_attribute(void **state)
{
	struct route_config c = {.path = "/h", .dedupe_header = "CE-ID", .max_body = KIB(1)};
	CLEANUP(trial_fini) struct trial t = trial_of(&c);

	(void)state;
	assert_int_equal(JUDGE(&t, "{}", BINARY), 0);
	assert_string_equal(t.event.delivery_id, "7");
	assert_int_equal(JUDGE(&t, EVENT(""), STRUCTURED, "ce-id: other"), 0);
	assert_string_equal(t.event.delivery_id, "7");
}

static void long_source_and_id_become_a_digest(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();
	char id[DELIVERY_ID_MAX + 2], hex[SHA256_HEX_SIZE];

	(void)state;
	/* "/s" and a blank are part of it. */
	for (size_t n = DELIVERY_ID_MAX - 4; n <= DELIVERY_ID_MAX - 2; n++) {
		CLEANUP(freep) char *line = NULL, *whole = NULL;

		memset(id, 'i', n);
		id[n] = '\0';
		line = xasprintf("ce-id: %s", id);
		whole = xasprintf("/s %s", id);
		sha256_hex(whole, strlen(whole), hex);
		assert_int_equal(
			JUDGE(&t, "{}", "ce-specversion: 1.0", line, "ce-source: /s", "ce-type: t"),
			0);
		assert_string_equal(
			t.event.delivery_id, strlen(whole) <= DELIVERY_ID_MAX ? whole : hex);
	}
}

static void events_of_two_sources_with_one_id_are_two(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	assert_int_equal(JUDGE(&t, "{}", "ce-specversion: 1.0", "ce-id: 7", "ce-source: /other",
				 "ce-type: t"),
		0);
	assert_string_equal(t.event.delivery_id, "/other 7");
}

/* --- binary --- */

static void binary_attributes_are_decoded_once(void **state)
{
	static const struct {
		const char *sent, *meant;
	} cases[] = {
		{"Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"%e2%82%ac", "\xe2\x82\xac"},
		{"a%2520b", "a%20b"},
		{"a+b", "a+b"},
		{"\"a b\"", "a b"},
		{"\"a \\\"b\\\" \\\\ %41\"", "a \\\"b\\\" \\\\ A"},
		{"\"", "\\\""},
		{"\"\"", ""},
		{"100%", "100%"},
		{"%4", "%4"},
		{"%zz", "%zz"},
		{"caf\xc3\xa9", "caf\xc3\xa9"},
	};
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(freep) char *line = xasprintf("ce-subject: %s", cases[i].sent);
		CLEANUP(freep)
		char *kept = xasprintf(KEPT("") ",\"ce-subject\":\"%s\"}", cases[i].meant);

		assert_int_equal(JUDGE(&t, "{}", BINARY, line), 0);
		assert_string_equal(t.event.headers_json, kept);
	}
}

static void attribute_that_is_not_utf8_is_refused(void **state)
{
	static const char *const bad[] = {"%C0%A0", "%ff", "%ED%A0%80", "\xff", "%E2%82"};
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(freep) char *line = xasprintf("ce-subject: %s", bad[i]);

		assert_int_equal(JUDGE(&t, "{}", BINARY, line), 400);
		assert_string_equal(t.answer.code, "invalid_utf8");
	}
	/* Other fields may be anything. */
	assert_int_equal(JUDGE(&t, "{}", BINARY, "X-Other: %ff"), 0);
}

static void binary_event_must_have_what_is_required(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
#define BAD(what, ...)                                                                             \
	do {                                                                                       \
		assert_int_equal(JUDGE(&t, "{}", __VA_ARGS__), 400);                               \
		assert_string_equal(t.answer.code, "invalid_json");                                \
		assert_string_equal(t.answer.text, "the CloudEvent: must have one " what);         \
		assert_string_equal(t.why.text, t.answer.text);                                    \
	} while (0)
	BAD("ce-id", "ce-specversion: 1.0", "ce-source: /s", "ce-type: t");
	BAD("ce-id", "ce-specversion: 1.0", "ce-id:", "ce-source: /s", "ce-type: t");
	BAD("ce-id", BINARY, "ce-id: 8");
	BAD("ce-source", "ce-specversion: 1.0", "ce-id: 7", "ce-type: t");
	BAD("ce-source", BINARY, "CE-Source: /s");
	BAD("ce-type", "ce-specversion: 1.0", "ce-id: 7", "ce-source: /s");
	BAD("ce-type", BINARY, "ce-type: t");
	BAD("ce-specversion: 1.0", "ce-specversion: 0.3", "ce-id: 7", "ce-source: /s",
		"ce-type: t");
	BAD("ce-specversion: 1.0", "ce-specversion: 1.0.2", "ce-id: 7", "ce-source: /s",
		"ce-type: t");
	BAD("ce-specversion: 1.0", "ce-specversion:", "ce-id: 7", "ce-source: /s", "ce-type: t");
	BAD("ce-specversion: 1.0", BINARY, "ce-specversion: 1.0");
#undef BAD
}

static void fields_without_a_version_are_no_event(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	assert_int_equal(JUDGE(&t, "{}", "ce-id: a%20b", "ce-: x"), 0);
	assert_string_equal(t.event.headers_json, "{\"ce-id\":\"a%20b\",\"ce-\":\"x\"}");
	assert_null(t.event.delivery_id);
}

static void binary_data_follows_its_media_type(void **state)
{
	static const struct {
		const char *type, *data, *body;
	} cases[] = {
		{"application/json", "{\"a\": 1}", "{\"a\": 1}"},
		{"application/json", " null ", "{}"},
		{"application/json", " [1, 2] ", "{\"data\":[1, 2]}"},
		{"application/json", "\"a\\u0041\"", "{\"data\":\"a\\u0041\"}"},
		{"application/vnd.x+json", "1.50", "{\"data\":1.50}"},
		{"", "false", "{\"data\":false}"},
		{"", "", "{}"},
		{"text/plain", "[1]", "{\"text\":\"[1]\"}"},
		{"application/x-www-form-urlencoded", "a=1", "{\"form\":{\"a\":\"1\"}}"},
	};
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(freep) char *line = xasprintf("Content-Type: %s", cases[i].type);

		assert_int_equal(JUDGE(&t, cases[i].data, BINARY, line), 0);
		assert_string_equal(t.event.body, cases[i].body);
	}
	assert_int_equal(JUDGE(&t, "x", BINARY, "Content-Type: application/octet-stream"), 415);
	assert_int_equal(JUDGE(&t, "{", BINARY), 400);
}

/* --- structured --- */

static void structured_data_becomes_an_object(void **state)
{
	static const struct {
		const char *envelope, *body;
	} cases[] = {
		{EVENT(""), "{}"},
		{EVENT(",\"data\":null"), "{}"},
		{EVENT(",\"data\": {\"a\" : [1.0]} "), "{\"a\" : [1.0]}"},
		{EVENT(",\"data\":[1, 2]"), "{\"data\":[1, 2]}"},
		{EVENT(",\"data\":\"x\\\"y\""), "{\"data\":\"x\\\"y\"}"},
		{EVENT(",\"data\":\"\""), "{\"data\":\"\"}"},
		{EVENT(",\"data\":1e400"), "{\"data\":1e400}"},
		{EVENT(",\"data\":false"), "{\"data\":false}"},
		{EVENT(",\"data_base64\":\"AAEC\""), "{\"data_base64\":\"AAEC\"}"},
		{EVENT(",\"data_base64\":null,\"data\":{\"a\":1}"), "{\"a\":1}"},
		{EVENT(",\"d\\u0061ta\":{\"a\":1}"), "{\"a\":1}"},
	};
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(scan_fini) struct scan index = SCAN_NULL_INDEX;

		assert_int_equal(JUDGE(&t, cases[i].envelope, STRUCTURED), 0);
		assert_string_equal(t.event.body, cases[i].body);
		assert_int_equal(t.event.body_n, strlen(cases[i].body));
		assert_int_equal(scan_parse(&index, t.event.body, t.event.body_n, NULL), 0);
		assert_int_equal(index.nodes[0].type, SCAN_OBJECT);
	}
}

static void structured_attributes_are_kept_as_headers(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	assert_int_equal(JUDGE(&t,
				 EVENT(",\"time\":\"2026-11-20T09:00:00Z\",\"subject\":\"a%20b\","
				       "\"flag\":true,\"n\":-7,\"gone\":null,\"quote\":\"\\\"\","
				       "\"datacontenttype\":\"text/xml\""),
				 "Host: h", STRUCTURED "; charset=utf-8", "X-A: 1", "CE-Id: 8",
				 "ce-extra: x"),
		0);
	assert_string_equal(t.event.headers_json,
		KEPT("\"host\":\"h\",\"x-a\":\"1\",") ",\"ce-time\":\"2026-11-20T09:00:00Z\","
						      "\"ce-subject\":\"a%20b\","
						      "\"ce-flag\":\"true\",\"ce-n\":\"-7\","
						      "\"ce-quote\":\"\\\"\","
						      "\"content-type\":\"text/xml\"}");
	/* Data without a type of its own is JSON. */
	assert_int_equal(JUDGE(&t, EVENT(""), STRUCTURED), 0);
	assert_string_equal(
		t.event.headers_json, KEPT("") ",\"content-type\":\"application/json\"}");
}

static void bad_envelopes_are_refused(void **state)
{
	static const struct {
		const char *body, *code, *text;
	} cases[] = {
		{"", "invalid_json", ""},
		{"{", "invalid_json", ""},
		{"{\"id\":\"\xff\"}", "invalid_utf8", ""},
		{EVENT(",\"id\":\"8\""), "invalid_json", ""},
		{"null", "not_object", "is JSON but no object"},
		{"[" EVENT("") "]", "not_object", "is JSON but no object"},
		{"{}", "invalid_json", "must have \"specversion\":\"1.0\""},
		{"{\"specversion\":\"0.3\"}", "invalid_json", "must have \"specversion\":\"1.0\""},
		{"{\"specversion\":1.0}", "invalid_json", "must have \"specversion\":\"1.0\""},
		{"{\"specversion\":\"1.0\",\"source\":\"/s\",\"type\":\"t\"}", "invalid_json",
			"must have an id that is a string"},
		{"{\"specversion\":\"1.0\",\"id\":7,\"source\":\"/s\",\"type\":\"t\"}",
			"invalid_json", "must have an id that is a string"},
		{"{\"specversion\":\"1.0\",\"id\":\"\",\"source\":\"/s\",\"type\":\"t\"}",
			"invalid_json", "must have an id that is a string"},
		{"{\"specversion\":\"1.0\",\"id\":null,\"source\":\"/s\",\"type\":\"t\"}",
			"invalid_json", "must have an id that is a string"},
		{"{\"specversion\":\"1.0\",\"id\":\"7\",\"type\":\"t\"}", "invalid_json",
			"must have a source that is a string"},
		{"{\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"/s\"}", "invalid_json",
			"must have a type that is a string"},
		{EVENT(",\"data\":1,\"data_base64\":\"AA==\""), "invalid_json",
			"must not have both data and data_base64"},
		{EVENT(",\"data_base64\":1"), "invalid_json",
			"must have a data_base64 that is a string"},
		{EVENT(",\"ext\":{}"), "invalid_json",
			"has an attribute that is no string, number or boolean"},
		{EVENT(",\"ext\":[]"), "invalid_json",
			"has an attribute that is no string, number or boolean"},
		{EVENT(",\"Ext\":1"), "invalid_json",
			"has an attribute whose name is not of lower-case letters and digits"},
		{EVENT(",\"a-b\":1"), "invalid_json",
			"has an attribute whose name is not of lower-case letters and digits"},
		{EVENT(",\"\":1"), "invalid_json",
			"has an attribute whose name is not of lower-case letters and digits"},
		{EVENT(",\"a\\u0000\":1"), "invalid_json",
			"has an attribute whose name is not of lower-case letters and digits"},
	};
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(freep) char *text = xasprintf("the CloudEvent: %s", cases[i].text);

		assert_int_equal(JUDGE(&t, cases[i].body, STRUCTURED), 400);
		assert_string_equal(t.answer.code, cases[i].code);
		if (cases[i].text[0] != '\0')
			assert_string_equal(t.answer.text, text);
		assert_string_equal(t.why.text, t.answer.text);
	}
}

static void attributes_have_a_limit(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_unsigned();
	size_t fixed = strlen(KEPT("")) - 1 + strlen(",\"ce-x\":\"\"");

	(void)state;
	for (size_t n = CLOUDEVENT_ATTRIBUTES_MAX - 1; n <= CLOUDEVENT_ATTRIBUTES_MAX + 1; n++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		buf_add_str(&b, "{\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"/s\","
				"\"type\":\"t\",\"x\":\"");
		for (size_t i = fixed; i < n; i++)
			buf_add_char(&b, 'x');
		buf_add_str(&b, "\"}");
		assert_int_equal(trial_judge(&t, buf_slice(&b), LINES(STRUCTURED)),
			n <= CLOUDEVENT_ATTRIBUTES_MAX ? 0 : 413);
	}
	assert_string_equal(t.answer.code, "too_large");
}

static void batches_and_other_formats_are_not_understood(void **state)
{
	static const char *const types[] = {"application/cloudevents-batch+json",
		"Application/CloudEvents-Batch+JSON; charset=utf-8", "application/cloudevents",
		"application/cloudevents+avro", "application/cloudevents+protobuf"};
	CLEANUP(trial_fini) struct trial t = trial_unsigned();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		CLEANUP(freep) char *line = xasprintf("Content-Type: %s", types[i]);

		assert_int_equal(ADMIT(&t, "POST", line), 415);
		assert_int_equal(JUDGE(&t, "[]", line), 415);
	}
	assert_int_equal(ADMIT(&t, "POST", STRUCTURED), 0);
}

/* --- secrets --- */

static void secrets_among_attributes_are_redacted(void **state)
{
	struct route_config c = {.path = "/h", .signature_header = "CE-Token", .max_body = KIB(1)};
	CLEANUP(trial_fini) struct trial t = trial_of(&c);

	(void)state;
	assert_int_equal(JUDGE(&t, EVENT(",\"token\":\"SECRET\""), STRUCTURED, "CE-Token: SECRET",
				 "Authorization: SECRET", "Cookie: SECRET"),
		0);
	assert_null(strstr(t.event.headers_json, "SECRET"));
	assert_non_null(strstr(t.event.headers_json, "\"ce-token\":\"<redacted>\""));
	assert_int_equal(
		JUDGE(&t, "{}", BINARY, "ce-token: SECRET", "Proxy-Authorization: SECRET"), 0);
	assert_null(strstr(t.event.headers_json, "SECRET"));
}

/* --- templates --- */

static void templates_see_the_attributes(void **state)
{
	static const char condition[] = "{{ and (eq .event.type \"t\") (eq .event.source \"/s\") "
					"(eq .event.id \"7\") (eq .body.a 1) }}";
	CLEANUP(trial_fini) struct trial t = trial_filtered(condition, NULL);

	(void)state;
	assert_int_equal(JUDGE(&t, EVENT(",\"data\":{\"a\":1}"), STRUCTURED), 0);
	assert_int_equal(JUDGE(&t, "{\"a\":1}", BINARY), 0);
	assert_int_equal(JUDGE(&t, "{\"a\":2}", BINARY), 200);
	assert_int_equal(JUDGE_PLAIN(&t, "{\"a\":1}"), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_modes_make_the_same_event),
		cmocka_unit_test(signature_is_over_the_body_as_sent),
		cmocka_unit_test(other_rules_for_the_delivery_id_go_first),
		cmocka_unit_test(dedupe_by_ce_id_means_the_attribute),
		cmocka_unit_test(long_source_and_id_become_a_digest),
		cmocka_unit_test(events_of_two_sources_with_one_id_are_two),
		cmocka_unit_test(binary_attributes_are_decoded_once),
		cmocka_unit_test(attribute_that_is_not_utf8_is_refused),
		cmocka_unit_test(binary_event_must_have_what_is_required),
		cmocka_unit_test(fields_without_a_version_are_no_event),
		cmocka_unit_test(binary_data_follows_its_media_type),
		cmocka_unit_test(structured_data_becomes_an_object),
		cmocka_unit_test(structured_attributes_are_kept_as_headers),
		cmocka_unit_test(bad_envelopes_are_refused),
		cmocka_unit_test(attributes_have_a_limit),
		cmocka_unit_test(batches_and_other_formats_are_not_understood),
		cmocka_unit_test(secrets_among_attributes_are_redacted),
		cmocka_unit_test(templates_see_the_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
