/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_log_record.c - timestamps, marks, and above all: a log that is cut anywhere and
 * asked for again is neither longer nor shorter than it was.
 */
#include "base/crypto.h"
#include "lib/t.h"
#include "runner/log_record_internal.h"

#define OWNER "1a2b3c4d-0000-4000-8000-000000000000"
#define SEC   INT64_C(1000000000)

static struct log_record parse(const char *s)
{
	return log_record_parse(slice_of(s));
}

static void timestamp_becomes_an_instant(void **state)
{
	struct log_record r = parse("2026-11-20T09:45:11.906591318Z hello\n");

	(void)state;
	assert_int_equal(r.at_ns, 1795167911 * SEC + 906591318);
	assert_true(slice_eq_str(r.text, "hello\n"));
	assert_int_equal(parse("1970-01-01T00:00:00Z x").at_ns, 0);
	assert_int_equal(parse("1970-01-01T00:00:00.5Z x").at_ns, SEC / 2);
	assert_int_equal(parse("2000-02-29T12:00:00Z x").at_ns, 951825600 * SEC);
	assert_int_equal(parse("2000-03-01T00:00:00+01:30 x").at_ns, 951863400 * SEC);
	assert_int_equal(
		parse("2000-02-29T20:00:00.1234567891-02:30 x").at_ns, 951863400 * SEC + 123456789);
	assert_int_equal(parse("2100-12-31T23:59:60Z x").at_ns, INT64_C(4133980800) * SEC);
}

static void text_without_timestamp_is_taken_whole(void **state)
{
	static const char *const odd[] = {"", " ", "hello\n", "2026-11-20T09:45:11Z",
		"2026-11-20T09:45:11.Z x", "2026-13-20T09:45:11Z x", "2026-11-20 09:45:11Z x",
		"2026-11-20T09:45:11+1:00 x", "1969-12-31T23:59:59Z x", "0001-01-01T00:00:00Z x",
		"1970-01-01T00:00:00+00:01 x", "-026-11-20T09:45:11Z x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct log_record r = parse(odd[i]);

		assert_int_equal(r.at_ns, -1);
		assert_true(slice_eq_str(r.text, odd[i]));
	}
}

static void mark_survives_being_written(void **state)
{
	struct log_mark m = {.from_ns = 1795167911 * SEC,
		.taken = 17,
		.newest_ns = INT64_MAX - 1,
		.total = (UINT64_C(1) << 36) - 1};
	struct log_mark back = {0};
	char text[SPOOL_MARK_MAX];

	(void)state;
	log_mark_write(&m, OWNER, text);
	assert_true(log_mark_parse(text, OWNER, &back));
	assert_int_equal(back.from_ns, m.from_ns);
	assert_int_equal(back.taken, m.taken);
	assert_int_equal(back.newest_ns, m.newest_ns);
	assert_int_equal(back.total, m.total);
	assert_int_equal(back.next_ns, INT64_MAX);
	assert_false(back.is_ahead);
	assert_false(log_mark_parse(text, "ffffffff", &back));
	m.is_ahead = true;
	log_mark_write(&m, OWNER, text);
	assert_true(log_mark_parse(text, OWNER, &back));
	assert_true(back.is_ahead);
	assert_int_equal(back.total, m.total);
	/* The longest there can be. */
	m.from_ns = INT64_MAX;
	m.taken = m.total;
	log_mark_write(&m, OWNER, text);
	assert_true(log_mark_parse(text, OWNER, &back));
}

static void foreign_marks_are_refused(void **state)
{
	static const char *const odd[] = {"", "1a2b3c4d", "1a2b3c4d 0 0 0", "1a2b3c4d 0 0 0 0 ",
		"1a2b3c4d 0 0 0 g", "1a2b3c4d 0 1 0 0", "1a2b3c4d 0 0 8000000000000000 0",
		"1a2b3c4d 0 0 00000000000000000 0", "1a2b3c4d 0 0 0 1000000000",
		"1a2b3c4d  0 0 0 0", "1a2b3c4d 0 0 0 0++", "1a2b3c4d 0 0 0 +0",
		"1a2b3c4d 0 0 7fffffffffffffff 0"};
	struct log_mark m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		assert_false(log_mark_parse(odd[i], OWNER, &m));
	assert_true(log_mark_parse("1a2b3c4d 0 0 0 0", OWNER, &m));
}

/* --- an engine's file of records --- */

enum { RECORDS = 2000 };

struct file {
	int64_t at_ns[RECORDS];
	size_t n;
};

