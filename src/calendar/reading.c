/* SPDX-License-Identifier: MIT */
/*
 * calendar/reading.c - how a schedule was read, as the command line and the API show it.
 */
#include "base/json.h"
#include "base/limits.h"
#include "calendar/schedule.h"

/* 2026-05-04T09:00:00Z */
static void print_utc(struct buf *out, int64_t at_us)
{
	struct civil t = civil_from_wall(at_us / US_PER_SEC);

	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.year, t.month, t.day, t.hour, t.minute,
		t.second);
}

struct js *schedule_reading(const struct schedule *s, int64_t from_us, size_t count)
{
	CLEANUP(buf_fini) struct buf words = BUF_NULL;
	struct js *j = js_object();
	struct js *next = js_array();
	int64_t at = from_us;

	schedule_describe(&words, s);
	js_set_str(j, "kind", schedule_kind(s) == SCHEDULE_ONCE ? "once" : "recurring");
	js_set_str(j, "canonical", schedule_canonical(s));
	js_set_str(j, "description", buf_str(&words));
	js_set_str(j, "zone", zone_name(schedule_zone(s)));
	for (size_t i = 0; i < count && schedule_next(s, at, &at); i++) {
		CLEANUP(buf_fini) struct buf text = BUF_NULL;

		print_utc(&text, at);
		js_add_str(next, buf_str(&text));
	}
	js_set_take(j, "next", next);
	return j;
}
