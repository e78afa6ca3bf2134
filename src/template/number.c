/* SPDX-License-Identifier: MIT */
/*
 * template/number.c - arithmetic on the text of numbers, so that no digit is lost.
 *
 * A number is read as digits d1 d2 d3 ... without zeros in front and the power of ten that makes it
 * 0.d1d2d3... x 10^magnitude. So 9007199254740993 differs from ...992, and 1e2 equals 100.0.
 *
 * Exponents beyond EXPONENT_MAX count as EXPONENT_MAX: two different numbers of that size (or that
 * near to zero) may then be called equal.
 */
#include <ctype.h>

#include "template/value_internal.h"

#define EXPONENT_MAX INT64_C(1000000000000000)

struct decimal {
	bool is_negative, is_zero;
	struct slice whole, fraction; /* digits before and behind the point */
	size_t lead;                  /* the first digit that is not 0 */
	int64_t magnitude;
};

static size_t digit_count(const struct decimal *d)
{
	return d->whole.n + d->fraction.n;
}

/* Digit i of both parts; 0 behind the last. */
static char digit_at(const struct decimal *d, size_t i)
{
	if (i < d->whole.n)
		return d->whole.p[i];
	i -= d->whole.n;
	if (i < d->fraction.n)
		return d->fraction.p[i];
	return '0';
}

static struct slice take_digits(struct slice *s)
{
	struct slice digits = {s->p, 0};

	while (digits.n < s->n && isdigit((unsigned char)s->p[digits.n]))
		digits.n++;
	s->p += digits.n;
	s->n -= digits.n;
	return digits;
}

static bool take_char(struct slice *s, const char *any_of)
{
	if (s->n == 0 || strchr(any_of, *s->p) == NULL)
		return false;
	s->p++;
	s->n--;
	return true;
}

/* Behind the mantissa. */
static int64_t read_exponent(struct slice s)
{
	bool is_negative;
	int64_t value = 0;

	if (!take_char(&s, "eE"))
		return 0;
	is_negative = s.n > 0 && *s.p == '-';
	(void)take_char(&s, "+-");
	for (size_t i = 0; i < s.n && value < EXPONENT_MAX; i++)
		value = value * 10 + (s.p[i] - '0');
	value = MIN_OF(value, EXPONENT_MAX);
	return is_negative ? -value : value;
}

static struct decimal read_decimal(struct slice s)
{
	struct decimal d = {.is_negative = false};
	size_t n;

	d.is_negative = take_char(&s, "-");
	d.whole = take_digits(&s);
	if (take_char(&s, "."))
		d.fraction = take_digits(&s);
	n = digit_count(&d);
	while (d.lead < n && digit_at(&d, d.lead) == '0')
		d.lead++;
	d.is_zero = d.lead == n;
	d.magnitude = (int64_t)d.whole.n - (int64_t)d.lead + read_exponent(s);
	return d;
}

bool number_is_zero(struct slice number)
{
	return read_decimal(number).is_zero;
}

