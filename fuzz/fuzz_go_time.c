/* SPDX-License-Identifier: MIT */
/*
 * Timestamps out of old databases: any bytes. What is read must be a time the program can hold and
 * print (0 to the end of the year 9999, or what an integer of nanoseconds reaches), and reading it
 * from the same text again must give the same.
 */
#include "store/go_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data, size};
	int64_t at = -1, again = -1;

	if (!go_time_parse(text, &at)) {
		must(at == -1);
		return 0;
	}
	must(at >= 0);
	must(at <= INT64_C(253402300799999999) + INT64_C(86400000000));
	must(go_time_parse(text, &again) && again == at);
	return 0;
}
