/* SPDX-License-Identifier: MIT */
/*
 * calendar/duration.c - lengths of time from and to text, in integers only.
 *
 * A number's whole part is counted in microseconds, its fraction in nanoseconds, exactly: Go sums
 * nanoseconds and so do we, which is why "0.5us0.5us" is one microsecond. Fractions are taken to
 * any number of digits; what is below a nanosecond is cut off.
 */
#include "calendar/duration.h"

#include <errno.h>
#include <inttypes.h>

#include "base/limits.h"

#define NS_PER_US  INT64_C(1000)
#define US_PER_MIN (60 * US_PER_SEC)
#define US_PER_H   (60 * US_PER_MIN)

static const struct unit {
	const char *name;
	int64_t us; /* 0: one nanosecond */
} units[] = {
	{"ns", 0},
	{"us", 1},
	{"\xC2\xB5s", 1}, /* micro sign */
	{"\xCE\xBCs", 1}, /* Greek mu */
	{"ms", 1000},
	{"s", US_PER_SEC},
	{"m", US_PER_MIN},
	{"h", US_PER_H},
	{"d", 24 * US_PER_H},
	{"w", INT64_C(7) * 24 * US_PER_H},
};

/* What is still to be read. */
struct cursor {
	const char *start, *p, *end;
};

static int fail(const struct cursor *c, int code, const char *what, struct err *e)
{
	return err_set(e, code, "duration \"%.*s\": %s at byte %zu",
		(int)MIN_OF(c->end - c->start, (ptrdiff_t)80), c->start, what,
		(size_t)(c->p - c->start) + 1);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct slice take_digits(struct cursor *c)
{
	struct slice digits = {c->p, 0};

	while (c->p < c->end && is_digit(*c->p))
		c->p++;
	digits.n = (size_t)(c->p - digits.p);
	return digits;
}

static const struct unit *take_unit(struct cursor *c)
{
	struct slice name = {c->p, 0};

	while (c->p < c->end && !is_digit(*c->p) && *c->p != '.')
		c->p++;
	name.n = (size_t)(c->p - name.p);
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (slice_eq_str(name, units[i].name))
			return &units[i];
	c->p = name.p;
	return NULL;
}

/* 0.<digits> of a unit, in nanoseconds. From the last digit to the first: the carried rest stays
 * below one unit, so nothing overflows, and cutting at each step is cutting once. */
static int64_t fraction_ns(struct slice digits, int64_t unit_ns)
{
	int64_t ns = 0;

	for (size_t i = digits.n; i > 0; i--)
		ns = (ns + (digits.p[i - 1] - '0') * unit_ns) / 10;
	return ns;
}

/* Adds whole.<fraction> units; false when that is more than an int64_t of microseconds. */
static bool add_term(
	int64_t *us, int64_t *ns, uint64_t whole, struct slice fraction, const struct unit *unit)
{
	int64_t value = (int64_t)whole;

	if (unit->us == 0) {
		*ns += value % NS_PER_US;
		value /= NS_PER_US;
	} else {
		*ns += fraction_ns(fraction, unit->us * NS_PER_US);
		if (__builtin_mul_overflow(value, unit->us, &value))
			return false;
	}
	if (__builtin_add_overflow(*us, value, us) ||
		__builtin_add_overflow(*us, *ns / NS_PER_US, us))
		return false;
	*ns %= NS_PER_US;
	return true;
}

/* One number with its unit. */
static int take_term(struct cursor *c, int64_t *us, int64_t *ns, struct err *e)
{
	struct cursor start = *c;
	struct slice whole = take_digits(c), fraction = SLICE_NULL;
	const struct unit *unit;
	uint64_t value = 0;

	if (c->p < c->end && *c->p == '.') {
		c->p++;
		fraction = take_digits(c);
	}
	if (whole.n == 0 && fraction.n == 0)
		return fail(&start, -EINVAL, "a number is missing", e);
	if (c->p == c->end)
		return fail(c, -EINVAL, "a unit (such as s, m or h) is missing", e);
	if (whole.n > 0 && !slice_to_u64(whole, INT64_MAX, &value))
		return fail(&start, -ERANGE, "the number is too large", e);
	unit = take_unit(c);
	if (unit == NULL)
		return fail(c, -EINVAL, "this unit is not known", e);
	if (!add_term(us, ns, value, fraction, unit))
		return fail(&start, -ERANGE, "the sum is too large", e);
	return 0;
}

int duration_parse(struct slice text, int64_t *ret_us, struct err *e)
{
	struct cursor c = {text.p, text.p, text.p + text.n};
	int64_t us = 0, ns = 0;
	bool is_negative = false;

	if (text.n == 0)
		return err_set(e, -EINVAL, "a duration is missing");
	if (*c.p == '-' || *c.p == '+')
		is_negative = *c.p++ == '-';
	/* The only number without a unit. */
	if (c.end - c.p == 1 && *c.p == '0') {
		*ret_us = 0;
		return 0;
	}
	do {
		int r = take_term(&c, &us, &ns, e);

		if (r < 0)
			return r;
	} while (c.p < c.end);
	*ret_us = is_negative ? -us : us;
	return 0;
}

/* Prints value/divisor (at most 6 decimals, no zeros at their end) and a unit. */
static void print_decimal(struct buf *out, uint64_t value, uint64_t divisor, const char *unit)
{
	char digits[8];
	size_t n = 0;
	uint64_t rest = value % divisor;

	buf_printf(out, "%" PRIu64, value / divisor);
	for (; rest > 0; rest = rest * 10 % divisor)
		digits[n++] = (char)('0' + rest * 10 / divisor);
	if (n > 0) {
		buf_add_char(out, '.');
		buf_add(out, digits, n);
	}
	buf_add_str(out, unit);
}

void duration_print(struct buf *out, int64_t us)
{
	uint64_t rest = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;

	if (us < 0)
		buf_add_char(out, '-');
	if (rest > 0 && rest < 1000) {
		print_decimal(out, rest, 1, "us");
		return;
	}
	if (rest > 0 && rest < (uint64_t)US_PER_SEC) {
		print_decimal(out, rest, 1000, "ms");
		return;
	}
	if (rest >= (uint64_t)US_PER_H)
		buf_printf(out, "%" PRIu64 "h", rest / (uint64_t)US_PER_H);
	if (rest % (uint64_t)US_PER_H >= (uint64_t)US_PER_MIN)
		buf_printf(out, "%" PRIu64 "m", rest % (uint64_t)US_PER_H / (uint64_t)US_PER_MIN);
	if (rest == 0 || rest % (uint64_t)US_PER_MIN > 0)
		print_decimal(out, rest % (uint64_t)US_PER_MIN, (uint64_t)US_PER_SEC, "s");
}
