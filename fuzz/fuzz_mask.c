/* SPDX-License-Identifier: MIT */
/*
 * fuzz/fuzz_mask.c - no value gets through a mask, what comes out does not depend on how the text
 * was cut, and no more is held back than there may be.
 *
 * The input is one line of values separated by "|", a line whose bytes say how long the pieces are,
 * and the text.
 */
#include <stdint.h>

#include "base/mask_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The front of *rest up to c, which goes away, too. */
static struct slice take(struct slice *rest, char c)
{
	const char *end = rest->n == 0 ? NULL : memchr(rest->p, c, rest->n);
	struct slice front = {rest->p, end == NULL ? rest->n : (size_t)(end - rest->p)};
	size_t gone = front.n + (end == NULL ? 0 : 1);

	rest->p += gone;
	rest->n -= gone;
	return front;
}

static size_t blanks(struct slice s, bool at_end)
{
	size_t n = 0;

	while (n < s.n && strchr(" \t\r\v\f", s.p[at_end ? s.n - 1 - n : n]) != NULL)
		n++;
	return n;
}

/* Whether a value stands between two words of what came out. */
static void check_value(struct slice out, struct slice value)
{
	size_t front = blanks(value, false);

	value.p += front;
	value.n -= front;
	value.n -= blanks(value, true);
	if (value.n < MASK_VALUE_MIN)
		return;
	while (out.n > 0) {
		const char *word = memmem(out.p, out.n, MASK_WORD, strlen(MASK_WORD));
		size_t n = word == NULL ? out.n : (size_t)(word - out.p);
		size_t gone = word == NULL ? n : n + strlen(MASK_WORD);

		must(memmem(out.p, n, value.p, value.n) == NULL);
		out.p += gone;
		out.n -= gone;
	}
}

static void feed_in_pieces(struct mask *m, struct slice lengths, struct slice text, struct buf *out)
{
	struct mask_stream s;

	mask_stream_init(&s, m);
	for (size_t i = 0; text.n > 0; i++) {
		size_t n = lengths.n == 0 ? 1 : (unsigned char)lengths.p[i % lengths.n];
		/* Every hundredth piece has a byte, so that it comes to an end. */
		struct slice piece = {text.p, MIN_OF(text.n, i % 100 == 0 ? MAX_OF(n, 1) : n)};

		mask_feed(&s, piece, out);
		must(s.held.n < MASK_FORM_MAX);
		must(piece.n == 0 || piece.p[piece.n - 1] != '\n' || mask_is_settled(&s));
		text.p += piece.n;
		text.n -= piece.n;
	}
	mask_flush(&s, out);
	must(mask_is_settled(&s));
	mask_stream_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = {(const char *)data, size}, first = take(&rest, '\n'), values = first;
	struct slice lengths = take(&rest, '\n');
	struct strv list = STRV_NULL;
	struct buf whole = BUF_NULL, pieces = BUF_NULL;
	struct mask *m;

	while (values.n > 0)
		strv_take(&list, slice_dup(take(&values, '|')));
	m = mask_new(&list);
	mask_text(m, rest, &whole);
	feed_in_pieces(m, lengths, rest, &pieces);
	must(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	must(m != NULL || slice_eq(buf_slice(&whole), rest));
	for (size_t i = 0; i < list.n; i++)
		check_value(buf_slice(&whole), slice_of(list.v[i]));
	mask_unref(m);
	strv_fini(&list);
	buf_fini(&whole);
	buf_fini(&pieces);
	return 0;
}
