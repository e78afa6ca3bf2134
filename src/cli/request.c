/* SPDX-License-Identifier: MIT */
/*
 * cli/request.c - the request of `pylon test`: the payload, and the headers that its sender would
 * put beside it, signed with the pylon's own recipe and its first secret.
 *
 * The payload is judged by the scanner of the webhook door, so what is let through here is let
 * through there. Linear signs a time within the body: a payload of one's own must be fresh in that.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/scan.h"
#include "calendar/instant.h"
#include "calendar/schedule.h"
#include "cli/test-internal.h"

void request_fini(struct test *t)
{
	signature_free(t->signature);
	buf_fini(&t->body);
	strv_fini(&t->headers);
}

/* --- the payload --- */

/* As typed, "@FILE", or "-" for standard input. */
static int read_payload(struct cli *c, const char *text, struct buf *ret)
{
	struct err e = CLEAN_ERR;
	int rc = 0;

	if (str_eq(text, "-")) {
		rc = fd_read(STDIN_FILENO, BODY_MAX_LIMIT, ret);
		if (rc < 0)
			(void)err_set(&e, rc, "standard input cannot be read (or is too large)");
	} else if (text[0] == '@') {
		rc = file_read(text + 1, BODY_MAX_LIMIT, ret, &e);
	} else {
		buf_add_str(ret, text);
	}
	(void)c;
	return rc == 0 ? EXIT_OK : cli_fail(EXIT_FAILED, "--payload: %s", e.text);
}

static int check_payload(struct cli *c, struct slice text)
{
	CLEANUP(scan_fini) struct scan index = SCAN_NULL_INDEX;
	struct err e = CLEAN_ERR;

	if (scan_parse(&index, text.p, text.n, &e) != 0)
		return cli_usage(c, "--payload is no JSON: %s", e.text);
	if (index.nodes[0].type != SCAN_OBJECT)
		return cli_usage(c, "--payload must be a JSON object, like '{\"key\":\"value\"}'");
	return EXIT_OK;
}

/* What a schedule's jobs see: its next occurrence, or now when there is none. */
static void make_occurrence(struct test *t)
{
	const struct pylon_config *p = t->pylon;
	CLEANUP(zone_unrefp) struct zone *zone = zone_load(p->timezone, NULL);
	CLEANUP(schedule_freep) struct schedule *s = NULL;
	struct schedule_text text = {
		.text = slice_of(p->schedule),
		.zone = zone,
		.anchor_us = t->now_us,
		.want = SCHEDULE_WANT_RECURRING,
	};
	int64_t at = t->now_us;
	char when[INSTANT_SIZE];

	if (zone == NULL || schedule_parse(&s, &text, NULL) != 0 ||
		!schedule_next(s, t->now_us, &at))
		at = t->now_us;
	instant_print(at, when);
	buf_printf(&t->body, "{\"scheduled_at\":\"%s\"}", when);
}

static int make_body(struct cli *c, struct test *t)
{
	int r;

	if (t->payload == NULL) {
		if (t->pylon->trigger == TRIGGER_CRON)
			make_occurrence(t);
		else
			sample_make(t);
		return EXIT_OK;
	}
	r = read_payload(c, t->payload, &t->body);
	return r == EXIT_OK ? check_payload(c, buf_slice(&t->body)) : r;
}

/* --- the headers --- */

const char *request_header(const struct test *t, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < t->headers.n; i++) {
		const char *line = t->headers.v[i];

		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		line += n + 1;
		return line + strspn(line, " ");
	}
	return NULL;
}

bool request_shows(const struct test *t, const char *line)
{
	const char *const *secret;
	size_t n = strcspn(line, ":");

	if (t->signature == NULL)
		return true;
	if (t->recipe != SIGNATURE_GITLAB && t->recipe != SIGNATURE_BEARER &&
		t->recipe != SIGNATURE_TOKEN)
		return true;
	secret = signature_secret_headers(t->signature);
	for (; secret != NULL && *secret != NULL; secret++)
		if (slice_eq_nocase((struct slice){line, n}, *secret))
			return false;
	return true;
}

bool request_is_unsignable(const struct test *t)
{
	const char *const *secret;

	if (t->signature == NULL)
		return false;
	secret = signature_secret_headers(t->signature);
	for (; secret != NULL && *secret != NULL; secret++)
		if (request_header(t, *secret) != NULL)
			return false;
	return true;
}

static void add_delivery_id(struct test *t, const char *header, const char *id)
{
	if (!str_is_empty(header) && request_header(t, header) == NULL)
		strv_addf(&t->headers, "%s: %s", header, id);
}

static int choose_recipe(struct test *t)
{
	const struct pylon_config *p = t->pylon;

	t->recipe = SIGNATURE_NONE;
	if (p->trigger != TRIGGER_WEBHOOK || p->secrets.n == 0)
		return EXIT_OK;
	t->recipe = SIGNATURE_HEX;
	if (p->signature_header != NULL)
		t->recipe = signature_recipe_from_header(p->signature_header);
	if (p->signature != NULL && !signature_recipe_from_name(slice_of(p->signature), &t->recipe))
		return cli_fail(EXIT_CONFIG, "the recipe \"%s\" is not known", p->signature);
	return EXIT_OK;
}

static int add_headers(struct test *t)
{
	const struct pylon_config *p = t->pylon;
	struct err e = CLEAN_ERR;
	struct id id;

	id_make(&id);
	strv_add(&t->headers, "Content-Type: application/json");
	add_delivery_id(t, p->dedupe, id.s);
	if (t->recipe == SIGNATURE_NONE)
		return EXIT_OK;
	if (signature_new(&t->signature, t->recipe, p->signature_header, &p->secrets,
		    p->tolerance_us, &e) != 0)
		return cli_fail(EXIT_CONFIG, "%s: %s", p->name, e.text);
	signature_sign(t->signature, buf_slice(&t->body), id.s, t->now_us, &t->headers);
	add_delivery_id(t, signature_delivery_header(t->recipe, p->signature_header), id.s);
	return EXIT_OK;
}

int request_make(struct cli *c, struct test *t)
{
	int r;

	t->now_us = cli_now();
	r = choose_recipe(t);
	if (r == EXIT_OK)
		r = make_body(c, t);
	if (r == EXIT_OK && t->pylon->trigger == TRIGGER_WEBHOOK)
		r = add_headers(t);
	return r;
}
