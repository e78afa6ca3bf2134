/* SPDX-License-Identifier: MIT */
/*
 * trigger/trigger_internal.h - between the files of the webhook door.
 */
#ifndef PYLON_TRIGGER_TRIGGER_INTERNAL_H
#define PYLON_TRIGGER_TRIGGER_INTERNAL_H

#include "trigger/trigger.h"

enum media {
	MEDIA_NONE, /* nothing said: read as JSON */
	MEDIA_JSON,
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

/* Fills *ret with a refusal; returns status. */
int refuse(struct answer *ret, int status, const char *code, const char *text);

/* The JSON object that a body stands for, appended to out: 0, or a status with *ret and *why
 * filled. */
int body_to_json(
	struct slice body, enum media media, struct buf *out, struct answer *ret, struct err *why);
/* `{"form":{...}}` of an urlencoded body: 0, or a SCAN_E_* condition. */
int form_to_json(struct slice body, struct buf *out, struct err *why);

#endif
