/* SPDX-License-Identifier: MIT */
/*
 * store_batch - how fast rows become durable without HTTP.
 *
 *	store_batch t1|plain --dir DIR [--batch N] [--seconds S] [--bytes N]
 *
 * `t1` runs the accept transaction of the room `store` (the same statements as behind a 202), N
 * operations to a commit. `plain` is SQLite by itself: one row with a unique id and a body of the
 * same size per insert, N inserts to a commit, WAL and synchronous=FULL. Only the time between the
 * first statement and the end of the commit counts, not the making of ids. The database is a fresh
 * one in DIR, and removed afterwards. One JSON object on stdout.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/crypto.h"
#include "base/id.h"
#include "store/store.h"

enum { BATCH_MAX = 4096 };

/* What the sender of post_load sends, as the trigger keeps it. */
static const char headers[] =
	"{\"host\":\"127.0.0.1:8080\",\"accept\":\"*/*\",\"user-agent\":"
	"\"GitHub-Hookshot/044aadd\",\"content-type\":\"application/json\",\"x-github-event\":"
	"\"push\",\"x-github-hook-id\":\"292430182\",\"x-github-delivery\":"
	"\"72d3162e-cc78-11e3-81ab-4c9367dc0958\",\"x-hub-signature-256\":\"<redacted>\","
	"\"content-length\":\"2048\"}";

struct bench {
	const char *dir;
	size_t batch, bytes;
	int64_t seconds_us;
	char *path, *body;
	uint64_t rows, commits;
	int64_t spent_us, cpu_us;
};

static int64_t clock_us(clockid_t which)
{
	struct timespec t;

	(void)clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

_Noreturn static void fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "store_batch: %s: %s\n", what, why);
	exit(1);
}

struct span {
	int64_t wall, cpu;
};

static struct span span_begin(void)
{
	return (struct span){clock_us(CLOCK_MONOTONIC), clock_us(CLOCK_PROCESS_CPUTIME_ID)};
}

static void span_end(struct bench *b, struct span from)
{
	b->spent_us += clock_us(CLOCK_MONOTONIC) - from.wall;
	b->cpu_us += clock_us(CLOCK_PROCESS_CPUTIME_ID) - from.cpu;
	b->rows += b->batch;
	b->commits++;
}

static void remove_files(const struct bench *b)
{
	static const char *const ends[] = {"", "-wal", "-shm"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char *path = xasprintf("%s%s", b->path, ends[i]);

		(void)unlink(path);
		free(path);
	}
}

/* --- t1 --- */

struct accept {
	struct store_accept op;
	struct id delivery;
	char sha256[SHA256_HEX_SIZE];
};

static size_t answered;

static bool take_room(void *ctx)
{
	(void)ctx;
	return true;
}

static void on_done(struct store_op *op, int rc, const struct err *e)
{
	(void)op;
	if (rc != 0)
		fail("accept", e == NULL ? "refused" : e->text);
	answered++;
}

static void accept_make(struct accept *a, const struct bench *b)
{
	*a = (struct accept){0};
	id_make(&a->op.job_id);
	id_make(&a->op.event_id);
	id_make(&a->delivery);
	/* The digest is that of the body, which costs the daemon time; here any 64 digits do. */
	sha256_hex(a->delivery.s, sizeof(a->delivery.s), a->sha256);
	a->op.pylon = "hook";
	a->op.source = "webhook";
	a->op.delivery_id = a->delivery.s;
	a->op.headers_json = headers;
	a->op.query = "";
	a->op.body = (struct slice){b->body, b->bytes};
	a->op.body_sha256 = a->sha256;
	a->op.now_real = clock_us(CLOCK_REALTIME);
	a->op.take_room = take_room;
	a->op.op.done = on_done;
}

static void t1_batch(struct bench *b, struct store *s, struct store_db *db, struct accept *ops)
{
	struct span span;

	for (size_t i = 0; i < b->batch; i++)
		accept_make(&ops[i], b);
	answered = 0;
	span = span_begin();
	for (size_t i = 0; i < b->batch; i++)
		store_accept(db, &ops[i].op);
	if (store_commit(s, span.wall) != 0 || answered != b->batch)
		fail("commit", "not everything was committed");
	span_end(b, span);
}

static void run_t1(struct bench *b)
{
	struct store *s = store_new(NULL, NULL);
	struct accept *ops = xcalloc(b->batch, sizeof(*ops));
	int64_t end = clock_us(CLOCK_MONOTONIC) + b->seconds_us;
	struct err e = CLEAN_ERR;
	struct store_db *db;

	if (store_open(s, b->path, "hook", &db, NULL, &e) < 0)
		fail(b->path, e.text);
	while (clock_us(CLOCK_MONOTONIC) < end)
		t1_batch(b, s, db, ops);
	free(ops);
	store_close(db);
	store_free(s);
}

/* --- plain --- */

