/* SPDX-License-Identifier: MIT */
/*
 * tests/config/test_schedule.c - when a pylon fires, and the templates of its trigger and
 * workspace. What the texts mean is tested in calendar and template; here it is that they are
 * judged, where their faults are told, and what ends up in the snapshot.
 */
#include "base/limits.h"
#include "config/home.h"
#include "lib/t.h"

#define NAME "name: c\n"
#define HOOK "name: c\ntrigger:\n  type: webhook\n  path: /p\n"
#define CRON "name: c\ntrigger:\n  type: cron\n"

static const struct pylon_config *read_pylon(struct one *o, const char *yaml)
{
	one_pylon(o, yaml);
	if (!o->pylon) {
		CLEANUP(freep) char *got = problems_text(&o->problems);

		fail_msg("not fine: %s", got);
	}
	return o->pylon;
}

/* Exactly one problem, at this place and about this key. */
static void expect_fault(const char *yaml, const char *beginning)
{
	CLEANUP(one_fini) struct one o = {0};
	CLEANUP(freep) char *got = NULL;

	one_pylon(&o, yaml);
	got = problems_text(&o.problems);
	assert_null(o.pylon);
	assert_int_equal(o.problems.n, 1);
	if (!str_has_prefix(got, beginning) || strlen(got) <= strlen(beginning))
		assert_string_equal(got, beginning);
}

/* --- schedules --- */

static void cron_pylon_has_all_of_its_schedule(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	const struct pylon_config *p;

	p = read_pylon(&o, CRON "  cron: 0 9 * * 1-5\n");
	assert_int_equal(p->trigger, TRIGGER_CRON);
	assert_null(p->not_ready);
	assert_string_equal(p->schedule, "0 9 * * 1-5");
	assert_string_equal(p->timezone, "UTC");
	assert_int_equal(p->catch_up, CATCH_UP_LAST);
	assert_int_equal(p->catch_up_window_us, 900 * US_PER_SEC);
	assert_int_equal(p->overlap, OVERLAP_SKIP);
	assert_int_equal(p->jitter_us, 0);
	assert_int_equal(p->created_real, 0);
	p = read_pylon(&o, "created: 2026-01-01T00:00:00Z\n" CRON
			   "  schedule: every weekday at 9\n  timezone: UTC\n  catch_up: all\n"
			   "  catch_up_window: 1h\n  overlap: queue_one\n  jitter: 5m\n");
	assert_string_equal(p->schedule, "every weekday at 9");
	assert_int_equal(p->catch_up, CATCH_UP_ALL);
	assert_int_equal(p->catch_up_window_us, 3600 * US_PER_SEC);
	assert_int_equal(p->overlap, OVERLAP_QUEUE_ONE);
	assert_int_equal(p->jitter_us, 300 * US_PER_SEC);
	assert_int_equal(p->created_real / US_PER_SEC, 1767225600);
	assert_int_equal(o.problems.n, 0);
}

static void every_word_of_a_schedule_is_its_own_value(void **state UNUSED)
{
	for (int i = 0; i < OVERLAPS; i++) {
		CLEANUP(one_fini) struct one o = {0};
		CLEANUP(freep)
		char *yaml = xasprintf(
			CRON "  cron: 0 9 * * 1\n  overlap: %s\n", overlap_name((enum overlap)i));

		assert_int_equal(read_pylon(&o, yaml)->overlap, i);
	}
	for (int i = 0; i < CATCH_UPS; i++) {
		CLEANUP(one_fini) struct one o = {0};
		CLEANUP(freep)
		char *yaml = xasprintf(CRON "  cron: 0 9 * * 1\n  catch_up: %s\n",
			catch_up_name((enum catch_up)i));

		assert_int_equal(read_pylon(&o, yaml)->catch_up, i);
	}
}

static void schedule_and_cron_exclude_each_other(void **state UNUSED)
{
	expect_problems(CRON "  cron: 0 9 * * 1\n  schedule: every day\n",
		"5:13: `trigger.schedule` stands in place of `trigger.cron`; keep one of them");
}

