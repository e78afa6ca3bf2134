/* SPDX-License-Identifier: MIT */
/*
 * tests/base/test_mask.c - text through a mask, in whatever pieces. What is found is compared with
 * a plain search at every place of the text.
 */
#include "base/mask_internal.h"
#include "lib/t.h"

#define SECRET "hunter2-hunter2"

/* Values separated by "|". */
static struct mask *mask_of(const char *values)
{
	CLEANUP(strv_fini) struct strv list = STRV_NULL;

	for (const char *p = values;; p++) {
		size_t n = strcspn(p, "|");

		strv_take(&list, xstrndup(p, n));
		p += n;
		if (*p == '\0')
			break;
	}
	return mask_new(&list);
}

/* Text through m in two pieces. */
static void feed_cut(struct mask *m, struct slice text, size_t at, struct buf *out)
{
	struct mask_stream s;

	mask_stream_init(&s, m);
	mask_feed(&s, (struct slice){text.p, at}, out);
	mask_feed(&s, (struct slice){text.p + at, text.n - at}, out);
	mask_flush(&s, out);
	mask_stream_fini(&s);
}

static void feed_bytes(struct mask *m, struct slice text, struct buf *out)
{
	struct mask_stream s;

	mask_stream_init(&s, m);
	for (size_t i = 0; i < text.n; i++)
		mask_feed(&s, (struct slice){text.p + i, 1}, out);
	mask_flush(&s, out);
	mask_stream_fini(&s);
}

static void assert_bytes(const struct buf *got, struct slice expected)
{
	if (!slice_eq(buf_slice(got), expected))
		fail_msg("got \"%.300s\", expected \"%.*s\"", buf_str(got),
			(int)MIN_OF(expected.n, 300), expected.p);
}

/* However the text is cut. */
static void expect_bytes(struct mask *m, struct slice text, struct slice expected)
{
	struct buf out = BUF_NULL;

	mask_text(m, text, &out);
	assert_bytes(&out, expected);
	for (size_t at = 0; at <= text.n; at++) {
		buf_clear(&out);
		feed_cut(m, text, at, &out);
		assert_bytes(&out, expected);
	}
	buf_clear(&out);
	feed_bytes(m, text, &out);
	assert_bytes(&out, expected);
	buf_fini(&out);
}

static void expect(const char *values, const char *text, const char *expected)
{
	struct mask *m = mask_of(values);

	assert_non_null(m);
	expect_bytes(m, slice_of(text), slice_of(expected));
	mask_unref(m);
}

static void secret_is_left_out_wherever_the_text_is_cut(void **state)
{
	(void)state;
	expect(SECRET, SECRET, "<redacted>");
	expect(SECRET, "key=" SECRET "\n", "key=<redacted>\n");
	expect(SECRET, "a " SECRET " b " SECRET " c", "a <redacted> b <redacted> c");
	expect(SECRET, "hunter2-hunter3", "hunter2-hunter3");
	expect(SECRET, "hunter2-hunter2-hunter2", "<redacted>");
	expect(SECRET, "hunter2-hunter2hunter2-hunter2", "<redacted>");
	expect(SECRET, "hunter2-hunter", "hunter2-hunter");
	expect(SECRET, "hunter2-\nhunter2", "hunter2-\nhunter2");
	expect(SECRET, "", "");
}

static void finds_that_touch_become_one_word(void **state)
{
	(void)state;
	expect("abcdefgh|efghijkl", "-abcdefghijkl-", "-<redacted>-");
	expect("abcdefgh|ijklmnop", "-abcdefghijklmnop-", "-<redacted>-");
	expect("abcdefgh|ijklmnop", "-abcdefgh-ijklmnop-", "-<redacted>-<redacted>-");
	expect("abcdefgh|ijklmnop", "-abcdefghijklmno-", "-<redacted>ijklmno-");
	expect("abababab", "xabababababababa", "x<redacted>a");
	expect("abababab", "xababababababay", "x<redacted>ay");
}

static void longer_secret_wins_over_the_one_in_it(void **state)
{
	(void)state;
	/* a beginning, an end, a middle of another */
	expect("12345678|1234567890", "x12345678y1234567890z", "x<redacted>y<redacted>z");
	expect("12345678|1234567890", "12345678901234567", "<redacted>1234567");
	expect("34567890|1234567890", "x34567890y1234567890z", "x<redacted>y<redacted>z");
	expect("23456789|1234567890", "x1234567890y23456789z", "x<redacted>y<redacted>z");
	/* the longer one fails at its last byte, and the shorter was in front of it */
	expect("23456789|1234567890ab", "x1234567890aX", "x1<redacted>0aX");
	expect("12345678|1234567890ab", "x1234567890aX", "x<redacted>90aX");
	expect("12345678|3456789012345678", "1234567890123456", "<redacted>90123456");
}

