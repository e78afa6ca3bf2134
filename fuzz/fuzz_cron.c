/* SPDX-License-Identifier: MIT */
/*
 * Cron expressions: any bytes. What is read must be printed in a form that means the same, and
 * around changes of the clock next, previous and count must tell one story.
 */
#include "calendar/cron.h"

static bool is_same(const struct cron *a, const struct cron *b)
{
	return a->seconds == b->seconds && a->minutes == b->minutes && a->hours == b->hours &&
	       a->days == b->days && a->months == b->months && a->weekdays == b->weekdays &&
	       a->nearest == b->nearest && memcmp(a->nth, b->nth, sizeof(a->nth)) == 0 &&
	       a->last_weekday == b->last_weekday && a->last_day == b->last_day &&
	       a->last_working_day == b->last_working_day && a->day_is_star == b->day_is_star &&
	       a->weekday_is_star == b->weekday_is_star && a->is_wildcard == b->is_wildcard;
}

static void check_search(const struct cron *c, const struct zone *z, int64_t from)
{
	int64_t last = from, next, found;

	for (int i = 1; i <= 3 && cron_next(c, z, last, &next); i++) {
		must(next > last);
		must(cron_previous(c, z, next, &found) && found == next);
		must(!cron_previous(c, z, next - 1, &found) || found <= last);
		must(cron_count(c, z, from, next) == i);
		last = next;
	}
}

static void check(const struct cron *c)
{
	static const struct {
		const char *zone;
		int64_t from;
	} places[] = {
		{"UTC", 1700000000},
		{"Europe/Berlin", 1774699200},     /* the day before 29 March 2026 */
		{"Europe/Berlin", 1792843200},     /* and before 25 October */
		{"Pacific/Apia", 1325160000},      /* before the lost Friday */
		{"America/Sao_Paulo", 1518868800}, /* before a second 23:00 */
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct zone *z = zone_load(places[i].zone, NULL);

		must(z != NULL);
		check_search(c, z, places[i].from);
		zone_unref(z);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct cron_fault fault = {.column = SIZE_MAX};
	struct cron c, again;

	if (cron_parse(&c, (struct slice){(const char *)data, size}, &fault) < 0) {
		must(fault.column <= size);
		must(fault.text[0] != '\0' && utf8_is_valid(fault.text, strlen(fault.text)));
		return 0;
	}
	cron_print(&text, &c);
	must(cron_parse(&again, buf_slice(&text), NULL) == 0);
	must(is_same(&c, &again));
	check(&c);
	return 0;
}
