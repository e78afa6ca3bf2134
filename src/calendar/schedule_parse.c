/* SPDX-License-Identifier: MIT */
/*
 * calendar/schedule_parse.c - from a text to a schedule, or to the reason why not.
 *
 * Which language a text is in shows before it is understood: a prefix or an @ is an expression's,
 * and so are a star and two leading fields of digits; "every", "daily", "mondays" and "of the
 * month" are a phrase's; all else is a moment. So a wrong text is told what is wrong in its own
 * language, and what recurs is never taken for a moment.
 */
#include <stdio.h>

#include "base/limits.h"
#include "calendar/duration.h"
#include "calendar/moment-internal.h"
#include "calendar/schedule-internal.h"

#define EVERY_MAX_S       (PHRASE_N_MAX * SECONDS_PER_DAY)
#define CRON_FIELDS       "minute hour day-of-month month day-of-week; seconds may stand in front"
#define END_HINT          "All of the text counts; only a zone may stand here, such as: in Europe/Berlin."
#define CRON_HINT         "Fields: " CRON_FIELDS ". Such as: 0 9 * * 1-5."
#define WANTED_ONCE_HINT  "A moment is: tomorrow at 9, in 2 hours, friday 17:30, 2026-05-01 09:00."
#define WANTED_OFTEN_HINT "What recurs is: every weekday at 9, mondays at 18:30, 0 9 * * 1-5."
#define WANTED_CRON_HINT  "Five fields (" CRON_FIELDS "), @daily and the like, or @every 90m."

static int fail(struct schedule_fault *fault, size_t column, const char *hint, const char *fmt, ...)
	PRINTF(4, 5);

static int fail(struct schedule_fault *fault, size_t column, const char *hint, const char *fmt, ...)
{
	va_list ap;

	fault->column = column;
	va_start(ap, fmt);
	(void)vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
	(void)snprintf(fault->hint, sizeof(fault->hint), "%s", hint);
	return -EINVAL;
}

/* A reference of our own. Counting is not a change that the giver sees. */
static struct zone *keep_zone(const struct zone *z)
{
	union {
		const struct zone *given;
		struct zone *ours;
	} as = {z};

	return zone_ref(as.ours);
}

/* --- which language --- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Of digits and cron's signs only, and not a date (2026-05-01, 5/6/2026), which has two alike. */
static bool is_cron_field(struct slice f)
{
	int dashes = 0, slashes = 0;

	for (size_t i = 0; i < f.n; i++) {
		if (f.p[i] == ',')
			dashes = slashes = 0;
		else if (f.p[i] == '-')
			dashes++;
		else if (f.p[i] == '/')
			slashes++;
		else if (f.p[i] < '0' || f.p[i] > '9')
			return false;
		if (dashes > 1 || slashes > 1)
			return false;
	}
	return true;
}

static struct slice next_field(struct slice *text)
{
	struct slice field;

	while (text->n > 0 && is_blank(*text->p)) {
		text->p++;
		text->n--;
	}
	field = (struct slice){text->p, 0};
	while (text->n > 0 && !is_blank(*text->p)) {
		text->p++;
		text->n--;
		field.n++;
	}
	return field;
}

static bool text_is_cron(struct slice text)
{
	struct slice first, second;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '*' || text.p[i] == '?')
			return true;
	first = next_field(&text);
	second = next_field(&text);
	return first.n > 0 && second.n > 0 && is_cron_field(first) && is_cron_field(second);
}

/* --- expressions --- */

static int take_cron(
	struct schedule *s, struct slice text, size_t column, struct schedule_fault *fault)
{
	CLEANUP(buf_fini) struct buf canonical = BUF_NULL;
	struct cron_fault why = {0};
	struct cron c;

	if (cron_parse(&c, text, &why) < 0)
		return fail(fault, column + why.column, CRON_HINT, "%s", why.text);
	cron_print(&canonical, &c);
	s->rule = RULE_CRON;
	s->crons = xcalloc(1, sizeof(*s->crons));
	s->crons[0] = c;
	s->cron_count = 1;
	s->canonical = buf_steal(&canonical);
	return 0;
}

