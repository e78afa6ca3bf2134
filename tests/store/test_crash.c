/* SPDX-License-Identifier: MIT */
/*
 * A process killed before and after the commit of each kind of transaction: before, nothing of it
 * is there; after, all of it is.
 */
#undef NDEBUG
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "fixture.h"

static const char *const one_channel[] = {"webhook"};

/* What the child works on; made before by the parent, whose database is closed meanwhile. */
struct scene {
	const char *failpoint;
	struct id job, run, delivery;
};

static void arm(const struct scene *s)
{
	(void)setenv("PYLON_FAILPOINT", s->failpoint, 1);
	failpoint_setup();
}

/* Runs `act` in a child that must be killed at the failpoint; then opens the database again. */
static void kill_at(struct fixture *f, struct scene *s, const char *failpoint,
	void (*act)(struct fixture *f, void *ctx))
{
	int status;

	fixture_close(f);
	s->failpoint = failpoint;
	status = in_child(act, f, s);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("%s: status %d", failpoint, status);
	fixture_open(f);
	assert_sound(f);
}

static void act_accept(struct fixture *f, void *ctx)
{
	struct store_accept r;

	fixture_open(f);
	arm(ctx);
	r = accept_request(f, "d1");
	(void)do_accept(f, &r);
}

static void an_accept_is_there_exactly_from_its_commit_on(void **state)
{
	struct fixture *f = *state;
	struct store_accept r;
	struct scene s;

	kill_at(f, &s, "accept_before:1", act_accept);
	assert_int_equal(count_rows(f, "jobs"), 0);
	assert_int_equal(count_rows(f, "dedupe"), 0);
	kill_at(f, &s, "accept_after:1", act_accept);
	assert_int_equal(count_rows(f, "jobs WHERE state = 'queued'"), 1);
	r = accept_request(f, "d1");
	assert_int_equal(do_accept(f, &r), 0);
	assert_int_equal(r.verdict, ACCEPT_DUPLICATE);
}

static bool die(void *ctx UNUSED)
{
	(void)raise(SIGKILL);
	return true;
}

static void act_die_inside(struct fixture *f, void *ctx UNUSED)
{
	struct store_accept a, b;

	fixture_open(f);
	a = accept_request(f, "d1");
	b = accept_request(f, "d2");
	b.take_room = die; /* between the statements of the second of two */
	store_accept(f->db, &a);
	store_accept(f->db, &b);
	(void)commit(f);
}

static void death_between_two_statements_leaves_nothing_of_the_turn(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	kill_at(f, &s, "none", act_die_inside);
	assert_int_equal(count_rows(f, "jobs"), 0);
	assert_int_equal(count_rows(f, "dedupe"), 0);
}

/* Two instants of a schedule, of which the second may bring death. */
static void occur(struct fixture *f, bool (*second_room)(void *ctx))
{
	struct store_accept jobs[2] = {scheduled_request(f), scheduled_request(f)};
	struct store_occurrence v[] = {instant(NOW, &jobs[0]), instant(NOW + 1, &jobs[1])};
	struct store_occur r = occur_request(OVERLAP_ALLOW, v, 2);

	if (second_room != NULL)
		jobs[1].take_room = second_room;
	assert_int_equal(do_occur(f, &r), 0);
	assert_int_equal(v[0].was_known, v[1].was_known);
}

static void act_occur(struct fixture *f, void *ctx)
{
	fixture_open(f);
	arm(ctx);
	occur(f, NULL);
}

static void act_occur_and_die_inside(struct fixture *f, void *ctx UNUSED)
{
	fixture_open(f);
	occur(f, die);
}

