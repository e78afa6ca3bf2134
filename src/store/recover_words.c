/* SPDX-License-Identifier: MIT */
/*
 * What a recovery did, said loudly: the first line alone must tell whether something is lost.
 */
#include <stdio.h>

#include "store/recover.h"

const char *store_recovered_name(enum store_recovered how)
{
	switch (how) {
	case RECOVERED_SOUND:
		return "sound";
	case RECOVERED_REINDEXED:
		return "reindexed";
	case RECOVERED_SALVAGED:
		return "salvaged";
	case RECOVERED_SNAPSHOT:
		return "snapshot";
	case RECOVERED_EMPTY:
		return "empty";
	}
	return "";
}

/* Over all tables. */
static struct store_recovered_table sum(const struct store_recovery *r)
{
	struct store_recovered_table s = {0};

	for (size_t i = 0; i < r->table_count; i++) {
		s.found += r->tables[i].found;
		s.saved += r->tables[i].saved;
		s.dropped += r->tables[i].dropped;
		s.cut += r->tables[i].cut;
		s.made += r->tables[i].made;
		s.lost += r->tables[i].lost;
	}
	return s;
}

bool store_recovery_is_lossless(const struct store_recovery *r)
{
	struct store_recovered_table s = sum(r);

	if (r->how == RECOVERED_SNAPSHOT || r->how == RECOVERED_EMPTY)
		return false;
	return s.lost + s.dropped + s.cut == 0 && r->unknown == 0 && r->bad_pages == 0;
}

static void count(struct buf *out, int64_t n, const char *words)
{
	if (n > 0)
		buf_printf(out, ", %lld %s", (long long)n, words);
}

static void print_salvaged(struct buf *out, const struct store_recovery *r)
{
	struct store_recovered_table s = sum(r);

	if (store_recovery_is_lossless(r))
		buf_printf(out, "salvaged: all %lld rows were saved\n", (long long)s.saved);
	else if (s.lost + s.dropped == 0)
		buf_printf(out,
			"salvaged: all %lld rows that are known of were saved, not all of them "
			"whole\n",
			(long long)s.saved);
	else
		buf_printf(out, "salvaged: %lld rows were saved, about %lld are LOST\n",
			(long long)s.saved, (long long)s.lost + s.dropped);
	for (size_t i = 0; i < r->table_count; i++) {
		const struct store_recovered_table *t = &r->tables[i];

		if (t->found + t->made + t->lost == 0)
			continue;
		buf_printf(out, "  %s: %lld saved", t->name, (long long)t->saved);
		count(out, t->lost, "lost (estimated)");
		count(out, t->dropped, "dropped, what they belong to is lost");
		count(out, t->cut, "without their last columns");
		count(out, t->made, "made from what was left");
		buf_add_char(out, '\n');
	}
	if (r->bad_pages > 0)
		buf_printf(out, "  %lld of %lld pages could not be read\n", (long long)r->bad_pages,
			(long long)r->pages);
	if (r->unknown > 0)
		buf_printf(out, "  %lld rows were read that fit no table\n", (long long)r->unknown);
}

void store_recovery_print(struct buf *out, const struct store_recovery *r)
{
	switch (r->how) {
	case RECOVERED_SOUND:
		buf_add_str(out, "sound: nothing had to be done\n");
		return;
	case RECOVERED_REINDEXED:
		buf_add_str(out, "reindexed: only indexes were damaged, no row is lost\n");
		break;
	case RECOVERED_SALVAGED:
		print_salvaged(out, r);
		break;
	case RECOVERED_SNAPSHOT:
		buf_add_str(out, "snapshot: NOTHING could be read; what happened since the newest "
				 "copy of before is LOST\n");
		break;
	case RECOVERED_EMPTY:
		buf_add_str(out, "empty: NOTHING could be read and there is no copy of before: "
				 "EVERYTHING is LOST\n");
		break;
	}
	if (r->why[0] != '\0')
		buf_printf(out, "  what was wrong: %s\n", r->why);
	if (r->quarantine[0] != '\0')
		buf_printf(out, "  the damaged files are kept as %s\n", r->quarantine);
	if (r->snapshot[0] != '\0')
		buf_printf(out, "  the newest sound copy of before is %s\n", r->snapshot);
}
