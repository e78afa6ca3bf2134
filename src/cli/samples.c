/* SPDX-License-Identifier: MIT */
/*
 * cli/samples.c - what `pylon test` sends when nothing is given: small events in the shape of each
 * sender, with the members that templates most often ask for.
 *
 * The recipe decides; one that belongs to no sender, or none at all, leaves it to the templates: a
 * prompt that asks for .body.pull_request wants a pull request.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "calendar/instant.h"
#include "cli/test-internal.h"

struct sample {
	enum signature_recipe recipe; /* NONE: no sender's own */
	const char *asked;            /* what templates for it ask for; NULL = nothing special */
	const char *header;           /* a header that tells the kind; NULL = none */
	/* @name@ is the pylon's, @time@ @seconds@ @millis@ are now. */
	const char *body;
};

static const struct sample samples[] = {
	{SIGNATURE_GITHUB, ".body.pull_request", "X-GitHub-Event: pull_request",
		"{\"action\":\"opened\",\"number\":42,"
		"\"pull_request\":{\"number\":42,\"title\":\"Sample pull request for @name@\","
		"\"body\":\"Sent by `pylon test @name@`.\","
		"\"html_url\":\"https://github.com/octocat/Hello-World/pull/42\","
		"\"user\":{\"login\":\"octocat\"},"
		/* A branch and a commit that are there, so that a checkout succeeds. */
		"\"head\":{\"ref\":\"test\",\"sha\":"
		"\"b3cbd5bbd7e81436d2eee04537ea2b4c0cad4cdf\"},"
		"\"base\":{\"ref\":\"master\"}},"
		"\"repository\":{\"full_name\":\"octocat/Hello-World\","
		"\"clone_url\":\"https://github.com/octocat/Hello-World.git\","
		"\"default_branch\":\"master\"},\"sender\":{\"login\":\"octocat\"}}"},
	{SIGNATURE_GITLAB, ".body.object_attributes", "X-Gitlab-Event: Merge Request Hook",
		"{\"object_kind\":\"merge_request\",\"event_type\":\"merge_request\","
		"\"user\":{\"username\":\"sample\"},"
		"\"project\":{\"path_with_namespace\":\"group/project\","
		"\"git_http_url\":\"https://gitlab.example/group/project.git\"},"
		"\"object_attributes\":{\"iid\":42,\"action\":\"open\","
		"\"title\":\"Sample merge request for @name@\",\"source_branch\":\"sample-branch\","
		"\"target_branch\":\"main\","
		"\"url\":\"https://gitlab.example/group/project/-/merge_requests/42\"}}"},
	{SIGNATURE_SENTRY, ".body.data.event", "Sentry-Hook-Resource: event_alert",
		"{\"action\":\"triggered\",\"data\":{\"event\":{"
		"\"title\":\"SampleError: sent by `pylon test @name@`\","
		"\"culprit\":\"sample.py in main\",\"level\":\"error\",\"platform\":\"python\","
		"\"datetime\":\"@time@\",\"message\":\"\","
		"\"web_url\":\"https://sentry.example/organizations/sample/issues/1/events/2/\"},"
		"\"triggered_rule\":\"Sample rule\"},"
		"\"actor\":{\"type\":\"application\",\"name\":\"Sentry\"}}"},
	{SIGNATURE_SLACK, ".body.event.channel", NULL,
		"{\"type\":\"event_callback\",\"team_id\":\"T0SAMPLE\",\"event_id\":\"Ev0SAMPLE\","
		"\"event_time\":@seconds@,\"event\":{\"type\":\"app_mention\",\"user\":\"U0SAMPLE\","
		"\"channel\":\"C0SAMPLE\",\"ts\":\"@seconds@.000100\","
		"\"text\":\"Sample message for @name@\"}}"},
	{SIGNATURE_STRIPE, ".body.data.object", NULL,
		"{\"id\":\"evt_sample\",\"object\":\"event\",\"type\":\"invoice.payment_failed\","
		"\"created\":@seconds@,\"livemode\":false,\"data\":{\"object\":{"
		"\"id\":\"in_sample\",\"object\":\"invoice\",\"amount_due\":1999,"
		"\"currency\":\"eur\",\"customer_email\":\"sample@example.com\","
		"\"description\":\"Sample for @name@\"}}}"},
	{SIGNATURE_LINEAR, ".body.data.identifier", "Linear-Event: Issue",
		"{\"action\":\"create\",\"type\":\"Issue\",\"createdAt\":\"@time@\","
		"\"data\":{\"id\":\"sample\",\"identifier\":\"SAM-42\","
		"\"title\":\"Sample issue for @name@\","
		"\"description\":\"Sent by `pylon test @name@`.\",\"priority\":2},"
		"\"url\":\"https://linear.app/sample/issue/SAM-42\","
		"\"webhookTimestamp\":@millis@}"},
	{SIGNATURE_DISCORD, ".body.guild_id", NULL,
		"{\"version\":1,\"type\":2,\"id\":\"1\",\"application_id\":\"2\","
		"\"guild_id\":\"3\",\"channel_id\":\"4\","
		"\"data\":{\"name\":\"sample\",\"options\":[{\"name\":\"text\","
		"\"value\":\"Sample for @name@\"}]},"
		"\"member\":{\"user\":{\"id\":\"5\",\"username\":\"sample\"}}}"},
	{SIGNATURE_TOKEN, ".body.message.text", NULL,
		"{\"update_id\":1,\"message\":{\"message_id\":2,\"date\":@seconds@,"
		"\"chat\":{\"id\":3,\"type\":\"private\"},"
		"\"from\":{\"id\":3,\"is_bot\":false,\"first_name\":\"Sample\"},"
		"\"text\":\"Sample message for @name@\"}}"},
	{SIGNATURE_STANDARD, NULL, NULL,
		"{\"type\":\"sample.created\",\"timestamp\":\"@time@\","
		"\"data\":{\"name\":\"@name@\",\"title\":\"Sample event for @name@\"}}"},
};

