/* SPDX-License-Identifier: MIT */
/*
 * template/format.c - printf, after Go's package fmt.
 *
 * Whole numbers are exact however long they are, and %f rounds the decimal number itself (a half to
 * even), not a binary one near it. Only %e and %g with a precision go through a double. %s, %q and
 * %v take any value. A verb that does not fit its value says so in the text, as in Go:
 * "%!d(string=x)". Width and precision have a limit; %[1]d and %*d are not understood.
 */
#include <inttypes.h>
#include <stdio.h>

#include "template/value_internal.h"

#define WIDTH_MAX  1000
#define DIGITS_MAX 40 /* of what goes through a double */

struct spec {
	bool is_left, has_plus, is_sharp, has_blank, has_zeros;
	bool has_precision;
	size_t width, precision;
	bool is_bad_width, is_bad_precision;
	struct slice verb; /* one character */
};

/* --- reading a verb --- */

static bool take_char(struct slice *s, char c)
{
	if (s->n == 0 || *s->p != c)
		return false;
	*s = (struct slice){s->p + 1, s->n - 1};
	return true;
}

static void take_flags(struct slice *s, struct spec *spec)
{
	for (;;) {
		if (take_char(s, '-'))
			spec->is_left = true;
		else if (take_char(s, '+'))
			spec->has_plus = true;
		else if (take_char(s, '#'))
			spec->is_sharp = true;
		else if (take_char(s, ' '))
			spec->has_blank = true;
		else if (take_char(s, '0'))
			spec->has_zeros = true;
		else
			return;
	}
}

/* Digits, perhaps none; true when the number is beyond the limit, and then 0. */
static bool take_size(struct slice *s, size_t *ret)
{
	size_t value = 0;

	while (s->n > 0 && *s->p >= '0' && *s->p <= '9') {
		if (value <= WIDTH_MAX)
			value = value * 10 + (size_t)(*s->p - '0');
		*s = (struct slice){s->p + 1, s->n - 1};
	}
	*ret = value > WIDTH_MAX ? 0 : value;
	return value > WIDTH_MAX;
}

/* Behind the percent sign; the verb is empty when the format ends before it. */
static struct spec take_spec(struct slice *s)
{
	struct spec spec = {.is_left = false};

	take_flags(s, &spec);
	spec.is_bad_width = take_size(s, &spec.width);
	if (take_char(s, '.')) {
		spec.is_bad_precision = take_size(s, &spec.precision);
		spec.has_precision = !spec.is_bad_precision;
	}
	spec.verb = (struct slice){s->p, chars_size(*s, 1)};
	*s = (struct slice){s->p + spec.verb.n, s->n - spec.verb.n};
	return spec;
}

/* --- writing one value at the end of the text --- */

/* The sign that a number's text begins with, taken off; "+" or " " when the flags want one. */
static struct slice take_sign(const struct spec *spec, struct slice *digits)
{
	if (take_char(digits, '-'))
		return SLICE_LIT("-");
	if (spec->has_plus)
		return SLICE_LIT("+");
	return spec->has_blank ? SLICE_LIT(" ") : SLICE_LIT("");
}

/* A number that stands in r->scratch, with at least so many digits. */
static bool add_number(
	struct rendering *r, const struct spec *spec, const char *prefix, size_t least)
{
	struct slice digits = buf_slice(&r->scratch);
	struct slice sign = take_sign(spec, &digits);

	return text_add(r, sign) && text_add(r, slice_of(prefix)) &&
	       text_pad(r, '0', least > digits.n ? least - digits.n : 0) && text_add(r, digits);
}

static bool add_whole(struct rendering *r, const struct spec *spec, struct slice number)
{
	return work_charge(r, number.n * WORK_PIECE) && number_add_whole(&r->scratch, number) &&
	       add_number(r, spec, "", spec->precision);
}

static bool add_fixed(struct rendering *r, const struct spec *spec, struct slice number)
{
	size_t places = spec->has_precision ? spec->precision : 6;

	return work_charge(r, (number.n + places) * WORK_PIECE) &&
	       number_add_fixed(&r->scratch, number, places) && add_number(r, spec, "", 0);
}

