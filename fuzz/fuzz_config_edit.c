/* SPDX-License-Identifier: MIT */
/*
 * One scalar is set in a file of any bytes. Whatever the file is, the outcome has the old bytes in
 * front of and behind one patch, says what was asked for, and doing it again changes nothing. The
 * first byte chooses the key.
 */
#include <stdint.h>

#include "config/config-internal.h"

#define VALUE "true"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Beginning and end together are all of the old bytes, but for those of one scalar. */
static void check_bytes(struct slice old, struct slice new)
{
	size_t front = 0, back = 0, most = MIN_OF(old.n, new.n);

	while (front < most && old.p[front] == new.p[front])
		front++;
	while (back < most - front && old.p[old.n - 1 - back] == new.p[new.n - 1 - back])
		back++;
	/* What was added is at most three lines: keys, value, and the indentation of a neighbour.
	 */
	must(new.n - front - back <= 256 + 3 * old.n);
	must(front + back <= old.n);
}

static void check_again(struct slice text, const char *key)
{
	CLEANUP(buf_fini) struct buf again = BUF_NULL;

	must(config_edit_text(text, key, VALUE, &again, NULL) == 0);
	must(slice_eq(buf_slice(&again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {
		"disabled", "channel.telegram.chat_id", "trigger.if", "a"};
	const char *key = keys[size > 0 ? data[0] % ARRAY_LEN(keys) : 0];
	struct slice text = {(const char *)data + (size > 0), size - (size > 0)};
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	struct err e = CLEAN_ERR;

	if (config_edit_text(text, key, VALUE, &out, &e) < 0) {
		must(out.n == 0 && e.text[0] != '\0');
		return 0;
	}
	check_bytes(text, buf_slice(&out));
	check_again(buf_slice(&out), key);
	return 0;
}
