/* SPDX-License-Identifier: MIT */
/*
 * base/json.h - JSON documents (RFC 8259) that the program itself makes or reads: API bodies,
 * engine answers, agents' results. A thin skin over jansson, so that no other room depends on it.
 * Bodies of webhooks do not come through here: base/scan.h indexes them without changing a digit.
 *
 * A `struct js` is a reference-counted value. js_parse() and js_object()/js_array() give the
 * caller one reference (js_free()); js_get() and js_at() borrow from their parent. The js_set_*
 * and js_add_* functions copy their argument, except *_take, which take over the reference.
 */
#ifndef PYLON_BASE_JSON_H
#define PYLON_BASE_JSON_H

#include "base/err.h"
#include "base/str.h"

struct js;

void js_free(struct js *j);
DEFINE_FREEP(struct js, js_free)

/* Parses n bytes; duplicate keys are refused. NULL with *e (line:column in the text) on failure. */
struct js *js_parse(const char *p, size_t n, struct err *e);

struct js *js_object(void);
struct js *js_array(void);

/* Building. A NULL string becomes null. Strings that are not UTF-8 are cleaned (utf8_clean). */
void js_set_str(struct js *obj, const char *key, const char *value);
void js_set_strn(struct js *obj, const char *key, const char *value, size_t n);
void js_set_int(struct js *obj, const char *key, int64_t value);
void js_set_real(struct js *obj, const char *key, double value);
void js_set_bool(struct js *obj, const char *key, bool value);
void js_set_null(struct js *obj, const char *key);
void js_set_take(struct js *obj, const char *key, struct js *value);
/* Parses `text` and sets the value; sets null when it is NULL or not JSON. */
void js_set_json(struct js *obj, const char *key, const char *text);
/* A wall-clock instant in microseconds as RFC 3339 UTC with milliseconds; 0 becomes null. */
void js_set_time(struct js *obj, const char *key, int64_t real_us);
void js_add_str(struct js *arr, const char *value);
void js_add_take(struct js *arr, struct js *value);

/* Reading; every function accepts NULL and a value of another type (and then says "absent"). */
const struct js *js_get(const struct js *obj, const char *key);
const struct js *js_at(const struct js *arr, size_t i);
size_t js_len(const struct js *arr);
bool js_is_object(const struct js *j);
bool js_is_array(const struct js *j);
/* Text of a string value (borrowed), NULL when it is not one. */
const char *js_str(const struct js *j);
/* Text at obj[key], NULL when absent. */
const char *js_get_str(const struct js *obj, const char *key);
/* Is it a whole number? Then *ret is it. */
bool js_int(const struct js *j, int64_t *ret);
int64_t js_get_int(const struct js *obj, const char *key, int64_t fallback);
double js_get_real(const struct js *obj, const char *key, double fallback);
bool js_get_bool(const struct js *obj, const char *key, bool fallback);
/* Calls fn for each member of an object, in order. */
void js_each(const struct js *obj, void (*fn)(const char *key, const struct js *value, void *ctx),
	void *ctx);

/* Appends the compact text (keys in the order they were set). */
void js_write(struct buf *out, const struct js *j);
/* Appends text indented by two spaces, for people. */
void js_write_pretty(struct buf *out, const struct js *j);
/* Appends s as a JSON string with its quotes. */
void js_write_string(struct buf *out, struct slice s);

#endif
