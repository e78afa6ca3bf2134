/* SPDX-License-Identifier: MIT */
/*
 * A container's output, from the engine's log into the job's spool.
 *
 * Every record passes log_mark_take(), which leaves out what the engine sends a second time, and
 * then the mask of its stream. Each stream has one of its own, so a secret that was cut into two
 * records is found whatever the other stream says in between. What a mask holds back takes its
 * place in the log when it is let go: behind what the other stream said meanwhile, and at the end
 * of the run that of stdout before that of stderr.
 *
 * Records of one piece are gathered and written at once. The mark is kept in the spool after each
 * piece of data, so that a killed daemon goes on exactly there. It is that of the last record after
 * which no mask held anything back: what is written behind it is cut off by the next process and
 * read again. Notes of ours behind it are lost then, and nothing else.
 *
 * A mark cannot wait for ever, since the engine does not keep all of a long log. After UNMARKED_MAX
 * bytes without one it is set all the same, as one that is_ahead of the spool. The next process
 * then shows the records that the engine sends again (all of a short log, at least the last 200 ms
 * of a long one) to its masks, without writing, and so has back what was held. What was held
 * for longer is lost then, and if it was half of a secret, the other half is not recognized.
 *
 * The memory for a run is a few hundred kilobytes however much it prints.
 *
 * The end of stdout (an agent's last JSON line may be there) is kept in memory as long as all of it
 * is small; otherwise the engine is asked for it when the run is over.
 */
#include "base/failpoint.h"
#include "base/log.h"
#include "runner/docker_internal.h"

#define BATCH_MAX    KIB(256)
#define UNMARKED_MAX KIB(256)

void docker_log_open(struct docker_run *r, const char *path)
{
	char mark[SPOOL_MARK_MAX] = "";
	struct err e = CLEAN_ERR;

	mask_stream_init(&r->log.out_mask, r->mask);
	mask_stream_init(&r->log.err_mask, r->mask);
	mask_stream_init(&r->log.tail_mask, r->mask);
	if (spool_open(&r->log.spool, path, LOG_HEAD_MAX, LOG_TAIL_MAX, mark, &e) < 0) {
		log_warn(DOCKER_TAG, "run %s goes on without its log: %s", r->id.s, e.text);
		r->log.spool = NULL;
		return;
	}
	/* An earlier process saw the beginning of stdout. */
	if (!log_mark_parse(mark, r->id.s, &r->log.mark))
		return;
	r->log.is_out_cut = true;
	r->log.is_recalling = r->log.mark.is_ahead;
	r->log.mark.is_ahead = false;
	log_mark_widen(&r->log.mark);
}

void docker_log_begin(struct docker_run *r)
{
	frames_fini(&r->log.frames);
	r->log.is_broken = false;
	log_mark_rewind(&r->log.mark);
	if (r->log.is_recalling) {
		mask_stream_fini(&r->log.out_mask);
		mask_stream_fini(&r->log.err_mask);
	}
}

void docker_log_begin_stdout(struct docker_run *r)
{
	frames_fini(&r->log.frames);
	r->log.is_broken = false;
	mask_stream_fini(&r->log.tail_mask);
	buf_fini(&r->log.out);
}

/* Later records are written behind the gap; the mark then stands behind it too. */
static void on_write_failure(struct docker_run *r, const struct err *e)
{
	if (!r->log.has_gap)
		log_warn(DOCKER_TAG, "run %s: output is lost: %s", r->id.s, e->text);
	r->log.has_gap = true;
}

static int write_text(struct docker_log *log, struct slice text, struct err *e)
{
	log->unmarked += text.n;
	return text.n == 0 ? 0 : spool_write(log->spool, text.p, text.n, e);
}

static int write_mark(struct docker_run *r, const struct log_mark *m, struct err *e)
{
	char mark[SPOOL_MARK_MAX];

	r->log.unmarked = 0;
	log_mark_write(m, r->id.s, mark);
	return spool_mark(r->log.spool, mark, e);
}

static int write_batch(struct docker_run *r, struct err *e)
{
	struct docker_log *log = &r->log;
	size_t n = log->settled_n;
	struct log_mark ahead = log->mark;
	int rc = 0;

	if (n > 0)
		rc = write_text(log, (struct slice){log->batch.p, n}, e);
	if (n > 0 && rc == 0)
		rc = write_mark(r, &log->settled, e);
	if (rc == 0)
		rc = write_text(log, (struct slice){log->batch.p + n, log->batch.n - n}, e);
	if (rc < 0 || log->unmarked < UNMARKED_MAX)
		return rc;
	ahead.is_ahead = true;
	return write_mark(r, &ahead, e);
}

static void flush_batch(struct docker_run *r)
{
	struct docker_log *log = &r->log;
	struct err e = CLEAN_ERR;

	if (log->batch.n == 0)
		return;
	if (log->spool != NULL) {
		failpoint(FP_output_before);
		if (write_batch(r, &e) < 0)
			on_write_failure(r, &e);
		failpoint(FP_output_after);
		log->is_midline = log->batch.p[log->batch.n - 1] != '\n';
		log->has_news = true;
		docker_wake(r->docker);
	}
	buf_clear(&log->batch);
	log->settled_n = 0;
}

