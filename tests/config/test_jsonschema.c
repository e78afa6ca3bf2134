/* SPDX-License-Identifier: MIT */
/*
 * tests/config/test_jsonschema.c - the schema for editors says what the tables say, and every
 * default is a value that it likes.
 */
#include <regex.h>

#include "base/json.h"
#include "config/config-internal.h"
#include "lib/t.h"

static struct js *schema(bool of_pylon)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct err e = CLEAN_ERR;
	struct js *j;

	config_json_schema(&out, of_pylon);
	j = js_parse(out.p, out.n, &e);
	assert_non_null(j);
	assert_int_equal(out.p[out.n - 1], '\n');
	return j;
}

/* The subschema of a key; the sections above it take no other keys. */
static const struct js *at(const struct js *j, const char *path)
{
	CLEANUP(freep) char *copy = xstrdup(path);
	char *rest = copy, *name;

	while ((name = strsep(&rest, "."))) {
		assert_string_equal(js_get_str(j, "type"), "object");
		assert_false(js_get_bool(j, "additionalProperties", true));
		j = js_get(js_get(j, "properties"), name);
		assert_non_null(j);
	}
	return j;
}

static bool fits(const char *regex, const char *text)
{
	regex_t re;
	bool is_match;

	assert_int_equal(regcomp(&re, regex, REG_EXTENDED | REG_NOSUB), 0);
	is_match = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return is_match;
}

/* The little of JSON Schema that defaults need. */
static bool likes_text(const struct js *j, const char *text)
{
	const struct js *words = js_get(j, "enum");
	const char *regex = js_get_str(j, "pattern");
	bool found = words == NULL;

	for (size_t i = 0; js_len(js_get(j, "oneOf")) > i; i++)
		if (likes_text(js_at(js_get(j, "oneOf"), i), text))
			return true;
	for (size_t i = 0; i < js_len(words); i++)
		found |= str_eq(js_str(js_at(words, i)), text);
	return found && (words || str_eq(js_get_str(j, "type"), "string")) &&
	       (!regex || fits(regex, text));
}

static void check_default(const struct js *j, const struct key *k)
{
	const struct js *value = js_get(j, "default");

	assert_int_equal(value != NULL, k->fallback != NULL);
	if (!value)
		return;
	if (js_str(value)) {
		assert_string_equal(js_str(value), k->fallback);
		if (!likes_text(j, js_str(value)))
			fail_msg("%s does not like its default", k->path);
		return;
	}
	if (k->type == KEY_INT) {
		assert_string_equal(js_get_str(j, "type"), "integer");
		assert_true(js_get_int(j, "default", INT64_MIN) >= k->min);
		assert_true(js_get_int(j, "default", INT64_MAX) <= k->max);
		assert_int_equal(js_get_int(j, "minimum", k->min), k->min);
		assert_int_equal(js_get_int(j, "maximum", k->max), k->max);
	} else if (k->type == KEY_FLOAT) {
		assert_string_equal(js_get_str(j, "type"), "number");
		assert_true(js_get_real(j, "default", -1) >= js_get_real(j, "minimum", 0));
	} else {
		assert_int_equal(k->type, KEY_BOOL);
		assert_int_equal(js_get_bool(j, "default", !str_eq(k->fallback, "true")),
			str_eq(k->fallback, "true"));
	}
}

static void every_key_is_described_with_its_default(void **state UNUSED)
{
	for (int of_pylon = 0; of_pylon <= 1; of_pylon++) {
		const struct schema *s = of_pylon ? &schema_pylon : &schema_global;
		CLEANUP(js_freep) struct js *j = schema(of_pylon);

		assert_string_equal(
			js_get_str(j, "$schema"), "https://json-schema.org/draft/2020-12/schema");
		for (size_t i = 0; i < s->count; i++) {
			const struct js *key = at(j, s->keys[i].path);

			assert_string_equal(js_get_str(key, "description"), s->keys[i].help);
			check_default(key, &s->keys[i]);
		}
	}
}

static void name_is_required_in_a_pylon_only(void **state UNUSED)
{
	CLEANUP(js_freep) struct js *pylon = schema(true);
	CLEANUP(js_freep) struct js *global = schema(false);

	assert_int_equal(js_len(js_get(pylon, "required")), 1);
	assert_string_equal(js_str(js_at(js_get(pylon, "required"), 0)), "name");
	assert_int_equal(js_len(js_get(global, "required")), 0);
}

/* What the patterns take is what the program takes. */
static void patterns_agree_with_the_parsers(void **state UNUSED)
{
	static const char *const durations[] = {"0", "5", "1h30m", "1.5h", ".5s", "5.s", "7d", "2w",
		"300ms", "1\xc2\xb5s", "1\xce\xbcs", "1us", "1h 30m", "h", "", ".", "1x", "1hh",
		"00", "1H"};
	static const char *const sizes[] = {"1", "512", "1KiB", "1.5GiB", "2G", "1kb", "3B", "1T",
		"", "x", "1.5", "1 MiB", "1PiB", "-1", "1.1234G", "1Kb", "1Ki"};
	CLEANUP(js_freep) struct js *j = schema(true);
	const struct js *duration = at(j, "trigger.jitter"), *size = at(j, "agent.memory");

	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		CLEANUP(freep)
		char *yaml =
			xasprintf("name: c\ntrigger: {catch_up_window: \"%s\"}\n", durations[i]);
		struct problems problems = {NULL, 0};
		struct report r = report_start(&problems, "f");
		struct form f = {0};

		/* Nothing at all is as if the key were not there. */
		(void)form_read(&f, &schema_pylon, &r, NULL, slice_of(yaml));
		if (likes_text(duration, durations[i]) != !r.is_fatal && durations[i][0] != '\0')
			fail_msg("duration \"%s\"", durations[i]);
		form_fini(&f);
		problems_fini(&problems);
	}
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		int64_t n;
		bool is_size = number_from_size(sizes[i], &n);

		if (is_size && !likes_text(size, sizes[i]))
			fail_msg("size \"%s\"", sizes[i]);
	}
	assert_false(likes_text(size, "x") || likes_text(size, "") || likes_text(size, "1 MiB") ||
		     likes_text(size, "1PiB"));
}

static void lists_may_be_one_text_where_the_program_takes_one(void **state UNUSED)
{
	static const char *const keys[] = {"trigger.secret", "agent.command"};
	CLEANUP(js_freep) struct js *j = schema(true);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct js *both = js_get(at(j, keys[i]), "oneOf");

		assert_int_equal(js_len(both), 2);
		assert_string_equal(js_get_str(js_at(both, 0), "type"), "string");
		assert_string_equal(js_get_str(js_at(both, 1), "type"), "array");
		assert_int_equal(js_get_int(js_at(both, 1), "minItems", 0), 1);
	}
	assert_string_equal(js_get_str(at(j, "agent.volumes"), "type"), "array");
	assert_string_equal(js_get_str(at(j, "agent.env"), "type"), "object");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_described_with_its_default),
		cmocka_unit_test(name_is_required_in_a_pylon_only),
		cmocka_unit_test(patterns_agree_with_the_parsers),
		cmocka_unit_test(lists_may_be_one_text_where_the_program_takes_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
