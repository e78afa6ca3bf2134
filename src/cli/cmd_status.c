/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_status.c - `pylon status`: is it running, and what is it doing.
 */
#include <stdio.h>

#include "cli/commands-internal.h"

static void print_engine(const struct js *engine)
{
	CLEANUP(freep) char *text = NULL;

	text = xasprintf("%s%s", js_get_bool(engine, "up", false) ? "" : "not reachable: ",
		js_get_str(engine, "text") == NULL ? "?" : js_get_str(engine, "text"));
	cli_print_fact("engine", text);
}

static void print_jobs(const struct js *jobs, const struct js *slots)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	int64_t total = js_get_int(slots, "total", -1);

	buf_printf(&text, "%lld running, %lld starting, %lld queued, %lld awaiting approval",
		(long long)js_get_int(jobs, "running", 0),
		(long long)js_get_int(jobs, "starting", 0),
		(long long)js_get_int(jobs, "queued", 0),
		(long long)js_get_int(jobs, "awaiting_approval", 0));
	cli_print_fact("jobs", buf_str(&text));
	buf_clear(&text);
	buf_printf(&text, "%lld taken", (long long)js_get_int(slots, "taken", 0));
	if (total >= 0)
		buf_printf(&text, " of %lld", (long long)total);
	cli_print_fact("slots", buf_str(&text));
}

/* The daemon counts only the pylons that are enabled. */
static void print_pylons(const struct js *pylons)
{
	CLEANUP(freep)
	char *text =
		xasprintf("%lld enabled, %lld ready", (long long)js_get_int(pylons, "total", 0),
			(long long)js_get_int(pylons, "ready", 0));

	cli_print_fact("pylons", text);
}

static void print_deliveries(const struct js *deliveries)
{
	CLEANUP(freep)
	char *text = xasprintf("%lld pending, %lld dead",
		(long long)js_get_int(deliveries, "pending", 0),
		(long long)js_get_int(deliveries, "dead", 0));

	cli_print_fact("deliveries", text);
}

/* What of the configuration on disk is not in force. */
static void print_config(const struct js *config)
{
	const struct js *problems = js_get(config, "problems");
	const struct js *keys = js_get(config, "restart_needed");
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	for (size_t i = 0; i < js_len(problems); i++)
		cli_print_fact(i == 0 ? "bad file" : "", js_str(js_at(problems, i)));
	if (js_len(problems) > 0)
		cli_print_fact("", "what ran before goes on as it was; `pylon check` tells all");
	for (size_t i = 0; i < js_len(keys); i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : ", ", js_str(js_at(keys, i)));
	if (text.n > 0)
		buf_add_str(&text,
			": changed, but not in force; `pylon reload` takes over what needs no "
			"restart");
	cli_print_fact("config.yaml", buf_str(&text));
}

static void print_status(const struct js *d)
{
	CLEANUP(buf_fini) struct buf uptime = BUF_NULL;
	const char *version = js_get_str(d, "version");

	cli_duration(&uptime, js_get_int(d, "uptimeMs", 0));
	(void)printf("pylon %s is running (pid %lld, for %s)\n", version == NULL ? "?" : version,
		(long long)js_get_int(d, "pid", 0), buf_str(&uptime));
	cli_print_fact("home", js_get_str(d, "home"));
	print_engine(js_get(d, "engine"));
	print_jobs(js_get(d, "jobs"), js_get(d, "slots"));
	print_pylons(js_get(d, "pylons"));
	print_deliveries(js_get(d, "deliveries"));
	print_config(js_get(d, "config"));
	if (js_get_bool(d, "draining", false))
		cli_print_fact("note", "it is stopping");
	if (!js_get_bool(d, "store_writable", true))
		cli_print_fact("note", "nothing new is accepted: the disk cannot be written");
}

int cmd_status(struct cli *c, int argc, char **argv)
{
	CLEANUP(js_freep) struct js *d = NULL;
	int r = cli_options(c, &argc, argv, NULL, 0);

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 0, 0);
	if (r != EXIT_OK)
		return r;
	r = cli_get(c, &d, "/api/daemon");
	if (r == EXIT_UNREACHABLE && c->json)
		(void)puts("{\"running\":false}");
	if (r != EXIT_OK)
		return r;
	if (c->json)
		cli_print_json(d);
	else
		print_status(d);
	return EXIT_OK;
}