static void occurrences_and_their_jobs_are_there_exactly_from_their_commit_on(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	assert_int_equal(do_schedule(f, 1, NOW - 1), 0);
	kill_at(f, &s, "occur_before:1", act_occur);
	assert_int_equal(count_rows(f, "occurrences"), 0);
	kill_at(f, &s, "none", act_occur_and_die_inside);
	assert_int_equal(count_rows(f, "occurrences"), 0);
	assert_int_equal(count_rows(f, "jobs"), 0);
	assert_int_equal(count_rows(f, "schedules WHERE decided_to = 1799999999999999"), 1);
	kill_at(f, &s, "occur_after:1", act_occur);
	assert_int_equal(count_rows(f, "occurrences WHERE job_id IN (SELECT id FROM jobs)"), 2);
	assert_int_equal(count_rows(f, "schedules WHERE decided_to = 1800000000000001"), 1);
	occur(f, NULL); /* as the next process would */
	assert_int_equal(count_rows(f, "occurrences"), 2);
	assert_int_equal(count_rows(f, "jobs WHERE state = 'queued'"), 2);
}

static void act_claim(struct fixture *f, void *ctx)
{
	struct scene *s = ctx;

	fixture_open(f);
	arm(s);
	(void)do_claim(f, &s->job, &s->run);
}

static void a_claim_is_there_exactly_from_its_commit_on(void **state)
{
	struct fixture *f = *state;
	struct scene s = {.job = make_job(f)};

	kill_at(f, &s, "claim_before:1", act_claim);
	assert_int_equal(state_of(f, &s.job), JOB_QUEUED);
	assert_int_equal(count_rows(f, "runs"), 0);
	kill_at(f, &s, "claim_after:1", act_claim);
	assert_int_equal(state_of(f, &s.job), JOB_STARTING);
	assert_int_equal(count_rows(f, "runs WHERE state = 'created'"), 1);
}

static void act_started(struct fixture *f, void *ctx)
{
	struct scene *s = ctx;

	fixture_open(f);
	arm(s);
	(void)do_started(f, &s->job, &s->run);
}

static void a_start_is_there_exactly_from_its_commit_on(void **state)
{
	struct fixture *f = *state;
	struct scene s = {.job = make_job(f)};

	assert_int_equal(do_claim(f, &s.job, &s.run), 0);
	kill_at(f, &s, "started_before:1", act_started);
	assert_int_equal(state_of(f, &s.job), JOB_STARTING);
	kill_at(f, &s, "started_after:1", act_started);
	assert_int_equal(state_of(f, &s.job), JOB_RUNNING);
	assert_int_equal(count_rows(f, "runs WHERE handle = 'box'"), 1);
}

static void act_report(struct fixture *f, void *ctx)
{
	struct scene *s = ctx;
	struct store_report r = {.job_id = s->job, .report = SLICE_LIT("{}")};

	fixture_open(f);
	arm(s);
	(void)str_copy(r.token_sha256, sizeof(r.token_sha256), s->run.s);
	store_report(f->db, &r);
	(void)commit(f);
}

static void a_report_is_there_exactly_from_its_commit_on(void **state)
{
	struct fixture *f = *state;
	struct scene s = {.job = make_job(f)};

	assert_int_equal(do_claim(f, &s.job, &s.run), 0);
	kill_at(f, &s, "report_before:1", act_report);
	assert_int_equal(count_rows(f, "runs WHERE report IS NOT NULL"), 0);
	kill_at(f, &s, "report_after:1", act_report);
	assert_int_equal(count_rows(f, "runs WHERE report IS NOT NULL"), 1);
}

static void act_finish(struct fixture *f, void *ctx)
{
	struct scene *s = ctx;
	struct store_outgoing out = outgoing("webhook", NOW);
	struct store_finish r;

	fixture_open(f);
	arm(s);
	r = finish_request(&s->job, &s->run, JOB_COMPLETED);
	r.outgoing = &out;
	r.outgoing_count = 1;
	(void)do_finish(f, &r);
}

static void a_finish_is_there_exactly_from_its_commit_on(void **state)
{
	struct fixture *f = *state;
	struct scene s = {.job = make_job(f)};

	assert_int_equal(do_claim(f, &s.job, &s.run), 0);
	assert_int_equal(do_started(f, &s.job, &s.run), 0);
	kill_at(f, &s, "finish_before:1", act_finish);
	assert_int_equal(state_of(f, &s.job), JOB_RUNNING);
	assert_int_equal(count_rows(f, "deliveries"), 0);
	kill_at(f, &s, "finish_after:1", act_finish);
	assert_int_equal(state_of(f, &s.job), JOB_COMPLETED);
	assert_int_equal(count_rows(f, "deliveries WHERE state = 'pending'"), 1);
}

