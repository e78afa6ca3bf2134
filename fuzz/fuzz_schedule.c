/* SPDX-License-Identifier: MIT */
/*
 * Schedules: any bytes, as an expression, a phrase or a moment. What is refused has a place and a
 * reason, and a picture that is safe to show. What is understood fires forward only, with previous
 * and count agreeing, and its description is understood as the same schedule.
 */
#include "calendar/schedule.h"

#define STEPS 3
#define US    INT64_C(1000000)

static void check_fault(struct slice text, const struct schedule_fault *f)
{
	CLEANUP(buf_fini) struct buf picture = BUF_NULL;

	must(f->column <= text.n && f->text[0] != '\0');
	must(utf8_is_valid(f->text, strlen(f->text)));
	schedule_fault_print(&picture, text, f);
	must(utf8_is_valid(picture.p, picture.n));
	for (size_t i = 0; i < picture.n; i++)
		must(picture.p[i] == '\n' || (unsigned char)picture.p[i] >= ' ');
}

static void check_instants(const struct schedule *s, int64_t from)
{
	int64_t last = from, at, found;

	for (int i = 1; i <= STEPS && schedule_next(s, last, &at); i++) {
		must(at > last && at % US == 0);
		must(schedule_previous(s, at, &found) && found == at);
		must(!schedule_previous(s, at - 1, &found) || found <= last);
		must(schedule_count(s, from, at) == i);
		last = at;
	}
	must(!schedule_is_never(s) || last == from);
	must(schedule_kind(s) == SCHEDULE_RECURRING || last == from ||
		!schedule_next(s, last, &at));
}

/* Read in the same zone as the text, whatever zone the text names. */
static void check_words(const struct schedule *s, const struct zone *zone, int64_t from)
{
	CLEANUP(buf_fini) struct buf words = BUF_NULL;
	CLEANUP(schedule_freep) struct schedule *again = NULL;
	struct schedule_text t = {.zone = zone, .anchor_us = from};
	int64_t one = from, other = from;

	schedule_describe(&words, s);
	t.text = buf_slice(&words);
	if (words.n > SCHEDULE_TEXT_MAX)
		return;
	must(schedule_parse(&again, &t, NULL) == 0);
	must(schedule_kind(s) == schedule_kind(again));
	must(str_eq(schedule_canonical(s), schedule_canonical(again)));
	for (int i = 0; i < STEPS; i++) {
		bool has_one = schedule_next(s, one, &one);

		must(schedule_next(again, other, &other) == has_one);
		must(one == other);
		if (!has_one)
			return;
	}
}

static void check_in(struct slice text, const char *zone, int64_t now)
{
	CLEANUP(zone_unrefp) struct zone *z = zone_load(zone, NULL);
	struct schedule_text t = {text, z, now, SCHEDULE_WANT_ANY};
	struct schedule_fault fault;

	must(z != NULL);
	for (int want = SCHEDULE_WANT_ANY; want <= SCHEDULE_WANT_CRON; want++) {
		CLEANUP(schedule_freep) struct schedule *s = NULL;

		t.want = (enum schedule_want)want;
		if (schedule_parse(&s, &t, &fault) < 0) {
			check_fault(text, &fault);
			continue;
		}
		must(t.want != SCHEDULE_WANT_ONCE || schedule_kind(s) == SCHEDULE_ONCE);
		must(t.want < SCHEDULE_WANT_RECURRING || t.want == SCHEDULE_WANT_ONCE ||
			schedule_kind(s) == SCHEDULE_RECURRING);
		if (t.want != SCHEDULE_WANT_ANY)
			continue;
		check_instants(s, now);
		check_words(s, z, now);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data, size};

	check_in(text, "Europe/Berlin", 1774699200 * US);         /* before 29 March 2026 */
	check_in(text, "America/Sao_Paulo", 1518868800 * US + 1); /* before a second 23:00 */
	return 0;
}
