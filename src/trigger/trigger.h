/* SPDX-License-Identifier: MIT */
/*
 * trigger/trigger.h - the webhook door: is this request an event, and which?
 *
 * A `struct route` is the trigger side of one pylon, compiled from its configuration: the path, the
 * signature recipe with its secrets, where the delivery id is found, how large a body may be.
 * route_admit() judges a request's head before its body is read; route_judge() judges the whole.
 * Pure: no I/O, no clock. The order of the checks is part of the interface (docs/webhooks.md):
 * method, length, media type | signature, then JSON. A refusal for a bad signature has one answer
 * for all causes; the cause goes into the log line only.
 *
 * Before anything is kept, the values of secret headers are replaced by "<redacted>".
 */
#ifndef PYLON_TRIGGER_TRIGGER_H
#define PYLON_TRIGGER_TRIGGER_H

#include "base/err.h"
#include "base/inbound.h"
#include "base/scan.h"
#include "signature/signature.h"
#include "template/template.h"

/* What the configuration says about one webhook trigger. */
struct route_config {
	const char *path;
	enum signature_recipe recipe; /* SIGNATURE_NONE: unsigned */
	const char *signature_header; /* may be NULL */
	const struct strv *secrets;
	int64_t tolerance_us;      /* < 0: the recipe's default */
	const char *dedupe_header; /* trigger.dedupe; NULL: the recipe's own, if it has one */
	/* Borrowed for the route's life; NULL = not set. */
	const struct template *dedupe; /* trigger.dedupe as a template: "" and <no value> = none */
	const struct template *condition; /* trigger.if */
	const char *pylon;                /* its name, for .job.pylon */
	size_t max_body;
};

struct route;
/* Copies what it needs. Negative with *e when a secret is unusable or a path is not allowed. */
NODISCARD int route_new(struct route **ret, const struct route_config *c, struct err *e);
void route_free(struct route *r);
DEFINE_FREEP(struct route, route_free)

const char *route_path(const struct route *r);
size_t route_max_body(const struct route *r);
/* True when the path may be a webhook's: starts with '/', is no reserved path or prefix. Else *e
 * says why. */
bool route_path_is_allowed(const char *path, struct err *e);

/* Judges method, media type and content coding from the head alone. Returns 0 to go on; else the
 * HTTP status with *ret filled: a refusal, or the answer to a CloudEvents OPTIONS handshake. */
NODISCARD int route_admit(const struct route *r, const struct inbound *in, struct answer *ret);

/* An event that passed: owns its memory. `body` is the JSON object as sent, or the object that a
 * form or text body was turned into ("{}" for an empty or null body). A CloudEvent (binary or
 * structured) is kept in its binary form: its data is the body, its attributes are ce-* headers. */
struct event {
	char *delivery_id;  /* NULL when the sender gave none (then no dedupe) */
	char *headers_json; /* {"name":"value"} lower-case names, secrets redacted */
	char *query;        /* raw, "" when none */
	char *body;
	size_t body_n;
	char body_sha256[65];
};

void event_fini(struct event *ev);

/* Judges signature and body. 0 with *ret_event filled (event_fini()); else the HTTP status with
 * *ret filled (answer_fini()) and *why (for our log) telling the real cause. 2xx: nothing is to be
 * done, the event was filtered out ("ignored") or was a handshake (Slack's url_verification,
 * Discord's ping), which is echoed only after its signature was found good. */
NODISCARD int route_judge(const struct route *r, const struct inbound *in, int64_t now_real_us,
	struct event *ret_event, struct answer *ret, struct err *why);

#endif
