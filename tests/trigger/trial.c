/* SPDX-License-Identifier: MIT */
/*
 * tests/trigger/trial.c - see trial.h.
 */
#include "trigger/trial.h"

void trial_fini(struct trial *t)
{
	answer_fini(&t->answer);
	event_fini(&t->event);
	route_free(t->route);
	template_free(t->dedupe);
	template_free(t->condition);
	free(t->secret);
	free(t->header);
}

struct trial trial_of(const struct route_config *c)
{
	struct trial t = {.recipe = c->recipe};
	struct err e = CLEAN_ERR;

	if (route_new(&t.route, c, &e) != 0)
		print_message("%s\n", e.text);
	assert_non_null(t.route);
	return t;
}

struct trial trial_unsigned(void)
{
	return trial_filtered(NULL, NULL);
}

struct trial trial_signed(enum signature_recipe recipe, const char *header, const char *secret)
{
	return trial_filtered_signed(recipe, header, secret, NULL, NULL);
}

struct trial trial_filtered(const char *condition, const char *dedupe)
{
	return trial_filtered_signed(SIGNATURE_NONE, NULL, NULL, condition, dedupe);
}

static struct template *compiled(const char *text)
{
	struct err e = CLEAN_ERR;
	struct template *t;

	if (text == NULL)
		return NULL;
	t = template_compile(slice_of(text), &e);
	if (t == NULL)
		print_message("%s: %s\n", text, e.text);
	assert_non_null(t);
	return t;
}

struct trial trial_filtered_signed(enum signature_recipe recipe, const char *header,
	const char *secret, const char *condition, const char *dedupe)
{
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;
	struct template *name = compiled(dedupe), *filter = compiled(condition);
	struct route_config c = {
		.path = "/hook",
		.recipe = recipe,
		.signature_header = header,
		.secrets = &secrets,
		.tolerance_us = -1,
		.dedupe = name,
		.condition = filter,
		.pylon = "watch",
		.max_body = TRIAL_BODY_MAX,
	};
	struct trial t;

	if (secret != NULL)
		strv_add(&secrets, secret);
	t = trial_of(&c);
	t.dedupe = name;
	t.condition = filter;
	t.secret = xstrdup_or_null(secret);
	t.header = xstrdup_or_null(header);
	return t;
}

static void fill(struct trial *t, const char *method, struct slice body, const char *const *lines)
{
	t->in = (struct inbound){
		.method = slice_of(method),
		.path = SLICE_LIT("/hook"),
		.query = SLICE_LIT("a=1&b"),
		.fields = t->fields,
		.body = body,
	};
	for (; *lines != NULL; lines++) {
		const char *colon = strchr(*lines, ':');
		struct inbound_field *f = &t->fields[t->in.field_count++];

		assert_true(t->in.field_count <= TRIAL_FIELDS_MAX);
		f->name = (struct slice){*lines, (size_t)(colon - *lines)};
		f->value = slice_trim(slice_of(colon + 1));
	}
}

int trial_admit(struct trial *t, const char *method, const char *const *lines)
{
	int status;

	fill(t, method, SLICE_NULL, lines);
	answer_fini(&t->answer);
	status = route_admit(t->route, &t->in, &t->answer);
	assert_int_equal(status, t->answer.status);
	return status;
}

int trial_judge(struct trial *t, struct slice body, const char *const *lines)
{
	int status;

	fill(t, "POST", body, lines);
	event_fini(&t->event);
	answer_fini(&t->answer);
	status = route_judge(t->route, &t->in, TRIAL_NOW, &t->event, &t->answer, &t->why);
	assert_int_equal(status, status == 0 ? 0 : t->answer.status);
	assert_int_equal(status == 0, t->event.body != NULL);
	return status;
}

int trial_judge_signed(struct trial *t, const char *body, const char *const *lines)
{
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;
	CLEANUP(strv_fini) struct strv all = STRV_NULL;
	CLEANUP(signature_freep) struct signature *s = NULL;

	strv_add(&secrets, t->secret);
	assert_int_equal(signature_new(&s, t->recipe, t->header, &secrets, -1, NULL), 0);
	signature_sign(s, slice_of(body), "id-1", TRIAL_NOW, &all);
	assert_true(all.n > 0);
	for (; *lines != NULL; lines++)
		strv_add(&all, *lines);
	return trial_judge(t, slice_of(body), (const char *const *)all.v);
}
