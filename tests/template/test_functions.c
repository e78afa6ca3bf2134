/* SPDX-License-Identifier: MIT */
/*
 * tests/template/test_functions.c - each function, with what it can use and what it cannot.
 */
#include "template/render.h"

/* --- truth and order --- */

static void eq_compares_with_any_of_several(void **state)
{
	(void)state;
	check("{{ eq 1 1 }} {{ eq 1 2 }} {{ eq 3 1 2 3 }} {{ eq 4 1 2 3 }}",
		"true false true false");
	check("{{ eq .body.word \"hello\" }} {{ eq .body.word \"Hello\" }}", "true false");
	check("{{ eq .body.yes true }} {{ eq .body.no false }} {{ eq true false }}",
		"true true false");
	check("{{ eq .body.null nil }} {{ eq .body.nope nil }} {{ eq .body.zero nil }}",
		"true true false");
	check("{{ ne 1 2 }} {{ ne \"a\" \"a\" }}", "true false");
}

static void values_of_different_kinds_are_neither_equal_nor_ordered(void **state)
{
	(void)state;
	check("{{ eq 1 \"1\" }} {{ eq true \"true\" }} {{ eq 0 false }} {{ eq .body.list 1 }}",
		"false false false false");
	check("{{ ne 1 \"1\" }}", "true");
	check("{{ lt 1 \"2\" }} {{ gt nil 1 }} {{ le true true }} {{ ge .body.o .body.o }}",
		"<no value> <no value> <no value> <no value>");
	check("{{ if lt .body.nope 5 }}y{{ else }}n{{ end }}", "n");
}

static void numbers_compare_exactly(void **state)
{
	static const struct {
		const char *a, *b;
		int order;
	} rows[] = {
		{"9007199254740993", "9007199254740992", 1},
		{"12345678901234567890123", "12345678901234567890124", -1},
		{"1e2", "100", 0},
		{"1e2", "100.0", 0},
		{"0.1e3", "100", 0},
		{"100e-2", "1", 0},
		{"1.10", "1.1", 0},
		{"1.10", "1.11", -1},
		{"0", "-0.0", 0},
		{"0e9", "0", 0},
		{"-1", "1", -1},
		{"-2", "-1", -1},
		{"-1", "0", -1},
		{"0.0001", "0", 1},
		{"1e-7", "0.0000001", 0},
		{"1e400", "1e399", 1},
		{"1e400", "10e399", 0},
		{"-1e400", "1e-400", -1},
		{"9.99", "10", -1},
		{"1e999999999999", "1e999999999998", 1},
		{"1e99999999999999999999", "1", 1},
		{"1e-99999999999999999999", "1", -1},
		{"0e99999999999999999999", "0", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep)
		char *body = xasprintf("{\"a\":%s,\"b\":%s}", rows[i].a, rows[i].b);
		CLEANUP(freep)
		char *expected = xasprintf("%d%d%d%d%d%d",
			rows[i].order<0, rows[i].order <= 0, rows[i].order == 0, rows[i].order != 0,
				rows[i].order >= 0, rows[i].order> 0);

		check_body("{{ range split \" \" \"lt le eq ne ge gt\" }}"
			   "{{ $r := false }}{{ $a := $.body.a }}{{ $b := $.body.b }}"
			   "{{ if eq . \"lt\" }}{{ $r = lt $a $b }}{{ else if eq . \"le\" }}"
			   "{{ $r = le $a $b }}{{ else if eq . \"eq\" }}{{ $r = eq $a $b }}"
			   "{{ else if eq . \"ne\" }}{{ $r = ne $a $b }}{{ else if eq . \"ge\" }}"
			   "{{ $r = ge $a $b }}{{ else }}{{ $r = gt $a $b }}{{ end }}"
			   "{{ if $r }}1{{ else }}0{{ end }}{{ end }}",
			body, expected);
	}
}

static void strings_compare_by_their_bytes(void **state)
{
	(void)state;
	check("{{ lt \"a\" \"b\" }} {{ lt \"B\" \"a\" }} {{ lt \"a\" \"ab\" }} {{ lt \"\" \"a\" }}",
		"true true true true");
	check("{{ gt \"\xc3\xa9\" \"z\" }} {{ le \"a\" \"a\" }} {{ ge \"a\" \"b\" }}",
		"true true false");
}

