/* SPDX-License-Identifier: MIT */
/*
 * Addresses of repositories and refs that came with an event: what passes can be no option, runs no
 * command, has no secret in what is shown, and is no address of this machine or a private network.
 * What is such an address is asked of getaddrinfo(3), which is what ssh and curl ask.
 */
#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>

#include "base/base.h"
#include "workspace/repo_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_shown(const char *text)
{
	must(text[0] != '-');
	for (; *text != '\0'; text++)
		must(!iscntrl((unsigned char)*text));
}

/* The host of an address that passed, without its port and brackets. */
static char *host_in(const char *url)
{
	const char *begin = strstr(url, "://");
	bool is_scp = begin == NULL || begin > strchr(url, ':');
	const char *from = is_scp ? url : begin + 3;
	size_t n = is_scp ? strcspn(from, ":") : strcspn(from, "/");
	const char *at = memrchr(from, '@', n);

	if (at != NULL) {
		n -= (size_t)(at + 1 - from);
		from = at + 1;
	}
	if (from[0] == '[')
		return xstrndup(from + 1, strcspn(from + 1, "]"));
	return xstrndup(from, MIN_OF(n, strcspn(from, ":")));
}

static bool is_inside4(const struct sockaddr *a)
{
	struct sockaddr_in in;
	uint32_t ip;

	memcpy(&in, a, sizeof(in));
	ip = ntohl(in.sin_addr.s_addr);
	return ip >> 24 == 0 || ip >> 24 == 10 || ip >> 24 == 127 || ip >> 20 == 0xac1 ||
	       ip >> 16 == 0xc0a8 || ip >> 16 == 0xa9fe;
}

static bool is_inside6(const struct sockaddr *a)
{
	struct sockaddr_in6 in;
	struct sockaddr_in mapped = {.sin_family = AF_INET};

	memcpy(&in, a, sizeof(in));
	if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
		memcpy(&mapped.sin_addr, in.sin6_addr.s6_addr + 12, 4);
		return is_inside4((const struct sockaddr *)&mapped);
	}
	return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&in.sin6_addr) ||
	       IN6_IS_ADDR_LINKLOCAL(&in.sin6_addr) || (in.sin6_addr.s6_addr[0] & 0xfe) == 0xfc;
}

static void check_host(const char *url)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	CLEANUP(freep) char *host = host_in(url);
	struct addrinfo *found = NULL;

	must(strcasecmp(host, "localhost") != 0);
	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return;
	must(found->ai_family == AF_INET ? !is_inside4(found->ai_addr)
					 : !is_inside6(found->ai_addr));
	freeaddrinfo(found);
}

static void check_repo(const char *text, bool is_literal)
{
	struct repo r = {0};
	struct err e = CLEAN_ERR;

	if (repo_parse(text, is_literal, &r, &e) < 0) {
		must(e.text[0] != '\0' && r.url == NULL);
		return;
	}
	check_shown(r.url);
	must(strstr(r.url, "::") == NULL || r.url[0] == '/' || strstr(r.url, "://") != NULL ||
		strchr(r.url, ':') < strstr(r.url, "::"));
	must(is_literal || (r.transport != REPO_LOCAL && r.transport != REPO_HTTP));
	if (!is_literal)
		check_host(r.url);
	if (r.origin != NULL)
		must(strchr(r.url + strlen("https://"), '@') == NULL ||
			strchr(r.url + strlen("https://"), '/') <
				strchr(r.url + strlen("https://"), '@'));
	repo_fini(&r);
}

static void check_ref(const char *text)
{
	struct ref r = {0};

	if (ref_parse(text, &r, NULL) < 0)
		return;
	check_shown(r.name);
	must(r.name[0] != '\0' && strstr(r.name, "..") == NULL && strchr(r.name, ':') == NULL);
	ref_fini(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	CLEANUP(freep) char *text = xstrndup((const char *)data, n);
	char hash[REPO_HASH_SIZE];

	check_repo(text, false);
	check_repo(text, true);
	check_ref(text);
	repo_hash(text, hash);
	return 0;
}
