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
};

static int cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > 1024 ? 1024 : (int)n;
}

/* Place of a word among the words of its row: the rows list them in the order of the enum. */
static int word_index(const struct form *f, unsigned key)
{
	const char *const *words = f->schema->keys[key].words;
	int i = 0;

	while (words[i] && !str_eq(words[i], form_text(f, key)))
		i++;
	must(words[i]);
	return i;
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
	c->when_full = (enum when_full)word_index(f, G_DOCKER_WHEN_FULL);
	c->queue_limit = (int)form_number(f, G_DOCKER_QUEUE_LIMIT);
	c->max_starting = (int)form_number(f, G_DOCKER_MAX_STARTING);
	if (c->max_starting == 0)
		c->max_starting = cores();
}

static void build(struct config *c, const struct form *f)
{
	c->host = xstrdup(form_text(f, G_SERVER_HOST));
	c->port = (uint16_t)form_number(f, G_SERVER_PORT);
	c->public_url = xstrdup_or_null(form_text(f, G_SERVER_PUBLIC_URL));
	c->api_token = xstrdup_or_null(form_text(f, G_SERVER_API_TOKEN));
	build_docker(c, f);
	c->retention_jobs_us = form_number(f, G_RETENTION_JOBS);
	c->retention_logs_us = form_number(f, G_RETENTION_LOGS);
	c->retention_workspaces_us = form_number(f, G_RETENTION_WORKSPACES);
	c->retention_dedupe_us = form_number(f, G_RETENTION_DEDUPE);
	c->on_stop = (enum on_stop)word_index(f, G_DAEMON_ON_STOP);
	c->grace_us = form_number(f, G_DAEMON_GRACE);
	c->log_format = (enum log_format)word_index(f, G_LOG_FORMAT);
	c->log_level = (enum log_level)word_index(f, G_LOG_LEVEL);
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
	channel_config_fini(&g->channel);
	free(g->channel_not_ready);
	volume_rules_fini(&g->rules);
	*g = (struct global){0};
}

struct config *global_parse(const char *home, const char *file, struct slice text, mode_t mode,
	const struct env *env, struct problems *problems, struct global *ret)
{
	/* Freed by hand: GCC's analyzer loses track of what hangs on a CLEANUP variable. */
	struct config *c = xcalloc(1, sizeof(*c));
	struct report r = report_start(problems, file);
	struct buf not_ready = BUF_NULL;

	*ret = (struct global){0};
	c->home = xstrdup(home);
	if (form_read(&ret->form, &schema_global, &r, env, text)) {
		build(c, &ret->form);
		channel_build(&ret->channel, &ret->form, G_CHANNEL, &not_ready);
		warn_open_token(&ret->form, mode);
	}
	if (not_ready.n > 0)
		ret->channel_not_ready = buf_steal(&not_ready);
	volume_rules_init(&ret->rules, home, c->docker_host);
	ret->form.report = NULL; /* ends with this function */
	report_finish(&r);
	if (r.is_fatal) {
		config_free(c);
		return NULL;
	}
	ret->config = c;
	return c;
}
