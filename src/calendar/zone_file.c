/* SPDX-License-Identifier: MIT */
/*
 * calendar/zone_file.c - the bytes of a TZif file (RFC 9636 section 3).
 *
 * A file has a header and a data block with 32-bit times; from version 2 on a second pair with
 * 64-bit times follows, of which alone we read, and a footer with a TZ string. The file comes from
 * the system but may be anything: every count and index is checked before it is used.
 *
 * Surprises: old programs leave the footer out; a version above 4 is read as 4, as the RFC wants
 * new versions to be compatible; the standard/wall and UT/local indicators matter to no reader.
 */
#include <endian.h>

#include "calendar/zone_internal.h"

enum {
	HEADER_SIZE = 44,
	VERSION_AT = 4,
	COUNTS_AT = 20,
	TYPE_SIZE = 6,
	TYPES_MAX = 256,         /* an index is one byte */
	ABBREVIATIONS_MAX = 512, /* bytes; the index is one byte */
};

/* The rest of the file. */
struct input {
	const unsigned char *p;
	size_t n;
};

struct header {
	unsigned char version;
	size_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

static int fail(struct err *e, const char *what)
{
	return err_set(e, -EINVAL, "not a TZif file: %s", what);
}

/* Gives the next n bytes; NULL when there are fewer. */
static const unsigned char *take(struct input *in, size_t n)
{
	const unsigned char *p = in->p;

	if (in->n < n)
		return NULL;
	in->p += n;
	in->n -= n;
	return p;
}

static uint32_t read_u32(const unsigned char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return be32toh(value);
}

static int64_t read_time(const unsigned char *p, size_t size)
{
	uint64_t value;

	if (size == sizeof(uint32_t))
		return (int32_t)read_u32(p);
	memcpy(&value, p, sizeof(value));
	return (int64_t)be64toh(value);
}

static int take_header(struct input *in, struct header *ret, struct err *e)
{
	const unsigned char *p = take(in, HEADER_SIZE);
	size_t counts[6];

	if (p == NULL || memcmp(p, "TZif", 4) != 0)
		return fail(e, "it does not start like one");
	ret->version = p[VERSION_AT];
	if (ret->version != 0 && ret->version < '2')
		return fail(e, "its version is not known");
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		counts[i] = read_u32(p + COUNTS_AT + i * 4);
	ret->isutcnt = counts[0];
	ret->isstdcnt = counts[1];
	ret->leapcnt = counts[2];
	ret->timecnt = counts[3];
	ret->typecnt = counts[4];
	ret->charcnt = counts[5];
	return 0;
}

/* Steps over the block with 32-bit times. The counts are below 2^32: their sum fits a size_t. */
static int skip_block(struct input *in, const struct header *h, struct err *e)
{
	size_t n = h->timecnt * (sizeof(uint32_t) + 1) + h->typecnt * TYPE_SIZE + h->charcnt +
		   h->leapcnt * (2 * sizeof(uint32_t)) + h->isstdcnt + h->isutcnt;

	return take(in, n) == NULL ? fail(e, "it is cut short") : 0;
}

static int check_header(const struct header *h, size_t rest, struct err *e)
{
	if (h->leapcnt > 0)
		return err_set(
			e, -EINVAL, "it counts leap seconds; use the zone without \"right/\"");
	if (h->typecnt == 0 || h->typecnt > TYPES_MAX)
		return fail(e, "the number of its types is wrong");
	if (h->charcnt == 0 || h->charcnt > ABBREVIATIONS_MAX)
		return fail(e, "the size of its abbreviations is wrong");
	if ((h->isutcnt != 0 && h->isutcnt != h->typecnt) ||
		(h->isstdcnt != 0 && h->isstdcnt != h->typecnt))
		return fail(e, "the number of its indicators is wrong");
	/* Before anything is allocated for them. */
	return h->timecnt > rest ? fail(e, "it is cut short") : 0;
}

static int read_times(
	struct zone_data *d, const unsigned char *p, size_t n, size_t time_size, struct err *e)
{
	d->n = n;
	d->at = xcalloc(n + 1, sizeof(*d->at));
	for (size_t i = 0; i < n; i++) {
		d->at[i] = read_time(p + i * time_size, time_size);
		if (i > 0 && d->at[i] <= d->at[i - 1])
			return fail(e, "its transitions are not in order");
	}
	return 0;
}

static int read_indexes(
	struct zone_data *d, const unsigned char *p, size_t type_count, struct err *e)
{
	d->after = xcalloc(d->n + 1, sizeof(*d->after));
	for (size_t i = 0; i < d->n; i++) {
		if (p[i] >= type_count)
			return fail(e, "a transition has a type that is not there");
		d->after[i] = p[i];
	}
	return 0;
}

static int read_types(
	struct zone_data *d, const unsigned char *p, size_t n, size_t char_count, struct err *e)
{
	d->types = xcalloc(n, sizeof(*d->types));
	for (size_t i = 0; i < n; i++, p += TYPE_SIZE) {
		int32_t offset = (int32_t)read_u32(p);

		if (offset <= ZONE_OFFSET_MIN || offset >= ZONE_OFFSET_MAX)
			return fail(e, "an offset is larger than a day");
		if (p[4] > 1)
			return fail(e, "a type is neither standard nor daylight saving time");
		if (p[5] >= char_count)
			return fail(e, "a type has an abbreviation that is not there");
		d->types[i] = (struct zone_type){offset, p[4] == 1, p[5]};
	}
	return 0;
}

/* They are printed: only visible ASCII is taken. The last one must have its NUL. */
static int read_abbreviations(struct zone_data *d, const unsigned char *p, size_t n, struct err *e)
{
	d->abbreviations = xcalloc(n, 1);
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\0' && (p[i] <= ' ' || p[i] >= 0x7f))
			return fail(e, "an abbreviation is not text");
		d->abbreviations[i] = (char)p[i];
	}
	return p[n - 1] == '\0' ? 0 : fail(e, "its abbreviations do not end");
}

