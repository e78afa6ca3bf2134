/* SPDX-License-Identifier: MIT */
#include "calendar/reading.h"

#include "calendar/instant.h"
#include "lib/t.h"

int64_t us_of(const char *instant)
{
	int64_t us;

	if (!instant_parse(slice_of(instant), &us))
		fail_msg("\"%s\" is no instant", instant);
	return us;
}

struct zone *place(const char *name)
{
	struct err e = CLEAN_ERR;
	struct zone *z = zone_load(name, &e);

	if (z == NULL)
		fail_msg("%s", e.text);
	return z;
}

struct schedule *read_at(const char *text, const char *zone, const char *now)
{
	CLEANUP(zone_unrefp) struct zone *z = place(zone);
	struct schedule_text t = {slice_of(text), z, us_of(now), SCHEDULE_WANT_ANY};
	struct schedule_fault fault;
	struct schedule *s = NULL;

	if (schedule_parse(&s, &t, &fault) < 0)
		fail_msg("\"%s\" at %zu: %s", text, fault.column, fault.text);
	return s;
}

int read_as(const char *text, enum schedule_want want, struct schedule_fault *fault)
{
	CLEANUP(zone_unrefp) struct zone *z = place("UTC");
	CLEANUP(schedule_freep) struct schedule *s = NULL;
	struct schedule_text t = {slice_of(text), z, us_of(NOW), want};

	return schedule_parse(&s, &t, fault);
}

struct schedule_fault refusal(const char *text)
{
	struct schedule_fault fault;

	if (read_as(text, SCHEDULE_WANT_ANY, &fault) == 0)
		fail_msg("\"%s\" was understood", text);
	return fault;
}

static void add_instant(struct buf *out, int64_t at_us)
{
	struct civil c = civil_from_wall(at_us / US);

	if (out->n > 0)
		buf_add_char(out, ' ');
	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour, c.minute,
		c.second);
}

char *nexts_of(const char *text, const char *zone, const char *now, int count)
{
	CLEANUP(schedule_freep) struct schedule *s = read_at(text, zone, now);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	int64_t at = us_of(now);

	for (int i = 0; i < count && schedule_next(s, at, &at); i++)
		add_instant(&out, at);
	return buf_steal(&out);
}

void fires_at(const char *text, const char *zone, const char *now, const char *instants)
{
	CLEANUP(freep) char *nexts = NULL;
	int count = 1;

	for (const char *p = instants; *p != '\0'; p++)
		count += *p == ' ';
	nexts = nexts_of(text, zone, now, count);
	if (!str_eq(nexts, instants))
		fail_msg("\"%s\" in %s from %s:\n%s, not\n%s", text, zone, now, nexts, instants);
}

void same_schedule(const struct schedule *a, const struct schedule *b, int64_t from_us)
{
	int64_t one = from_us, other = from_us;

	if (!str_eq(schedule_canonical(a), schedule_canonical(b)))
		fail_msg("\"%s\" became \"%s\"", schedule_canonical(a), schedule_canonical(b));
	assert_int_equal(schedule_kind(a), schedule_kind(b));
	assert_int_equal(schedule_is_anchored(a), schedule_is_anchored(b));
	for (int i = 0; i < 20; i++) {
		bool has_one = schedule_next(a, one, &one);
		bool has_other = schedule_next(b, other, &other);

		assert_int_equal(has_one, has_other);
		assert_int_equal(one, other);
		if (!has_one)
			return;
	}
}

void one_story(const struct schedule *s, int64_t from_us, int occurrences)
{
	int64_t last = from_us, at, found;

	for (int i = 1; i <= occurrences && schedule_next(s, last, &at); i++) {
		assert_true(at > last);
		assert_true(schedule_previous(s, at, &found));
		assert_int_equal(found, at);
		if (schedule_previous(s, at - 1, &found))
			assert_true(i == 1 ? found <= from_us : found == last);
		else
			assert_int_equal(i, 1);
		assert_int_equal(schedule_count(s, from_us, at), i);
		assert_int_equal(schedule_count(s, from_us, at - 1), i - 1);
		assert_int_equal(schedule_count(s, last, at), 1);
		last = at;
	}
}
