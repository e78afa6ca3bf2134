/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "cmocka.h" /* quoted: it must follow the headers above */
#include "template/template.h"

static const char body_text[] =
	"{ \"n\":1.10, \"s\":\"a\\nb\", \"o\":{\"x-y\":true, \"0\":\"zero\"}, \"null\":null,"
	" \"list\":[10,{\"k\":\"{{ .body.n }}\"},[]], \"nul\":\"a\\u0000b\", \"\xc3\xa9\":\"\xc3\xa9\","
	" \"a.b\":1 }";

static bool lookup(void *ctx, struct slice path, struct buf *out)
{
	(void)ctx;
	if (!slice_eq_str(path, "headers.x-github-event") && !slice_eq_str(path, "job.id"))
		return false;
	buf_printf(out, "<%.*s>", SLICE_ARG(path));
	return true;
}

static struct template *compile(const char *text)
{
	struct err e = CLEAN_ERR;
	struct template *t = template_compile(slice_of(text), &e);

	if (t == NULL)
		print_message("%s: %s\n", text, e.text);
	assert_non_null(t);
	return t;
}

static int render(const char *text, size_t max, struct buf *out)
{
	CLEANUP(template_freep) struct template *t = compile(text);
	CLEANUP(scan_fini) struct scan body = SCAN_NULL_INDEX;
	struct template_input in = {&body, lookup, NULL};

	assert_int_equal(scan_parse(&body, body_text, strlen(body_text), NULL), 0);
	return template_render(t, &in, max, out);
}

static void check(const char *text, const char *expected)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	assert_int_equal(render(text, 4096, &out), 0);
	assert_string_equal(buf_str(&out), expected);
}

static void text_stays_exactly_as_it_is(void **state)
{
	(void)state;
	check("", "");
	check("plain } text }} { with %s \\n $HOME\n\n", "plain } text }} { with %s \\n $HOME\n\n");
	check("a { { b", "a { { b");
	check("\xc3\xa9{", "\xc3\xa9{");
}

static void values_print_as_they_were_sent(void **state)
{
	(void)state;
	check("{{ .body.n }}", "1.10");
	check("{{.body.s}}", "a\nb");
	check("x{{\t.body.o.x-y\n}}y", "xtruey");
	check("{{ .body.null }}", "null");
	check("{{ .body.list }}", "[10,{\"k\":\"{{ .body.n }}\"},[]]");
	check("{{ .body.o }}", "{\"x-y\":true,\"0\":\"zero\"}");
	check("{{ .body.\xc3\xa9 }}", "\xc3\xa9");
}

static void numbers_index_arrays_and_name_members(void **state)
{
	(void)state;
	check("{{ .body.list.0 }}", "10");
	check("{{ .body.o.0 }}", "zero");
	check("{{ .body.list.2 }}", "[]");
}

