/* SPDX-License-Identifier: MIT */
/*
 * base/id.c - ids, tokens and the names of pylons.
 *
 * Validity is about form only: any version of UUID in lower case passes, so that ids made by
 * something else may be looked up too.
 */
#include "base/id.h"

#include "base/crypto.h"

enum {
	UUID_BYTES = 16,
	NAME_MAX_LEN = 63,
};

void id_make(struct id *ret)
{
	uint8_t bytes[UUID_BYTES];
	char hex[2 * UUID_BYTES + 1];
	size_t out = 0;

	crypto_random(bytes, sizeof(bytes));
	/* Version 4, variant 10 (RFC 9562 sections 4.1, 4.2 and 5.4). */
	bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
	hex_encode(bytes, sizeof(bytes), hex);
	for (size_t i = 0; i < sizeof(hex) - 1; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			ret->s[out++] = '-';
		ret->s[out++] = hex[i];
	}
	ret->s[out] = '\0';
}

static bool is_uuid_char(char c, size_t place)
{
	if (place == 8 || place == 13 || place == 18 || place == 23)
		return c == '-';
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_uuid_start(struct slice s)
{
	if (s.n >= ID_SIZE)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_uuid_char(s.p[i], i))
			return false;
	return true;
}

bool id_is_valid(struct slice s)
{
	return s.n == ID_SIZE - 1 && is_uuid_start(s);
}

bool id_is_prefix(struct slice s)
{
	return s.n >= ID_PREFIX_MIN && is_uuid_start(s);
}

void token_make(char ret[TOKEN_SIZE])
{
	uint8_t bytes[(TOKEN_SIZE - 1) / 2];

	crypto_random(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), ret);
}

bool name_is_valid(struct slice s)
{
	if (s.n == 0 || s.n > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		bool is_mark = c == '.' || c == '_' || c == '-';

		if (!is_alnum && !(is_mark && i > 0))
			return false;
	}
	return true;
}
