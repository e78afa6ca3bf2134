/* SPDX-License-Identifier: MIT */
/*
 * tests/template/test_errors.c - what is refused when a template is compiled, and where.
 */
#include "template/render.h"

static void action_without_an_end_is_told_at_its_opening(void **state)
{
	(void)state;
	check_error("{{", "1:1: `{{` without `}}`");
	check_error("a\n\xc3\xa9 {{ .body", "2:3: `{{` without `}}`");
	check_error("{{ .body.a }", "1:1: `{{` without `}}`");
	check_error("x{{ if .body.a } y {{ end }}", "1:2: `{{` without `}}`");
	check_error("{{ .body.a {{ .body.b }}", "1:1: `{{` without `}}`");
	check_error("{{ nope .body", "1:1: `{{` without `}}`");
	check_error("{{ \"text }}", "1:4: this text has no end: \" is missing");
	check_error("{{ \"a\nb\" }}", "1:4: this text has no end");
	check_error("{{ `a }}", "1:4: this text has no end: ` is missing");
	check_error("{{/* never ends }}", "1:3: this comment has no end");
	check_error("{{/*/}}", "1:3: this comment has no end");
}

static void blocks_must_be_closed_and_opened(void **state)
{
	(void)state;
	check_error("x\n {{ if .body.a }}y", "2:2: `{{ if }}` without `{{ end }}`");
	check_error("{{ range .body.a }}{{ if 1 }}{{ end }}", "1:1: `{{ range }}` without");
	check_error("{{ with 1 }}{{ range 1 }}{{ end", "1:26: `{{` without `}}`");
	check_error("{{ with 1 }}a{{ else }}b", "1:1: `{{ with }}` without `{{ end }}`");
	check_error("a{{ end }}", "1:2: `{{ end }}` without `{{ if }}`");
	check_error("a{{ else }}", "1:2: `{{ else }}` without `{{ if }}`");
	check_error("{{ if 1 }}{{ end }}{{ end }}", "1:20: `{{ end }}` without");
	check_error("{{ if 1 }}a{{ else }}b{{ else }}c{{ end }}", "1:23: nothing but `{{ end }}`");
	check_error("{{ if 1 }}a{{ else }}b{{ else if 1 }}c{{ end }}", "1:23: nothing but");
	check_error("{{ if 1 }}{{ else with 1 }}{{ end }}", "1:19: `}}` is missing here");
	check_error("{{ with 1 }}{{ else if 1 }}{{ end }}", "1:21: `}}` is missing here");
	check_error("{{ range 1 }}{{ else range 1 }}{{ end }}", "1:22: `}}` is missing here");
	check_error("{{ if 1 }}{{ end 1 }}", "1:18: `}}` is missing here");
	check_error("{{ if }}{{ end }}", "1:7: a value, such as `.body.x`, is missing here");
	check_error("{{ range $i, $x := }}{{ end }}", "1:20: a value");
	check_error("{{ break }}", "1:4: `break` outside of `{{ range }}`");
	check_error("{{ range 1 }}{{ end }}{{ continue }}", "1:26: `continue` outside");
	check_error("{{ range 1 }}{{ else }}{{ break }}{{ end }}", "1:27: `break` outside");
	check_error("{{ range 1 }}{{ break 1 }}{{ end }}", "1:23: `}}` is missing here");
}

static void values_must_be_well_formed(void **state)
{
	(void)state;
	check_error("{{ }}", "1:4: a value, such as `.body.x`, is missing here");
	check_error("{{}}", "1:3: a value, such as `.body.x`, is missing here");
	check_error("{{- }}", "1:5: a value");
	check_error("{{ .. }}", "1:5: a name is missing behind the dot");
	check_error("{{ .body. }}", "1:10: a name is missing behind the dot");
	check_error("{{ .body..a }}", "1:10: a name is missing behind the dot");
	check_error("{{ $x := 1 }}{{ $x. }}", "1:20: a name is missing behind the dot");
	check_error("{{ .body.a .body.b }}", "1:12: `}}` is missing here: `.body.a` is a value");
	check_error("{{ .body.a[0] }}", "1:11: `[` is not understood here");
	check_error("{{ .body.a \xc3\xa9 }}", "1:12: `\xc3\xa9` is not understood here");
	check_error("{{ .body.a \x01 }}", "1:12: a control character");
	check_error("{{ .body.a - }}", "1:12: there are no operators");
	check_error("{{ .body.a == 1 }}", "1:12: there are no operators");
	check_error("{{ .body.a && 1 }}", "1:12: there are no operators");
	check_error("{{ .body.a = 1 }}", "1:12: only a variable");
	check_error("{{-.body.a }}", "1:4: put a blank behind `{{-`");
	check_error("{{-}}", "1:4: put a blank behind `{{-`");
	check_error("{{ .body.a-}}", "1:11: put a blank before `-}}`");
	check_error("{{ 1-}}", "1:5: put a blank before `-}}`");
	check_error("{{ \"a\"-}}", "1:7: put a blank before `-}}`");
	check_error("{{/* a */ x }}", "1:11: `}}` is missing here: a comment stands alone");
	check_error("{{ .body /* a */ }}", "1:10: a comment stands alone");
	check_error("{{ (.body.a }}", "1:4: this parenthesis is not closed");
	check_error("{{ .body.a) }}", "1:11: `}}` is missing here");
	check_error("{{ () }}", "1:5: a value");
	check_error("{{ 1, 2 }}", "1:5: only a variable");
}

