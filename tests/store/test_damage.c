/* SPDX-License-Identifier: MIT */
/*
 * The damage drill: one database of 2,000 jobs, every kind of damage, and how many rows come back.
 * docs/reliability.md has the table.
 */
#undef NDEBUG
#include <unistd.h>

#include "base/file.h"
#include "damage.h"

/* --- kinds of damage --- */

static void header_bytes(const char *path)
{
	uint8_t b[100];
	uint32_t seed = 7;

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)damage_random(&seed);
	damage_put(path, 0, b, sizeof(b));
}

static void page_1_zeroed(const char *path)
{
	static const uint8_t zeros[DAMAGE_PAGE];

	damage_put(path, 0, zeros, sizeof(zeros));
}

static void schema_page(const char *path)
{
	uint8_t b[DAMAGE_PAGE - 100];

	(void)memset(b, 0xa5, sizeof(b));
	damage_put(path, 100, b, sizeof(b));
}

static void application_id_gone(const char *path)
{
	damage_put(path, 68, "\0\0\0\0", 4);
}

static void wrong_page_size(const char *path)
{
	damage_put(path, 16, "\x04\x00", 2);
}

static void events_root(const char *path)
{
	damage_page(path, damage_root(path, "events"));
}

static void jobs_root(const char *path)
{
	damage_page(path, damage_root(path, "jobs"));
}

static void jobs_leaf(const char *path)
{
	damage_page(path, damage_leaf(path, "jobs", 20));
}

static void events_leaf(const char *path)
{
	damage_page(path, damage_leaf(path, "events", 20));
}

static void first_and_last_leaf_of_events(const char *path)
{
	uint32_t first = damage_leaf(path, "events", 0);
	uint32_t last = damage_leaf(path, "events", UINT32_MAX);

	damage_page(path, first);
	damage_page(path, last);
}

static void six_leaves_of_jobs(const char *path)
{
	uint32_t leaf[6];

	for (uint32_t i = 0; i < 6; i++)
		leaf[i] = damage_leaf(path, "jobs", 10 * i + 3);
	for (uint32_t i = 0; i < 6; i++)
		damage_page(path, leaf[i]);
}

static void overflow_of_an_event(const char *path)
{
	damage_page(path, damage_overflow(path, "events", 3));
}

static void overflow_of_a_result(const char *path)
{
	damage_page(path, damage_overflow(path, "jobs", 3));
}

static void index_leaf(const char *path)
{
	damage_page(path, damage_leaf(path, "jobs_created", 2));
}

static void index_entry(const char *path)
{
	CLEANUP(buf_fini) struct buf b = damage_read(path);
	size_t page = (size_t)(damage_leaf(path, "jobs_created", 2) - 1) * DAMAGE_PAGE;

	/* The rowid in one entry: quick_check does not see it. */
	damage_put(path, (off_t)(page + be16((const uint8_t *)b.p + page + 8 + 20)) + 6, "\x7f", 1);
}

static void index_without_rowid(const char *path)
{
	damage_page(path, damage_leaf(path, "usage", 1));
}

static void free_list(const char *path)
{
	/* The header promises pages that are in use. */
	damage_put(path, 32, "\0\0\0\x05\0\0\0\x02", 8);
}

static void cut_to(const char *path, double part)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, (off_t)((double)st.st_size * part)), 0);
}

static void truncated_to_nine_tenths(const char *path)
{
	cut_to(path, 0.9);
}

static void truncated_to_a_half(const char *path)
{
	cut_to(path, 0.5);
}

static void truncated_to_two_pages(const char *path)
{
	assert_int_equal(truncate(path, 2L * DAMAGE_PAGE), 0);
}

static void truncated_within_a_page(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 1000), 0);
}

static void four_random_pages(const char *path)
{
	uint32_t seed = 42;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	for (int i = 0; i < 4; i++)
		damage_page(path, 2 + damage_random(&seed) % ((uint32_t)(st.st_size / 4096) - 1));
}

