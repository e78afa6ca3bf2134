/* SPDX-License-Identifier: MIT */
/*
 * daemon.c - puts the rooms together and opens the doors.
 *
 *   locks -> configuration -> ports -> engine (recover, prune, images) -> doors -> banner
 *
 * The doors open only when the engine is prepared, so whoever gets an answer gets a true one.
 */
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/limits.h"
#include "daemon/daemon-internal.h"
#include "runner/process.h"

#define EXIT_STATUS_FAILED 1
#define EXIT_STATUS_CONFIG 78

static int say(int status, const struct err *e)
{
	(void)fprintf(stderr, "pylon: %s\n", e->text);
	return status;
}

static void print_problems(const struct problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		problem_print(&line, &p->v[i]);
		(void)fprintf(stderr, "%s\n", buf_str(&line));
	}
}

/* As many descriptors as we are allowed: a thousand connections need them. */
static void raise_fd_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* --- configuration --- */

static int check_names(struct daemon *d)
{
	for (size_t i = 0; i < d->options->name_count; i++) {
		const char *name = d->options->names[i];

		strv_add(&d->only, name);
		if (config_pylon(d->config, name) != NULL || strv_has(&d->config->broken, name))
			continue;
		(void)fprintf(stderr, "pylon: there is no pylon named %s in %s\n", name,
			d->paths.pylons_dir);
		return EXIT_STATUS_FAILED;
	}
	return 0;
}

static void add_url_host(struct strv *hosts, const char *url)
{
	const char *start = url == NULL ? NULL : strstr(url, "://");
	size_t n;

	if (start == NULL)
		return;
	start += 3;
	n = *start == '[' ? strcspn(start, "]/") + 1 : strcspn(start, ":/?#");
	strv_take(hosts, xstrndup(start, n));
}

void daemon_collect_hosts(struct daemon *d)
{
	strv_fini(&d->hosts);
	if (!str_is_empty(d->config->host))
		strv_add(&d->hosts, d->config->host);
	add_url_host(&d->hosts, d->config->public_url);
	for (size_t i = 0; i < d->config->pylon_count; i++)
		add_url_host(&d->hosts, d->config->pylons[i]->public_url);
}

static int read_config(struct daemon *d)
{
	struct err e = CLEAN_ERR;
	int rc = config_load(d->paths.home, &d->config, &d->problems, &e);

	print_problems(&d->problems);
	if (rc < 0)
		return say(EXIT_STATUS_CONFIG, &e);
	log_setup(d->config->log_format, d->config->log_level);
	str_replace(&d->api_token, d->config->api_token);
	daemon_collect_hosts(d);
	return check_names(d);
}

/* --- ports --- */

static bool engine_socket(void *ctx, struct buf *out)
{
	struct daemon *d = ctx;

	return config_engine_socket(d->config, out);
}

/* pylon-shim lies beside the program. */
static char *shim_path(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return xstrdup("pylon-shim");
	self[n] = '\0';
	slash = strrchr(self, '/');
	return xasprintf("%.*s/pylon-shim", slash == NULL ? 0 : (int)(slash - self), self);
}

static void make_process_port(struct daemon *d)
{
	CLEANUP(freep) char *dir = xasprintf("%s/runs", d->paths.daemon_dir);
	CLEANUP(freep) char *shim = shim_path();
	struct runner_process_config c = {.dir = dir, .shim = shim};
	struct runner_events ev = engine_runner_events(d->engine, ENGINE_PROCESSES);

	d->ports.processes = runner_process_new(d->loop, &c, &ev);
}

static int make_ports(struct daemon *d, const char *home_id, struct err *e)
{
	struct engine_options eo = {.loop = d->loop,
		.config = d->config,
		.only = &d->only,
		.home_id = home_id,
		.callback_port = d->config->port,
		.is_bystander = d->is_local_only,
		.runtime_dir = d->paths.daemon_dir};
	struct runner_docker_config rc = {.home_id = home_id,
		.socket = engine_socket,
		.socket_ctx = d,
		.max_starting = d->config->max_starting,
		.base_image = d->config->base_image};
	struct runner_events ev;

	d->client = http_client_new(d->loop, e);
	if (d->client == NULL)
		return e->code;
	d->engine = engine_new(&eo);
	ev = engine_runner_events(d->engine, ENGINE_CONTAINERS);
	d->ports.runner = runner_docker_new(d->loop, d->client, &rc, &ev);
	make_process_port(d);
	d->ports.workspace = workspace_new(d->loop, d->paths.jobs_dir);
	d->ports.channel = channel_new(d->loop, d->client, -1, engine_channel_done, d->engine);
	return 0;
}

static void stop_requested(void *ctx)
{
	log_info(TAG, "asked to stop");
	daemon_begin_stop(ctx);
}

static int reload_requested(void *ctx, struct err *e)
{
	log_info(TAG, "asked to reload");
	return daemon_apply_config(ctx, true, e);
}

static void pylon_edited(void *ctx)
{
	struct err e = CLEAN_ERR;

	(void)daemon_apply_config(ctx, false, &e);
}

