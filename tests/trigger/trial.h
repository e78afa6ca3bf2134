/* SPDX-License-Identifier: MIT */
/*
 * tests/trigger/trial.h - a route, a request made of "Name: value" lines, and what the route said.
 */
#ifndef PYLON_TESTS_TRIGGER_TRIAL_H
#define PYLON_TESTS_TRIGGER_TRIAL_H

#include "base/limits.h"
#include "lib/t.h"
#include "trigger/trigger.h"

#define TRIAL_NOW        (INT64_C(1614265330) * US_PER_SEC)
#define TRIAL_BODY_MAX   KIB(64)
#define TRIAL_FIELDS_MAX 24

struct trial {
	struct route *route;
	struct template *dedupe, *condition;
	enum signature_recipe recipe;
	char *secret, *header;
	struct inbound_field fields[TRIAL_FIELDS_MAX];
	struct inbound in;
	struct answer answer;
	struct event event;
	struct err why;
};

void trial_fini(struct trial *t);

struct trial trial_of(const struct route_config *c);
struct trial trial_unsigned(void);
struct trial trial_signed(enum signature_recipe recipe, const char *header, const char *secret);
/* Unsigned, with trigger.if and trigger.dedupe (NULL = none), the pylon's name being "watch". */
struct trial trial_filtered(const char *condition, const char *dedupe);
/* The same, signed. */
struct trial trial_filtered_signed(enum signature_recipe recipe, const char *header,
	const char *secret, const char *condition, const char *dedupe);

/* The head alone. */
int trial_admit(struct trial *t, const char *method, const char *const *lines);
/* The whole request. */
int trial_judge(struct trial *t, struct slice body, const char *const *lines);
/* The same with the lines of its genuine signature before the others. */
int trial_judge_signed(struct trial *t, const char *body, const char *const *lines);

#define LINES(...)         ((const char *const[]){__VA_ARGS__, NULL})
#define NO_LINES           ((const char *const[]){NULL})
#define ADMIT(t, m, ...)   trial_admit(t, m, LINES(__VA_ARGS__))
#define JUDGE(t, b, ...)   trial_judge(t, slice_of(b), LINES(__VA_ARGS__))
#define JUDGE_PLAIN(t, b)  trial_judge(t, slice_of(b), NO_LINES)
#define JUDGE_SIGNED(t, b) trial_judge_signed(t, b, NO_LINES)

#endif
