/* SPDX-License-Identifier: MIT */
/*
 * http/target.c - the request target and the host it may name (RFC 9112 section 3.2, RFC 3986).
 *
 * Only the shape is judged here; percent-decoding is the server's. A target may hold characters
 * that RFC 3986 wants encoded (senders do that in queries) but never a '#', a blank, a control or
 * a byte above 126, because proxies disagree about where such a target ends.
 */
#include "base/crypto.h"
#include "http/parser.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* unreserved and sub-delims of RFC 3986. */
static bool is_name_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("-._~!$&'()*+,;=", c) != NULL);
}

/* Length of a bracketed IP literal at the beginning, 0 when it is none. */
static size_t literal_length(struct slice s)
{
	size_t i = 1;

	while (i < s.n && (hex_digit(s.p[i]) >= 0 || s.p[i] == ':' || s.p[i] == '.'))
		i++;
	return i > 1 && i < s.n && s.p[i] == ']' ? i + 1 : 0;
}

/* Length of a registered name or IPv4 address at the beginning, 0 when it is malformed or empty. */
static size_t name_length(struct slice s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != ':') {
		if (s.p[i] == '%') {
			if (s.n - i < 3 || hex_digit(s.p[i + 1]) < 0 || hex_digit(s.p[i + 2]) < 0)
				return 0;
			i += 3;
		} else if (is_name_char(s.p[i])) {
			i++;
		} else {
			return 0;
		}
	}
	return i;
}

bool http_authority_is_valid(struct slice s)
{
	size_t n = s.n > 0 && s.p[0] == '[' ? literal_length(s) : name_length(s);
	uint64_t port;

	if (n == 0)
		return false;
	if (n == s.n)
		return true;
	if (s.p[n] != ':')
		return false;
	/* "host:" without digits is allowed and means the default port. */
	return n + 1 == s.n ||
	       slice_to_u64((struct slice){s.p + n + 1, s.n - n - 1}, UINT16_MAX, &port);
}

/* Length of "http://" or "https://" at the beginning; 0 when there is none. */
static size_t scheme_length(struct slice s)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (s.n >= n && slice_eq_nocase((struct slice){s.p, n}, schemes[i]))
			return n;
	}
	return 0;
}

static void split_query(struct slice s, struct slice *ret_path, struct slice *ret_query)
{
	const char *mark = memchr(s.p, '?', s.n);
	size_t n = mark == NULL ? s.n : (size_t)(mark - s.p);

	*ret_path = (struct slice){s.p, n};
	*ret_query = SLICE_NULL;
	if (mark != NULL)
		*ret_query = (struct slice){mark + 1, s.n - n - 1};
}

static bool split_absolute(struct slice method, struct slice target, struct slice *ret_path,
	struct slice *ret_query, struct slice *ret_authority)
{
	size_t start = scheme_length(target), end = start;

	while (end < target.n && target.p[end] != '/' && target.p[end] != '?')
		end++;
	*ret_authority = (struct slice){target.p + start, end - start};
	if (start == 0 || !http_authority_is_valid(*ret_authority))
		return false;
	split_query((struct slice){target.p + end, target.n - end}, ret_path, ret_query);
	/* RFC 9112 section 3.2.4: OPTIONS without a path means the server as a whole. */
	if (ret_path->n == 0)
		*ret_path = slice_eq_str(method, "OPTIONS") && ret_query->p == NULL
				    ? SLICE_LIT("*")
				    : SLICE_LIT("/");
	return true;
}

bool http_target_split(struct slice method, struct slice target, struct slice *ret_path,
	struct slice *ret_query, struct slice *ret_authority)
{
	*ret_path = *ret_query = *ret_authority = SLICE_NULL;
	if (target.n == 0)
		return false;
	for (size_t i = 0; i < target.n; i++) {
		if (target.p[i] <= ' ' || target.p[i] > '~' || target.p[i] == '#')
			return false;
	}
	if (target.p[0] == '/') {
		split_query(target, ret_path, ret_query);
		return true;
	}
	if (target.p[0] == '*') {
		*ret_path = target;
		return target.n == 1 && slice_eq_str(method, "OPTIONS");
	}
	return split_absolute(method, target, ret_path, ret_query, ret_authority);
}
