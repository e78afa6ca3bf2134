/* SPDX-License-Identifier: MIT */
/*
 * base/inbound.c - questions about one request's header fields, and the end of an answer.
 *
 * Fields stay as they were sent: a repeated name is repeated here too, so that each caller decides
 * what a repetition means (a second signature header is a refusal, not a choice).
 */
#include "base/inbound.h"

size_t inbound_header(const struct inbound *in, const char *name, struct slice *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < in->field_count; i++) {
		if (!slice_eq_nocase(in->fields[i].name, name))
			continue;
		if (count == 0)
			*ret = in->fields[i].value;
		count++;
	}
	return count;
}

void answer_fini(struct answer *a)
{
	free(a->reply);
	strv_fini(&a->headers);
	*a = (struct answer){0};
}
