/* SPDX-License-Identifier: MIT */
/*
 * What is in force, as YAML or JSON: every key of the table with its value and where that comes
 * from.
 *
 * What may be secret never gets out: secrets, the values of maps (agent.env, headers), and sections
 * that are not looked into. Keys of a pylon that stand for something in config.yaml when they are
 * not set are shown with what they stand for, and with its place; so is what one key decides for
 * another.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/json.h"
#include "config/config-internal.h"

#define REDACTED "<redacted>"
#define TAB      2 /* columns of a level */

struct show {
	struct buf *out;
	const struct loading *l;
	const char *global_name;
	const struct pylon_config *pylon; /* NULL = config.yaml */
	const struct form *form;          /* of what is shown */
	struct buf last;                  /* path of the key before, for its sections */
	struct js *keys;                  /* JSON: what is shown; NULL = YAML */
};

/* Where the value of a key is. */
struct source {
	const struct form *form;
	unsigned key;
	bool is_other; /* it is not the key that is shown */
};

static void show_fini(struct show *s)
{
	buf_fini(&s->last);
	js_free(s->keys);
}

/* --- values --- */

/* True when it is the same text without quotes. */
static bool is_simple(const char *text)
{
	static const char *const words[] = {"~", "null", "true", "false", "yes", "no", "on", "off"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(text, words[i]) == 0)
			return false;
	}
	for (const char *c = text; *c != '\0'; c++) {
		bool is_letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				 (*c >= '0' && *c <= '9');

		if (!is_letter && (c == text ? *c != '/' : !strchr("._-/@+:", *c)))
			return false;
	}
	return text[0] != '\0' && !str_has_suffix(text, ":");
}

/* JSON's strings are YAML's. */
static void add_text(const struct show *s, const char *text)
{
	if (!s->keys && is_simple(text))
		buf_add_str(s->out, text);
	else
		js_write_string(s->out, slice_of(text));
}

static void add_redacted(const struct show *s)
{
	buf_add_str(s->out, s->keys ? "\"" REDACTED "\"" : REDACTED);
}

static void add_list(const struct show *s, const struct strv *list, bool is_secret)
{
	buf_add_char(s->out, '[');
	for (size_t i = 0; i < list->n; i++) {
		buf_add_str(s->out, i ? ", " : "");
		if (is_secret)
			add_redacted(s);
		else
			add_text(s, list->v[i]);
	}
	buf_add_char(s->out, ']');
}

/* A repository's address may have a password in it, before its last "@". What ssh has there is a
 * name, and no secret. */
static void add_address(const struct show *s, const char *text)
{
	const char *begin = strstr(text, "://"), *at = strrchr(text, '@');
	CLEANUP(freep) char *hidden = NULL;

	if (begin && at && at > begin && !str_has_prefix(text, "ssh://"))
		hidden = xasprintf("%.*s" REDACTED "%s", (int)(begin + 3 - text), text, at);
	add_text(s, hidden ? hidden : text);
}

/* `list` has NAME=VALUE; values may be secret. */
static void add_map(const struct show *s, const struct strv *list)
{
	buf_add_char(s->out, '{');
	for (size_t i = 0; i < list->n; i++) {
		CLEANUP(freep) char *name = xstrndup(list->v[i], strcspn(list->v[i], "="));

		buf_add_str(s->out, i ? ", " : "");
		add_text(s, name);
		buf_add_str(s->out, ": ");
		add_redacted(s);
	}
	buf_add_char(s->out, '}');
}

/* YAML's numbers may be written in ways that JSON does not know. */
static void add_number(const struct show *s, const char *text)
{
	CLEANUP(js_freep) struct js *list = NULL;
	CLEANUP(freep) char *json = xasprintf("[%s]", text);

	if (s->keys)
		list = js_parse(json, strlen(json), NULL);
	if (list)
		buf_add_str(s->out, text);
	else
		add_text(s, text);
}

