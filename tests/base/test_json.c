/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/json.h"
#include "cmocka.h" /* quoted: it must follow the headers above */

static void check_text(const struct js *j, const char *expected)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	js_write(&out, j);
	assert_string_equal(buf_str(&out), expected);
}

static struct js *parse(const char *text)
{
	struct err e = CLEAN_ERR;
	struct js *j = js_parse(text, strlen(text), &e);

	if (j == NULL)
		print_message("%s: %s\n", text, e.text);
	assert_non_null(j);
	return j;
}

static void document_is_written_in_the_order_it_was_built(void **state)
{
	CLEANUP(js_freep) struct js *j = js_object();
	struct js *list = js_array();

	(void)state;
	js_set_str(j, "z", "text");
	js_set_str(j, "none", NULL);
	js_set_strn(j, "n", "cut here", 3);
	js_set_int(j, "int", INT64_MIN);
	js_set_real(j, "real", 0.1);
	js_set_bool(j, "yes", true);
	js_set_null(j, "null");
	js_add_str(list, "a");
	js_add_str(list, NULL);
	js_add_take(list, js_object());
	js_add_take(list, NULL);
	js_set_take(j, "list", list);
	js_set_take(j, "nothing", NULL);
	js_set_json(j, "raw", "[1, {\"a\":2}]");
	js_set_json(j, "bad", "[1,");
	js_set_json(j, "absent", NULL);
	check_text(j, "{\"z\":\"text\",\"none\":null,\"n\":\"cut\",\"int\":-9223372036854775808,"
		      "\"real\":0.1,\"yes\":true,\"null\":null,\"list\":[\"a\",null,{},null],"
		      "\"nothing\":null,\"raw\":[1,{\"a\":2}],\"bad\":null,\"absent\":null}");
}

static void setting_again_replaces(void **state)
{
	CLEANUP(js_freep) struct js *j = js_object();

	(void)state;
	js_set_int(j, "a", 1);
	js_set_int(j, "a", 2);
	check_text(j, "{\"a\":2}");
}

static void text_that_is_not_utf8_is_cleaned(void **state)
{
	CLEANUP(js_freep) struct js *j = js_object();

	(void)state;
	js_set_str(j, "a",
		"x\xff"
		"y");
	js_set_str(j, "k\xff", "v");
	check_text(j, "{\"a\":\"x\xef\xbf\xbdy\",\"k\xef\xbf\xbd\":\"v\"}");
}

static void reals_without_a_json_form_become_null(void **state)
{
	CLEANUP(js_freep) struct js *j = js_object();

	(void)state;
	js_set_real(j, "nan", NAN);
	js_set_real(j, "inf", INFINITY);
	js_set_real(j, "cost", 0.0123456789);
	check_text(j, "{\"nan\":null,\"inf\":null,\"cost\":0.0123456789}");
}

static void times_are_written_as_utc_with_milliseconds(void **state)
{
	CLEANUP(js_freep) struct js *j = js_object();

	(void)state;
	js_set_time(j, "none", 0);
	js_set_time(j, "a", INT64_C(1614265330123999));
	js_set_time(j, "before", -1);
	js_set_time(j, "leap", INT64_C(951827696000000));
	check_text(j,
		"{\"none\":null,\"a\":\"2021-02-25T15:02:10.123Z\","
		"\"before\":\"1969-12-31T23:59:59.999Z\",\"leap\":\"2000-02-29T12:34:56.000Z\"}");
}

static void reading_says_absent_for_every_wrong_type(void **state)
{
	CLEANUP(js_freep)
	struct js *j =
		parse("{\"s\":\"x\",\"i\":7,\"r\":1.5,\"b\":true,\"a\":[1,2],\"o\":{},\"z\":null}");

	(void)state;
	assert_string_equal(js_get_str(j, "s"), "x");
	assert_null(js_get_str(j, "i"));
	assert_null(js_get_str(j, "absent"));
	assert_null(js_get_str(NULL, "s"));
	assert_int_equal(js_get_int(j, "i", -1), 7);
	assert_int_equal(js_get_int(j, "s", -1), -1);
	assert_int_equal(js_get_int(j, "r", -1), -1);
	assert_int_equal(js_get_int(NULL, "i", -1), -1);
	assert_true(js_get_real(j, "r", 0) == 1.5);
	assert_true(js_get_real(j, "i", 0) == 7.0);
	assert_true(js_get_real(j, "s", 2.5) == 2.5);
	assert_true(js_get_bool(j, "b", false));
	assert_true(js_get_bool(j, "i", true));
	assert_false(js_get_bool(j, "z", false));
	assert_int_equal(js_len(js_get(j, "a")), 2);
	assert_int_equal(js_len(js_get(j, "o")), 0);
	assert_int_equal(js_len(NULL), 0);
	assert_non_null(js_at(js_get(j, "a"), 1));
	assert_null(js_at(js_get(j, "a"), 2));
	assert_null(js_at(NULL, 0));
	assert_null(js_str(js_get(j, "z")));
	assert_true(js_is_object(j) && js_is_array(js_get(j, "a")));
	assert_false(js_is_object(NULL) || js_is_array(NULL) || js_is_array(j));
	js_free(NULL);
}

static void whole_reals_are_read_as_integers(void **state)
{
	CLEANUP(js_freep)
	struct js *j = parse(
		"{\"a\":3.0,\"b\":1e3,\"big\":1e19,\"low\":-9223372036854775808.0,\"c\":-2.5}");

	(void)state;
	assert_int_equal(js_get_int(j, "a", 0), 3);
	assert_int_equal(js_get_int(j, "b", 0), 1000);
	assert_int_equal(js_get_int(j, "big", 5), 5);
	assert_true(js_get_int(j, "low", 0) == INT64_MIN);
	assert_int_equal(js_get_int(j, "c", 5), 5);
}

