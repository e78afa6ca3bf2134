/* SPDX-License-Identifier: MIT */
/*
 * Life of one run.
 *
 * All that is known comes from looking: at the record that its keeper writes, and at the keeper
 * itself. process_run_look() is called whenever one of them may say something new (the folder
 * changed, the pidfd became readable, a moment passed after something was not to be had) and draws
 * the same conclusions from the same facts, however it came to be called. So a run of this process
 * and one of an earlier process differ in how they begin only.
 *
 *	QUEUED -> BEGUN -> RUNNING -> OVER	launched here
 *	ADRIFT -> BEGUN or RUNNING -> OVER	adopted, alive
 *	ADRIFT -> OVER				adopted, not alive
 *
 * A keeper writes the end and then ends itself; its own end (the pidfd) is waited for, because a
 * pidfd cannot be missed and a record that says "exited" is complete by then.
 */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "runner/process_internal.h"

/* Until something that was not to be had (a descriptor, memory, a watch) is asked for again. */
#define AGAIN_US (250 * US_PER_MS)

/* --- how it ends --- */

/* Lets go of what only a living run needs. */
static void release(struct process_run *r)
{
	struct processes *p = r->all;

	timer_cancel(&r->again);
	timer_cancel(&r->patience);
	watch_stop(&r->pid_watch);
	closep(&r->pid_fd);
	closep(&r->speech_fd);
	process_log_unfollow(r);
	if (p->folders != NULL && r->phase != PHASE_QUEUED)
		folder_watch_remove(p->folders, r->folder);
	strv_fini(&r->argv);
	strv_fini(&r->env);
}

static void be_over(struct process_run *r, unsigned due)
{
	release(r);
	r->phase = PHASE_OVER;
	if (r->log_path != NULL && r->was_started && !process_log_is_empty(r->log_path))
		due |= DUE_OUTPUT;
	process_due(r, due);
}

static void be_gone(struct process_run *r, const char *text)
{
	r->exit = (struct runner_exit){.is_gone = true, .exit_code = -1};
	str_replace(&r->text, text);
	be_over(r, DUE_EXITED);
}

static void be_refused(struct process_run *r, enum runner_refusal why, const char *text)
{
	r->refusal = why;
	str_replace(&r->text, text);
	be_over(r, DUE_REFUSED);
}

static void be_started(struct process_run *r)
{
	if (r->was_started)
		return;
	r->was_started = true;
	process_due(r, DUE_STARTED);
}

static void be_exited(struct process_run *r, struct process_record *x)
{
	/* Of a run that was adopted after its end only the end is told. */
	if (r->phase != PHASE_ADRIFT)
		be_started(r);
	r->was_started = true;
	r->exit = (struct runner_exit){
		.exit_code = x->exit_code,
		.was_timed_out = x->was_timed_out,
	};
	if (x->is_left)
		log_warn(PROCESS_TAG, "run %s: some of its processes could not be killed", r->id.s);
	if (x->lost_bytes > 0)
		log_warn(PROCESS_TAG, "run %s: %lld bytes of its log could not be written", r->id.s,
			(long long)x->lost_bytes);
	free(r->text);
	r->text = STEAL(x->text);
	be_over(r, DUE_EXITED);
}

/* The keeper never made a record, and never will. */
static void never_began(struct process_run *r)
{
	CLEANUP(buf_fini) struct buf said = BUF_NULL;
	const char *text;

	process_speech(r->speech_fd, &said);
	text = buf_str(&said);
	if (r->should_stop)
		be_gone(r, "it was stopped before it was started");
	else if (!r->is_ours)
		be_gone(r, "it was never started");
	else if (strcasestr(text, "space left") != NULL || strcasestr(text, "quota") != NULL)
		be_refused(r, RUNNER_NO_SPACE, text);
	else
		be_refused(r, RUNNER_BAD_SPEC,
			*text == '\0' ? "its keeper ended before it began" : text);
}

/* There is no keeper, and it did not record the end. */
static void ended_unrecorded(struct process_run *r, const struct process_record *x)
{
	if (!str_eq(x->boot_id, r->all->boot_id)) {
		be_gone(r, "the machine was restarted");
		return;
	}
	process_orphans_kill(x);
	be_gone(r, "its keeper was killed, and how it ended is not known");
}

