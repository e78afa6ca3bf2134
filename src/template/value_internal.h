/* SPDX-License-Identifier: MIT */
/*
 * template/value_internal.h - what expressions are made of, and one rendering.
 *
 * A value borrows: from the event's JSON, from the template, or from the arena of its rendering. It
 * is copied like a number and never freed. Text in values is well-formed UTF-8 (everything that
 * comes in is checked or mended), so whatever cuts one only has to cut between characters.
 *
 * Everything a rendering does is charged to it (work_charge, arena, rounds). Once a limit is
 * reached, `stop` is set: functions may return anything then, since nothing is printed any more.
 */
#ifndef PYLON_TEMPLATE_VALUE_INTERNAL_H
#define PYLON_TEMPLATE_VALUE_INTERNAL_H

#include "base/scan.h"
#include "template/arena_internal.h"
#include "template/template.h"

#define MADE_MAX    ((size_t)256 << 10) /* bytes of one text that a function makes */
#define ARENA_MAX   ((size_t)32 << 20)  /* bytes of all that a rendering holds at a time */
#define WORK_MAX    ((size_t)32 << 20)  /* about the bytes that a rendering may look at */
#define WORK_STEP   32                  /* what evaluating one thing costs, in bytes */
#define WORK_MEMBER 8                   /* looking at one member or element, */
#define WORK_PIECE  8                   /* adding one piece to a text, */
#define WORK_DOUBLE 2000                /* and writing a number that goes through a double */
#define NUMBER_MAX  1000                /* digits a number may be written out to */

#define MISSING_TEXT "<no value>"

enum value_type {
	VALUE_MISSING,
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_NUMBER, /* its text: JSON's grammar */
	VALUE_STRING,
	VALUE_JSON, /* an array or object of the event */
	VALUE_LIST, /* made by a function */
	VALUE_ROOT, /* what .body, .headers ... are members of */
};

struct value {
	enum value_type type;
	union {
		bool is_true;
		struct slice text;
		struct {
			const struct scan *scan;
			const struct scan_node *node;
		} json;
		struct {
			const struct value *items;
			size_t n;
		} list;
	};
};

/* One member of VALUE_ROOT as JSON; made when it is first asked for. */
struct root {
	bool is_made;
	struct buf text; /* what `own` indexes, when the event had no JSON of it */
	struct scan own; /* unless the caller had an index */
	struct value value;
};

enum root_name { ROOT_BODY, ROOT_HEADERS, ROOT_QUERY, ROOT_JOB, ROOT_EVENT, ROOT_NAMES };

struct rendering {
	const struct template_event *event;
	struct root roots[ROOT_NAMES];
	struct arena arena;
	struct buf made;    /* the text being made (text_*) */
	struct buf scratch; /* one piece of it */
	size_t work_left;
	unsigned rounds_left;
	int stop; /* 0 or TEMPLATE_E_* */
	struct value dot;
	struct value *slots; /* of the variables */
	struct buf *out;
	size_t out_end; /* largest size of *out */
};

/* --- value.c --- */

static inline struct value value_missing(void)
{
	return (struct value){.type = VALUE_MISSING};
}

static inline struct value value_bool(bool is_true)
{
	return (struct value){.type = VALUE_BOOL, .is_true = is_true};
}

static inline struct value value_string(struct slice text)
{
	return (struct value){.type = VALUE_STRING, .text = text};
}

/* Missing and null: what Go calls nil. */
static inline bool value_is_nothing(const struct value *v)
{
	return v->type == VALUE_MISSING || v->type == VALUE_NULL;
}

/* A limit is reached. */
void too_much(struct rendering *r);
/* False (and `stop`) when the rendering has no work left for so many bytes. */
bool work_charge(struct rendering *r, size_t bytes);

struct value value_of_node(
	struct rendering *r, const struct scan *scan, const struct scan_node *node);