static void containers_are_equal_when_their_json_is(void **state)
{
	(void)state;
	check_body("{{ eq .body.a .body.b }} {{ eq .body.a .body.c }} {{ eq .body.d .body.e }}",
		"{\"a\":[1, {\"x\" : 2}],\"b\":[1,{\"x\":2}],\"c\":[1],\"d\":{},\"e\":[]}",
		"true false false");
	check("{{ eq (split \",\" \"a,b,c\") .body.letters }}", "true");
}

static void not_turns_truth_around(void **state)
{
	(void)state;
	check("{{ not 0 }} {{ not \"x\" }} {{ not .body.nope }} {{ .body.none | not }}",
		"true false true true");
}

/* --- lists --- */

static void len_counts_bytes_elements_and_members(void **state)
{
	(void)state;
	check("{{ len \"abc\" }} {{ len .body.umlaut }} {{ len .body.s }}", "3 6 3");
	check("{{ len .body.letters }} {{ len .body.members }} {{ len .body.none }}", "3 4 0");
	check("{{ len (split \",\" \"a,b\") }} {{ len .query }}", "2 7");
	check("{{ len 12 }} {{ len .body.nope }} {{ len nil }} {{ len true }}",
		"<no value> <no value> <no value> <no value>");
}

static void index_finds_elements_and_members(void **state)
{
	(void)state;
	check("{{ index .body.letters 1 }} {{ index .body \"a.b\" }} {{ index .body.o \"x-y\" }}",
		"b 1 true");
	check("{{ index .body \"people\" 0 \"name\" }} {{ index .body.letters 1e0 }}", "Ann b");
	check("{{ index . \"body\" \"i\" }} {{ index .body.i }} {{ index .body.o 0 }}", "3 3 zero");
	check("{{ index .body.letters 3 }} {{ index .body.letters -1 }} {{ index .body.letters 0.5 }}",
		"<no value> <no value> <no value>");
	check("{{ index .body \"nope\" 1 }} {{ index .body.word 0 }} {{ index .body nil }}",
		"<no value> <no value> <no value>");
	check("{{ index (split \",\" \"a,b\") 1 }}", "b");
	check("{{ index .body.letters .body.i }}|{{ index .body.letters .body.zero }}",
		"<no value>|a");
}

static void slice_takes_a_part_as_far_as_there_is_one(void **state)
{
	(void)state;
	check("{{ slice \"abcdef\" 1 3 }} {{ slice \"abcdef\" 4 }} {{ slice \"abc\" }}",
		"bc ef abc");
	check("{{ slice \"abc\" 0 7 }} {{ slice \"abc\" 5 }}| {{ slice \"abc\" 2 1 }}|", "abc | |");
	check("{{ slice \"abc\" -1 2 }} {{ slice \"abc\" \"x\" }} {{ slice 5 0 }}",
		"ab <no value> <no value>");
	check("{{ slice .body.letters 1 }} {{ slice .body.letters 0 2 }} {{ slice .body.none 0 }}",
		"[\"b\",\"c\"] [\"a\",\"b\"] []");
	check("{{ slice .body.list 1 2 }}", "[{\"k\":\"{{ .body.n }}\"}]");
	check("{{ slice (split \",\" \"a,b,c\") 1 }}", "[\"b\",\"c\"]");
}

static void slice_never_cuts_a_character(void **state)
{
	(void)state;
	check("{{ slice .body.umlaut 0 3 }}|{{ slice .body.umlaut 3 }}",
		"\xc3\xa4|\xc3\xb6\xc3\xbc");
	check("{{ slice .body.umlaut 0 1 }}|{{ slice .body.umlaut 0 2 }}", "|\xc3\xa4");
}

/* --- texts --- */

static void print_puts_blanks_between_what_is_no_string(void **state)
{
	(void)state;
	check("{{ print 1 2 }} {{ print \"a\" 1 2 \"b\" }} {{ print \"a\" \"b\" }} {{ print nil 1 }}",
		"1 2 a1 2b ab null 1");
	check("{{ print .body.nope }} {{ print .body.o }}",
		"<no value> {\"x-y\":true,\"0\":\"zero\"}");
}

