/* SPDX-License-Identifier: MIT */
/*
 * Log records and marks: any payload parses to a part of itself, any text that is taken for a mark
 * writes itself back, and a mark counts right whatever the timestamps are.
 */
#include <stdint.h>

#include "base/base.h"
#include "runner/log_record_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_record(struct slice payload, struct log_mark *m)
{
	struct log_record r = log_record_parse(payload);

	must(r.at_ns >= -1);
	must(r.text.n <= payload.n && r.text.p + r.text.n == payload.p + payload.n);
	must(r.at_ns >= 0 || r.text.n == payload.n);
	(void)log_mark_take(m, r.at_ns);
}

static void try_mark(const char *text)
{
	struct log_mark m, again;
	char back[SPOOL_MARK_MAX], twice[SPOOL_MARK_MAX];

	if (!log_mark_parse(text, text, &m))
		return;
	must(m.taken <= m.total);
	log_mark_write(&m, text, back);
	must(log_mark_parse(back, text, &again));
	log_mark_write(&again, text, twice);
	must(str_eq(back, twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(freep) char *text = xstrndup((const char *)data, size);
	struct slice rest = {text, size};
	struct log_mark m = {0};

	try_mark(text);
	while (rest.n > 0) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end == NULL ? rest.n : (size_t)(end - rest.p) + 1;

		try_record((struct slice){rest.p, n}, &m);
		rest = (struct slice){rest.p + n, rest.n - n};
	}
	must(m.taken <= m.total && m.next_taken <= m.taken);
	log_mark_rewind(&m);
	must(m.to_skip == m.taken);
	return 0;
}
