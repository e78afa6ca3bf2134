/* SPDX-License-Identifier: MIT */
/*
 * test_under_way.c - what is under way while the configuration, the database or a whole folder
 * changes below it: nothing is forgotten, nothing is done under another configuration, and nobody
 * waits for ever.
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
#define CRON(more)                                                                                 \
	"name: hook\ntrigger:\n  type: cron\n  cron: \"* * * * *\"\n" more                         \
	"workspace:\n  type: none\nagent:\n  type: mock\n  prompt: due\n"
#define FILE_OF(name) "pylons/" name "/pylon.yaml"
#define BROKEN        "name: hook\n  x\n"

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

static void leave_container(struct world *w, const struct fake_run *r)
{
	w->runner.found[0] = (struct runner_found){.run_id = r->run_id,
		.job_id = r->job_id,
		.container_id = "c0ffee",
		.state = "running"};
	w->runner.found_n = 1;
}

/* --- what is alive when its pylon is taken up --- */

static void a_run_is_followed_when_the_file_of_its_pylon_is_mended(void **state UNUSED)
{
	struct world w;
	char id[40];

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_started(&w, 0);
	leave_container(&w, world_run(&w, 0));
	world_put(&w, FILE_OF("hook"), BROKEN);
	world_crash(&w);
	world_reread(&w);
	world_restart(&w);
	assert_int_equal(w.runner.n, 0);
	put_and_reload(&w, FILE_OF("hook"), PYLON("x"));
	assert_int_equal(w.runner.n, 1);
	assert_true(world_run(&w, 0)->is_adopted);
	world_exited(&w, 0, 0);
	world_assert_state(&w, id, JOB_COMPLETED);
	world_close(&w);
}

/* The survey that this needs decides nothing about what is being started meanwhile. */
static void taking_up_a_pylon_leaves_the_starts_of_others_alone(void **state UNUSED)
{
	struct world w;
	char left[40], starting[40];
	struct job j = {0};
	size_t ensured;

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	(void)str_copy(left, sizeof(left), w.answer.job_id);
	world_put(&w, FILE_OF("hook"), BROKEN);
	world_put(&w, FILE_OF("other"), PYLON_OF("other", "/other", "y", ""));
	world_crash(&w);
	world_reread(&w);
	w.workspace.is_slow = true;
	world_restart(&w);
	engine_trigger(w.engine, "other", SLICE_NULL, "manual", world_answered, &w);
	loop_settle(w.loop);
	(void)str_copy(starting, sizeof(starting), w.answer.job_id);
	ensured = w.runner.ensured;
	put_and_reload(&w, FILE_OF("hook"), PYLON("x"));
	assert_int_equal(world_job(&w, starting, &j), JOB_STARTING);
	assert_int_equal(j.attempt, 1);
	job_fini(&j);
	assert_int_equal(world_job(&w, left, &j), JOB_STARTING);
	assert_int_equal(j.attempt, 2); /* its run had no container */
	job_fini(&j);
	assert_int_equal(w.runner.ensured, ensured + 1); /* that of the pylon that came */
	world_close(&w);
}

static void a_pylon_that_goes_while_its_workspace_is_made_ends_in_peace(void **state UNUSED)
{
	struct world w;
	char id[40];

	world_open(&w, CONFIG, PYLON("x"));
	w.workspace.is_slow = true;
	world_post(&w, "a", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_put(&w, "pylons/hook/else", "");
	world_remove(&w, FILE_OF("hook"));
	assert_true(world_reload(&w, false));
	world_workspace_ready(&w);
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	world_assert_state(&w, id, JOB_COMPLETED);
	assert_int_equal(w.channel.n, 1);
	world_sent(&w, 0, CHANNEL_SENT, -1);
	assert_null(engine_pylon(w.engine, "hook"));
	world_close(&w);
}

/* With a job that is alive it was never forgotten. */
static void a_pylon_that_comes_back_is_open_again(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	world_started(&w, 0);
	world_put(&w, "pylons/hook/else", "");
	world_remove(&w, FILE_OF("hook"));
	assert_true(world_reload(&w, false));
	world_post(&w, "b", "{}");
	assert_int_equal(w.answer.status, 404);
	put_and_reload(&w, FILE_OF("hook"), PYLON("x"));
	world_post(&w, "b", "{}");
	assert_int_equal(w.answer.status, 202);
	world_close(&w);
}

/* A result reaches its channel although its pylon is gone. */
static void a_removed_pylon_stays_until_its_messages_are_sent(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	world_started(&w, 0);
	world_put(&w, "pylons/hook/else", "");
	world_remove(&w, FILE_OF("hook"));
	assert_true(world_reload(&w, false));
	world_exited(&w, 0, 0);
	assert_int_equal(w.channel.n, 1);
	world_sent(&w, 0, CHANNEL_RETRY, -1);
	loop_advance(w.loop, 10 * US_PER_SEC);
	assert_int_equal(w.channel.n, 2);
	world_sent(&w, 1, CHANNEL_SENT, -1);
	assert_null(engine_pylon(w.engine, "hook"));
	world_close(&w);
}

/* A folder that vanishes as a whole is an accident or half of a move. */
static void without_the_folder_of_all_pylons_everything_stays(void **state UNUSED)
{
	struct world w;
	char *from, *to;

	world_open(&w, CONFIG, PYLON("x"));
	from = xasprintf("%s/pylons", w.home);
	to = xasprintf("%s/away", w.home);
	assert_int_equal(rename(from, to), 0);
	assert_false(world_reload(&w, false));
	assert_int_equal(rename(to, from), 0);
	assert_true(world_reload(&w, false));
	world_post(&w, "a", "{}");
	assert_int_equal(w.answer.status, 202);
	free(from);
	free(to);
	world_close(&w);
}

/* Its predecessor is claimed in the very turn in which the next occurrence is decided. */
static void what_is_being_claimed_is_replaced_by_the_next_occurrence_too(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, CRON("  overlap: cancel_previous\n"));
	world_engine(&w, false);
	loop_advance(w.loop, MINUTE);
	assert_int_equal(the_pylon(&w, "hook")->queued, 1);
	loop_step_clock(w.loop, MINUTE);
	w.runner.is_up = true;
	w.runner.ev.ready(w.runner.ev.ctx, true, "fake 1.0");
	loop_settle(w.loop);
	assert_int_equal(w.runner.n, 1);
	assert_int_equal(world_run(&w, 0)->stops, 1);
	world_close(&w);
}

