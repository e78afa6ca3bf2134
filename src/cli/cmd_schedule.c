/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_schedule.c - `schedule next`: how a text is read, and when it fires. Without a daemon.
 *
 * --from stands for the present: it is the anchor of what is counted from one, the "now" of
 * moments, and the instant after which the list begins.
 */
#include <stdio.h>

#include "base/limits.h"
#include "calendar/instant.h"
#include "calendar/schedule.h"
#include "cli/commands-internal.h"

#define COUNT_DEFAULT 5
#define COUNT_MAX     1000
#define LOCAL_WIDTH   30

struct request {
	const char *text;
	struct zone *zone;
	int64_t from_us;
	uint64_t count;
};

static void request_fini(struct request *q)
{
	if (q->zone != NULL)
		zone_unref(q->zone);
}

/* RFC 3339 asks for an offset; without one the machine's zone would have to be guessed. */
static bool has_offset(const char *text)
{
	size_t n = strlen(text);

	return n > 10 &&
	       (text[n - 1] == 'Z' || text[n - 1] == 'z' || strpbrk(text + 10, "+-") != NULL);
}

static int read_options(struct cli *c, int *argc, char **argv, struct request *ret)
{
	const char *zone = NULL, *from = NULL, *count = NULL;
	const struct cli_option options[] = {
		{.name = "--tz", .value = &zone},
		{.name = "--from", .value = &from},
		{.name = "--count", .alias = "-n", .value = &count},
	};
	CLEANUP(freep) char *system = zone_system_name();
	struct err e = CLEAN_ERR;
	int r = cli_options(c, argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK && count != NULL)
		r = cli_want_number(c, "--count", count, COUNT_MAX);
	if (r != EXIT_OK)
		return r;
	if (count != NULL)
		(void)slice_to_u64(slice_of(count), COUNT_MAX, &ret->count);
	if (from != NULL && (!has_offset(from) || !instant_parse(slice_of(from), &ret->from_us)))
		return cli_usage(
			c, "--from wants a time like 2026-05-01T09:00:00Z, not \"%s\"", from);
	ret->zone = zone_load(zone != NULL ? zone : system, &e);
	return ret->zone != NULL ? EXIT_OK : cli_usage(c, "%s", e.text);
}

static void show_json(const struct request *q, const struct schedule *s)
{
	CLEANUP(js_freep) struct js *j = schedule_reading(s, q->from_us, (size_t)q->count);

	cli_print_json(j);
}

static void show_text(const struct request *q, const struct schedule *s)
{
	CLEANUP(buf_fini) struct buf words = BUF_NULL;
	CLEANUP(buf_fini) struct buf anchor = BUF_NULL;
	int64_t at = q->from_us;

	schedule_describe(&words, s);
	cli_print_fact("kind", schedule_kind(s) == SCHEDULE_ONCE ? "once" : "recurring");
	cli_print_fact("reading", buf_str(&words));
	cli_print_fact("cron", schedule_canonical(s));
	cli_print_fact("zone", zone_name(schedule_zone(s)));
	if (schedule_is_anchored(s)) {
		cli_local(&anchor, schedule_zone(s), q->from_us);
		cli_print_fact("counted from", buf_str(&anchor));
	}
	for (uint64_t i = 0; i < q->count && schedule_next(s, at, &at); i++) {
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		cli_local(&line, schedule_zone(s), at);
		while (line.n < LOCAL_WIDTH)
			buf_add_char(&line, ' ');
		cli_wait(&line, at - q->from_us);
		cli_print_fact(i == 0 ? "next" : "", buf_str(&line));
	}
	if (schedule_is_never(s))
		cli_print_fact("next", "never");
}

/* The reason with a caret below the place; the text itself is foreign. */
static int tell_fault(const char *text, const struct schedule_fault *fault)
{
	CLEANUP(buf_fini) struct buf picture = BUF_NULL;

	schedule_fault_print(&picture, slice_of(text), fault);
	return cli_fail(EXIT_FAILED, "this is no schedule: %s", buf_str(&picture));
}

static int next(struct cli *c, const struct request *q)
{
	CLEANUP(schedule_freep) struct schedule *s = NULL;
	struct schedule_text text = {slice_of(q->text), q->zone, q->from_us, SCHEDULE_WANT_ANY};
	struct schedule_fault fault;

	if (schedule_parse(&s, &text, &fault) < 0)
		return tell_fault(q->text, &fault);
	if (c->json)
		show_json(q, s);
	else
		show_text(q, s);
	if (schedule_is_never(s))
		cli_say(c, "pylon: warning: this never fires: there is no such date");
	return EXIT_OK;
}

int cmd_schedule(struct cli *c, int argc, char **argv)
{
	CLEANUP(request_fini) struct request q = {.from_us = cli_now(), .count = COUNT_DEFAULT};
	int r = read_options(c, &argc, argv, &q);

	if (r != EXIT_OK)
		return r;
	if (argc > 1 && !str_eq(argv[1], "next"))
		return cli_usage(
			c, "there is no \"schedule %s\"; did you mean \"schedule next\"?", argv[1]);
	if (argc > 3)
		return cli_usage(c, "put the schedule in quotes: it is one word for the shell");
	r = cli_want_args(c, argc, 2, 2);
	if (r != EXIT_OK)
		return r;
	q.text = argv[2];
	return next(c, &q);
}