static void default_stands_in_for_what_is_false(void **state)
{
	(void)state;
	check("{{ default \"x\" .body.nope }}{{ default \"x\" .body.empty }}"
	      "{{ default \"x\" .body.null }}{{ default \"x\" .body.none }}{{ default 7 0 }}",
		"xxxx7");
	check("{{ default \"x\" .body.word }} {{ .body.i | default 1 }}", "hello 3");
}

static void join_and_split_are_each_others_reverse(void **state)
{
	(void)state;
	check("{{ join \", \" .body.letters }}|{{ join \"\" .body.none }}|{{ join \"-\" .body.list }}",
		"a, b, c||10-{\"k\":\"{{ .body.n }}\"}-[]");
	check("{{ join \", \" \"alone\" }} {{ join \", \" .body.nope }}", "alone <no value>");
	check("{{ split \",\" \"a,b,,c,\" }}", "[\"a\",\"b\",\"\",\"c\",\"\"]");
	check("{{ split \"ab\" \"abxab\" }} {{ split \",\" \"\" }} {{ split \"\" \"\" }}",
		"[\"\",\"x\",\"\"] [\"\"] []");
	check("{{ split \"\" .body.umlaut }}", "[\"\xc3\xa4\",\"\xc3\xb6\",\"\xc3\xbc\"]");
	check("{{ split \",\" .body.nope }} {{ split nil \"a\" }} {{ split \",\" 12 }}",
		"<no value> <no value> [\"12\"]");
	check("{{ \"a,b\" | split \",\" | join \"+\" }}", "a+b");
}

static void replace_changes_every_occurrence(void **state)
{
	(void)state;
	check("{{ replace \"l\" \"L\" .body.word }} {{ replace \"aa\" \"b\" \"aaaaa\" }}",
		"heLLo bba");
	check("{{ replace \"x\" \"y\" \"abc\" }} {{ replace \"b\" \"\" \"abc\" }}", "abc ac");
	check("{{ replace \"\" \"-\" .body.umlaut }} {{ replace \"\" \"-\" \"\" }}",
		"-\xc3\xa4-\xc3\xb6-\xc3\xbc- -");
	check("{{ replace \"a\" \"b\" .body.nope }} {{ replace \"2\" \"x\" 123 }}",
		"<no value> 1x3");
}

static void trim_takes_white_space_of_all_kinds(void **state)
{
	(void)state;
	check("[{{ trim \" \\t\\r\\n a b \\v\\f\" }}] [{{ trim \" \" }}] [{{ trim \"\" }}]",
		"[a b] [] []");
	check("[{{ trim \"\\u00a0\\u3000x\\u2003\\u0085\" }}]", "[x]");
	check("[{{ trim \"\\u200b\" }}]", "[\xe2\x80\x8b]");
	check("{{ trim .body.nope }} {{ trim 5 }}", "<no value> 5");
}

static void case_changes_in_all_alphabets(void **state)
{
	(void)state;
	check("{{ upper \"a\\u00e4\\u0444z{@`\" }} {{ lower \"A\\u00c4\\u0424Z[@`\" }}",
		"A\xc3\x84\xd0\xa4Z{@` a\xc3\xa4\xd1\x84z[@`");
	check("{{ upper .body.nope }} {{ lower true }} {{ upper .body.list }}",
		"<no value> true <no value>");
}

static void trunc_counts_characters_from_either_end(void **state)
{
	(void)state;
	check("{{ trunc 2 \"abc\" }} {{ trunc -2 \"abc\" }} {{ trunc 0 \"abc\" }}| {{ trunc 3 \"abc\" }} "
	      "{{ trunc 4 \"abc\" }} {{ trunc -3 \"abc\" }} {{ trunc -4 \"abc\" }}",
		"ab bc | abc abc abc abc");
	check("{{ trunc 2 .body.umlaut }} {{ trunc -1 .body.umlaut }}",
		"\xc3\xa4\xc3\xb6 \xc3\xbc");
	check("{{ trunc -9223372036854775808 \"abc\" }} {{ trunc 9223372036854775807 \"abc\" }}",
		"abc abc");
	check("{{ trunc 9223372036854775808 \"abc\" }} {{ trunc \"2\" \"abc\" }} {{ trunc 1 nil }}",
		"<no value> <no value> <no value>");
}

