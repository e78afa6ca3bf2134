/* SPDX-License-Identifier: MIT */
/*
 * From the form of config.yaml to a snapshot that has no pylons yet.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "config/config-internal.h"

enum {
	MAX_CONCURRENT_DEFAULT = 3, /* what 0 in an old file means */
	PORT_DEFAULT = 8080,        /* likewise */
};

static int cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > 1024 ? 1024 : (int)n;
}

static char *socket_path(const char *host)
{
	if (!host)
		return NULL;
	return xstrdup(str_has_prefix(host, "unix://") ? host + 7 : host);
}

static void build_docker(struct config *c, const struct form *f)
{
	int64_t slots = form_number(f, G_DOCKER_MAX_CONCURRENT);

	c->docker_host = socket_path(form_text(f, G_DOCKER_HOST));
	c->max_concurrent = slots == 0 ? MAX_CONCURRENT_DEFAULT : (int)slots;
	c->when_full = (enum when_full)form_word(f, G_DOCKER_WHEN_FULL);
	c->queue_limit = (int)form_number(f, G_DOCKER_QUEUE_LIMIT);
	c->max_starting = (int)form_number(f, G_DOCKER_MAX_STARTING);
	if (c->max_starting == 0)
		c->max_starting = cores();
}

static void build_background(struct config *c, const struct form *f)
{
	static const char *const claude[] = {
		"claude", "--print", "--output-format", "stream-json", "--verbose"};

	c->max_background = (int)form_number(f, G_DAEMON_MAX_BACKGROUND);
	strv_copy(&c->agent_command, &f->values[G_DAEMON_AGENT_COMMAND].list);
	if (c->agent_command.n > 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(claude); i++)
		strv_add(&c->agent_command, claude[i]);
}

static void build(struct config *c, const struct form *f)
{
	int64_t port = form_number(f, G_SERVER_PORT);

	c->host = xstrdup(form_text(f, G_SERVER_HOST));
	c->port = port == 0 ? PORT_DEFAULT : (uint16_t)port;
	c->public_url = xstrdup_or_null(form_text(f, G_SERVER_PUBLIC_URL));
	c->api_token = xstrdup_or_null(form_text(f, G_SERVER_API_TOKEN));
	build_docker(c, f);
	c->base_image = xstrdup_or_null(form_text(f, G_AGENT_BASE_IMAGE));
	c->retention_jobs_us = form_number(f, G_RETENTION_JOBS);
	c->retention_logs_us = form_number(f, G_RETENTION_LOGS);
	c->retention_workspaces_us = form_number(f, G_RETENTION_WORKSPACES);
	c->retention_dedupe_us = form_number(f, G_RETENTION_DEDUPE);
	build_background(c, f);
	c->on_stop = (enum on_stop)form_word(f, G_DAEMON_ON_STOP);
	c->grace_us = form_number(f, G_DAEMON_GRACE);
	c->log_format = (enum log_format)form_word(f, G_LOG_FORMAT);
	c->log_level = (enum log_level)form_word(f, G_LOG_LEVEL);
}

static void warn_open_token(const struct form *f, mode_t mode)
{
	const struct node *n = form_node(f, G_SERVER_API_TOKEN);

	if (n && n->kind == NODE_SCALAR && !env_has_reference(n->text) &&
		(mode & (S_IRWXG | S_IRWXO)))
		report_warning(f->report, n,
			"others may read `server.api_token`; put it into .env, or run: chmod 600 %s",
			f->report->file);
}

void global_fini(struct global *g)
{
	form_fini(&g->form);
	form_fini(&g->start);
	channel_config_fini(&g->channel);
	free(g->channel_not_ready);
	volume_rules_fini(&g->rules);
	*g = (struct global){0};
}

/* Puts the values of the start in the place of what a reload cannot change. Its text was fine then;
 * what may be wrong with it now (a variable that is gone) concerns only the token, which is kept
 * as it is at work. */
static void keep_start(struct global *g, const struct global_text *in)
{
	CLEANUP(problems_fini) struct problems ignored = {NULL, 0};
	struct report r = report_start(&ignored, in->file);

	if (!form_read(&g->start, &schema_global, &r, in->env, slice_of(in->running->start_text)))
		return;
	for (unsigned i = 0; i < g->form.schema->count; i++) {
		struct value new = g->form.values[i];

		if (g->form.schema->keys[i].is_live)
			continue;
		g->form.values[i] = g->start.values[i];
		g->start.values[i] = new;
	}
	str_replace(&g->form.values[G_SERVER_API_TOKEN].text, in->running->api_token);
	g->start.report = NULL; /* ends with this function */
}

static void check_zone(const struct form *f)
{
	const char *zone = form_text(f, G_DEFAULTS_TIMEZONE);

	if (zone)
		(void)zone_check(
			f->report, form_node(f, G_DEFAULTS_TIMEZONE), "defaults.timezone", zone);
}

static void warn_opencode_login(const struct form *f)
{
	if (str_eq(form_text(f, G_DEFAULTS_AGENT_OPENCODE_AUTH), "oauth"))
		report_warning(f->report, form_node(f, G_DEFAULTS_AGENT_OPENCODE_AUTH),
			"`defaults.agent.opencode.auth`: only `claude` agents sign in with a login; "
			"this is as `none`");
}

static void parse(struct config *c, const struct global_text *in, struct global *g)
{
	CLEANUP(buf_fini) struct buf not_ready = BUF_NULL;

	check_zone(&g->form);
	warn_opencode_login(&g->form);
	warn_open_token(&g->form, in->mode);
	channel_build(&g->channel, &g->form, G_CHANNEL, &not_ready);
	if (not_ready.n > 0)
		g->channel_not_ready = buf_steal(&not_ready);
	if (in->running)
		keep_start(g, in);
	build(c, &g->form);
}

struct config *global_parse(
	const struct global_text *in, struct problems *problems, struct global *ret)
{
	/* Freed by hand: GCC's analyzer loses track of what hangs on a CLEANUP variable. */
	struct config *c = xcalloc(1, sizeof(*c));
	struct report r = report_start(problems, in->file);

	*ret = (struct global){0};
	c->home = xstrdup(in->home);
	if (form_read(&ret->form, &schema_global, &r, in->env, in->text))
		parse(c, in, ret);
	volume_rules_init(&ret->rules, in->home, c->docker_host);
	ret->form.report = NULL; /* ends with this function */
	report_finish(&r);
	if (r.is_fatal) {
		config_free(c);
		return NULL;
	}
	c->global_text = xstrndup(in->text.p ? in->text.p : "", in->text.n);
	c->start_text = xstrdup(in->running ? in->running->start_text : c->global_text);
	ret->config = c;
	return c;
}
