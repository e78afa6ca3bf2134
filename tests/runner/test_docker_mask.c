/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_docker_mask.c - secrets in what a container prints: neither the log nor the end
 * of stdout shows them, however the output was cut, and a log that is gone on with by another
 * process is the one that a single process would have written.
 */
#include <inttypes.h>
#include <time.h>

#include "runner/world.h"

#define SECRET "hunter2-hunter2"

static struct mask *make_mask(void)
{
	struct strv values = STRV_NULL;
	struct mask *m;

	strv_add(&values, SECRET);
	m = mask_new(&values);
	strv_fini(&values);
	return m;
}

static int setup(void **state)
{
	struct world *w;

	if (world_setup(state) != 0)
		return -1;
	w = *state;
	w->mask = make_mask();
	return 0;
}

static void expect_log(struct world *w, const char *expected)
{
	char *log = world_log(w, RUN_1);

	assert_string_equal(log, expected);
	free(log);
}

static void end_run(struct world *w, struct fake_container *c)
{
	fake_exit(w->engine, c, 0);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
}

/* --- a run as the engine room sees it --- */

static void secret_reaches_neither_log_nor_end_of_stdout(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_log(w->engine, c, 1, T0_NS, "whole " SECRET "\n");
	fake_log(w->engine, c, 1, T0_NS + 1, "cut hunter2");
	WAIT_FOR(w, world_run(w, RUN_1)->outputs > 0);
	fake_log(w->engine, c, 1, T0_NS + 2, "-hunter2 end\n");
	fake_log(w->engine, c, 2, T0_NS + 3, "err " SECRET "\n");
	end_run(w, c);
	expect_log(w, "whole <redacted>\ncut <redacted> end\nerr <redacted>\n");
	assert_string_equal(world_run(w, RUN_1)->tail, "whole <redacted>\ncut <redacted> end\n");
}

static void what_only_looked_like_a_secret_is_written_in_the_end(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_log(w->engine, c, 2, T0_NS, "err hunter2-");
	fake_log(w->engine, c, 1, T0_NS + 1, "out hunter2-hunter");
	end_run(w, c);
	/* Of what is held, that of stdout comes first. */
	expect_log(w, "err out hunter2-hunterhunter2-");
	assert_string_equal(world_run(w, RUN_1)->tail, "out hunter2-hunter");
}

static void what_was_held_back_when_the_container_vanished_is_in_the_log(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_log(w->engine, c, 1, T0_NS, "last words: hunter");
	WAIT_FOR(w, world_run(w, RUN_1)->outputs > 0);
	fake_engine_leave(w->engine);
	WAIT_FOR(w, w->downs == 1);
	fake_forget(w->engine, c);
	fake_engine_return(w->engine);
	WAIT_FOR(w, world_run(w, RUN_1)->exited == 1);
	assert_true(world_run(w, RUN_1)->exit.is_gone);
	expect_log(w, "last words: hunter");
	assert_string_equal(world_run(w, RUN_1)->tail, "");
}

static void note_hides_secrets_too(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_log(w->engine, c, 1, T0_NS, "half hunt");
	WAIT_FOR(w, world_run(w, RUN_1)->outputs == 1);
	w->runner->ops->note(w->runner, &world_run(w, RUN_1)->id, "curl -u x:" SECRET " y");
	fake_log(w->engine, c, 1, T0_NS + 1, "er2-hunter2\n");
	end_run(w, c);
	expect_log(w, "half \n> curl -u x:<redacted> y\n<redacted>\n");
}

