/* SPDX-License-Identifier: MIT */
/*
 * calendar/zone_name.c - a time zone at the end of a text.
 *
 * Names of places (Europe/Berlin), UTC and GMT are good for everything. A moment may also have an
 * offset (+0530) or one of a few zones by letters, which are fixed offsets: EST is -5 in July, too.
 * All other letters are refused, because they mean different things in different places.
 */
#include "calendar/words-internal.h"

#define PLACES  "Write a place such as Europe/Berlin, or UTC."
#define LETTERS "Letters mean different zones in different places: write Europe/London, or +01:00."

static const struct {
	const char *name;
	int hours;
} letters[] = {
	{"UTC", 0},
	{"GMT", 0},
	{"Z", 0},
	{"EST", -5},
	{"EDT", -4},
	{"CST", -6},
	{"CDT", -5},
	{"MST", -7},
	{"MDT", -6},
	{"PST", -8},
	{"PDT", -7},
	{"CET", 1},
	{"CEST", 2},
};

/* Does a zone begin here, and not just any word? */
static bool sees_letters(const struct reader *r, size_t ahead, int *ret_hours)
{
	for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
		if (reader_sees(r, ahead, letters[i].name)) {
			*ret_hours = letters[i].hours;
			return true;
		}
	}
	return false;
}

static bool sees_place(const struct reader *r, size_t ahead)
{
	return reader_peek(r, ahead)->kind == TOKEN_WORD && reader_sees_sign(r, ahead + 1, '/') &&
	       reader_peek(r, ahead + 1)->is_glued && reader_peek(r, ahead + 2)->is_glued;
}

/* "BST" and its like: nothing else in a schedule is a few capital letters. */
static bool sees_foreign_letters(const struct reader *r)
{
	const struct token *t = reader_peek(r, 0);

	if (t->kind != TOKEN_WORD || t->text.n < 2 || t->text.n > 4)
		return false;
	for (size_t i = 0; i < t->text.n; i++)
		if (t->text.p[i] < 'A' || t->text.p[i] > 'Z')
			return false;
	return true;
}

static bool take_place(struct reader *r, struct zone **ret)
{
	const struct token *t = reader_peek(r, 0);
	struct err e = CLEAN_ERR;
	CLEANUP(freep) char *name = slice_dup(reader_joined(r));
	struct zone *z = zone_load(name, &e);

	if (z == NULL)
		return reader_fail(r, t, PLACES, "%.150s", e.text);
	*ret = z;
	return true;
}

/* hh:mm or hhmm after the sign, -1 when it is neither. */
static int offset_minutes(struct slice text)
{
	char digits[4];
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == ':' && i == 2 && text.n == 5)
			continue;
		if (text.p[i] < '0' || text.p[i] > '9' || n == sizeof(digits))
			return -1;
		digits[n++] = text.p[i];
	}
	if (n != sizeof(digits) || digits[2] > '5')
		return -1;
	n = (size_t)((digits[0] - '0') * 10 + digits[1] - '0');
	return n > 23 ? -1 : (int)n * 60 + (digits[2] - '0') * 10 + digits[3] - '0';
}

static bool take_offset(struct reader *r, struct zone **ret)
{
	const struct token *t = reader_peek(r, 0);
	struct slice text = reader_joined(r);
	int minutes = offset_minutes((struct slice){text.p + 1, text.n - 1});

	if (minutes < 0)
		return reader_fail(r, t, "An offset is +hh:mm or +hhmm.", "\"%.*s\" is no offset",
			(int)MIN_OF(text.n, (size_t)20), text.p);
	*ret = zone_fixed((*text.p == '-' ? -minutes : minutes) * 60);
	return true;
}

bool reader_zone(struct reader *r, bool with_letters, struct zone **ret)
{
	const struct token *start = reader_peek(r, 0);
	bool is_in = reader_word(r, "in");
	int hours;

	if (with_letters && (reader_sees_sign(r, 0, '+') || reader_sees_sign(r, 0, '-')))
		return take_offset(r, ret);
	if (sees_letters(r, 0, &hours) && !sees_place(r, 0)) {
		if (hours != 0 && !with_letters)
			return reader_fail(r, reader_peek(r, 0), PLACES,
				"a fixed offset does not follow the clocks of any place");
		r->at++;
		*ret = zone_fixed(hours * 3600);
		return true;
	}
	if (sees_place(r, 0) || (is_in && reader_peek(r, 0)->kind == TOKEN_WORD))
		return take_place(r, ret);
	if (is_in)
		return reader_misses(r, PLACES);
	if (sees_foreign_letters(r))
		return reader_fail(r, start, LETTERS, "\"%.*s\" is no time zone known here",
			SLICE_ARG(start->text));
	return true;
}
