/* SPDX-License-Identifier: MIT */
/*
 * The channel "webhook": a POST of JSON, signed as Standard Webhooks 1.0 tells when there is a
 * secret. The delivery's id is the webhook-id of every attempt, so a receiver can tell a repetition
 * by itself.
 *
 * Redirects are not followed: the address was given by a person and checked, the next one was not.
 * Unless allowed, addresses of this machine and of private networks are refused after the name was
 * resolved.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/failpoint.h"
#include "channel/channel_internal.h"
#include "http/http.h"
#include "signature/signature.h"

/* Bytes of a refusal's body that are kept to show why. */
#define EXCERPT_MAX 200
#define URL_MAX     KIB(8)

/* --- the body --- */

static void set_type(struct js *root, const struct js *job, const char *kind)
{
	CLEANUP(buf_fini) struct buf type = BUF_NULL;
	const char *state = js_get_str(job, "state");

	buf_add_str(&type, "job.");
	if (str_eq(kind, "approval"))
		buf_add_str(&type, "approval_requested");
	else if (str_eq(kind, "notice") || state == NULL)
		buf_add_str(&type, "notice");
	else
		buf_add_str(&type, state);
	js_set_str(root, "type", buf_str(&type));
}

bool webhook_body(struct buf *out, const struct channel_message *m, int64_t now_real)
{
	CLEANUP(js_freep) struct js *message = js_parse(m->message, strlen(m->message), NULL);
	CLEANUP(js_freep) struct js *root = js_object();
	CLEANUP(buf_fini) struct buf job_text = BUF_NULL;
	const struct js *job = js_get(message, "job");
	struct js *data;

	if (!js_is_object(job))
		return false;
	js_write(&job_text, job);
	data = js_parse(job_text.p, job_text.n, NULL);
	if (data == NULL)
		return false;
	js_set_str(data, "topic", js_get_str(message, "topic"));
	js_set_str(data, "text", js_get_str(message, "text"));
	set_type(root, job, m->kind);
	js_set_time(root, "timestamp", now_real);
	js_set_take(root, "data", data);
	js_write(out, root);
	return true;
}

/* --- the headers --- */

/* Headers that are ours to set. */
static bool is_ours(struct slice name)
{
	static const char *const ours[] = {"content-type", "content-length", "transfer-encoding",
		"connection", "host", "webhook-id", "webhook-timestamp", "webhook-signature"};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (slice_eq_nocase(name, ours[i]))
			return true;
	}
	return false;
}

static struct slice name_of(const char *line)
{
	const char *colon = strchr(line, ':');

	return (struct slice){line, colon == NULL ? 0 : (size_t)(colon - line)};
}

static int signer_new(struct signature **ret, const char *secret, struct err *e)
{
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;

	strv_add(&secrets, secret);
	return signature_new(ret, SIGNATURE_STANDARD, NULL, &secrets, -1, e);
}

static int make_headers(struct strv *out, const struct channel_target *to, struct slice body,
	const char *id, int64_t now_real)
{
	CLEANUP(signature_freep) struct signature *signer = NULL;

	strv_add(out, "Content-Type: application/json");
	for (size_t i = 0; to->headers != NULL && i < to->headers->n; i++) {
		if (!is_ours(name_of(to->headers->v[i])))
			strv_add(out, to->headers->v[i]);
	}
	if (to->secret == NULL) {
		strv_addf(out, "webhook-id: %s", id);
		strv_addf(out, "webhook-timestamp: %" PRId64, now_real / US_PER_SEC);
		return 0;
	}
	if (signer_new(&signer, to->secret, NULL) != 0)
		return -EINVAL;
	signature_sign(signer, body, id, now_real, out);
	return 0;
}

/* --- the outcome --- */