/* The engine is asked for the end of long stdout; the secret lies over two of its records. */
static void end_of_long_stdout_hides_secrets_too(void **state)
{
	struct world *w = *state;
	struct fake_container *c;
	char *line = xcalloc(10001, 1);

	memset(line, 'x', 10000);
	world_open(w);
	c = world_running(w, RUN_1);
	fake_log(w->engine, c, 1, T0_NS, "nter2 is the rest of something\n");
	for (int i = 1; i <= 10; i++) {
		fake_log(w->engine, c, 1, T0_NS + i, line);
		world_pass(w, 5 * US_PER_MS);
	}
	fake_log(w->engine, c, 1, T0_NS + 11, "hunter2-h");
	fake_log(w->engine, c, 1, T0_NS + 12, "unter2{\"last\":\"hunter2-hunter");
	end_run(w, c);
	/* Without the line in front, which may lack its beginning. */
	assert_int_equal(strlen(world_run(w, RUN_1)->tail),
		100000 + strlen("<redacted>{\"last\":\"hunter2-hunter"));
	assert_true(str_has_prefix(world_run(w, RUN_1)->tail, "xxx"));
	assert_true(
		str_has_suffix(world_run(w, RUN_1)->tail, "x<redacted>{\"last\":\"hunter2-hunter"));
	free(line);
}

static void only_line_of_long_stdout_is_kept(void **state)
{
	struct world *w = *state;
	struct fake_container *c;
	char *line = xcalloc(10001, 1);

	memset(line, 'x', 10000);
	world_open(w);
	c = world_running(w, RUN_1);
	for (int i = 0; i < 7; i++)
		fake_log(w->engine, c, 1, T0_NS + i, line);
	fake_log(w->engine, c, 1, T0_NS + 7, "}\n \n");
	end_run(w, c);
	assert_int_equal(strlen(world_run(w, RUN_1)->tail), 70004);
	free(line);
}

static void killed_daemon_that_held_half_a_secret_hides_it_all_the_same(void **state)
{
	struct world *w = *state;
	struct fake_container *c;

	world_open(w);
	c = world_running(w, RUN_1);
	fake_log(w->engine, c, 1, T0_NS, "first\n");
	fake_log(w->engine, c, 1, T0_NS + 1, "key=hunter2-");
	WAIT_FOR(w, world_run(w, RUN_1)->outputs > 0);
	fake_log(w->engine, c, 2, T0_NS + 2, "noise\n");
	WAIT_FOR(w, world_run(w, RUN_1)->outputs > 1);
	expect_log(w, "first\nkey=noise\n");
	world_restart(w);
	world_open(w);
	world_adopt(w, RUN_1);
	WAIT_FOR(w, world_run(w, RUN_1)->outputs > 0);
	expect_log(w, "first\nkey=noise\n");
	fake_log(w->engine, c, 1, T0_NS + 3, "hunter2!\n");
	end_run(w, c);
	expect_log(w, "first\nkey=noise\n<redacted>!\n");
}

/* --- records without an engine, so that a process can end between any two --- */

struct source {
	struct buf data; /* frames */
	size_t *ends;    /* of each frame */
	int64_t *at_ns;
	size_t count;
};

static void source_fini(struct source *s)
{
	buf_fini(&s->data);
	free(s->ends);
	free(s->at_ns);
	*s = (struct source){0};
}

static void add_record(struct source *s, unsigned char stream, int64_t at_ns, struct slice text)
{
	time_t seconds = (time_t)(at_ns / 1000000000);
	unsigned char head[8] = {stream};
	char stamp[64];
	struct tm tm;
	size_t n;

	assert_non_null(gmtime_r(&seconds, &tm));
	n = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(stamp + n, sizeof(stamp) - n, ".%09" PRId64 "Z ", at_ns % 1000000000);
	n += text.n;
	for (int i = 0; i < 4; i++)
		head[4 + i] = (unsigned char)(n >> (24 - 8 * i));
	buf_add(&s->data, head, sizeof(head));
	buf_add(&s->data, stamp, n - text.n);
	buf_add_slice(&s->data, text);
	s->ends = xreallocarray(s->ends, s->count + 1, sizeof(s->ends[0]));
	s->at_ns = xreallocarray(s->at_ns, s->count + 1, sizeof(s->at_ns[0]));
	s->ends[s->count] = s->data.n;
	s->at_ns[s->count++] = at_ns;
}

