/* SPDX-License-Identifier: MIT */
/*
 * test_reload.c - the configuration changes while work goes on: whole or not at all, and what was
 * accepted keeps what it was accepted under.
 */
#include "engine/world.h"

#define CONFIG_OF(slots)                                                                           \
	"version: 1\ndocker:\n  max_concurrent: " slots "\n  when_full: queue\n"                   \
	"defaults:\n  channel:\n    type: stdout\n"
#define CONFIG CONFIG_OF("1")

#define PYLON_OF(name, path, secret, prompt, more)                                                 \
	"name: " name "\ntrigger:\n  type: webhook\n  path: " path "\n  secret: " secret           \
	"\n  signature_header: X-Hub-Signature-256\n"                                              \
	"workspace:\n  type: none\n"                                                               \
	"agent:\n  type: mock\n  prompt: \"" prompt "\"\n" more
#define PYLON(prompt)        PYLON_OF("hook", "/hook", "s3cret", prompt, "")
#define FILE_OF(name)        "pylons/" name "/pylon.yaml"
#define APPROVAL             "channel:\n  type: stdout\n  approval: true\n"
#define assert_config(w, ok) assert_true(world_reload(w, false) == (ok))

struct seen {
	const char *name;
	bool is_there, is_active, is_ready;
	char problem[256];
};

static void look(const struct engine_pylon *p, void *ctx)
{
	struct seen *s = ctx;

	if (!str_eq(p->config->name, s->name))
		return;
	s->is_there = true;
	s->is_active = p->is_active;
	s->is_ready = p->is_ready;
	(void)str_copy(
		s->problem, sizeof(s->problem), p->config_problem == NULL ? "" : p->config_problem);
}

static struct seen pylon_seen(struct world *w, const char *name)
{
	struct seen s = {.name = name};

	engine_each_pylon(w->engine, look, &s);
	return s;
}

static void finish(struct world *w, size_t i, int status)
{
	world_started(w, i);
	world_exited(w, i, status);
}

static void a_new_prompt_is_for_new_jobs_only(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("old {{ .body.n }}"));
	world_post(&w, "a", "{\"n\":1}");
	world_post(&w, "b", "{\"n\":2}"); /* waits for the slot */
	world_put(&w, FILE_OF("hook"), PYLON("new {{ .body.n }}"));
	assert_config(&w, true);
	world_post(&w, "c", "{\"n\":3}");
	world_assert_prompt(&w, 0, "old 1");
	finish(&w, 0, 0);
	world_assert_prompt(&w, 1, "old 2");
	finish(&w, 1, 0);
	world_assert_prompt(&w, 2, "new 3");
	world_close(&w);
}

static void a_chain_of_edits_keeps_every_job_with_its_own(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("zero"));
	world_post(&w, "0", "{}");
	world_put(&w, FILE_OF("hook"), PYLON("one"));
	assert_config(&w, true);
	world_post(&w, "1", "{}");
	world_put(&w, FILE_OF("hook"), PYLON("two"));
	assert_config(&w, true);
	world_post(&w, "2", "{}");
	world_assert_prompt(&w, 0, "zero");
	finish(&w, 0, 0);
	world_assert_prompt(&w, 1, "one");
	finish(&w, 1, 0);
	world_assert_prompt(&w, 2, "two");
	world_close(&w);
}

/* What a person approved is what runs. */
static void an_approved_job_runs_as_it_was_approved(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON_OF("hook", "/hook", "s3cret", "shown", APPROVAL));
	world_post(&w, "a", "{}");
	world_put(&w, FILE_OF("hook"), PYLON_OF("hook", "/hook", "s3cret", "sneaked in", APPROVAL));
	assert_config(&w, true);
	loop_advance(w.loop, US_PER_SEC);
	world_decide(&w, ENGINE_APPROVE, w.answer.job_id);
	world_assert_prompt(&w, 0, "shown");
	world_close(&w);
}

static void an_automatic_retry_keeps_it_and_one_by_hand_takes_the_new(void **state UNUSED)
{
	struct world w;
	char job[40];

	world_open(&w, CONFIG, PYLON_OF("hook", "/hook", "s3cret", "old", "  retries: 1\n"));
	world_post(&w, "a", "{}");
	(void)str_copy(job, sizeof(job), w.answer.job_id);
	world_started(&w, 0);
	world_put(&w, FILE_OF("hook"), PYLON("new"));
	assert_config(&w, true);
	world_exited(&w, 0, 1);
	loop_advance(w.loop, 60 * US_PER_SEC);
	world_assert_prompt(&w, 1, "old");
	finish(&w, 1, 1);
	world_assert_state(&w, job, JOB_FAILED);
	world_decide(&w, ENGINE_RETRY, job);
	world_assert_prompt(&w, 2, "new");
	world_close(&w);
}

