/* SPDX-License-Identifier: MIT */
/*
 * tests/template/test_template.c - the language: values, trimming, blocks, loops, variables.
 */
#include "template/render.h"

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
	check("{{ .body.big }}", "9007199254740993");
	check("{{ .body.list }}", "[10,{\"k\":\"{{ .body.n }}\"},[]]");
	check("{{ .body.o }}", "{\"x-y\":true,\"0\":\"zero\"}");
	check("{{ .body.\xc3\xa9 }}", "\xc3\xa9");
	check_body("{{ .body.a }} {{ .body.b }} {{ .body.c }}",
		"{\"a\":-0,\"b\":1e21,\"c\":12345678901234567890}", "-0 1e21 12345678901234567890");
}

static void numbers_index_arrays_and_name_members(void **state)
{
	(void)state;
	check("{{ .body.list.0 }}", "10");
	check("{{ .body.o.0 }}", "zero");
	check("{{ .body.list.2 }}", "[]");
	check("{{ .body.people.1.name }}", "Bob");
}

static void what_is_missing_prints_no_value(void **state)
{
	static const char *const absent[] = {"{{ .body.nope }}", "{{ .body.n.x }}",
		"{{ .body.list.3 }}", "{{ .body.list.x }}", "{{ .body.list.-1 }}",
		"{{ .body.null.x }}", "{{ .body.s.0 }}", "{{ .body.a.b }}", "{{ .other }}",
		"{{ .headers.absent }}", "{{ .body.list.99999999999999999999999 }}", "{{ .bodyx }}",
		"{{ . }}", "{{ $ }}", "{{ .query.absent }}", "{{ .job.absent }}",
		"{{ .event.type }}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		check(absent[i], "<no value>");
}

static void inserted_values_are_never_read_again(void **state)
{
	(void)state;
	check("{{ .body.list.1.k }}", "{{ .body.n }}");
	check("{{ print \"{{ .body\" \".n }}\" }}", "{{ .body.n }}");
}

static void nul_in_a_value_becomes_a_replacement_character(void **state)
{
	(void)state;
	check("{{ .body.nul }}", "a\xef\xbf\xbd"
				 "b");
	check("{{ print \"\\x00\" }}", "\xef\xbf\xbd");
}

/* --- roots --- */

static void headers_job_and_event_have_their_members(void **state)
{
	(void)state;
	check("{{ .headers.x-github-event }}", "push");
	check("{{ .job.id }} {{ .job.pylon }} {{ .job.created_at }} {{ .job.attempt }}",
		"0193-id sentry 2026-11-20T09:08:07.654Z 2");
	check("{{ .event.source }} {{ .event.received_at }} {{ .event.delivery_id }}",
		"webhook 2026-11-20T09:08:06.000Z d-1");
	check("{{ .job }}", "{\"id\":\"0193-id\",\"pylon\":\"sentry\","
			    "\"created_at\":\"2026-11-20T09:08:07.654Z\",\"attempt\":2}");
	check("{{ len .headers }}{{ range $k, $v := .headers }} {{ $k }}{{ end }}",
		"2 content-type x-github-event");
}

static void query_is_decoded_and_the_first_of_a_name_counts(void **state)
{
	(void)state;
	check("{{ .query.a }}", "1");
	check("{{ .query.b }}", "x y z");
	check("[{{ .query.flag }}]", "[]");
	check("{{ .query.\xc3\xa9 }}", "\xe2\x82\xac");
	check("{{ .query.bad }}", "%zz%4");
	check("{{ .query.nul }}{{ .query.ill }}", "\xef\xbf\xbd\xef\xbf\xbd");
	check("{{ len .query }}", "7");
}

static void cloudevent_headers_win_over_what_we_know(void **state)
{
	struct template_event ev = sample_event();

	(void)state;
	ev.headers_json =
		"{\"ce-id\":\"7\",\"ce-source\":\"/shop%20one +\",\"ce-type\":\"order.new\","
		"\"ce-subject\":\"a+b\",\"ce-time\":\"2026-01-02T03:04:05Z\"}";
	check_event("{{ .event.id }} {{ .event.source }} {{ .event.type }} {{ .event.subject }} "
		    "{{ .event.time }} {{ .event.delivery_id }}",
		&ev, "7 /shop%20one + order.new a+b 2026-01-02T03:04:05Z d-1");
}

static void what_an_event_lacks_is_missing(void **state)
{
	struct template_event ev = {.attempt = 0};

	(void)state;
	check_event("{{ .body }} {{ .headers }} {{ .query }} {{ .job }} {{ .event }}", &ev,
		"{} {} {} {} {}");
	check_event("{{ .body.a }} {{ .job.id }} {{ .job.attempt }}", &ev,
		"<no value> <no value> <no value>");
}

static void what_is_no_object_counts_as_the_empty_one(void **state)
{
	struct template_event ev = {.headers_json = "[1]"};

	(void)state;
	check_event("{{ .headers }}", &ev, "{}");
	ev.headers_json = "no json";
	check_event("{{ .headers }}", &ev, "{}");
	check_body("{{ .body }}", "[1]", "{}");
	check_body("{{ .body }}", "null", "{}");
	check_body("{{ .body }}", "{\"a\":1", "{}");
}

static void index_of_the_caller_is_used_instead_of_the_body(void **state)
{
	CLEANUP(scan_fini) struct scan index = SCAN_NULL_INDEX;
	struct template_event ev = {.body = SLICE_LIT("{\"a\":1}"), .index = &index};

	(void)state;
	check_event("{{ .body }}", &ev, "{\"a\":1}");
	assert_int_equal(scan_parse(&index, "{\"a\":2}", 7, NULL), 0);
	check_event("{{ .body.a }}", &ev, "2");
}

static void whole_body_prints_compact(void **state)
{
	(void)state;
	check_body("{{ .body }}", " { \"a\" : [ 1 , \"b c\" ] } ", "{\"a\":[1,\"b c\"]}");
	check("{{ .body.nothing }}", "{}");
}

/* --- trimming and comments --- */

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
	check("a {{ if true -}} b {{- end }} c", "a b c");
}

