/* SPDX-License-Identifier: MIT */
/*
 * test_elders.c - under which configuration a job runs when its pylon is edited meanwhile: the one
 * it was accepted under, whatever became of it in between.
 */
#include "engine/engine-internal.h"
#include "engine/world.h"

#define MINUTE (60 * US_PER_SEC)

#define CONFIG_OF(slots, when_full)                                                                \
	"version: 1\ndocker:\n  max_concurrent: " slots "\n  when_full: " when_full "\n"           \
	"  queue_limit: 2\ndefaults:\n  channel:\n    type: stdout\n"
#define CONFIG CONFIG_OF("2", "queue")
#define PYLON_OF(name, path, prompt, more)                                                         \
	"name: " name "\ntrigger:\n  type: webhook\n  path: " path "\n  secret: s3cret\n"          \
	"  signature_header: X-Hub-Signature-256\n"                                                \
	"workspace:\n  type: none\n"                                                               \
	"agent:\n  type: mock\n  prompt: \"" prompt "\"\n" more
#define PYLON(prompt) PYLON_OF("hook", "/hook", prompt, "")
#define FILE_OF(name) "pylons/" name "/pylon.yaml"
#define APPROVAL      "channel:\n  type: stdout\n  approval: true\n"

static void put_and_reload(struct world *w, const char *path, const char *text)
{
	world_put(w, path, text);
	assert_true(world_reload(w, false));
}

static struct pylon *the_pylon(struct world *w, const char *name)
{
	struct pylon *p = engine_pylon(w->engine, name);

	assert_non_null(p);
	return p;
}

/* The container engine went away: nobody decided anything. */
static void a_free_repetition_keeps_the_configuration_of_its_acceptance(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("old"));
	w.workspace.is_slow = true;
	world_post(&w, "a", "{}");
	put_and_reload(&w, FILE_OF("hook"), PYLON("new"));
	w.runner.is_up = false; /* which the engine does not know yet */
	world_workspace_ready(&w);
	assert_int_equal(w.runner.n, 1);
	w.runner.is_up = true;
	loop_advance(w.loop, 5 * US_PER_SEC);
	world_workspace_ready(&w);
	assert_int_equal(w.runner.n, 2);
	world_assert_prompt(&w, 1, "old");
	world_close(&w);
}

/* Its first delivery was refused: it is accepted now, under what is in force now. */
static void a_revived_job_runs_under_the_configuration_that_took_it_in(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG_OF("1", "reject"), PYLON("old"));
	world_post(&w, "a", "{}");
	world_post(&w, "b", "{}");
	assert_int_equal(w.answer.status, 503);
	put_and_reload(&w, FILE_OF("hook"), PYLON("new"));
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	world_post(&w, "c", "{}"); /* so that a job is open at the next reload, too */
	put_and_reload(&w, FILE_OF("hook"), PYLON("newer"));
	world_assert_prompt(&w, 1, "new");
	world_started(&w, 1);
	world_exited(&w, 1, 0);
	world_post(&w, "b", "{}");
	assert_int_equal(w.answer.status, 202);
	world_assert_prompt(&w, 2, "newer");
	world_close(&w);
}

static void a_job_that_never_ran_takes_the_new_one_when_it_is_retried_by_hand(void **state UNUSED)
{
	struct world w;
	char waiting[40];

	world_open(&w, CONFIG_OF("1", "queue"), PYLON("old"));
	world_post(&w, "a", "{}");
	world_post(&w, "b", "{}");
	(void)str_copy(waiting, sizeof(waiting), w.answer.job_id);
	world_decide(&w, ENGINE_KILL, waiting);
	put_and_reload(&w, FILE_OF("hook"), PYLON("new"));
	world_decide(&w, ENGINE_RETRY, waiting);
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	world_assert_prompt(&w, 1, "new");
	world_close(&w);
}