static void contains_looks_into_texts_and_lists(void **state)
{
	(void)state;
	check("{{ contains \"ell\" .body.word }} {{ contains \"x\" .body.word }} "
	      "{{ contains \"\" .body.word }} {{ contains \"\" \"\" }} {{ contains \"a\" \"\" }}",
		"true false true true false");
	check("{{ contains \"b\" .body.letters }} {{ contains \"x\" .body.letters }} "
	      "{{ contains 2.0 .body.numbers }} {{ contains \"2\" .body.numbers }}",
		"true false true false");
	check("{{ contains \"x\" .body.nope }} {{ contains nil \"a\" }} {{ contains \"a\" .body.o }}",
		"false false false");
}

static void prefix_and_suffix_are_found_at_their_ends(void **state)
{
	(void)state;
	check("{{ hasPrefix \"he\" .body.word }} {{ hasPrefix \"lo\" .body.word }} "
	      "{{ hasPrefix \"\" .body.word }} {{ hasPrefix \"hello!\" .body.word }}",
		"true false true false");
	check("{{ hasSuffix \"lo\" .body.word }} {{ hasSuffix \"he\" .body.word }} "
	      "{{ hasSuffix \"hello\" .body.word }} {{ hasSuffix \"x\" .body.nope }}",
		"true false true false");
	check("{{ if hasPrefix \"refs/heads/\" \"refs/heads/main\" }}branch{{ end }}", "branch");
}

static void json_quotes_strings_and_keeps_the_rest(void **state)
{
	(void)state;
	check("{{ json .body.quote }}", "\"say \\\"hi\\\"\\t\\\\\"");
	check("{{ json .body.n }} {{ json true }} {{ json nil }} {{ json .body.nope }}",
		"1.10 true null null");
	check("{{ json .body.o }} {{ json (split \",\" \"a,\\\"\") }}",
		"{\"x-y\":true,\"0\":\"zero\"} [\"a\",\"\\\"\"]");
	check("{{ json .body.nul }}", "\"a\\u0000b\"");
}

static void indent_puts_blanks_before_each_line(void **state)
{
	(void)state;
	check("{{ indent 2 \"a\\nb\\n\" }}|", "  a\n  b\n  |");
	check("{{ indent 0 \"a\" }}{{ indent 1 \"\" }}|", "a |");
	check("{{ indent -1 \"a\" }} {{ indent \"2\" \"a\" }} {{ indent 1001 \"a\" }} {{ indent 1 nil }}",
		"<no value> <no value> <no value> <no value>");
	check("{{ indent 999 \"\" | len }} {{ indent 1000 \"\" | len }}", "999 1000");
}

/* --- printf --- */

static void printf_knows_the_verbs_of_go(void **state)
{
	(void)state;
	check("{{ printf \"%s|%v|%q|%d|%t|%c|%%\" \"a\" \"b\" \"c\\\"\\n\" 5 true 233 }}",
		"a|b|\"c\\\"\\n\"|5|true|\xc3\xa9|%");
	check("{{ printf \"%x %X %x %#x %o %b %x\" 255 255 \"az\" 255 8 5 -255 }}",
		"ff FF 617a 0xff 10 101 -ff");
	check("{{ printf \"%f %.2f %.0f %F\" 1.5 3.14159 2.5 1 }}", "1.500000 3.14 2 1.000000");
	check("{{ printf \"%e %.1E %g %.3g\" 1234.5 1234.5 0.1 3.14159 }}",
		"1.234500e+03 1.2E+03 0.1 3.14");
	check("{{ printf \"%s %v %s %v\" .body.letters .body.o nil .body.nope }}",
		"[\"a\",\"b\",\"c\"] {\"x-y\":true,\"0\":\"zero\"} null <no value>");
	check("{{ printf \"\" }}|{{ printf \"plain\" }}", "|plain");
}