/* --- admission --- */

static void what_a_disabled_pylon_keeps_waiting_fills_no_queue(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON("x"));
	world_engine(&w, false);
	world_post(&w, "a", "{}");
	world_post(&w, "b", "{}");
	world_post(&w, "c", "{}");
	assert_int_equal(w.answer.status, 503);
	world_put(&w, FILE_OF("other"), PYLON_OF("other", "/other", "y", ""));
	put_and_reload(&w, FILE_OF("hook"), PYLON("x") "disabled: true\n");
	engine_trigger(w.engine, "other", SLICE_NULL, "manual", world_answered, &w);
	loop_settle(w.loop);
	assert_int_equal(w.answer.status, 202);
	world_close(&w);
}

static void what_a_disabled_pylon_keeps_waiting_holds_no_slot(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG_OF("1", "reject"), PYLON("x"));
	world_engine(&w, false);
	world_post(&w, "a", "{}");
	world_post(&w, "b", "{}");
	assert_int_equal(w.answer.status, 503);
	world_put(&w, FILE_OF("other"), PYLON_OF("other", "/other", "y", ""));
	put_and_reload(&w, FILE_OF("hook"), PYLON("x") "disabled: true\n");
	engine_trigger(w.engine, "other", SLICE_NULL, "manual", world_answered, &w);
	loop_settle(w.loop);
	assert_int_equal(w.answer.status, 202);
	world_close(&w);
}

static void the_earliest_of_those_that_wait_is_waited_for(void **state UNUSED)
{
	struct world w;
	struct pylon *p;

	world_open(&w, CONFIG, PYLON("x"));
	p = the_pylon(&w, "hook");
	pylon_queued(p, 300);
	pylon_queued(p, 100);
	pylon_queued(p, 200);
	assert_int_equal(p->next_start, 100);
	pylon_unqueued(p, 300);
	pylon_unqueued(p, 100);
	pylon_unqueued(p, 200);
	world_close(&w);
}

/* --- images --- */

static void an_image_is_asked_for_when_it_becomes_needed(void **state UNUSED)
{
	struct world w;
	size_t ensured;

	world_open(&w, CONFIG, PYLON("x") "disabled: true\n");
	ensured = w.runner.ensured;
	put_and_reload(&w, FILE_OF("hook"), PYLON("y") "disabled: true\n");
	assert_int_equal(w.runner.ensured, ensured);
	put_and_reload(&w, FILE_OF("hook"), PYLON("y"));
	assert_int_equal(w.runner.ensured, ensured + 1);
	put_and_reload(&w, FILE_OF("hook"), PYLON("z"));
	assert_int_equal(w.runner.ensured, ensured + 1);
	w.runner.image_fails = true;
	put_and_reload(&w, FILE_OF("hook"), PYLON("z") "  image: other/one\n");
	assert_int_equal(w.runner.ensured, ensured + 2);
	assert_non_null(the_pylon(&w, "hook")->image_problem);
	world_close(&w);
}

/* --- two daemons with one home --- */

/* The other one has the pylons: this one reads nothing of them, and above all it decides nothing.
 */
static void a_bystander_leaves_the_pylons_of_its_home_alone(void **state UNUSED)
{
	struct world w;
	char id[40];

	world_open(&w, CONFIG, PYLON("x"));
	world_post(&w, "a", "{}");
	(void)str_copy(id, sizeof(id), w.answer.job_id);
	world_crash(&w);
	w.is_bystander = true;
	world_restart(&w);
	assert_true(w.is_prepared);
	assert_true(world_reload(&w, false));
	world_post(&w, "b", "{}");
	assert_int_equal(w.answer.status, 404);
	world_crash(&w);
	w.is_bystander = false;
	world_restart(&w);
	assert_int_equal(w.runner.n, 1);
	world_assert_state(&w, id, JOB_STARTING);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_is_followed_when_the_file_of_its_pylon_is_mended),
		cmocka_unit_test(taking_up_a_pylon_leaves_the_starts_of_others_alone),
		cmocka_unit_test(a_pylon_that_goes_while_its_workspace_is_made_ends_in_peace),
		cmocka_unit_test(a_pylon_that_comes_back_is_open_again),
		cmocka_unit_test(a_removed_pylon_stays_until_its_messages_are_sent),
		cmocka_unit_test(without_the_folder_of_all_pylons_everything_stays),
		cmocka_unit_test(what_is_being_claimed_is_replaced_by_the_next_occurrence_too),
		cmocka_unit_test(what_a_disabled_pylon_keeps_waiting_fills_no_queue),
		cmocka_unit_test(what_a_disabled_pylon_keeps_waiting_holds_no_slot),
		cmocka_unit_test(the_earliest_of_those_that_wait_is_waited_for),
		cmocka_unit_test(an_image_is_asked_for_when_it_becomes_needed),
		cmocka_unit_test(a_bystander_leaves_the_pylons_of_its_home_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
