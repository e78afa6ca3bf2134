/* SPDX-License-Identifier: MIT */
/*
 * banner.c - what a person sees on stdout when the daemon comes up.
 */
#include <stdio.h>

#include "daemon/daemon-internal.h"

struct banner {
	size_t active;
};

void daemon_print_starting(const struct daemon *d)
{
	if (!d->options->quiet)
		(void)printf("\nPowering up pylons...\n\n");
	(void)fflush(stdout);
}

/* "cron 0 9 * * 1 (every Monday at 09:00)"; a phrase that says it already is not repeated. */
static void print_schedule(const struct engine_pylon *p)
{
	const char *text = p->config->schedule;

	if (p->schedule == NULL || str_eq(p->schedule, text))
		(void)printf("cron %s\n", text);
	else
		(void)printf("cron %s (%s)\n", text, p->schedule);
}

static void print_trigger(const struct engine_pylon *p)
{
	const struct pylon_config *c = p->config;

	switch (c->trigger) {
	case TRIGGER_WEBHOOK:
		(void)printf("webhook %s\n", c->path);
		return;
	case TRIGGER_CRON:
		print_schedule(p);
		return;
	case TRIGGER_MANUAL:
		(void)printf("manual\n");
		return;
	}
}

static void print_pylon(const struct engine_pylon *p, void *ctx)
{
	struct banner *b = ctx;

	if (!p->is_active)
		return;
	if (!p->is_ready) {
		(void)printf("  %-24s not ready  %s\n", p->config->name, p->reason);
		return;
	}
	b->active++;
	(void)printf("  %-24s ok  ", p->config->name);
	print_trigger(p);
}

static const char *first_problem(const struct daemon *d, const char *name)
{
	CLEANUP(freep) char *part = xasprintf("/%s/", name);

	for (size_t i = 0; i < d->problems.n; i++)
		if (!d->problems.v[i].is_warning && strstr(d->problems.v[i].file, part) != NULL)
			return d->problems.v[i].text;
	return "its configuration is not valid (pylon check tells more)";
}

/* Whoever names pylons wants to read about these only. */
static void print_broken(const struct daemon *d)
{
	for (size_t i = 0; i < d->config->broken.n; i++) {
		const char *name = d->config->broken.v[i];

		if (d->only.n == 0 || strv_has(&d->only, name))
			(void)printf("  %-24s not ready  %s\n", name, first_problem(d, name));
	}
}

void daemon_print_listening(const struct daemon *d)
{
	struct banner b = {0};

	if (d->options->quiet)
		return;
	engine_each_pylon(d->engine, print_pylon, &b);
	print_broken(d);
	if (d->is_local_only) {
		(void)printf("local side only -- listening on %s\n\n", d->paths.socket);
	} else {
		if (d->config->pylon_count == 0 && d->config->broken.n == 0)
			(void)printf("  No pylons yet: describe one in %s/<name>/pylon.yaml\n",
				d->paths.pylons_dir);
		(void)printf("\n%zu pylon%s active -- listening on %s:%u\n\n", b.active,
			b.active == 1 ? "" : "s", d->config->host, d->port);
	}
	(void)fflush(stdout);
}
