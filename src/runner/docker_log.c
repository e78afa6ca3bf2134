/* SPDX-License-Identifier: MIT */
/*
 * A container's output, from the engine's log into the job's spool.
 *
 * Every record passes log_mark_take(), which leaves out what the engine sends a second time; the
 * mark is kept in the spool after each piece of data, so that a killed daemon goes on exactly
 * there. Records of one piece are gathered and written at once. The memory for a run is a few
 * hundred kilobytes however much it prints.
 *
 * The end of stdout (an agent's last JSON line may be there) is kept in memory as long as all of it
 * is small; otherwise the engine is asked for it when the run is over.
 */
#include "base/failpoint.h"
#include "base/log.h"
#include "runner/docker_internal.h"

void docker_log_open(struct docker_run *r, const char *path)
{
	char mark[SPOOL_MARK_MAX] = "";
	struct err e = CLEAN_ERR;

	if (spool_open(&r->log.spool, path, LOG_HEAD_MAX, LOG_TAIL_MAX, mark, &e) < 0) {
		log_warn(DOCKER_TAG, "run %s goes on without its log: %s", r->id.s, e.text);
		r->log.spool = NULL;
		return;
	}
	/* An earlier process saw the beginning of stdout. */
	if (!log_mark_parse(mark, r->id.s, &r->log.mark))
		return;
	r->log.is_out_cut = true;
	log_mark_widen(&r->log.mark);
}

void docker_log_begin(struct docker_run *r)
{
	frames_fini(&r->log.frames);
	r->log.is_broken = false;
	log_mark_rewind(&r->log.mark);
}

void docker_log_begin_stdout(struct docker_run *r)
{
	frames_fini(&r->log.frames);
	r->log.is_broken = false;
	buf_fini(&r->log.out);
}

/* Later records are written behind the gap; the mark then stands behind it too. */
static void on_write_failure(struct docker_run *r, const struct err *e)
{
	if (!r->log.has_gap)
		log_warn(DOCKER_TAG, "run %s: output is lost: %s", r->id.s, e->text);
	r->log.has_gap = true;
}

/* Writes the batch and remembers how far that was. */
static void flush_batch(struct docker_run *r)
{
	struct docker_log *log = &r->log;
	struct err e = CLEAN_ERR;
	char mark[SPOOL_MARK_MAX];
	int rc;

	if (log->batch.n == 0)
		return;
	if (log->spool != NULL) {
		failpoint(FP_output_before);
		log_mark_write(&log->mark, r->id.s, mark);
		rc = spool_write(log->spool, log->batch.p, log->batch.n, &e);
		if (rc == 0)
			rc = spool_mark(log->spool, mark, &e);
		if (rc < 0)
			on_write_failure(r, &e);
		failpoint(FP_output_after);
		log->is_midline = log->batch.p[log->batch.n - 1] != '\n';
		log->has_news = true;
		docker_wake(r->docker);
	}
	buf_clear(&log->batch);
}

void docker_log_note(struct docker_run *r, const char *line)
{
	buf_printf(&r->log.batch, "%s> %s\n", r->log.is_midline ? "\n" : "", line);
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

static void on_frame(void *ctx, enum frame_stream stream, struct slice payload)
{
	struct docker_run *r = ctx;
	struct log_record rec;

	if (stream == FRAME_SYSTEM) {
		char text[DOCKER_TEXT_MAX + 1];

		docker_clean_text(payload, text);
		log_warn(DOCKER_TAG, "run %s: its log: %s", r->id.s, text);
		return;
	}
	rec = log_record_parse(payload);
	if (!log_mark_take(&r->log.mark, rec.at_ns))
		return;
	buf_add_slice(&r->log.batch, rec.text);
	if (stream != FRAME_STDERR)
		keep_stdout(&r->log, rec.text);
	if (r->log.batch.n >= KIB(256))
		flush_batch(r);
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
	buf_add_slice(out, payload);
	if (out->n > 2 * RESULT_FILE_MAX)
		buf_drop_front(out, out->n - RESULT_FILE_MAX);
}

bool docker_log_stdout(void *run, struct slice data)
{
	return feed(run, data, on_stdout_frame);
}

void docker_log_close(struct docker_run *r, bool is_over)
{
	if (r->log.spool != NULL)
		spool_close(r->log.spool, is_over);
	r->log.spool = NULL;
	frames_fini(&r->log.frames);
	buf_fini(&r->log.batch);
	buf_fini(&r->log.out);
}