/* What the engine sends when asked from from_ns; records before `gone` were rotated away. Returns
 * the number in file order of the record behind the last one that was sent, after `limit` of them.
 */
static size_t replay(
	const struct file *f, struct log_mark *m, size_t gone, size_t limit, unsigned char *taken)
{
	int64_t from_ns = m->from_ns;
	size_t sent = 0;

	log_mark_rewind(m);
	for (size_t i = gone; i < f->n; i++) {
		if (from_ns > 0 && f->at_ns[i] < from_ns)
			continue;
		if (sent++ == limit)
			return i;
		if (log_mark_take(m, f->at_ns[i]))
			taken[i]++;
	}
	return f->n;
}

/* Two writers whose stamps are a little behind each other, and pieces of one line with one stamp.
 */
static void fill(struct file *f, int64_t step_ns)
{
	int64_t now = 1795167911 * SEC;

	f->n = RECORDS;
	for (size_t i = 0; i < f->n; i++) {
		if (random_below(3) != 0)
			now += (int64_t)random_below((uint64_t)step_ns);
		f->at_ns[i] = now - (int64_t)random_below(2) * 1000000;
	}
}

/* Reads in many sittings, each cut anywhere; between two the mark goes through its text. */
static void read_in_sittings(const struct file *f, bool is_wide, unsigned char *taken)
{
	struct log_mark m = {0};

	for (unsigned sitting = 0; sitting < 100000; sitting++) {
		char text[SPOOL_MARK_MAX];
		size_t limit = (size_t)m.taken + (size_t)random_below(400);

		if (replay(f, &m, 0, limit, taken) == f->n)
			return;
		log_mark_write(&m, OWNER, text);
		assert_true(log_mark_parse(text, OWNER, &m));
		if (is_wide)
			log_mark_widen(&m);
	}
	fail_msg("no end");
}

static void log_cut_anywhere_is_read_exactly_once(void **state)
{
	static const int64_t steps[] = {2, 100000, 3000000, SEC / 3};

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
		for (int round = 0; round < 20; round++) {
			static struct file f;
			unsigned char taken[RECORDS] = {0};

			fill(&f, steps[s]);
			read_in_sittings(&f, round % 2 == 0, taken);
			for (size_t i = 0; i < f.n; i++)
				assert_int_equal(taken[i], 1);
		}
	}
}

static void clock_set_back_loses_nothing(void **state)
{
	static struct file f;
	unsigned char taken[RECORDS] = {0};

	(void)state;
	fill(&f, SEC);
	for (size_t i = RECORDS / 2; i < f.n; i++)
		f.at_ns[i] -= 3600 * SEC;
	read_in_sittings(&f, true, taken);
	for (size_t i = 0; i < f.n; i++)
		assert_int_equal(taken[i], 1);
}

static void rotated_records_do_not_eat_new_ones(void **state)
{
	static struct file f;
	unsigned char taken[RECORDS] = {0};
	struct log_mark m = {0};
	size_t read;

	(void)state;
	f.n = RECORDS;
	for (size_t i = 0; i < f.n; i++)
		f.at_ns[i] = 1795167911 * SEC + (int64_t)i * 1000;
	read = replay(&f, &m, 0, 1500, taken);
	assert_int_equal(read, 1500);
	/* The engine has dropped all but the last 600, of which 500 are new. */
	assert_int_equal(replay(&f, &m, 1400, RECORDS, taken), RECORDS);
	for (size_t i = 0; i < f.n; i++)
		assert_int_equal(taken[i], 1);
}

static void records_without_stamp_are_counted(void **state)
{
	struct log_mark m = {0};

	(void)state;
	assert_true(log_mark_take(&m, 5 * SEC));
	assert_true(log_mark_take(&m, -1));
	assert_true(log_mark_take(&m, -1));
	assert_int_equal(m.total, 3);
	log_mark_rewind(&m);
	assert_false(log_mark_take(&m, 5 * SEC));
	assert_false(log_mark_take(&m, -1));
	assert_false(log_mark_take(&m, -1));
	assert_true(log_mark_take(&m, -1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timestamp_becomes_an_instant),
		cmocka_unit_test(text_without_timestamp_is_taken_whole),
		cmocka_unit_test(mark_survives_being_written),
		cmocka_unit_test(foreign_marks_are_refused),
		cmocka_unit_test(log_cut_anywhere_is_read_exactly_once),
		cmocka_unit_test(clock_set_back_loses_nothing),
		cmocka_unit_test(rotated_records_do_not_eat_new_ones),
		cmocka_unit_test(records_without_stamp_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