static void fault_in_an_expression_is_told_at_its_column(void **state UNUSED)
{
	expect_fault(CRON "  cron: 0 25 * * 1\n", "4:11: `trigger.cron`: ");
	expect_fault(CRON "  cron: '0 9 * * 1 x'\n", "4:");
	expect_fault(CRON "  cron: \"0 25 * * 1\"\n", "4:12: `trigger.cron`: ");
	expect_fault(CRON "  cron: |\n    0 25 * * 1\n", "5:7: `trigger.cron`: ");
	expect_fault(CRON "  schedule: every day at 25:00\n", "4:26: `trigger.schedule`: ");
	expect_fault(NAME "trigger: {type: cron, cron: 0 9 * * 8}\n", "2:37: `trigger.cron`: ");
	/* An expression that was never used is judged, too: old files had it so. */
	expect_fault(HOOK "  cron: 0 25 * * 1\n", "5:11: `trigger.cron`: ");
}

static void phrases_and_moments_are_kept_apart(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	one_pylon(&o, CRON "  cron: every day at 9\n");
	assert_null(o.pylon);
	assert_non_null(strstr(o.problems.v[0].text, "Phrases belong in `trigger.schedule`."));
	expect_fault(CRON "  schedule: tomorrow at 9\n", "4:");
	expect_fine(CRON "  schedule: 0 9 * * 1\n");
	expect_fine(CRON "  schedule: every monday at 9\n");
}

static void day_that_never_comes_is_a_warning(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	assert_string_equal(read_pylon(&o, CRON "  cron: 0 0 31 2 *\n")->schedule, "0 0 31 2 *");
	assert_int_equal(o.problems.n, 1);
	assert_true(o.problems.v[0].is_warning);
	assert_int_equal(o.problems.v[0].line, 4);
	assert_int_equal(o.problems.v[0].column, 9);
	assert_non_null(strstr(o.problems.v[0].text, "never fires"));
}

static void jitter_is_at_most_a_day(void **state UNUSED)
{
	static const char text[] = "5:11: `trigger.jitter` must be between 0s and 24h";

	expect_fine(CRON "  cron: 0 9 * * 1\n  jitter: 23h59m59.999999s\n");
	expect_fine(CRON "  cron: 0 9 * * 1\n  jitter: 24h\n");
	expect_fine(CRON "  cron: 0 9 * * 1\n  jitter: 0\n");
	expect_problems(CRON "  cron: 0 9 * * 1\n  jitter: 24h1us\n", text);
	expect_problems(CRON "  cron: 0 9 * * 1\n  jitter: -1s\n", text);
}

/* --- zones --- */

static void zone_is_the_pylons_then_the_default_then_utc(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	one_global(&o, "defaults: {timezone: Europe/Berlin}\n");
	one_pylon(&o, CRON "  cron: 0 9 * * 1\n");
	assert_string_equal(o.pylon->timezone, "Europe/Berlin");
	one_pylon(&o, CRON "  cron: 0 9 * * 1\n  timezone: America/New_York\n");
	assert_string_equal(o.pylon->timezone, "America/New_York");
	one_pylon(&o, NAME);
	assert_null(o.pylon->timezone);
}

static void local_is_the_machines_zone(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	(void)setenv("TZ", "Asia/Kolkata", 1);
	one_global(&o, "defaults: {timezone: Local}\n");
	one_pylon(&o, CRON "  cron: 0 9 * * 1\n");
	assert_string_equal(o.pylon->timezone, "Asia/Kolkata");
	one_pylon(&o, CRON "  cron: 0 9 * * 1\n  timezone: UTC\n");
	assert_string_equal(o.pylon->timezone, "UTC");
	one_pylon(&o, CRON "  cron: 0 9 * * 1\n  timezone: Local\n");
	assert_string_equal(o.pylon->timezone, "Asia/Kolkata");
	(void)unsetenv("TZ");
	expect_fault(CRON "  cron: 0 9 * * 1\n  timezone: local\n", "5:13: `trigger.timezone`: ");
}

