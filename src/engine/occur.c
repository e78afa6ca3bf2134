/* SPDX-License-Identifier: MIT */
/*
 * occur.c - T1 for schedules: every occurrence becomes a job or a reason why not, exactly once.
 *
 *   agenda (due) -> plan (pure: what is to be decided, and how) -> store_occur (commit) -> plan
 * again
 *
 * The ledger is the truth: an occurrence has its row before its job can start, and the pair
 * (schedule, instant) is unique, so a restart, a step of the clock or the second hour of an autumn
 * night cannot run it twice. What was not recorded, because the disk was full or the process died,
 * is still undecided and planned again.
 *
 * A schedule that is new, or whose text or zone was edited, begins now: nothing is run in
 * retrospect. One that is switched off keeps its state with the time it was switched off.
 */
#include "base/crypto.h"
#include "calendar/instant.h"
#include "engine/engine-internal.h"

/* The one schedule that a pylon has. */
#define SCHEDULE_ID "trigger"

/* A zone that could not be read is asked for again after this. */
#define ZONE_AGAIN_US (60 * US_PER_SEC)

static struct pylon *pylon_of(struct agenda_entry *entry)
{
	return container_of(entry, struct pylon, clockwork.entry);
}

static int64_t now_of(const struct pylon *p)
{
	return loop_real(p->engine->loop);
}

static void look_again(struct pylon *p)
{
	agenda_set(p->engine->agenda, &p->clockwork.entry, now_of(p) + READ_AGAIN_US);
}

/* --- where the schedule stands --- */

struct state_task {
	struct store_schedule op;
	struct pylon *pylon;
	struct schedule_state state;
};

static void plan(struct pylon *p);

/* The end of a transaction: true when the schedule goes on, with what was written. */
static bool may_go_on(struct pylon *p, int rc, const struct err *err)
{
	struct clockwork *c = &p->clockwork;

	c->is_writing = false;
	pylon_note_store(p, rc);
	if (rc != 0)
		log_error(TAG, "%s: its schedule was not recorded, it is tried again: %s",
			p->config->name,
			rc > 0        ? "it is not known"
			: err == NULL ? "?"
				      : err->text);
	if (!c->is_stale && rc == 0)
		return c->schedule != NULL;
	c->is_stale = false;
	if (rc == 0)
		pylon_start_clockwork(p);
	else if (rc > 0)
		pylon_stop_clockwork(p); /* what it believes of the ledger is not so */
	if (rc != 0 && !p->is_gone)
		look_again(p);
	if (p->is_gone)
		engine_kick(p->engine);
	return false;
}

static void state_written(struct store_op *op, int rc, const struct err *err)
{
	struct state_task *t = container_of(op, struct state_task, op.op);
	struct pylon *p = t->pylon;

	if (rc == 0) {
		schedule_state_fini(&p->clockwork.state);
		p->clockwork.state = t->state;
		t->state = (struct schedule_state){0};
	}
	if (may_go_on(p, rc, err))
		plan(p);
	schedule_state_fini(&t->state);
	free(t);
}

/* Takes the strings of the state. */
static void write_state(struct pylon *p, struct schedule_state *take)
{
	struct state_task *t = xcalloc_held(1, sizeof(*t));

	t->pylon = p;
	t->state = *take;
	*take = (struct schedule_state){0};
	t->op.schedule = SCHEDULE_ID;
	t->op.spec = t->state.spec;
	t->op.anchor = t->state.anchor;
	t->op.epoch = t->state.epoch;
	t->op.decided_to = t->state.decided_to;
	t->op.disabled_at = t->state.disabled_at;
	t->op.op.done = state_written;
	p->clockwork.is_writing = true;
	store_schedule(p->db, &t->op);
}

static struct schedule_state state_copy(const struct schedule_state *s)
{
	struct schedule_state copy = *s;

	copy.spec = xstrdup_or_null(s->spec);
	return copy;
}

/* --- the decision --- */

struct occur_task {
	struct store_occur op;
	struct pylon *pylon;
	struct store_occurrence *rows;
	struct intake *intakes; /* one for each row; used by those with a job */
	int64_t decided_to;
};

