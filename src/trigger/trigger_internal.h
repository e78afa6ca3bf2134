/* SPDX-License-Identifier: MIT */
/*
 * trigger/trigger_internal.h - between the files of the webhook door.
 */
#ifndef PYLON_TRIGGER_TRIGGER_INTERNAL_H
#define PYLON_TRIGGER_TRIGGER_INTERNAL_H

#include "calendar/instant.h"
#include "trigger/trigger.h"

struct route {
	char *path;
	char *pylon; /* may be NULL */
	enum signature_recipe recipe;
	char *signature_header;                    /* as configured; NULL = none */
	char *dedupe_header;                       /* NULL = the recipe's own */
	const struct template *dedupe, *condition; /* borrowed; NULL = none */
	size_t max_body;
	struct signature *signature; /* NULL = unsigned */
};

enum cloudevent_mode {
	CLOUDEVENT_NONE,
	CLOUDEVENT_BINARY,     /* attributes in ce-* fields, data in the body */
	CLOUDEVENT_STRUCTURED, /* all in the body */
};

/* A request on its way to an event. Its signature is good. */
struct draft {
	const struct inbound *in;
	struct buf body; /* the JSON object that it stands for */
	struct scan
		index; /* of that object, when it was made anyway (n > 0); it may lie in in->body */
	enum cloudevent_mode mode;
	struct buf source, id; /* of a CloudEvent */
	struct buf attributes; /* of a structured one: `"ce-id":"1","ce-source":"/x"` */
};

void draft_fini(struct draft *d);

/* Fills *ret with a refusal; returns status. */
int refuse(struct answer *ret, int status, const char *code, const char *text);
/* The refusal for a SCAN_E_* condition. */
int refuse_scan(struct answer *ret, int condition, const char *text);

/* --- media.c, form.c --- */

enum media {
	MEDIA_NONE, /* nothing said: read as JSON */
	MEDIA_JSON,
	MEDIA_CLOUDEVENT, /* a structured one, as JSON */
	MEDIA_FORM,
	MEDIA_TEXT,
	MEDIA_OTHER, /* not understood, or not in UTF-8 */
};

/* Pairs of one form: with the member "form" around them they stay within SCAN_KEYS_MAX. */
#define FORM_PAIRS_MAX (SCAN_KEYS_MAX - 1)

/* What the body is said to be. */
enum media media_of(const struct inbound *in);
/* False when the body is compressed or coded in another way. */
bool media_is_plain(const struct inbound *in);
/* Makes d->body of a body that is no structured CloudEvent: 0, or a status with *ret and *why
 * filled. */
int body_to_json(struct draft *d, enum media media, struct answer *ret, struct err *why);
/* `{"form":{...}}` of an urlencoded body: 0, or a SCAN_E_* condition. */
int form_to_json(struct slice body, struct buf *out, struct err *why);

/* --- cloudevent.c --- */

/* Sees whether the fields make it a CloudEvent in binary mode, and an acceptable one: 0, or a
 * status with *ret and *why filled. */
int cloudevent_read_fields(struct draft *d, struct answer *ret, struct err *why);
/* Takes a structured CloudEvent apart, into d->body, d->attributes, d->source and d->id. */
int cloudevent_unwrap(const struct route *r, struct draft *d, struct answer *ret, struct err *why);
/* The JSON object that an event's data stands for (NULL: there is none); appended. */
void cloudevent_data(struct buf *out, const struct scan_node *data);
/* Is this the name of a field with an attribute? */
bool cloudevent_is_attribute(struct slice name);
/* The attribute's value that a field's value stands for; appended. */
void cloudevent_decode(struct buf *out, struct slice value);

/* --- headers.c --- */

/* May its value not be kept? */
bool header_is_secret(const struct route *r, struct slice name);
/* The event's headers as one JSON object; free() it. */
char *headers_json(const struct route *r, const struct draft *d);

/* --- handshake.c --- */

/* The methods of this route, for Allow. */
const char *handshake_allow(const struct route *r);
/* The answer to an OPTIONS request (200 or 405). */
int handshake_options(const struct route *r, const struct inbound *in, struct answer *ret);
/* A 2xx with *ret filled when the genuine request only asks whether somebody is here; else 0. */
int handshake_echo(const struct route *r, const struct draft *d, struct answer *ret);

/* --- filter.c --- */

/* The sender's name for this delivery, NULL when there is none; free() it. */
char *delivery_id(const struct route *r, const struct draft *d, const struct template_event *ev);
/* 0, or 200 with *ret filled when trigger.if keeps the event out. */
int filter_event(const struct route *r, const struct template_event *ev, struct answer *ret);

#endif