static void word_in_the_text_stays(void **state)
{
	(void)state;
	expect(SECRET, MASK_WORD SECRET MASK_WORD, MASK_WORD MASK_WORD MASK_WORD);
	expect("<redacted>", "a<redacted>b", "a<redacted>b");
	expect("redacted>", SECRET "<redacted>", SECRET "<<redacted>");
}

static void values_below_the_minimum_are_not_looked_for(void **state)
{
	(void)state;
	assert_null(mask_of(""));
	assert_null(mask_of("1234567"));
	assert_null(mask_of("|ab|  1234567  |\n1234567\r\n"));
	expect("12345678", "x12345678x", "x<redacted>x");
	expect("123456789", "x12345678x123456789", "x12345678x<redacted>");
	expect("1234567|12345678", "x1234567x12345678", "x1234567x<redacted>");
	expect("|" SECRET, SECRET, "<redacted>");
}

static void no_mask_lets_everything_through(void **state)
{
	struct mask_stream s = {0};
	struct buf out = BUF_NULL;

	(void)state;
	mask_feed(&s, slice_of(SECRET), &out);
	assert_true(mask_is_settled(&s));
	mask_flush(&s, &out);
	mask_text(NULL, slice_of("!"), &out);
	assert_string_equal(out.p, SECRET "!");
	mask_unref(mask_ref(NULL));
	mask_stream_fini(&s);
	buf_fini(&out);
}

static void any_bytes_around_a_secret_are_kept(void **state)
{
	static const char text[] = "\xFF\xFE\x1B[2J\0" SECRET "\0\x80\xC3" SECRET "\xC3\xA4\0";
	static const char expected[] = "\xFF\xFE\x1B[2J\0<redacted>\0\x80\xC3<redacted>\xC3\xA4\0";
	static const char nul_inside[] = "hunter2-\0hunter2";
	struct mask *m = mask_of(SECRET);

	(void)state;
	expect_bytes(
		m, (struct slice){text, sizeof(text)}, (struct slice){expected, sizeof(expected)});
	expect_bytes(m, (struct slice){nul_inside, sizeof(nul_inside)},
		(struct slice){nul_inside, sizeof(nul_inside)});
	mask_unref(m);
	expect("\xFF\x80p\xE4ssword", "x\xFF\x80p\xE4ssword\xFF\x80p\xE4ss",
		"x<redacted>\xFF\x80p\xE4ss");
}

static void only_what_may_become_a_secret_is_held_back(void **state)
{
	struct mask *m = mask_of("1234567890|567890abcd");
	struct mask_stream s;
	struct buf out = BUF_NULL;
	static const struct {
		const char *piece, *out;
	} steps[] = {
		{"x123", "x"},
		{"45678", "x"},
		{"9", "x"},
		{"y", "x123456789y"},
		/* 567890 may go on as the other secret */
		{"1234567890", "x123456789y<redacted>"},
		{"abc", "x123456789y<redacted>"},
		{"d", "x123456789y<redacted>"},
		{"1", "x123456789y<redacted>"},
		{"\n", "x123456789y<redacted>1\n"},
	};

	(void)state;
	mask_stream_init(&s, m);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		mask_feed(&s, slice_of(steps[i].piece), &out);
		assert_string_equal(out.p, steps[i].out);
		assert_true(s.held.n < strlen("1234567890"));
	}
	assert_true(mask_is_settled(&s));
	mask_stream_fini(&s);
	mask_unref(m);
	buf_fini(&out);
}

static void nothing_is_held_back_at_the_end_of_a_line(void **state)
{
	struct mask *m = mask_of("1234567890\nabcdefghij|" SECRET);
	struct mask_stream s;
	struct buf out = BUF_NULL;
	const char *lines[] = {"123456789\n", "1234567890\n", "x1234567\n", "\n", SECRET "\n"};

	(void)state;
	mask_stream_init(&s, m);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		mask_feed(&s, slice_of(lines[i]), &out);
		assert_true(mask_is_settled(&s));
		assert_int_equal(out.p[out.n - 1], '\n');
	}
	/* After a find nothing is held back, but the next one would belong to its word. */
	mask_feed(&s, slice_of("abcdefghij"), &out);
	assert_int_equal(s.held.n, 0);
	assert_false(mask_is_settled(&s));
	mask_stream_fini(&s);
	mask_unref(m);
	buf_fini(&out);
}

