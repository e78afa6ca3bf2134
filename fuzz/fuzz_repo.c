/* SPDX-License-Identifier: MIT */
/*
 * Addresses of repositories and refs that came with an event: what passes can be no option, runs no
 * command, and has no secret in what is shown.
 */
#include <ctype.h>

#include "base/base.h"
#include "workspace/repo_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_shown(const char *text)
{
	must(text[0] != '-');
	for (; *text != '\0'; text++)
		must(!iscntrl((unsigned char)*text));
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
