/* SPDX-License-Identifier: MIT */
/*
 * test_storm.c - people, ports, clock and crashes in any order: many steps drawn by a seed, and
 * after each of them what must be true at any time. STORM_SEED=n in the environment repeats one.
 *
 *   every slot that is taken is held by a run that is alive, and by that of one job only
 *   every run that is alive waits for something that will answer: image, workspace, runner, survey
 *   every run is told what was said last, in the session in which it was said
 *   in the end every job is over, every slot is free, and every turn was taken once, in order
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "engine/engine-internal.h"
#include "engine/world.h"

enum { JOBS_MAX = 10, STEPS = 500, SLOTS = 3, NEARLY_FULL = WORLD_RUNS - 16 };

#define CONFIG                                                                                     \
	"version: 1\ndocker:\n  max_concurrent: 3\n  when_full: queue\n"                           \
	"defaults:\n  channel:\n    type: stdout\n"
#define PYLON                                                                                      \
	"name: hook\ntrigger:\n  type: webhook\n  path: /hook\n  secret: s3cret\n"                 \
	"  signature_header: X-Hub-Signature-256\n"                                                \
	"workspace:\n  type: git-clone\n  repo: https://git.example/a.git\n"                       \
	"agent:\n  type: mock\n  prompt: begin\n  retries: 1\n  timeout: 1h\n"

/* What is known of a job from outside. */
struct known {
	char id[ID_SIZE];
	int replies;
	char session[16]; /* the one that it has now; "" = none */
	char spoken[16];  /* the one that it had when the last reply came */
};

struct storm {
	struct world w;
	uint64_t dice;
	struct known jobs[JOBS_MAX];
	size_t job_n;
	int sessions;
	size_t seen_runs, sent; /* of this process */
	bool is_disabled;
	bool was_up; /* the engine, since this process began: what there was has been found */
};

static size_t draw(struct storm *s, size_t n)
{
	s->dice ^= s->dice << 13;
	s->dice ^= s->dice >> 7;
	s->dice ^= s->dice << 17;
	return (size_t)(s->dice >> 11) % n;
}

static struct known *known_of(struct storm *s, const struct id *job_id)
{
	for (size_t i = 0; i < s->job_n; i++)
		if (str_eq(s->jobs[i].id, job_id->s))
			return &s->jobs[i];
	fail_msg("nobody knows job %s", job_id->s);
	return NULL;
}

/* --- what must be true --- */

static const struct fake_run *held_run(const struct world *w, const struct id *run_id)
{
	const struct fake_run *found = NULL;

	for (size_t i = 0; i < w->runner.n; i++) {
		const struct fake_run *r = &w->runner.runs[i];

		if (!r->is_forgotten && str_eq(r->run_id.s, run_id->s)) {
			assert_null(found);
			found = r;
		}
	}
	return found;
}

static size_t open_makes(const struct world *w, const char *job_id)
{
	size_t n = 0;

	for (size_t i = 0; i < w->workspace.make_n; i++)
		if (w->workspace.makes[i].is_open &&
			(job_id == NULL || str_eq(w->workspace.makes[i].job_id.s, job_id)))
			n++;
	return n;
}

static size_t open_images(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->runner.image_n; i++)
		n += w->runner.images[i].is_open ? 1 : 0;
	return n;
}

/* It waits for somebody. */
static void check_live(struct storm *s, const struct live *v)
{
	struct world *w = &s->w;
	struct id job_id = v->job_id;
	struct job j = {0};

	assert_ptr_equal(engine_live_job(w->engine, &job_id), v);
	assert_true(job_is_active(world_job(w, job_id.s, &j)));
	job_fini(&j);
	assert_false(v->is_finishing);
	if (live_is_handed(v))
		assert_non_null(held_run(w, &v->run_id));
	else if (v->is_recovered)
		assert_false(s->was_up);
	else if (v->step == START_WORKSPACE)
		assert_int_equal(open_makes(w, job_id.s), 1);
}

static size_t count_active_jobs(struct storm *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->job_n; i++) {
		struct job j = {0};

		n += job_is_active(world_job(&s->w, s->jobs[i].id, &j)) ? 1 : 0;
		job_fini(&j);
	}
	return n;
}

