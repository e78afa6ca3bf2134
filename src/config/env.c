/* SPDX-License-Identifier: MIT */
/*
 * .env files and the expansion of variables, as users of the Go program know them, with two
 * differences: `$$` is a literal dollar, and the caller learns what was not set.
 *
 * The grammar of references is that of Go's os.Expand: `${` up to the next `}`; or one digit or one
 * of * # @ ! ? - ; or a run of letters, digits and `_`. An unfinished `${` is dropped and its text
 * stays.
 */
#include <stdlib.h>

#include "config/env-internal.h"

static bool is_word_char(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static struct slice trim(struct slice s)
{
	while (s.n > 0 && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Lines are kept as they come and judged here: a file of nothing but names costs no more to read
 * than any other. */
static const struct env_var *find(const struct env_file *f, struct slice name)
{
	const struct env_var *found = NULL;

	for (size_t i = 0; f && i < f->n; i++) {
		if (!slice_eq_str(name, f->v[i].name))
			continue;
		found = &f->v[i];
		if (f->first_wins && found->value[0] != '\0')
			break;
	}
	return found;
}

static void append(struct env_file *f, struct slice name, struct slice value)
{
	/* Grown by doubling: n is a power of two when the room is used up. */
	if ((f->n & (f->n - 1)) == 0)
		f->v = xreallocarray(f->v, f->n ? f->n * 2 : 1, sizeof(*f->v));
	f->v[f->n++] = (struct env_var){slice_dup(name), slice_dup(value)};
}

static void parse_line(struct env_file *f, struct slice line)
{
	const char *equals;
	size_t n;

	line = trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return;
	equals = memchr(line.p, '=', line.n);
	if (!equals)
		return;
	n = (size_t)(equals - line.p);
	append(f, trim((struct slice){line.p, n}),
		trim((struct slice){equals + 1, line.n - n - 1}));
}

void env_parse(struct env_file *f, struct slice text, bool first_wins)
{
	f->first_wins = first_wins;
	sha256(text.p, text.n, f->digest);
	if (slice_has_prefix(text, "\xef\xbb\xbf")) { /* a byte order mark is no part of a name */
		text.p += 3;
		text.n -= 3;
	}
	while (text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;

		parse_line(f, (struct slice){text.p, n});
		n += end != NULL;
		text.p += n;
		text.n -= n;
	}
}

void env_file_fini(struct env_file *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].name);
		free(f->v[i].value);
	}
	free(f->v);
	*f = ENV_FILE_NULL;
}

const char *env_lookup(const struct env *e, struct slice name)
{
	const struct env_var *own = find(e->own, name), *home = find(e->home, name);
	CLEANUP(freep) char *key = slice_dup(name);
	const char *process;

	if (own)
		return own->value;
	process = key[0] != '\0' ? secure_getenv(key) : NULL;
	if (process && process[0] != '\0')
		return process;
	return home ? home->value : process;
}

/* --- expansion --- */

/* One `$...` in a text. */
struct reference {
	struct slice name;
	size_t n; /* bytes of it all, with the dollar */
	bool has_braces;
	enum { REF_NAME, REF_DOLLAR, REF_LITERAL, REF_BROKEN } kind;
};

static struct reference read_braces(const char *s)
{
	const char *end = strchr(s, '}');

	if (!end || end == s + 2)
		return (struct reference){.n = end ? 3 : 2, .kind = REF_BROKEN};
	return (struct reference){.name = {s + 2, (size_t)(end - s) - 2},
		.n = (size_t)(end - s) + 1,
		.has_braces = true,
		.kind = REF_NAME};
}

/* s points at a dollar. */
static struct reference read_reference(const char *s)
{
	size_t n = 0;

	if (s[1] == '$')
		return (struct reference){.n = 2, .kind = REF_DOLLAR};
	if (s[1] == '{')
		return read_braces(s);
	if (s[1] != '\0' && strchr("*#@!?-0123456789", s[1]))
		n = 1;
	else
		while (is_word_char(s[1 + n]))
			n++;
	if (n == 0)
		return (struct reference){.n = 1, .kind = REF_LITERAL};
	return (struct reference){.name = {s + 1, n}, .n = n + 1, .kind = REF_NAME};
}

/* A name that nobody would write by accident: in braces, or in capitals. */
static bool is_surely_a_name(const struct reference *ref)
{
	for (size_t i = 0; i < ref->name.n; i++) {
		char c = ref->name.p[i];

		if (!is_word_char(c) || (!ref->has_braces && c >= 'a' && c <= 'z'))
			return false;
	}
	return ref->has_braces || !(ref->name.p[0] >= '0' && ref->name.p[0] <= '9');
}

static bool is_word(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_word_char(s.p[i]))
			return false;
	}
	return true;
}

static int expand_name(
	const struct env *e, const struct reference *ref, struct buf *out, struct buf *ret_name)
{
	const char *value = env_lookup(e, ref->name);

	if (value) {
		buf_add_str(out, value);
		return 0;
	}
	if (ref->has_braces && !is_word(ref->name))
		return ENV_E_SYNTAX;
	buf_clear(ret_name);
	if (is_surely_a_name(ref))
		buf_add_slice(ret_name, ref->name);
	return ENV_E_UNSET;
}

int env_expand(const struct env *e, const char *text, struct buf *out, struct buf *ret_name)
{
	CLEANUP(buf_fini) struct buf name = BUF_NULL;
	int fault = 0;

	while (*text) {
		size_t plain = strcspn(text, "$");
		struct reference ref;
		int rc = 0;

		buf_add(out, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		ref = read_reference(text);
		if (ref.kind == REF_NAME)
			rc = expand_name(e, &ref, out, &name);
		else if (ref.kind == REF_BROKEN)
			rc = ENV_E_SYNTAX;
		else
			buf_add_char(out, '$');
		if (rc != 0 && fault == 0) {
			fault = rc;
			buf_add_slice(ret_name, buf_slice(&name));
		}
		text += ref.n;
	}
	return fault;
}

/* The first reference to a name at or behind *text, which is then behind it; false when there is
 * none. */
static bool next_name(const char **text, struct slice *ret_name)
{
	for (const char *p = strchr(*text, '$'); p; p = strchr(p, '$')) {
		struct reference ref = read_reference(p);

		p += ref.n;
		if (ref.kind != REF_NAME)
			continue;
		*ret_name = ref.name;
		*text = p;
		return true;
	}
	return false;
}

bool env_has_reference(const char *text)
{
	struct slice name;

	return next_name(&text, &name);
}

void env_values(const struct env *e, const char *text, struct strv *out)
{
	struct slice name;

	while (next_name(&text, &name)) {
		const char *value = env_lookup(e, name);

		if (value)
			strv_add(out, value);
	}
}