static void add_value(const struct show *s, const struct source *src)
{
	const struct key *k = &src->form->schema->keys[src->key];
	const struct value *v = &src->form->values[src->key];

	switch (k->type) {
	case KEY_SECRET:
	case KEY_BLOCK:
		add_redacted(s);
		break;
	case KEY_SECRETS:
	case KEY_LIST:
	case KEY_COMMAND:
		add_list(s, &v->list, k->type == KEY_SECRETS);
		break;
	case KEY_MAP:
		add_map(s, &v->list);
		break;
	case KEY_BOOL:
		buf_add_str(s->out, v->number ? "true" : "false");
		break;
	case KEY_INT:
	case KEY_FLOAT:
		add_number(s, v->node ? v->node->text : k->fallback);
		break;
	case KEY_TEMPLATE:
		if (src->form == s->form && s->pylon && src->key == P_WORKSPACE_REPO && v->node)
			add_address(s, v->node->text);
		else
			add_text(s, v->node ? v->node->text : k->fallback);
		break;
	case KEY_STRING:
	case KEY_HEADER:
	case KEY_WORD:
	case KEY_TIMESTAMP:
	case KEY_SIZE:
	case KEY_DURATION:
	case KEY_IGNORED:
		add_text(s, v->node ? v->node->text : k->fallback);
		break;
	}
}

/* --- what is not written in the file that is shown --- */

/* The key of config.yaml that an unset key of a pylon stands for; G_KEYS = none. */
static unsigned shared_key(const struct show *s, unsigned key)
{
	static const struct {
		unsigned own, shared;
	} pairs[] = {
		{P_TRIGGER_MAX_BODY, G_SERVER_MAX_BODY},
		{P_TRIGGER_PUBLIC_URL, G_SERVER_PUBLIC_URL},
		{P_TRIGGER_TIMEZONE, G_DEFAULTS_TIMEZONE},
		{P_AGENT_TYPE, G_DEFAULTS_AGENT_TYPE},
		{P_AGENT_TIMEOUT, G_DOCKER_DEFAULT_TIMEOUT},
	};
	static const struct {
		const char *agent;
		unsigned own, shared;
	} typed[] = {
		{"claude", P_AGENT_IMAGE, G_DEFAULTS_AGENT_CLAUDE_IMAGE},
		{"claude", P_AGENT_AUTH, G_DEFAULTS_AGENT_CLAUDE_AUTH},
		{"opencode", P_AGENT_IMAGE, G_DEFAULTS_AGENT_OPENCODE_IMAGE},
		{"opencode", P_AGENT_AUTH, G_DEFAULTS_AGENT_OPENCODE_AUTH},
		{"opencode", P_AGENT_PROVIDER, G_DEFAULTS_AGENT_OPENCODE_PROVIDER},
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (pairs[i].own == key)
			return pairs[i].shared;
	}
	for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
		if (typed[i].own == key && str_eq(s->pylon->agent_type, typed[i].agent))
			return typed[i].shared;
	}
	if (key >= P_CHANNEL && key <= P_CHANNEL_END && !form_node(s->form, P_CHANNEL + CH_TYPE))
		return G_CHANNEL + (key - P_CHANNEL);
	return G_KEYS;
}

static struct source source_of(const struct show *s, unsigned key)
{
	unsigned shared = s->pylon && !form_node(s->form, key) ? shared_key(s, key) : G_KEYS;

	if (shared != G_KEYS && key == P_AGENT_AUTH && form_node(s->form, P_AGENT_API_KEY))
		return (struct source){s->form, P_AGENT_API_KEY, true};
	if (shared != G_KEYS)
		return (struct source){&s->l->global.form, shared, true};
	return (struct source){s->form, key, false};
}

static bool add_engine_socket(const struct show *s)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	if (!config_engine_socket(s->l->c, &path))
		return false;
	add_text(s, buf_str(&path));
	return true;
}

