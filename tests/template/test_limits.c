/* SPDX-License-Identifier: MIT */
/*
 * tests/template/test_limits.c - every limit, one below, at it and one above.
 */
#include "template/render.h"
#include "template/syntax_internal.h"
#include "template/value_internal.h"

/* `n` times `part`, between two ends. */
static char *repeated(const char *before, const char *part, size_t n, const char *after)
{
	struct buf out = BUF_NULL;

	buf_add_str(&out, before);
	for (size_t i = 0; i < n; i++)
		buf_add_str(&out, part);
	buf_add_str(&out, after);
	return buf_steal(&out);
}

static bool compiles(const char *text)
{
	struct err e = CLEAN_ERR;
	CLEANUP(template_freep) struct template *t = template_compile(slice_of(text), &e);

	if (t == NULL)
		assert_true(strstr(e.text, "more than") != NULL);
	return t != NULL;
}

static int render_of(const char *text, const struct template_event *ev, size_t max, struct buf *out)
{
	CLEANUP(template_freep) struct template *t = compile(text);

	return template_render(t, ev, max, out);
}

/* --- compiling --- */

static void source_has_a_size(void **state)
{
	(void)state;
	for (size_t n = TEMPLATE_SOURCE_MAX - 1; n <= TEMPLATE_SOURCE_MAX + 1; n++) {
		CLEANUP(freep) char *text = repeated("", "a", n, "");

		assert_int_equal(compiles(text), n <= TEMPLATE_SOURCE_MAX);
	}
}

static void blocks_and_parentheses_have_a_depth(void **state)
{
	(void)state;
	for (size_t n = TEMPLATE_DEPTH_MAX - 1; n <= TEMPLATE_DEPTH_MAX + 1; n++) {
		CLEANUP(freep) char *open = repeated("", "{{ if 1 }}", n, "x");
		CLEANUP(freep) char *blocks = repeated(open, "{{ end }}", n, "");
		CLEANUP(freep) char *left = repeated("{{ ", "(", n, "7");
		CLEANUP(freep) char *groups = repeated(left, ")", n, " }}");
		CLEANUP(freep) char *inner = repeated("{{ with 1 }}{{ ", "(", n - 1, "7");
		CLEANUP(freep) char *both = repeated(inner, ")", n - 1, " }}{{ end }}");

		assert_int_equal(compiles(blocks), n <= TEMPLATE_DEPTH_MAX);
		assert_int_equal(compiles(groups), n <= TEMPLATE_DEPTH_MAX);
		assert_int_equal(compiles(both), n <= TEMPLATE_DEPTH_MAX);
		if (n <= TEMPLATE_DEPTH_MAX) {
			check(blocks, "x");
			check(groups, "7");
			check(both, "7");
		}
	}
}

static void depth_counts_only_what_is_open(void **state)
{
	CLEANUP(freep) char *blocks = repeated("", "{{ if (1) }}{{ end }}", 1000, "");
	CLEANUP(freep)
	char *branches = repeated("{{ if 0 }}", "{{ else if (0) }}", 1000, "{{ else }}x{{ end }}");
	CLEANUP(freep) char *stages = repeated("{{ 1", " | print", 1000, " }}");

	(void)state;
	check(blocks, "");
	check(branches, "x");
	check(stages, "1");
}

static void visible_variables_have_a_number(void **state)
{
	(void)state;
	for (size_t n = VARIABLES_MAX - 1; n <= VARIABLES_MAX + 1; n++) {
		CLEANUP(freep) char *text = repeated("", "{{ $x := 1 }}", n, "{{ $x }}");

		assert_int_equal(compiles(text), n <= VARIABLES_MAX);
		if (n <= VARIABLES_MAX)
			check(text, "1");
	}
}

static void variables_out_of_sight_do_not_count(void **state)
{
	CLEANUP(freep)
	char *text = repeated("", "{{ if 1 }}{{ $x := 1 }}{{ end }}", VARIABLES_MAX + 1, "");

	(void)state;
	assert_true(compiles(text));
}

/* --- output --- */

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
	CLEANUP(buf_fini) struct buf value = BUF_NULL;

	(void)state;
	assert_int_equal(render("a\xc3\xa9", 2, &out), TEMPLATE_E_TOO_LONG);
	assert_string_equal(buf_str(&out), "a");
	assert_int_equal(render("{{ .body.nul }}", 3, &nul), TEMPLATE_E_TOO_LONG);
	assert_string_equal(buf_str(&nul), "a");
	assert_int_equal(render("{{ .body.umlaut }}", 5, &value), TEMPLATE_E_TOO_LONG);
	assert_string_equal(buf_str(&value), "\xc3\xa4\xc3\xb6");
}

static void nothing_is_printed_behind_the_end(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	(void)state;
	assert_int_equal(
		render("{{ range 5 }}ab{{ end }}{{ .body.empty }}c", 3, &out), TEMPLATE_E_TOO_LONG);
	assert_string_equal(buf_str(&out), "aba");
}