static int take_every(
	struct schedule *s, struct slice text, size_t column, struct schedule_fault *fault)
{
	static const char hint[] = "Such as: @every 90m, @every 1h30m, @every 2d.";
	struct err e = CLEAN_ERR;
	int64_t us;

	if (text.n > 0 && (*text.p == '+' || *text.p == '-'))
		return fail(fault, column, hint, "a length has no sign");
	if (duration_parse(text, &us, &e) < 0)
		return fail(fault, column, hint, "%.180s", e.text);
	if (us < US_PER_SEC)
		return fail(fault, column, hint, "less than a second cannot be waited for");
	if (us % US_PER_SEC != 0)
		return fail(fault, column, hint, "only whole seconds can be waited for");
	if (us / US_PER_SEC > EVERY_MAX_S)
		return fail(fault, column, hint, "this is longer than %d days", PHRASE_N_MAX);
	s->rule = RULE_ELAPSED;
	s->period_s = us / US_PER_SEC;
	return 0;
}

static int take_expression(
	struct schedule *s, struct slice text, size_t column, struct schedule_fault *fault)
{
	struct slice rest = text, first = next_field(&rest);

	if (slice_eq_nocase(first, "@every")) {
		struct slice duration = slice_trim(rest);

		return take_every(s, duration, column + (size_t)(duration.p - text.p), fault);
	}
	return take_cron(s, text, column, fault);
}

/* "CRON_TZ=Zone " in front; *text and *column move behind it. */
static int take_prefix(
	struct schedule *s, struct slice *text, size_t *column, struct schedule_fault *fault)
{
	static const char hint[] = "Such as: CRON_TZ=Europe/Berlin 0 9 * * 1-5";
	struct slice rest = *text, name = next_field(&rest);
	struct err e = CLEAN_ERR;
	CLEANUP(freep) char *zone = NULL;
	size_t n = slice_has_prefix(name, "CRON_TZ=") ? 8 : 3;

	zone = xstrndup(name.p + n, name.n - n);
	*column += n;
	zone_unref(s->zone);
	s->zone = zone_load(zone, &e);
	if (s->zone == NULL)
		return fail(fault, *column, hint, "%.180s", e.text);
	rest = slice_trim(rest);
	*column += (size_t)(rest.p - name.p) - n;
	*text = rest;
	s->has_prefix = true;
	if (rest.n == 0)
		return fail(fault, *column, hint, "the expression is missing");
	if (*rest.p != '@' && !text_is_cron(rest))
		return fail(fault, *column, hint, "a cron expression is wanted behind the zone");
	return 0;
}

/* --- phrases and moments --- */

static int take_phrase(struct schedule *s, const struct phrase *p)
{
	CLEANUP(strv_fini) struct strv texts = STRV_NULL;
	CLEANUP(buf_fini) struct buf canonical = BUF_NULL;

	s->phrase = *p;
	s->has_phrase = true;
	phrase_crons(p, &texts);
	if (texts.n == 0 && p->form == PHRASE_STEP) {
		static const int seconds[] = {1, 60, 3600};

		s->rule = RULE_ELAPSED;
		s->period_s = p->n * seconds[p->unit];
		return 0;
	}
	s->rule = texts.n == 0 ? RULE_DATES : RULE_CRON;
	s->crons = xcalloc(MAX_OF(texts.n, (size_t)1), sizeof(*s->crons));
	for (size_t i = 0; i < texts.n; i++)
		must(cron_parse(&s->crons[i], slice_of(texts.v[i]), NULL) == 0);
	s->cron_count = texts.n;
	if (texts.n == 1) {
		cron_print(&canonical, &s->crons[0]);
		s->canonical = buf_steal(&canonical);
	}
	return 0;
}

/* The zone behind a phrase or moment, and then nothing more. */
static bool take_end(struct schedule *s, struct reader *r, bool with_letters)
{
	struct zone *z = NULL;

	if (!reader_zone(r, with_letters, &z))
		return false;
	if (z != NULL) {
		zone_unref(s->zone);
		s->zone = z;
	}
	return reader_is_end(r) || reader_misses(r, END_HINT);
}