static int take_block(struct zone_data *d, struct input *in, const struct header *h,
	size_t time_size, struct err *e)
{
	const unsigned char *times, *indexes, *types, *abbreviations;
	int r = check_header(h, in->n, e);

	if (r < 0)
		return r;
	times = take(in, h->timecnt * time_size);
	indexes = times == NULL ? NULL : take(in, h->timecnt);
	types = indexes == NULL ? NULL : take(in, h->typecnt * TYPE_SIZE);
	abbreviations = types == NULL ? NULL : take(in, h->charcnt);
	if (abbreviations == NULL || take(in, h->isstdcnt + h->isutcnt) == NULL)
		return fail(e, "it is cut short");
	r = read_times(d, times, h->timecnt, time_size, e);
	if (r == 0)
		r = read_indexes(d, indexes, h->typecnt, e);
	if (r == 0)
		r = read_types(d, types, h->typecnt, h->charcnt, e);
	return r == 0 ? read_abbreviations(d, abbreviations, h->charcnt, e) : r;
}

/* A TZ string between two newlines; empty = none. What follows it is left alone. */
static int take_footer(struct zone_data *d, struct input *in, struct err *e)
{
	const unsigned char *end;
	struct slice text;
	struct zone_rule rule;
	int r;

	if (in->n == 0)
		return 0;
	if (*take(in, 1) != '\n')
		return fail(e, "its footer is wrong");
	end = in->n == 0 ? NULL : memchr(in->p, '\n', in->n);
	if (end == NULL)
		return fail(e, "its footer does not end");
	text = (struct slice){(const char *)in->p, (size_t)(end - in->p)};
	if (text.n == 0)
		return 0;
	r = zone_rule_parse(&rule, text, e);
	if (r < 0)
		return r;
	d->rule = xcalloc(1, sizeof(*d->rule));
	*d->rule = rule;
	return 0;
}

int zone_data_parse(struct zone_data *ret, const unsigned char *bytes, size_t n, struct err *e)
{
	CLEANUP(zone_data_fini) struct zone_data d = {0};
	struct input in = {bytes, n};
	struct header h;
	int r = take_header(&in, &h, e);

	if (r == 0 && h.version == 0) {
		r = take_block(&d, &in, &h, sizeof(uint32_t), e);
	} else if (r == 0) {
		r = skip_block(&in, &h, e);
		if (r == 0)
			r = take_header(&in, &h, e);
		if (r == 0)
			r = take_block(&d, &in, &h, sizeof(uint64_t), e);
		if (r == 0)
			r = take_footer(&d, &in, e);
	}
	if (r < 0)
		return r;
	*ret = d;
	d = (struct zone_data){0};
	return 0;
}

void zone_data_fini(struct zone_data *d)
{
	free(d->at);
	free(d->after);
	free(d->types);
	free(d->abbreviations);
	free(d->rule);
}
