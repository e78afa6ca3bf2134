/* SPDX-License-Identifier: MIT */
/*
 * api/explain.c - a job's state in words, and what one can do about it.
 *
 * One row per state. The sentence is for people; "hints" are commands that make sense now, with the
 * job's short id in the place of %s.
 */
#include "api/api-internal.h"

#define SHORT_ID 8

static const struct {
	const char *text;
	const char *hints[3];
} explanations[JOB_STATES] = {
	[JOB_AWAITING_APPROVAL] = {"It waits until somebody approves or dismisses it.",
		{"pylon approve %s", "pylon dismiss %s"}},
	[JOB_QUEUED] = {"It is accepted and waits for its turn.", {"pylon kill %s"}},
	[JOB_STARTING] = {"Its container is being made.", {"pylon logs -f %s", "pylon kill %s"}},
	[JOB_RUNNING] = {"Its agent is working.", {"pylon logs -f %s", "pylon kill %s"}},
	[JOB_COMPLETED] = {"Its agent finished and reported success.", {"pylon logs %s"}},
	[JOB_FAILED] = {"Its agent failed, or could not be started.",
		{"pylon logs %s", "pylon retry %s"}},
	[JOB_TIMED_OUT] = {"It took longer than agent.timeout allows and was stopped.",
		{"pylon logs %s", "pylon retry %s"}},
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

static void add_detail(struct buf *out, const char *what, const char *text)
{
	if (!str_is_empty(text))
		buf_printf(out, " %s: %s.", what, text);
}

void explain_job(struct js *out, const struct job *j, const char *waiting)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct js *hints = js_array();

	buf_add_str(&text, explanations[j->state].text);
	add_detail(&text, "It waits because", waiting);
	add_detail(&text, "Reason", j->reason);
	add_detail(&text, "Error", j->error);
	add_detail(&text, "Decided by", j->decided_by);
	js_set_str(out, "text", buf_str(&text));
	for (size_t i = 0; i < ARRAY_LEN(explanations[0].hints); i++) {
		const char *hint = explanations[j->state].hints[i];
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		if (hint == NULL)
			break;
		buf_add(&line, hint, strlen(hint) - strlen("%s"));
		buf_add(&line, j->id.s, SHORT_ID);
		js_add_str(hints, buf_str(&line));
	}
	js_set_take(out, "hints", hints);
}
