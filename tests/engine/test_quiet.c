/* SPDX-License-Identifier: MIT */
/*
 * test_quiet.c - the engine sleeps between events: nothing polls, whatever waits.
 */
#include "engine/world.h"
#include "loop/loop_internal.h"

#define CONFIG                                                                                     \
	"version: 1\ndocker:\n  max_concurrent: 2\n  when_full: queue\n"                           \
	"defaults:\n  channel:\n    type: stdout\n"

#define PYLON                                                                                      \
	"name: hook\ncreated: 2026-01-01T00:00:00Z\n"                                              \
	"trigger:\n  type: webhook\n  path: /hook\n  secret: s3cret\n"                             \
	"  signature_header: X-Hub-Signature-256\n"                                                \
	"workspace:\n  type: none\nchannel:\n  type: stdout\nagent:\n  type: mock\n"               \
	"  prompt: hi\n  retries: 1\n  retry_backoff: 10s\n"

/* A retry that is due while all slots are taken waits for a slot; time alone does not wake anybody.
 */
static void a_due_retry_waits_for_its_slot_in_silence(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON);
	world_post(&w, "a", "{}");
	world_started(&w, 0);
	world_exited(&w, 0, 3);
	world_post(&w, "b", "{}");
	world_post(&w, "c", "{}");
	assert_int_equal(w.runner.n, 3);
	loop_advance(w.loop, 20 * US_PER_SEC);
	assert_true(timers_next(w.loop) - loop_mono(w.loop) > 60 * US_PER_SEC);
	world_started(&w, 1);
	world_exited(&w, 1, 0);
	assert_int_equal(w.runner.n, 4);
	world_close(&w);
}

/* No polling: only the housekeeping and the time limit of a run are ahead. */
static void an_idle_engine_sleeps_for_minutes(void **state UNUSED)
{
	struct world w;

	world_open(&w, CONFIG, PYLON);
	loop_advance(w.loop, 10 * US_PER_SEC);
	assert_true(timers_next(w.loop) - loop_mono(w.loop) > 60 * US_PER_SEC);
	world_post(&w, "x", "{}");
	world_started(&w, 0);
	loop_advance(w.loop, 10 * US_PER_SEC);
	assert_true(timers_next(w.loop) - loop_mono(w.loop) > 60 * US_PER_SEC);
	world_exited(&w, 0, 0);
	world_sent(&w, 0, CHANNEL_SENT, -1);
	loop_advance(w.loop, 10 * US_PER_SEC);
	assert_true(timers_next(w.loop) - loop_mono(w.loop) > 60 * US_PER_SEC);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_due_retry_waits_for_its_slot_in_silence),
		cmocka_unit_test(an_idle_engine_sleeps_for_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
