/* SPDX-License-Identifier: MIT */
/*
 * Which hosts lie inside: this machine, and the networks that only it and its neighbours reach.
 *
 * An address is read the way inet_aton(3) reads it, because getaddrinfo(3), and so ssh and curl, do
 * the same: one to four numbers, decimal, octal or hexadecimal, the last of which fills what is
 * left ("127.1", "0177.0.0.1", "0x7f000001", "2130706433"). An IPv6 address that carries an IPv4
 * address is judged by that one. The ranges are those of IANA's special-purpose registries
 * (RFC 6890) that are in use behind somebody's door; what is merely reserved leads nowhere.
 *
 * The limit: a name is not looked up, so one that resolves to such an address, an alias in
 * ~/.ssh/config and a redirection to it are not noticed here.
 */
#include <arpa/inet.h>
#include <ctype.h>

#include "base/crypto.h"
#include "workspace/repo_internal.h"

struct range {
	uint8_t bytes[6]; /* how its addresses begin */
	uint8_t bits;     /* so many bits of it count */
};

static const struct range inner4[] = {
	{{0, 0, 0, 0}, 8},      /* unspecified; Linux takes it for itself */
	{{10, 0, 0, 0}, 8},     /* private */
	{{100, 64, 0, 0}, 10},  /* shared by the customers of a carrier */
	{{127, 0, 0, 0}, 8},    /* loopback */
	{{169, 254, 0, 0}, 16}, /* link-local; the metadata of clouds */
	{{172, 16, 0, 0}, 12},  /* private */
	{{192, 0, 0, 0}, 24},   /* protocol assignments; metadata of one cloud */
	{{192, 168, 0, 0}, 16}, /* private */
	{{198, 18, 0, 0}, 15},  /* test networks */
	{{224, 0, 0, 0}, 3},    /* multicast, reserved, broadcast */
};

static const struct range inner6[] = {
	{{0xfc, 0, 0, 0}, 7},                       /* unique local */
	{{0xfe, 0x80, 0, 0}, 10},                   /* link-local */
	{{0xfe, 0xc0, 0, 0}, 10},                   /* site-local */
	{{0xff, 0, 0, 0}, 8},                       /* multicast */
	{{0x20, 0x01, 0, 0}, 32},                   /* Teredo: hides what it carries */
	{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* NAT64 of one's own (RFC 8215) */
};

/* What /etc/hosts and resolvers have for this machine (RFC 6761 section 6.3; hosts(5)). */
static const char *const own_names[] = {"localhost", "localhost.localdomain", "localhost4",
	"localhost6", "ip6-localhost", "ip6-loopback", "localhost4.localdomain4",
	"localhost6.localdomain6"};

static bool is_in(const uint8_t *address, const struct range *r)
{
	for (unsigned bit = 0; bit < r->bits; bit++) {
		unsigned mask = 0x80U >> bit % 8;

		if (((address[bit / 8] ^ r->bytes[bit / 8]) & mask) != 0)
			return false;
	}
	return true;
}

static bool is_inner4(const uint8_t address[4])
{
	for (size_t i = 0; i < ARRAY_LEN(inner4); i++) {
		if (is_in(address, &inner4[i]))
			return true;
	}
	return false;
}

/* The IPv4 address that an IPv6 address carries, NULL when it carries none. */
static const uint8_t *carried4(const uint8_t address[16])
{
	static const struct {
		uint8_t bytes[12];
		size_t n;
	} prefixes[] = {
		{{0}, 12},                        /* IPv4-compatible; and with it :: and ::1 */
		{{[10] = 0xff, [11] = 0xff}, 12}, /* IPv4-mapped */
		{{[8] = 0xff, [9] = 0xff}, 12},   /* IPv4-translated (RFC 2765) */
		{{0x00, 0x64, 0xff, 0x9b}, 12},   /* NAT64 (RFC 6052) */
		{{0x20, 0x02}, 2},                /* 6to4 (RFC 3056) */
	};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (memcmp(address, prefixes[i].bytes, prefixes[i].n) == 0)
			return address + prefixes[i].n;
	}
	return NULL;
}

