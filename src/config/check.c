/* SPDX-License-Identifier: MIT */
/*
 * The formats that a text may have to keep. Each function says what is wrong, to be read after the
 * key's name, or NULL. They judge shape only: nothing is looked up.
 */
#include <sys/un.h>

#include "config/schema-internal.h"

#define SMALL    "abcdefghijklmnopqrstuvwxyz"
#define BIG      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS   "0123456789"
#define ALPHANUM SMALL BIG DIGITS

static bool has_only(const char *text, const char *allowed)
{
	return text[strspn(text, allowed)] == '\0';
}

bool text_is_blank(struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			return false;
	}
	return true;
}

const char *check_http_url(const char *text)
{
	const char *host = str_has_prefix(text, "http://")    ? text + 7
			   : str_has_prefix(text, "https://") ? text + 8
							      : NULL;

	if (!host)
		return "must begin with http:// or https://";
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return "may have no white space in it";
	}
	return strcspn(host, "/?#:") == 0 ? "has no host" : NULL;
}

const char *check_host(const char *text)
{
	return has_only(text, ALPHANUM ".-:[]%_") ? NULL : "must be an address or a host name";
}

const char *check_socket(const char *text)
{
	const char *path = str_has_prefix(text, "unix://") ? text + 7 : text;

	if (path == text && strstr(text, "://"))
		return "must be a Unix socket (unix:///path or a path); only Unix sockets are used";
	if (path[0] != '/')
		return "must be unix:// and an absolute path, or an absolute path";
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return "is longer than the path of a socket can be";
	return NULL;
}

/* Kept in step with the routes of our own; a test of the webhook door has the same list. */
static bool is_reserved_path(const char *text)
{
	static const char *const prefixes[] = {
		"/callback/", "/hooks/", "/trigger/", "/api/", "/approve/"};
	static const char *const paths[] = {"/", "/healthz", "/readyz", "/metrics"};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (str_has_prefix(text, prefixes[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (str_eq(text, paths[i]))
			return true;
	}
	return false;
}

const char *check_webhook_path(const char *text)
{
	if (text[0] != '/')
		return "must begin with `/`";
	if (is_reserved_path(text))
		return "is one of Pylon's own paths; take another";
	if (!has_only(text, ALPHANUM "/-._~!$&'()*+,;=:@"))
		return "may have letters, digits and -._~!$&'()*+,;=:@ between its slashes only";
	if (strstr(text, "//") || strstr(text, "/./") || strstr(text, "/../") ||
		str_has_suffix(text, "/.") || str_has_suffix(text, "/.."))
		return "may not have empty or dotted parts";
	return NULL;
}

/* RFC 9110 section 5.6.2: token. */
const char *check_header_name(const char *text)
{
	return text[0] != '\0' && has_only(text, ALPHANUM "!#$%&'*+-.^_`|~")
		       ? NULL
		       : "must be the name of a header";
}

/* Loose on purpose: the engine knows all the rules of image references. */
const char *check_image(const char *text)
{
	return has_only(text, ALPHANUM "./:@_-") && text[0] != '-' && text[0] != '/'
		       ? NULL
		       : "must be the name of an image";
}

/* Any name at all: OpenCode lets people add providers of their own. */
const char *check_provider(const char *text)
{
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return "must be a name without blanks, such as anthropic";
	}
	return text[strcspn(text, ALPHANUM)] == '\0' ? "must have a letter or digit in it" : NULL;
}
