/* SPDX-License-Identifier: MIT */
/*
 * base/mask.c - text through a mask.
 *
 * What is held back is exactly the text of the automaton's present node: as that is the longest end
 * of all text so far that some form begins with, no byte in front of it can belong to a find that
 * is still to come. Finds are kept as intervals and put together as they are found; each is put on
 * and taken off the end of the list once, so a text of nothing but overlapping finds takes no
 * longer than another.
 *
 * A long text is searched in pieces of PIECE_MAX, which bounds the memory for finds.
 */
#include "base/mask_internal.h"

#define PIECE_MAX KIB(64)

void mask_stream_init(struct mask_stream *s, struct mask *m)
{
	*s = (struct mask_stream){.mask = m};
}

void mask_stream_fini(struct mask_stream *s)
{
	buf_fini(&s->held);
	free(s->finds);
	*s = (struct mask_stream){.mask = s->mask};
}

/* Finds come ordered by their ends. */
static void add_find(struct mask_stream *s, size_t from, size_t to)
{
	while (s->find_count > 0 && s->finds[s->find_count - 1].to >= from) {
		from = MIN_OF(from, s->finds[s->find_count - 1].from);
		s->find_count--;
	}
	if (s->find_count == s->find_room) {
		s->find_room = MAX_OF(s->find_room * 2, 8);
		s->finds = xreallocarray(s->finds, s->find_room, sizeof(s->finds[0]));
	}
	s->finds[s->find_count++] = (struct mask_find){(uint32_t)from, (uint32_t)to};
}

/* The next place from `at` on where a form may begin. */
static size_t next_beginning(const struct mask *m, struct slice text, size_t at)
{
	while (at + MASK_WINDOW <= text.n) {
		size_t jump = m->jump[mask_pair(text.p + at + MASK_WINDOW - 2)];

		if (jump == 0)
			break;
		at += jump;
	}
	return at;
}

static void search(struct mask_stream *s, struct slice piece)
{
	const struct mask *m = s->mask;
	uint32_t state = s->state;

	for (size_t at = 0; at < piece.n; at++) {
		if (state == 0)
			at = next_beginning(m, piece, at);
		state = mask_step(m, state, (unsigned char)piece.p[at]);
		if (m->nodes[state].found > 0) {
			size_t to = s->held.n + at + 1;

			add_find(s, to - m->nodes[state].found, to);
		}
	}
	/* A form that is complete does not go on. */
	while (state != 0 && m->nodes[state].first == m->nodes[state + 1].first)
		state = m->nodes[state].fail;
	s->state = state;
}

/* Bytes [from, to) of what is held back and the piece behind it. */
static void add_plain(
	struct mask_stream *s, struct slice piece, size_t from, size_t to, struct buf *out)
{
	size_t held = s->held.n;

	if (from == to)
		return;
	if (from < held)
		buf_add(out, s->held.p + from, MIN_OF(to, held) - from);
	if (to > held)
		buf_add(out, piece.p + MAX_OF(from, held) - held, to - MAX_OF(from, held));
	s->is_inside = false;
}

/* Appends the first n bytes of the same, without what was found. */
static void give_out(struct mask_stream *s, struct slice piece, size_t n, struct buf *out)
{
	size_t at = 0;

	for (size_t i = 0; i < s->find_count && s->finds[i].from < n; i++) {
		add_plain(s, piece, at, s->finds[i].from, out);
		if (!s->is_inside)
			buf_add_str(out, MASK_WORD);
		s->is_inside = true;
		at = MIN_OF(s->finds[i].to, n);
	}
	add_plain(s, piece, at, n, out);
}

/* Holds back all but the first n bytes. */
static void keep(struct mask_stream *s, struct slice piece, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < s->find_count; i++) {
		struct mask_find f = s->finds[i];

		if (f.to > n)
			s->finds[left++] = (struct mask_find){
				(uint32_t)(MAX_OF(f.from, n) - n), (uint32_t)(f.to - n)};
	}
	s->find_count = left;
	if (n < s->held.n) {
		buf_drop_front(&s->held, n);
		buf_add_slice(&s->held, piece);
	} else {
		size_t gone = n - s->held.n;

		buf_clear(&s->held);
		buf_add(&s->held, piece.p + gone, piece.n - gone);
	}
}

static void feed_piece(struct mask_stream *s, struct slice piece, struct buf *out)
{
	size_t certain;

	search(s, piece);
	certain = s->held.n + piece.n - s->mask->nodes[s->state].depth;
	give_out(s, piece, certain, out);
	keep(s, piece, certain);
}

void mask_feed(struct mask_stream *s, struct slice text, struct buf *out)
{
	if (s->mask == NULL) {
		buf_add_slice(out, text);
		return;
	}
	while (text.n > 0) {
		struct slice piece = {text.p, MIN_OF(text.n, PIECE_MAX)};

		feed_piece(s, piece, out);
		text.p += piece.n;
		text.n -= piece.n;
	}
}

void mask_flush(struct mask_stream *s, struct buf *out)
{
	give_out(s, SLICE_NULL, s->held.n, out);
	buf_clear(&s->held);
	s->find_count = 0;
	s->state = 0;
	s->is_inside = false;
}

void mask_text(struct mask *m, struct slice text, struct buf *out)
{
	CLEANUP(mask_stream_fini) struct mask_stream s = {.mask = m};

	mask_feed(&s, text, out);
	mask_flush(&s, out);
}

void mask_replace(struct mask *m, char **text)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	if (m == NULL || *text == NULL)
		return;
	mask_text(m, slice_of(*text), &out);
	if (slice_eq_str(buf_slice(&out), *text))
		return;
	free(*text);
	*text = buf_steal(&out);
}
