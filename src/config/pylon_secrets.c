/* SPDX-License-Identifier: MIT */
/*
 * What nobody may see of a pylon: every value that is, or may be, a secret. What an agent prints is
 * searched for them.
 *
 * Better one too many: of whatever was made with a variable both the whole and the variable's value
 * are in the list, and so is all that the .env files hold, since that is where people put secrets.
 * The exception are texts that stand plainly in a map (agent.env, headers): most of them are
 * settings, and to hide `production` wherever it is said would help nobody. They count when their
 * name says so.
 *
 * Values in the list are not empty; they are sorted and each is there once. Short ones are in it,
 * too: whoever searches decides what is too short to be looked for.
 */
#include "config/pylon-internal.h"

struct collection {
	struct strv *to;
	const struct form *form; /* whose values are looked at */
	const struct env *env;   /* what they were expanded from */
};

static void add(struct strv *to, const char *value)
{
	if (!text_is_blank(slice_of(value)))
		strv_add(to, value);
}

/* The values of the variables in what is written. */
static void add_parts(const struct collection *c, const struct node *n)
{
	CLEANUP(strv_fini) struct strv parts = STRV_NULL;

	if (!n || n->kind != NODE_SCALAR)
		return;
	env_values(c->env, n->text, &parts);
	for (size_t i = 0; i < parts.n; i++)
		add(c->to, parts.v[i]);
}

static void add_secret(const struct collection *c, const struct value *v)
{
	if (v->text)
		add(c->to, v->text);
	add_parts(c, v->node);
}

static void add_secret_list(const struct collection *c, const struct value *v)
{
	for (size_t i = 0; i < v->list.n; i++)
		add(c->to, v->list.v[i]);
	add_parts(c, v->node);
	for (size_t i = 0; v->node && i < v->node->n; i++)
		add_parts(c, v->node->items[i].value);
}

/* --- maps --- */

static bool has_ending(struct slice name, const char *ending)
{
	size_t n = strlen(ending);

	return name.n >= n && slice_eq_nocase((struct slice){name.p + name.n - n, n}, ending);
}

/* By the end of the name: API_KEY, X-Auth-Token, DB_PASSWORD2. */
static bool is_secret_name(struct slice name)
{
	static const char *const endings[] = {"KEY", "KEYS", "TOKEN", "TOKENS", "SECRET", "SECRETS",
		"PASSWORD", "PASSWD", "PASS", "_PWD", "PASSPHRASE", "CREDENTIAL", "CREDENTIALS",
		"AUTH", "AUTHORIZATION", "COOKIE"};

	while (name.n > 0 && strchr("0123456789_-", name.p[name.n - 1]))
		name.n--;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		if (has_ending(name, endings[i]))
			return true;
	}
	return false;
}

/* Of `Bearer xyz` somebody may tell only the second half. */
static void add_behind_scheme(const struct collection *c, const char *value)
{
	const char *blank = strchr(value, ' ');

	if (blank)
		add(c->to, blank + 1);
}

static void add_map(const struct collection *c, const struct value *v)
{
	for (size_t i = 0; v->node && i < v->list.n; i++) {
		const struct node *at = v->node->items[i].value;
		size_t n = strcspn(v->list.v[i], "=");
		const char *value = v->list.v[i] + n + 1;
		bool is_expanded = at->kind == NODE_SCALAR && env_has_reference(at->text);

		if (!is_expanded && !is_secret_name((struct slice){v->list.v[i], n}))
			continue;
		add(c->to, value);
		add_behind_scheme(c, value);
		add_parts(c, at);
	}
}

/* --- all --- */

static void add_form(const struct collection *c)
{
	for (unsigned i = 0; i < c->form->schema->count; i++) {
		enum key_type type = c->form->schema->keys[i].type;
		const struct value *v = &c->form->values[i];

		if (type == KEY_SECRET)
			add_secret(c, v);
		else if (type == KEY_SECRETS)
			add_secret_list(c, v);
		else if (type == KEY_MAP)
			add_map(c, v);
	}
}

static void add_env_file(struct strv *to, const struct env_file *f)
{
	for (size_t i = 0; f && i < f->n; i++)
		add(to, f->v[i].value);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted and not each against each: a .env file may have thousands of lines. */
static void remove_doubles(struct strv *l)
{
	size_t kept = 0;

	if (l->n < 2)
		return;
	qsort(l->v, l->n, sizeof(*l->v), by_text);
	for (size_t i = 1; i < l->n; i++) {
		if (str_eq(l->v[i], l->v[kept]))
			free(l->v[i]);
		else
			l->v[++kept] = l->v[i];
	}
	l->n = kept + 1;
	l->v[l->n] = NULL;
}

void pylon_build_secrets(struct build *b)
{
	const struct env *env = b->f->env;
	const struct env shared_env = {NULL, env->home, env->own_path};
	struct strv *to = &b->p->secrets_known;
	const struct collection own = {to, b->f, env};
	const struct collection shared = {to, &b->g->form, &shared_env};

	add_form(&own);
	add_form(&shared);
	add_env_file(to, env->own);
	add_env_file(to, env->home);
	remove_doubles(to);
}