static void printf_pads_by_characters(void **state)
{
	(void)state;
	check("{{ printf \"[%5d] [%-5d] [%05d] [%+d] [% d] [%5s] [%-5s]\" 42 42 -42 42 42 \"ab\" \"ab\" }}",
		"[   42] [42   ] [-0042] [+42] [ 42] [   ab] [ab   ]");
	check("{{ printf \"[%4s] [%-4s] [%.2s] [%4.1s]\" .body.umlaut .body.umlaut .body.umlaut .body.umlaut }}",
		"[ \xc3\xa4\xc3\xb6\xc3\xbc] [\xc3\xa4\xc3\xb6\xc3\xbc ] [\xc3\xa4\xc3\xb6] [   \xc3\xa4]");
	check("{{ printf \"[%8.2f] [%-8.2f] [%+.1f] [%.3d] [%6.3d] [%06.3d]\" 3.14159 3.14159 2 7 7 7 }}",
		"[    3.14] [3.14    ] [+2.0] [007] [   007] [   007]");
	check("{{ printf \"[%5t] [%3c] [%6q] [%3s]\" true 97 \"a\" \"\" }}",
		"[ true] [  a] [   \"a\"] [   ]");
	check("{{ printf \"[%05s]\" \"ab\" }}", "[   ab]");
	check("{{ printf \"[%-20s]\" .body.letters }}", "[[\"a\",\"b\",\"c\"]       ]");
	check("{{ printf \"[%08.3f] [%+05d] [%-05d]\" -3.14159 7 7 }}",
		"[-003.142] [+0007] [7    ]");
}

static void printf_keeps_every_digit_of_a_whole_number(void **state)
{
	(void)state;
	check("{{ printf \"%d\" .body.big }}", "9007199254740993");
	check("{{ printf \"%d %d %d %d\" 123456789012345678901234567890 1e3 1.0 -0 }}",
		"123456789012345678901234567890 1000 1 0");
	check("{{ printf \"%.2f\" .body.big }} {{ printf \"%.1f\" 123456789012345678901234567890 }}",
		"9007199254740993.00 123456789012345678901234567890.0");
	check("{{ printf \"%x %x\" 18446744073709551615 18446744073709551616 }}",
		"ffffffffffffffff %!x(number=18446744073709551616)");
}

static void printf_rounds_the_decimal_number(void **state)
{
	static const struct {
		const char *format, *number, *expected;
	} rows[] = {
		{"%.2f", "2.675", "2.68"},
		{"%.2f", "2.665", "2.66"},
		{"%.1f", "0.25", "0.2"},
		{"%.1f", "0.35", "0.4"},
		{"%.0f", "0.5", "0"},
		{"%.0f", "1.5", "2"},
		{"%.0f", "0.51", "1"},
		{"%.0f", "9.5", "10"},
		{"%.1f", "0.05", "0.0"},
		{"%.1f", "0.0500001", "0.1"},
		{"%.2f", "9.999", "10.00"},
		{"%.2f", "0.999", "1.00"},
		{"%.2f", "0.0001", "0.00"},
		{"%.3f", "0.0625", "0.062"},
		{"%.2f", "-0.001", "-0.00"},
		{"%.2f", "1e-99999999999999999999", "0.00"},
		{"%.2f", "0", "0.00"},
		{"%.2f", "0e99999999999", "0.00"},
		{"%.3f", "1.5e2", "150.000"},
		{"%.3f", "1234e-2", "12.340"},
		{"%.0f", "99.5", "100"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep)
		char *text = xasprintf("{{ printf \"%s\" %s }}", rows[i].format, rows[i].number);

		check(text, rows[i].expected);
	}
}

