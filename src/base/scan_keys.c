/* SPDX-License-Identifier: MIT */
/*
 * base/scan_keys.c - does one object have a name twice?
 *
 * Two ways. Small objects without escapes in their names, which are nearly all, mark a cheap hash
 * of each name in a bitmap and compare only where a bit was set before: the bound on how many
 * members may go this way keeps names that were chosen to collide harmless. Everything else is
 * sorted, names with escapes as their unescaped text ("\u0061" is "a"), and neighbours compared.
 * Sorting needs no secret and has no bad case.
 */
#include "base/scan_internal.h"

#define FILTER_MEMBERS_MAX 256
#define FILTER_BITS        1024

struct key {
	struct slice text;
	size_t offset; /* of an unescaped text in the scratch buffer */
	uint32_t node;
};

static inline const struct scan_node *first_child(const struct scan *s, uint32_t object)
{
	return &s->nodes[object + 1];
}

static inline const struct scan_node *sibling(const struct scan *s, const struct scan_node *node)
{
	return node->next == 0 ? NULL : &s->nodes[node->next];
}

static size_t cheap_hash(struct slice key)
{
	uint64_t head = 0, tail = 0;
	size_t n = MIN_OF(key.n, sizeof(head));

	if (n > 0) {
		memcpy(&head, key.p, n);
		memcpy(&tail, key.p + key.n - n, n);
	}
	head ^= (tail << 23 | tail >> 41) + key.n;
	return (size_t)(head * UINT64_C(0x9e3779b97f4a7c15) >> 54) % FILTER_BITS;
}

static uint32_t duplicate_by_filter(const struct scan *s, uint32_t object)
{
	const struct scan_node *first = first_child(s, object);
	uint64_t seen[FILTER_BITS / 64] = {0};

	for (const struct scan_node *it = first; it != NULL; it = sibling(s, it)) {
		size_t hash = cheap_hash(it->key);
		uint64_t bit = UINT64_C(1) << hash % 64;

		if ((seen[hash / 64] & bit) == 0) {
			seen[hash / 64] |= bit;
			continue;
		}
		for (const struct scan_node *elder = first; elder != it; elder = sibling(s, elder))
			if (slice_eq(elder->key, it->key))
				return (uint32_t)(it - s->nodes);
	}
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct key *a = left, *b = right;
	int order = 0;

	if (a->text.n != b->text.n)
		return a->text.n < b->text.n ? -1 : 1;
	if (a->text.n > 0)
		order = memcmp(a->text.p, b->text.p, a->text.n);
	if (order != 0)
		return order;
	return (a->node > b->node) - (a->node < b->node);
}

/* Returns how many there are. */
static size_t collect(const struct scan *s, uint32_t object, struct key *keys, struct buf *scratch)
{
	size_t n = 0;

	for (const struct scan_node *it = first_child(s, object); it != NULL; it = sibling(s, it)) {
		struct key *key = &keys[n++];

		key->node = (uint32_t)(it - s->nodes);
		key->text = it->key;
		key->offset = scratch->n;
		if (it->key_has_escapes) {
			scan_unescape(scratch, it->key);
			key->text.n = scratch->n - key->offset;
		}
	}
	/* Only now has the scratch buffer stopped moving. */
	for (size_t i = 0; i < n; i++)
		if (s->nodes[keys[i].node].key_has_escapes)
			keys[i].text.p = buf_str(scratch) + keys[i].offset;
	return n;
}

static uint32_t duplicate_by_sort(const struct scan *s, uint32_t object)
{
	CLEANUP(freep) struct key *keys = xcalloc(s->nodes[object].children, sizeof(*keys));
	CLEANUP(buf_fini) struct buf scratch = BUF_NULL;
	size_t n = collect(s, object, keys, &scratch);
	uint32_t found = 0;

	qsort(keys, n, sizeof(*keys), compare);
	for (size_t i = 1; i < n; i++)
		if (slice_eq(keys[i - 1].text, keys[i].text) &&
			(found == 0 || keys[i].node < found))
			found = keys[i].node;
	return found;
}

static bool has_escaped_name(const struct scan *s, uint32_t object)
{
	for (const struct scan_node *it = first_child(s, object); it != NULL; it = sibling(s, it))
		if (it->key_has_escapes)
			return true;
	return false;
}

uint32_t scan_duplicate(const struct scan *s, uint32_t object)
{
	uint32_t n = s->nodes[object].children;

	if (n < 2)
		return 0;
	if (n > FILTER_MEMBERS_MAX || has_escaped_name(s, object))
		return duplicate_by_sort(s, object);
	return duplicate_by_filter(s, object);
}
