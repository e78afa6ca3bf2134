/* SPDX-License-Identifier: MIT */
/*
 * The agent of a pylon: its image, its command, and how it signs in to its model API.
 *
 * Signing in: the pylon says, else an own `agent.api_key` does, else config.yaml, else claude takes
 * the user's login. A key is `agent.api_key`, else what the provider's usual variable holds, and
 * goes into the agent's environment under that variable's name unless `agent.env` has it already. A
 * key is never handed to an agent that signs in with a login, nor to a command that did not ask for
 * it.
 *
 * An opencode agent gets its key whatever `agent.auth` says: old files have `none` there and rely
 * on it. A key that is missing is only worth a warning: the image may have one.
 */
#include "config/pylon-internal.h"

/* --- image and command --- */

/* Names under which the published images were known before; they still mean our own. */
static bool is_stale_image(const char *image, const char *type)
{
	CLEANUP(freep) char *stale = xasprintf("ghcr.io/pylonto/agent-%s", type);

	return str_eq(image, stale);
}

static void add_image(struct buf *out, const struct build *b, const char *type)
{
	const char *image = text_of(b, P_AGENT_IMAGE);

	if (!image && str_eq(type, "claude"))
		image = form_text(&b->g->form, G_DEFAULTS_AGENT_CLAUDE_IMAGE);
	if (!image && str_eq(type, "opencode"))
		image = form_text(&b->g->form, G_DEFAULTS_AGENT_OPENCODE_IMAGE);
	if (!image || is_stale_image(image, type))
		buf_printf(out, "pylon/agent-%s", type);
	else
		buf_add_str(out, image);
}

static void build_command(struct build *b)
{
	const struct node *at = node_of(b, P_AGENT_TYPE);

	if (!node_of(b, P_AGENT_IMAGE))
		report_at(b->r, at, "`agent.image` is required for a `command` agent");
	if (!node_of(b, P_AGENT_COMMAND))
		report_at(b->r, at, "`agent.command` is required for a `command` agent");
	b->p->image = xstrdup_or_null(text_of(b, P_AGENT_IMAGE));
	strv_copy(&b->p->command, &b->f->values[P_AGENT_COMMAND].list);
}

static void build_image(struct build *b)
{
	struct buf image = BUF_NULL;

	add_image(&image, b, b->p->agent_type);
	b->p->image = buf_steal(&image);
	if (node_of(b, P_AGENT_COMMAND))
		report_warning(b->r, node_of(b, P_AGENT_COMMAND),
			"`agent.command` does nothing without `agent.type: command`");
	if (node_of(b, P_AGENT_BASE_IMAGE))
		report_warning(b->r, node_of(b, P_AGENT_BASE_IMAGE),
			"`agent.base_image` does nothing here; it belongs in config.yaml");
}

/* --- keys --- */

