/* SPDX-License-Identifier: MIT */
/*
 * trigger/filter.c - what the configuration asks about an event that is genuine and whole: what it
 * is called (trigger.dedupe), and whether it is wanted (trigger.if).
 *
 * A name that is too long or unfit for a database key is replaced by its digest. A template that
 * comes to no end gives no name, since a wrong one would make a new event pass for an old one and
 * be lost; and it does not let the event in, since what may start work must say yes.
 */
#include <ctype.h>
#include <stdio.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "trigger/trigger_internal.h"

#define NO_VALUE "<no value>"

/* --- trigger.dedupe --- */

static struct slice trim_white(struct slice s)
{
	while (s.n > 0 && isspace((unsigned char)s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool is_printable(struct slice id)
{
	for (size_t i = 0; i < id.n; i++)
		if (iscntrl((unsigned char)id.p[i]))
			return false;
	return utf8_is_valid(id.p, id.n);
}

static char *name_of(struct slice id)
{
	char digest[SHA256_HEX_SIZE];

	if (id.n == 0)
		return NULL;
	if (id.n <= DELIVERY_ID_MAX && is_printable(id))
		return slice_dup(id);
	sha256_hex(id.p, id.n, digest);
	return xstrdup(digest);
}

static char *rendered_name(const struct template *t, const struct template_event *ev)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct slice id;

	if (template_render(t, ev, PROMPT_MAX, &text) != 0)
		return NULL;
	id = trim_white(buf_slice(&text));
	return slice_eq_str(id, NO_VALUE) ? NULL : name_of(id);
}

static size_t lookup(void *ctx, const char *name, struct slice *ret_value)
{
	return inbound_header(ctx, name, ret_value);
}

/* Which field has it; NULL = none. */
static const char *name_header(const struct route *r, const struct inbound *in)
{
	struct inbound request = *in;

	if (r->dedupe_header != NULL)
		return r->dedupe_header;
	if (r->signature == NULL)
		return NULL;
	return signature_delivery_id_header(r->signature, lookup, &request);
}

/* CloudEvents 1.0 section 3.1: source and id together are unique. A source has no blanks. */
static char *cloudevent_name(const struct draft *d)
{
	CLEANUP(buf_fini) struct buf name = BUF_NULL;

	buf_add_slice(&name, buf_slice(&d->source));
	buf_add_char(&name, ' ');
	buf_add_slice(&name, buf_slice(&d->id));
	return name_of(buf_slice(&name));
}

char *delivery_id(const struct route *r, const struct draft *d, const struct template_event *ev)
{
	struct slice id = SLICE_NULL;
	const char *header;

	if (r->dedupe != NULL)
		return rendered_name(r->dedupe, ev);
	header = name_header(r, d->in);
	if (header == NULL)
		return d->mode == CLOUDEVENT_NONE ? NULL : cloudevent_name(d);
	if (d->mode == CLOUDEVENT_STRUCTURED && slice_eq_nocase(SLICE_LIT("ce-id"), header))
		return name_of(buf_slice(&d->id));
	(void)inbound_header(d->in, header, &id);
	return name_of(slice_trim(id));
}

/* --- trigger.if --- */

int filter_event(const struct route *r, const struct template_event *ev, struct answer *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct slice word;
	int rc;

	if (r->condition == NULL)
		return 0;
	rc = template_render(r->condition, ev, PROMPT_MAX, &text);
	if (rc != TEMPLATE_E_TOO_MUCH && template_is_true(buf_slice(&text)))
		return 0;
	*ret = (struct answer){.status = 200, .outcome = "ignored"};
	word = trim_white(buf_slice(&text));
	if (rc == TEMPLATE_E_TOO_MUCH)
		(void)str_copy(ret->text, sizeof(ret->text),
			"trigger.if has too much to do for this event");
	else if (word.n == 0)
		(void)str_copy(ret->text, sizeof(ret->text), "trigger.if is empty for this event");
	else
		(void)snprintf(ret->text, sizeof(ret->text), "trigger.if is %.*s for this event",
			SLICE_ARG(word));
	return ret->status;
}
