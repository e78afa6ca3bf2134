/* SPDX-License-Identifier: MIT */
/*
 * base/json.c - the only file that knows jansson: a `struct js` is a json_t by another name.
 *
 * jansson keeps members in the order they were set. What it answers with NULL or -1 after our own
 * arguments were made valid can only be lack of memory or our bug, so it ends the process.
 *
 * Surprises: jansson refuses "\u0000" (a C string could not hold it; we leave it so) and integers
 * outside int64, for which the text is read once more with all integers as reals. It takes a NUL
 * byte between tokens for the end of the text, so those are looked for first. It has few
 * const-qualified functions, hence raw().
 */
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <time.h>

#include <jansson.h>

#include "base/limits.h"

#define PARSE_FLAGS (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)
#define WRITE_FLAGS (JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

static json_t *raw(const struct js *j)
{
	union {
		const struct js *skin;
		json_t *raw;
	} u = {.skin = j};

	return u.raw;
}

static struct js *skin(json_t *j)
{
	must(j != NULL);
	return (struct js *)j;
}

void js_free(struct js *j)
{
	json_decref(raw(j));
}

struct js *js_parse(const char *p, size_t n, struct err *e)
{
	json_error_t why;
	json_t *j;

	if (n > 0 && memchr(p, '\0', n) != NULL) {
		(void)err_set(e, -EINVAL, "1:1: the text holds a NUL byte");
		return NULL;
	}
	j = json_loadb(n == 0 ? "" : p, n, PARSE_FLAGS, &why);
	if (j == NULL && json_error_code(&why) == json_error_numeric_overflow)
		j = json_loadb(p, n, PARSE_FLAGS | JSON_DECODE_INT_AS_REAL, &why);
	if (j != NULL)
		return (struct js *)j;
	must(json_error_code(&why) != json_error_out_of_memory);
	if (json_error_code(&why) == json_error_null_character)
		(void)err_set(e, -EINVAL, "%d:%d: a string holds the character NUL", why.line,
			why.column);
	else
		(void)err_set(e, -EINVAL, "%d:%d: %s", why.line, why.column, why.text);
	return NULL;
}

struct js *js_object(void)
{
	return skin(json_object());
}

struct js *js_array(void)
{
	return skin(json_array());
}

/* A string value, cleaned when it is not UTF-8. */
static json_t *string_new(const char *p, size_t n)
{
	json_t *j;

	if (p == NULL)
		return json_null();
	j = json_stringn(p, n);
	if (j == NULL) {
		struct buf clean = BUF_NULL;

		utf8_clean(&clean, p, n);
		j = json_stringn(buf_str(&clean), clean.n);
		buf_fini(&clean);
	}
	return j;
}

static void set(struct js *obj, const char *key, json_t *value)
{
	must(value != NULL);
	must(json_is_object(raw(obj)));
	if (json_object_set(raw(obj), key, value) != 0) {
		struct buf clean = BUF_NULL;

		utf8_clean(&clean, key, strlen(key));
		must(json_object_set(raw(obj), buf_str(&clean), value) == 0);
		buf_fini(&clean);
	}
	json_decref(value);
}

void js_set_str(struct js *obj, const char *key, const char *value)
{
	js_set_strn(obj, key, value, value == NULL ? 0 : strlen(value));
}

void js_set_strn(struct js *obj, const char *key, const char *value, size_t n)
{
	set(obj, key, string_new(value, n));
}

void js_set_int(struct js *obj, const char *key, int64_t value)
{
	set(obj, key, json_integer(value));
}

void js_set_real(struct js *obj, const char *key, double value)
{
	/* JSON has no word for infinity and "not a number". */
	set(obj, key, isfinite(value) ? json_real(value) : json_null());
}

void js_set_bool(struct js *obj, const char *key, bool value)
{
	set(obj, key, json_boolean(value));
}

void js_set_null(struct js *obj, const char *key)
{
	set(obj, key, json_null());
}

void js_set_take(struct js *obj, const char *key, struct js *value)
{
	set(obj, key, value == NULL ? json_null() : raw(value));
}

void js_set_json(struct js *obj, const char *key, const char *text)
{
	js_set_take(obj, key, text == NULL ? NULL : js_parse(text, strlen(text), NULL));
}

void js_set_time(struct js *obj, const char *key, int64_t real_us)
{
	int64_t seconds = real_us / US_PER_SEC, us = real_us % US_PER_SEC;
	char text[64];
	struct tm tm;
	time_t t;

	if (us < 0) {
		seconds--;
		us += US_PER_SEC;
	}
	t = (time_t)seconds;
	if (real_us == 0 || gmtime_r(&t, &tm) == NULL) {
		js_set_null(obj, key);
		return;
	}
	(void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(us / US_PER_MS));
	js_set_str(obj, key, text);
}