static void occur_task_free(struct occur_task *t)
{
	for (size_t i = 0; i < t->op.n; i++)
		intake_fini(&t->intakes[i]);
	free(t->intakes);
	free(t->rows);
	free(t);
}

static bool wants_job(enum occurrence_outcome o)
{
	return o == OCCURRENCE_RAN || o == OCCURRENCE_RAN_LATE;
}

static void tell_occurrence(struct pylon *p, const struct store_occurrence *row)
{
	char at[INSTANT_SIZE], last[INSTANT_SIZE];
	const char *outcome = occurrence_outcome_name(row->outcome);
	const char *note = row->note == NULL ? "" : row->note;

	instant_print(row->at, at);
	instant_print(row->last, last);
	if (row->outcome == OCCURRENCE_RAN)
		log_info(TAG, "%s: occurrence %s: job %.8s", p->config->name, at,
			row->job->job_id.s);
	else if (row->outcome == OCCURRENCE_RAN_LATE)
		log_info(TAG, "%s: occurrence %s runs late: job %.8s", p->config->name, at,
			row->job->job_id.s);
	else if (row->count == 1)
		log_warn(TAG, "%s: occurrence %s: %s%s%s", p->config->name, at, outcome,
			*note == '\0' ? "" : ": ", note);
	else
		log_warn(TAG, "%s: %lld occurrences from %s to %s: %s%s%s", p->config->name,
			(long long)row->count, at, last, outcome, *note == '\0' ? "" : ": ", note);
	engine_emit(p->engine, "occurrence", p, wants_job(row->outcome) ? &row->job->job_id : NULL,
		outcome, row->note);
}

/* What the transaction made of each row. */
static void apply_occurrences(struct occur_task *t, int rc)
{
	struct pylon *p = t->pylon;
	const struct id *newest = NULL;

	for (size_t i = 0; i < t->op.n; i++) {
		struct store_occurrence *row = &t->rows[i];
		bool has_job = rc == 0 && !row->was_known && wants_job(row->outcome);

		if (row->job != NULL)
			intake_settle(&t->intakes[i], has_job ? 0 : STORE_E_STATE);
		if (has_job)
			newest = &row->job->job_id;
		if (rc == 0 && !row->was_known)
			tell_occurrence(p, row);
	}
	if (newest != NULL && p->config->overlap == OVERLAP_CANCEL_PREVIOUS)
		pylon_cancel_scheduled(p, newest);
}

static void occurred(struct store_op *op, int rc, const struct err *err)
{
	struct occur_task *t = container_of(op, struct occur_task, op.op);
	struct pylon *p = t->pylon;
	struct clockwork *c = &p->clockwork;

	apply_occurrences(t, rc);
	if (rc == 0)
		c->state.decided_to = t->decided_to;
	if (may_go_on(p, rc, err))
		plan(p);
	occur_task_free(t);
}

/* What the job's templates see as .body. */
static void fill_event(struct event *ev, int64_t at)
{
	struct buf body = BUF_NULL;
	char when[INSTANT_SIZE];

	instant_print(at, when);
	buf_printf(&body, "{\"scheduled_at\":\"%s\"}", when);
	ev->body_n = body.n;
	ev->body = buf_steal(&body);
	sha256_hex(ev->body, ev->body_n, ev->body_sha256);
}

static int64_t start_after(const struct pylon *p, const struct planned *planned, int64_t now)
{
	int64_t delay = planned->delay_us;

	if (p->config->jitter_us > 0)
		delay += (int64_t)random_below((uint64_t)p->config->jitter_us + 1);
	return delay == 0 ? 0 : now + delay;
}

static const char *why_missed(const struct pylon *p)
{
	return p->config->catch_up == CATCH_UP_NONE ? "trigger.catch_up is none"
						    : "missed, and not to be caught up";
}