static void integers_beyond_64_bits_do_not_spoil_the_document(void **state)
{
	CLEANUP(js_freep)
	struct js *j = parse("{\"limit\":18446744073709551615,\"small\":42,\"s\":\"x\"}");

	(void)state;
	assert_true(js_get_real(j, "limit", 0) > 1.8e19);
	assert_int_equal(js_get_int(j, "small", 0), 42);
	assert_string_equal(js_get_str(j, "s"), "x");
}

static void any_value_may_be_a_document(void **state)
{
	static const char *const texts[] = {"null", "true", "7", "\"s\"", "[]", "{}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(js_freep) struct js *j = parse(texts[i]);

		check_text(j, texts[i]);
	}
}

static void bad_documents_are_refused_with_their_position(void **state)
{
	static const char *const texts[] = {"", "{", "{\"a\":1,}", "[1] x", "{\"a\":1,\"a\":2}",
		"\"\xff\"", "nul", "\"a\\u0000b\"", "1e999"};
	struct err e = CLEAN_ERR;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		e = CLEAN_ERR;
		assert_null(js_parse(texts[i], strlen(texts[i]), &e));
		assert_true(e.code < 0);
	}
	assert_null(js_parse("{\n  \"a\": ?\n}", 11, &e));
	assert_true(str_has_prefix(e.text, "2:"));
	assert_null(js_parse("{", 1, NULL));
	assert_null(js_parse("1\0x", 3, NULL));
	assert_null(js_parse("[1]\0", 4, NULL));
	assert_null(js_parse(NULL, 0, &e));
}

static void append_key(const char *key, const struct js *value, void *ctx)
{
	buf_printf(ctx, "%s=%s;", key, js_str(value));
}

static void members_are_visited_in_order(void **state)
{
	CLEANUP(js_freep) struct js *j = parse("{\"z\":\"1\",\"a\":\"2\",\"m\":\"3\"}");
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	(void)state;
	js_each(j, append_key, &out);
	js_each(NULL, append_key, &out);
	js_each(js_get(j, "z"), append_key, &out);
	assert_string_equal(buf_str(&out), "z=1;a=2;m=3;");
}

static void pretty_text_is_indented_by_two(void **state)
{
	CLEANUP(js_freep) struct js *j = parse("{\"a\":[1]}");
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	(void)state;
	js_write_pretty(&out, j);
	assert_string_equal(buf_str(&out), "{\n  \"a\": [\n    1\n  ]\n}");
}

static void strings_are_escaped_and_read_back_the_same(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	CLEANUP(buf_fini) struct buf all = BUF_NULL;
	CLEANUP(js_freep) struct js *j = NULL;

	(void)state;
	js_write_string(&out, SLICE_LIT("a\"b\\c\n\t\x01/\x7f\xc3\xa9"));
	assert_string_equal(buf_str(&out), "\"a\\\"b\\\\c\\n\\t\\u0001/\x7f\xc3\xa9\"");
	buf_clear(&out);
	js_write_string(&out, (struct slice){"\0", 1});
	js_write_string(&out, SLICE_NULL);
	js_write_string(&out, SLICE_LIT("\xff"));
	assert_string_equal(buf_str(&out), "\"\\u0000\"\"\"\"\xef\xbf\xbd\"");
	for (char c = 1; c < 0x7f; c++)
		buf_add_char(&all, c);
	buf_clear(&out);
	js_write_string(&out, buf_slice(&all));
	j = js_parse(out.p, out.n, NULL);
	assert_string_equal(js_str(j), buf_str(&all));
}

static size_t escaped_extra(int c)
{
	if (strchr("\"\\\b\f\n\r\t", c) != NULL)
		return 1;
	return c < 0x20 ? 5 : 0;
}

/* Plain text is copied eight bytes at a time. */
static void every_byte_is_escaped_wherever_it_stands(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	char text[20] = "";

	(void)state;
	for (size_t at = 0; at + 3 < sizeof(text); at++) {
		for (int c = 1; c < 0x80; c++) {
			CLEANUP(js_freep) struct js *j = NULL;

			memset(text, ' ', sizeof(text) - 1);
			memcpy(text + at + 1, "\xc3\xa9", 2);
			text[at] = (char)c;
			buf_clear(&out);
			js_write_string(&out, slice_of(text));
			assert_int_equal(out.n, sizeof(text) - 1 + 2 + escaped_extra(c));
			j = js_parse(out.p, out.n, NULL);
			assert_string_equal(js_str(j), text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(document_is_written_in_the_order_it_was_built),
		cmocka_unit_test(setting_again_replaces),
		cmocka_unit_test(text_that_is_not_utf8_is_cleaned),
		cmocka_unit_test(reals_without_a_json_form_become_null),
		cmocka_unit_test(times_are_written_as_utc_with_milliseconds),
		cmocka_unit_test(reading_says_absent_for_every_wrong_type),
		cmocka_unit_test(whole_reals_are_read_as_integers),
		cmocka_unit_test(integers_beyond_64_bits_do_not_spoil_the_document),
		cmocka_unit_test(any_value_may_be_a_document),
		cmocka_unit_test(bad_documents_are_refused_with_their_position),
		cmocka_unit_test(members_are_visited_in_order),
		cmocka_unit_test(pretty_text_is_indented_by_two),
		cmocka_unit_test(strings_are_escaped_and_read_back_the_same),
		cmocka_unit_test(every_byte_is_escaped_wherever_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