static void check_counters(struct storm *s, size_t lives)
{
	struct engine *e = s->w.engine;
	const struct pylon *p = e->pylons[0];
	struct store_counts c = {0};
	struct err err = CLEAN_ERR;

	assert_false(p->is_claiming);
	assert_int_equal(p->active, lives);
	assert_true(lives <= SLOTS);
	assert_int_equal(count_active_jobs(s), lives);
	if (p->db == NULL)
		return;
	assert_int_equal(store_count(p->db, loop_real(s->w.loop), &c, &err), 0);
	assert_int_equal(c.jobs[JOB_QUEUED], p->queued);
	assert_int_equal(c.queued_now, p->queued_now);
}

static void check_all(struct storm *s)
{
	struct engine *e = s->w.engine;
	size_t lives = 0, asking = 0, making = 0, handed = 0, held = 0;

	list_foreach (it, &e->live) {
		const struct live *v = list_entry(it, struct live, node);

		check_live(s, v);
		lives++;
		handed += live_is_handed(v) ? 1 : 0;
		asking += v->step == START_IMAGE && !v->is_recovered ? 1 : 0;
		making += v->step == START_WORKSPACE ? 1 : 0;
	}
	for (size_t i = 0; i < s->w.runner.n; i++)
		held += s->w.runner.runs[i].is_forgotten ? 0 : 1;
	assert_int_equal(held, handed);
	assert_int_equal(open_makes(&s->w, NULL), making);
	assert_true(open_images(&s->w) >= asking);
	check_counters(s, lives);
}

/* What those were told that were started since the last look. */
static void check_new_runs(struct storm *s)
{
	struct world *w = &s->w;

	for (; s->seen_runs < w->runner.n; s->seen_runs++) {
		const struct fake_run *r = world_run(w, s->seen_runs);
		const char *session = world_env(w, s->seen_runs, "SESSION_ID");
		const struct known *t;
		char prompt[32] = "begin";

		if (r->is_adopted)
			continue;
		t = known_of(s, &r->job_id);
		if (t->replies > 0)
			(void)snprintf(prompt, sizeof(prompt), "reply %d", t->replies);
		assert_string_equal(world_env(w, s->seen_runs, "PROMPT"), prompt);
		assert_string_equal(session == NULL ? "" : session, t->spoken);
	}
}

static void answer_channel(struct storm *s)
{
	while (s->sent < s->w.channel.n)
		world_sent(&s->w, s->sent++, CHANNEL_SENT, -1);
}

/* --- what happens --- */

static void post(struct storm *s)
{
	char delivery[16];

	if (s->job_n == JOBS_MAX)
		return;
	(void)snprintf(delivery, sizeof(delivery), "d-%zu", s->job_n);
	world_post(&s->w, delivery, "{}");
	if (s->w.answer.status == 202)
		(void)str_copy(s->jobs[s->job_n++].id, ID_SIZE, s->w.answer.job_id);
}

static void answer_image(struct storm *s, bool is_well)
{
	static const int codes[] = {0, 0, 0, 0, -ENOENT, -EHOSTUNREACH, -ENOSPC};
	size_t i = draw(s, MAX_OF(s->w.runner.image_n, 1U));
	int rc = codes[draw(s, ARRAY_LEN(codes))];

	if (i < s->w.runner.image_n && s->w.runner.images[i].is_open)
		world_answer_image(&s->w, i, is_well ? 0 : rc);
}

static void answer_make(struct storm *s, bool is_well)
{
	static const int codes[] = {0, 0, 0, 0, -EACCES, -ENOSPC};
	size_t i = draw(s, MAX_OF(s->w.workspace.make_n, 1U));
	int rc = codes[draw(s, ARRAY_LEN(codes))];

	if (i < s->w.workspace.make_n && s->w.workspace.makes[i].is_open)
		world_answer_make(&s->w, i, is_well ? 0 : rc);
}

/* One that the runner has; NULL when that was not drawn. */
static struct fake_run *draw_run(struct storm *s)
{
	size_t i = draw(s, MAX_OF(s->w.runner.n, 1U));

	return i < s->w.runner.n && !s->w.runner.runs[i].is_forgotten ? &s->w.runner.runs[i] : NULL;
}

static void start_run(struct storm *s)
{
	struct fake_run *r = draw_run(s);

	if (r != NULL)
		world_started(&s->w, (size_t)(r - s->w.runner.runs));
}