static void cells_of_a_page(const char *path)
{
	uint32_t page = damage_leaf(path, "events", 30);

	damage_put(path, (off_t)(page - 1) * DAMAGE_PAGE + 8, "\xff\xff\x00\x01", 4);
}

static void zeros(const char *path)
{
	CLEANUP(buf_fini) struct buf b = damage_read(path);

	(void)memset(b.p, 0, b.n);
	damage_write(path, &b);
}

static void text(const char *path)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	for (int i = 0; i < 4000; i++)
		buf_printf(&b, "line %d of some log that was written over it\n", i);
	damage_write(path, &b);
}

static void a_leaf_of_dedupe(const char *path)
{
	damage_page(path, damage_leaf(path, "dedupe", 3));
}

static void empty(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
}

/* What must come back of the tables; the ones not named are whole. */
static const struct kind {
	const char *name;
	void (*damage)(const char *path);
	enum store_recovered how;
	int64_t jobs, events, runs, deliveries, usage, dedupe; /* rows saved */
	int64_t jobs_made, events_made;
} kinds[] = {
#define WHOLE 2000, 2000, 1900, 950, 500, 1000, 0, 0
	{"header bytes", header_bytes, RECOVERED_SALVAGED, WHOLE},
	{"page 1 zeroed", page_1_zeroed, RECOVERED_SALVAGED, WHOLE},
	{"schema page", schema_page, RECOVERED_SALVAGED, WHOLE},
	{"application id gone", application_id_gone, RECOVERED_SALVAGED, WHOLE},
	{"wrong page size", wrong_page_size, RECOVERED_SALVAGED, WHOLE},
	{"events root", events_root, RECOVERED_SALVAGED, WHOLE},
	{"jobs root", jobs_root, RECOVERED_SALVAGED, WHOLE},
	{"jobs leaf", jobs_leaf, RECOVERED_SALVAGED, 1964, 2000, 1900, 950, 500, 1000, 36, 0},
	{"events leaf", events_leaf, RECOVERED_SALVAGED, 2000, 1977, 1900, 950, 500, 1000, 0, 23},
	{"first and last leaf of events", first_and_last_leaf_of_events, RECOVERED_SALVAGED, 2000,
		1962, 1900, 950, 500, 1000, 0, 38},
	{"six leaves of jobs", six_leaves_of_jobs, RECOVERED_SALVAGED, 1788, 2000, 1900, 950, 500,
		1000, 212, 0},
	{"overflow of an event", overflow_of_an_event, RECOVERED_SALVAGED, 2000, 1999, 1900, 950,
		500, 1000, 0, 1},
	{"overflow of a result", overflow_of_a_result, RECOVERED_SALVAGED, WHOLE},
	{"index leaf", index_leaf, RECOVERED_SALVAGED, WHOLE},
	{"index entry", index_entry, RECOVERED_REINDEXED, WHOLE},
	{"index without rowid", index_without_rowid, RECOVERED_SALVAGED, 2000, 2000, 1900, 950, 436,
		1000, 0, 0},
	{"free list", free_list, RECOVERED_SALVAGED, WHOLE},
	{"truncated to nine tenths", truncated_to_nine_tenths, RECOVERED_SALVAGED, 2000, 2000, 1900,
		528, 7, 0, 0, 0},
	{"truncated to a half", truncated_to_a_half, RECOVERED_SALVAGED, 2000, 949, 0, 0, 0, 0, 0,
		1051},
	{"truncated to two pages", truncated_to_two_pages, RECOVERED_EMPTY, 0, 0, 0, 0, 0, 0, 0, 0},
	{"truncated within a page", truncated_within_a_page, RECOVERED_SALVAGED, WHOLE},
	{"four random pages", four_random_pages, RECOVERED_SALVAGED, 2000, 1954, 1900, 950, 500,
		1000, 0, 46},
	{"cells of a page", cells_of_a_page, RECOVERED_SALVAGED, 2000, 1998, 1900, 950, 500, 1000,
		0, 2},
	{"zeros", zeros, RECOVERED_EMPTY, 0, 0, 0, 0, 0, 0, 0, 0},
	{"text", text, RECOVERED_EMPTY, 0, 0, 0, 0, 0, 0, 0, 0},
	{"a leaf of dedupe", a_leaf_of_dedupe, RECOVERED_SALVAGED, 2000, 2000, 1900, 950, 500, 932,
		0, 0},
	{"empty", empty, RECOVERED_SOUND, 0, 0, 0, 0, 0, 0, 0, 0},
};