static void fill_row(struct occur_task *t, size_t i, const struct planned *planned)
{
	struct store_occurrence *row = &t->rows[i];
	struct intake *in = &t->intakes[i];
	struct pylon *p = t->pylon;

	*row = (struct store_occurrence){.at = planned->at,
		.last = planned->last,
		.count = planned->count,
		.outcome = planned->outcome};
	if (row->outcome == OCCURRENCE_SKIPPED_CATCH_UP)
		row->note = why_missed(p);
	if (!wants_job(row->outcome))
		return;
	if (p->config->not_ready != NULL) {
		row->outcome = OCCURRENCE_FAILED_TO_START;
		row->note = p->config->not_ready;
	} else if (pylon_awaits_too_many(p)) {
		row->outcome = OCCURRENCE_SKIPPED_LIMIT;
		row->note = "too many jobs wait for approval";
	} else {
		fill_event(&in->event, planned->at);
		intake_prepare(in, p, "schedule");
		in->op.not_before = start_after(p, planned, t->op.now_real);
		row->job = &in->op;
	}
}

/* catch_up: all means that every one of them runs; one after the other, where they must not
 * overlap. */
static enum overlap overlap_of(const struct pylon *p, const struct plan *planned)
{
	enum overlap o = p->config->overlap;
	size_t jobs = 0;

	for (size_t i = 0; i < planned->n; i++)
		jobs += wants_job(planned->v[i].outcome);
	return jobs > 1 && (o == OVERLAP_SKIP || o == OVERLAP_QUEUE_ONE) ? OVERLAP_QUEUE_ALL : o;
}

static void decide(struct pylon *p, const struct plan *planned)
{
	struct occur_task *t = xcalloc_held(1, sizeof(*t));

	t->pylon = p;
	t->rows = xcalloc_held(planned->n, sizeof(*t->rows));
	t->intakes = xcalloc_held(planned->n, sizeof(*t->intakes));
	t->decided_to = planned->decided_to;
	t->op = (struct store_occur){.schedule = SCHEDULE_ID,
		.epoch = p->clockwork.state.epoch,
		.decided_to = planned->decided_to,
		.overlap = overlap_of(p, planned),
		.now_real = now_of(p),
		.v = t->rows,
		.n = planned->n};
	t->op.op.done = occurred;
	for (size_t i = 0; i < planned->n; i++)
		fill_row(t, i, &planned->v[i]);
	p->clockwork.is_writing = true;
	store_occur(p->db, &t->op);
}

/* The clock was set back so far that waiting for the old time would be silence. */
static void begin_epoch(struct pylon *p, const struct plan *planned)
{
	struct schedule_state next = state_copy(&p->clockwork.state);

	next.epoch++;
	next.decided_to = planned->decided_to;
	log_warn(TAG,
		"%s: the clock was set back by more than 3 hours: its schedule starts anew from now "
		"(epoch %lld)",
		p->config->name, (long long)next.epoch);
	write_state(p, &next);
}

static void watch_again(struct pylon *p)
{
	struct schedule_state next = state_copy(&p->clockwork.state);

	next.disabled_at = 0;
	write_state(p, &next);
}

/* Decides what is due and sleeps until the next occurrence. */
static void plan(struct pylon *p)
{
	struct clockwork *c = &p->clockwork;
	CLEANUP(freep) struct plan *planned = NULL;
	struct plan_input in = {.schedule = c->schedule,
		.catch_up = p->config->catch_up,
		.window_us = p->config->catch_up_window_us,
		.decided_to = c->state.decided_to,
		.disabled_at = c->state.disabled_at,
		.now_real = now_of(p)};

	if (c->is_writing || c->schedule == NULL || p->engine->is_draining)
		return;
	if (pylon_db(p) == NULL) {
		look_again(p);
		return;
	}
	planned = xcalloc(1, sizeof(*planned));
	plan_make(&in, planned);
	if (planned->is_new_epoch)
		begin_epoch(p, planned);
	else if (planned->n > 0)
		decide(p, planned);
	else if (c->state.disabled_at != 0)
		watch_again(p);
	else if (planned->next_real != 0)
		agenda_set(p->engine->agenda, &c->entry, planned->next_real);
}

/* --- taking a schedule up --- */

static void say_why_not(struct pylon *p, const char *text)
{
	if (!str_eq(p->trigger_problem, text))
		log_error(TAG, "%s: %s", p->config->name, text);
	str_replace(&p->trigger_problem, text);
}

/* Text and zone: when they change, another schedule begins. */
static char *spec_of(const struct pylon_config *c)
{
	return xasprintf("%s in %s", c->schedule, c->timezone);
}

