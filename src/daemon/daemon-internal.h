/* SPDX-License-Identifier: MIT */
/*
 * daemon-internal.h - one daemon, assembled.
 */
#ifndef PYLON_DAEMON_DAEMON_INTERNAL_H
#define PYLON_DAEMON_DAEMON_INTERNAL_H

#include "api/api.h"
#include "base/log.h"
#include "config/paths.h"
#include "daemon/daemon.h"
#include "engine/engine.h"

#define TAG "pylon"

struct daemon {
	const struct daemon_options *options;
	struct paths paths;
	struct config *config;
	struct problems problems;
	struct strv only;
	struct strv hosts;  /* for the API's Host check */
	char *api_token;    /* as at the start: it needs a restart */
	bool is_local_only; /* another daemon has the pylons of this home */
	int lock_fd, pylons_lock_fd;

	struct loop *loop;
	struct http_client *client;
	struct engine *engine;
	struct engine_ports ports;
	struct api *api;
	struct http_server *server;
	uint16_t port;

	struct folder_watch *watch;
	struct strv watched_folders;
	struct strv watched_files; /* whose change is a reason to read the configuration */
	struct strv zone_files;
	struct timer settle;
	int64_t changed_mono; /* the first change that was not looked at; 0 = none */
	bool zones_changed;
	char *told_restart; /* the keys that the log named last */

	bool is_stopping, is_stopped;
	bool runs_are_stopped; /* or were never asked to */
	struct timer stop_check;
	int64_t stop_deadline; /* mono */
};

/* --- lock.c --- */
/* Takes the two locks; 0, or an exit status after having said why. */
int daemon_lock(struct daemon *d);

/* --- banner.c --- */
void daemon_print_starting(const struct daemon *d);
void daemon_print_listening(const struct daemon *d);

/* --- daemon.c --- */
/* Names that the API's Host check knows, from the present configuration. */
void daemon_collect_hosts(struct daemon *d);

/* --- reload.c --- */
/* Watches what the configuration is made of; from then on changes are taken over by themselves. */
NODISCARD int daemon_watch_start(struct daemon *d, struct err *e);
void daemon_watch_stop(struct daemon *d);
/* Brings what is watched up to date. */
void daemon_watch_config(struct daemon *d);
/* Reads all of it anew (config.yaml only when take_global) and puts in force what is good. -EINVAL
 * when config.yaml cannot be used: nothing has changed then. */
int daemon_apply_config(struct daemon *d, bool take_global, struct err *e);

/* --- stop.c --- */
NODISCARD int daemon_watch_signals(struct daemon *d, struct err *e);
void daemon_begin_stop(struct daemon *d);

#endif
