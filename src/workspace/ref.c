/* SPDX-License-Identifier: MIT */
/*
 * Names of branches and tags: the rules of git-check-ref-format(1), and no minus sign in front.
 */
#include <ctype.h>
#include <stdio.h>

#include "base/crypto.h"
#include "workspace/repo_internal.h"

static bool is_hex(const char *s)
{
	for (; *s != '\0'; s++) {
		if (hex_digit(*s) < 0)
			return false;
	}
	return true;
}

/* Rules 1 and 6 for one component. */
static bool is_component(struct slice s)
{
	static const char lock[] = ".lock";
	size_t n = sizeof(lock) - 1;

	return s.n > 0 && s.p[0] != '.' && (s.n < n || memcmp(s.p + s.n - n, lock, n) != 0);
}

static bool has_good_components(const char *name)
{
	for (;;) {
		size_t n = strcspn(name, "/");

		if (!is_component((struct slice){name, n}))
			return false;
		if (name[n] == '\0')
			return true;
		name += n + 1;
	}
}

static bool has_bad_characters(const char *name)
{
	for (; *name != '\0'; name++) {
		unsigned char c = (unsigned char)*name;

		if (iscntrl(c) || strchr(" ~^:?*[\\", c) != NULL)
			return true;
	}
	return false;
}

static bool is_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= REF_MAX && name[0] != '-' && name[n - 1] != '.' &&
	       !str_eq(name, "@") && strstr(name, "..") == NULL && strstr(name, "@{") == NULL &&
	       !has_bad_characters(name) && has_good_components(name) && utf8_is_valid(name, n);
}

static int refuse(const char *text, struct err *e)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;

	utf8_clean(&clean, text, strnlen(text, 200));
	return err_set(e, -EINVAL, "ref \"%s\": %s", buf_str(&clean),
		strstr(text, "{{") != NULL ? "the event has nothing for its placeholder"
					   : "that is no name of a branch, tag or commit");
}

static struct ref sort_out(const char *text)
{
	static const struct {
		const char *prefix;
		enum ref_kind kind;
	} spaces[] = {{"refs/heads/", REF_BRANCH}, {"refs/tags/", REF_TAG}};
	size_t n = strlen(text);

	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		if (str_has_prefix(text, spaces[i].prefix))
			return (struct ref){.kind = spaces[i].kind,
				.name = xstrdup(text + strlen(spaces[i].prefix))};
	}
	if (str_has_prefix(text, "refs/"))
		return (struct ref){.kind = REF_OTHER, .name = xstrdup(text)};
	if (str_eq(text, "HEAD"))
		return (struct ref){.kind = REF_HEAD, .name = xstrdup(text)};
	/* SHA-1 and SHA-256. */
	if ((n == 40 || n == 64) && is_hex(text))
		return (struct ref){.kind = REF_COMMIT, .name = xstrdup(text)};
	return (struct ref){.kind = REF_NAME, .name = xstrdup(text)};
}

int ref_parse(const char *text, struct ref *ret, struct err *e)
{
	struct ref r;

	if (str_is_empty(text)) {
		*ret = (struct ref){REF_DEFAULT, xstrdup("main"), xstrdup("main")};
		return 0;
	}
	if (!is_name(text))
		return refuse(text, e);
	r = sort_out(text);
	/* Behind refs/heads/ stands what checkout gets as a name of its own; and a branch called
	 * HEAD would be mistaken for the real one. */
	if (r.name[0] == '-' || (r.kind == REF_BRANCH && str_eq(r.name, "HEAD"))) {
		ref_fini(&r);
		return refuse(text, e);
	}
	r.given = xstrdup(text);
	*ret = r;
	return 0;
}

void ref_fini(struct ref *r)
{
	freep(&r->name);
	freep(&r->given);
}

bool ref_may_be_short_commit(const struct ref *r)
{
	size_t n = strlen(r->name);

	return r->kind == REF_NAME && n >= 7 && n < 40 && is_hex(r->name);
}