static void a_broken_file_changes_nothing_and_is_told(void **state UNUSED)
{
	static const char *const broken[] = {"", "name: hook\ntrig",
		"name: hook\ntrigger:\n  type: webhook\n  path: hook\n", "\t\n",
		"name: hook\nname: hook\n", "name: hook\ntrigger: 5\n"};
	struct world w;

	world_open(&w, CONFIG_OF("99"), PYLON("good"));
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		world_put(&w, FILE_OF("hook"), broken[i]);
		assert_config(&w, true);
		assert_string_not_equal(pylon_seen(&w, "hook").problem, "");
		world_post(&w, NULL, "{}");
		assert_int_equal(w.answer.status, 202);
		world_assert_prompt(&w, i, "good");
	}
	world_put(&w, FILE_OF("hook"), PYLON("good"));
	assert_config(&w, true);
	assert_string_equal(pylon_seen(&w, "hook").problem, "");
	world_close(&w);
}

static void a_new_secret_is_in_force_at_once(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("x"));
	world_put(&w, FILE_OF("hook"), PYLON_OF("hook", "/hook", "other", "x", ""));
	assert_config(&w, true);
	world_post(&w, "a", "{}");
	assert_int_equal(w.answer.status, 401);
	world_put(&w, FILE_OF("hook"), PYLON_OF("hook", "/hook", "[other, s3cret]", "x", ""));
	assert_config(&w, true);
	world_post(&w, "a", "{}");
	assert_int_equal(w.answer.status, 202);
	world_close(&w);
}

static void a_pylon_comes_and_goes(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON_OF("hook", "/elsewhere", "s3cret", "x", ""));
	world_post(&w, "a", "{}");
	assert_int_equal(w.answer.status, 404);
	world_put(&w, FILE_OF("late"), PYLON_OF("late", "/hook", "s3cret", "from late", ""));
	assert_config(&w, true);
	world_post(&w, "a", "{}");
	assert_int_equal(w.answer.status, 202);
	world_assert_prompt(&w, 0, "from late");
	/* Its job is alive: it ends in peace. */
	world_started(&w, 0);
	world_put(&w, "pylons/late/moved", "");
	world_remove(&w, FILE_OF("late"));
	assert_config(&w, true);
	assert_false(pylon_seen(&w, "late").is_there);
	world_post(&w, "b", "{}");
	assert_int_equal(w.answer.status, 404);
	world_exited(&w, 0, 0);
	assert_int_equal(w.channel.n, 1);
	world_close(&w);
}

static void a_disabled_pylon_ignores_events_and_holds_its_queue(void **state UNUSED)
{
	struct world w;
	char queued[40];

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	world_post(&w, "b", "{}");
	(void)str_copy(queued, sizeof(queued), w.answer.job_id);
	world_put(&w, FILE_OF("hook"), PYLON("x") "disabled: true\n");
	assert_config(&w, true);
	world_post(&w, "c", "{}");
	assert_int_equal(w.answer.status, 200);
	assert_string_equal(w.answer.outcome, "ignored");
	finish(&w, 0, 0);
	world_assert_state(&w, queued, JOB_QUEUED);
	world_put(&w, FILE_OF("hook"), PYLON("x"));
	assert_config(&w, true);
	assert_int_equal(w.runner.n, 2);
	world_close(&w);
}

static void config_yaml_waits_until_it_is_asked_for(void **state UNUSED)
{
	struct world w;
	struct engine_status s = {0};

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	world_post(&w, "b", "{}");
	world_put(&w, "config.yaml", CONFIG_OF("2") "server:\n  port: 9999\n");
	assert_config(&w, true);
	assert_int_equal(w.runner.n, 1);
	engine_status(w.engine, &s);
	assert_int_equal(s.restart_needed->n, 2);
	assert_true(world_reload(&w, true));
	assert_int_equal(w.runner.n, 2); /* the second slot is there */
	engine_status(w.engine, &s);
	assert_int_equal(s.restart_needed->n, 1);
	assert_string_equal(s.restart_needed->v[0], "server.port");
	world_put(&w, "config.yaml", "server: [\n");
	assert_false(world_reload(&w, true));
	assert_config(&w, true);
	world_post(&w, "c", "{}");
	assert_int_equal(w.answer.status, 202);
	world_close(&w);
}

/* A path given to two pylons keeps serving the one that had it. */
static void a_second_pylon_cannot_take_a_path_over(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("first"));
	world_put(&w, FILE_OF("other"), PYLON_OF("other", "/hook", "s3cret", "second", ""));
	assert_config(&w, true);
	world_post(&w, "a", "{}");
	assert_int_equal(w.answer.status, 202);
	world_assert_prompt(&w, 0, "first");
	assert_false(pylon_seen(&w, "other").is_there);
	world_close(&w);
}