/* %e and %g with a precision; without one %g is the number as it is. */
static bool add_floating(struct rendering *r, const struct spec *spec, struct slice number)
{
	char c = *spec->verb.p;
	int places = spec->has_precision ? (int)MIN_OF(spec->precision, (size_t)DIGITS_MAX) : 6;
	double value;

	if (number.n > NUMBER_MAX || !work_charge(r, WORK_DOUBLE))
		return false;
	buf_add_slice(&r->scratch, number);
	if ((c != 'g' && c != 'G') || spec->has_precision) {
		value = strtod(buf_str(&r->scratch), NULL);
		buf_clear(&r->scratch);
		if (c == 'e' || c == 'E')
			buf_printf(&r->scratch, c == 'e' ? "%.*e" : "%.*E", places, value);
		else
			buf_printf(&r->scratch, c == 'g' ? "%.*g" : "%.*G", places, value);
	}
	return add_number(r, spec, "", 0);
}

/* %x %X %o %b of a whole number up to 64 bits. */
static bool add_based(struct rendering *r, const struct spec *spec, struct slice number)
{
	const char *digits = *spec->verb.p == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char c = *spec->verb.p, text[64], prefix[3] = {'0', c, '\0'};
	unsigned base = 16;
	size_t n = sizeof(text);
	struct slice plain;
	uint64_t value;
	bool is_negative;

	if (c == 'o' || c == 'b')
		base = c == 'o' ? 8 : 2;
	if (!number_add_whole(&r->scratch, number))
		return false;
	plain = buf_slice(&r->scratch);
	is_negative = take_char(&plain, '-');
	if (!slice_to_u64(plain, UINT64_MAX, &value))
		return false;
	for (; value > 0 || n == sizeof(text); value /= base)
		text[--n] = digits[value % base];
	buf_clear(&r->scratch);
	if (is_negative)
		buf_add_char(&r->scratch, '-');
	buf_add(&r->scratch, text + n, sizeof(text) - n);
	if (c == 'o')
		prefix[1] = '\0';
	return add_number(r, spec, spec->is_sharp ? prefix : "", spec->precision);
}

static bool add_hex_text(struct rendering *r, const struct spec *spec, struct slice text)
{
	bool fits = true;

	for (size_t i = 0; fits && i < text.n; i++) {
		char pair[3];

		(void)snprintf(pair, sizeof(pair), *spec->verb.p == 'X' ? "%02X" : "%02x",
			(unsigned)(unsigned char)text.p[i]);
		fits = text_add(r, (struct slice){pair, 2});
	}
	return true;
}

/* As Go quotes it: printable text stays. */
static bool add_quoted(struct rendering *r, struct slice text)
{
	static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
	bool fits = text_add_char(r, '"');

	for (size_t i = 0; fits && i < text.n; i++) {
		const char *simple = memchr(from, text.p[i], sizeof(from) - 1);
		char escape[8];
		int n = 1;

		escape[0] = text.p[i];
		if (simple != NULL)
			n = snprintf(escape, sizeof(escape), "\\%c", to[simple - from]);
		else if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			n = snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)text.p[i]);
		fits = text_add(r, (struct slice){escape, (size_t)n});
	}
	(void)text_add_char(r, '"');
	return true;
}

/* The value as it prints; the precision cuts characters off. */
static bool add_plain(struct rendering *r, const struct spec *spec, const struct value *v)
{
	size_t from = r->made.n, kept = spec->has_precision ? spec->precision : SIZE_MAX;
	struct slice text;

	if (value_text(v, &text)) {
		(void)text_add(r, (struct slice){text.p, chars_size(text, kept)});
	} else if (text_add_value(r, v) && spec->has_precision) {
		text = (struct slice){r->made.p + from, r->made.n - from};
		r->made.n = from + chars_size(text, kept);
		r->made.p[r->made.n] = '\0';
	}
	return true;
}

static bool add_char(struct rendering *r, struct slice number)
{
	int64_t c;

	return number_to_i64(number, &c) && c >= 0 && chars_add(&r->scratch, (uint64_t)c) &&
	       text_add(r, buf_slice(&r->scratch));
}

/* False when the verb does not fit the value; then nothing was added. */
static bool add_verb(struct rendering *r, const struct spec *spec, const struct value *v)
{
	bool is_number = v->type == VALUE_NUMBER, has_text;
	struct slice text = SLICE_NULL;

	has_text = value_text(v, &text);
	switch (*spec->verb.p) {
	case 's':
	case 'v':
		return add_plain(r, spec, v);
	case 'd':
		return is_number && add_whole(r, spec, text);
	case 'f':
	case 'F':
		return is_number && add_fixed(r, spec, text);
	case 'e':
	case 'E':
	case 'g':
	case 'G':
		return is_number && add_floating(r, spec, text);
	case 'x':
	case 'X':
		if (v->type == VALUE_STRING)
			return add_hex_text(r, spec, text);
		return is_number && add_based(r, spec, text);
	case 'o':
	case 'b':
		return is_number && add_based(r, spec, text);
	case 'q':
		return has_text && add_quoted(r, text);
	case 't':
		return v->type == VALUE_BOOL && add_plain(r, spec, v);
	case 'c':
		return is_number && add_char(r, text);
	default:
		return false;
	}
}

