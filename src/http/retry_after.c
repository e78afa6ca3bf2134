/* SPDX-License-Identifier: MIT */
/*
 * http/retry_after.c - the Retry-After field (RFC 9110 section 10.2.3): seconds, or a date.
 *
 * The value is a stranger's wish, so it is bounded: a past date or a negative number is "now", a
 * far one is an hour.
 */
#include "http/client_internal.h"

enum { RETRY_AFTER_MAX_S = 3600 };

static int64_t clamp(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return MIN_OF(seconds, (int64_t)RETRY_AFTER_MAX_S) * US_PER_SEC;
}

static bool is_digits(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

int64_t retry_after_parse(struct slice value, int64_t now_real)
{
	bool is_negative = value.n > 1 && value.p[0] == '-';
	uint64_t seconds;
	char date[64];
	time_t at;

	if (is_negative)
		value = (struct slice){value.p + 1, value.n - 1};
	if (is_digits(value)) {
		if (is_negative)
			return 0;
		return slice_to_u64(value, RETRY_AFTER_MAX_S, &seconds) ? clamp((int64_t)seconds)
									: clamp(RETRY_AFTER_MAX_S);
	}
	if (value.n == 0 || value.n >= sizeof(date))
		return -1;
	memcpy(date, value.p, value.n);
	date[value.n] = '\0';
	at = curl_getdate(date, NULL);
	return at == -1 ? -1 : clamp((int64_t)at - now_real / US_PER_SEC);
}
