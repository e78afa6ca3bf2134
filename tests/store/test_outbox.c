/* SPDX-License-Identifier: MIT */
/*
 * T5, T6, redelivery, the order of messages, and what a crash leaves.
 */
#undef NDEBUG
#include "fixture.h"

static const char *const one_channel[] = {"webhook"};

#define RUN(f, r, ask)                                                                             \
	__extension__({                                                                            \
		struct told t_ = {0};                                                              \
		(r)->op.done = tell_done;                                                          \
		(r)->op.ctx = &t_;                                                                 \
		ask((f)->db, (r));                                                                 \
		assert_int_equal(commit(f), 0);                                                    \
		t_.rc;                                                                             \
	})

static int do_sending(
	struct fixture *f, const struct id *id, int64_t now, struct store_sending *ret)
{
	*ret = (struct store_sending){.delivery_id = *id, .now_real = now};
	return RUN(f, ret, store_sending);
}

static int do_delivered(struct fixture *f, const struct id *id, enum delivery_state to, int64_t due)
{
	struct store_delivered r = {.delivery_id = *id,
		.to = to,
		.due_at = due,
		.now_real = NOW + 7,
		.error = to == DELIVERY_SENT ? NULL : "no answer"};

	return RUN(f, &r, store_delivered);
}

static int do_redeliver(struct fixture *f, const struct id *id)
{
	struct store_redeliver r = {.delivery_id = *id, .now_real = NOW + 9};

	return RUN(f, &r, store_redeliver);
}

static struct delivery get_delivery(struct fixture *f, const struct id *id)
{
	struct delivery d = {0};

	assert_int_equal(store_delivery(f->db, id, &d, NULL), 0);
	return d;
}

static void a_delivery_is_sent_once(void **state)
{
	struct fixture *f = *state;
	struct store_sending s;
	struct delivery d;
	struct id id, job = make_deliveries(f, 1, one_channel, NOW, &id);

	assert_int_equal(do_sending(f, &id, NOW, &s), 0);
	assert_int_equal(s.attempt, 1);
	assert_false(s.may_repeat);
	assert_int_equal(do_sending(f, &id, NOW, &s), STORE_E_STATE);
	assert_int_equal(do_delivered(f, &id, DELIVERY_SENT, 0), 0);
	assert_int_equal(do_delivered(f, &id, DELIVERY_SENT, 0), STORE_E_STATE);
	assert_int_equal(do_sending(f, &id, NOW, &s), STORE_E_STATE);
	d = get_delivery(f, &id);
	assert_int_equal(d.state, DELIVERY_SENT);
	assert_int_equal(d.sent_at, NOW + 7);
	assert_int_equal(d.attempt, 1);
	assert_string_equal(d.job_id.s, job.s);
	assert_string_equal(d.kind, "result");
	assert_string_equal(d.channel, "webhook");
	assert_string_equal(d.message, "{}");
	assert_null(d.error);
	delivery_fini(&d);
}

static void a_delivery_is_not_sent_before_it_is_due(void **state)
{
	struct fixture *f = *state;
	struct store_sending s;
	struct id id;

	(void)make_deliveries(f, 1, one_channel, NOW + 1, &id);
	assert_int_equal(do_sending(f, &id, NOW, &s), STORE_E_STATE);
	assert_int_equal(do_sending(f, &id, NOW + 1, &s), 0);
}

static void a_failed_attempt_is_tried_again_later_and_counted(void **state)
{
	struct fixture *f = *state;
	struct store_sending s;
	struct delivery d;
	struct id id;

	(void)make_deliveries(f, 1, one_channel, NOW, &id);
	assert_int_equal(do_sending(f, &id, NOW, &s), 0);
	assert_int_equal(do_delivered(f, &id, DELIVERY_PENDING, NOW + 50), 0);
	d = get_delivery(f, &id);
	assert_int_equal(d.state, DELIVERY_PENDING);
	assert_int_equal(d.due_at, NOW + 50);
	assert_string_equal(d.error, "no answer");
	delivery_fini(&d);
	assert_int_equal(do_sending(f, &id, NOW + 49, &s), STORE_E_STATE);
	assert_int_equal(do_sending(f, &id, NOW + 50, &s), 0);
	assert_int_equal(s.attempt, 2);
	assert_int_equal(do_delivered(f, &id, DELIVERY_DEAD, 0), 0);
}

