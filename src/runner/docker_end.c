/* SPDX-License-Identifier: MIT */
/*
 * The end of a run: its exit code, what is left of its log, and the verdict.
 *
 * The log that is followed may lack the last line when that has no newline (the engine closes the
 * stream before its own copier is through), so the rest is always read once more from the mark.
 * That happens beside the inspect call; together they take a millisecond.
 *
 * An engine that is told to stop kills its containers first and answers until the end, so 137 may
 * mean "killed by somebody" or "died with the engine". After such a code a fresh connection is
 * tried: an engine that is going away accepts none. (Under socket activation the connection is
 * accepted by the service manager and nobody answers.) Somebody that is still there may learn only
 * a moment after the exit that it was the OOM killer, so a 137 is looked at once more.
 *
 * A third reason is that somebody removes the container, which kills it first. Then it is gone, and
 * says no more about its end than one that vanished while nobody looked.
 */
#include <limits.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "runner/docker_internal.h"

/* How often the rest of a log is asked for when the answer breaks off. */
#define LOG_TRIES 3

#define CODE_OF_SIGKILL 137
#define OOM_NEWS_US     (200 * US_PER_MS)

static void finish_part(struct docker_run *r);

/* Codes of a process that an engine ended, or of one whose end it did not see. */
static bool is_code_of_killed(int code)
{
	return code == CODE_OF_SIGKILL || code == 143 || code == 255;
}

static bool may_be_interrupted(const struct docker_run *r)
{
	return is_code_of_killed(r->exit.exit_code) && !r->exit.was_oom_killed && !r->should_stop;
}

/* Nothing that was started before the machine was can have ended by itself since. */
static bool is_from_before_boot(const struct docker_run *r)
{
	int64_t boot_real = loop_real(r->docker->loop) - loop_mono(r->docker->loop);

	return r->started_real > 0 && r->started_real < boot_real;
}

/* Output comes before the end of it. */
static void tell(struct docker_run *r)
{
	struct runner_events ev = r->docker->ev;
	CLEANUP(buf_fini) struct buf out = docker_log_finish(r);
	struct runner_exit x = r->exit;
	struct id id = r->id;
	bool has_news = r->log.has_news;

	if (x.is_gone)
		buf_clear(&out);
	r->log.has_news = false;
	docker_log_close(r, true);
	docker_run_enter(r, PHASE_OVER);
	if (out.n > RESULT_FILE_MAX)
		buf_drop_front(&out, out.n - RESULT_FILE_MAX);
	x.stdout_tail = buf_str(&out);
	x.stdout_tail_n = out.n;
	docker_wake(r->docker);
	if (has_news)
		ev.output(ev.ctx, &id);
	ev.exited(ev.ctx, &id, &x);
}

void docker_end_gone(struct docker_run *r)
{
	docker_run_cancel(r);
	r->exit = (struct runner_exit){.is_gone = true, .exit_code = -1};
	tell(r);
}

static void keep_seen(struct docker_run *r, const struct docker_seen *seen)
{
	r->exit.exit_code = seen->exit_code;
	r->exit.was_oom_killed = seen->was_oom_killed;
	r->started_real = seen->started_real;
	r->is_being_removed = str_eq(seen->state, "removing") || str_eq(seen->state, "dead");
}

static void on_seen_again(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;
	struct docker_seen seen;

	r->call = NULL;
	if (res->status == 200 && res->error == 0 && docker_seen_parse(r, res->body, &seen))
		keep_seen(r, &seen);
	if ((res->status == 404 && res->error == 0) || r->is_being_removed)
		docker_end_gone(r);
	else
		tell(r);
}

void docker_end_look_again(struct docker_run *r)
{
	r->call = docker_inspect(r, on_seen_again);
}

static void on_still_there(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;

	r->call = NULL;
	r->exit.was_interrupted = res->status != 200;
	if (r->exit.was_interrupted) {
		docker_link_doubt(r->docker);
		tell(r);
	} else if (r->exit.exit_code == CODE_OF_SIGKILL) {
		timer_set_in(&r->again, OOM_NEWS_US);
	} else {
		tell(r);
	}
}

static void judge(struct docker_run *r)
{
	if (!may_be_interrupted(r)) {
		tell(r);
	} else if (r->was_away || is_from_before_boot(r)) {
		r->exit.was_interrupted = true;
		tell(r);
	} else if (r->is_being_removed) {
		docker_end_gone(r);
	} else {
		r->call = docker_ping_fresh(r, on_still_there);
	}
}

static void on_stdout_read(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;

	r->log_call = NULL;
	if (docker_is_lost(res) && r->rest_failures++ < LOG_TRIES)
		docker_run_drift(r);
	else
		judge(r);
}

/* Exit code and log are there; the end of stdout may be missing. */
static void read_stdout(struct docker_run *r)
{
	if (!r->log.is_out_cut) {
		judge(r);
		return;
	}
	docker_log_begin_stdout(r);
	r->log_call = docker_logs(r, LOGS_STDOUT, docker_log_stdout, on_stdout_read);
}

static void finish_part(struct docker_run *r)
{
	if (--r->parts == 0)
		read_stdout(r);
}

static void on_rest_read(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;

	r->log_call = NULL;
	if (docker_is_lost(res) && r->rest_failures++ < LOG_TRIES) {
		docker_run_drift(r);
		return;
	}
	if (res->status != 200 && !r->log.is_broken) {
		char text[DOCKER_TEXT_MAX + 1];

		docker_error_text(res, text);
		log_warn(DOCKER_TAG, "run %s: its log cannot be read: %s", r->id.s, text);
	}
	finish_part(r);
}

static void on_inspected(void *ctx, const struct http_result *res)
{
	struct docker_run *r = ctx;
	struct docker_seen seen;

	r->call = NULL;
	if (res->status == 404 && res->error == 0) {
		docker_end_gone(r);
		return;
	}
	if (res->status != 200 || res->error != 0 || !docker_seen_parse(r, res->body, &seen) ||
		str_eq(seen.state, "running")) {
		docker_run_drift(r);
		return;
	}
	keep_seen(r, &seen);
	finish_part(r);
}

void docker_end(struct docker_run *r, const struct docker_seen *seen)
{
	failpoint(FP_exit_seen);
	docker_run_cancel(r);
	docker_run_enter(r, PHASE_ENDING);
	r->parts = 1;
	docker_log_begin(r);
	r->log_call = docker_logs(r, LOGS_REST, docker_log_data, on_rest_read);
	if (seen != NULL) {
		keep_seen(r, seen);
		return;
	}
	r->parts++;
	r->call = docker_inspect(r, on_inspected);
}
