/* SPDX-License-Identifier: MIT */
/*
 * fuzz/fuzz_utf8_clean.c - cleaned text is well-formed, harmless, and stays as it is when cleaned
 * again.
 */
#include "base/base.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bytes(const struct buf *text)
{
	for (size_t i = 0; i < text->n; i++) {
		unsigned char c = (unsigned char)text->p[i];

		must(c >= 0x20 || c == '\n' || c == '\t');
		must(c != 0x7F);
		/* U+0080 to U+009F, the 8-bit controls. */
		must(c != 0xC2 || i + 1 == text->n || (unsigned char)text->p[i + 1] >= 0xA0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = BUF_NULL, twice = BUF_NULL;
	const char *p = (const char *)data;

	utf8_clean(&once, p, size);
	must(utf8_is_valid(once.p, once.n));
	must(once.n <= 3 * size);
	check_bytes(&once);
	utf8_clean(&twice, once.p, once.n);
	must(slice_eq(buf_slice(&once), buf_slice(&twice)));
	for (size_t i = 0; i < size; i++)
		must(utf8_len(p + i, size - i) <= MIN_OF(size - i, (size_t)4));
	buf_fini(&once);
	buf_fini(&twice);
	return 0;
}