static void minus_without_a_blank_is_no_trim_marker(void **state)
{
	(void)state;
	check("a {{-3}} b", "a -3 b");
	check("a {{- 3 -}} b", "a3b");
	check("a {{- -3 }} b", "a-3 b");
}

static void comments_print_nothing(void **state)
{
	(void)state;
	check("a{{/* note */}}b", "ab");
	check("a {{- /* with }} and\nlines */ -}} b", "ab");
	check("{{/**/}}", "");
	check("a {{ /* x */ }} b", "a  b");
}

/* --- literals --- */

static void literals_are_written_as_in_go(void **state)
{
	(void)state;
	check("{{ \"a }} \\\"b\\\" \\n\\t\\x41\\u00e9\\U0001F600\\101\" }}",
		"a }} \"b\" \n\tA\xc3\xa9\xf0\x9f\x98\x80"
		"A");
	check("{{ `raw \\n }}\n\"` }}", "raw \\n }}\n\"");
	check("{{ 0 }} {{ -12 }} {{ +5 }} {{ 1.50 }} {{ 1e3 }} {{ 2E-1 }}",
		"0 -12 5 1.50 1e3 2E-1");
	check("{{ 0x1F }} {{ 0o17 }} {{ 0b101 }} {{ -0x10 }} {{ 0xffffffffffffffff }}",
		"31 15 5 -16 18446744073709551615");
	check("{{ 'a' }} {{ '\\n' }} {{ '\\'' }} {{ '\xc3\xa9' }}", "97 10 39 233");
	check("{{ true }} {{ false }} {{ nil }}", "true false null");
}

/* --- blocks --- */

static void truth_is_that_of_go(void **state)
{
	static const char *const no[] = {"false", "0", "0.0", "-0", "0e5", "\"\"", "nil",
		".body.nope", ".body.null", ".body.no", ".body.zero", ".body.empty", ".body.none",
		".body.nothing", "(split \",\" .body.nope)", "(slice .body.list 0 0)"};
	static const char *const yes[] = {"true", "1", "-1", "0.001", "\"0\"", "\"false\"",
		".body.yes", ".body.list", ".body.o", ".body.word", ".", "$", "(split \",\" \"\")"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no) + ARRAY_LEN(yes); i++) {
		bool is_yes = i >= ARRAY_LEN(no);
		CLEANUP(freep)
		char *text = xasprintf("{{ if %s }}yes{{ else }}no{{ end }}",
			is_yes ? yes[i - ARRAY_LEN(no)] : no[i]);

		check(text, is_yes ? "yes" : "no");
	}
}