static int make_doors(struct daemon *d, struct err *e)
{
	struct api_options ao = {.loop = d->loop,
		.engine = d->engine,
		.version = d->options->version,
		.home = d->paths.home,
		.api_token = d->api_token,
		.hosts = &d->hosts,
		.stop = stop_requested,
		.stop_ctx = d,
		.reload = reload_requested,
		.reload_pylons = pylon_edited,
		.reload_ctx = d};
	struct http_handlers h;

	d->api = api_new(&ao);
	h = api_handlers(d->api);
	d->server = http_server_new(d->loop, &h, e);
	if (d->server == NULL)
		return e->code;
	api_set_server(d->api, d->server);
	return 0;
}

/* --- the doors open --- */

static int listen_everywhere(struct daemon *d, struct err *e)
{
	int rc = http_listen_unix(d->server, d->paths.socket, e);

	if (rc < 0 || d->is_local_only)
		return rc;
	return http_listen_tcp(d->server, d->config->host, d->config->port, &d->port, e);
}

/* Containers see another loopback than ours. */
static void tell_reach(const struct daemon *d)
{
	const char *host = d->config->host;

	if (!d->is_local_only && (strncmp(host, "127.", 4) == 0 || str_eq(host, "::1")))
		log_info(TAG,
			"server.host is %s: agents cannot reach CALLBACK_URL, only "
			"/run/pylon/result.json and their output count",
			host);
}

static void open_doors(void *ctx)
{
	struct daemon *d = ctx;
	struct err e = CLEAN_ERR;

	if (d->is_stopping)
		return;
	if (listen_everywhere(d, &e) < 0) {
		loop_stop(d->loop, say(EXIT_STATUS_FAILED, &e));
		return;
	}
	engine_set_callback_port(d->engine, d->port);
	daemon_print_listening(d);
	tell_reach(d);
	(void)malloc_trim(0); /* starting up took more than is kept */
	loop_notify("READY=1\nSTATUS=listening");
}

static int run(struct daemon *d)
{
	CLEANUP(buf_fini) struct buf home_id = BUF_NULL;
	struct err e = CLEAN_ERR;
	int rc;

	d->loop = loop_new(&e);
	if (d->loop == NULL)
		return say(EXIT_STATUS_FAILED, &e);
	rc = paths_home_id(&d->paths, &home_id, &e);
	if (rc == 0)
		rc = daemon_watch_signals(d, &e);
	if (rc == 0)
		rc = make_ports(d, buf_str(&home_id), &e);
	if (rc == 0)
		rc = make_doors(d, &e);
	if (rc == 0)
		rc = loop_watchdog(d->loop, &e);
	if (rc >= 0) {
		daemon_print_starting(d);
		rc = engine_start(d->engine, &d->ports, open_doors, d, &e);
	}
	if (rc >= 0)
		rc = daemon_watch_start(d, &e);
	if (rc < 0)
		return say(EXIT_STATUS_FAILED, &e);
	rc = loop_run(d->loop);
	return rc < 0 ? EXIT_STATUS_FAILED : rc;
}

static void take_down(struct daemon *d)
{
	if (d->loop != NULL)
		timer_cancel(&d->stop_check);
	daemon_watch_stop(d);
	http_server_free(d->server);
	api_free(d->api);
	if (d->ports.runner != NULL)
		d->ports.runner->ops->free(d->ports.runner);
	if (d->ports.processes != NULL)
		d->ports.processes->ops->free(d->ports.processes);
	if (d->ports.channel != NULL)
		d->ports.channel->ops->free(d->ports.channel);
	if (d->ports.workspace != NULL)
		d->ports.workspace->ops->free(d->ports.workspace);
	engine_free(d->engine);
	http_client_free(d->client);
	loop_free(d->loop);
	config_free(d->config);
	problems_fini(&d->problems);
	strv_fini(&d->only);
	strv_fini(&d->hosts);
	strv_fini(&d->watched_folders);
	strv_fini(&d->watched_files);
	strv_fini(&d->zone_files);
	free(d->told_restart);
	free(d->api_token);
	paths_fini(&d->paths);
	closep(&d->pylons_lock_fd);
	closep(&d->lock_fd);
}

int daemon_main(const struct daemon_options *o)
{
	struct daemon d = {.options = o, .lock_fd = -1, .pylons_lock_fd = -1};
	struct err e = CLEAN_ERR;
	char *home = config_home(o->home, &e);
	int status;

	(void)umask(077);
	log_setup(LOG_FORMAT_AUTO, LOG_LEVEL_INFO);
	failpoint_setup();
	raise_fd_limit();
	if (home == NULL || paths_init(&d.paths, home, o->socket, &e) < 0)
		status = say(EXIT_STATUS_CONFIG, &e);
	else
		status = daemon_lock(&d);
	if (status == 0)
		status = read_config(&d);
	if (status == 0)
		status = run(&d);
	take_down(&d);
	free(home);
	return status;
}