static void unknown_zone_is_a_problem_and_never_utc(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};

	expect_fault(CRON "  cron: 0 9 * * 1\n  timezone: Europe/Berlon\n",
		"5:13: `trigger.timezone`: ");
	expect_fault(CRON "  cron: 0 9 * * 1\n  timezone: ../passwd\n", "5:13: `trigger.timezone`");
	expect_fault(
		CRON "  cron: 0 9 * * 1\n  timezone: /etc/passwd\n", "5:13: `trigger.timezone`");
	expect_fault(HOOK "  timezone: 'Fake Zone'\n", "5:14: `trigger.timezone`: ");
	expect_fault(CRON "  cron: CRON_TZ=Europe/Berlon 0 9 * * 1\n", "4:");
	one_global(&o, "defaults:\n  timezone: Europe/Berlon\n");
	assert_null(o.config);
	assert_int_equal(o.problems.v[0].line, 2);
	assert_int_equal(o.problems.v[0].column, 13);
	assert_true(str_has_prefix(o.problems.v[0].text, "`defaults.timezone`: "));
}

/* --- templates --- */

static void condition_and_dedupe_are_templates(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	const struct pylon_config *p;

	p = read_pylon(&o, HOOK "  if: '{{ .body.x }}'\n  dedupe: 'a-{{ .body.id }}'\n");
	assert_null(p->not_ready);
	assert_non_null(p->condition);
	assert_non_null(p->dedupe_template);
	assert_null(p->dedupe);
	p = read_pylon(&o, HOOK "  if: ' '\n  dedupe: X-Id\n");
	assert_null(p->condition);
	assert_null(p->dedupe_template);
	assert_string_equal(p->dedupe, "X-Id");
	p = read_pylon(&o, HOOK "  if: ''\n  dedupe: ''\n");
	assert_null(p->condition);
	assert_null(p->dedupe);
	p = read_pylon(&o, NAME "trigger: {if: '{{ .body.x }}'}\n");
	assert_non_null(p->condition);
}

static void template_faults_are_told_where_they_are(void **state UNUSED)
{
	expect_fault(HOOK "  if: 'a {{ .body.x'\n", "5:");
	expect_fault(HOOK "  dedupe: 'a {{ .body.x'\n", "5:");
	expect_fault(NAME "workspace:\n  repo: 'a {{ .body.x'\n", "3:");
	expect_fault(NAME "workspace:\n  ref: |\n    main\n    {{ .body.x\n", "5:");
}

static void repository_and_branch_are_templates(void **state UNUSED)
{
	CLEANUP(one_fini) struct one o = {0};
	const struct pylon_config *p;

	p = read_pylon(&o, NAME "workspace: {repo: '{{ .body.url }}', ref: ''}\n");
	assert_int_equal(p->workspace, WORKSPACE_GIT_CLONE);
	assert_non_null(p->repo);
	assert_non_null(p->ref); /* main */
	p = read_pylon(&o, NAME "workspace: {ref: v1}\n");
	assert_int_equal(p->workspace, WORKSPACE_NONE);
	assert_null(p->repo);
	assert_null(p->ref);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cron_pylon_has_all_of_its_schedule),
		cmocka_unit_test(every_word_of_a_schedule_is_its_own_value),
		cmocka_unit_test(schedule_and_cron_exclude_each_other),
		cmocka_unit_test(fault_in_an_expression_is_told_at_its_column),
		cmocka_unit_test(phrases_and_moments_are_kept_apart),
		cmocka_unit_test(day_that_never_comes_is_a_warning),
		cmocka_unit_test(jitter_is_at_most_a_day),
		cmocka_unit_test(zone_is_the_pylons_then_the_default_then_utc),
		cmocka_unit_test(local_is_the_machines_zone),
		cmocka_unit_test(unknown_zone_is_a_problem_and_never_utc),
		cmocka_unit_test(condition_and_dedupe_are_templates),
		cmocka_unit_test(template_faults_are_told_where_they_are),
		cmocka_unit_test(repository_and_branch_are_templates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