/* Of two that are not zero. */
static int compare_size(const struct decimal *a, const struct decimal *b)
{
	size_t n = MAX_OF(digit_count(a) - a->lead, digit_count(b) - b->lead);

	if (a->magnitude != b->magnitude)
		return a->magnitude < b->magnitude ? -1 : 1;
	for (size_t i = 0; i < n; i++) {
		char x = digit_at(a, a->lead + i), y = digit_at(b, b->lead + i);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

static int sign_of(const struct decimal *d)
{
	if (d->is_zero)
		return 0;
	return d->is_negative ? -1 : 1;
}

int number_compare(struct slice a, struct slice b)
{
	struct decimal x = read_decimal(a), y = read_decimal(b);
	int left = sign_of(&x), right = sign_of(&y);

	if (left != right)
		return left < right ? -1 : 1;
	return left == 0 ? 0 : left * compare_size(&x, &y);
}

static bool is_whole(const struct decimal *d)
{
	size_t n = digit_count(d);

	if (d->is_zero)
		return true;
	while (digit_at(d, n - 1) == '0')
		n--;
	return d->magnitude >= (int64_t)(n - d->lead);
}

bool number_add_whole(struct buf *out, struct slice number)
{
	struct decimal d = read_decimal(number);

	if (!is_whole(&d) || (!d.is_zero && d.magnitude > NUMBER_MAX))
		return false;
	if (d.is_zero) {
		buf_add_char(out, '0');
		return true;
	}
	if (d.is_negative)
		buf_add_char(out, '-');
	for (size_t i = 0; i < (size_t)d.magnitude; i++)
		buf_add_char(out, digit_at(&d, d.lead + i));
	return true;
}

bool number_to_i64(struct slice number, int64_t *ret)
{
	struct decimal d = read_decimal(number);
	int64_t value = 0;

	if (!is_whole(&d) || (!d.is_zero && d.magnitude > 19))
		return false;
	for (int64_t i = 0; !d.is_zero && i < d.magnitude; i++) {
		int digit = digit_at(&d, d.lead + (size_t)i) - '0';

		/* Downwards for negative ones: there is one more of them. */
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, d.is_negative ? -digit : digit, &value))
			return false;
	}
	*ret = value;
	return true;
}

/* --- rounding --- */

/* Is what begins with digit `from` at least a half of the place before it? A half itself goes to
 * the even side. */
static bool rounds_up(const struct decimal *d, size_t from, bool is_odd)
{
	char first = digit_at(d, from);

	if (first != '5')
		return first > '5';
	for (size_t i = from + 1; i < digit_count(d); i++)
		if (digit_at(d, i) != '0')
			return true;
	return is_odd;
}

/* Adds one to a row of digits; true when it has become longer. */
static bool increment(struct buf *digits)
{
	size_t i = digits->n;

	while (i > 0 && digits->p[i - 1] == '9')
		digits->p[--i] = '0';
	if (i > 0) {
		digits->p[i - 1]++;
		return false;
	}
	buf_add_char(digits, '0');
	digits->p[0] = '1';
	return true;
}

/* The first n digits, rounded; true when carrying has made one more of them. */
static bool round_digits(const struct decimal *d, size_t n, struct buf *digits)
{
	bool is_odd = false;

	for (size_t i = 0; i < n; i++)
		buf_add_char(digits, digit_at(d, d->lead + i));
	if (n > 0)
		is_odd = (digits->p[n - 1] - '0') % 2 != 0;
	return rounds_up(d, d->lead + n, is_odd) && increment(digits);
}

/* 0 before the first and behind the last. */
static void add_digit(struct buf *out, struct slice digits, int64_t i)
{
	char c = '0';

	if (i >= 0 && (uint64_t)i < digits.n)
		c = digits.p[i];
	buf_add_char(out, c);
}

/* Lays out digits of which the first stands at 10^(magnitude-1). */
static void add_places(struct buf *out, struct slice digits, int64_t magnitude, size_t places)
{
	int64_t at = MIN_OF(magnitude, 0); /* of the digit that comes next */

	if (magnitude <= 0)
		buf_add_char(out, '0');
	for (int64_t i = 0; i < magnitude; i++)
		add_digit(out, digits, i);
	if (places == 0)
		return;
	buf_add_char(out, '.');
	if (magnitude > 0)
		at = magnitude;
	for (size_t i = 0; i < places; i++, at++)
		add_digit(out, digits, at);
}

bool number_add_fixed(struct buf *out, struct slice number, size_t places)
{
	struct decimal d = read_decimal(number);
	CLEANUP(buf_fini) struct buf digits = BUF_NULL;
	int64_t kept;

	if (places > NUMBER_MAX || (!d.is_zero && d.magnitude > NUMBER_MAX))
		return false;
	if (d.is_negative)
		buf_add_char(out, '-');
	if (d.is_zero) {
		add_places(out, SLICE_NULL, 0, places);
		return true;
	}
	kept = d.magnitude + (int64_t)places;
	if (kept >= 0 && round_digits(&d, (size_t)kept, &digits))
		d.magnitude++;
	add_places(out, buf_slice(&digits), d.magnitude, places);
	return true;
}