void js_add_str(struct js *arr, const char *value)
{
	js_add_take(arr, (struct js *)string_new(value, value == NULL ? 0 : strlen(value)));
}

void js_add_take(struct js *arr, struct js *value)
{
	must(json_array_append_new(raw(arr), value == NULL ? json_null() : raw(value)) == 0);
}

const struct js *js_get(const struct js *obj, const char *key)
{
	return (const struct js *)json_object_get(raw(obj), key);
}

const struct js *js_at(const struct js *arr, size_t i)
{
	return (const struct js *)json_array_get(raw(arr), i);
}

size_t js_len(const struct js *arr)
{
	return json_array_size(raw(arr));
}

bool js_is_object(const struct js *j)
{
	return json_is_object(raw(j));
}

bool js_is_array(const struct js *j)
{
	return json_is_array(raw(j));
}

const char *js_str(const struct js *j)
{
	return json_string_value(raw(j));
}

const char *js_get_str(const struct js *obj, const char *key)
{
	return js_str(js_get(obj, key));
}

bool js_int(const struct js *j, int64_t *ret)
{
	const json_t *v = raw(j);
	double real;

	if (json_is_integer(v)) {
		*ret = json_integer_value(v);
		return true;
	}
	if (!json_is_real(v))
		return false;
	/* 3.0 and 1e3 are whole numbers too; the bounds are -2^63 and 2^63. */
	real = json_real_value(v);
	if (real < -9223372036854775808.0 || real >= 9223372036854775808.0 || trunc(real) != real)
		return false;
	*ret = (int64_t)real;
	return true;
}

int64_t js_get_int(const struct js *obj, const char *key, int64_t fallback)
{
	int64_t n;

	return js_int(js_get(obj, key), &n) ? n : fallback;
}

double js_get_real(const struct js *obj, const char *key, double fallback)
{
	const json_t *j = raw(js_get(obj, key));

	return json_is_number(j) ? json_number_value(j) : fallback;
}

bool js_get_bool(const struct js *obj, const char *key, bool fallback)
{
	const json_t *j = raw(js_get(obj, key));

	return json_is_boolean(j) ? json_is_true(j) : fallback;
}

void js_each(const struct js *obj, void (*fn)(const char *key, const struct js *value, void *ctx),
	void *ctx)
{
	void *it = json_object_iter(raw(obj));

	for (; it != NULL; it = json_object_iter_next(raw(obj), it))
		fn(json_object_iter_key(it), (const struct js *)json_object_iter_value(it), ctx);
}

static int append(const char *p, size_t n, void *ctx)
{
	buf_add(ctx, p, n);
	return 0;
}

void js_write(struct buf *out, const struct js *j)
{
	must(json_dump_callback(raw(j), append, out, WRITE_FLAGS | JSON_COMPACT) == 0);
}

void js_write_pretty(struct buf *out, const struct js *j)
{
	must(json_dump_callback(raw(j), append, out, WRITE_FLAGS | JSON_INDENT(2)) == 0);
}

static void write_escape(struct buf *out, unsigned char c)
{
	static const char *const shorts = "\"\\\b\f\n\r\t", *const letters = "\"\\bfnrt";
	const char *found = c == 0 ? NULL : strchr(shorts, c);

	if (found == NULL) {
		buf_printf(out, "\\u%04x", c);
		return;
	}
	buf_add_char(out, '\\');
	buf_add_char(out, letters[found - shorts]);
}

/* True when one of the eight bytes is not to be written as it is. Taking n from each byte sets the
 * top bit of those below n (and of their neighbours, but only when one is). */
static bool has_special(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
	uint64_t found = ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) |
			 ((slash - ones) & ~slash);

	return (found & ones * 0x80) != 0;
}

/* Bytes at the start that are written as they are, counted eight at a time. */
static size_t plain_len(const char *p, size_t n)
{
	size_t i = 0;
	uint64_t word;

	for (; n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		if (has_special(word))
			break;
	}
	while (i < n && (unsigned char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

static void write_text(struct buf *out, struct slice s)
{
	size_t i = 0;

	while (i < s.n) {
		size_t plain = plain_len(s.p + i, s.n - i);

		buf_add(out, s.p + i, plain);
		i += plain;
		if (i < s.n)
			write_escape(out, (unsigned char)s.p[i++]);
	}
}

void js_write_string(struct buf *out, struct slice s)
{
	struct buf clean = BUF_NULL;

	if (!utf8_is_valid(s.p, s.n)) {
		utf8_clean(&clean, s.p, s.n);
		s = buf_slice(&clean);
	}
	buf_reserve(out, s.n + 2);
	buf_add_char(out, '"');
	write_text(out, s);
	buf_add_char(out, '"');
	buf_fini(&clean);
}