/* Notes down when nothing is held back. */
static void see_whether_settled(struct docker_log *log)
{
	if (log->is_recalling || !mask_is_settled(&log->out_mask) ||
		!mask_is_settled(&log->err_mask))
		return;
	log->settled = log->mark;
	log->settled_n = log->batch.n;
}

void docker_log_note(struct docker_run *r, const char *line)
{
	struct buf *batch = &r->log.batch;

	buf_add_str(batch, r->log.is_midline ? "\n> " : "> ");
	mask_text(r->mask, slice_of(line), batch);
	buf_add_char(batch, '\n');
	see_whether_settled(&r->log);
	flush_batch(r);
}

static void keep_stdout(struct docker_log *log, struct slice text)
{
	if (log->is_out_cut)
		return;
	if (log->out.n + text.n > DOCKER_STDOUT_MAX) {
		log->is_out_cut = true;
		buf_fini(&log->out);
		return;
	}
	buf_add_slice(&log->out, text);
}

/* What is in the spool already: for the masks only. */
static void recall(struct mask_stream *mask, struct slice text)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	mask_feed(mask, text, &out);
}

/* The batch has grown from `before` by output of one stream. */
static void on_masked(struct docker_log *log, enum frame_stream stream, size_t before)
{
	if (stream != FRAME_STDERR && log->batch.n > before)
		keep_stdout(log, (struct slice){log->batch.p + before, log->batch.n - before});
	see_whether_settled(log);
}

static void on_record(struct docker_run *r, enum frame_stream stream, struct log_record rec)
{
	struct docker_log *log = &r->log;
	struct mask_stream *mask = stream == FRAME_STDERR ? &log->err_mask : &log->out_mask;
	size_t before = log->batch.n;

	if (!log_mark_take(&log->mark, rec.at_ns)) {
		if (log->is_recalling)
			recall(mask, rec.text);
		return;
	}
	log->is_recalling = false;
	mask_feed(mask, rec.text, &log->batch);
	on_masked(log, stream, before);
	if (log->batch.n >= BATCH_MAX)
		flush_batch(r);
}

static void on_frame(void *ctx, enum frame_stream stream, struct slice payload)
{
	struct docker_run *r = ctx;
	char text[DOCKER_TEXT_MAX + 1];

	if (stream != FRAME_SYSTEM) {
		on_record(r, stream, log_record_parse(payload));
		return;
	}
	docker_clean_text(payload, text);
	log_warn(DOCKER_TAG, "run %s: its log: %s", r->id.s, text);
}

static bool feed(struct docker_run *r, struct slice data, frame_fn *fn)
{
	struct err e = CLEAN_ERR;

	if (frames_feed(&r->log.frames, data, fn, r, &e) == 0)
		return true;
	log_warn(DOCKER_TAG, "run %s: %s", r->id.s, e.text);
	r->log.is_broken = true;
	return false;
}

bool docker_log_data(void *run, struct slice data)
{
	struct docker_run *r = run;
	bool is_fine = feed(r, data, on_frame);

	flush_batch(r);
	return is_fine;
}

/* Only the end matters, so what is in front of it is dropped now and then. */
static void on_stdout_frame(void *ctx, enum frame_stream stream, struct slice payload)
{
	struct docker_run *r = ctx;
	struct buf *out = &r->log.out;

	if (stream == FRAME_SYSTEM || stream == FRAME_STDERR)
		return;
	mask_feed(&r->log.tail_mask, payload, out);
	if (out->n > 2 * RESULT_FILE_MAX)
		buf_drop_front(out, out->n - RESULT_FILE_MAX);
}

bool docker_log_stdout(void *run, struct slice data)
{
	return feed(run, data, on_stdout_frame);
}

/* The first record of LOGS_STDOUT may be the rest of a line, and begin with the rest of a secret.
 * Only the last line matters, so a line in front of others is left out. */
static void drop_first_line(struct buf *out)
{
	const char *end = out->n == 0 ? NULL : memchr(out->p, '\n', out->n);
	size_t n = end == NULL ? 0 : (size_t)(end - out->p) + 1;

	for (size_t i = n; i < out->n; i++) {
		if (strchr(" \t\r\n", out->p[i]) == NULL) {
			buf_drop_front(out, n);
			return;
		}
	}
}

struct buf docker_log_finish(struct docker_run *r)
{
	struct docker_log *log = &r->log;
	struct buf out;
	size_t before = log->batch.n;

	log->is_recalling = false;
	mask_flush(&log->out_mask, &log->batch);
	on_masked(log, FRAME_STDOUT, before);
	mask_flush(&log->err_mask, &log->batch);
	see_whether_settled(log);
	flush_batch(r);
	mask_flush(&log->tail_mask, &log->out);
	if (log->is_out_cut && r->mask != NULL)
		drop_first_line(&log->out);
	out = log->out;
	log->out = BUF_NULL;
	return out;
}

void docker_log_close(struct docker_run *r, bool is_over)
{
	if (r->log.spool != NULL)
		spool_close(r->log.spool, is_over);
	r->log.spool = NULL;
	frames_fini(&r->log.frames);
	buf_fini(&r->log.batch);
	buf_fini(&r->log.out);
	mask_stream_fini(&r->log.out_mask);
	mask_stream_fini(&r->log.err_mask);
	mask_stream_fini(&r->log.tail_mask);
}