static void flush_is_the_end_of_a_text(void **state)
{
	struct mask *m = mask_of(SECRET);
	struct mask_stream s;
	struct buf out = BUF_NULL;

	(void)state;
	mask_stream_init(&s, m);
	mask_feed(&s, slice_of("hunter2-"), &out);
	assert_int_equal(out.n, 0);
	mask_flush(&s, &out);
	assert_string_equal(out.p, "hunter2-");
	mask_feed(&s, slice_of("hunter2 " SECRET), &out);
	mask_flush(&s, &out);
	mask_feed(&s, slice_of(SECRET), &out);
	assert_string_equal(out.p, "hunter2-hunter2 <redacted><redacted>");
	mask_flush(&s, &out);
	mask_flush(&s, &out);
	assert_string_equal(out.p, "hunter2-hunter2 <redacted><redacted>");
	mask_stream_fini(&s);
	mask_unref(m);
	/* What was found in the text that is over says nothing about the next. */
	m = mask_of("23456789|1234567890ab");
	mask_stream_init(&s, m);
	buf_clear(&out);
	mask_feed(&s, slice_of("1234567890a"), &out);
	assert_int_equal(out.n, 0);
	mask_flush(&s, &out);
	mask_feed(&s, slice_of("plain text"), &out);
	mask_flush(&s, &out);
	assert_string_equal(out.p, "1<redacted>0aplain text");
	mask_stream_fini(&s);
	mask_unref(m);
	buf_fini(&out);
}

static void text_is_replaced_only_when_something_is_hidden(void **state)
{
	struct mask *m = mask_of(SECRET);
	char *text = xstrdup("nothing"), *before = text, *none = NULL;

	(void)state;
	mask_replace(m, &text);
	assert_ptr_equal(text, before);
	mask_replace(m, &none);
	assert_null(none);
	str_replace(&text, "a " SECRET);
	mask_replace(NULL, &text);
	assert_string_equal(text, "a " SECRET);
	mask_replace(m, &text);
	assert_string_equal(text, "a <redacted>");
	free(text);
	mask_unref(m);
}

static void mask_lives_as_long_as_somebody_refers_to_it(void **state)
{
	struct mask *m = mask_of(SECRET), *other = mask_ref(m);

	(void)state;
	mask_unrefp(&m);
	assert_null(m);
	expect_bytes(other, slice_of(SECRET), slice_of(MASK_WORD));
	mask_unref(other);
}

/* --- long texts --- */

/* Around the pieces in which a long text is searched. */
static void secret_is_found_at_every_place_of_a_long_text(void **state)
{
	struct mask *m = mask_of(SECRET);
	size_t n = KIB(64), k = strlen(SECRET);
	struct buf text = BUF_NULL, out = BUF_NULL;

	(void)state;
	for (size_t at = n - 2 * k; at <= n + k; at++) {
		buf_clear(&text);
		buf_clear(&out);
		while (text.n < 3 * n)
			buf_add_char(&text, '.');
		memcpy(text.p + at, SECRET, k);
		memcpy(text.p + at + n, SECRET, k);
		mask_text(m, buf_slice(&text), &out);
		assert_int_equal(out.n, 3 * n - 2 * k + 2 * strlen(MASK_WORD));
		assert_memory_equal(out.p + at, MASK_WORD, strlen(MASK_WORD));
		assert_null(strstr(out.p, "hunter"));
	}
	mask_unref(m);
	buf_fini(&text);
	buf_fini(&out);
}

static void text_of_nothing_but_secrets_is_one_word(void **state)
{
	struct mask *m = mask_of(SECRET "|aaaaaaaa");
	struct buf text = BUF_NULL, out = BUF_NULL;

	(void)state;
	for (int i = 0; i < 20000; i++)
		buf_add_str(&text, i % 2 == 0 ? SECRET : "aaaaaaaaa");
	mask_text(m, buf_slice(&text), &out);
	assert_string_equal(out.p, MASK_WORD);
	mask_unref(m);
	buf_fini(&text);
	buf_fini(&out);
}

/* Every byte of the text is the beginning of a secret that fails at its very end, or not. */
static void long_repeats_are_searched_right(void **state)
{
	struct strv values = STRV_NULL;
	struct buf text = BUF_NULL, out = BUF_NULL;
	size_t n = MASK_VALUE_MAX;
	char *value = xcalloc(n + 1, 1);
	struct mask *m;

	(void)state;
	memset(value, 'a', n);
	value[n - 1] = 'b';
	strv_take(&values, value);
	m = mask_new(&values);
	for (size_t i = 0; i < 3 * n; i++)
		buf_add_char(&text, 'a');
	mask_text(m, buf_slice(&text), &out);
	assert_true(slice_eq(buf_slice(&out), buf_slice(&text)));
	buf_add_char(&text, 'b');
	buf_clear(&out);
	mask_text(m, buf_slice(&text), &out);
	assert_int_equal(out.n, 2 * n + 1 + strlen(MASK_WORD));
	assert_true(str_has_suffix(out.p, "a" MASK_WORD));
	mask_unref(m);
	strv_fini(&values);
	buf_fini(&text);
	buf_fini(&out);
}