static void if_takes_the_first_true_branch(void **state)
{
	static const char text[] = "{{ if eq .body.a 1 }}one{{ else if eq .body.a 2 }}two"
				   "{{ else if eq .body.a 3 }}three{{ else }}many{{ end }}.";

	(void)state;
	check_body(text, "{\"a\":1}", "one.");
	check_body(text, "{\"a\":2}", "two.");
	check_body(text, "{\"a\":3}", "three.");
	check_body(text, "{\"a\":4}", "many.");
	check("{{ if .body.no }}x{{ end }}", "");
	check("{{if .body.no}}x{{else}}{{end}}y", "y");
}

static void with_moves_the_dot(void **state)
{
	(void)state;
	check("{{ with .body.people.0 }}{{ .name }} {{ .age }} {{ $.body.i }}{{ end }}", "Ann 7 3");
	check("{{ with .body.nope }}x{{ else }}{{ .body.i }}{{ end }}", "3");
	check("{{ with .body.nope }}x{{ else with .body.o }}{{ .x-y }}{{ else }}y{{ end }}",
		"true");
	check("{{ with $x := .body.i }}{{ $x }}{{ . }}{{ end }}{{ .body.i }}", "333");
	check("{{ with .body }}{{ with .o }}{{ .x-y }}{{ end }}{{ .i }}{{ end }}", "true3");
}

static void range_walks_through_lists_in_order(void **state)
{
	(void)state;
	check("{{ range .body.letters }}<{{ . }}>{{ end }}", "<a><b><c>");
	check("{{ range $x := .body.letters }}{{ $x }}{{ . }}{{ end }}", "aabbcc");
	check("{{ range $i, $x := .body.letters }}{{ $i }}={{ $x }} {{ end }}", "0=a 1=b 2=c ");
	check("{{ range .body.people }}{{ .name }},{{ end }}", "Ann,Bob,,");
	check("{{ range split \",\" \"x,y\" }}[{{ . }}]{{ end }}", "[x][y]");
	check("{{ range $i, $x := split \",\" \"x,y\" }}{{ $i }}{{ $x }}{{ end }}", "0x1y");
}

static void range_walks_through_objects_sorted_by_name(void **state)
{
	(void)state;
	check("{{ range .body.members }}{{ . }}{{ end }}", "0123");
	check("{{ range $k, $v := .body.members }}{{ $k }}{{ $v }} {{ end }}", "B0 a1 b2 c3 ");
	check_body("{{ range $k, $v := .body }}{{ $k }} {{ end }}",
		"{\"ab\":1,\"a\":1,\"\":1,\"\xc3\xa9\":1,\"z\":1}", " a ab z \xc3\xa9 ");
}

static void range_counts_up_to_a_number(void **state)
{
	(void)state;
	check("{{ range 3 }}{{ . }}{{ end }}", "012");
	check("{{ range $i, $x := .body.i }}{{ $i }}{{ $x }} {{ end }}", "00 11 22 ");
	check("{{ range -3 }}x{{ else }}none{{ end }}", "none");
	check("{{ range 1.5 }}x{{ else }}none{{ end }}", "none");
}

static void range_over_nothing_takes_the_else_part(void **state)
{
	static const char *const nothing[] = {".body.none", ".body.nothing", ".body.nope",
		".body.null", ".body.word", ".body.yes", "0", "."};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
		CLEANUP(freep)
		char *text = xasprintf(
			"{{ range %s }}x{{ else }}none{{ $.body.i }}{{ end }}", nothing[i]);

		check(text, "none3");
	}
	check("{{ range .body.none }}x{{ end }}", "");
}

