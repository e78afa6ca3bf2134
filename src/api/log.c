/* SPDX-License-Identifier: MIT */
/*
 * api/log.c - what a job printed, as a chunked stream of text/plain.
 *
 * The log is read from its spool piece by piece as fast as the reader takes it, so neither a log of
 * many megabytes nor a reader that has stopped costs memory or time: a full stream waits for
 * `drained`, and after PUMP_MAX bytes the rest of the loop gets its turn. With follow=1 the stream
 * stays open, is woken by the engine's "log" events and ends when the job is over and everything
 * was sent. A job that has not started yet has an empty log that is followed just the same.
 *
 * Every attempt has a log of its own under the same name; the one before is set aside when the next
 * begins. Whoever follows goes on with the new one from its start, and tells them apart by inode.
 *
 * What surprised us: http_stream_write() may find out that the reader is gone and tell so before it
 * returns; `is_pumping` keeps the stream alive until the pump has noticed.
 */
#include <sys/stat.h>

#include "api/api-internal.h"
#include "base/spool.h"

#define LOG_STREAMS_MAX 256
#define PIECE_MAX       KIB(16)
#define PUMP_MAX        KIB(256)
/* How far back `tail` looks for its lines. */
#define TAIL_BYTES_MAX MIB(1)
#define TAIL_LINES_MAX 100000

struct log_stream {
	struct list node;
	struct api *api;
	struct http_stream *stream; /* NULL: the reader is gone */
	struct id job_id;
	char *path;
	uint64_t offset;
	ino_t ended;       /* the log of an attempt that is over, 0 = none */
	bool is_following; /* the job may still write */
	bool is_blocked;   /* waits for `drained` */
	bool is_pumping;
	struct defer more;
};

static void log_stream_free(struct log_stream *l)
{
	defer_cancel(&l->more);
	list_remove(&l->node);
	l->api->log_count--;
	free(l->path);
	free(l);
}

static void reader_is_gone(void *ctx)
{
	struct log_stream *l = ctx;

	l->stream = NULL;
	if (!l->is_pumping)
		log_stream_free(l);
}

/* What was dropped between head and tail is said, in the words of the log file itself. */
static void write_gap(struct log_stream *l, uint64_t missing)
{
	CLEANUP(buf_fini) struct buf line = BUF_NULL;

	if (missing == 0)
		return;
	buf_printf(&line, "\n[pylon left out %llu bytes here]\n", (unsigned long long)missing);
	if (!http_stream_write(l->stream, buf_slice(&line)))
		l->is_blocked = true;
}

/* 0 = there is none. */
static ino_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static void go_to_next_attempt(struct log_stream *l)
{
	ino_t now = l->ended == 0 ? 0 : inode_of(l->path);

	if (now == 0 || now == l->ended)
		return;
	l->ended = 0;
	l->offset = 0;
}

/* False when nothing more can be done now. */
static bool pump_piece(struct log_stream *l)
{
	char piece[PIECE_MAX];
	uint64_t expected;
	size_t n;

	go_to_next_attempt(l);
	expected = l->offset;
	n = spool_read(l->path, &l->offset, piece, sizeof(piece));
	if (n == 0) {
		if (!l->is_following) {
			http_stream_end(l->stream);
			l->stream = NULL;
		}
		return false;
	}
	write_gap(l, l->offset - n - expected);
	if (l->stream != NULL && !http_stream_write(l->stream, (struct slice){piece, n}))
		l->is_blocked = true;
	return l->stream != NULL && !l->is_blocked;
}

/* May free l. */
static void pump(struct log_stream *l)
{
	size_t pieces = 0;

	if (l->is_pumping || l->is_blocked)
		return;
	l->is_pumping = true;
	while (pump_piece(l)) {
		if (++pieces == PUMP_MAX / PIECE_MAX) {
			defer_set(&l->more);
			break;
		}
	}
	l->is_pumping = false;
	if (l->stream == NULL)
		log_stream_free(l);
}

static void pump_more(void *ctx)
{
	pump(ctx);
}

static void drained(void *ctx)
{
	struct log_stream *l = ctx;

	l->is_blocked = false;
	defer_set(&l->more);
}

/* Where the last `lines` lines begin; bytes before it are sent from here, *ret_offset is where to
 * go on. */
