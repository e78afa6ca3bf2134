/* SPDX-License-Identifier: MIT */
/*
 * tests/calendar/tzif.c - see tzif.h; RFC 9636 section 3.
 */
#include "calendar/tzif.h"

#include <endian.h>

static void add_u32(struct buf *out, uint32_t n)
{
	uint32_t big = htobe32(n);

	buf_add(out, &big, sizeof(big));
}

static void add_zeros(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_add_char(out, '\0');
}

static void add_header(struct buf *out, const struct tzif *t, bool is_stub)
{
	buf_add(out, "TZif", 4);
	buf_add_char(out, t->version);
	add_zeros(out, 15);
	add_u32(out, is_stub ? 0 : t->isutcnt);
	add_u32(out, is_stub ? 0 : t->isstdcnt);
	add_u32(out, is_stub ? 0 : t->leapcnt);
	add_u32(out, is_stub ? 0 : (uint32_t)t->n);
	add_u32(out, is_stub ? 1 : (uint32_t)t->type_count);
	add_u32(out, is_stub ? 1 : (uint32_t)t->abbreviations_n);
}

static void add_block(struct buf *out, const struct tzif *t, size_t time_size)
{
	for (size_t i = 0; i < t->n; i++) {
		if (time_size == 8)
			add_u32(out, (uint32_t)((uint64_t)t->at[i] >> 32));
		add_u32(out, (uint32_t)(uint64_t)t->at[i]);
	}
	buf_add(out, t->after, t->n);
	for (size_t i = 0; i < t->type_count; i++) {
		add_u32(out, (uint32_t)t->types[i].offset);
		buf_add_char(out, (char)t->types[i].is_dst);
		buf_add_char(out, (char)t->types[i].abbreviation);
	}
	buf_add(out, t->abbreviations, t->abbreviations_n);
	add_zeros(out, (size_t)t->leapcnt * (time_size + 4) + t->isstdcnt + t->isutcnt);
}

void tzif_write(struct buf *out, const struct tzif *t)
{
	bool is_stub = t->version != '\0' && !t->is_fat;

	add_header(out, t, is_stub);
	if (is_stub)
		add_zeros(out, 6 + 1);
	else
		add_block(out, t, 4);
	if (t->version == '\0')
		return;
	add_header(out, t, false);
	add_block(out, t, 8);
	if (t->footer != NULL)
		buf_printf(out, "\n%s\n", t->footer);
}

struct zone *tzif_zone(const struct tzif *t, struct err *e)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_NULL;

	tzif_write(&bytes, t);
	return zone_parse("Test/Zone", buf_str(&bytes), bytes.n, e);
}

struct zone *tzif_zone_of_rule(const char *rule, struct err *e)
{
	static const struct tzif_type utc = {0, 0, 0};
	struct tzif t = {
		.version = '3',
		.type_count = 1,
		.types = &utc,
		.abbreviations = "UTC",
		.abbreviations_n = 4,
		.footer = rule,
	};

	return tzif_zone(&t, e);
}

static const int64_t two_times[] = {1000000, 2000000};
static const uint8_t two_after[] = {1, 0};
static const struct tzif_type two_types[] = {{3600, 0, 0}, {7200, 1, 4}};
const struct tzif tzif_two = {
	.version = '2',
	.n = 2,
	.at = two_times,
	.after = two_after,
	.type_count = 2,
	.types = two_types,
	.abbreviations = "STD\0DST",
	.abbreviations_n = 8,
	.footer = "STD-1",
};