struct value value_number(struct rendering *r, int64_t n);
struct value value_list(const struct value *items, size_t n);
bool value_is_true(const struct value *v);
/* Text of a string, number or boolean; false for everything else. */
bool value_text(const struct value *v, struct slice *ret);
/* Member by name, or element by number; missing when there is none. */
struct value value_member(struct rendering *r, const struct value *v, struct slice name);
/* For whoever walks through a list: how many elements, false when it is none. */
bool value_count(const struct value *v, size_t *ret);

/* Walks through an array or a made list, one after the other. */
struct walk {
	struct value of;
	size_t i;
	const struct scan_node *node;
};
struct walk walk_start(const struct value *list);
/* False at the end, and when the rendering has stopped. */
bool walk_next(struct rendering *r, struct walk *w, struct value *ret);

/* "string", "number" ... for people. */
const char *value_type_name(const struct value *v);

/* --- text.c: making a text, never larger than MADE_MAX --- */

/* One at a time: whoever makes a text does not evaluate anything meanwhile. */
void text_start(struct rendering *r);
/* False (and `stop`) when it gets too large. */
bool text_add(struct rendering *r, struct slice s);
bool text_add_char(struct rendering *r, char c);
bool text_pad(struct rendering *r, char c, size_t n);
/* As it prints, and as JSON. */
bool text_add_value(struct rendering *r, const struct value *v);
bool text_add_json(struct rendering *r, const struct value *v);
struct value text_end(struct rendering *r);

/* --- compare.c --- */

bool value_equal(struct rendering *r, const struct value *a, const struct value *b);
/* *ret < 0, 0, > 0; false when the two have no order. */
bool value_order(struct rendering *r, const struct value *a, const struct value *b, int *ret);

/* --- number.c: numbers as text in JSON's grammar --- */

bool number_is_zero(struct slice number);
/* Exact, by value: 1e2 is 100. */
int number_compare(struct slice a, struct slice b);
/* False when it is no whole number of that size. */
bool number_to_i64(struct slice number, int64_t *ret);
/* Appends a whole number in plain digits; false when it is not whole, or has too many digits. */
bool number_add_whole(struct buf *out, struct slice number);
/* Appends it with so many digits behind the point, a half rounded to even; false when it has too
 * many digits before it. */
bool number_add_fixed(struct buf *out, struct slice number, size_t places);

/* --- roots.c --- */

struct value root_member(struct rendering *r, struct slice name);
void roots_fini(struct rendering *r);

/* --- utf8.c --- */

/* Bytes of the first n characters (fewer when there are fewer). */
size_t chars_size(struct slice s, size_t n);
size_t chars_count(struct slice s);
/* The start of the character that position `at` is in. */
size_t chars_boundary(struct slice s, size_t at);
struct slice chars_trim(struct slice s);
/* Appends s in upper or lower case. */
void chars_add_case(struct buf *out, struct slice s, bool is_upper);
/* Appends s with what is no UTF-8 replaced by U+FFFD. */
void chars_add_mended(struct buf *out, struct slice s);
/* Appends one character; false when there is none of that number. */
bool chars_add(struct buf *out, uint64_t c);
uint32_t chars_first(struct slice s);

/* --- text_functions.c, format.c: functions of the table --- */

typedef struct value function_fn(struct rendering *r, const struct value *args, size_t n);

function_fn text_default, text_join, text_split, text_replace, text_trim, text_lower, text_upper,
	text_trunc, text_contains, text_has_prefix, text_has_suffix, text_json, text_indent,
	text_date, text_print;
function_fn format_printf;

/* --- date.c --- */

/* False when the moment (seconds since 1970) is not in the years 0 to 9999. */
bool date_add(struct buf *out, struct slice layout, int64_t seconds, uint32_t nanoseconds);
/* RFC 3339, and a date alone. */
bool date_parse(struct slice text, int64_t *ret_seconds, uint32_t *ret_nanoseconds);

#endif