/* The variable in which everybody looks for the key of a provider. */
static char *key_variable(const char *provider)
{
	char *name = xasprintf("%s_API_KEY", provider);

	for (char *c = name; c < name + strlen(provider); c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		else if (!(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9'))
			*c = '_';
	}
	return name;
}

static bool has_variable(const struct strv *env, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=')
			return true;
	}
	return false;
}

/* What the user wrote into agent.env counts more than what we would add. */
static void add_variable(struct build *b, const char *name, const char *value)
{
	if (!has_variable(&b->p->env, name))
		strv_addf(&b->p->env, "%s=%s", name, value);
}

static const char *find_key(const struct build *b, const char *variable)
{
	const char *key = text_of(b, P_AGENT_API_KEY);

	if (!key)
		key = env_lookup(b->f->env, slice_of(variable));
	return key && !text_is_blank(slice_of(key)) ? key : NULL;
}

/* False when the agent's environment has no such key afterwards. */
static bool add_key(struct build *b, const char *variable)
{
	const char *key = has_variable(&b->p->env, variable) ? NULL : find_key(b, variable);

	if (key) {
		add_variable(b, variable, key);
		strv_add(&b->p->secrets_known, key);
	}
	return has_variable(&b->p->env, variable);
}

/* --- signing in --- */

/* How, and which key says so. */
struct choice {
	enum agent_auth auth;
	const char *word, *path;
	const struct node *at; /* NULL: not in this file */
};

static enum agent_auth auth_of(const char *word)
{
	if (str_eq(word, "oauth"))
		return AGENT_AUTH_OAUTH;
	return str_eq(word, "none") ? AGENT_AUTH_NONE : AGENT_AUTH_API_KEY;
}

/* `shared` is the key of config.yaml for agents of this type. What is written badly was told
 * already, and nothing more is said about it. */
static struct choice choose(const struct build *b, unsigned shared)
{
	struct choice c = {.word = text_of(b, P_AGENT_AUTH),
		.path = "agent.auth",
		.at = node_of(b, P_AGENT_AUTH)};

	if (!c.at && node_of(b, P_AGENT_API_KEY)) {
		c = (struct choice){.word = "api_key",
			.path = "agent.api_key",
			.at = node_of(b, P_AGENT_API_KEY)};
	} else if (!c.at) {
		c.word = form_text(&b->g->form, shared);
		c.path = b->g->form.schema->keys[shared].path;
	}
	c.auth = auth_of(c.word ? c.word : "none");
	return c;
}

static void warn_unused(struct build *b, unsigned key, const char *fmt, ...) PRINTF(3, 4);
static void warn_unused(struct build *b, unsigned key, const char *fmt, ...)
{
	CLEANUP(buf_fini) struct buf why = BUF_NULL;
	va_list ap;

	if (!text_of(b, key))
		return; /* not written, or told already */
	va_start(ap, fmt);
	buf_vprintf(&why, fmt, ap);
	va_end(ap);
	report_warning(b->r, node_of(b, key), "`%s` does nothing %s", b->f->schema->keys[key].path,
		buf_str(&why));
}

static void warn_no_key(struct build *b, const struct choice *c, const char *variable)
{
	if (node_of(b, P_AGENT_API_KEY))
		return; /* it could not be read, and that was told */
	report_warning(b->r, c->at,
		"`%s` is `%s`, but there is no key: write `agent.api_key`, or add %s=... to %s; with a "
		"key in the image write `agent.auth: none`",
		c->path, c->word, variable, b->f->env->own_path);
}

static void sign_in_claude(struct build *b)
{
	struct choice c = choose(b, G_DEFAULTS_AGENT_CLAUDE_AUTH);
	CLEANUP(freep) char *variable = key_variable("anthropic");

	b->p->auth = c.auth;
	warn_unused(b, P_AGENT_PROVIDER, "for a `claude` agent");
	if (c.auth == AGENT_AUTH_API_KEY && !add_key(b, variable))
		warn_no_key(b, &c, variable);
	else if (c.auth != AGENT_AUTH_API_KEY && c.word)
		warn_unused(b, P_AGENT_API_KEY, "with `agent.auth: %s`", c.word);
}

/* The key's variable has the provider's name, so without one there is none. */
static void sign_in_opencode_anywhere(struct build *b, const struct choice *c)
{
	if (text_of(b, P_AGENT_API_KEY))
		warn_unused(b, P_AGENT_API_KEY, "without `agent.provider`");
	else if (b->p->auth == AGENT_AUTH_API_KEY && !node_of(b, P_AGENT_PROVIDER))
		report_warning(b->r, c->at,
			"`%s` is `%s`, but there is no `agent.provider`, which says whose key it is",
			c->path, c->word);
}

static void sign_in_opencode(struct build *b)
{
	struct choice c = choose(b, G_DEFAULTS_AGENT_OPENCODE_AUTH);
	const char *provider = text_of(b, P_AGENT_PROVIDER);
	CLEANUP(freep) char *variable = NULL;

	b->p->auth = c.auth == AGENT_AUTH_OAUTH ? AGENT_AUTH_NONE : c.auth;
	if (str_eq(text_of(b, P_AGENT_AUTH), "oauth"))
		report_warning(b->r, c.at,
			"`agent.auth`: only `claude` agents sign in with a login; this is as `none`");
	if (!provider)
		provider = form_text(&b->g->form, G_DEFAULTS_AGENT_OPENCODE_PROVIDER);
	if (!provider) {
		sign_in_opencode_anywhere(b, &c);
		return;
	}
	variable = key_variable(provider);
	add_variable(b, "OPENCODE_PROVIDER", provider);
	if (add_key(b, variable))
		b->p->auth = AGENT_AUTH_API_KEY;
	else if (c.auth == AGENT_AUTH_API_KEY)
		warn_no_key(b, &c, variable);
}

/* Commands sign in nowhere; but a key that was written for one is passed on. */
static void sign_in_other(struct build *b)
{
	const char *type = b->p->agent_type, *provider = text_of(b, P_AGENT_PROVIDER);
	CLEANUP(freep) char *variable = NULL;

	b->p->auth = AGENT_AUTH_NONE;
	warn_unused(b, P_AGENT_AUTH, "for a `%s` agent", type);
	if (!provider) {
		warn_unused(b, P_AGENT_API_KEY, "for a `%s` agent without `agent.provider`", type);
	} else if (!node_of(b, P_AGENT_API_KEY)) {
		warn_unused(b, P_AGENT_PROVIDER, "for a `%s` agent without `agent.api_key`", type);
	} else if (text_of(b, P_AGENT_API_KEY)) {
		variable = key_variable(provider);
		(void)add_key(b, variable);
	}
}

void pylon_build_agent(struct build *b)
{
	const char *type = text_of(b, P_AGENT_TYPE);

	if (!type)
		type = form_text(&b->g->form, G_DEFAULTS_AGENT_TYPE);
	b->p->agent_type = xstrdup_or_null(type);
	strv_copy(&b->p->env, &b->f->values[P_AGENT_ENV].list);
	b->p->prompt = STEAL(b->f->values[P_AGENT_PROMPT].template);
	if (str_eq(type, "command"))
		build_command(b);
	else
		build_image(b);
	if (str_eq(type, "claude"))
		sign_in_claude(b);
	else if (str_eq(type, "opencode"))
		sign_in_opencode(b);
	else
		sign_in_other(b);
}