/* "string=x" */
static void add_with_type(struct rendering *r, const struct value *v)
{
	if (!value_is_nothing(v) && v->type != VALUE_ROOT) {
		(void)text_add(r, slice_of(value_type_name(v)));
		(void)text_add_char(r, '=');
	}
	(void)text_add_value(r, v);
}

static void add_bad_verb(struct rendering *r, const struct spec *spec, const struct value *v)
{
	(void)text_add(r, SLICE_LIT("%!"));
	(void)text_add(r, spec->verb);
	(void)text_add_char(r, '(');
	if (v == NULL)
		(void)text_add(r, SLICE_LIT("MISSING"));
	else
		add_with_type(r, v);
	(void)text_add_char(r, ')');
}

/* Makes what was added since `from` as wide as it shall be: blanks on one side, or zeros between
 * the sign and the digits. */
static void widen(struct rendering *r, const struct spec *spec, size_t from, bool is_number)
{
	size_t n = chars_count((struct slice){r->made.p + from, r->made.n - from}), missing, rest;
	/* The precision of a whole number says how many digits; zeros add none to that. */
	bool is_counted = spec->has_precision && strchr("dxXob", *spec->verb.p) != NULL;
	bool has_zeros = is_number && spec->has_zeros && !spec->is_left && !is_counted;
	char *at;

	if (n >= spec->width)
		return;
	missing = spec->width - n;
	rest = r->made.n - from;
	if (!text_pad(r, has_zeros ? '0' : ' ', missing) || spec->is_left)
		return;
	at = r->made.p + from; /* the buffer may have moved */
	if (has_zeros && rest > 0 && strchr("+- ", *at) != NULL) {
		at++;
		rest--;
	}
	memmove(at + missing, at, rest);
	memset(at, has_zeros ? '0' : ' ', missing);
}

static void add_formatted(struct rendering *r, const struct spec *spec, const struct value *v)
{
	size_t from = r->made.n;

	if (v == NULL) {
		add_bad_verb(r, spec, NULL);
		return;
	}
	buf_clear(&r->scratch);
	if (!add_verb(r, spec, v)) {
		if (r->stop == 0)
			add_bad_verb(r, spec, v);
	} else if (r->stop == 0 && spec->width > 0) {
		widen(r, spec, from, v->type == VALUE_NUMBER);
	}
}

static void add_extra(struct rendering *r, const struct value *args, size_t n)
{
	(void)text_add(r, SLICE_LIT("%!(EXTRA "));
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)text_add(r, SLICE_LIT(", "));
		add_with_type(r, &args[i]);
	}
	(void)text_add_char(r, ')');
}

struct value format_printf(struct rendering *r, const struct value *args, size_t n)
{
	struct slice format;
	size_t used = 1;

	if (args[0].type != VALUE_STRING)
		return value_missing();
	format = args[0].text;
	text_start(r);
	while (format.n > 0 && r->stop == 0) {
		const char *percent = memchr(format.p, '%', format.n);
		size_t plain = percent == NULL ? format.n : (size_t)(percent - format.p);
		struct spec spec;

		(void)text_add(r, (struct slice){format.p, plain});
		format = (struct slice){format.p + plain, format.n - plain};
		if (!take_char(&format, '%'))
			break;
		spec = take_spec(&format);
		if (spec.is_bad_width)
			(void)text_add(r, SLICE_LIT("%!(BADWIDTH)"));
		if (spec.is_bad_precision)
			(void)text_add(r, SLICE_LIT("%!(BADPREC)"));
		if (spec.verb.n == 0)
			(void)text_add(r, SLICE_LIT("%!(NOVERB)"));
		else if (*spec.verb.p == '%')
			(void)text_add_char(r, '%');
		else
			add_formatted(r, &spec, used < n ? &args[used++] : NULL);
	}
	if (used < n)
		add_extra(r, args + used, n - used);
	return text_end(r);
}