static void read_tail(const char *path, uint64_t lines, struct buf *out, uint64_t *ret_offset)
{
	uint64_t offset = spool_tail_offset(path, TAIL_BYTES_MAX);
	char piece[PIECE_MAX];
	size_t n, i;

	while (out->n < 2 * TAIL_BYTES_MAX &&
		(n = spool_read(path, &offset, piece, sizeof(piece))) > 0)
		buf_add(out, piece, n);
	*ret_offset = offset;
	/* The newline at the very end closes the last line, it begins none. */
	for (i = out->n; i > 0; i--) {
		if (out->p[i - 1] == '\n' && i != out->n && lines-- == 1)
			break;
	}
	buf_drop_front(out, i);
}

static bool read_tail_option(struct http_request *req, bool *ret_wanted, uint64_t *ret_lines)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	*ret_wanted = http_request_query(req, "tail", &text) && text.n > 0;
	if (!*ret_wanted || slice_to_u64(buf_slice(&text), TAIL_LINES_MAX, ret_lines))
		return true;
	api_refuse(req, 400, "invalid_request", "tail is a number of lines, at most %d",
		TAIL_LINES_MAX);
	return false;
}

static bool wants_follow(struct http_request *req)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	return http_request_query(req, "follow", &text) &&
	       (str_eq(buf_str(&text), "1") || str_eq(buf_str(&text), "true"));
}

static struct log_stream *log_stream_new(struct api *a, const struct job *j)
{
	struct log_stream *l = xcalloc(1, sizeof(*l));
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	l->api = a;
	l->job_id = j->id;
	engine_log_path(a->o.engine, j->pylon, &j->id, &path);
	l->path = buf_steal(&path);
	defer_init(&l->more, a->o.loop, pump_more, l);
	list_init(&l->node);
	list_append(&a->logs, &l->node);
	a->log_count++;
	return l;
}

/* The tail, which was read at once. May free l. */
static void send_tail(struct log_stream *l, uint64_t lines)
{
	CLEANUP(buf_fini) struct buf tail = BUF_NULL;

	if (lines == 0)
		l->offset = spool_tail_offset(l->path, 0);
	else
		read_tail(l->path, lines, &tail, &l->offset);
	l->is_pumping = true;
	if (tail.n > 0 && !http_stream_write(l->stream, buf_slice(&tail)))
		l->is_blocked = true;
	l->is_pumping = false;
	if (l->stream == NULL)
		log_stream_free(l);
	else
		pump(l);
}

void log_get(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(job_fini) struct job j = {0};
	uint64_t lines = 0;
	bool has_tail, follow;
	struct log_stream *l;
	bool is_found;

	if (!read_tail_option(req, &has_tail, &lines))
		return;
	is_found = m->route->param != 0 ? api_find_execution(a, req, m->args[0], &j)
					: api_find_job(a, req, m->args[0], &j);
	if (!is_found)
		return;
	follow = wants_follow(req);
	if (a->log_count >= LOG_STREAMS_MAX || a->is_closing) {
		api_refuse(req, 503, a->is_closing ? "draining" : "full",
			"no more logs can be read at the same time");
		return;
	}
	l = log_stream_new(a, &j);
	l->is_following = follow && !job_is_over(j.state);
	/* What is there before a run has begun is the log of the run before. */
	if (j.state == JOB_QUEUED || j.state == JOB_STARTING)
		l->ended = inode_of(l->path);
	l->stream = http_stream_start(req, 200, "text/plain; charset=utf-8", reader_is_gone, l);
	http_stream_on_drained(l->stream, drained);
	if (has_tail)
		send_tail(l, lines);
	else
		pump(l);
}

void log_on_event(struct api *a, const struct engine_event *ev)
{
	enum job_state state = JOB_STATES;
	bool is_over = str_eq(ev->type, "job") && ev->state != NULL &&
		       job_state_from_name(ev->state, &state) && job_is_over(state);

	bool is_repeated = str_eq(ev->type, "job") && str_eq(ev->state, "queued");

	if (!is_over && !is_repeated && !str_eq(ev->type, "log"))
		return;
	list_foreach_safe (it, &a->logs) {
		struct log_stream *l = list_entry(it, struct log_stream, node);

		if (strcmp(l->job_id.s, ev->job_id.s) != 0)
			continue;
		if (is_over)
			l->is_following = false;
		if (is_repeated)
			l->ended = inode_of(l->path);
		pump(l);
	}
}

void log_close_all(struct api *a)
{
	list_foreach_safe (it, &a->logs) {
		struct log_stream *l = list_entry(it, struct log_stream, node);

		http_stream_end(l->stream);
		log_stream_free(l);
	}
}

void log_free_all(struct api *a)
{
	list_foreach_safe (it, &a->logs)
		log_stream_free(list_entry(it, struct log_stream, node));
}