/* Also when the one that has it goes on only because its file is broken now. */
static void the_path_of_a_broken_pylon_is_not_free(void **state UNUSED)
{
	struct world w;
	struct engine_status s = {0};

	world_open(&w, CONFIG, PYLON("first"));
	world_put(&w, FILE_OF("hook"), "name: hook\n  x\n");
	world_put(&w, FILE_OF("earlier"), PYLON_OF("earlier", "/hook", "s3cret", "second", ""));
	assert_config(&w, true);
	world_post(&w, "a", "{}");
	world_assert_prompt(&w, 0, "first");
	assert_false(pylon_seen(&w, "earlier").is_there);
	engine_status(w.engine, &s);
	assert_int_equal(s.config_notes->n, 2);
	world_close(&w);
}

/* One that runs elsewhere stays where it is, and says why. */
static void a_move_to_the_path_of_a_broken_pylon_is_refused_aloud(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("first"));
	world_put(&w, FILE_OF("mover"), PYLON_OF("mover", "/mover", "s3cret", "second", ""));
	assert_config(&w, true);
	world_put(&w, FILE_OF("hook"), "name: hook\n  x\n");
	world_put(&w, FILE_OF("mover"), PYLON_OF("mover", "/hook", "s3cret", "second", ""));
	assert_config(&w, true);
	assert_non_null(strstr(pylon_seen(&w, "mover").problem, "/hook belongs to hook"));
	world_put(&w, FILE_OF("mover"), PYLON_OF("mover", "/mover", "s3cret", "second", ""));
	assert_config(&w, true);
	assert_string_equal(pylon_seen(&w, "mover").problem, "");
	world_close(&w);
}

/* --- the order between pylons --- */

static void many_events_of_one_pylon_do_not_keep_another_waiting(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("busy"));
	world_put(&w, FILE_OF("quiet"),
		"name: quiet\ntrigger:\n  type: manual\nworkspace:\n  type: none\n"
		"agent:\n  type: mock\n  prompt: quiet\n");
	assert_config(&w, true);
	for (int i = 0; i < 10; i++)
		world_post(&w, NULL, "{}");
	engine_trigger(w.engine, "quiet", SLICE_NULL, "manual", world_answered, &w);
	loop_settle(w.loop);
	finish(&w, 0, 0);
	world_assert_prompt(&w, 1, "quiet");
	finish(&w, 1, 0);
	world_assert_prompt(&w, 2, "busy");
	world_close(&w);
}

/* --- poison --- */

static void a_job_whose_start_kills_the_daemon_three_times_is_parked(void **state UNUSED)
{
	struct world w;
	struct job j = {0};
	char job[40];

	world_open(&w, CONFIG, PYLON_OF("hook", "/hook", "s3cret", "x", "  retries: 5\n"));
	world_post(&w, "a", "{}");
	(void)str_copy(job, sizeof(job), w.answer.job_id);
	for (int deaths = 1; deaths <= POISON_STARTS_MAX; deaths++) {
		world_assert_state(&w, job, JOB_STARTING);
		world_down(&w, US_PER_SEC);
	}
	assert_int_equal(world_job(&w, job, &j), JOB_FAILED);
	assert_string_equal(j.reason, "poison");
	job_fini(&j);
	world_post(&w, "b", "{}");
	assert_int_equal(w.runner.n, 1); /* others go on */
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_prompt_is_for_new_jobs_only),
		cmocka_unit_test(a_chain_of_edits_keeps_every_job_with_its_own),
		cmocka_unit_test(an_approved_job_runs_as_it_was_approved),
		cmocka_unit_test(an_automatic_retry_keeps_it_and_one_by_hand_takes_the_new),
		cmocka_unit_test(a_broken_file_changes_nothing_and_is_told),
		cmocka_unit_test(a_new_secret_is_in_force_at_once),
		cmocka_unit_test(a_pylon_comes_and_goes),
		cmocka_unit_test(a_disabled_pylon_ignores_events_and_holds_its_queue),
		cmocka_unit_test(config_yaml_waits_until_it_is_asked_for),
		cmocka_unit_test(a_second_pylon_cannot_take_a_path_over),
		cmocka_unit_test(the_path_of_a_broken_pylon_is_not_free),
		cmocka_unit_test(a_move_to_the_path_of_a_broken_pylon_is_refused_aloud),
		cmocka_unit_test(many_events_of_one_pylon_do_not_keep_another_waiting),
		cmocka_unit_test(a_job_whose_start_kills_the_daemon_three_times_is_parked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