static void break_and_continue_mean_the_innermost_loop(void **state)
{
	(void)state;
	check("{{ range .body.letters }}{{ if eq . \"b\" }}{{ break }}{{ end }}{{ . }}{{ end }}",
		"a");
	check("{{ range .body.letters }}{{ if eq . \"b\" }}{{ continue }}{{ end }}{{ . }}{{ end }}",
		"ac");
	check("{{ range $i := 2 }}{{ range 9 }}{{ if eq . 2 }}{{ break }}{{ end }}{{ $i }}{{ . }} "
	      "{{ end }}|{{ end }}",
		"00 01 |10 11 |");
	check("{{ range 2 }}{{ with 1 }}{{ continue }}{{ end }}x{{ end }}", "");
	check("{{ range 3 }}{{ . }}{{ range $.body.none }}{{ else }}{{ break }}{{ end }}x{{ end }}",
		"0");
	check("{{ range 2 }}{{ with 9 }}{{ break }}{{ end }}{{ end }}{{ .body.i }}", "3");
}

static void variables_keep_what_they_were_set_to(void **state)
{
	(void)state;
	check("{{ $x := .body.i }}{{ $x }}{{ $x = \"new\" }}{{ $x }}", "3new");
	check("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}", "21");
	check("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2");
	check("{{ $x := 1 }}{{ $x := print $x 2 }}{{ $x }}", "1 2");
	check("{{ $last := nil }}{{ range .body.letters }}{{ $last = . }}{{ end }}{{ $last }}",
		"c");
	check("{{ $o := .body.people }}{{ $o.0.name }} {{ $o.7.name }}", "Ann <no value>");
	check("{{ if $x := .body.nope }}{{ else }}{{ $x }}{{ end }}", "<no value>");
	check("{{ if $x := 0 }}{{ else if $y := 5 }}{{ $x }}{{ $y }}{{ end }}", "05");
	check("{{ $i := 9 }}{{ range $i = .body.letters }}{{ end }}{{ $i }}", "c");
	check("{{ $_a1 := 1 }}{{$_a1}}", "1");
}

static void made_text_lives_as_long_as_its_variable(void **state)
{
	(void)state;
	check("{{ $x := \"\" }}{{ range $i := 300 }}{{ $x = printf \"%s%d\" $x $i }}"
	      "{{ printf \"%100d\" $i | len | printf \"%.0s\" }}{{ end }}{{ len $x }}{{ trunc -6 $x }}",
		"790298299");
	check("{{ if $x := upper .body.s }}{{ lower \"Q\" | upper | lower | upper }}{{ $x }}{{ end }}",
		"QA\nB");
	check("{{ with upper .body.s }}{{ lower \"Q\" | upper | lower | upper }}{{ . }}{{ end }}",
		"QA\nB");
}

/* --- pipelines --- */

static void pipelines_pass_the_value_as_the_last_argument(void **state)
{
	(void)state;
	check("{{ .body.word | upper }}", "HELLO");
	check("{{ .body.word | upper | printf \"%s-%s\" \"x\" }}", "x-HELLO");
	check("{{ .body.letters | join \", \" }}", "a, b, c");
	check("{{ .body.nope | default \"none\" }}", "none");
	check("{{ \"put\" | printf \"%s%s\" \"out\" | printf \"%q\" }}", "\"output\"");
	check("{{ if .body.word | eq \"hello\" }}y{{ end }}", "y");
	check("{{ 1 | and 0 }} {{ 1 | and 2 }} {{ 7 | or 0 }} {{ 7 | or 3 }}", "0 1 7 3");
}

static void parentheses_group_and_have_members(void **state)
{
	(void)state;
	check("{{ (index .body \"people\").0.name }}", "Ann");
	check("{{ len (printf \"%d\" (len .body.letters)) }}", "1");
	check("{{ ((.body.o)).x-y }}", "true");
	check("{{ printf \"%s\" (.body.letters | join \"\") }}", "abc");
	check("{{(.body.i)}}", "3");
	check("{{ ( .body.i ) }}", "3");
	check("{{ index (index .body.people 0) \"name\" }}", "Ann");
	check("{{ (split \"-\" \"a-b\").1 }}", "b");
	check("{{ (\"x\").y }}", "<no value>");
}