static void literals_are_checked(void **state)
{
	static const char *const numbers[] = {"007", "1.", "1e", "1x", "0x", "0b2", "0o8", "1_000",
		"1.5.2", "0x1p3", "0x10000000000000000", "1e+", "--1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		CLEANUP(freep) char *text = xasprintf("{{ %s }}", numbers[i]);

		check_error(text, "1:4: ");
	}
	check_error("{{ 007 }}", "1:4: `007` is no number");
	check_error("{{ \"\\q\" }}", "1:5: unknown escape");
	check_error("{{ \"a\\'\" }}", "1:6: unknown escape");
	check_error("{{ \"\\x4\" }}", "1:5: unknown escape");
	check_error("{{ \"\\ud800\" }}", "1:5: unknown escape");
	check_error("{{ \"\\400\" }}", "1:5: unknown escape");
	check_error("{{ \"\\xff\" }}", "1:4: this text is not UTF-8");
	check_error("{{ 'ab' }}", "1:4: one character fits");
	check_error("{{ '' }}", "1:4: one character fits");
}

static void functions_are_known_and_get_what_they_take(void **state)
{
	(void)state;
	check_error("{{ uper .body.a }}", "1:4: unknown function `uper`; did you mean `upper`?");
	check_error("{{ .body.a | uppr }}", "1:14: unknown function `uppr`; did you mean `upper`?");
	check_error("{{ HasPrefix 1 2 }}",
		"1:4: unknown function `HasPrefix`; did you mean `hasPrefix`?");
	check_error("{{ fi .body.a }}", "1:4: unknown function `fi`; did you mean `if`?");
	check_error("{{ frobnicate 1 }}", "1:4: unknown function `frobnicate`");
	check_error("{{ foo }}", "1:4: unknown function `foo`"); /* `not` is another word */
	check_error("{{ body.a }}", "1:4: unknown function `body`; did you mean `.body`?");
	check_error("{{ template \"x\" }}", "1:4: `template` is not understood");
	check_error("{{ html .body.a }}", "1:4: unknown function `html`");
	check_error("{{ len }}", "1:4: `len` takes 1 argument, here are 0");
	check_error("{{ len 1 2 }}", "1:4: `len` takes 1 argument, here are 2");
	check_error("{{ eq 1 }}", "1:4: `eq` takes at least 2 arguments, here are 1");
	check_error("{{ slice 1 2 3 4 }}", "1:4: `slice` takes at most 3 arguments, here are 4");
	check_error("{{ 1 | len 2 }}", "1:8: `len` takes 1 argument, here are 2");
	check_error("{{ not }}", "1:4: `not` takes 1 argument, here are 0");
	check_error("{{ and }}", "1:4: `and` takes at least 1 argument, here are 0");
	check_error("{{ print len 1 }}", "1:10: put `len` and its arguments in parentheses");
	check_error("{{ print(1) }}", "1:9: put a blank here");
	check_error("{{ print (1)(2) }}", "1:13: put a blank here");
	check_error("{{ print \"a\"\"b\" }}", "1:13: put a blank here");
	check_error("{{ .body.a | }}", "1:14: a function is missing here");
	check_error("{{ 1 | 2 }}", "1:8: only a function can stand behind `|`");
	check_error("{{ 1 | true }}", "1:8: only a function can stand behind `|`");
	check_error("{{ 1 | .body.a }}", "1:8: only a function can stand behind `|`");
	check_error("{{ | len }}", "1:4: a value");
}