static void act_sending(struct fixture *f, void *ctx)
{
	struct scene *s = ctx;
	struct store_sending r = {.delivery_id = s->delivery, .now_real = NOW};

	fixture_open(f);
	arm(s);
	store_sending(f->db, &r);
	(void)commit(f);
}

static void act_delivered(struct fixture *f, void *ctx)
{
	struct scene *s = ctx;
	struct store_delivered r = {
		.delivery_id = s->delivery, .to = DELIVERY_SENT, .now_real = NOW};

	fixture_open(f);
	arm(s);
	store_delivered(f->db, &r);
	(void)commit(f);
}

static void a_delivery_moves_exactly_at_its_commits(void **state)
{
	struct fixture *f = *state;
	struct scene s;

	s.job = make_deliveries(f, 1, one_channel, NOW, &s.delivery);
	kill_at(f, &s, "sending_before:1", act_sending);
	assert_int_equal(count_rows(f, "deliveries WHERE state = 'pending' AND attempt = 0"), 1);
	kill_at(f, &s, "sending_after:1", act_sending);
	assert_int_equal(count_rows(f, "deliveries WHERE state = 'sending' AND attempt = 1"), 1);
	kill_at(f, &s, "delivered_before:1", act_delivered);
	assert_int_equal(count_rows(f, "deliveries WHERE state = 'sending'"), 1);
	kill_at(f, &s, "delivered_after:1", act_delivered);
	assert_int_equal(count_rows(f, "deliveries WHERE state = 'sent'"), 1);
	assert_int_equal(store_recover_deliveries(f->db, NOW, NULL), 0);
}

/* A writer that is killed at some moment, again and again; each id it printed must be there. */
static void act_write_for_ever(struct fixture *f, void *ctx)
{
	int fd = *(int *)ctx;

	fixture_open(f);
	for (;;) {
		struct store_accept r[4];
		struct told t[4] = {0};

		for (int i = 0; i < 4; i++) {
			r[i] = accept_request(f, NULL);
			r[i].op.done = tell_done;
			r[i].op.ctx = &t[i];
			store_accept(f->db, &r[i]);
		}
		(void)commit(f);
		for (int i = 0; i < 4; i++)
			if (t[i].times != 1 || t[i].rc != 0 ||
				write(fd, r[i].job_id.s, ID_SIZE) != ID_SIZE)
				_exit(1);
	}
}

static void what_was_told_survives_blind_kills(void **state)
{
	struct fixture *f = *state;
	int64_t told = 0;

	fixture_close(f);
	for (int round = 0; round < 8; round++) {
		struct id ids[64];
		int fd[2], status;
		size_t n = 0, want = 4 + (size_t)round * 5;
		pid_t pid;

		assert_int_equal(pipe(fd), 0);
		pid = fork();
		if (pid == 0) {
			act_write_for_ever(f, &fd[1]);
			_exit(0);
		}
		(void)close(fd[1]);
		while (n < want && read(fd[0], ids[n].s, ID_SIZE) == ID_SIZE)
			n++;
		assert_int_equal(n, want);
		(void)kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		(void)close(fd[0]);
		fixture_open(f);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(state_of(f, &ids[i]), JOB_QUEUED);
		told += (int64_t)n;
		assert_true(count_rows(f, "jobs") >= told);
		assert_sound(f);
		fixture_close(f);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_accept_is_there_exactly_from_its_commit_on),
		TEST(death_between_two_statements_leaves_nothing_of_the_turn),
		TEST(occurrences_and_their_jobs_are_there_exactly_from_their_commit_on),
		TEST(a_claim_is_there_exactly_from_its_commit_on),
		TEST(a_start_is_there_exactly_from_its_commit_on),
		TEST(a_report_is_there_exactly_from_its_commit_on),
		TEST(a_finish_is_there_exactly_from_its_commit_on),
		TEST(a_delivery_moves_exactly_at_its_commits),
		TEST(what_was_told_survives_blind_kills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