static void exit_run(struct storm *s)
{
	struct fake_run *r = draw_run(s);
	struct runner_exit x = {.exit_code = (int)draw(s, 2), .stdout_tail = ""};
	struct live *v = r == NULL ? NULL : engine_live(s->w.engine, &r->run_id);
	char result[128];

	if (v == NULL)
		return;
	x.is_gone = draw(s, 8) == 0;
	if (draw(s, 3) > 0) {
		struct known *t = known_of(s, &v->job_id);

		(void)snprintf(t->session, sizeof(t->session), "s-%d", ++s->sessions);
		(void)snprintf(result, sizeof(result),
			"{\"status\":\"%s\",\"output\":{\"result\":\"x\",\"session_id\":\"%s\"}}",
			draw(s, 2) == 0 ? "completed" : "failed", t->session);
		world_result(&s->w, (size_t)(r - s->w.runner.runs), result);
	}
	s->w.runner.ev.exited(s->w.runner.ev.ctx, &r->run_id, &x);
	loop_settle(s->w.loop);
}

static void refuse_run(struct storm *s)
{
	struct fake_run *r = draw_run(s);
	struct live *v = r == NULL ? NULL : engine_live(s->w.engine, &r->run_id);
	enum runner_refusal why = draw(s, 2) == 0 ? RUNNER_ENGINE_DOWN : RUNNER_BAD_SPEC;

	if (v == NULL || v->started_at != 0)
		return;
	s->w.runner.ev.refused(s->w.runner.ev.ctx, &r->run_id, why, "no");
	loop_settle(s->w.loop);
}

static void decide(struct storm *s, enum engine_decision d)
{
	if (s->job_n > 0)
		world_decide(&s->w, d, s->jobs[draw(s, s->job_n)].id);
}

static void reply(struct storm *s)
{
	struct known *t = &s->jobs[draw(s, MAX_OF(s->job_n, 1U))];
	struct id job = {0};
	char text[32];

	if (s->job_n == 0)
		return;
	(void)str_copy(job.s, sizeof(job.s), t->id);
	(void)snprintf(text, sizeof(text), "reply %d", t->replies + 1);
	/* What it starts is looked at after this step. */
	engine_reply(s->w.engine, &job, slice_of(text), "ada", world_answered, &s->w);
	loop_settle(s->w.loop);
	if (s->w.answer.status != 200)
		return;
	t->replies++;
	(void)str_copy(t->spoken, sizeof(t->spoken), t->session);
}

/* Of what the runner had some containers are still there for the next process. */
static void leave_containers(struct storm *s)
{
	struct fake_runner *f = &s->w.runner;
	size_t kept = 0;

	/* Those of which this process did not hear either. */
	for (size_t i = 0; i < f->found_n && !s->was_up; i++)
		f->found[kept++] = f->found[i];
	f->found_n = kept;
	for (size_t i = 0; i < f->n; i++) {
		const struct fake_run *r = &f->runs[i];
		const struct live *v = engine_live(s->w.engine, &r->run_id);

		if (r->is_forgotten || v == NULL || draw(s, 4) == 0)
			continue;
		assert_true(f->found_n < ARRAY_LEN(f->found));
		f->found[f->found_n++] = (struct runner_found){.run_id = r->run_id,
			.job_id = v->job_id,
			.container_id = "c0ffee",
			.state = "running"};
	}
}

static void nothing_more(void *ctx UNUSED)
{
}

/* Killed, or asked to leave and then killed at the deadline. */
static void restart(struct storm *s)
{
	size_t way = draw(s, 3);

	if (way > 0)
		engine_drain(s->w.engine);
	if (way > 1)
		engine_stop_runs(s->w.engine, nothing_more, NULL);
	loop_settle(s->w.loop);
	leave_containers(s);
	world_crash(&s->w);
	s->seen_runs = s->sent = 0;
	world_restart(&s->w);
	s->was_up = s->w.runner.is_up;
}

static void toggle_pylon(struct storm *s)
{
	s->is_disabled = !s->is_disabled;
	world_put(
		&s->w, "pylons/hook/pylon.yaml", s->is_disabled ? PYLON "disabled: true\n" : PYLON);
	assert_true(world_reload(&s->w, false));
}

static void some_image(struct storm *s)
{
	answer_image(s, false);
}

static void some_make(struct storm *s)
{
	answer_make(s, false);
}

static void kill_one(struct storm *s)
{
	decide(s, ENGINE_KILL);
}

static void retry_one(struct storm *s)
{
	decide(s, ENGINE_RETRY);
}

static void toggle_engine(struct storm *s)
{
	world_engine(&s->w, !s->w.runner.is_up);
	s->was_up = s->was_up || s->w.runner.is_up;
}