static bool is_inner6(const uint8_t address[16])
{
	const uint8_t *carried = carried4(address);

	if (carried != NULL)
		return is_inner4(carried);
	for (size_t i = 0; i < ARRAY_LEN(inner6); i++) {
		if (is_in(address, &inner6[i]))
			return true;
	}
	return false;
}

/* One number of an IPv4 address; false when it is none. Too large ones become UINT32_MAX + 1. */
static bool read_number(struct slice s, uint64_t *ret)
{
	unsigned base = 10;

	*ret = 0;
	if (s.n >= 2 && s.p[0] == '0' && tolower((unsigned char)s.p[1]) == 'x') {
		base = 16;
		s = (struct slice){s.p + 2, s.n - 2};
	} else if (s.n >= 2 && s.p[0] == '0') {
		base = 8;
	}
	for (size_t i = 0; i < s.n; i++) {
		int digit = hex_digit(s.p[i]);

		if (digit < 0 || (unsigned)digit >= base)
			return false;
		*ret = MIN_OF(*ret * base + (unsigned)digit, (uint64_t)UINT32_MAX + 1);
	}
	return true;
}

/* The part behind the last dot, and what stands before that dot (p NULL: there is no dot). */
static struct slice last_part(struct slice s, struct slice *ret_before)
{
	const char *dot = memrchr(s.p, '.', s.n);

	if (dot == NULL) {
		*ret_before = SLICE_NULL;
		return s;
	}
	*ret_before = (struct slice){s.p, (size_t)(dot - s.p)};
	return (struct slice){dot + 1, s.n - ret_before->n - 1};
}

static bool read4(struct slice name, uint8_t ret[4])
{
	uint64_t part[4] = {0};
	uint64_t address;
	size_t n = 0;

	for (struct slice rest = name; rest.p != NULL && n < ARRAY_LEN(part); n++) {
		struct slice number = last_part(rest, &rest);

		if (number.n == 0 || !read_number(number, &part[n]))
			return false;
		if (n + 1 == ARRAY_LEN(part) && rest.p != NULL)
			return false;
	}
	/* part[0] is the last one. */
	if (part[0] >> 8 * (5 - n) != 0)
		return false;
	address = part[0];
	for (size_t i = 1; i < n; i++) {
		if (part[i] > UINT8_MAX)
			return false;
		address |= part[i] << 8 * (4 - n + i);
	}
	for (size_t i = 0; i < 4; i++)
		ret[i] = (uint8_t)(address >> (24 - 8 * i));
	return true;
}

static bool is_own_name(struct slice name)
{
	static const char below[] = ".localhost";
	struct slice end = {name.p + name.n - MIN_OF(name.n, sizeof(below) - 1),
		MIN_OF(name.n, sizeof(below) - 1)};

	for (size_t i = 0; i < ARRAY_LEN(own_names); i++) {
		if (slice_eq_nocase(name, own_names[i]))
			return true;
	}
	return slice_eq_nocase(end, below);
}

static enum host_place place_of_name(struct slice name)
{
	struct slice before;
	uint8_t address[4];
	uint64_t number;

	/* "localhost." is the same name, spelled to the end (RFC 1034 section 3.1). */
	while (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0)
		return HOST_NOWHERE;
	if (is_own_name(name))
		return HOST_INSIDE;
	if (read4(name, address))
		return is_inner4(address) ? HOST_INSIDE : HOST_OUTSIDE;
	/* No name ends in a number: others may read an address out of it. */
	return read_number(last_part(name, &before), &number) ? HOST_NOWHERE : HOST_OUTSIDE;
}

enum host_place host_find_place(struct slice host)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t address[16];
	struct slice inner = {host.p + 1, host.n - 2};

	if (host.n < 2 || host.p[0] != '[')
		return place_of_name(host);
	/* Between brackets git takes anything, and hands it to ssh without them. */
	if (host.p[host.n - 1] != ']' || inner.n >= sizeof(text))
		return HOST_NOWHERE;
	memcpy(text, inner.p, inner.n);
	text[inner.n] = '\0';
	if (inet_pton(AF_INET6, text, address) != 1)
		return HOST_NOWHERE;
	return is_inner6(address) ? HOST_INSIDE : HOST_OUTSIDE;
}
