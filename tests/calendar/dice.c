/* SPDX-License-Identifier: MIT */
/*
 * tests/calendar/dice.c - see dice.h.
 */
#include "calendar/dice.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

void dice_start(struct dice *d, const char *variable)
{
	const char *text = getenv(variable);

	d->state = text == NULL ? 0 : strtoull(text, NULL, 10);
	if (text == NULL)
		must(getrandom(&d->state, sizeof(d->state), 0) == sizeof(d->state));
	printf("%s=%" PRIu64 "\n", variable, d->state);
	(void)fflush(stdout);
}

/* splitmix64: any seed will do, also 0. */
uint64_t dice_next(struct dice *d)
{
	uint64_t x = d->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

size_t dice_below(struct dice *d, size_t n)
{
	return (size_t)(dice_next(d) % n);
}

int64_t dice_between(struct dice *d, int64_t min, int64_t max)
{
	return min + (int64_t)(dice_next(d) % (uint64_t)(max - min + 1));
}

bool dice_chance(struct dice *d, unsigned percent)
{
	return dice_below(d, 100) < percent;
}

/* What a field may hold, and how often it is a bare star. */
struct field {
	int min, max;
	int often_max; /* half of the values are at most this */
	unsigned stars;
	const char *const *names;
};

static const char *const months[] = {
	"", "jan", "Feb", "MAR", "apr", "may", "jun", "jul", "aug", "sep", "Oct", "nov", "dec"};
static const char *const weekdays[] = {"sun", "Mon", "TUE", "wed", "thu", "fri", "sat", "7"};

static int value(struct dice *d, const struct field *f)
{
	return (int)dice_between(d, f->min, dice_chance(d, 50) ? f->often_max : f->max);
}

static void add_value(struct dice *d, struct buf *out, const struct field *f, int n)
{
	if (f->names != NULL && dice_chance(d, 30))
		buf_add_str(out, f->names[n]);
	else
		buf_printf(out, dice_chance(d, 10) ? "%02d" : "%d", n);
}

static void add_step(struct dice *d, struct buf *out, const struct field *f)
{
	buf_printf(out, "/%d", (int)dice_between(d, 1, dice_chance(d, 90) ? f->max / 2 + 1 : 99));
}

static void add_item(struct dice *d, struct buf *out, const struct field *f)
{
	int from = value(d, f), to = (int)dice_between(d, from, f->max);

	switch (dice_below(d, 6)) {
	case 0:
		buf_add_char(out, '*');
		add_step(d, out, f);
		break;
	case 1:
		add_value(d, out, f, from);
		add_step(d, out, f);
		break;
	case 2:
		add_value(d, out, f, from);
		buf_add_char(out, '-');
		add_value(d, out, f, to);
		if (dice_chance(d, 30))
			add_step(d, out, f);
		break;
	default:
		add_value(d, out, f, from);
		break;
	}
}

static void add_day_item(struct dice *d, struct buf *out, const struct field *f)
{
	switch (dice_below(d, 8)) {
	case 0:
		buf_add_str(out, "L");
		break;
	case 1:
		buf_add_str(out, "LW");
		break;
	case 2:
		buf_printf(out, "%dW", (int)dice_between(d, 1, 31));
		break;
	default:
		add_item(d, out, f);
		break;
	}
}

static void add_weekday_item(struct dice *d, struct buf *out, const struct field *f)
{
	switch (dice_below(d, 8)) {
	case 0:
		buf_printf(out, "%dL", (int)dice_between(d, 0, 7));
		break;
	case 1:
		add_value(d, out, f, value(d, f));
		buf_printf(out, "#%d", (int)dice_between(d, 1, 5));
		break;
	default:
		add_item(d, out, f);
		break;
	}
}

static void add_field(struct dice *d, struct buf *out, const struct field *f,
	void (*add)(struct dice *, struct buf *, const struct field *))
{
	if (dice_chance(d, f->stars)) {
		buf_add_char(out, dice_chance(d, 10) ? '?' : '*');
		return;
	}
	do {
		add(d, out, f);
	} while (dice_chance(d, 30) && (buf_add_char(out, ','), true));
}

void dice_expression(struct dice *d, struct buf *out)
{
	static const struct field second = {0, 59, 59, 40, NULL};
	static const struct field minute = {0, 59, 30, 15, NULL};
	static const struct field hour = {0, 23, 3, 25, NULL};
	static const struct field day = {1, 31, 31, 55, NULL};
	static const struct field month = {1, 12, 12, 75, months};
	static const struct field weekday = {0, 7, 7, 55, weekdays};

	if (dice_chance(d, 10)) {
		add_field(d, out, &second, add_item);
		buf_add_char(out, ' ');
	}
	add_field(d, out, &minute, add_item);
	buf_add_char(out, ' ');
	add_field(d, out, &hour, add_item);
	buf_add_char(out, ' ');
	add_field(d, out, &day, add_day_item);
	buf_add_char(out, ' ');
	add_field(d, out, &month, add_item);
	buf_add_char(out, ' ');
	add_field(d, out, &weekday, add_weekday_item);
}
