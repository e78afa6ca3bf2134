/* SPDX-License-Identifier: MIT */
/*
 * tests/trigger/test_filter.c - trigger.if keeps events out, trigger.dedupe names them.
 */
#include "base/crypto.h"
#include "trigger/trial.h"

#define SECRET "It's a Secret to Everybody"
/* More rounds than one rendering may have. */
#define ENDLESS "{{ range .body.l }}{{ range $.body.l }}x{{ end }}{{ end }}"

/* `{"l":[0,...]}` with n elements. */
static void add_list(struct buf *out, size_t n)
{
	buf_add_str(out, "{\"l\":[");
	for (size_t i = 0; i < n; i++)
		buf_add_str(out, i == 0 ? "0" : ",0");
	buf_add_str(out, "]}");
}

/* --- trigger.if --- */

static void event_passes_when_the_condition_says_something(void **state)
{
	static const char *const yes[] = {"yes", "true", "1", "00", "0.0", "False", "FALSE", "no",
		" x ", "false positive", "no value", "{}"};
	CLEANUP(trial_fini) struct trial t = trial_filtered("{{ .body.x }}", NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		CLEANUP(freep) char *body = xasprintf("{\"x\":\"%s\"}", yes[i]);

		assert_int_equal(JUDGE_PLAIN(&t, body), 0);
		assert_string_equal(t.event.body, body);
	}
	assert_int_equal(JUDGE_PLAIN(&t, "{\"x\":true}"), 0);
	assert_int_equal(JUDGE_PLAIN(&t, "{\"x\":[]}"), 0);
}

static void event_that_the_condition_keeps_out_is_ignored_with_a_reason(void **state)
{
	static const struct {
		const char *body, *reason;
	} cases[] = {
		{"{\"x\":\"\"}", "trigger.if is empty for this event"},
		{"{\"x\":\" \\t\\r\\n\"}", "trigger.if is empty for this event"},
		{"{\"x\":false}", "trigger.if is false for this event"},
		{"{\"x\":\"\\n false \"}", "trigger.if is false for this event"},
		{"{\"x\":0}", "trigger.if is 0 for this event"},
		{"{}", "trigger.if is <no value> for this event"},
	};
	CLEANUP(trial_fini) struct trial t = trial_filtered("{{ .body.x }}", NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(JUDGE_PLAIN(&t, cases[i].body), 200);
		assert_string_equal(t.answer.outcome, "ignored");
		assert_string_equal(t.answer.text, cases[i].reason);
		assert_null(t.answer.code);
		assert_null(t.answer.reply);
		assert_null(t.event.headers_json);
		assert_int_equal(t.why.code, 0);
	}
}

/* Nobody learns without a signature what is wanted here. */
static void condition_is_asked_after_signature_and_body(void **state)
{
	CLEANUP(trial_fini)
	struct trial t = trial_filtered_signed(SIGNATURE_GITHUB, NULL, SECRET, "false", NULL);

	(void)state;
	assert_int_equal(JUDGE_PLAIN(&t, "{}"), 401);
	assert_int_equal(JUDGE_SIGNED(&t, "{"), 400);
	assert_int_equal(JUDGE_SIGNED(&t, "[]"), 400);
	assert_int_equal(JUDGE_SIGNED(&t, "{}"), 200);
}

static void check_seen(const char *condition, bool is_seen)
{
	CLEANUP(trial_fini)
	struct trial t = trial_filtered_signed(SIGNATURE_GITHUB, NULL, SECRET, condition, NULL);
	int status = trial_judge_signed(
		&t, "{\"a\":{\"b\":[7]}}", LINES("X-Hello: there", "Authorization: Bearer SECRET"));

	if ((status == 0) != is_seen)
		fail_msg("%s: %d %s", condition, status, t.answer.text);
}

static void condition_sees_the_whole_event_but_no_secrets(void **state)
{
	(void)state;
	check_seen("{{ eq .body.a.b.0 7 }}", true);
	check_seen("{{ eq (index .headers \"x-hello\") \"there\" }}", true);
	check_seen("{{ eq .query.a \"1\" }}", true);
	check_seen("{{ eq .job.pylon \"watch\" }}", true);
	check_seen("{{ .job.id }}", false);
	check_seen("{{ eq .event.source \"webhook\" }}", true);
	check_seen("{{ eq .event.delivery_id \"id-1\" }}", true);
	check_seen("{{ hasPrefix \"2021-02-25T\" .event.received_at }}", true);
	check_seen("{{ eq .headers.authorization \"<redacted>\" }}", true);
	check_seen("{{ eq (index .headers \"x-hub-signature-256\") \"<redacted>\" }}", true);
}

static void condition_over_forms_and_text_sees_the_object_made_of_them(void **state)
{
	CLEANUP(trial_fini)
	struct trial form = trial_filtered("{{ eq .body.form.go \"yes\" }}", NULL);
	CLEANUP(trial_fini) struct trial text = trial_filtered("{{ .body.text }}", NULL);

	(void)state;
	assert_int_equal(
		JUDGE(&form, "go=yes", "Content-Type: application/x-www-form-urlencoded"), 0);
	assert_int_equal(
		JUDGE(&form, "go=no", "Content-Type: application/x-www-form-urlencoded"), 200);
	assert_int_equal(JUDGE(&text, "x", "Content-Type: text/plain"), 0);
	assert_int_equal(JUDGE(&text, "false", "Content-Type: text/plain"), 200);
}