static void printf_says_what_does_not_fit(void **state)
{
	(void)state;
	check("{{ printf \"%d\" \"x\" }} {{ printf \"%d\" 1.5 }} {{ printf \"%d\" true }}",
		"%!d(string=x) %!d(number=1.5) %!d(bool=true)");
	check("{{ printf \"%d\" nil }} {{ printf \"%d\" .body.nope }} {{ printf \"%d\" .body.none }}",
		"%!d(null) %!d(<no value>) %!d(list=[])");
	check("{{ printf \"%z\" 1 }} {{ printf \"%\xc3\xa9\" 1 }} {{ printf \"%t\" 1 }} {{ printf \"%c\" -1 }}",
		"%!z(number=1) %!\xc3\xa9(number=1) %!t(number=1) %!c(number=-1)");
	check("{{ printf \"%d %d\" 1 }} {{ printf \"a\" 1 \"b\" }} {{ printf \"100%\" }}",
		"1 %!d(MISSING) a%!(EXTRA number=1, string=b) 100%!(NOVERB)");
	check("{{ printf \"%c\" 55296 }} {{ printf \"%c\" 1114112 }}",
		"%!c(number=55296) %!c(number=1114112)");
	check("{{ printf 5 }} {{ printf .body.nope 1 }}", "<no value> <no value>");
	check("{{ printf \"%*d\" 3 }} {{ printf \"%[1]d\" 3 }}", "%!*(number=3)d %![(number=3)1]d");
}

static void printf_has_limits_for_width_precision_and_digits(void **state)
{
	(void)state;
	check("{{ printf \"%999d\" 1 | len }} {{ printf \"%1000d\" 1 | len }} {{ printf \"%1001d\" 1 }}",
		"999 1000 %!(BADWIDTH)1");
	check("{{ printf \"%.999f\" 1 | len }} {{ printf \"%.1000f\" 1 | len }} {{ printf \"%.1001f\" 1 }}",
		"1001 1002 %!(BADPREC)1.000000");
	check("{{ printf \"%99999999999999999999999d\" 1 }}", "%!(BADWIDTH)1");
	check("{{ printf \"%d\" 1e998 | len }} {{ printf \"%d\" 1e999 | len }} {{ printf \"%d\" 1e1000 }}",
		"999 1000 %!d(number=1e1000)");
	check("{{ printf \"%.0f\" 1e999 | len }} {{ printf \"%.0f\" 1e1000 }}",
		"1000 %!f(number=1e1000)");
}

/* --- date --- */

static void date_writes_every_part_of_a_layout(void **state)
{
	static const struct {
		const char *layout, *expected;
	} rows[] = {
		{"2006-01-02", "2026-03-07"},
		{"2006-01-02T15:04:05Z07:00", "2026-03-07T14:05:09Z"},
		{"Mon Jan _2 15:04:05 MST 2006", "Sat Mar  7 14:05:09 UTC 2026"},
		{"Monday, January 2, 2006", "Saturday, March 7, 2026"},
		{"02/01/06 3:04PM", "07/03/26 2:05PM"},
		{"03:4:5 pm", "02:5:9 pm"},
		{"1/2", "3/7"},
		{"002 __2", "066  66"},
		{"15h", "14h"},
		{"-0700 -07:00 -07", "+0000 +00:00 +00"},
		{"-070000 -07:00:00 Z0700 Z07", "+000000 +00:00:00 Z Z"},
		{"05.000", "09.120"},
		{"05.000000000", "09.120000000"},
		{"05.999999", "09.12"},
		{"05,000", "09,120"},
		{".0", ".1"},
		{"05.0002", "09.0066"},
		{"Month Monk Janitor", "Month Monk Janitor"},
		{"Mon. Jan.", "Sat. Mar."},
		{"_2006", "_2026"},
		{"7 8 9 x.", "7 8 9 x."},
		{"", ""},
		{"Uhr \xc3\xa4", "Uhr \xc3\xa4"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep)
		char *text =
			xasprintf("{{ date \"%s\" \"2026-03-07T14:05:09.12Z\" }}", rows[i].layout);

		check(text, rows[i].expected);
	}
}