static int64_t saved(const struct store_recovery *r, const char *table, bool made)
{
	for (size_t i = 0; i < r->table_count; i++)
		if (str_eq(r->tables[i].name, table))
			return made ? r->tables[i].made : r->tables[i].saved;
	return 0;
}

/* Every table: what is told is what is there. */
static void assert_told(struct fixture *f, const struct store_recovery *r)
{
	for (size_t i = 0; i < r->table_count; i++)
		assert_int_equal(
			count_rows(f, r->tables[i].name), r->tables[i].saved + r->tables[i].made);
}

static void recover(struct fixture *f, struct store_recovery *r)
{
	struct err e = CLEAN_ERR;

	*r = (struct store_recovery){.now_real = NOW};
	if (store_recover_database(f->path, "p", r, &e) != 0)
		fail_msg("%s", e.text);
}

static void print(const struct kind *k, const struct store_recovery *r)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	store_recovery_print(&b, r);
	(void)printf("{\"%s\", %s, RECOVERED_%s, %lld, %lld, %lld, %lld, %lld, %lld, %lld, "
		     "%lld},\n%s",
		k->name, k->name, store_recovered_name(r->how), (long long)saved(r, "jobs", false),
		(long long)saved(r, "events", false), (long long)saved(r, "runs", false),
		(long long)saved(r, "deliveries", false), (long long)saved(r, "usage", false),
		(long long)saved(r, "dedupe", false), (long long)saved(r, "jobs", true),
		(long long)saved(r, "events", true), buf_str(&b));
}

/* What is left of a closed database besides itself must be nothing. */
static void clear_log(const struct fixture *f)
{
	CLEANUP(freep) char *wal = xasprintf("%s-wal", f->path);
	CLEANUP(freep) char *shm = xasprintf("%s-shm", f->path);
	struct stat st;

	assert_true(stat(wal, &st) < 0 || st.st_size == 0);
	(void)unlink(wal);
	(void)unlink(shm);
}

static void drill(struct fixture *f, const struct buf *sound, const struct kind *k)
{
	CLEANUP(freep) char *corrupt = xasprintf("%s/pylons/p/.corrupt", f->dir);
	CLEANUP(buf_fini) struct buf damaged = BUF_NULL;
	struct store_recovery r;

	assert_int_equal(tree_remove(corrupt, NULL), 0);
	clear_log(f);
	damage_write(f->path, sound);
	k->damage(f->path);
	damaged = damage_read(f->path);
	recover(f, &r);
	if (getenv("PYLON_DRILL_PRINT") != NULL) { /* NOLINT(concurrency-mt-unsafe) */
		print(k, &r);
		return;
	}
	if (r.how != k->how || saved(&r, "jobs", false) != k->jobs ||
		saved(&r, "events", false) != k->events || saved(&r, "runs", false) != k->runs ||
		saved(&r, "deliveries", false) != k->deliveries ||
		saved(&r, "usage", false) != k->usage || saved(&r, "dedupe", false) != k->dedupe ||
		saved(&r, "jobs", true) != k->jobs_made ||
		saved(&r, "events", true) != k->events_made) {
		print(k, &r);
		fail_msg("%s: other rows than expected were saved", k->name);
	}
	if (r.how >= RECOVERED_SALVAGED) {
		CLEANUP(buf_fini) struct buf kept = damage_read(r.quarantine);

		assert_int_equal(kept.n, damaged.n);
		assert_memory_equal(buf_str(&kept), buf_str(&damaged), damaged.n);
	}
	fixture_open(f);
	assert_sound(f);
	assert_told(f, &r);
	fixture_close(f);
}

