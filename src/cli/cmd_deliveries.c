/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_deliveries.c - `pylon deliveries` and `pylon redeliver`: the outbox.
 */
#include <stdio.h>

#include "base/limits.h"
#include "cli/commands-internal.h"

/* 80 columns; why a message did not go out has a line of its own. */
#define HEADER "%-8s %-8s %-16s %-8s %-7s "

static void print_row(const struct cli *c, const struct js *d)
{
	CLEANUP(freep) char *id = cli_cell(js_get_str(d, "id"), SHORT_ID);
	CLEANUP(freep) char *job = cli_cell(js_get_str(d, "job_id"), SHORT_ID);
	CLEANUP(freep) char *pylon = cli_cell(js_get_str(d, "pylon"), 64);
	CLEANUP(freep) char *kind = cli_cell(js_get_str(d, "kind"), 20);
	CLEANUP(freep) char *channel = cli_cell(js_get_str(d, "channel"), 20);
	CLEANUP(freep) char *state = cli_cell(js_get_str(d, "state"), 20);
	CLEANUP(freep) char *error = cli_cell(js_get_str(d, "error"), 120);
	CLEANUP(buf_fini) struct buf ago = BUF_NULL;

	cli_ago(&ago, js_get_str(d, "created_at"));
	(void)printf(HEADER "%s%-9s%s %5lld %s\n", id, job, *pylon == '\0' ? "-" : pylon, kind,
		channel, cli_state_color(c, state), state, cli_color_end(c),
		(long long)js_get_int(d, "attempt", 0), buf_str(&ago));
	if (*error != '\0')
		(void)printf("         %s\n", error);
}

static void print_table(const struct cli *c, const struct js *items)
{
	if (js_len(items) == 0) {
		(void)puts("No messages found.");
		return;
	}
	(void)printf(HEADER "%-9s %5s %s\n", "ID", "JOB", "PYLON", "KIND", "CHANNEL", "STATUS",
		"TRIES", "CREATED");
	for (size_t i = 0; i < js_len(items); i++)
		print_row(c, js_at(items, i));
}

static int check_state(struct cli *c, const char *text)
{
	CLEANUP(buf_fini) struct buf names = BUF_NULL;
	enum delivery_state state;

	if (text == NULL || delivery_state_from_name(text, &state))
		return EXIT_OK;
	for (int i = 0; i < DELIVERY_STATES; i++)
		buf_printf(&names, " %s", delivery_state_name((enum delivery_state)i));
	return cli_usage(c, "\"%s\" is no state of a message; these are:%s", text, buf_str(&names));
}

int cmd_deliveries(struct cli *c, int argc, char **argv)
{
	bool dead = false;
	const char *state = NULL, *limit = "20";
	const struct cli_option options[] = {
		{.name = "--dead", .flag = &dead},
		{.name = "--state", .value = &state},
		{.name = "--limit", .alias = "-n", .value = &limit},
	};
	CLEANUP(js_freep) struct js *list = NULL;
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 0, 0);
	if (r == EXIT_OK)
		r = cli_want_number(c, "--limit", limit, LIST_LIMIT_MAX);
	if (r == EXIT_OK)
		r = check_state(c, state);
	if (r != EXIT_OK)
		return r;
	if (dead)
		state = "dead";
	r = cli_get(c, &list, "/api/deliveries?limit=%s%s%s", limit,
		state == NULL ? "" : "&state=", state == NULL ? "" : state);
	if (r != EXIT_OK)
		return r;
	if (c->json)
		cli_print_json(list);
	else
		print_table(c, js_get(list, "items"));
	return EXIT_OK;
}

int cmd_redeliver(struct cli *c, int argc, char **argv)
{
	CLEANUP(js_freep) struct js *answer = NULL;
	CLEANUP(freep) char *path = NULL;
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 1);
	if (r == EXIT_OK)
		r = cli_want_id(c, "delivery", argv[1]);
	if (r != EXIT_OK)
		return r;
	path = xasprintf("/api/deliveries/%s/redeliver", argv[1]);
	r = cli_call(c, "POST", path, "{}", &answer);
	if (r != EXIT_OK)
		return r;
	if (c->json)
		cli_print_json(answer);
	cli_say(c, "message %.*s goes out again", SHORT_ID, argv[1]);
	return EXIT_OK;
}
