/* SPDX-License-Identifier: MIT */
/*
 * calendar/cron_parse.c - the grammar of cron expressions.
 *
 *	expression = macro | 5 or 6 fields, blanks between
 *	field      = item { "," item }
 *	item       = ( "*" | "?" | value [ "-" value ] ) [ "/" step ]
 *	           | "L" | "LW" | day "W"                      day-of-month only
 *	           | number "L" | value "#" 1-5                day-of-week only
 *
 * Strict on purpose: what cron programs read in different ways (signs, empty items, ranges that go
 * down) is refused with its place.
 */
#include <stdarg.h>
#include <stdio.h>

#include "calendar/cron_internal.h"

enum {
	VALUE_DIGITS_MAX = 2,
	STEP_MAX = 1000, /* anything above every field's range means the same */
};

enum field {
	FIELD_SECOND,
	FIELD_MINUTE,
	FIELD_HOUR,
	FIELD_DAY,
	FIELD_MONTH,
	FIELD_WEEKDAY,
	FIELD_COUNT,
};

static const char *const month_names[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field_kind {
	const char *name;
	int min, max;
	const char *const *names; /* of min, min + 1 ...; NULL = none */
} kinds[FIELD_COUNT] = {
	[FIELD_SECOND] = {"second", 0, SECOND_MAX, NULL},
	[FIELD_MINUTE] = {"minute", 0, MINUTE_MAX, NULL},
	[FIELD_HOUR] = {"hour", 0, HOUR_MAX, NULL},
	[FIELD_DAY] = {"day-of-month", DAY_MIN, DAY_MAX, NULL},
	[FIELD_MONTH] = {"month", MONTH_MIN, MONTH_MAX, month_names},
	[FIELD_WEEKDAY] = {"day-of-week", 0, WEEKDAY_MAX, weekday_names},
};

static const struct macro {
	const char *name, *expression;
} macros[] = {
	{"@hourly", "0 * * * *"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},
	{"@monthly", "0 0 1 * *"},
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
};

/* A field that is being read. */
struct reader {
	const char *text; /* the whole expression */
	const char *p, *end;
	enum field field;
	const struct field_kind *kind;
	uint64_t values;
	struct cron *cron;
	struct cron_fault *fault;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

PRINTF(3, 4) static void say(struct cron_fault *fault, size_t column, const char *fmt, ...)
{
	va_list ap;

	if (fault != NULL) {
		fault->column = column;
		va_start(ap, fmt);
		(void)vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
		va_end(ap);
	}
}

/* A macro, so that the analysers see that it is a failure. */
#define REFUSE(fault, column, ...) (say(fault, column, __VA_ARGS__), -EINVAL)
#define REFUSE_AT(r, at, ...)      REFUSE((r)->fault, (size_t)((at) - (r)->text), __VA_ARGS__)

static bool is_at(const struct reader *r, char c)
{
	return r->p < r->end && *r->p == c;
}

static bool take_char(struct reader *r, char c)
{
	if (!is_at(r, c))
		return false;
	r->p++;
	return true;
}

static bool take_letter(struct reader *r, char upper)
{
	return take_char(r, upper) || take_char(r, (char)(upper - 'A' + 'a'));
}

static struct slice take_run(struct reader *r, bool (*is_member)(char))
{
	struct slice run = {r->p, 0};

	while (r->p < r->end && is_member(*r->p))
		r->p++;
	run.n = (size_t)(r->p - run.p);
	return run;
}

/* Any number of digits, cut at `limit`. */
static int number_of(struct slice digits, int limit)
{
	int n = 0;

	for (size_t i = 0; i < digits.n && n < limit; i++)
		n = n * 10 + (digits.p[i] - '0');
	return MIN_OF(n, limit);
}

static int take_name(struct reader *r, int *ret)
{
	struct slice name = take_run(r, is_letter);

	for (int i = 0; r->kind->names != NULL && r->kind->names[i] != NULL; i++) {
		if (slice_eq_nocase(name, r->kind->names[i])) {
			*ret = r->kind->min + i;
			return 0;
		}
	}
	if (r->kind->names == NULL)
		return REFUSE_AT(r, name.p, "the %s field takes no names", r->kind->name);
	return REFUSE_AT(r, name.p, "\"%.*s\" is no %s; names are %s to %s",
		(int)MIN_OF(name.n, (size_t)20), name.p,
		r->field == FIELD_MONTH ? "month" : "day of the week", r->kind->names[0],
		r->field == FIELD_MONTH ? "dec" : "sat");
}

/* A number or a name of the field. */
static int take_value(struct reader *r, int *ret)
{
	const struct field_kind *kind = r->kind;
	struct slice digits;
	int value;

	if (r->p < r->end && is_letter(*r->p))
		return take_name(r, ret);
	digits = take_run(r, is_digit);
	if (digits.n == 0)
		return REFUSE_AT(r, r->p, "a value of the %s field is missing here", kind->name);
	value = number_of(digits, STEP_MAX);
	if (value < kind->min || value > kind->max)
		return REFUSE_AT(r, digits.p, "the %s field goes from %d to %d", kind->name,
			kind->min, kind->max);
	if (digits.n > VALUE_DIGITS_MAX)
		return REFUSE_AT(r, digits.p, "a number has at most %d digits", VALUE_DIGITS_MAX);
	*ret = value;
	return 0;
}

/* [ "/" step ]; 1 when there is none. */
static int take_step(struct reader *r, int *ret)
{
	struct slice digits;

	*ret = 1;
	if (!take_char(r, '/'))
		return 0;
	digits = take_run(r, is_digit);
	if (digits.n == 0)
		return REFUSE_AT(r, r->p, "a step is a number from 1 on");
	*ret = number_of(digits, STEP_MAX);
	return *ret > 0 ? 0 : REFUSE_AT(r, digits.p, "a step of 0 never ends");
}

static int add_range(struct reader *r, int from, int to)
{
	int step, rc = take_step(r, &step);

	if (rc < 0)
		return rc;
	for (int i = from; i <= to; i += step)
		r->values |= UINT64_C(1) << i;
	return 0;
}

/* What follows the "-" of a range. */
static int take_range_end(struct reader *r, int from)
{
	const char *at = r->p;
	int to, rc = take_value(r, &to);

	if (rc < 0)
		return rc;
	if (to < from)
		return REFUSE_AT(r, at, "the range goes down%s",
			r->field == FIELD_WEEKDAY && to == 0 ? "; a Sunday at its end is 7" : "");
	return add_range(r, from, to);
}

/* What follows the "#" of weekday#k. */
static int take_nth(struct reader *r, int weekday)
{
	struct slice digits = take_run(r, is_digit);
	int k = number_of(digits, STEP_MAX);

	if (digits.n != 1 || k < 1 || k > NTH_MAX)
		return REFUSE_AT(r, digits.p, "after # comes a number from 1 to %d", NTH_MAX);
	r->cron->nth[k] |= UINT32_C(1) << weekday % 7;
	return 0;
}

/* Items that begin with a value. */
static int take_value_item(struct reader *r)
{
	bool is_number = r->p < r->end && is_digit(*r->p);
	int value, rc = take_value(r, &value);

	if (rc < 0)
		return rc;
	if (take_char(r, '-'))
		return take_range_end(r, value);
	if (is_at(r, '/'))
		return add_range(r, value, r->kind->max);
	if (r->field == FIELD_WEEKDAY && take_char(r, '#'))
		return take_nth(r, value);
	if (r->field == FIELD_WEEKDAY && is_number && take_letter(r, 'L'))
		r->cron->last_weekday |= UINT32_C(1) << value % 7;
	else if (r->field == FIELD_DAY && take_letter(r, 'W'))
		r->cron->nearest |= UINT32_C(1) << value;
	else
		r->values |= UINT64_C(1) << value;
	return 0;
}

static int take_item(struct reader *r)
{
	if (take_char(r, '*') || take_char(r, '?'))
		return add_range(r, r->kind->min, r->kind->max);
	if (r->field == FIELD_DAY && take_letter(r, 'L')) {
		if (take_letter(r, 'W'))
			r->cron->last_working_day = true;
		else
			r->cron->last_day = true;
		return 0;
	}
	return take_value_item(r);
}

/* What an item cannot be followed by; bytes are printable here. */
static int refuse_rest(const struct reader *r)
{
	return REFUSE_AT(
		r, r->p, "\"%c\" is not understood here in the %s field", *r->p, r->kind->name);
}

static int read_field(struct reader *r, struct slice text, enum field field)
{
	int rc;

	r->p = text.p;
	r->end = text.p + text.n;
	r->field = field;
	r->kind = &kinds[field];
	r->values = 0;
	do {
		rc = take_item(r);
	} while (rc == 0 && take_char(r, ','));
	if (rc == 0 && r->p < r->end)
		rc = refuse_rest(r);
	return rc;
}

static void store_field(struct cron *c, const struct reader *r, bool is_star)
{
	switch (r->field) {
	case FIELD_SECOND:
		c->seconds = r->values;
		break;
	case FIELD_MINUTE:
		c->minutes = r->values;
		c->is_wildcard = is_star;
		break;
	case FIELD_HOUR:
		c->hours = (uint32_t)r->values;
		c->is_wildcard = c->is_wildcard || is_star;
		break;
	case FIELD_DAY:
		c->days = (uint32_t)r->values;
		c->day_is_star = is_star;
		break;
	case FIELD_MONTH:
		c->months = (uint32_t)r->values;
		break;
	case FIELD_WEEKDAY:
	case FIELD_COUNT:
	default:
		/* 7 is Sunday. */
		c->weekdays = (uint32_t)((r->values | r->values >> WEEKDAY_MAX) & 0x7f);
		c->weekday_is_star = is_star;
		break;
	}
}

/* Splits at blanks; returns the number of words, of which at most `max` are stored. */
static size_t split(struct slice text, struct slice *words, size_t max)
{
	const char *p = text.p, *end = text.p + text.n;
	size_t n = 0;

	for (;;) {
		const char *start;

		while (p < end && is_blank(*p))
			p++;
		if (p == end)
			return n;
		for (start = p; p < end && !is_blank(*p);)
			p++;
		if (n < max)
			words[n] = (struct slice){start, (size_t)(p - start)};
		n++;
	}
}

static int check_bytes(struct slice text, struct cron_fault *fault)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char byte = (unsigned char)text.p[i];

		if ((byte < ' ' && byte != '\t') || byte == 0x7f)
			return REFUSE(fault, i, "a control character has no place here");
		if (byte > 0x7f)
			return REFUSE(fault, i, "only plain ASCII is understood");
	}
	return 0;
}