static void date_reads_rfc_3339_and_unix_seconds(void **state)
{
	static const struct {
		const char *when, *expected;
	} rows[] = {
		{"\"2026-11-20T09:08:07Z\"", "2026-11-20 09:08:07"},
		{"\"2026-11-20T09:08:07+02:00\"", "2026-11-20 07:08:07"},
		{"\"2026-11-20T23:08:07-0130\"", "2026-11-21 00:38:07"},
		{"\"2026-11-20 09:08\"", "2026-11-20 09:08:00"},
		{"\"2026-11-20\"", "2026-11-20 00:00:00"},
		{"\"2024-02-29\"", "2024-02-29 00:00:00"},
		{"\"2016-12-31T23:59:60Z\"", "2017-01-01 00:00:00"},
		{"0", "1970-01-01 00:00:00"},
		{"1700000000", "2023-11-14 22:13:20"},
		{"1.7e9", "2023-11-14 22:13:20"},
		{"-1", "1969-12-31 23:59:59"},
		{"-0.25", "1969-12-31 23:59:59"},
		{"-62167219200", "0000-01-01 00:00:00"},
		{"253402300799", "9999-12-31 23:59:59"},
	};
	static const char *const none[] = {"\"2023-02-29\"", "\"2026-13-01\"", "\"2026-00-01\"",
		"\"2026-01-00\"", "\"2026-1-1\"", "\"2026-11-20T24:00:00Z\"",
		"\"2026-11-20T09:60:00Z\"", "\"2026-11-20T09:00:61Z\"", "\"2026-11-20T09\"",
		"\"2026-11-20T09:00:00.Z\"", "\"2026-11-20T09:00:00+24:00\"",
		"\"2026-11-20T09:00:00Zx\"", "\"soon\"", "\"\"", "nil", ".body.nope", ".body.list",
		"-62167219201", "253402300800", "1e30", "1e9999", "true"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep)
		char *text = xasprintf("{{ date \"2006-01-02 15:04:05\" %s }}", rows[i].when);

		check(text, rows[i].expected);
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		CLEANUP(freep) char *text = xasprintf("{{ date \"2006\" %s }}", none[i]);

		check(text, "<no value>");
	}
	check("{{ .job.created_at | date \"Jan 2, 15:04:05.000\" }}", "Nov 20, 09:08:07.654");
	check("{{ date \"05.000\" -0.25 }} {{ date \"05.999\" 1.0 }}", "59.750 01");
	check("{{ date \"3PM 15\" \"2026-01-01T00:30:00Z\" }} {{ date \"3pm 15\" \"2026-01-01T12:30:00Z\" }}",
		"12AM 00 12pm 12");
	check("{{ date nil 1 }} {{ date 2006 0 }}", "<no value> 1970");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eq_compares_with_any_of_several),
		cmocka_unit_test(values_of_different_kinds_are_neither_equal_nor_ordered),
		cmocka_unit_test(numbers_compare_exactly),
		cmocka_unit_test(strings_compare_by_their_bytes),
		cmocka_unit_test(containers_are_equal_when_their_json_is),
		cmocka_unit_test(not_turns_truth_around),
		cmocka_unit_test(len_counts_bytes_elements_and_members),
		cmocka_unit_test(index_finds_elements_and_members),
		cmocka_unit_test(slice_takes_a_part_as_far_as_there_is_one),
		cmocka_unit_test(slice_never_cuts_a_character),
		cmocka_unit_test(print_puts_blanks_between_what_is_no_string),
		cmocka_unit_test(default_stands_in_for_what_is_false),
		cmocka_unit_test(join_and_split_are_each_others_reverse),
		cmocka_unit_test(replace_changes_every_occurrence),
		cmocka_unit_test(trim_takes_white_space_of_all_kinds),
		cmocka_unit_test(case_changes_in_all_alphabets),
		cmocka_unit_test(trunc_counts_characters_from_either_end),
		cmocka_unit_test(contains_looks_into_texts_and_lists),
		cmocka_unit_test(prefix_and_suffix_are_found_at_their_ends),
		cmocka_unit_test(json_quotes_strings_and_keeps_the_rest),
		cmocka_unit_test(indent_puts_blanks_before_each_line),
		cmocka_unit_test(printf_knows_the_verbs_of_go),
		cmocka_unit_test(printf_pads_by_characters),
		cmocka_unit_test(printf_keeps_every_digit_of_a_whole_number),
		cmocka_unit_test(printf_rounds_the_decimal_number),
		cmocka_unit_test(printf_says_what_does_not_fit),
		cmocka_unit_test(printf_has_limits_for_width_precision_and_digits),
		cmocka_unit_test(date_writes_every_part_of_a_layout),
		cmocka_unit_test(date_reads_rfc_3339_and_unix_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
