/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people write them. No function of the C library does it: those accept white space,
 * hexadecimal, octal and, for decimals, whatever the locale takes for a point.
 */
#include "config/schema-internal.h"

bool number_from_int(const char *s, int64_t *ret)
{
	bool is_negative = *s == '-';
	uint64_t magnitude;
	struct slice digits;

	digits = slice_of(*s == '-' || *s == '+' ? s + 1 : s);
	if (digits.n > 1 && digits.p[0] == '0')
		return false; /* octal to some, decimal to others */
	if (!slice_to_u64(digits, is_negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX, &magnitude))
		return false;
	*ret = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return true;
}

bool number_from_decimal(const char *s, int64_t *ret)
{
	size_t whole = strspn(s, "0123456789"), part = 0;
	uint64_t n = 0;

	if (whole == 0 || whole > 9)
		return false;
	for (size_t i = 0; i < whole; i++)
		n = n * 10 + (uint64_t)(s[i] - '0');
	s += whole;
	if (*s == '.') {
		part = strspn(++s, "0123456789");
		if (part == 0 || part > 3)
			return false;
	}
	for (size_t i = 0; i < 3; i++)
		n = n * 10 + (i < part ? (uint64_t)(s[i] - '0') : 0);
	*ret = (int64_t)n;
	return s[part] == '\0';
}

static unsigned size_shift(const char *unit)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = {{"", 0}, {"B", 0}, {"K", 10}, {"KiB", 10}, {"M", 20}, {"MiB", 20}, {"G", 30},
		{"GiB", 30}, {"T", 40}, {"TiB", 40}};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strcasecmp(unit, units[i].name) == 0)
			return units[i].shift;
	}
	return UINT32_MAX;
}

bool number_from_size(const char *s, int64_t *ret)
{
	size_t n = strspn(s, "0123456789.");
	CLEANUP(freep) char *number = xstrndup(s, n);
	unsigned shift = size_shift(s + n);
	uint64_t whole;
	int64_t thousandths;

	if (shift == UINT32_MAX)
		return false;
	if (slice_to_u64((struct slice){s, n}, (uint64_t)INT64_MAX >> shift, &whole)) {
		*ret = (int64_t)(whole << shift);
		return true;
	}
	/* 1.5GiB; at most 10^12 thousandths, so that 40 bits more than fit are not made. */
	if (shift == 0 || shift > 30 || !strchr(number, '.') ||
		!number_from_decimal(number, &thousandths) || thousandths > INT64_C(8000000000))
		return false;
	*ret = (int64_t)(((uint64_t)thousandths << shift) / 1000);
	return true;
}

char *number_print_size(int64_t bytes)
{
	static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(units) && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		i++;
	}
	return xasprintf("%lld%s", (long long)bytes, units[i]);
}