static void sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail(text, sqlite3_errmsg(db));
}

static void step(sqlite3 *db, sqlite3_stmt *q)
{
	int rc = sqlite3_step(q);

	if (rc != SQLITE_DONE)
		fail("step", sqlite3_errmsg(db));
	(void)sqlite3_reset(q);
}

struct plain {
	sqlite3 *db;
	sqlite3_stmt *begin, *insert, *commit;
};

static void plain_prepare(struct plain *p, const char *text, sqlite3_stmt **ret)
{
	if (sqlite3_prepare_v2(p->db, text, -1, ret, NULL) != SQLITE_OK)
		fail(text, sqlite3_errmsg(p->db));
}

static void plain_open(struct plain *p, const char *path)
{
	if (sqlite3_open(path, &p->db) != SQLITE_OK)
		fail(path, sqlite3_errmsg(p->db));
	sql(p->db, "PRAGMA journal_mode=WAL");
	sql(p->db, "PRAGMA synchronous=FULL");
	sql(p->db, "CREATE TABLE rows(id TEXT NOT NULL UNIQUE, body TEXT NOT NULL)");
	plain_prepare(p, "BEGIN IMMEDIATE", &p->begin);
	plain_prepare(p, "INSERT INTO rows VALUES(?, ?)", &p->insert);
	plain_prepare(p, "COMMIT", &p->commit);
}

static void plain_batch(struct bench *b, struct plain *p, struct id *ids)
{
	struct span span;

	for (size_t i = 0; i < b->batch; i++)
		id_make(&ids[i]);
	span = span_begin();
	step(p->db, p->begin);
	for (size_t i = 0; i < b->batch; i++) {
		(void)sqlite3_bind_text(p->insert, 1, ids[i].s, -1, SQLITE_STATIC);
		(void)sqlite3_bind_text(p->insert, 2, b->body, (int)b->bytes, SQLITE_STATIC);
		step(p->db, p->insert);
	}
	step(p->db, p->commit);
	span_end(b, span);
}

static void run_plain(struct bench *b)
{
	struct id *ids = xcalloc(b->batch, sizeof(*ids));
	int64_t end = clock_us(CLOCK_MONOTONIC) + b->seconds_us;
	struct plain p = {0};

	plain_open(&p, b->path);
	while (clock_us(CLOCK_MONOTONIC) < end)
		plain_batch(b, &p, ids);
	(void)sqlite3_finalize(p.begin);
	(void)sqlite3_finalize(p.insert);
	(void)sqlite3_finalize(p.commit);
	(void)sqlite3_close(p.db);
	free(ids);
}

/* --- the command line --- */

static uint64_t number(const char *text, uint64_t max)
{
	uint64_t n = 0;

	if (!slice_to_u64(slice_of(text), max, &n) || n == 0)
		fail(text, "not a number in range");
	return n;
}

static void options_read(struct bench *b, int argc, char **argv)
{
	static const struct option long_options[] = {
		{"dir", required_argument, NULL, 'd'},
		{"batch", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 't'},
		{"bytes", required_argument, NULL, 'b'},
		{NULL, 0, NULL, 0},
	};
	int option;

	*b = (struct bench){.batch = 64, .bytes = 2048, .seconds_us = 2000000};
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'd')
			b->dir = optarg;
		else if (option == 'n')
			b->batch = number(optarg, BATCH_MAX);
		else if (option == 't')
			b->seconds_us = (int64_t)(strtod(optarg, NULL) * 1e6);
		else if (option == 'b')
			b->bytes = number(optarg, 1U << 20);
		else
			exit(2);
	}
	if (b->dir == NULL || optind + 1 != argc)
		fail("use", "store_batch t1|plain --dir DIR [--batch N] [--seconds S]");
}

int main(int argc, char **argv)
{
	struct bench b;

	options_read(&b, argc, argv);
	b.path = xasprintf("%s/store_batch.db", b.dir);
	b.body = xcalloc(b.bytes + 1, 1);
	memset(b.body, 'x', b.bytes);
	memcpy(b.body, "{\"n\":\"", MIN_OF(b.bytes, (size_t)6));
	remove_files(&b);
	if (str_eq(argv[optind], "t1"))
		run_t1(&b);
	else if (str_eq(argv[optind], "plain"))
		run_plain(&b);
	else
		fail(argv[optind], "t1 or plain");
	remove_files(&b);
	printf("{\"what\":\"%s\",\"batch\":%zu,\"rows\":%" PRIu64 ",\"commits\":%" PRIu64
	       ",\"rate\":%.1f,\"cpu_us\":%.2f}\n",
		argv[optind], b.batch, b.rows, b.commits,
		(double)b.rows * 1e6 / (double)MAX_OF(b.spent_us, INT64_C(1)),
		(double)b.cpu_us / (double)MAX_OF(b.rows, UINT64_C(1)));
	free(b.body);
	free(b.path);
	return 0;
}