/* --- following its keeper --- */

static void on_pid(struct watch *w UNUSED, uint32_t events UNUSED, void *ctx)
{
	struct process_run *r = ctx;

	/* Nobody else waits for our children; an adopted one is not ours to wait for. */
	if (r->child != 0)
		(void)waitpid(r->child, NULL, WNOHANG);
	r->child = 0;
	r->has_ended = true;
	watch_stop(&r->pid_watch);
	closep(&r->pid_fd);
	process_run_look(r);
}

/* A standard signal that is pending is not pending twice, so the second one is another one. */
static void ask_to_stop(struct process_run *r)
{
	if (r->pid_fd < 0 || !r->should_stop)
		return;
	process_signal(r->pid_fd, SIGTERM);
	if (r->is_impatient)
		process_signal(r->pid_fd, SIGINT);
	else
		timer_set_in(&r->patience, r->grace_us);
}

static void on_impatient(struct timer *t UNUSED, void *ctx)
{
	struct process_run *r = ctx;

	r->is_impatient = true;
	if (r->pid_fd >= 0)
		process_signal(r->pid_fd, SIGINT);
}

/* Takes the pidfd over. */
static int follow(struct process_run *r, int pid_fd, struct err *e)
{
	int rc = watch_start(&r->pid_watch, r->all->loop, pid_fd, EPOLLIN, on_pid, r, e);

	if (rc < 0) {
		closep(&pid_fd);
		return rc;
	}
	r->pid_fd = pid_fd;
	ask_to_stop(r);
	return 0;
}

static int follow_child(struct process_run *r, struct err *e)
{
	/* Nobody has waited for it, so the number is its own. */
	int fd = (int)syscall(SYS_pidfd_open, r->child, 0);

	return fd < 0 ? err_errno(e, "cannot follow process %d", (int)r->child) : follow(r, fd, e);
}

/* One that an earlier process launched. -ESRCH: it is no more. */
static int follow_stranger(struct process_run *r, const struct process_record *x, struct err *e)
{
	int fd;

	if (!str_eq(x->boot_id, r->all->boot_id))
		return err_set(e, -ESRCH, "another boot");
	fd = process_prove(&x->keeper);
	return fd < 0 ? err_set(e, fd, "%s", strerror(-fd)) : follow(r, fd, e);
}

static void look_later(struct process_run *r)
{
	timer_set_in(&r->again, AGAIN_US);
}

/* --- looking --- */

/* Not followed, and no end is recorded. */
static void find(struct process_run *r, const struct process_record *x)
{
	CLEANUP(process_record_fini) struct process_record now = {0};
	struct err e = CLEAN_ERR;
	int rc = follow_stranger(r, x, &e);

	if (rc == 0) {
		r->phase = PHASE_BEGUN;
		return;
	}
	if (rc != -ESRCH || process_record_read(r->folder, &now, &e) < 0)
		look_later(r);
	/* It may have ended, and said so, since the record was read. */
	else if (now.state == RECORD_EXITED)
		be_exited(r, &now);
	else
		ended_unrecorded(r, x);
}

/* True when there is a record by now. */
static bool find_unrecorded(struct process_run *r)
{
	struct err e = CLEAN_ERR;
	int rc = process_folder_revoke(r->folder, &e);

	if (rc < 0)
		log_warn(PROCESS_TAG, "run %s: %s", r->id.s, e.text);
	if (rc != 0)
		never_began(r);
	return rc == 0;
}

/* Followed: what its record says before its end. */
static void hear(struct process_run *r, const struct process_record *x)
{
	if (r->phase == PHASE_RUNNING || (x->state != RECORD_RUNNING && x->state != RECORD_EXITED))
		return;
	r->phase = PHASE_RUNNING;
	closep(&r->speech_fd);
	if (r->all->folders != NULL)
		folder_watch_remove(r->all->folders, r->folder);
	be_started(r);
	process_log_follow(r);
}