/* What a person started again goes on as it was started then. */
static void the_repetition_of_a_retry_by_hand_keeps_its_configuration(void **state UNUSED)
{
	struct world w;
	char id[40];

	world_open(&w, CONFIG, PYLON("old"));
	world_post(&w, "a", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_post(&w, "b", "{}"); /* keeps the old one in memory */
	world_started(&w, 0);
	world_exited(&w, 0, 1);
	put_and_reload(&w, FILE_OF("hook"), PYLON("new") "  retries: 1\n");
	world_decide(&w, ENGINE_RETRY, id);
	world_assert_prompt(&w, 2, "new");
	world_started(&w, 2);
	world_exited(&w, 2, 1);
	put_and_reload(&w, FILE_OF("hook"), PYLON("newer"));
	loop_advance(w.loop, MINUTE);
	assert_int_equal(w.runner.n, 4);
	world_assert_prompt(&w, 3, "new");
	world_close(&w);
}

static void a_repetition_that_was_killed_is_forgotten(void **state UNUSED)
{
	struct world w;
	char id[40];

	world_open(&w, CONFIG, PYLON("old") "  retries: 1\n");
	world_post(&w, "a", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_started(&w, 0);
	world_exited(&w, 0, 1);
	world_decide(&w, ENGINE_KILL, id);
	put_and_reload(&w, FILE_OF("hook"), PYLON("new"));
	world_decide(&w, ENGINE_RETRY, id);
	world_assert_prompt(&w, 1, "new");
	world_close(&w);
}

static void approve(const struct job *j, void *ctx)
{
	struct world *w = ctx;

	engine_decide(w->engine, ENGINE_APPROVE, &j->id, "tester", world_answered, w);
}

/* They are on their way to the disk, and get their times there. */
static void what_came_in_the_turn_of_a_reload_is_of_the_old_configuration(void **state UNUSED)
{
	struct world w;
	struct pylon *p;

	world_open(&w, CONFIG_OF("9", "reject"), PYLON("old") APPROVAL);
	for (int i = 0; i < 5; i++)
		world_send(&w, NULL, "{}");
	put_and_reload(&w, FILE_OF("hook"), PYLON("new") APPROVAL);
	p = the_pylon(&w, "hook");
	assert_int_equal(store_open_jobs(p->db, false, approve, &w, NULL), 0);
	loop_settle(w.loop);
	assert_int_equal(w.runner.n, 5);
	for (size_t i = 0; i < 5; i++)
		world_assert_prompt(&w, i, "old");
	world_close(&w);
}

static void files_that_say_what_they_said_change_nothing(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	put_and_reload(&w, FILE_OF("hook"), PYLON("x"));
	assert_true(list_is_empty(&the_pylon(&w, "hook")->elders));
	world_close(&w);
}

/* One job is always open, as under constant load. */
static void configurations_that_no_job_needs_any_more_are_forgotten(void **state UNUSED)
{
	struct world w;
	size_t kept = 0;

	world_open(&w, CONFIG, PYLON("v"));
	world_post(&w, NULL, "{}");
	for (size_t i = 0; i < 20; i++) {
		char prompt[512];

		(void)snprintf(prompt, sizeof(prompt), "%s  env:\n    N: \"%zu\"\n", PYLON("v"), i);
		put_and_reload(&w, FILE_OF("hook"), prompt);
		world_post(&w, NULL, "{}");
		world_started(&w, i);
		world_exited(&w, i, 0);
	}
	list_foreach (it, &the_pylon(&w, "hook")->elders)
		kept++;
	assert_true(kept >= 1);
	assert_true(kept <= 2);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_free_repetition_keeps_the_configuration_of_its_acceptance),
		cmocka_unit_test(a_revived_job_runs_under_the_configuration_that_took_it_in),
		cmocka_unit_test(a_job_that_never_ran_takes_the_new_one_when_it_is_retried_by_hand),
		cmocka_unit_test(the_repetition_of_a_retry_by_hand_keeps_its_configuration),
		cmocka_unit_test(a_repetition_that_was_killed_is_forgotten),
		cmocka_unit_test(what_came_in_the_turn_of_a_reload_is_of_the_old_configuration),
		cmocka_unit_test(files_that_say_what_they_said_change_nothing),
		cmocka_unit_test(configurations_that_no_job_needs_any_more_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