/* --- work --- */

static void loops_have_a_number_of_rounds(void **state)
{
	(void)state;
	for (size_t n = TEMPLATE_ROUNDS_MAX - 1; n <= TEMPLATE_ROUNDS_MAX + 1; n++) {
		CLEANUP(buf_fini) struct buf out = BUF_NULL;
		CLEANUP(freep) char *text = xasprintf("{{ range %zu }}x{{ end }}y", n);
		int r = render(text, SIZE_MAX, &out);

		assert_int_equal(r, n <= TEMPLATE_ROUNDS_MAX ? 0 : TEMPLATE_E_TOO_MUCH);
		assert_int_equal(
			out.n, n <= TEMPLATE_ROUNDS_MAX ? n + 1 : (size_t)TEMPLATE_ROUNDS_MAX);
	}
}

static void rounds_of_all_loops_are_counted_together(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	CLEANUP(buf_fini) struct buf more = BUF_NULL;

	(void)state;
	/* 99 outer rounds with 100 each, and one outer round more. */
	assert_int_equal(
		render("{{ range 99 }}{{ range 100 }}x{{ end }}{{ end }}{{ range 1 }}y{{ end }}",
			SIZE_MAX, &out),
		0);
	assert_int_equal(out.n, 9901);
	assert_int_equal(
		render("{{ range 100 }}{{ range 100 }}x{{ end }}{{ end }}", SIZE_MAX, &more),
		TEMPLATE_E_TOO_MUCH);
	assert_int_equal(more.n, TEMPLATE_ROUNDS_MAX - 100);
}

static void text_that_a_function_makes_has_a_size(void **state)
{
	(void)state;
	for (size_t n = MADE_MAX - 1; n <= MADE_MAX + 1; n++) {
		CLEANUP(freep) char *long_text = repeated("", "a", n, "");
		CLEANUP(freep)
		char *body = xasprintf("{\"a\":\"%s\",\"l\":[\"%s\"]}", long_text, long_text);
		struct template_event ev = {.body = slice_of(body)};
		static const char *const made[] = {"print .body.a", "printf \"%s\" .body.a",
			"replace \"x\" \"y\" .body.a", "upper .body.a", "lower .body.a",
			"join \",\" .body.l", "indent 0 .body.a", "json (slice .body.a 2)",
			"printf \"%v\" .body.a"};

		for (size_t i = 0; i < ARRAY_LEN(made); i++) {
			CLEANUP(freep) char *text = xasprintf("<{{ len (%s) }}>", made[i]);
			CLEANUP(buf_fini) struct buf out = BUF_NULL;
			int r = render_of(text, &ev, SIZE_MAX, &out);

			assert_int_equal(r, n <= MADE_MAX ? 0 : TEMPLATE_E_TOO_MUCH);
			if (r != 0)
				assert_string_equal(buf_str(&out), "<");
		}
	}
}

static void text_of_the_event_may_be_larger_than_what_is_made(void **state)
{
	CLEANUP(freep) char *body = repeated("{\"a\":\"\\n", "a", MADE_MAX + 10, "\"}");
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	CLEANUP(buf_fini) struct buf all = BUF_NULL;
	struct template_event ev = {.body = slice_of(body)};

	(void)state;
	assert_int_equal(
		render_of(
			"{{ trunc 2 .body.a | trim }}{{ contains \"b\" .body.a }}{{ len .body.a }}",
			&ev, 100, &out),
		0);
	assert_string_equal(buf_str(&out), "afalse262155");
	assert_int_equal(render_of("{{ .body }}", &ev, MADE_MAX, &all), TEMPLATE_E_TOO_LONG);
	assert_int_equal(all.n, MADE_MAX);
}

static void doubling_a_text_comes_to_an_end(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	(void)state;
	assert_int_equal(
		render("{{ $x := \"ab\" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}{{ $x }}",
			SIZE_MAX, &out),
		TEMPLATE_E_TOO_MUCH);
	assert_int_equal(out.n, 0);
}

static void work_and_memory_of_one_rendering_come_to_an_end(void **state)
{
	static const char *const endless[] = {
		"{{ $x := replace \" \" \"0123456789\" (printf \"%1000s\" \"\") }}"
		"{{ range 10000 }}{{ if contains \"nothing\" $x }}{{ end }}{{ end }}",
		"{{ $x := replace \"\" \",\" (printf \"%1000s\" \"\") }}{{ range 6 }}{{ $x = print $x $x }}"
		"{{ end }}{{ range 10000 }}{{ $y := split \",\" $x }}{{ end }}",
		"{{ $x := replace \" \" \"0123456789\" (printf \"%1000s\" \"\") }}"
		"{{ range 10000 }}{{ $y := upper $x }}{{ end }}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
		CLEANUP(buf_fini) struct buf out = BUF_NULL;

		assert_int_equal(render(endless[i], SIZE_MAX, &out), TEMPLATE_E_TOO_MUCH);
	}
}