static bool is_worth_a_retry(int status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* "410 Gone: no such hook" on one line. */
static char *refusal_text(const struct http_result *r)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;
	size_t n = 0;

	if (r->body.n > 0)
		utf8_clean(&clean, r->body.p, MIN_OF(r->body.n, (size_t)EXCERPT_MAX));
	while (n < clean.n && clean.p[n] != '\n')
		n++;
	return xasprintf("%d %s%s%.*s", r->status, http_reason(r->status), n > 0 ? ": " : "",
		(int)n, buf_str(&clean));
}

static void end_answered(struct sending *s, const struct http_result *r)
{
	CLEANUP(freep) char *text = NULL;

	if (r->status >= 200 && r->status <= 299) {
		sending_end(s, CHANNEL_SENT, -1, NULL);
		return;
	}
	text = refusal_text(r);
	if (is_worth_a_retry(r->status))
		sending_end(s, CHANNEL_RETRY, r->retry_after_us, text);
	else
		sending_end(s, CHANNEL_DEAD, -1, text);
}

static void on_done(void *ctx, const struct http_result *r)
{
	struct sending *s = ctx;

	failpoint(FP_send_after);
	if (r->status >= 200)
		end_answered(s, r);
	else if (r->error == -EACCES)
		sending_end(s, CHANNEL_DEAD, -1,
			"the address is private; channel.webhook.allow_private allows it");
	else if (r->was_sent)
		sending_end(s, CHANNEL_UNKNOWN, -1, r->text);
	else
		sending_end(s, CHANNEL_RETRY, -1, r->text);
}

void webhook_send(
	struct sending *s, const struct channel_target *to, const struct channel_message *m)
{
	CLEANUP(buf_fini) struct buf body = BUF_NULL;
	CLEANUP(strv_fini) struct strv headers = STRV_NULL;
	int64_t now_real = loop_real(s->owner->loop);
	struct err e = CLEAN_ERR;

	if (!webhook_target_is_valid(to, &e)) {
		sending_end_later(s, CHANNEL_DEAD, e.text);
		return;
	}
	if (!webhook_body(&body, m, now_real)) {
		sending_end_later(s, CHANNEL_DEAD, "the message is unreadable");
		return;
	}
	if (make_headers(&headers, to, buf_slice(&body), m->delivery_id.s, now_real) < 0) {
		sending_end_later(s, CHANNEL_DEAD, "the secret cannot be used");
		return;
	}
	failpoint(FP_send_before);
	s->call = http_call(s->owner->client, &(struct http_spec){.method = "POST",
						      .url = to->url,
						      .headers = (const char *const *)headers.v,
						      .body = buf_slice(&body),
						      .timeout_us = s->owner->timeout_us,
						      .deny_private = !to->allow_private,
						      .on_done = on_done,
						      .ctx = s});
}

/* --- checking --- */

static bool is_web_url(const char *url)
{
	size_t scheme = strncasecmp(url, "https://", 8) == 0  ? 8
			: strncasecmp(url, "http://", 7) == 0 ? 7
							      : 0;

	if (scheme == 0 || strlen(url) > URL_MAX || strcspn(url + scheme, "/?#@:") == 0)
		return false;
	for (const char *p = url; *p != '\0'; p++) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	}
	return true;
}

static bool is_header_line(const char *line)
{
	if (name_of(line).n == 0)
		return false;
	for (const char *p = line; *p != '\0'; p++) {
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return false;
	}
	return true;
}

bool webhook_target_is_valid(const struct channel_target *to, struct err *e)
{
	CLEANUP(signature_freep) struct signature *signer = NULL;

	if (str_is_empty(to->url) || !is_web_url(to->url)) {
		(void)err_set(e, -EINVAL,
			"a webhook channel needs a URL that begins with http:// or https://");
		return false;
	}
	for (size_t i = 0; to->headers != NULL && i < to->headers->n; i++) {
		if (!is_header_line(to->headers->v[i])) {
			(void)err_set(e, -EINVAL, "header %zu of the webhook channel is malformed",
				i + 1);
			return false;
		}
	}
	if (to->secret != NULL && signer_new(&signer, to->secret, e) != 0) {
		(void)err_wrap(e, "secret of the webhook channel");
		return false;
	}
	return true;
}