static void what_is_missing_prints_no_value(void **state)
{
	static const char *const absent[] = {"{{ .body.none }}", "{{ .body.n.x }}",
		"{{ .body.list.3 }}", "{{ .body.list.x }}", "{{ .body.list.-1 }}",
		"{{ .body.null.x }}", "{{ .body.s.0 }}", "{{ .body.a.b }}", "{{ .other }}",
		"{{ .headers.absent }}", "{{ .body.list.99999999999999999999999 }}",
		"{{ .bodyx }}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		check(absent[i], "<no value>");
}

static void inserted_values_are_never_read_again(void **state)
{
	(void)state;
	check("{{ .body.list.1.k }}", "{{ .body.n }}");
}

static void nul_in_a_value_becomes_a_replacement_character(void **state)
{
	(void)state;
	check("{{ .body.nul }}", "a\xef\xbf\xbd"
				 "b");
}

static void other_roots_are_looked_up(void **state)
{
	(void)state;
	check("{{ .headers.x-github-event }} {{ .job.id }}", "<headers.x-github-event> <job.id>");
}

static void without_a_body_it_is_the_empty_object(void **state)
{
	CLEANUP(template_freep)
	struct template *t = compile("{{ .body }} {{ .body.a }} {{ .job.id }}");
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct template_input in = {NULL, NULL, NULL};

	(void)state;
	assert_int_equal(template_render(t, &in, 100, &out), 0);
	assert_string_equal(buf_str(&out), "{} <no value> <no value>");
}

static void whole_body_prints_compact(void **state)
{
	CLEANUP(template_freep) struct template *t = compile("{{ .body }}");
	CLEANUP(scan_fini) struct scan body = SCAN_NULL_INDEX;
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct template_input in = {&body, NULL, NULL};
	static const char text[] = " { \"a\" : [ 1 , \"b c\" ] } ";

	(void)state;
	assert_int_equal(scan_parse(&body, text, strlen(text), NULL), 0);
	assert_int_equal(template_render(t, &in, 100, &out), 0);
	assert_string_equal(buf_str(&out), "{\"a\":[1,\"b c\"]}");
}

static void trim_markers_eat_white_space_up_to_the_next_action(void **state)
{
	(void)state;
	check("a \n{{- .body.n -}}\t b", "a1.10b");
	check("a {{- .body.n }} b", "a1.10 b");
	check("a {{ .body.n -}} b", "a 1.10b");
	check(" {{- .body.n -}} ", "1.10");
	check("a {{ .body.n }} {{- .body.n }} b", "a 1.101.10 b");
	check("{{ .body.n -}} {{ .body.n }}", "1.101.10");
	check("{{ .body.n -}}   {{- .body.n }}", "1.101.10");
	check("{{-\n.body.n\n-}}", "1.10");
}

static void comments_print_nothing(void **state)
{
	(void)state;
	check("a{{/* note */}}b", "ab");
	check("a {{- /* with }} and\nlines */ -}} b", "ab");
	check("{{/**/}}", "");
	check("a {{ /* x */ }} b", "a  b");
}

static void check_error(const char *text, const char *expected_prefix)
{
	struct err e = CLEAN_ERR;

	assert_null(template_compile(slice_of(text), &e));
	if (!str_has_prefix(e.text, expected_prefix))
		print_message("%s -> %s\n", text, e.text);
	assert_true(str_has_prefix(e.text, expected_prefix));
	assert_true(e.code < 0);
	assert_null(template_compile(slice_of(text), NULL));
}

static void errors_have_line_and_column(void **state)
{
	(void)state;
	check_error("{{", "1:1: `{{` without `}}`");
	check_error("a\n\xc3\xa9 {{ .body", "2:3: `{{` without `}}`");
	check_error("{{ }}", "1:4: only values like");
	check_error("{{}}", "1:3: only values like");
	check_error("x\n  {{ if .body.a }}y{{ end }}",
		"2:6: `if` is not understood: `{{ .body.x }}` is");
	check_error("{{ index .body 0 }}", "1:4: `index` is not understood");
	check_error("{{ $x }}", "1:4: only values like");
	check_error("{{ \"text\" }}", "1:4: only values like");
	check_error("{{ . }}", "1:4: name what to insert");
	check_error("{{ .. }}", "1:4: name what to insert");
	check_error("{{ .body. }}", "1:10: a name is missing behind the dot");
	check_error("{{ .body..a }}", "1:10: a name is missing behind the dot");
	check_error("{{ .body.a | upper }}", "1:12: `|` and functions are not understood");
	check_error("{{ .body.a .body.b }}", "1:12: `}}` is missing here");
	check_error("{{ .body.a[0] }}", "1:11: `}}` is missing here");
	check_error("{{ .body.a }", "1:1: `{{` without `}}`");
	check_error("{{-.body.a }}", "1:4: put a blank behind `{{-`");
	check_error("{{ .body.a-}}", "1:11: put a blank before `-}}`");
	check_error("{{- }}", "1:5: only values like");
	check_error("{{/* never ends }}", "1:3: this comment has no end");
	check_error("{{/*/}}", "1:3: this comment has no end");
	check_error("{{/* a */ x }}", "1:11: `}}` is missing here");
	check_error("{{ .body.a - }}", "1:12: `}}` is missing here");
}

static void output_is_bounded_one_below_at_and_one_above(void **state)
{
	static const char text[] = "ab{{ .body.s }}cd"; /* 7 bytes */

	(void)state;
	for (size_t max = 0; max <= 8; max++) {
		CLEANUP(buf_fini) struct buf out = BUF_NULL;
		int r;

		buf_add_str(&out, "kept");
		r = render(text, max, &out);
		assert_int_equal(r, max >= 7 ? 0 : TEMPLATE_E_TOO_LONG);
		assert_int_equal(out.n, 4 + (max < 7 ? max : 7));
		assert_memory_equal(out.p, "keptaba\nbcd", out.n);
	}
}

static void output_is_cut_between_characters(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	CLEANUP(buf_fini) struct buf nul = BUF_NULL;

	(void)state;
	assert_int_equal(render("a\xc3\xa9", 2, &out), TEMPLATE_E_TOO_LONG);
	assert_string_equal(buf_str(&out), "a");
	assert_int_equal(render("{{ .body.nul }}", 3, &nul), TEMPLATE_E_TOO_LONG);
	assert_string_equal(buf_str(&nul), "a");
}

static void template_keeps_its_own_copy_of_the_text(void **state)
{
	char text[] = "a{{ .body.n }}";
	CLEANUP(template_freep) struct template *t = compile(text);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct template_input in = {NULL, NULL, NULL};

	(void)state;
	memset(text, 'x', strlen(text));
	assert_int_equal(template_render(t, &in, SIZE_MAX, &out), 0);
	assert_string_equal(buf_str(&out), "a<no value>");
	template_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_stays_exactly_as_it_is),
		cmocka_unit_test(values_print_as_they_were_sent),
		cmocka_unit_test(numbers_index_arrays_and_name_members),
		cmocka_unit_test(what_is_missing_prints_no_value),
		cmocka_unit_test(inserted_values_are_never_read_again),
		cmocka_unit_test(nul_in_a_value_becomes_a_replacement_character),
		cmocka_unit_test(other_roots_are_looked_up),
		cmocka_unit_test(without_a_body_it_is_the_empty_object),
		cmocka_unit_test(whole_body_prints_compact),
		cmocka_unit_test(trim_markers_eat_white_space_up_to_the_next_action),
		cmocka_unit_test(comments_print_nothing),
		cmocka_unit_test(errors_have_line_and_column),
		cmocka_unit_test(output_is_bounded_one_below_at_and_one_above),
		cmocka_unit_test(output_is_cut_between_characters),
		cmocka_unit_test(template_keeps_its_own_copy_of_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
