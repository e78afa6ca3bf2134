/* SPDX-License-Identifier: MIT */
/*
 * The trigger of a pylon: its kind, and for webhooks how requests are signed. A webhook is never
 * unsigned by accident: whatever looks as if signing was meant needs all its parts, and a secret
 * that the recipe cannot use is refused here, not at the first request. (pylon_schedule.c has what
 * fires by itself.)
 */
#include <ctype.h>

#include "base/crypto.h"
#include "config/pylon-internal.h"

/* --- signatures --- */

/* The recipe that a configured header stands for. */
static const char *recipe_of_header(const char *header)
{
	static const struct {
		const char *header, *recipe;
	} known[] = {
		{"X-Hub-Signature-256", "github"},
		{"webhook-signature", "standard"},
		{"svix-signature", "standard"},
		{"X-Slack-Signature", "slack"},
		{"Stripe-Signature", "stripe"},
		{"X-Gitlab-Token", "gitlab"},
		{"Linear-Signature", "linear"},
		{"X-Signature-Ed25519", "discord"},
		{"Sentry-Hook-Signature", "sentry"},
		{"X-Telegram-Bot-Api-Secret-Token", "token"},
		{"Authorization", "bearer"},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcasecmp(header, known[i].header) == 0)
			return known[i].recipe;
	}
	return "hex";
}

#define WEAK_KEY "must be another key: for this one anybody can sign"

const char *check_standard_secret(const char *secret)
{
	CLEANUP(buf_fini) struct buf key = BUF_NULL;
	bool is_public = str_has_prefix(secret, "whpk_");
	const char *text =
		is_public || str_has_prefix(secret, "whsec_") ? strchr(secret, '_') + 1 : secret;

	if (!base64_decode(&key, slice_of(text)) || key.n == 0)
		return "must be base64, after an optional whsec_ or whpk_";
	if (is_public && key.n != ED25519_KEY_SIZE)
		return "must be a key of 32 bytes after whpk_";
	if (is_public && ed25519_key_is_weak((const uint8_t *)key.p))
		return WEAK_KEY;
	return NULL;
}

/* Discord's public key: 32 bytes in hex. */
static const char *check_discord_secret(const char *secret)
{
	uint8_t key[ED25519_KEY_SIZE];

	if (!hex_decode(slice_of(secret), key, sizeof(key)))
		return "must be the application's public key, 64 hex digits";
	return ed25519_key_is_weak(key) ? WEAK_KEY : NULL;
}

/* HTTP takes blanks off both ends of a field and has no control characters inside (RFC 9110
 * section 5.5): such a secret could never arrive. */
static const char *check_token_secret(const char *secret)
{
	struct slice s = slice_of(secret);

	for (size_t i = 0; i < s.n; i++) {
		if (iscntrl((unsigned char)s.p[i]) && s.p[i] != '\t')
			return "cannot stand in a header: it has control characters";
	}
	return slice_trim(s).n == s.n ? NULL : "cannot stand in a header: it has blanks at an end";
}

/* Most likely a `$${NAME}` that should have been `${NAME}`. */
static const char *check_any_secret(const char *secret)
{
	return str_has_prefix(secret, "${") && str_has_suffix(secret, "}")
		       ? "is the name of a variable, not its value; write one `$`"
		       : NULL;
}

/* What a recipe asks of its secrets and of `trigger.signature_header`. The signature room asks the
 * same; here it is told with its place, before anything runs. */
static const struct recipe_rule {
	const char *recipe;
	const char *(*check)(const char *secret);
	const char *headers; /* it reads several that belong together, so no others will do */
} recipe_rules[] = {
	{"standard", check_standard_secret, "webhook-signature or svix-signature"},
	{"discord", check_discord_secret, "X-Signature-Ed25519"},
	{"slack", NULL, "X-Slack-Signature"},
	{"gitlab", check_token_secret, NULL},
	{"bearer", check_token_secret, NULL},
	{"token", check_token_secret, NULL},
};

static void check_secrets(struct build *b, const char *(*check)(const char *secret))
{
	const struct strv *secrets = &b->f->values[P_TRIGGER_SECRET].list;
	const struct node *n = node_of(b, P_TRIGGER_SECRET);

	for (size_t i = 0; i < secrets->n; i++) {
		const char *wrong = check_any_secret(secrets->v[i]);

		if (!wrong && check)
			wrong = check(secrets->v[i]);
		if (wrong)
			report_at(b->r, n->kind == NODE_LIST ? n->items[i].value : n,
				"`trigger.secret` %s", wrong);
	}
}

