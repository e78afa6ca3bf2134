/* SPDX-License-Identifier: MIT */
/*
 * When a cron pylon fires. The texts are parsed here to be judged, at their place in the file, and
 * kept as they are written: whoever runs them parses them again with the anchor that the ledger
 * knows.
 *
 * Old files had their expression and zone checked whatever the type of the trigger was, so both are
 * checked wherever they stand.
 */
#include "calendar/schedule.h"
#include "config/pylon-internal.h"

/* `Local`, which old files may have, is the machine's zone. */
static char *zone_resolve(const char *name)
{
	return str_eq(name, "Local") ? zone_system_name() : xstrdup(name);
}

bool zone_check(struct report *r, const struct node *at, const char *key, const char *name)
{
	struct err e = CLEAN_ERR;
	CLEANUP(freep) char *resolved = zone_resolve(name);
	CLEANUP(zone_unrefp) struct zone *z = zone_load(resolved, &e);

	if (!z)
		report_inside(r, at, 0, key, e.text);
	return z != NULL;
}

/* What to read a schedule in: its own zone, else the default one, else UTC; the caller frees. */
static char *zone_of(const struct build *b)
{
	const char *own = text_of(b, P_TRIGGER_TIMEZONE);
	const char *shared = form_text(&b->g->form, G_DEFAULTS_TIMEZONE);

	return zone_resolve(own ? own : shared ? shared : "UTC");
}

/* Without the line breaks that a block scalar (`cron: |`) ends with. */
static struct slice without_end(const char *text)
{
	struct slice s = slice_of(text);

	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

static bool is_phrase(const struct schedule_text *t)
{
	struct schedule_text as_phrase = *t;
	CLEANUP(schedule_freep) struct schedule *s = NULL;

	as_phrase.want = SCHEDULE_WANT_RECURRING;
	return schedule_parse(&s, &as_phrase, NULL) == 0;
}

static void report_fault(struct build *b, unsigned key, const struct schedule_text *t,
	const struct schedule_fault *fault)
{
	CLEANUP(buf_fini) struct buf what = BUF_NULL;
	const char *hint = fault->hint;

	if (t->want == SCHEDULE_WANT_CRON && is_phrase(t))
		hint = "Phrases belong in `trigger.schedule`.";
	buf_add_str(&what, fault->text);
	if (hint[0] != '\0')
		buf_printf(&what, ". %s", hint);
	report_inside(
		b->r, node_of(b, key), fault->column, b->f->schema->keys[key].path, buf_str(&what));
}

/* Judges the text of one key. */
static void check_text(struct build *b, unsigned key, struct zone *zone, enum schedule_want want)
{
	CLEANUP(schedule_freep) struct schedule *s = NULL;
	struct schedule_fault fault = {0};
	struct schedule_text t = {
		.text = without_end(text_of(b, key)),
		.zone = zone,
		.anchor_us = b->p->created_real,
		.want = want,
	};

	if (!t.text.p)
		return;
	if (schedule_parse(&s, &t, &fault) < 0)
		report_fault(b, key, &t, &fault);
	else if (schedule_is_never(s))
		report_warning(b->r, node_of(b, key), "`%s` never fires: there is no such day",
			b->f->schema->keys[key].path);
}

/* Both keys and the zone, whatever the type of the trigger is. */
static void check_all(struct build *b)
{
	CLEANUP(freep) char *name = zone_of(b);
	CLEANUP(zone_unrefp) struct zone *zone = NULL;
	const char *own = text_of(b, P_TRIGGER_TIMEZONE);

	if (own)
		(void)zone_check(b->r, node_of(b, P_TRIGGER_TIMEZONE), "trigger.timezone", own);
	if (!text_of(b, P_TRIGGER_CRON) && !text_of(b, P_TRIGGER_SCHEDULE))
		return;
	/* An unknown zone has been told, here or in config.yaml: the rest is judged in UTC. */
	zone = zone_load(name, NULL);
	if (!zone)
		zone = zone_fixed(0);
	check_text(b, P_TRIGGER_CRON, zone, SCHEDULE_WANT_CRON);
	check_text(b, P_TRIGGER_SCHEDULE, zone, SCHEDULE_WANT_RECURRING);
}

static void build_cron(struct build *b)
{
	const char *cron = text_of(b, P_TRIGGER_CRON);
	const char *schedule = text_of(b, P_TRIGGER_SCHEDULE);
	CLEANUP(freep) char *zone = NULL;

	b->p->trigger = TRIGGER_CRON;
	if (cron && schedule)
		report_at(b->r, node_of(b, P_TRIGGER_SCHEDULE),
			"`trigger.schedule` stands in place of `trigger.cron`; keep one of them");
	if (!node_of(b, P_TRIGGER_CRON) && !node_of(b, P_TRIGGER_SCHEDULE))
		report_at(b->r, node_of(b, P_TRIGGER_TYPE),
			"`trigger.cron` or `trigger.schedule` is required; it says when");
	b->p->schedule = xstrdup_or_null(cron ? cron : schedule);
	if (b->p->schedule)
		b->p->schedule[without_end(b->p->schedule).n] = '\0';
	zone = zone_of(b);
	b->p->timezone = xstrdup_or_null(zone);
}

void pylon_build_schedule(struct build *b)
{
	b->p->catch_up = (enum catch_up)form_word(b->f, P_TRIGGER_CATCH_UP);
	b->p->catch_up_window_us = form_number(b->f, P_TRIGGER_CATCH_UP_WINDOW);
	b->p->overlap = (enum overlap)form_word(b->f, P_TRIGGER_OVERLAP);
	b->p->jitter_us = form_number(b->f, P_TRIGGER_JITTER);
	check_all(b);
	if (has_word(b, P_TRIGGER_TYPE, "cron"))
		build_cron(b);
}