static void an_attempt_that_may_have_arrived_is_remembered(void **state)
{
	struct fixture *f = *state;
	struct store_sending s;
	struct store_delivered r = {.to = DELIVERY_PENDING, .may_repeat = true, .due_at = NOW};
	struct id id;

	(void)make_deliveries(f, 1, one_channel, NOW, &id);
	assert_int_equal(do_sending(f, &id, NOW, &s), 0);
	r.delivery_id = id;
	assert_int_equal(RUN(f, &r, store_delivered), 0);
	assert_int_equal(do_sending(f, &id, NOW, &s), 0);
	assert_true(s.may_repeat);
	assert_int_equal(do_delivered(f, &id, DELIVERY_PENDING, NOW), 0);
	assert_int_equal(do_sending(f, &id, NOW, &s), 0);
	assert_true(s.may_repeat);
}

static void dead_and_unknown_are_sent_again_by_hand(void **state)
{
	struct fixture *f = *state;
	enum delivery_state ends[] = {DELIVERY_DEAD, DELIVERY_UNKNOWN};

	for (int i = 0; i < 2; i++) {
		struct store_sending s;
		struct id id;

		(void)make_deliveries(f, 1, one_channel, NOW, &id);
		assert_int_equal(do_redeliver(f, &id), STORE_E_STATE);
		assert_int_equal(do_sending(f, &id, NOW, &s), 0);
		assert_int_equal(do_redeliver(f, &id), STORE_E_STATE);
		assert_int_equal(do_delivered(f, &id, ends[i], 0), 0);
		assert_int_equal(do_redeliver(f, &id), 0);
		assert_int_equal(do_sending(f, &id, NOW + 8, &s), STORE_E_STATE);
		assert_int_equal(do_sending(f, &id, NOW + 9, &s), 0);
		assert_int_equal(s.attempt, 1);
		assert_int_equal(s.may_repeat, ends[i] == DELIVERY_UNKNOWN);
		assert_int_equal(do_delivered(f, &id, DELIVERY_SENT, 0), 0);
		assert_int_equal(do_redeliver(f, &id), STORE_E_STATE);
	}
}

static void t6_moves_only_what_is_being_sent_and_only_as_the_table_allows(void **state)
{
	struct fixture *f = *state;

	for (unsigned to = 0; to < DELIVERY_STATES; to++) {
		struct store_sending s;
		struct id id;
		struct delivery d;
		bool may = delivery_may_move(DELIVERY_SENDING, to);

		(void)make_deliveries(f, 1, one_channel, NOW, &id);
		assert_int_equal(do_delivered(f, &id, to, 0), STORE_E_STATE);
		assert_int_equal(do_sending(f, &id, NOW, &s), 0);
		assert_int_equal(do_delivered(f, &id, to, NOW), may ? 0 : STORE_E_STATE);
		d = get_delivery(f, &id);
		assert_int_equal(d.state, may ? to : DELIVERY_SENDING);
		delivery_fini(&d);
	}
}

static void an_unknown_delivery_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct store_sending s;
	struct delivery d;
	struct id id;

	id_make(&id);
	assert_int_equal(do_sending(f, &id, NOW, &s), STORE_E_NOT_FOUND);
	assert_int_equal(do_delivered(f, &id, DELIVERY_SENT, 0), STORE_E_NOT_FOUND);
	assert_int_equal(do_redeliver(f, &id), STORE_E_NOT_FOUND);
	assert_int_equal(store_delivery(f->db, &id, &d, NULL), STORE_E_NOT_FOUND);
}

struct seen {
	int n;
	struct id ids[16];
};

static void collect(const struct delivery *d, void *ctx)
{
	struct seen *s = ctx;

	assert_true(s->n < 16);
	s->ids[s->n++] = d->id;
}

static void messages_to_one_channel_about_one_job_keep_their_order(void **state)
{
	static const char *const channels[] = {"webhook", "stdout", "webhook"};
	struct fixture *f = *state;
	struct seen seen = {0};
	struct store_sending s;
	struct id id[3];
	int64_t next = -1;

	(void)make_deliveries(f, 3, channels, NOW, id);
	assert_int_equal(store_due_deliveries(f->db, NOW, 10, collect, &seen, &next, NULL), 0);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.ids[0].s, id[0].s);
	assert_string_equal(seen.ids[1].s, id[1].s);
	assert_int_equal(next, 0);
	/* Being sent, and then a back-off, of the first hold the third back too. */
	assert_int_equal(do_sending(f, &id[0], NOW, &s), 0);
	seen.n = 0;
	assert_int_equal(store_due_deliveries(f->db, NOW, 10, collect, &seen, &next, NULL), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(do_delivered(f, &id[0], DELIVERY_PENDING, NOW + 50), 0);
	seen.n = 0;
	assert_int_equal(store_due_deliveries(f->db, NOW + 1, 10, collect, &seen, &next, NULL), 0);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.ids[0].s, id[1].s);
	assert_int_equal(next, NOW + 50);
	/* Dead does not block. */
	assert_int_equal(do_sending(f, &id[0], NOW + 50, &s), 0);
	assert_int_equal(do_delivered(f, &id[0], DELIVERY_DEAD, 0), 0);
	seen.n = 0;
	assert_int_equal(store_due_deliveries(f->db, NOW + 60, 10, collect, &seen, &next, NULL), 0);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.ids[1].s, id[2].s);
}