static void and_and_or_stop_at_what_decides(void **state)
{
	(void)state;
	check("{{ and .body.word .body.i }} {{ and 0 1 }} {{ and 1 \"\" 2 }}|", "3 0 |");
	check("{{ or .body.nope .body.i }} {{ or 0 \"\" }}|{{ or .body.nope }}", "3 |<no value>");
	/* 1000 x 1000 rounds would be too many: the argument is not evaluated. */
	check("{{ $x := \"1\" }}{{ if or true (eq (printf \"%1000s\" $x) 1) }}y{{ end }}", "y");
}

static void template_keeps_its_own_copy_of_the_text(void **state)
{
	char text[] = "a{{ .body.n }}";
	CLEANUP(template_freep) struct template *t = compile(text);
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct template_event ev = {.attempt = 0};

	(void)state;
	memset(text, 'x', strlen(text));
	assert_int_equal(template_render(t, &ev, SIZE_MAX, &out), 0);
	assert_string_equal(buf_str(&out), "a<no value>");
	assert_string_equal(template_source(t), "a{{ .body.n }}");
	template_free(NULL);
}

static void text_without_braces_is_literal(void **state)
{
	static const char *const literal[] = {
		"", " ", "main", "https://h/o/r.git", "a { b } }} {", "\n\n", "\xc3\xa9"};
	/* Also what always renders to the same: it is not what is written. */
	static const char *const other[] = {"{{ .body.a }}", "x{{ .body.a }}", "{{ .body.a }}x",
		"{{ \"x\" }}", "x{{/* note */}}", "{{/* note */}}", "a{{- /* note */ -}} b",
		"{{ if false }}{{ end }}", "{{ $x := 1 }}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(literal); i++) {
		CLEANUP(template_freep) struct template *t = compile(literal[i]);

		assert_true(template_is_literal(t));
	}
	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		CLEANUP(template_freep) struct template *t = compile(other[i]);

		assert_false(template_is_literal(t));
	}
}

static void condition_is_false_for_four_texts(void **state)
{
	static const char *const no[] = {
		"", " ", "\n\t ", "false", " false\n", "0", "\t0 ", "<no value>", "\n<no value>\n"};
	static const char *const yes[] = {"true", "False", "00", "0.0", "no", "null", "<no value>x",
		"false false", "-0", "<no  value>"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(template_is_true(slice_of(no[i])));
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(template_is_true(slice_of(yes[i])));
	assert_false(template_is_true(SLICE_NULL));
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
		cmocka_unit_test(headers_job_and_event_have_their_members),
		cmocka_unit_test(query_is_decoded_and_the_first_of_a_name_counts),
		cmocka_unit_test(cloudevent_headers_win_over_what_we_know),
		cmocka_unit_test(what_an_event_lacks_is_missing),
		cmocka_unit_test(what_is_no_object_counts_as_the_empty_one),
		cmocka_unit_test(index_of_the_caller_is_used_instead_of_the_body),
		cmocka_unit_test(whole_body_prints_compact),
		cmocka_unit_test(trim_markers_eat_white_space_up_to_the_next_action),
		cmocka_unit_test(minus_without_a_blank_is_no_trim_marker),
		cmocka_unit_test(comments_print_nothing),
		cmocka_unit_test(literals_are_written_as_in_go),
		cmocka_unit_test(truth_is_that_of_go),
		cmocka_unit_test(if_takes_the_first_true_branch),
		cmocka_unit_test(with_moves_the_dot),
		cmocka_unit_test(range_walks_through_lists_in_order),
		cmocka_unit_test(range_walks_through_objects_sorted_by_name),
		cmocka_unit_test(range_counts_up_to_a_number),
		cmocka_unit_test(range_over_nothing_takes_the_else_part),
		cmocka_unit_test(break_and_continue_mean_the_innermost_loop),
		cmocka_unit_test(variables_keep_what_they_were_set_to),
		cmocka_unit_test(made_text_lives_as_long_as_its_variable),
		cmocka_unit_test(pipelines_pass_the_value_as_the_last_argument),
		cmocka_unit_test(parentheses_group_and_have_members),
		cmocka_unit_test(and_and_or_stop_at_what_decides),
		cmocka_unit_test(template_keeps_its_own_copy_of_the_text),
		cmocka_unit_test(text_without_braces_is_literal),
		cmocka_unit_test(condition_is_false_for_four_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