static void add_base_image(const struct show *s)
{
	const char *env = getenv("PYLON_BASE_IMAGE");

	add_text(s, str_is_empty(env) ? BASE_IMAGE_DEFAULT : env);
}

/* What stands for a key that is written nowhere and has no default in the table; false = nothing
 * does. */
static bool add_implied(const struct show *s, const struct source *src)
{
	if (src->form->schema != &schema_global)
		return false;
	switch (src->key) {
	case G_DOCKER_MAX_STARTING:
		buf_printf(s->out, "%d", s->l->c->max_starting);
		return true;
	case G_DOCKER_HOST:
		return add_engine_socket(s);
	case G_AGENT_BASE_IMAGE:
		add_base_image(s);
		return true;
	case G_DEFAULTS_TIMEZONE:
		add_text(s, "UTC");
		return true;
	case G_CHANNEL + CH_TYPE:
		add_text(s, "stdout");
		return true;
	default:
		return false;
	}
}

/* --- lines --- */

/* Some values that no key gives come from the environment, as the reference says. */
static const char *default_origin(const struct source *src)
{
	if (src->form->schema != &schema_global)
		return "default";
	if (src->key == G_DOCKER_HOST && !str_is_empty(getenv("DOCKER_HOST")))
		return "$DOCKER_HOST";
	if (src->key == G_AGENT_BASE_IMAGE && !str_is_empty(getenv("PYLON_BASE_IMAGE")))
		return "$PYLON_BASE_IMAGE";
	return "default";
}

static void add_origin(const struct show *s, struct buf *out, const struct source *src)
{
	const struct node *n = form_node(src->form, src->key);
	const char *file = src->form->schema == &schema_pylon ? "pylon.yaml" : s->global_name;
	const struct key *k = &src->form->schema->keys[src->key];

	if (n)
		buf_printf(out, "%s:%d", file, n->line);
	else
		buf_add_str(out, default_origin(src));
	if (src->is_other)
		buf_printf(out, " (%s)", k->path);
}

static size_t common_sections(const char *a, const char *b)
{
	size_t common = 0;

	for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++) {
		if (a[i] == '.')
			common = i + 1;
	}
	return common;
}

/* The sections that this key is in and the one before is not; then the key's own name. */
static void add_name(struct show *s, const char *path)
{
	size_t at = common_sections(buf_str(&s->last), path);
	int level = 0;

	for (size_t i = 0; i < at; i++)
		level += path[i] == '.';
	for (const char *name = path + at; name[strcspn(name, ".")] == '.';) {
		size_t n = strcspn(name, ".");

		buf_printf(s->out, "%*s%.*s:\n", TAB * level++, "", (int)n, name);
		name += n + 1;
		at = (size_t)(name - path);
	}
	buf_printf(s->out, "%*s%s: ", TAB * level, "", path + at);
	buf_clear(&s->last);
	buf_add_str(&s->last, path);
}

static const char *auth_word(enum agent_auth auth)
{
	switch (auth) {
	case AGENT_AUTH_OAUTH:
		return "oauth";
	case AGENT_AUTH_API_KEY:
		return "api_key";
	case AGENT_AUTH_NONE:
		break;
	}
	return "none";
}

/* What is in force where that is not what is written; false = it is. */
static bool add_override(const struct show *s, unsigned key)
{
	if (!s->pylon && key == G_DOCKER_MAX_CONCURRENT) /* 0 in an old file */
		buf_printf(s->out, "%d", s->l->c->max_concurrent);
	else if (!s->pylon && key == G_SERVER_PORT) /* likewise */
		buf_printf(s->out, "%d", s->l->c->port);
	else if (s->pylon && key == P_AGENT_IMAGE && s->pylon->image) /* an old name */
		add_text(s, s->pylon->image);
	else if (s->pylon && key == P_AGENT_AUTH) /* another key may say it */
		add_text(s, auth_word(s->pylon->auth));
	else
		return false;
	return true;
}