static bool make_schedule(struct pylon *p, int64_t anchor)
{
	const struct pylon_config *c = p->config;
	struct schedule_fault fault = {0};
	struct err err = CLEAN_ERR;
	CLEANUP(buf_fini) struct buf words = BUF_NULL;
	CLEANUP(zone_unrefp) struct zone *zone = zone_load(c->timezone, &err);
	struct schedule_text text = {.text = slice_of(c->schedule),
		.zone = zone,
		.anchor_us = anchor,
		.want = SCHEDULE_WANT_RECURRING};

	if (zone == NULL) {
		say_why_not(p, err.text);
		return false;
	}
	if (schedule_parse(&p->clockwork.schedule, &text, &fault) < 0) {
		say_why_not(p, fault.text);
		return false;
	}
	str_replace(&p->trigger_problem, NULL);
	schedule_describe(&words, p->clockwork.schedule);
	str_replace(&p->clockwork.description, buf_str(&words));
	return true;
}

/* The state of this schedule, as it is or as it begins now. */
static void take_state(struct pylon *p, struct schedule_state *take)
{
	struct clockwork *c = &p->clockwork;
	CLEANUP(freep) char *spec = spec_of(p->config);
	bool is_new = !str_eq(take->spec, spec);
	int64_t now = now_of(p);

	if (is_new) {
		str_replace(&take->spec, spec);
		take->anchor = p->config->created_real > 0 ? p->config->created_real : now;
		take->epoch = MAX_OF(take->epoch, 1);
		take->decided_to = MAX_OF(take->decided_to, now);
		take->disabled_at = 0;
	}
	if (!make_schedule(p, take->anchor)) {
		/* The texts were checked, so it is the zone's file. */
		agenda_set(p->engine->agenda, &c->entry, now + ZONE_AGAIN_US);
		schedule_state_fini(take);
		return;
	}
	if (is_new) {
		write_state(p, take);
		return;
	}
	schedule_state_fini(&c->state);
	c->state = *take;
	*take = (struct schedule_state){0};
	plan(p);
}

/* Remembers since when nobody looks: what falls into that time was skipped on purpose. */
static void stop_watching(struct pylon *p, struct schedule_state *take)
{
	if (take->spec != NULL && take->disabled_at == 0) {
		take->disabled_at = now_of(p);
		write_state(p, take);
	}
	schedule_state_fini(take);
}

void pylon_start_clockwork(struct pylon *p)
{
	struct clockwork *c = &p->clockwork;
	struct schedule_state state = {0};
	struct err err = CLEAN_ERR;
	bool is_off = !pylon_is_active(p);

	pylon_stop_clockwork(p);
	if (p->config->trigger != TRIGGER_CRON || c->is_writing)
		return;
	if (is_off && (p->is_gone || p->engine->only.n > 0))
		return;
	if (pylon_db(p) == NULL || store_schedule_state(p->db, SCHEDULE_ID, &state, &err) < 0) {
		if (err.code != 0)
			log_error(TAG, "%s: %s", p->config->name, err.text);
		look_again(p);
		return;
	}
	if (is_off)
		stop_watching(p, &state);
	else
		take_state(p, &state);
}

void pylon_stop_clockwork(struct pylon *p)
{
	struct clockwork *c = &p->clockwork;

	agenda_cancel(p->engine->agenda, &c->entry);
	schedule_free(c->schedule);
	c->schedule = NULL;
	freep(&c->description);
	schedule_state_fini(&c->state);
	c->is_stale = c->is_writing;
}

/* --- the clock --- */

void engine_replan(struct engine *e)
{
	for (size_t i = 0; i < e->pylon_count; i++)
		pylon_start_clockwork(e->pylons[i]);
}

void engine_occurrence_due(struct agenda_entry *entry, void *ctx UNUSED)
{
	struct pylon *p = pylon_of(entry);

	if (p->clockwork.schedule == NULL)
		pylon_start_clockwork(p);
	else
		plan(p);
}

void engine_clock_stepped(int64_t step_us, void *ctx)
{
	struct engine *e = ctx;

	log_info(TAG, "the clock was set by %+lld s: schedules are planned again",
		(long long)(step_us / US_PER_SEC));
	for (size_t i = 0; i < e->pylon_count; i++)
		plan(e->pylons[i]);
	engine_kick(e);
}