static void check_recipe(struct build *b, const char *recipe, const char *header)
{
	static const struct recipe_rule none = {NULL, NULL, NULL};
	const struct recipe_rule *rule = &none;

	for (size_t i = 0; i < ARRAY_LEN(recipe_rules); i++) {
		if (str_eq(recipe, recipe_rules[i].recipe))
			rule = &recipe_rules[i];
	}
	check_secrets(b, rule->check);
	if (header && rule->headers && !str_eq(recipe_of_header(header), recipe))
		report_at(b->r, node_of(b, P_TRIGGER_SIGNATURE_HEADER),
			"`trigger.signature: %s` is read from %s", recipe, rule->headers);
}

static void build_signature(struct build *b)
{
	const char *recipe = text_of(b, P_TRIGGER_SIGNATURE);
	const char *header = text_of(b, P_TRIGGER_SIGNATURE_HEADER);
	const struct node *at = node_of(b, P_TRIGGER_SIGNATURE);

	if (!at)
		at = node_of(b, P_TRIGGER_SIGNATURE_HEADER);
	if (!node_of(b, P_TRIGGER_SECRET)) {
		if (at)
			report_at(b->r, at,
				"requests are to be signed, but there is no `trigger.secret`; without one "
				"everything would be accepted");
		return;
	}
	if (!at) {
		report_at(b->r, node_of(b, P_TRIGGER_SECRET),
			"`trigger.secret` needs `trigger.signature` or `trigger.signature_header`, "
			"which say how requests are signed");
		return;
	}
	if (!header && (str_eq(recipe, "hex") || str_eq(recipe, "token")) &&
		!node_of(b, P_TRIGGER_SIGNATURE_HEADER))
		report_at(b->r, at, "`trigger.signature: %s` needs `trigger.signature_header`",
			recipe);
	if (recipe || header)
		check_recipe(b, recipe ? recipe : recipe_of_header(header), header);
	strv_copy(&b->p->secrets, &b->f->values[P_TRIGGER_SECRET].list);
	b->p->signature = xstrdup_or_null(recipe);
	b->p->signature_header = xstrdup_or_null(header);
}

static void build_dedupe(struct build *b)
{
	struct value *v = &b->f->values[P_TRIGGER_DEDUPE];

	b->p->dedupe_template = STEAL(v->template);
	if (!b->p->dedupe_template)
		b->p->dedupe = xstrdup_or_null(v->text);
}

/* --- kinds --- */

static void build_webhook(struct build *b)
{
	const struct form *global = &b->g->form;

	b->p->trigger = TRIGGER_WEBHOOK;
	b->p->path = xstrdup_or_null(text_of(b, P_TRIGGER_PATH));
	if (!node_of(b, P_TRIGGER_PATH))
		report_at(b->r, node_of(b, P_TRIGGER_TYPE),
			"`trigger.path` is required; it is where senders POST to");
	build_signature(b);
	build_dedupe(b);
	if (node_of(b, P_TRIGGER_TOLERANCE))
		b->p->tolerance_us = form_number(b->f, P_TRIGGER_TOLERANCE);
	b->p->max_body =
		(size_t)(node_of(b, P_TRIGGER_MAX_BODY) ? form_number(b->f, P_TRIGGER_MAX_BODY)
							: form_number(global, G_SERVER_MAX_BODY));
	b->p->public_url = xstrdup_or_null(text_of(b, P_TRIGGER_PUBLIC_URL));
}

/* A key of a trigger that is no trigger of this kind: most likely its type was forgotten. */
static void warn_unused(struct build *b, unsigned key, const char *type)
{
	if (!node_of(b, P_TRIGGER_TYPE) && node_of(b, key))
		report_warning(b->r, node_of(b, key),
			"`%s` does nothing without `trigger.type: %s`",
			b->f->schema->keys[key].path, type);
}

static void build_condition(struct build *b)
{
	struct value *v = &b->f->values[P_TRIGGER_IF];

	/* An empty one would keep everything out; old files have such lines and mean nothing. */
	if (v->text && !text_is_blank(slice_of(v->text)))
		b->p->condition = STEAL(v->template);
}

void pylon_build_trigger(struct build *b)
{
	b->p->trigger = TRIGGER_MANUAL;
	b->p->tolerance_us = -1;
	b->p->max_body = (size_t)form_number(&b->g->form, G_SERVER_MAX_BODY);
	if (has_word(b, P_TRIGGER_TYPE, "webhook"))
		build_webhook(b);
	pylon_build_schedule(b);
	build_condition(b);
	warn_unused(b, P_TRIGGER_PATH, "webhook");
	warn_unused(b, P_TRIGGER_CRON, "cron");
	warn_unused(b, P_TRIGGER_SCHEDULE, "cron");
}