/* For whoever is nobody in particular. */
static const char any_body[] =
	"{\"error\":\"Sample error sent by `pylon test @name@`\","
	"\"issue\":{\"title\":\"Sample issue for @name@\",\"culprit\":\"sample.c:42\"},"
	"\"ref\":\"main\",\"repo\":\"https://example.com/sample.git\"}";

static bool asks_for(const struct template *t, const char *what)
{
	return t != NULL && strstr(template_source(t), what) != NULL;
}

static bool pylon_asks_for(const struct pylon_config *p, const char *what)
{
	return asks_for(p->prompt, what) || asks_for(p->message, what) ||
	       asks_for(p->topic, what) || asks_for(p->condition, what) ||
	       asks_for(p->repo, what) || asks_for(p->ref, what);
}

/* Recipes that anybody uses. */
static bool is_anybodys(enum signature_recipe r)
{
	return r == SIGNATURE_NONE || r == SIGNATURE_HEX || r == SIGNATURE_BEARER ||
	       r == SIGNATURE_TOKEN || r == SIGNATURE_STANDARD;
}

/* NULL = any_body. */
static const struct sample *choose(const struct test *t)
{
	for (size_t i = 0; is_anybodys(t->recipe) && i < ARRAY_LEN(samples); i++)
		if (samples[i].asked != NULL && pylon_asks_for(t->pylon, samples[i].asked))
			return &samples[i];
	if (t->recipe == SIGNATURE_TOKEN &&
		!str_eq(t->pylon->signature_header, "X-Telegram-Bot-Api-Secret-Token"))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		if (samples[i].recipe == t->recipe)
			return &samples[i];
	return NULL;
}

struct word {
	const char *mark, *text;
};

static void replace_marks(struct buf *out, const char *text, const struct word *words, size_t count)
{
	while (*text != '\0') {
		size_t i = 0;

		while (i < count && !str_has_prefix(text, words[i].mark))
			i++;
		if (i == count) {
			buf_add_char(out, *text++);
			continue;
		}
		buf_add_str(out, words[i].text);
		text += strlen(words[i].mark);
	}
}

void sample_make(struct test *t)
{
	const struct sample *s = choose(t);
	char time[INSTANT_SIZE], seconds[24], millis[24];
	const struct word words[] = {
		{"@name@", t->pylon->name},
		{"@time@", time},
		{"@seconds@", seconds},
		{"@millis@", millis},
	};

	instant_print(t->now_us, time);
	(void)snprintf(seconds, sizeof(seconds), "%" PRId64, t->now_us / US_PER_SEC);
	(void)snprintf(millis, sizeof(millis), "%" PRId64, t->now_us / US_PER_MS);
	if (s != NULL && s->header != NULL)
		strv_add(&t->headers, s->header);
	replace_marks(&t->body, s == NULL ? any_body : s->body, words, ARRAY_LEN(words));
}