static void every_kind_of_damage_gives_back_the_rows_it_should(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_fini) struct buf sound = BUF_NULL;

	damage_database(f->path);
	sound = damage_read(f->path);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		drill(f, &sound, &kinds[i]);
}

/* --- whatever it is --- */

/* Bytes, pages and the order of pages, all at once and different for each seed. */
static void damage_at_random(const char *path, uint32_t seed)
{
	CLEANUP(buf_fini) struct buf b = damage_read(path);
	uint32_t pages = (uint32_t)(b.n / DAMAGE_PAGE), x = seed;

	for (uint32_t i = 0; i < 1 + seed % 5; i++) {
		size_t from = damage_random(&x) % pages, to = damage_random(&x) % pages;

		if (from != to)
			(void)memcpy(b.p + to * DAMAGE_PAGE, b.p + from * DAMAGE_PAGE, DAMAGE_PAGE);
	}
	for (uint32_t i = 0; i < 40; i++)
		b.p[damage_random(&x) % b.n] = (char)damage_random(&x);
	for (uint32_t i = 0; i < 8; i++) /* where pages tell how they are made */
		b.p[damage_random(&x) % pages * DAMAGE_PAGE + damage_random(&x) % 40] =
			(char)damage_random(&x);
	if (seed % 4 == 0)
		b.n -= damage_random(&x) % (b.n / 2);
	damage_write(path, &b);
}

static void any_damage_ends_in_a_sound_database_with_most_of_the_rows(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_fini) struct buf sound = BUF_NULL;

	damage_database(f->path);
	sound = damage_read(f->path);
	for (uint32_t seed = 1; seed <= 12; seed++) {
		struct store_recovery r;

		clear_log(f);
		damage_write(f->path, &sound);
		damage_at_random(f->path, seed);
		recover(f, &r);
		fixture_open(f);
		assert_sound(f);
		assert_told(f, &r);
		if (count_rows(f, "jobs") < 1500)
			fail_msg("seed %u: %lld jobs", seed, (long long)count_rows(f, "jobs"));
		fixture_close(f);
	}
}

/* --- the rules of mending --- */

static void rows_of_the_past_do_not_come_back(void **state)
{
	struct fixture *f = *state;
	struct store_recovery r;

	damage_database(f->path);
	/* Whole leaves become free pages, which keep what was on them. */
	sql_run(f->path,
		"PRAGMA secure_delete = OFF; PRAGMA foreign_keys = ON; DELETE FROM jobs WHERE seq <= 1000;"
		"PRAGMA wal_checkpoint(TRUNCATE)");
	damage_page(f->path, damage_leaf(f->path, "jobs", 2));
	damage_page(f->path, damage_leaf(f->path, "events", 2));
	recover(f, &r);
	fixture_open(f);
	assert_sound(f);
	assert_int_equal(count_rows(f, "jobs"), 1000);
	assert_int_equal(sql_value(f->path, "SELECT min(seq) FROM jobs"), 1001);
}

/* A page of an older state that nobody names any more loses against the one that is in the tree. */
static void an_older_copy_of_a_row_does_not_win(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_fini) struct buf before = BUF_NULL;
	CLEANUP(buf_fini) struct buf after = BUF_NULL;
	struct store_recovery r;
	uint32_t leaf;

	damage_database(f->path);
	leaf = damage_leaf(f->path, "jobs", 7);
	before = damage_read(f->path);
	sql_run(f->path, "UPDATE jobs SET error = 'new'; PRAGMA wal_checkpoint(TRUNCATE)");
	after = damage_read(f->path);
	buf_add(&after, before.p + (size_t)(leaf - 1) * DAMAGE_PAGE, DAMAGE_PAGE);
	damage_write(f->path, &after);
	page_1_zeroed(f->path);
	recover(f, &r);
	assert_int_equal(saved(&r, "jobs", false), 2000);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs WHERE error = 'new'"), 2000);
}