static int take_words(struct schedule *s, const struct schedule_text *t, struct schedule_fault *f)
{
	CLEANUP(freep) struct reader *r = xcalloc(1, sizeof(*r));
	struct moment m;
	struct phrase p;

	if (!reader_init(r, t->text, f))
		return -EINVAL;
	if (reader_is_end(r))
		return fail(f, 0,
			t->want == SCHEDULE_WANT_ONCE ? WANTED_ONCE_HINT : WANTED_OFTEN_HINT,
			"there is no text");
	if (phrase_is_recurring(r)) {
		if (!phrase_parse(r, &p) || !take_end(s, r, false))
			return -EINVAL;
		if (t->want == SCHEDULE_WANT_ONCE)
			return fail(f, r->v[0].column, WANTED_ONCE_HINT,
				"this recurs, and a single moment is wanted");
		return take_phrase(s, &p);
	}
	if (!moment_parse(r, &m) || !take_end(s, r, true))
		return -EINVAL;
	if (t->want == SCHEDULE_WANT_RECURRING)
		return fail(f, r->v[0].column, WANTED_OFTEN_HINT,
			"this is a single moment, and something that recurs is wanted");
	s->rule = RULE_ONCE;
	return moment_resolve(r, &m, s->zone, s->anchor_s, &s->at_s) ? 0 : -EINVAL;
}

/* --- all of it --- */

static int check_bytes(struct slice text, struct schedule_fault *fault)
{
	for (size_t i = 0; i < text.n && i <= SCHEDULE_TEXT_MAX; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return fail(fault, i, "", "a control character");
	}
	if (text.n > SCHEDULE_TEXT_MAX)
		return fail(fault, SCHEDULE_TEXT_MAX, "", "a schedule has at most %d characters",
			SCHEDULE_TEXT_MAX);
	return 0;
}

static int take_text(struct schedule *s, const struct schedule_text *t, struct schedule_fault *f)
{
	struct slice text = slice_trim(t->text);
	size_t column = (size_t)(text.p - t->text.p);
	bool has_prefix = slice_has_prefix(text, "CRON_TZ=") || slice_has_prefix(text, "TZ=");
	bool is_expression = has_prefix || (text.n > 0 && *text.p == '@') || text_is_cron(text);
	int r;

	if (!is_expression && t->want == SCHEDULE_WANT_CRON)
		return fail(f, column, WANTED_CRON_HINT, "a cron expression is wanted here");
	if (!is_expression)
		return take_words(s, t, f);
	r = has_prefix ? take_prefix(s, &text, &column, f) : 0;
	if (r == 0)
		r = take_expression(s, text, column, f);
	if (r == 0 && t->want == SCHEDULE_WANT_ONCE)
		return fail(
			f, column, WANTED_ONCE_HINT, "this recurs, and a single moment is wanted");
	return r;
}

/* Reasons may quote the text, and none of our own words need more than ASCII. */
static void make_plain(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text >= 0x7f)
			*text = '?';
}

int schedule_parse(
	struct schedule **ret, const struct schedule_text *t, struct schedule_fault *fault)
{
	CLEANUP(schedule_freep) struct schedule *s = xcalloc(1, sizeof(*s));
	struct schedule_fault ignored = {0};
	struct schedule_fault *f = fault != NULL ? fault : &ignored;
	int r;

	*f = (struct schedule_fault){0};
	s->zone = keep_zone(t->zone);
	s->anchor_s = schedule_seconds(t->anchor_us);
	r = check_bytes(t->text, f);
	if (r == 0)
		r = take_text(s, t, f);
	s->has_other_zone = r == 0 && !str_eq(zone_name(s->zone), zone_name(t->zone));
	if (r < 0) {
		make_plain(f->text);
		make_plain(f->hint);
		return r;
	}
	*ret = STEAL(s);
	return 0;
}
