/* SPDX-License-Identifier: MIT */
/*
 * test_secrets.c - known secrets in what an agent reports and in what an event makes us tell: they
 * are found whatever a text is cut to and however its JSON is written.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "engine/engine-internal.h"
#include "engine/world.h"

/* Letters only: a parser that stumbles at one tells the whole word. */
#define SECRET "thesecretofthehook"
#define CONFIG                                                                                     \
	"version: 1\ndocker:\n  max_concurrent: 2\n  when_full: queue\n"                           \
	"defaults:\n  channel:\n    type: stdout\n"
#define PYLON(channel)                                                                             \
	"name: hook\ntrigger:\n  type: webhook\n  path: /hook\n"                                   \
	"  secret: [s3cret, " SECRET "]\n  signature_header: X-Hub-Signature-256\n"                \
	"workspace:\n  type: none\nagent:\n  type: mock\n  prompt: hello\n" channel

#define TOPIC_MAX 256

/* One job, whose run has started. */
static void begin(struct world *w, const char *channel, const char *body)
{
	CLEANUP(freep) char *yaml = xasprintf("%s%s", PYLON(""), channel);

	world_open(w, CONFIG, yaml);
	world_post(w, "d-1", body);
	assert_int_equal(w->answer.status, 202);
	world_started(w, 0);
}

static char *filler(size_t n)
{
	char *text = xcalloc(n + 1, 1);

	memset(text, 'a', n);
	return text;
}

static void assert_untold(const char *text)
{
	if (text != NULL && strstr(text, "thesec") != NULL)
		fail_msg("it is told: ...%s", strstr(text, "thesec"));
}

/* Every byte of it is in the kept part, or only the first `kept` ones would be. */
static void check_cut(const char *key, size_t kept)
{
	CLEANUP(freep) char *before = filler(RESULT_TEXT_MAX - kept);
	CLEANUP(freep)
	char *json = xasprintf(
		"{\"status\":\"failed\",\"output\":{\"result\":\"x\"},\"%s\":\"%s" SECRET "\"}",
		key, before);
	CLEANUP(freep)
	char *in_output = xasprintf(
		"{\"status\":\"completed\",\"output\":{\"%s\":\"%s" SECRET "\"}}", key, before);
	struct world w;
	struct job j = {0};

	begin(&w, "", "{}");
	world_result(&w, 0, str_eq(key, "error") ? json : in_output);
	world_exited(&w, 0, 0);
	(void)world_job(&w, w.answer.job_id, &j);
	assert_untold(j.result);
	assert_untold(j.error);
	assert_true(strlen(str_eq(key, "error") ? j.error : j.result) <= RESULT_TEXT_MAX);
	job_fini(&j);
	world_close(&w);
}

static void a_secret_at_the_place_where_a_text_is_cut_is_found(void **state UNUSED)
{
	static const size_t kept[] = {1, sizeof(SECRET) - 2, sizeof(SECRET) - 1};

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		check_cut("result", kept[i]);
		check_cut("error", kept[i]);
	}
}

static void a_long_result_is_not_cut_inside_of_a_character(void **state UNUSED)
{
	CLEANUP(freep) char *before = filler(RESULT_TEXT_MAX - 2);
	CLEANUP(freep)
	char *json = xasprintf("{\"status\":\"completed\",\"output\":{\"result\":"
			       "\"%s\xe2\x82\xac\"}}",
		before);
	struct world w;
	struct job j = {0};

	begin(&w, "", "{}");
	world_result(&w, 0, json);
	world_exited(&w, 0, 0);
	(void)world_job(&w, w.answer.job_id, &j);
	assert_string_equal(j.result, before);
	job_fini(&j);
	world_close(&w);
}

static void a_session_id_may_be_one_as_well(void **state UNUSED)
{
	struct world w;
	struct job j = {0};

	begin(&w, "", "{}");
	world_result(&w, 0,
		"{\"status\":\"completed\",\"output\":{\"result\":\"x\",\"session_id\":\"" SECRET
		"\"}}");
	world_exited(&w, 0, 0);
	(void)world_job(&w, w.answer.job_id, &j);
	assert_string_equal(j.session_id, "<redacted>");
	assert_untold(w.channel.sent[0].message);
	job_fini(&j);
	world_close(&w);
}

static void on_answer(void *ctx UNUSED, const struct answer *a)
{
	assert_int_equal(a->status, 200);
}

static void escapes_hide_nothing_in_a_callback(void **state UNUSED)
{
	static const char json[] = "{\"status\":\"completed\",\"output\":{\"result\":"
				   "\"\\u0074hesecretofthehook\",\"\\u0074hesecretofthehook\":1}}";
	struct world w;
	struct run r = {0};
	struct err e = CLEAN_ERR;
	const struct fake_run *f;

	begin(&w, "", "{}");
	f = world_run(&w, 0);
	engine_report(w.engine, slice_of(f->job_id.s), slice_of(strrchr(f->callback, '/') + 1),
		slice_of(json), on_answer, NULL);
	loop_settle(w.loop);
	assert_int_equal(store_run(w.engine->pylons[0]->db, &f->run_id, &r, &e), 0);
	assert_null(strstr(r.report, "hesecret"));
	assert_non_null(strstr(r.report, "\"<redacted>\":1"));
	run_fini(&r);
	world_close(&w);
}

static void on_log(enum log_level level UNUSED, const char *line, void *ctx)
{
	buf_add_str(ctx, line);
}

static void what_a_parser_stumbled_at_is_not_in_our_own_log(void **state UNUSED)
{
	CLEANUP(buf_fini) struct buf lines = BUF_NULL;
	struct world w;
	struct job j = {0};

	begin(&w, "", "{}");
	log_capture(on_log, &lines);
	world_result(&w, 0, "{\"a\": " SECRET "}");
	world_exited(&w, 0, 0);
	log_capture(NULL, NULL);
	assert_non_null(strstr(buf_str(&lines), "its result.json cannot be used"));
	assert_untold(buf_str(&lines));
	(void)world_job(&w, w.answer.job_id, &j);
	assert_untold(j.error);
	job_fini(&j);
	world_close(&w);
}

static void nor_is_half_of_one_in_a_topic_that_was_cut(void **state UNUSED)
{
	for (size_t kept = 1; kept < sizeof(SECRET); kept++) {
		CLEANUP(freep) char *before = filler(TOPIC_MAX - kept);
		CLEANUP(freep) char *body = xasprintf("{\"t\":\"%s" SECRET "\"}", before);
		struct world w;

		begin(&w, "channel:\n  type: stdout\n  topic: \"{{ .body.t }}\"\n", body);
		world_exited(&w, 0, 0);
		assert_int_equal(w.channel.n, 1);
		assert_non_null(strstr(w.channel.sent[0].message, "aaaa"));
		assert_untold(w.channel.sent[0].message);
		assert_null(strstr(w.channel.sent[0].message, "aat"));
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_at_the_place_where_a_text_is_cut_is_found),
		cmocka_unit_test(a_long_result_is_not_cut_inside_of_a_character),
		cmocka_unit_test(a_session_id_may_be_one_as_well),
		cmocka_unit_test(escapes_hide_nothing_in_a_callback),
		cmocka_unit_test(what_a_parser_stumbled_at_is_not_in_our_own_log),
		cmocka_unit_test(nor_is_half_of_one_in_a_topic_that_was_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
