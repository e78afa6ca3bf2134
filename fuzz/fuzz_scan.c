/* SPDX-License-Identifier: MIT */
/*
 * The strict scanner against jansson: outside the limits that only one of them has, both accept or
 * both refuse. What was accepted is printed, scanned again and must print the same; every string
 * resolves to well-formed UTF-8.
 */
#include <jansson.h>

#include "base/scan.h"

/* False where only jansson has a limit. */
static bool jansson_has_an_opinion(const json_error_t *e)
{
	enum json_error_code code = json_error_code(e);

	return code != json_error_numeric_overflow && code != json_error_null_byte_in_key &&
	       code != json_error_stack_overflow;
}

static void check_strings(const struct scan *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct scan_node *node = &s->nodes[i];
		struct buf text = BUF_NULL;

		if (node->type == SCAN_STRING)
			scan_unescape(&text, node->raw);
		if (node->key.p != NULL)
			scan_unescape(&text, node->key);
		must(utf8_is_valid(buf_str(&text), text.n));
		buf_fini(&text);
	}
}

static void check_links(const struct scan *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct scan_node *parent = &s->nodes[i];
		size_t count = 0;

		for (const struct scan_node *it = scan_first(s, parent); it != NULL;
			it = scan_next(s, it)) {
			must(it > parent && it < s->nodes + s->n);
			if (parent->type == SCAN_ARRAY && count < 4)
				must(scan_element(s, parent, count) == it);
			count++;
		}
		must(count == parent->children);
	}
}

static void check_print(const struct scan *s)
{
	struct scan again = SCAN_NULL_INDEX;
	struct buf once = BUF_NULL, twice = BUF_NULL;

	if (s->nodes[0].type != SCAN_STRING) {
		scan_print(&once, s, &s->nodes[0]);
		must(scan_parse(&again, once.p, once.n, NULL) == 0);
		must(again.n == s->n);
		scan_print(&twice, &again, &again.nodes[0]);
		must(slice_eq(buf_slice(&once), buf_slice(&twice)));
		scan_fini(&again);
	}
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct scan s = SCAN_NULL_INDEX;
	json_error_t why;
	json_t *tree;
	int r;

	if (size == 0)
		return 0;
	tree = json_loadb(
		text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	r = scan_parse(&s, text, size, NULL);
	/* jansson takes a NUL byte between tokens for the end of the text. */
	if (memchr(text, '\0', size) != NULL)
		must(r != 0);
	else if (r != SCAN_E_DEPTH && r != SCAN_E_SIZE &&
		 (tree != NULL || jansson_has_an_opinion(&why)))
		must((r == 0) == (tree != NULL));
	if (r == 0) {
		check_strings(&s);
		check_links(&s);
		check_print(&s);
	}
	scan_fini(&s);
	json_decref(tree);
	return 0;
}