/* An end that nobody recorded, or a record that nobody can read. */
static bool judge(struct process_run *r, struct process_record *x)
{
	bool is_followed = r->pid_fd >= 0;

	switch (x->state) {
	case RECORD_EXITED:
		if (!is_followed)
			be_exited(r, x);
		else
			hear(r, x);
		break;
	case RECORD_NONE:
		if (!is_followed)
			return find_unrecorded(r);
		break;
	case RECORD_DAMAGED:
		if (!is_followed) {
			log_warn(PROCESS_TAG, "run %s: %s", r->id.s, x->text);
			be_gone(r, x->text);
		}
		break;
	case RECORD_STARTING:
	case RECORD_RUNNING:
		if (r->has_ended) {
			ended_unrecorded(r, x);
			break;
		}
		if (!is_followed)
			find(r, x);
		if (r->pid_fd >= 0)
			hear(r, x);
		break;
	}
	return false;
}

void process_run_watch(struct process_run *r)
{
	struct folder_watch *w = r->all->folders;
	struct err e = CLEAN_ERR;

	r->is_blind = w == NULL || folder_watch_add(w, r->folder, &e) < 0;
}

/* Reads the record and draws the conclusion; true when that must be done once more. */
static bool look_once(struct process_run *r)
{
	CLEANUP(process_record_fini) struct process_record x = {0};
	struct err e = CLEAN_ERR;

	/* A child that could not be followed at once. */
	if ((r->child != 0 && r->pid_fd < 0 && follow_child(r, &e) < 0) ||
		process_record_read(r->folder, &x, &e) < 0) {
		look_later(r);
		return false;
	}
	return judge(r, &x);
}

void process_run_look(struct process_run *r)
{
	if (r->phase == PHASE_QUEUED || r->phase == PHASE_OVER)
		return;
	if (r->phase == PHASE_ADRIFT)
		process_run_watch(r);
	while (look_once(r)) {
	}
	if (r->phase == PHASE_BEGUN && r->is_blind && !timer_is_set(&r->again))
		look_later(r);
}

static void on_again(struct timer *t UNUSED, void *ctx)
{
	process_run_look(ctx);
}

/* --- what the port asks for --- */

struct process_run *process_run_new(
	struct processes *p, const struct id *id, const char *log_path, struct mask *mask)
{
	struct process_run *r = xcalloc_held(1, sizeof(*r));

	r->all = p;
	r->id = *id;
	r->folder = xasprintf("%s/%s", p->dir, id->s);
	r->log_path = xstrdup_or_null(log_path);
	r->mask = mask_ref(mask);
	r->phase = PHASE_ADRIFT;
	r->pid_fd = r->speech_fd = -1;
	list_init(&r->due_node);
	timer_init(&r->again, p->loop, on_again, r);
	timer_init(&r->patience, p->loop, on_impatient, r);
	list_append(&p->runs, &r->node);
	return r;
}

void process_run_free(struct process_run *r)
{
	release(r);
	list_remove(&r->node);
	list_remove(&r->due_node);
	mask_unref(r->mask);
	free(r->folder);
	free(r->log_path);
	free(r->text);
	free(r);
}

void process_run_launch(struct process_run *r)
{
	enum runner_refusal why = RUNNER_BAD_SPEC;
	struct err e = CLEAN_ERR;

	/* From here on it is one that has a folder. */
	r->phase = PHASE_BEGUN;
	if (process_launch(r, &why, &e) < 0) {
		be_refused(r, why, e.text);
		return;
	}
	r->is_ours = true;
	strv_fini(&r->argv);
	strv_fini(&r->env);
	process_run_look(r);
}

void process_run_stop(struct process_run *r, int64_t grace_us)
{
	if (r->phase == PHASE_OVER || (r->should_stop && (r->is_impatient || grace_us > 0)))
		return;
	r->should_stop = true;
	r->is_impatient = grace_us <= 0;
	r->grace_us = grace_us;
	if (r->phase == PHASE_QUEUED)
		be_gone(r, "it was stopped before it was started");
	else
		ask_to_stop(r);
}

void process_run_doom(struct process_run *r)
{
	struct err e = CLEAN_ERR;

	r->is_doomed = true;
	process_run_stop(r, 0);
	if (r->phase != PHASE_OVER)
		return;
	if (tree_remove(r->folder, &e) < 0)
		log_warn(PROCESS_TAG, "run %s: %s", r->id.s, e.text);
	process_run_free(r);
}
