/* SPDX-License-Identifier: MIT */
/*
 * The channel that a `channel:` section describes, in config.yaml (`defaults.channel`) or in a
 * pylon.yaml.
 *
 * Kinds of channel that do not exist yet are judged as far as old files were judged by the program
 * that wrote them (what they need must be there), and are then "not ready". A webhook channel
 * without an address is not ready either: that program could write such a file.
 */
#include "config/config-internal.h"

/* What a kind of channel needs below its own section. */
struct kind {
	const char *name;
	unsigned first, last; /* its keys */
	unsigned required[3];
	size_t required_count;
};

static const struct kind kinds[] = {
	{"telegram", CH_TELEGRAM_BOT_TOKEN, CH_TELEGRAM_API_URL, {CH_TELEGRAM_BOT_TOKEN}, 1},
	{"slack", CH_SLACK_BOT_TOKEN, CH_SLACK_API_URL,
		{CH_SLACK_BOT_TOKEN, CH_SLACK_APP_TOKEN, CH_SLACK_CHANNEL_ID}, 3},
};

static bool is_written(const struct form *f, unsigned base, const struct kind *k)
{
	for (unsigned i = k->first; i <= k->last; i++) {
		if (form_node(f, base + i))
			return true;
	}
	return false;
}

/* Path of the section, such as "defaults.channel". */
static struct slice section_of(const struct form *f, unsigned base)
{
	const char *path = f->schema->keys[base + CH_TYPE].path;

	return (struct slice){path, strlen(path) - strlen(".type")};
}

static void report_missing_section(const struct form *f, unsigned base, const struct kind *k)
{
	const struct node *type = form_node(f, base + CH_TYPE);
	struct slice section = section_of(f, base);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (&kinds[i] == k || !is_written(f, base, &kinds[i]))
			continue;
		report_at(f->report, type,
			"the channel is `%s`, but its section is `%.*s.%s`; one of the two is wrong",
			k->name, SLICE_ARG(section), kinds[i].name);
		return;
	}
	report_at(f->report, type, "the channel is `%s`, but there is no section `%.*s.%s`",
		k->name, SLICE_ARG(section), k->name);
}

static void check_kind(const struct form *f, unsigned base, const struct kind *k)
{
	if (!is_written(f, base, k)) {
		report_missing_section(f, base, k);
		return;
	}
	for (size_t i = 0; i < k->required_count; i++) {
		unsigned key = base + k->required[i];

		if (!form_node(f, key))
			report_at(f->report, form_node(f, base + CH_TYPE), "`%s` is required",
				f->schema->keys[key].path);
	}
}

/* --- webhook --- */

static void append_header(struct channel_config *c, const char *name, const char *value)
{
	c->headers = xreallocarray(c->headers, c->header_count + 1, sizeof(*c->headers));
	c->headers[c->header_count++] =
		(struct config_header){xstrdup_or_null(name), xstrdup_or_null(value)};
}

static void add_header(
	struct channel_config *c, const struct form *f, unsigned key, const char *line)
{
	size_t n = strcspn(line, "=");
	CLEANUP(freep) char *name = xstrndup(line, n);
	const char *value = line + n + 1;

	if (check_header_name(name)) {
		CLEANUP(freep) char *quoted = report_quote(name);

		report_at(f->report, form_node(f, key), "`%s`: `%s` is not the name of a header",
			f->schema->keys[key].path, quoted);
		return;
	}
	for (const char *p = value; *p; p++) {
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f) {
			report_at(f->report, form_node(f, key),
				"`%s`: the value of `%s` has a line break or a control character",
				f->schema->keys[key].path, name);
			return;
		}
	}
	append_header(c, name, value);
}

static void build_webhook(
	struct channel_config *c, const struct form *f, unsigned base, struct buf *not_ready)
{
	const struct value *headers = &f->values[base + CH_WEBHOOK_HEADERS];
	const char *url = form_text(f, base + CH_WEBHOOK_URL);
	const char *secret = form_text(f, base + CH_WEBHOOK_SECRET);
	const char *wrong = url ? check_http_url(url) : NULL;

	if (wrong)
		report_at(f->report, form_node(f, base + CH_WEBHOOK_URL), "`%s` %s",
			f->schema->keys[base + CH_WEBHOOK_URL].path, wrong);
	if (!url)
		buf_printf(not_ready, "%s is not set", f->schema->keys[base + CH_WEBHOOK_URL].path);
	wrong = secret ? check_standard_secret(secret) : NULL;
	if (wrong)
		report_at(f->report, form_node(f, base + CH_WEBHOOK_SECRET), "`%s` %s",
			f->schema->keys[base + CH_WEBHOOK_SECRET].path, wrong);
	c->url = xstrdup_or_null(url);
	c->secret = xstrdup_or_null(secret);
	c->allow_private = form_number(f, base + CH_WEBHOOK_ALLOW_PRIVATE) != 0;
	for (size_t i = 0; i < headers->list.n; i++)
		add_header(c, f, base + CH_WEBHOOK_HEADERS, headers->list.v[i]);
}

/* --- any --- */

void channel_build(
	struct channel_config *ret, const struct form *f, unsigned base, struct buf *not_ready)
{
	const char *type = form_text(f, base + CH_TYPE);

	*ret = (struct channel_config){.type = CHANNEL_STDOUT};
	ret->type_name = xstrdup(type ? type : "stdout");
	if (!type || str_eq(type, "stdout"))
		return;
	if (str_eq(type, "webhook")) {
		ret->type = CHANNEL_WEBHOOK;
		build_webhook(ret, f, base, not_ready);
		return;
	}
	ret->type = CHANNEL_OTHER;
	buf_printf(not_ready, "%s channels are not available in this version", type);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (str_eq(type, kinds[i].name))
			check_kind(f, base, &kinds[i]);
	}
}

void channel_copy(struct channel_config *dst, const struct channel_config *src)
{
	*dst = (struct channel_config){
		.type = src->type,
		.type_name = xstrdup(src->type_name),
		.url = xstrdup_or_null(src->url),
		.secret = xstrdup_or_null(src->secret),
		.allow_private = src->allow_private,
	};
	for (size_t i = 0; i < src->header_count; i++)
		append_header(dst, src->headers[i].name, src->headers[i].value);
}

void channel_config_fini(struct channel_config *c)
{
	for (size_t i = 0; i < c->header_count; i++) {
		free(c->headers[i].name);
		free(c->headers[i].value);
	}
	free(c->headers);
	free(c->type_name);
	free(c->url);
	free(c->secret);
	*c = (struct channel_config){0};
}
