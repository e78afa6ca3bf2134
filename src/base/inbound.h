/* SPDX-License-Identifier: MIT */
/*
 * base/inbound.h - one request as the doors hand it to the flow, and the flow's answer.
 *
 * Neutral ground between HTTP and the engine: everything is borrowed slices that live as long as
 * the request.
 */
#ifndef PYLON_BASE_INBOUND_H
#define PYLON_BASE_INBOUND_H

#include "base/str.h"

struct inbound_field {
	struct slice name; /* as sent; compare without case */
	struct slice value;
};

struct inbound {
	struct slice method;
	struct slice path;  /* percent-decoded, without the query */
	struct slice query; /* raw, without the '?'; n == 0 when none */
	const struct inbound_field *fields;
	size_t field_count;
	struct slice body;
};

/* What the sender is told: status, a stable code and a sentence, or a body of its own. */
struct answer {
	int status;          /* HTTP status */
	const char *code;    /* stable error code (interface: "invalid_json" ...); NULL when 2xx */
	char text[160];      /* for a person */
	char job_id[40];     /* 2xx: the job, "" = none */
	const char *outcome; /* 2xx: "accepted", "duplicate", "ignored" ... */
	int retry_after_s;   /* > 0: Retry-After */
	const char *allow;   /* 405: Allow */
	/* 2xx: a body of its own (a handshake's echo) instead of the usual one, with its media
	 * type; NULL = none. Heap: answer_fini() by whoever made the answer, after it was given. */
	char *reply;
	const char *reply_type;
	/* Further header lines, "Name: value" each, NULL-ended; heap like `reply`. NULL = none. */
	struct strv headers;
};

/* Frees what a handshake's answer owns. */
void answer_fini(struct answer *a);

/* How often the header occurs; the first value in *ret (untouched when 0). */
size_t inbound_header(const struct inbound *in, const char *name, struct slice *ret);

#endif
