/* SPDX-License-Identifier: MIT */
/*
 * http/guard.c - which addresses a URL of a stranger must not lead to.
 *
 * The special-purpose registries of IANA (RFC 6890 and its successors), as prefixes. An IPv6
 * address that carries an IPv4 address is judged by that one. Unknown families are private: the
 * guard must err on the closed side.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "http/client_internal.h"

struct prefix {
	uint8_t bytes[4];
	uint8_t bits;
};

static const struct prefix private4[] = {
	{{0, 0, 0, 0}, 8},       /* this network */
	{{10, 0, 0, 0}, 8},      /* private */
	{{100, 64, 0, 0}, 10},   /* shared (carriers) */
	{{127, 0, 0, 0}, 8},     /* loopback */
	{{169, 254, 0, 0}, 16},  /* link-local, cloud metadata */
	{{172, 16, 0, 0}, 12},   /* private */
	{{192, 0, 0, 0}, 24},    /* protocol assignments */
	{{192, 0, 2, 0}, 24},    /* documentation */
	{{192, 168, 0, 0}, 16},  /* private */
	{{198, 18, 0, 0}, 15},   /* benchmarks */
	{{198, 51, 100, 0}, 24}, /* documentation */
	{{203, 0, 113, 0}, 24},  /* documentation */
	{{224, 0, 0, 0}, 3},     /* multicast, reserved, broadcast */
};

static const struct prefix private6[] = {
	{{0xfc, 0, 0, 0}, 7},           /* unique local */
	{{0xfe, 0x80, 0, 0}, 10},       /* link-local */
	{{0xfe, 0xc0, 0, 0}, 10},       /* site-local, deprecated */
	{{0xff, 0, 0, 0}, 8},           /* multicast */
	{{0x20, 0x01, 0, 0}, 32},       /* Teredo: hides an IPv4 address */
	{{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
	{{0x01, 0, 0, 0}, 16},          /* discard-only */
};

static bool has_prefix(const uint8_t *address, const struct prefix *p)
{
	size_t whole = p->bits / 8U, rest = p->bits % 8U;

	if (memcmp(address, p->bytes, whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ p->bytes[whole]) >> (8 - rest) == 0;
}

static bool is_private4(const uint8_t address[4])
{
	for (size_t i = 0; i < ARRAY_LEN(private4); i++) {
		if (has_prefix(address, &private4[i]))
			return true;
	}
	return false;
}

/* The IPv4 address inside of an IPv6 address, NULL when there is none. */
static const uint8_t *embedded4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	static const uint8_t compatible[12] = {0}; /* also "::" and "::1" */

	if (memcmp(address, mapped, 12) == 0 || memcmp(address, nat64, 12) == 0 ||
		memcmp(address, compatible, 12) == 0)
		return address + 12;
	if (address[0] == 0x20 && address[1] == 0x02) /* 6to4 */
		return address + 2;
	return NULL;
}

static bool is_private6(const uint8_t address[16])
{
	const uint8_t *inner = embedded4(address);

	if (inner != NULL)
		return is_private4(inner);
	for (size_t i = 0; i < ARRAY_LEN(private6); i++) {
		if (has_prefix(address, &private6[i]))
			return true;
	}
	return false;
}

bool address_is_private(const struct sockaddr *a)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (a->sa_family == AF_INET) {
		memcpy(&in4, a, sizeof(in4));
		return is_private4((const uint8_t *)&in4.sin_addr);
	}
	if (a->sa_family == AF_INET6) {
		memcpy(&in6, a, sizeof(in6));
		return is_private6(in6.sin6_addr.s6_addr);
	}
	return true;
}

bool address_text_is_private(const char *text)
{
	uint8_t address[16];

	if (inet_pton(AF_INET, text, address) == 1)
		return is_private4(address);
	if (inet_pton(AF_INET6, text, address) == 1)
		return is_private6(address);
	return true;
}