static void add_text(struct source *s, unsigned char stream, const char *text)
{
	int64_t last = s->count == 0 ? T0_NS : s->at_ns[s->count - 1];

	add_record(s, stream, last + 1000, slice_of(text));
}

static struct slice record_of(const struct source *s, size_t i)
{
	size_t from = i == 0 ? 0 : s->ends[i - 1];

	return (struct slice){s->data.p + from, s->ends[i] - from};
}

static struct docker_run *open_run(struct world *w)
{
	CLEANUP(freep) char *path = world_log_path(w, RUN_1);
	struct docker_run *r;
	struct id id;

	(void)str_copy(id.s, ID_SIZE, RUN_1);
	r = docker_run_new(w->docker, &id, path, w->mask);
	docker_log_begin(r);
	return r;
}

static uint64_t seed = 0x9E3779B97F4A7C15;

static unsigned chance(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

/* What the engine sends to somebody who asks from the mark on: records up to `end`, one or several
 * at a time. */
static void send_from_mark(struct docker_run *r, const struct source *s, size_t end)
{
	int64_t from_ns = r->log.mark.from_ns;
	struct buf data = BUF_NULL;

	for (size_t i = 0; i < end; i++) {
		if (s->at_ns[i] >= from_ns)
			buf_add_slice(&data, record_of(s, i));
		if (i + 1 < end && chance(3) > 0)
			continue;
		assert_true(docker_log_data(r, buf_slice(&data)));
		buf_clear(&data);
	}
	buf_fini(&data);
}

static void end_log(struct docker_run *r, struct buf *ret_tail)
{
	*ret_tail = docker_log_finish(r);
	docker_log_close(r, true);
	docker_run_free(r);
}

static void remove_log(struct world *w)
{
	CLEANUP(freep) char *path = world_log_path(w, RUN_1);
	CLEANUP(freep) char *mark = xasprintf("%s.mark", path);

	(void)unlink(path);
	(void)unlink(mark);
}

/* The log of one process that reads all; the caller frees. */
static char *plain_log(struct world *w, const struct source *s)
{
	struct docker_run *r = open_run(w);
	struct buf tail;
	char *log;

	send_from_mark(r, s, s->count);
	end_log(r, &tail);
	buf_fini(&tail);
	log = world_log(w, RUN_1);
	remove_log(w);
	return log;
}

static void secret_is_hidden_wherever_the_stream_of_frames_is_cut(void **state)
{
	struct world *w = *state;
	struct source s = {0};

	add_text(&s, 1, "a " SECRET " b hunter2");
	add_text(&s, 2, "c\n");
	add_text(&s, 1, "-hunter2\n");
	for (size_t cut = 0; cut <= s.data.n; cut++) {
		struct docker_run *r = open_run(w);
		struct buf tail;

		assert_true(docker_log_data(r, (struct slice){s.data.p, cut}));
		assert_true(docker_log_data(r, (struct slice){s.data.p + cut, s.data.n - cut}));
		end_log(r, &tail);
		expect_log(w, "a <redacted> b c\n<redacted>\n");
		assert_string_equal(tail.p, "a <redacted> b <redacted>\n");
		buf_fini(&tail);
		remove_log(w);
	}
	source_fini(&s);
}

static void each_stream_has_a_mask_of_its_own(void **state)
{
	struct world *w = *state;
	struct source s = {0};
	char *log;

	add_text(&s, 1, "hunter2-");
	add_text(&s, 2, "hunter2\n");
	add_text(&s, 1, "hunter2\n");
	add_text(&s, 2, "hunter2-");
	add_text(&s, 1, "hunter2-");
	add_text(&s, 2, "hunter2\n");
	add_text(&s, 1, "x\n");
	log = plain_log(w, &s);
	assert_string_equal(log, "hunter2\n<redacted>\n<redacted>\nhunter2-x\n");
	free(log);
	source_fini(&s);
}

static void fill(struct source *s)
{
	static const char *const texts[] = {"one\n", "hunter2-hunter2\n", "hunter2-", "hunter2",
		"hun", "ter2", "-", "\n", "hunter2-hunter2", "x", "two three\n"};

	while (s->count < 40)
		add_text(s, (unsigned char)(1 + chance(2)), texts[chance(ARRAY_LEN(texts))]);
}

/* Killed now and then, each time with another part of the log behind it. */
static void read_in_sittings(struct world *w, const struct source *s, struct buf *ret_tail)
{
	struct docker_run *r;

	for (size_t end = 0; end < s->count; end += 1 + chance(8)) {
		r = open_run(w);
		send_from_mark(r, s, end);
		docker_run_free(r);
	}
	r = open_run(w);
	send_from_mark(r, s, s->count);
	end_log(r, ret_tail);
}

static void log_in_many_sittings_is_that_of_one(void **state)
{
	struct world *w = *state;

	for (int round = 0; round < 60; round++) {
		struct source s = {0};
		struct buf tail;
		char *expected;

		fill(&s);
		expected = plain_log(w, &s);
		read_in_sittings(w, &s, &tail);
		expect_log(w, expected);
		buf_fini(&tail);
		free(expected);
		remove_log(w);
		source_fini(&s);
	}
}

/* The connection breaks off and the log is read on by the same process. */
static void log_that_was_read_on_twice_is_that_of_one_reading(void **state)
{
	struct world *w = *state;
	struct source s = {0};
	struct docker_run *r;
	struct buf tail;
	char *expected;

	fill(&s);
	expected = plain_log(w, &s);
	r = open_run(w);
	for (size_t end = 0; end <= s.count; end++) {
		docker_log_begin(r);
		send_from_mark(r, &s, end);
	}
	end_log(r, &tail);
	expect_log(w, expected);
	buf_fini(&tail);
	free(expected);
	source_fini(&s);
}

/* --- text that is held back for long --- */

/* stdout holds something back, and n bytes of stderr come behind it. */
static void hold_for(struct source *s, size_t n)
{
	char *noise = xcalloc(n + 1, 1);

	add_text(s, 1, "hunter2-");
	memset(noise, '.', n);
	noise[n - 1] = '\n';
	add_text(s, 2, noise);
	free(noise);
}

static void try_hold_for(struct world *w, size_t n, bool is_marked)
{
	struct source s = {0};
	struct docker_run *r = open_run(w);
	struct buf tail;
	char *log;

	hold_for(&s, n);
	send_from_mark(r, &s, s.count);
	docker_run_free(r);
	r = open_run(w);
	assert_int_equal(r->log.is_recalling, is_marked);
	assert_int_equal(r->log.mark.total, is_marked ? 2 : 0);
	add_text(&s, 1, "hunter2\n");
	send_from_mark(r, &s, s.count);
	end_log(r, &tail);
	log = world_log(w, RUN_1);
	assert_int_equal(strlen(log), n + strlen("<redacted>\n"));
	assert_true(str_has_suffix(log, ".\n<redacted>\n"));
	buf_fini(&tail);
	free(log);
	remove_log(w);
	source_fini(&s);
}

static void mark_waits_no_longer_than_256_kib(void **state)
{
	try_hold_for(*state, KIB(256) - 1, false);
	try_hold_for(*state, KIB(256), true);
	try_hold_for(*state, KIB(256) + 1, true);
}

static void mark_that_was_ahead_is_followed_by_one_that_is_not(void **state)
{
	struct world *w = *state;
	struct source s = {0};
	struct docker_run *r = open_run(w);

	hold_for(&s, KIB(256));
	send_from_mark(r, &s, s.count);
	docker_run_free(r);
	add_text(&s, 1, "hunter2\n");
	r = open_run(w);
	assert_true(r->log.is_recalling);
	send_from_mark(r, &s, s.count);
	docker_run_free(r);
	r = open_run(w);
	assert_false(r->log.is_recalling);
	assert_int_equal(r->log.mark.total, 3);
	docker_run_free(r);
	source_fini(&s);
}

/* The connection breaks off before anything new has come. */
static void what_was_held_is_recalled_once(void **state)
{
	struct world *w = *state;
	struct source s = {0};
	struct docker_run *r = open_run(w);
	struct buf tail;
	char *log;

	hold_for(&s, KIB(256));
	add_text(&s, 1, "hunt");
	send_from_mark(r, &s, s.count);
	docker_run_free(r);
	r = open_run(w);
	for (size_t end = 0; end < s.count; end++) {
		send_from_mark(r, &s, end);
		docker_log_begin(r);
	}
	send_from_mark(r, &s, s.count);
	end_log(r, &tail);
	log = world_log(w, RUN_1);
	assert_true(str_has_suffix(log, ".\nhunter2-hunt"));
	assert_int_equal(strlen(log), KIB(256) + strlen("hunter2-hunt"));
	buf_fini(&tail);
	free(log);
	source_fini(&s);
}

/* Pieces of a line without an end, each of which ends with half a secret. */
static void endless_line_with_secrets_survives_kills(void **state)
{
	struct world *w = *state;
	struct source s = {0};
	struct buf piece = BUF_NULL, tail;
	char *expected;

	for (int i = 0; i < 80; i++) {
		buf_clear(&piece);
		buf_add_str(&piece, i == 0 ? "" : "-hunter2");
		while (piece.n < KIB(16) - 7)
			buf_add_char(&piece, (char)('a' + i % 26));
		buf_add_str(&piece, "hunter2");
		add_record(&s, 1, T0_NS + i * INT64_C(30000000), buf_slice(&piece));
	}
	expected = plain_log(w, &s);
	assert_null(strstr(expected, "hunter2-"));
	read_in_sittings(w, &s, &tail);
	expect_log(w, expected);
	buf_fini(&tail);
	buf_fini(&piece);
	free(expected);
	source_fini(&s);
}

/* A note of ours while the new process has not caught up. */
static void note_before_the_first_record_loses_nothing(void **state)
{
	struct world *w = *state;
	struct source s = {0};
	struct docker_run *r = open_run(w);
	struct buf tail;
	char *log;

	hold_for(&s, KIB(256));
	send_from_mark(r, &s, s.count);
	docker_run_free(r);
	r = open_run(w);
	docker_log_note(r, "still here");
	docker_run_free(r);
	r = open_run(w);
	assert_true(r->log.is_recalling);
	send_from_mark(r, &s, s.count);
	end_log(r, &tail);
	log = world_log(w, RUN_1);
	assert_true(str_has_suffix(log, ".\nhunter2-"));
	buf_fini(&tail);
	free(log);
	source_fini(&s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(secret_reaches_neither_log_nor_end_of_stdout),
		T(what_only_looked_like_a_secret_is_written_in_the_end),
		T(what_was_held_back_when_the_container_vanished_is_in_the_log),
		T(note_hides_secrets_too),
		T(end_of_long_stdout_hides_secrets_too),
		T(only_line_of_long_stdout_is_kept),
		T(killed_daemon_that_held_half_a_secret_hides_it_all_the_same),
		T(secret_is_hidden_wherever_the_stream_of_frames_is_cut),
		T(each_stream_has_a_mask_of_its_own),
		T(log_in_many_sittings_is_that_of_one),
		T(log_that_was_read_on_twice_is_that_of_one_reading),
		T(mark_waits_no_longer_than_256_kib),
		T(mark_that_was_ahead_is_followed_by_one_that_is_not),
		T(what_was_held_is_recalled_once),
		T(endless_line_with_secrets_survives_kills),
		T(note_before_the_first_record_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
