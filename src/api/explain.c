/* SPDX-License-Identifier: MIT */
/*
 * api/explain.c - a job's state in words, and what one can do about it.
 *
 * One row per state, and another table for background work. The sentence is for people; "hints" are
 * commands that make sense now, with the job's short id in the place of %s.
 */
#include "api/api-internal.h"

#define SHORT_ID  8
#define HINTS_MAX 3

struct explanation {
	const char *text;
	const char *hints[HINTS_MAX];
};

static const struct explanation of_pylons[JOB_STATES] = {
	[JOB_AWAITING_APPROVAL] = {"It waits until somebody approves or dismisses it.",
		{"pylon approve %s", "pylon dismiss %s"}},
	[JOB_QUEUED] = {"It is accepted and waits for its turn.", {"pylon kill %s"}},
	[JOB_STARTING] = {"Its workspace, its image or its container is being made.",
		{"pylon logs -f %s", "pylon kill %s"}},
	[JOB_RUNNING] = {"Its agent is working.",
		{"pylon logs -f %s", "pylon attach %s", "pylon kill %s"}},
	[JOB_COMPLETED] = {"Its agent finished and reported success.",
		{"pylon logs %s", "pylon reply %s TEXT"}},
	[JOB_FAILED] = {"Its agent failed, or could not be started.",
		{"pylon logs %s", "pylon retry %s", "pylon reply %s TEXT"}},
	[JOB_TIMED_OUT] = {"It took longer than agent.timeout allows and was stopped.",
		{"pylon logs %s", "pylon retry %s", "pylon reply %s TEXT"}},
	[JOB_CANCELLED] = {"Somebody stopped it.", {"pylon retry %s"}},
	[JOB_LOST] = {"Its container vanished; how far the agent came is not known.",
		{"pylon logs %s", "pylon retry %s"}},
	[JOB_DISMISSED] = {"Somebody decided that it shall not run.", {NULL}},
	[JOB_EXPIRED] = {"Nobody approved it in time.", {NULL}},
	[JOB_REJECTED] =
		{"All slots were taken when it came, so its sender was refused. It runs when "
		 "the sender sends it again or when it is retried.",
			{"pylon retry %s"}},
};

/* Nobody approves it, and no sender is refused. */
static const struct explanation of_background_work[JOB_STATES] = {
	[JOB_QUEUED] = {"It is accepted and waits for its turn.", {"pylon kill %s"}},
	[JOB_STARTING] = {"It is being started.", {"pylon logs -f %s", "pylon kill %s"}},
	[JOB_RUNNING] = {"It is running.", {"pylon logs -f %s", "pylon kill %s"}},
	[JOB_COMPLETED] = {"It ended with status 0.", {"pylon logs %s", "pylon rerun %s"}},
	[JOB_FAILED] = {"It failed, or could not be started.", {"pylon logs %s", "pylon rerun %s"}},
	[JOB_TIMED_OUT] = {"It took longer than it was allowed and was stopped.",
		{"pylon logs %s", "pylon rerun %s"}},
	[JOB_CANCELLED] = {"Somebody stopped it.", {"pylon logs %s", "pylon rerun %s"}},
	[JOB_LOST] = {"It vanished, with the machine or its keeper; how it ended is not known.",
		{"pylon logs %s", "pylon rerun %s"}},
};

static const struct explanation *explanation_of(const struct job *j)
{
	const struct explanation *e = &of_background_work[j->state];

	return pylon_label(j->pylon) == NULL && e->text != NULL ? e : &of_pylons[j->state];
}

/* The hint with the job's short id in the place of its %s. */
static void add_hint(struct js *hints, const char *hint, const struct id *id)
{
	const char *place = strstr(hint, "%s");
	CLEANUP(buf_fini) struct buf line = BUF_NULL;

	must(place != NULL);
	buf_add(&line, hint, (size_t)(place - hint));
	buf_add(&line, id->s, SHORT_ID);
	buf_add_str(&line, place + strlen("%s"));
	js_add_str(hints, buf_str(&line));
}

static void add_detail(struct buf *out, const char *what, const char *text)
{
	if (!str_is_empty(text))
		buf_printf(out, " %s: %s.", what, text);
}

void explain_job(struct js *out, const struct job *j, const char *waiting)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	const struct explanation *e = explanation_of(j);
	struct js *hints = js_array();

	buf_add_str(&text, e->text);
	add_detail(&text, "At the moment", waiting);
	add_detail(&text, "Reason", j->reason);
	add_detail(&text, "Error", j->error);
	add_detail(&text, "Decided by", j->decided_by);
	js_set_str(out, "text", buf_str(&text));
	for (size_t i = 0; i < HINTS_MAX && e->hints[i] != NULL; i++)
		add_hint(hints, e->hints[i], &j->id);
	if (pylon_label(j->pylon) == NULL && job_is_over(j->state) && j->session_id != NULL)
		add_hint(hints, "pylon follow-up %s TEXT", &j->id);
	js_set_take(out, "hints", hints);
}