/* --- against a plain search --- */

static uint64_t seed = 0x9E3779B97F4A7C15;

static unsigned chance(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static char *random_text(const char *letters, size_t n)
{
	char *text = xcalloc(n + 1, 1);

	for (size_t i = 0; i < n; i++)
		text[i] = letters[chance((unsigned)strlen(letters))];
	return text;
}

static void search_plainly(const struct strv *forms, const char *text, size_t n, struct buf *out)
{
	char *is_secret = xcalloc(n + 1, 1);

	for (size_t f = 0; f < forms->n; f++) {
		size_t k = strlen(forms->v[f]);

		for (size_t at = 0; at + k <= n; at++) {
			if (memcmp(text + at, forms->v[f], k) == 0)
				memset(is_secret + at, 1, k);
		}
	}
	for (size_t at = 0; at < n; at++) {
		if (!is_secret[at])
			buf_add_char(out, text[at]);
		else if (at == 0 || !is_secret[at - 1])
			buf_add_str(out, MASK_WORD);
	}
	free(is_secret);
}

static void feed_randomly(struct mask *m, const char *text, size_t n, struct buf *out)
{
	struct mask_stream s;
	size_t longest = 1 + chance(12);

	mask_stream_init(&s, m);
	while (n > 0) {
		size_t k = chance((unsigned)longest + 1);

		k = MIN_OF(k, n);
		mask_feed(&s, (struct slice){text, k}, out);
		text += k;
		n -= k;
	}
	mask_flush(&s, out);
	mask_stream_fini(&s);
}

/* Texts made of letters and of whole and cut forms. */
static char *text_of_forms(const char *letters, const struct strv *forms)
{
	struct buf text = BUF_NULL;

	for (unsigned i = chance(12); i > 0; i--) {
		char *plain = random_text(letters, chance(10));

		buf_add_str(&text, plain);
		free(plain);
		if (forms->n > 0) {
			const char *form = forms->v[chance((unsigned)forms->n)];
			size_t n = strlen(form);

			buf_add(&text, form, chance(3) == 0 ? chance((unsigned)n) : n);
		}
	}
	return buf_steal(&text);
}

static void try_random(const char *letters)
{
	struct strv values = STRV_NULL, forms = STRV_NULL;
	struct buf expected = BUF_NULL, got = BUF_NULL;
	struct mask *m;

	for (unsigned i = 1 + chance(5); i > 0; i--)
		strv_take(&values, random_text(letters, 5 + chance(9)));
	mask_forms(&forms, &values);
	m = mask_new(&values);
	assert_true((m == NULL) == (forms.n == 0));
	for (int i = 0; i < 8; i++) {
		char *text = i % 2 == 0 ? random_text(letters, chance(60))
					: text_of_forms(letters, &forms);
		size_t n = strlen(text);

		buf_clear(&expected);
		buf_clear(&got);
		search_plainly(&forms, text, n, &expected);
		feed_randomly(m, text, n, &got);
		assert_bytes(&got, buf_slice(&expected));
		free(text);
	}
	mask_unref(m);
	strv_fini(&values);
	strv_fini(&forms);
	buf_fini(&expected);
	buf_fini(&got);
}

static void finds_are_those_of_a_plain_search(void **state)
{
	static const char *const letters[] = {
		"ab", "aab", "abc", "a\"", "a/ ", "ab\n", "\xC3\xA4<", "aA+%\\"};

	(void)state;
	for (int i = 0; i < 1500; i++)
		try_random(letters[(size_t)i % ARRAY_LEN(letters)]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_is_left_out_wherever_the_text_is_cut),
		cmocka_unit_test(finds_that_touch_become_one_word),
		cmocka_unit_test(longer_secret_wins_over_the_one_in_it),
		cmocka_unit_test(word_in_the_text_stays),
		cmocka_unit_test(values_below_the_minimum_are_not_looked_for),
		cmocka_unit_test(no_mask_lets_everything_through),
		cmocka_unit_test(any_bytes_around_a_secret_are_kept),
		cmocka_unit_test(only_what_may_become_a_secret_is_held_back),
		cmocka_unit_test(nothing_is_held_back_at_the_end_of_a_line),
		cmocka_unit_test(flush_is_the_end_of_a_text),
		cmocka_unit_test(text_is_replaced_only_when_something_is_hidden),
		cmocka_unit_test(mask_lives_as_long_as_somebody_refers_to_it),
		cmocka_unit_test(secret_is_found_at_every_place_of_a_long_text),
		cmocka_unit_test(text_of_nothing_but_secrets_is_one_word),
		cmocka_unit_test(long_repeats_are_searched_right),
		cmocka_unit_test(finds_are_those_of_a_plain_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