/* What is written, or the table's default. */
static bool add_known(const struct show *s, const struct source *src)
{
	if (!form_node(src->form, src->key) && !src->form->schema->keys[src->key].fallback)
		return false;
	add_value(s, src);
	return true;
}

static void add_item(struct show *s, const char *path, const char *value, const char *origin)
{
	struct js *item = js_object();

	js_set_str(item, "key", path);
	js_set_json(item, "value", value);
	js_set_str(item, "from", origin);
	js_add_take(s->keys, item);
}

static void add_key(struct show *s, unsigned key)
{
	CLEANUP(buf_fini) struct buf origin = BUF_NULL;
	const struct key *k = &s->form->schema->keys[key];
	struct source src = source_of(s, key);
	bool is_set;

	if (k->type == KEY_IGNORED)
		return;
	if (s->keys)
		buf_clear(s->out);
	else
		add_name(s, k->path);
	is_set = add_override(s, key) || add_known(s, &src) || add_implied(s, &src);
	if (is_set)
		add_origin(s, &origin, &src);
	else
		buf_add_str(&origin, "not set");
	if (s->keys)
		add_item(s, k->path, is_set ? buf_str(s->out) : "null", buf_str(&origin));
	else
		buf_printf(s->out, "%s  # %s\n", is_set ? "" : "null", buf_str(&origin));
}

static void add_all(struct show *s)
{
	for (unsigned i = 0; i < s->form->schema->count; i++)
		add_key(s, i);
}

static void add_file(struct show *s, const char *path)
{
	CLEANUP(js_freep) struct js *j = NULL;

	if (!s->keys) {
		buf_printf(s->out, "# %s\n", path);
		add_all(s);
		return;
	}
	add_all(s);
	j = js_object();
	js_set_str(j, "file", path);
	js_set_take(j, "keys", STEAL(s->keys));
	buf_clear(s->out);
	js_write(s->out, j);
}

/* --- what to show --- */

static int show_pylon(struct show *s, struct loading *l, const char *name, struct err *e)
{
	CLEANUP(form_fini) struct form form = {0};
	CLEANUP(pylon_config_unrefp) struct pylon_config *p = NULL;
	bool is_absent = true;

	if (name_is_valid(slice_of(name)))
		p = load_pylon(l, name, &form, &is_absent);
	if (is_absent)
		return err_set(e, -ENOENT, "there is no pylon \"%s\"", name);
	if (!p)
		return err_set(e, -EINVAL, "the pylon \"%s\" cannot be used", name);
	s->pylon = p;
	s->form = &form;
	add_file(s, p->file);
	s->pylon = NULL;
	s->form = NULL;
	return 0;
}

static int show(struct show *s, const char *home, const char *pylon, struct problems *problems,
	struct err *e)
{
	CLEANUP(loading_fini) struct loading l = {.home = home, .problems = problems};
	CLEANUP(global_file_fini) struct global_file file = {0};
	int rc = 0;

	if (!load_env(&l) || !global_file_read(home, problems, &file) ||
		!load_global(&l, &file, NULL))
		return err_set(e, -EINVAL, "the configuration in %s cannot be used", home);
	s->l = &l;
	s->global_name = file.name;
	if (pylon) {
		rc = show_pylon(s, &l, pylon, e);
	} else {
		s->form = &l.global.form;
		add_file(s, file.path);
		s->form = NULL;
	}
	s->l = NULL;
	s->global_name = NULL;
	return rc;
}

int config_show(struct buf *out, const char *home, const char *pylon, struct problems *problems,
	struct err *e)
{
	CLEANUP(show_fini) struct show s = {.out = out};

	return show(&s, home, pylon, problems, e);
}

int config_show_json(struct buf *out, const char *home, const char *pylon,
	struct problems *problems, struct err *e)
{
	CLEANUP(show_fini) struct show s = {.out = out, .keys = js_array()};

	return show(&s, home, pylon, problems, e);
}