static void other_jobs_are_not_held_back(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};
	struct store_sending s;
	struct id a, b;
	int64_t next;

	(void)make_deliveries(f, 1, one_channel, NOW, &a);
	(void)make_deliveries(f, 1, one_channel, NOW, &b);
	assert_int_equal(do_sending(f, &a, NOW, &s), 0);
	assert_int_equal(store_due_deliveries(f->db, NOW, 10, collect, &seen, &next, NULL), 0);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.ids[0].s, b.s);
}

static void due_deliveries_stop_at_the_limit_oldest_first(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};
	struct id id[4];
	int64_t next;

	for (int i = 0; i < 4; i++)
		(void)make_deliveries(f, 1, one_channel, NOW - i, &id[i]);
	assert_int_equal(store_due_deliveries(f->db, NOW, 3, collect, &seen, &next, NULL), 0);
	assert_int_equal(seen.n, 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(seen.ids[i].s, id[3 - i].s);
}

static void a_crash_while_sending_is_picked_up_as_a_possible_repetition(void **state)
{
	struct fixture *f = *state;
	struct store_sending s;
	struct id a, b;

	(void)make_deliveries(f, 1, one_channel, NOW, &a);
	(void)make_deliveries(f, 1, one_channel, NOW, &b);
	assert_int_equal(do_sending(f, &a, NOW, &s), 0);
	fixture_reopen(f);
	assert_int_equal(store_recover_deliveries(f->db, NOW + 3, NULL), 1);
	assert_int_equal(store_recover_deliveries(f->db, NOW + 3, NULL), 0);
	assert_int_equal(do_sending(f, &a, NOW + 3, &s), 0);
	assert_int_equal(s.attempt, 2);
	assert_true(s.may_repeat);
	assert_int_equal(do_sending(f, &b, NOW + 3, &s), 0);
	assert_false(s.may_repeat);
}

static void deliveries_are_listed_newest_first_by_job_or_state(void **state)
{
	static const char *const channels[] = {"a", "b"};
	struct fixture *f = *state;
	struct store_sending s;
	struct seen seen = {0};
	struct id one[2], two[2], job = make_deliveries(f, 2, channels, NOW, one);

	(void)make_deliveries(f, 2, channels, NOW, two);
	assert_int_equal(do_sending(f, &one[0], NOW, &s), 0);
	assert_int_equal(do_delivered(f, &one[0], DELIVERY_DEAD, 0), 0);
	assert_int_equal(
		store_deliveries(f->db, NULL, DELIVERY_STATES, 3, collect, &seen, NULL), 0);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.ids[0].s, two[1].s);
	seen.n = 0;
	assert_int_equal(
		store_deliveries(f->db, &job, DELIVERY_STATES, 9, collect, &seen, NULL), 0);
	assert_int_equal(seen.n, 2);
	seen.n = 0;
	assert_int_equal(store_deliveries(f->db, &job, DELIVERY_DEAD, 9, collect, &seen, NULL), 0);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.ids[0].s, one[0].s);
	seen.n = 0;
	assert_int_equal(
		store_deliveries(f->db, NULL, DELIVERY_PENDING, 9, collect, &seen, NULL), 0);
	assert_int_equal(seen.n, 3);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_delivery_is_sent_once),
		TEST(a_delivery_is_not_sent_before_it_is_due),
		TEST(a_failed_attempt_is_tried_again_later_and_counted),
		TEST(an_attempt_that_may_have_arrived_is_remembered),
		TEST(dead_and_unknown_are_sent_again_by_hand),
		TEST(t6_moves_only_what_is_being_sent_and_only_as_the_table_allows),
		TEST(an_unknown_delivery_is_not_found),
		TEST(messages_to_one_channel_about_one_job_keep_their_order),
		TEST(other_jobs_are_not_held_back),
		TEST(due_deliveries_stop_at_the_limit_oldest_first),
		TEST(a_crash_while_sending_is_picked_up_as_a_possible_repetition),
		TEST(deliveries_are_listed_newest_first_by_job_or_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