static void wait_a_while(struct storm *s)
{
	loop_advance(s->w.loop, (int64_t)draw(s, 900) * US_PER_SEC);
}

static const struct {
	void (*happens)(struct storm *s);
	size_t weight;
} events[] = {
	{post, 4},
	{some_image, 6},
	{some_make, 6},
	{start_run, 4},
	{exit_run, 4},
	{refuse_run, 1},
	{kill_one, 2},
	{retry_one, 2},
	{reply, 4},
	{toggle_engine, 1},
	{restart, 1},
	{toggle_pylon, 1},
	{wait_a_while, 4},
};

static void step(struct storm *s)
{
	size_t sum = 0, drawn, i = 0;

	for (size_t k = 0; k < ARRAY_LEN(events); k++)
		sum += events[k].weight;
	for (drawn = draw(s, sum); drawn >= events[i].weight; i++)
		drawn -= events[i].weight;
	events[i].happens(s);
	if (MAX_OF(s->w.runner.image_n, MAX_OF(s->w.runner.n, s->w.workspace.make_n)) >
			NEARLY_FULL ||
		s->w.channel.n > NEARLY_FULL)
		restart(s);
	answer_channel(s);
	check_new_runs(s);
	check_all(s);
}

/* --- the end --- */

static bool is_anything_open(struct storm *s)
{
	const struct pylon *p = s->w.engine->pylons[0];

	return p->queued > 0 || p->active > 0 || p->next_delivery != 0;
}

/* From here on everything goes well. */
static void let_it_end(struct storm *s)
{
	if (!s->w.runner.is_up)
		toggle_engine(s);
	if (s->is_disabled)
		toggle_pylon(s);
	for (int i = 0; i < 5000 && is_anything_open(s); i++) {
		answer_image(s, true);
		answer_make(s, true);
		start_run(s);
		exit_run(s);
		loop_advance(s->w.loop, 10 * US_PER_SEC);
		if (s->w.runner.n > NEARLY_FULL)
			restart(s);
		answer_channel(s);
		check_new_runs(s);
		check_all(s);
	}
	assert_false(is_anything_open(s));
	for (size_t i = 0; i < s->job_n; i++) {
		struct job j = {0};

		assert_true(job_is_over(world_job(&s->w, s->jobs[i].id, &j)));
		assert_string_equal(j.session_id == NULL ? "" : j.session_id, s->jobs[i].session);
		job_fini(&j);
	}
}

static int64_t number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int64(q, 0);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	return n;
}

static void check_rows(struct storm *s)
{
	CLEANUP(freep) char *path = xasprintf("%s/pylons/hook/jobs.db", s->w.home);
	sqlite3 *db = NULL;
	int64_t replies = 0;

	for (size_t i = 0; i < s->job_n; i++)
		replies += s->jobs[i].replies;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM turns"), replies);
	/* One that was killed while it waited is the newest of its job. */
	assert_int_equal(
		number(db, "SELECT count(*) FROM turns t WHERE run_id IS NULL AND EXISTS "
			   "(SELECT 1 FROM turns u WHERE u.job_id = t.job_id AND u.seq > t.seq)"),
		0);
	assert_int_equal(number(db, "SELECT count(*) FROM turns t JOIN runs r ON r.id = t.run_id "
				    "JOIN turns u ON u.job_id = t.job_id AND u.seq > t.seq "
				    "JOIN runs x ON x.id = u.run_id WHERE r.attempt >= x.attempt"),
		0);
	assert_int_equal(
		number(db, "SELECT count(*) FROM runs WHERE state NOT IN ('exited', 'lost')"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM deliveries WHERE state <> 'sent'"), 0);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void weather(uint64_t seed)
{
	struct storm *s = xcalloc(1, sizeof(*s));

	print_message("STORM_SEED=%llu\n", (unsigned long long)seed);
	s->dice = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	world_open(&s->w, CONFIG, PYLON);
	s->was_up = true;
	s->w.runner.is_image_slow = true;
	s->w.workspace.is_slow = s->w.workspace.is_cancel_slow = true;
	for (int i = 0; i < STEPS; i++)
		step(s);
	let_it_end(s);
	check_rows(s);
	world_close(&s->w);
	free(s);
}

static void whatever_happens_every_job_ends_and_every_slot_is_free(void **state UNUSED)
{
	const char *wanted = getenv("STORM_SEED");

	if (wanted != NULL) {
		weather(strtoull(wanted, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= 4; seed++)
		weather(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens_every_job_ends_and_every_slot_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
