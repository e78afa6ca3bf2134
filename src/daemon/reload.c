/* SPDX-License-Identifier: MIT */
/*
 * daemon/reload.c - the configuration changes while work goes on.
 *
 * What is watched are folders, because editors write a new file and rename it over the old one:
 * $PYLON_HOME, pylons/, each pylon's folder, the folders that links lead to, and those of the zone
 * files in use. After a change it waits until nothing has moved for a moment, reads everything
 * aside, and only what is good takes the place of what is running. So a half-written file costs a
 * line in the log and nothing else.
 *
 * Folders are watched before they are read: what changes in between is seen twice rather than
 * never.
 */
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"
#include "daemon/daemon-internal.h"

/* Nothing moved for this long; but no change waits longer than the second. */
#define QUIET_US    (150 * US_PER_MS)
#define PATIENCE_US (600 * US_PER_MS)

/* --- reading --- */

static void log_problems(const struct problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		problem_print(&line, &p->v[i]);
		log_warn(TAG, "%s", buf_str(&line));
	}
}

static void log_restart_needed(struct daemon *d, const struct strv *keys)
{
	CLEANUP(buf_fini) struct buf names = BUF_NULL;

	for (size_t i = 0; i < keys->n; i++)
		buf_printf(&names, "%s%s", i == 0 ? "" : ", ", keys->v[i]);
	if (keys->n > 0 && !str_eq(d->told_restart, buf_str(&names)))
		log_warn(TAG,
			"config.yaml was changed, restart needed for: %s (`pylon reload` takes over what "
			"needs none)",
			buf_str(&names));
	str_replace(&d->told_restart, keys->n > 0 ? buf_str(&names) : NULL);
}

int daemon_apply_config(struct daemon *d, bool take_global, struct err *e)
{
	struct problems problems = {0};
	struct config *next = NULL;
	struct config *old = d->config;
	int rc;

	daemon_watch_config(d);
	rc = config_reload(old, take_global, &next, &problems, e);
	if (rc < 0) {
		log_problems(&problems);
		log_error(TAG, "%s; the running configuration stays", e->text);
		engine_note_config(d->engine, e->text);
		problems_fini(&problems);
		return rc;
	}
	d->config = next;
	engine_reconfigure(d->engine, next, &problems);
	log_restart_needed(d, &next->restart_needed);
	if (take_global)
		log_setup(next->log_format, next->log_level);
	daemon_collect_hosts(d);
	config_free(old);
	problems_fini(&d->problems);
	d->problems = problems;
	daemon_watch_config(d);
	return 0;
}

static void settled(struct timer *t UNUSED, void *ctx)
{
	struct daemon *d = ctx;
	struct err e = CLEAN_ERR;
	bool is_zone = d->zones_changed;

	d->changed_mono = 0;
	d->zones_changed = false;
	if (d->is_stopping)
		return;
	(void)daemon_apply_config(d, false, &e);
	if (is_zone) {
		log_info(TAG, "time zone files were replaced: schedules are planned again");
		engine_replan(d->engine);
	}
}

/* --- watching --- */

static bool is_zone_file(const struct daemon *d, const char *path)
{
	return strv_has(&d->zone_files, path);
}

/* A file of the configuration; or anything that comes and goes in pylons/. */
static bool is_ours(const struct daemon *d, const char *folder, const char *entry, const char *path)
{
	if (str_eq(folder, d->paths.pylons_dir))
		return entry[0] != '.';
	return strv_has(&d->watched_files, path);
}

static void on_change(const char *folder, const char *entry, void *ctx)
{
	struct daemon *d = ctx;
	CLEANUP(freep) char *path = xasprintf("%s/%s", folder, entry);
	int64_t now = loop_mono(d->loop);

	if (is_zone_file(d, path))
		d->zones_changed = true;
	else if (entry[0] != '\0' && !is_ours(d, folder, entry, path))
		return;
	if (d->changed_mono == 0)
		d->changed_mono = now;
	timer_set(&d->settle, MIN_OF(now + QUIET_US, d->changed_mono + PATIENCE_US));
}

static void watch_folder(struct daemon *d, const char *folder)
{
	struct err e = CLEAN_ERR;
	int rc = folder_watch_add(d->watch, folder, &e);

	if (rc < 0 && rc != -ENOENT && rc != -ENOTDIR)
		log_warn(TAG, "changes will not be noticed: %s", e.text);
}

/* Its own folder, and the one that it is a link into. */
static void watch_file(struct daemon *d, const char *path, struct strv *files)
{
	CLEANUP(freep) char *folder = xstrdup(path);
	char target[PATH_MAX];

	if (strv_has(files, path))
		return;
	watch_folder(d, dirname(folder));
	strv_add(files, path);
	if (realpath(path, target) == NULL || str_eq(target, path))
		return;
	strv_add(files, target);
	watch_folder(d, dirname(target));
}

static void watch_in(struct daemon *d, const char *folder, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", folder, name);

	watch_file(d, path, &d->watched_files);
}

static void watch_pylon(const char *name, void *ctx)
{
	struct daemon *d = ctx;
	CLEANUP(freep) char *folder = xasprintf("%s/%s", d->paths.pylons_dir, name);

	if (name[0] == '.')
		return;
	watch_in(d, folder, "pylon.yaml");
	watch_in(d, folder, ".env");
}

static void watch_zone(const struct engine_pylon *p, void *ctx)
{
	struct daemon *d = ctx;

	if (p->zone_path != NULL)
		watch_file(d, p->zone_path, &d->zone_files);
}

void daemon_watch_config(struct daemon *d)
{
	static const char *const files[] = {"config.yaml", "config.json", ".env", "pylons"};
	struct err e = CLEAN_ERR;

	if (d->watch == NULL)
		return;
	strv_fini(&d->watched_files);
	strv_fini(&d->zone_files);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		watch_in(d, d->paths.home, files[i]);
	watch_folder(d, d->paths.pylons_dir);
	if (dir_each(d->paths.pylons_dir, watch_pylon, d, &e) < 0 && e.code != -ENOENT)
		log_warn(TAG, "changes will not be noticed: %s", e.text);
	engine_each_pylon(d->engine, watch_zone, d);
}

int daemon_watch_start(struct daemon *d, struct err *e)
{
	int rc = folder_watch_new(&d->watch, d->loop, on_change, d, e);

	if (rc < 0)
		return rc;
	timer_init(&d->settle, d->loop, settled, d);
	daemon_watch_config(d);
	return 0;
}

void daemon_watch_stop(struct daemon *d)
{
	if (d->watch == NULL)
		return;
	timer_cancel(&d->settle);
	folder_watch_free(d->watch);
	d->watch = NULL;
}