/* Its last page says that there is one more: it belongs to something else. */
static void a_long_text_whose_end_is_not_its_own_is_not_taken(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	struct store_recovery r;
	uint32_t first, last, next;

	damage_database(f->path);
	first = next = damage_overflow(f->path, "events", 3);
	b = damage_read(f->path);
	do {
		last = next;
		next = be32((const uint8_t *)b.p + (size_t)(last - 1) * DAMAGE_PAGE);
	} while (next != 0);
	assert_true(first != last);
	damage_put(f->path, (off_t)(last - 1) * DAMAGE_PAGE,
		b.p + (size_t)(first - 1) * DAMAGE_PAGE, DAMAGE_PAGE);
	page_1_zeroed(f->path);
	recover(f, &r);
	assert_int_equal(saved(&r, "events", false), 1999);
	assert_int_equal(saved(&r, "events", true), 1);
}

static void a_queued_job_is_rebuilt_from_its_indexes_and_waits_on(void **state)
{
	struct fixture *f = *state;
	struct store_recovery r;

	damage_database(f->path);
	damage_page(f->path, damage_leaf(f->path, "jobs", UINT32_MAX));
	recover(f, &r);
	assert_true(saved(&r, "jobs", true) > 0);
	assert_int_equal(
		sql_value(f->path, "SELECT count(*) FROM jobs WHERE state = 'queued'"), 100);
	assert_int_equal(
		sql_value(f->path, "SELECT count(*) FROM jobs WHERE id = "
				   "'00002000-0000-4000-8000-000000000001' AND seq = 2000 AND "
				   "created_at = 3000 AND reason = 'salvaged' AND pylon = 'p'"),
		1);
}

static void a_queued_job_without_its_event_does_not_run(void **state)
{
	struct fixture *f = *state;
	struct store_recovery r;
	int64_t lost;

	damage_database(f->path);
	damage_page(f->path, damage_leaf(f->path, "events", UINT32_MAX));
	recover(f, &r);
	lost = saved(&r, "events", true);
	assert_true(lost > 0);
	assert_int_equal(
		sql_value(f->path, "SELECT count(*) FROM jobs WHERE state = 'queued'"), 100 - lost);
	assert_int_equal(
		sql_value(f->path, "SELECT count(*) FROM jobs JOIN events ON job_seq = seq WHERE "
				   "state = 'lost' AND body = 'null' AND finished_at > 0"),
		lost);
}

static void an_event_without_its_job_gets_a_job_that_is_lost(void **state)
{
	struct fixture *f = *state;
	struct store_recovery r;

	damage_database(f->path);
	damage_page(f->path, damage_leaf(f->path, "jobs", 20));
	page_1_zeroed(f->path); /* and no index tells which it was */
	recover(f, &r);
	assert_int_equal(saved(&r, "jobs", false), 1964);
	assert_int_equal(saved(&r, "jobs", true), 36);
	assert_int_equal(saved(&r, "events", false), 2000);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs WHERE state = 'lost'"), 36);
	fixture_open(f);
	assert_sound(f);
}

static void a_schedule_whose_row_is_lost_keeps_its_epoch(void **state)
{
	struct fixture *f = *state;
	struct store_recovery r;

	damage_database(f->path);
	damage_page(f->path, damage_leaf(f->path, "schedules", 0));
	recover(f, &r);
	assert_int_equal(sql_value(f->path, "SELECT epoch FROM schedules WHERE id = 'trigger'"), 3);
	assert_int_equal(sql_value(f->path, "SELECT decided_to FROM schedules"), 300);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup_folder, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_kind_of_damage_gives_back_the_rows_it_should),
		TEST(any_damage_ends_in_a_sound_database_with_most_of_the_rows),
		TEST(rows_of_the_past_do_not_come_back),
		TEST(an_older_copy_of_a_row_does_not_win),
		TEST(a_long_text_whose_end_is_not_its_own_is_not_taken),
		TEST(a_queued_job_is_rebuilt_from_its_indexes_and_waits_on),
		TEST(a_queued_job_without_its_event_does_not_run),
		TEST(an_event_without_its_job_gets_a_job_that_is_lost),
		TEST(a_schedule_whose_row_is_lost_keeps_its_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