static void condition_that_comes_to_no_end_lets_nothing_in(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_filtered("yes" ENDLESS, NULL);
	CLEANUP(buf_fini) struct buf few = BUF_NULL;
	CLEANUP(buf_fini) struct buf many = BUF_NULL;

	(void)state;
	add_list(&few, 10);
	add_list(&many, 200);
	assert_int_equal(trial_judge(&t, buf_slice(&few), NO_LINES), 0);
	assert_int_equal(trial_judge(&t, buf_slice(&many), NO_LINES), 200);
	assert_string_equal(t.answer.text, "trigger.if has too much to do for this event");
}

/* --- trigger.dedupe --- */

static void expect_id(struct trial *t, const char *body, const char *id)
{
	assert_int_equal(JUDGE_PLAIN(t, body), 0);
	if (id == NULL)
		assert_null(t->event.delivery_id);
	else
		assert_string_equal(t->event.delivery_id, id);
}

static void rendered_dedupe_is_the_delivery_id(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_filtered(NULL, "\n {{ .body.id }}\t\n");

	(void)state;
	expect_id(&t, "{\"id\":\"a b\"}", "a b");
	expect_id(&t, "{\"id\":1.50}", "1.50");
	expect_id(&t, "{\"id\":\"  padded\\n\"}", "padded");
}

static void dedupe_that_renders_to_nothing_is_no_delivery_id(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_filtered(NULL, "{{ .body.id }}");

	(void)state;
	expect_id(&t, "{}", NULL);
	expect_id(&t, "{\"id\":\"\"}", NULL);
	expect_id(&t, "{\"id\":\" \\n\"}", NULL);
	expect_id(&t, "{\"id\":\" <no value> \"}", NULL);
	expect_id(&t, "{\"id\":\"<no value>!\"}", "<no value>!");
}

static void unfit_rendered_ids_are_replaced_by_their_digest(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_filtered(NULL, "{{ .body.id }}");
	char id[DELIVERY_ID_MAX + 2], hex[SHA256_HEX_SIZE];

	(void)state;
	for (size_t n = DELIVERY_ID_MAX - 1; n <= DELIVERY_ID_MAX + 1; n++) {
		CLEANUP(freep) char *body = NULL;

		memset(id, 'x', n);
		id[n] = '\0';
		body = xasprintf("{\"id\":\"%s\"}", id);
		sha256_hex(id, n, hex);
		expect_id(&t, body, n <= DELIVERY_ID_MAX ? id : hex);
	}
	sha256_hex("a\nb", 3, hex);
	expect_id(&t, "{\"id\":\"a\\nb\"}", hex);
}

/* A wrong name would make a new event pass for an old one; none only makes a duplicate possible. */
static void dedupe_that_is_too_much_is_no_delivery_id(void **state)
{
	CLEANUP(trial_fini) struct trial t = trial_filtered(NULL, "same" ENDLESS);
	CLEANUP(trial_fini)
	struct trial is_long = trial_filtered(NULL,
		"{{ range .body.l }}{{ range $.body.l }}"
		"0123456789012345678901234567890123456789{{ end }}{{ end }}{{ .body.id }}");
	CLEANUP(buf_fini) struct buf many = BUF_NULL;
	CLEANUP(buf_fini) struct buf some = BUF_NULL;

	(void)state;
	add_list(&many, 200);
	assert_int_equal(trial_judge(&t, buf_slice(&many), NO_LINES), 0);
	assert_null(t.event.delivery_id);
	add_list(&some, 90);
	assert_int_equal(trial_judge(&is_long, buf_slice(&some), NO_LINES), 0);
	assert_null(is_long.event.delivery_id);
}

static void dedupe_template_goes_before_the_recipes_own_header(void **state)
{
	CLEANUP(trial_fini)
	struct trial own = trial_filtered_signed(SIGNATURE_GITHUB, NULL, SECRET, NULL, NULL);
	CLEANUP(trial_fini)
	struct trial t = trial_filtered_signed(SIGNATURE_GITHUB, NULL, SECRET, NULL,
		"{{ .body.id }}-{{ index .headers \"x-part\" }}");

	(void)state;
	assert_int_equal(JUDGE_SIGNED(&own, "{\"id\":7}"), 0);
	assert_string_equal(own.event.delivery_id, "id-1");
	assert_int_equal(trial_judge_signed(&t, "{\"id\":7}", LINES("X-Part: 2")), 0);
	assert_string_equal(t.event.delivery_id, "7-2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_passes_when_the_condition_says_something),
		cmocka_unit_test(event_that_the_condition_keeps_out_is_ignored_with_a_reason),
		cmocka_unit_test(condition_is_asked_after_signature_and_body),
		cmocka_unit_test(condition_sees_the_whole_event_but_no_secrets),
		cmocka_unit_test(condition_over_forms_and_text_sees_the_object_made_of_them),
		cmocka_unit_test(condition_that_comes_to_no_end_lets_nothing_in),
		cmocka_unit_test(rendered_dedupe_is_the_delivery_id),
		cmocka_unit_test(dedupe_that_renders_to_nothing_is_no_delivery_id),
		cmocka_unit_test(unfit_rendered_ids_are_replaced_by_their_digest),
		cmocka_unit_test(dedupe_that_is_too_much_is_no_delivery_id),
		cmocka_unit_test(dedupe_template_goes_before_the_recipes_own_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