static int read_fields(struct cron *c, struct slice text, const struct slice *words, size_t n,
	struct cron_fault *fault)
{
	struct reader r = {.text = text.p, .cron = c, .fault = fault};
	enum field first = n == FIELD_COUNT ? FIELD_SECOND : FIELD_MINUTE;

	c->has_seconds = first == FIELD_SECOND;
	c->seconds = 1;
	for (size_t i = 0; i < n; i++) {
		int rc = read_field(&r, words[i], first + (enum field)i);

		if (rc < 0)
			return rc;
		store_field(c, &r, *words[i].p == '*' || *words[i].p == '?');
	}
	return 0;
}

static int read_macro(struct cron *c, struct slice text, const struct slice *words, size_t n,
	struct cron_fault *fault)
{
	for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
		if (!slice_eq_nocase(words[0], macros[i].name))
			continue;
		if (n > 1)
			return REFUSE(fault, (size_t)(words[1].p - text.p), "nothing may follow %s",
				macros[i].name);
		return cron_parse(c, slice_of(macros[i].expression), NULL);
	}
	return REFUSE(fault, (size_t)(words[0].p - text.p),
		"macros are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually");
}

int cron_parse(struct cron *ret, struct slice text, struct cron_fault *fault)
{
	struct slice words[FIELD_COUNT + 1];
	struct cron c = {.has_seconds = false};
	size_t n;
	int rc = check_bytes(text, fault);

	if (rc < 0)
		return rc;
	n = split(text, words, ARRAY_LEN(words));
	if (n == 0)
		return REFUSE(fault, 0, "the expression is empty");
	if (*words[0].p == '@')
		rc = read_macro(&c, text, words, n, fault);
	else if (n < FIELD_COUNT - 1)
		rc = REFUSE(fault, (size_t)(words[n - 1].p + words[n - 1].n - text.p),
			"5 fields are needed (or 6 with seconds), here %s %zu",
			n == 1 ? "is" : "are", n);
	else if (n > FIELD_COUNT)
		rc = REFUSE(fault, (size_t)(words[FIELD_COUNT].p - text.p),
			"there are more than 6 fields");
	else
		rc = read_fields(&c, text, words, n, fault);
	if (rc == 0)
		*ret = c;
	return rc;
}
