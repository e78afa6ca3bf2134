/* SPDX-License-Identifier: MIT */
/*
 * The tables as JSON Schema (draft 2020-12), for editors that check and complete while one types.
 *
 * It describes the way in which files are best written. The program itself takes a little more
 * (`yes` for true, a number where a text belongs), so a file that the schema finds fault with may
 * still be fine; one that it likes may still be refused for what no single key can tell.
 */
#include "base/json.h"
#include "config/schema-internal.h"

/* Go's durations with d and w; without a sign, which no key wants. */
#define DURATION "^(0|(([0-9]+[.]?[0-9]*|[.][0-9]+)(ns|us|\xc2\xb5s|\xce\xbcs|ms|s|m|h|d|w))+)$"
#define SIZE     "^[0-9]+([.][0-9]{1,3})?([KkMmGgTt]([Ii]?[Bb])?|[Bb])?$"

static struct js *typed(const char *type)
{
	struct js *j = js_object();

	js_set_str(j, "type", type);
	return j;
}

static struct js *text_of_at_least_one(void)
{
	struct js *j = typed("string");

	js_set_int(j, "minLength", 1);
	return j;
}

static struct js *pattern(const char *regex)
{
	struct js *j = typed("string");

	js_set_str(j, "pattern", regex);
	return j;
}

static void set_bounds(struct js *j, const struct key *k)
{
	if (k->min > INT64_MIN)
		js_set_int(j, "minimum", k->min);
	if (k->max < INT64_MAX)
		js_set_int(j, "maximum", k->max);
}

/* What may stand in a list, or for a variable: YAML reads 1 as a number, we as a text. */
static struct js *scalar(bool anything)
{
	struct js *j = js_object(), *types = js_array();

	js_add_str(types, "string");
	js_add_str(types, "number");
	if (anything) {
		js_add_str(types, "boolean");
		js_add_str(types, "null");
	}
	js_set_take(j, "type", types);
	return j;
}

/* Fills j; the item is taken. */
static void describe_list(struct js *j, struct js *item, int64_t least)
{
	js_set_str(j, "type", "array");
	js_set_take(j, "items", item);
	if (least > 0)
		js_set_int(j, "minItems", least);
}

static struct js *list_of(struct js *item, int64_t least)
{
	struct js *j = js_object();

	describe_list(j, item, least);
	return j;
}

static void one_of(struct js *j, struct js *a, struct js *b)
{
	struct js *both = js_array();

	js_add_take(both, a);
	js_add_take(both, b);
	js_set_take(j, "oneOf", both);
}

static void describe_size(struct js *j, const struct key *k)
{
	struct js *bytes = typed("integer");

	set_bounds(bytes, k);
	one_of(j, pattern(SIZE), bytes);
}

/* A bare number is refused, but for 0. */
static void describe_duration(struct js *j, const struct key *k)
{
	struct js *zero;

	if (k->min > 0) {
		js_set_str(j, "type", "string");
		js_set_str(j, "pattern", DURATION);
		return;
	}
	zero = js_object();
	js_set_int(zero, "const", 0);
	one_of(j, pattern(DURATION), zero);
}

static void describe_words(struct js *j, const struct key *k)
{
	struct js *words = js_array();

	for (size_t i = 0; k->words[i]; i++)
		js_add_str(words, k->words[i]);
	js_set_take(j, "enum", words);
}

static void describe_float(struct js *j, const struct key *k)
{
	js_set_str(j, "type", "number");
	js_set_real(j, "minimum", (double)k->min / 1000);
	js_set_real(j, "maximum", (double)k->max / 1000);
}

static void describe_map(struct js *j)
{
	js_set_str(j, "type", "object");
	js_set_take(j, "additionalProperties", scalar(true));
}

static void describe_type(struct js *j, const struct key *k)
{
	switch (k->type) {
	case KEY_STRING:
	case KEY_TEMPLATE:
	case KEY_HEADER:
	case KEY_TIMESTAMP:
		js_set_str(j, "type", "string");
		break;
	case KEY_SECRET:
		js_set_str(j, "type", "string");
		js_set_int(j, "minLength", 1);
		break;
	case KEY_SECRETS:
		one_of(j, text_of_at_least_one(), list_of(text_of_at_least_one(), 1));
		break;
	case KEY_BOOL:
		js_set_str(j, "type", "boolean");
		break;
	case KEY_INT:
		js_set_str(j, "type", "integer");
		set_bounds(j, k);
		break;
	case KEY_FLOAT:
		describe_float(j, k);
		break;
	case KEY_SIZE:
		describe_size(j, k);
		break;
	case KEY_DURATION:
		describe_duration(j, k);
		break;
	case KEY_LIST:
		describe_list(j, scalar(false), 0);
		break;
	case KEY_COMMAND:
		one_of(j, text_of_at_least_one(), list_of(scalar(false), 1));
		break;
	case KEY_MAP:
		describe_map(j);
		break;
	case KEY_WORD:
		describe_words(j, k);
		break;
	case KEY_BLOCK:
		js_set_str(j, "type", "object");
		break;
	case KEY_IGNORED:
		js_set_bool(j, "deprecated", true);
		break;
	}
}

static void set_default(struct js *j, const struct key *k)
{
	int64_t n = 0;

	if (!k->fallback)
		return;
	if (k->type == KEY_BOOL)
		js_set_bool(j, "default", str_eq(k->fallback, "true"));
	else if (k->type == KEY_INT && number_from_int(k->fallback, &n))
		js_set_int(j, "default", n);
	else if (k->type == KEY_FLOAT && number_from_decimal(k->fallback, &n))
		js_set_real(j, "default", (double)n / 1000);
	else
		js_set_str(j, "default", k->fallback);
}

static struct js *describe(const struct key *k)
{
	struct js *j = js_object();

	js_set_str(j, "description", k->help);
	describe_type(j, k);
	set_default(j, k);
	return j;
}

/* Everything below a path; sections nest in the table's paths and in the schema alike. */
static struct js *section(const struct schema *s, const char *prefix)
{
	struct js *j = typed("object"), *properties = js_object();

	js_set_bool(j, "additionalProperties", false);
	for (size_t i = 0; i < s->count; i++) {
		const char *rest = schema_below(s->keys[i].path, prefix);
		size_t n = rest ? strcspn(rest, ".") : 0;
		CLEANUP(freep) char *name = xstrndup(rest ? rest : "", n);
		CLEANUP(freep) char *path = NULL;

		if (!rest || js_get(properties, name))
			continue;
		path = xasprintf("%s%s%s", prefix, prefix[0] ? "." : "", name);
		js_set_take(properties, name,
			rest[n] == '.' ? section(s, path) : describe(&s->keys[i]));
	}
	js_set_take(j, "properties", properties);
	return j;
}

void config_json_schema(struct buf *out, bool of_pylon)
{
	const struct schema *s = of_pylon ? &schema_pylon : &schema_global;
	CLEANUP(js_freep) struct js *j = section(s, "");
	struct js *required = js_array();

	js_set_str(j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	js_set_str(j, "title", s->file);
	if (of_pylon)
		js_add_str(required, "name");
	js_set_take(j, "required", required);
	js_write_pretty(out, j);
	buf_add_char(out, '\n');
}