/* Lists of 100,000 elements: a dozen of them is all that fits at a time. */
static void memory_of_what_is_printed_or_tested_is_given_back(void **state)
{
	CLEANUP(freep) char *body = repeated("{\"a\":\"", ",", 100000, "\"}");
	CLEANUP(buf_fini) struct buf printed = BUF_NULL;
	CLEANUP(buf_fini) struct buf tested = BUF_NULL;
	CLEANUP(buf_fini) struct buf kept = BUF_NULL;
	struct template_event ev = {.body = slice_of(body)};

	(void)state;
	assert_int_equal(render_of("{{ range 20 }}{{ split \",\" $.body.a | len }}{{ end }}", &ev,
				 1000, &printed),
		0);
	assert_int_equal(render_of("{{ range 20 }}{{ if split \",\" $.body.a }}x{{ end }}{{ end }}",
				 &ev, 1000, &tested),
		0);
	assert_int_equal(render_of("{{ range 20 }}{{ $x := split \",\" $.body.a }}x{{ end }}", &ev,
				 1000, &kept),
		TEMPLATE_E_TOO_MUCH);
	assert_in_range(kept.n, 10, 15);
}

static void looking_into_a_large_object_is_work(void **state)
{
	struct buf body = BUF_NULL;
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct template_event ev;

	(void)state;
	buf_add_str(&body, "{\"o\":{\"a\":1");
	for (unsigned i = 0; i < 9000; i++)
		buf_printf(&body, ",\"k%u\":%u", i, i);
	buf_add_str(&body, "}}");
	ev = (struct template_event){.body = buf_slice(&body)};
	check_event("{{ range 400 }}{{ with $.body.o.k8999 }}{{ end }}{{ end }}.", &ev, ".");
	assert_int_equal(render_of("{{ range 2000 }}{{ with $.body.o.k8999 }}{{ end }}{{ end }}",
				 &ev, 100, &out),
		TEMPLATE_E_TOO_MUCH);
	buf_fini(&body);
}

static void work_is_charged_to_the_last_byte(void **state)
{
	(void)state;
	for (size_t n = 9; n <= 11; n++) {
		struct rendering r = {.work_left = 10};

		assert_int_equal(work_charge(&r, n), n <= 10);
		assert_int_equal(r.stop, n <= 10 ? 0 : TEMPLATE_E_TOO_MUCH);
		assert_int_equal(work_charge(&r, 1), n <= 9);
	}
}

static void arena_gives_what_its_limit_leaves(void **state)
{
	struct arena a = {.left = 64};
	struct arena_mark mark;

	(void)state;
	assert_non_null(arena_take(&a, 48));
	mark = arena_mark(&a);
	assert_null(arena_take(&a, 17));
	assert_null(arena_take(&a, SIZE_MAX));
	assert_non_null(arena_take(&a, 16));
	assert_null(arena_take(&a, 1));
	arena_release(&a, mark);
	assert_non_null(arena_take(&a, 15));
	assert_int_equal(a.left, 0);
	arena_fini(&a);
}

static void arena_goes_back_over_chunks(void **state)
{
	struct arena a = {.left = SIZE_MAX};
	struct arena_mark empty = arena_mark(&a), mark;
	struct slice kept = arena_copy(&a, SLICE_LIT("kept"));
	char *p;

	(void)state;
	mark = arena_mark(&a);
	for (size_t i = 0; i < 100; i++)
		memset(arena_take(&a, 1000), 0xff, 1000);
	arena_release(&a, mark);
	p = arena_take(&a, 3000);
	for (size_t i = 0; i < 3000; i++)
		assert_int_equal(p[i], 0);
	assert_string_equal(kept.p, "kept");
	arena_release(&a, empty);
	assert_null(a.top);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source_has_a_size),
		cmocka_unit_test(blocks_and_parentheses_have_a_depth),
		cmocka_unit_test(depth_counts_only_what_is_open),
		cmocka_unit_test(visible_variables_have_a_number),
		cmocka_unit_test(variables_out_of_sight_do_not_count),
		cmocka_unit_test(output_is_bounded_one_below_at_and_one_above),
		cmocka_unit_test(output_is_cut_between_characters),
		cmocka_unit_test(nothing_is_printed_behind_the_end),
		cmocka_unit_test(loops_have_a_number_of_rounds),
		cmocka_unit_test(rounds_of_all_loops_are_counted_together),
		cmocka_unit_test(text_that_a_function_makes_has_a_size),
		cmocka_unit_test(text_of_the_event_may_be_larger_than_what_is_made),
		cmocka_unit_test(doubling_a_text_comes_to_an_end),
		cmocka_unit_test(work_and_memory_of_one_rendering_come_to_an_end),
		cmocka_unit_test(memory_of_what_is_printed_or_tested_is_given_back),
		cmocka_unit_test(looking_into_a_large_object_is_work),
		cmocka_unit_test(work_is_charged_to_the_last_byte),
		cmocka_unit_test(arena_gives_what_its_limit_leaves),
		cmocka_unit_test(arena_goes_back_over_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
