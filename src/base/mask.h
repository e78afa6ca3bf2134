/* SPDX-License-Identifier: MIT */
/*
 * base/mask.h - known secrets are taken out of text, however it is cut into pieces.
 *
 * A mask is made of the values that must not be seen. Each is found as it is and as it looks inside
 * of a JSON string, percent-encoded (RFC 3986), and in base64 (RFC 4648, both alphabets, at any
 * offset); mask_forms.c says in which variants. Of a value with several lines each line is looked
 * for, and the whole where a form of it has no line ends. White space around a value or a line does
 * not count. Every byte that belongs to a find is left out, and "<redacted>" stands there once for
 * all that touch. Values shorter than MASK_VALUE_MIN bytes are not looked for: they would hide
 * ordinary words.
 *
 * Text is searched as it comes: what may be the beginning of a secret is held back until more is
 * known, which is never as much as the longest form. No secret goes over the end of a line, so
 * after a newline nothing is held back. What comes out depends on the text alone, not on how it was
 * cut. Time is linear in the text whatever it holds.
 */
#ifndef PYLON_BASE_MASK_H
#define PYLON_BASE_MASK_H

#include "base/limits.h"
#include "base/str.h"

#define MASK_VALUE_MIN 8
#define MASK_VALUE_MAX KIB(16) /* a longer line is looked for in pieces of so many bytes */
#define MASK_WORD      "<redacted>"

struct mask;

/* NULL when none of the values is worth looking for. Copies what it needs. */
struct mask *mask_new(const struct strv *values);
/* NULL is passed through. */
struct mask *mask_ref(struct mask *m);
void mask_unref(struct mask *m);
static inline void mask_unrefp(struct mask **m)
{
	mask_unref(*m);
	*m = NULL;
}

/* Bytes that belong to a find: positions in what is held back and the piece behind it. */
struct mask_find {
	uint32_t from, to;
};

/* One text on its way through a mask. Zeroed is the beginning; a NULL mask lets all through. */
struct mask_stream {
	struct mask *mask; /* borrowed: it must live as long */
	uint32_t state;
	struct buf held;         /* the bytes that are held back */
	struct mask_find *finds; /* in order, apart from each other */
	size_t find_count, find_room;
	bool is_inside; /* the last byte that went out stood for a secret */
};
void mask_stream_init(struct mask_stream *s, struct mask *m);
void mask_stream_fini(struct mask_stream *s);
/* Appends what is certain. `text` must not lie in `out`. */
void mask_feed(struct mask_stream *s, struct slice text, struct buf *out);
/* The text is over: appends the rest, and the stream is at its beginning again. */
void mask_flush(struct mask_stream *s, struct buf *out);
/* Nothing is held back, and a new stream would go on in the same way. */
static inline bool mask_is_settled(const struct mask_stream *s)
{
	return s->held.n == 0 && !s->is_inside;
}

/* A whole text, appended. */
void mask_text(struct mask *m, struct slice text, struct buf *out);
/* Replaces *text (allocated, may be NULL) when there is something to hide in it. */
void mask_replace(struct mask *m, char **text);

#endif
