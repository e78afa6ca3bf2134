/* SPDX-License-Identifier: MIT */
/*
 * trigger/handshake.c - requests that only ask whether somebody is here and willing. They make no
 * job.
 *
 *   OPTIONS    CloudEvents "HTTP 1.1 Web Hooks" 1.0.2 section 4: the sender names itself in
 *              WebHook-Request-Origin and is told that it may send. It is no authentication, so it
 *              is answered unsigned. WebHook-Request-Callback is not followed: we answer at once,
 *              and calling a stranger's URL would be an attack on whoever it names.
 *   Slack      {"type":"url_verification","challenge":"..."}: the challenge goes back.
 *   Discord    {"type":1}, the ping of the interactions endpoint, is echoed; {"type":0}, the ping
 *              of webhook events, is answered with 204. The latter's events are {"type":1,"event":
 *              {...}}: that is no ping.
 *
 * Those in a body are echoed only after the signature was found good: Discord sends wrong ones on
 * purpose and must see a 401.
 */
#include <stdio.h>

#include "base/limits.h"
#include "trigger/trigger_internal.h"

static void fill_ok(struct answer *ret, const char *outcome, const char *text)
{
	*ret = (struct answer){.status = 200, .outcome = outcome};
	(void)str_copy(ret->text, sizeof(ret->text), text);
}

/* --- OPTIONS --- */

/* The recipes of senders that speak CloudEvents; the others belong to one sender each, which does
 * not. */
static bool has_options(const struct route *r)
{
	switch (r->recipe) {
	case SIGNATURE_NONE:
	case SIGNATURE_HEX:
	case SIGNATURE_BEARER:
	case SIGNATURE_TOKEN:
	case SIGNATURE_STANDARD:
		return true;
	case SIGNATURE_GITHUB:
	case SIGNATURE_GITLAB:
	case SIGNATURE_SLACK:
	case SIGNATURE_STRIPE:
	case SIGNATURE_LINEAR:
	case SIGNATURE_SENTRY:
	case SIGNATURE_DISCORD:
	default:
		return false;
	}
}

const char *handshake_allow(const struct route *r)
{
	return has_options(r) ? "POST, OPTIONS" : "POST";
}

/* A DNS expression: it goes into our answer as it came. */
static bool is_origin(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.n > 0 && s.n <= HANDSHAKE_ORIGIN_MAX;
}

/* We have no limit of our own to tell: what was asked for is granted. */
static void add_rate(const struct inbound *in, struct strv *headers)
{
	struct slice text = SLICE_NULL;
	uint64_t rate = 0;

	if (inbound_header(in, "webhook-request-rate", &text) == 1 &&
		slice_to_u64(slice_trim(text), INT32_MAX, &rate) && rate > 0)
		strv_addf(headers, "WebHook-Allowed-Rate: %llu", (unsigned long long)rate);
	else
		strv_add(headers, "WebHook-Allowed-Rate: *");
}

int handshake_options(const struct route *r, const struct inbound *in, struct answer *ret)
{
	struct slice origin = SLICE_NULL;
	size_t count = inbound_header(in, "webhook-request-origin", &origin);

	origin = slice_trim(origin);
	if (!has_options(r) || count != 1 || !is_origin(origin)) {
		(void)refuse(ret, 405, "method_not_allowed", "a webhook is sent with POST");
		ret->allow = handshake_allow(r);
		return ret->status;
	}
	fill_ok(ret, "handshake", "the CloudEvents handshake");
	ret->allow = handshake_allow(r);
	ret->reply = xstrdup("");
	strv_addf(&ret->headers, "WebHook-Allowed-Origin: %.*s", SLICE_ARG(origin));
	add_rate(in, &ret->headers);
	return ret->status;
}

/* --- in the body --- */

static const struct scan_node *member(const struct draft *d, const char *name)
{
	return scan_member(&d->index, &d->index.nodes[0], slice_of(name));
}

static bool is_text(const struct scan_node *node, const char *text)
{
	return node != NULL && node->type == SCAN_STRING && slice_eq_str(node->raw, text);
}

static bool is_number(const struct scan_node *node, const char *number)
{
	return node != NULL && node->type == SCAN_NUMBER && slice_eq_str(node->raw, number);
}

static int echo_slack(const struct draft *d, struct answer *ret)
{
	const struct scan_node *challenge = member(d, "challenge");

	if (!is_text(member(d, "type"), "url_verification"))
		return 0;
	if (challenge == NULL || challenge->type != SCAN_STRING ||
		challenge->raw.n > HANDSHAKE_CHALLENGE_MAX) {
		fill_ok(ret, "ignored", "a url_verification whose challenge cannot be echoed");
		return ret->status;
	}
	fill_ok(ret, "handshake", "Slack's url_verification");
	ret->reply = xasprintf("{\"challenge\":\"%.*s\"}\n", SLICE_ARG(challenge->raw));
	ret->reply_type = "application/json";
	return ret->status;
}

static int echo_discord(const struct draft *d, struct answer *ret)
{
	if (member(d, "event") != NULL)
		return 0;
	if (is_number(member(d, "type"), "1")) {
		fill_ok(ret, "handshake", "Discord's ping");
		ret->reply = xstrdup("{\"type\":1}\n");
		ret->reply_type = "application/json";
		return ret->status;
	}
	if (is_number(member(d, "type"), "0")) {
		fill_ok(ret, "handshake", "Discord's ping");
		ret->status = 204;
		ret->reply = xstrdup("");
		return ret->status;
	}
	return 0;
}

int handshake_echo(const struct route *r, const struct draft *d, struct answer *ret)
{
	if (d->index.n == 0) /* no JSON object as sent */
		return 0;
	if (r->recipe == SIGNATURE_SLACK)
		return echo_slack(d, ret);
	if (r->recipe == SIGNATURE_DISCORD)
		return echo_discord(d, ret);
	return 0;
}