static void every_function_checks_its_number_of_arguments(void **state)
{
	static const struct {
		const char *name;
		unsigned min, max; /* 0 = any number */
	} functions[] = {{"eq", 2, 0}, {"ne", 2, 2}, {"lt", 2, 2}, {"le", 2, 2}, {"gt", 2, 2},
		{"ge", 2, 2}, {"and", 1, 0}, {"or", 1, 0}, {"not", 1, 1}, {"len", 1, 1},
		{"index", 1, 0}, {"slice", 1, 3}, {"printf", 1, 0}, {"print", 1, 0},
		{"default", 2, 2}, {"join", 2, 2}, {"split", 2, 2}, {"replace", 3, 3},
		{"trim", 1, 1}, {"lower", 1, 1}, {"upper", 1, 1}, {"trunc", 2, 2},
		{"contains", 2, 2}, {"hasPrefix", 2, 2}, {"hasSuffix", 2, 2}, {"json", 1, 1},
		{"indent", 2, 2}, {"date", 2, 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		for (unsigned n = 0; n <= 5; n++) {
			bool fits = n >= functions[i].min &&
				    (functions[i].max == 0 || n <= functions[i].max);
			CLEANUP(freep)
			char *text = xasprintf(
				"{{ %s %.*s}}", functions[i].name, (int)n * 2, "1 1 1 1 1 ");
			CLEANUP(template_freep)
			struct template *t = template_compile(slice_of(text), NULL);

			assert_int_equal(t != NULL, fits);
		}
	}
}

static void variables_are_declared_where_they_are_used(void **state)
{
	(void)state;
	check_error("{{ $x }}", "1:4: unknown variable `$x`; `{{ $x := ... }}` makes one");
	check_error("{{ $count := 1 }}{{ $cuont }}",
		"1:21: unknown variable `$cuont`; did you mean `$count`?");
	check_error("{{ $x = 1 }}", "1:4: unknown variable `$x`");
	check_error("{{ $x := $x }}", "1:10: unknown variable `$x`");
	check_error("{{ $ := 1 }}", "1:4: `$` stands for all roots");
	check_error("{{ $ = 1 }}", "1:4: ");
	check_error("{{ if 1 }}{{ $x := 1 }}{{ end }}{{ $x }}", "1:36: unknown variable `$x`");
	check_error("{{ if 1 }}{{ $x := 1 }}{{ else }}{{ $x }}{{ end }}", "1:37: unknown variable");
	check_error("{{ if $x := 1 }}{{ end }}{{ $x }}", "1:29: unknown variable `$x`");
	check_error("{{ range $x := 1 }}{{ end }}{{ $x }}", "1:32: unknown variable `$x`");
	check_error("{{ range $x := $x }}{{ end }}", "1:16: unknown variable `$x`");
	check_error("{{ $x, $y := 1 }}", "1:6: only range sets two variables");
	check_error(
		"{{ range $x, $y, $z := 1 }}{{ end }}", "1:16: range sets at most two variables");
	check_error("{{ range $x, $y 1 }}{{ end }}", "1:17: `:=` is missing here");
	check_error("{{ $x := }}", "1:10: a value");
	check_error("{{ .a := 1 }}", "1:7: only a variable");
	check_error("{{ $x := 1 := 2 }}", "1:12: only a variable");
	check_error("{{ $x:y }}", "1:6: `:` is not understood here");
}

static void a_template_is_text(void **state)
{
	struct err e = CLEAN_ERR;

	(void)state;
	check_error("a\xff", "1:2: a template is UTF-8");
	check_error("{{ \"\xc3\" }}", "1:5: a template is UTF-8");
	assert_null(template_compile(SLICE_LIT("a\0b"), &e));
	assert_string_equal(e.text, "1:2: a template is UTF-8 text without NUL bytes");
}

static void positions_count_lines_and_characters(void **state)
{
	(void)state;
	check_error("\xc3\xa9\xf0\x9f\x98\x80{{ nope }}", "1:6: unknown function");
	check_error("a\r\nb\n\t{{ nope }}", "3:5: unknown function");
	check_error("{{ .body.a\n  | nope }}", "2:5: unknown function");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(action_without_an_end_is_told_at_its_opening),
		cmocka_unit_test(blocks_must_be_closed_and_opened),
		cmocka_unit_test(values_must_be_well_formed),
		cmocka_unit_test(literals_are_checked),
		cmocka_unit_test(functions_are_known_and_get_what_they_take),
		cmocka_unit_test(every_function_checks_its_number_of_arguments),
		cmocka_unit_test(variables_are_declared_where_they_are_used),
		cmocka_unit_test(a_template_is_text),
		cmocka_unit_test(positions_count_lines_and_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
