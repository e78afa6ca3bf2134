/* SPDX-License-Identifier: MIT */
/*
 * signature/recipes.c - the recipes: who signs what, how, and in which header.
 *
 * Sources: what each sender's own guide says of verifying its requests.
 *   github    docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 *   gitlab    docs.gitlab.com/user/project/integrations/webhooks (its newer signing tokens are
 *             `standard`)
 *   slack     docs.slack.dev/authentication/verifying-requests-from-slack
 *   stripe    docs.stripe.com/webhooks/signature
 *   standard  standardwebhooks.com, and docs.svix.com for the elder names
 *   linear    linear.app/developers/webhooks
 *   sentry    docs.sentry.io/organization/integrations/integration-platform/webhooks
 *   discord   discord.com/developers/docs/interactions/overview
 *   bearer    RFC 6750 section 2.1
 *   token     core.telegram.org/bots/api#setwebhook (secret_token), and everybody alike
 */
#include "base/limits.h"
#include "signature/signature_internal.h"

const struct signature_rule signature_rules[] = {
	{
		.id = SIGNATURE_HEX,
		.name = "hex",
		.scheme = &signature_scheme_hmac,
		.choice = HEADER_ASKED,
		.tolerance_us = -1,
		.prefix = "sha256=",
		.is_prefix_optional = true,
	},
	{
		.id = SIGNATURE_GITHUB,
		.name = "github",
		.scheme = &signature_scheme_hmac,
		.choice = HEADER_OPEN,
		.headers = {"X-Hub-Signature-256"},
		.also_secret = "X-Hub-Signature", /* the same secret with SHA-1 */
		.delivery_headers = {"X-GitHub-Delivery"},
		.tolerance_us = -1,
		.prefix = "sha256=",
	},
	{
		.id = SIGNATURE_GITLAB,
		.name = "gitlab",
		.scheme = &signature_scheme_token,
		.choice = HEADER_OPEN,
		.headers = {"X-Gitlab-Token"},
		/* Elder versions have no key that stays the same when a request is repeated. */
		.delivery_headers = {"Idempotency-Key", "X-Gitlab-Event-UUID"},
		.tolerance_us = -1,
	},
	{
		.id = SIGNATURE_SLACK,
		.name = "slack",
		.scheme = &signature_scheme_hmac,
		.choice = HEADER_OWN,
		.headers = {"X-Slack-Signature"},
		.tolerance_us = 300 * US_PER_SEC,
		.lead = "v0:",
		.joint = ":",
		.time_header = "X-Slack-Request-Timestamp",
		.prefix = "v0=",
	},
	{
		.id = SIGNATURE_STRIPE,
		.name = "stripe",
		.scheme = &signature_scheme_hmac,
		.choice = HEADER_OPEN,
		.headers = {"Stripe-Signature"},
		.tolerance_us = 300 * US_PER_SEC,
		.lead = "",
		.joint = ".",
		.list_time = "t",
		.list_digest = "v1",
	},
	{
		.id = SIGNATURE_STANDARD,
		.name = "standard",
		.scheme = &signature_scheme_standard,
		.choice = HEADER_OWN,
		.headers = {"webhook-signature", "svix-signature"},
		.delivery_headers = {"webhook-id", "svix-id"},
		.tolerance_us = 300 * US_PER_SEC,
	},
	{
		.id = SIGNATURE_LINEAR,
		.name = "linear",
		.scheme = &signature_scheme_hmac,
		.choice = HEADER_OPEN,
		.headers = {"Linear-Signature"},
		.delivery_headers = {"Linear-Delivery"},
		.tolerance_us = 60 * US_PER_SEC,
		.time_member = "webhookTimestamp",
		.prefix = "",
	},
	{
		.id = SIGNATURE_SENTRY,
		.name = "sentry",
		.scheme = &signature_scheme_hmac,
		.choice = HEADER_OPEN,
		.headers = {"Sentry-Hook-Signature"},
		.delivery_headers = {"Request-ID"},
		.tolerance_us = -1, /* Sentry-Hook-Timestamp is not signed: it proves nothing */
		.prefix = "",
	},
	{
		.id = SIGNATURE_DISCORD,
		.name = "discord",
		.scheme = &signature_scheme_ed25519,
		.choice = HEADER_OWN,
		.headers = {"X-Signature-Ed25519"},
		.tolerance_us = -1,
		.lead = "",
		.joint = "",
		.time_header = "X-Signature-Timestamp",
	},
	{
		.id = SIGNATURE_BEARER,
		.name = "bearer",
		.scheme = &signature_scheme_token,
		.choice = HEADER_OPEN,
		.headers = {"Authorization"},
		.tolerance_us = -1,
		.auth_scheme = "Bearer",
	},
	{
		.id = SIGNATURE_TOKEN,
		.name = "token",
		.scheme = &signature_scheme_token,
		.choice = HEADER_ASKED,
		.headers = {"X-Telegram-Bot-Api-Secret-Token"},
		.tolerance_us = -1,
	},
};
const size_t signature_rule_count = ARRAY_LEN(signature_rules);
