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
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "daemon/daemon-internal.h"

/* Nothing moved for this long; but no change waits longer than the second. */
#define QUIET_US    (150 * US_PER_MS)
#define PATIENCE_US (600 * US_PER_MS)

/* As many links on the way to a file as the kernel follows (path_resolution(7)). */
#define LINKS_MAX 40

/* --- reading --- */

static bool is_among(const struct problem *wanted, const struct problems *known)
{
	for (size_t i = 0; i < known->n; i++) {
		const struct problem *p = &known->v[i];

		if (p->line == wanted->line && p->column == wanted->column &&
			str_eq(p->file, wanted->file) && str_eq(p->text, wanted->text))
			return true;
	}
	return false;
}

/* Warnings that are new: what stops a pylon is told by the engine. */
static void log_warnings(const struct problems *problems, const struct problems *told)
{
	for (size_t i = 0; i < problems->n; i++) {
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		if (!problems->v[i].is_warning || is_among(&problems->v[i], told))
			continue;
		problem_print(&line, &problems->v[i]);
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

	if (d->is_stopping)
		return err_set(e, -ESHUTDOWN, "pylon is shutting down");
	daemon_watch_config(d);
	rc = config_reload(old, take_global, &next, &problems, e);
	if (rc < 0) {
		log_error(TAG, "%s; the running configuration stays", e->text);
		engine_note_config(d->engine, e->text);
		problems_fini(&problems);
		return rc;
	}
	d->config = next;
	engine_reconfigure(d->engine, next, &problems);
	if (next->file_problem != NULL)
		engine_note_config(d->engine, next->file_problem);
	log_warnings(&problems, &d->problems);
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
		daemon_watch_config(d);
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

/* Once in each round, see daemon_watch_config(). */
static void watch_folder(struct daemon *d, const char *folder)
{
	struct err e = CLEAN_ERR;
	int rc;

	if (strv_has(&d->watched_folders, folder))
		return;
	strv_add(&d->watched_folders, folder);
	rc = folder_watch_add(d->watch, folder, &e);
	if (rc < 0 && rc != -ENOENT && rc != -ENOTDIR)
		log_warn(TAG, "changes will not be noticed: %s", e.text);
}

/* --- the way to a file --- */

/* A path that is being resolved, link by link. */
struct way {
	struct buf done;   /* what was walked; no link among its folders */
	struct strv ahead; /* names, the next one last */
	size_t target_end; /* so many names are ahead when the target of a link was walked */
	unsigned links;
};

static void cut(struct buf *b, size_t n)
{
	b->n = n;
	if (b->p != NULL)
		b->p[n] = '\0';
}

static char *pop_name(struct way *w)
{
	w->ahead.n--;
	return STEAL(w->ahead.v[w->ahead.n]);
}

static void push_names(struct way *w, const char *path)
{
	size_t n = strlen(path);

	while (n > 0) {
		size_t end = n;

		while (n > 0 && path[n - 1] != '/')
			n--;
		if (end > n)
			strv_take(&w->ahead, xstrndup(path + n, end - n));
		if (n > 0)
			n--;
	}
}

/* Back to the folder of what was walked last. */
static void step_back(struct way *w)
{
	size_t n = w->done.n;

	while (n > 0 && w->done.p[n - 1] != '/')
		n--;
	cut(&w->done, n > 0 ? n - 1 : 0);
}

/* Its folder will tell when it comes, goes or changes. */
static void watch_entry(struct daemon *d, const char *path, struct strv *files)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(freep) char *folder = xstrndup(path, MAX_OF((size_t)(slash - path), (size_t)1));

	if (strv_has(files, path))
		return;
	strv_add(files, path);
	watch_folder(d, folder);
}

/* Takes the next name; what is a link is watched, and its target comes next. */
static void walk_on(struct daemon *d, struct way *w, struct strv *files)
{
	CLEANUP(freep) char *name = pop_name(w);
	char target[PATH_MAX];
	ssize_t n;

	if (str_eq(name, "."))
		return;
	if (str_eq(name, "..")) {
		step_back(w);
		return;
	}
	buf_printf(&w->done, "/%s", name);
	n = readlink(buf_str(&w->done), target, sizeof(target) - 1);
	if (n >= 0 || (w->links > 0 && w->ahead.n == w->target_end))
		watch_entry(d, buf_str(&w->done), files);
	if (n < 0 || ++w->links > LINKS_MAX)
		return;
	target[n] = '\0';
	w->target_end = w->ahead.n;
	if (target[0] == '/')
		cut(&w->done, 0);
	else
		step_back(w);
	push_names(w, target);
}

/* Every link between `from`, which is taken as it is, and a file below it, and what they lead to,
 * whether it is there or not: it may come. */
static void watch_file(struct daemon *d, const char *from, const char *below, struct strv *files)
{
	struct way w = {.done = BUF_NULL};

	buf_add_str(&w.done, from);
	push_names(&w, below);
	while (w.ahead.n > 0)
		walk_on(d, &w, files);
	watch_entry(d, buf_str(&w.done), files);
	buf_fini(&w.done);
	strv_fini(&w.ahead);
}

/* --- what the configuration is made of --- */

static void watch_in_home(struct daemon *d, const char *path)
{
	watch_file(d, d->paths.home, path, &d->watched_files);
}

static void watch_pylon(const char *name, void *ctx)
{
	struct daemon *d = ctx;
	CLEANUP(freep) char *file = xasprintf("pylons/%s/pylon.yaml", name);
	CLEANUP(freep) char *env = xasprintf("pylons/%s/.env", name);

	if (name[0] == '.')
		return;
	watch_in_home(d, file);
	watch_in_home(d, env);
}

static void watch_zone(const struct engine_pylon *p, void *ctx)
{
	struct daemon *d = ctx;

	if (p->zone_path != NULL)
		watch_file(d, "", p->zone_path, &d->zone_files);
}

/* Links that lead elsewhere now would leave a watch behind with every move. */
static void leave_folders(struct daemon *d, const struct strv *before)
{
	for (size_t i = 0; i < before->n; i++)
		if (!strv_has(&d->watched_folders, before->v[i]))
			folder_watch_remove(d->watch, before->v[i]);
}

void daemon_watch_config(struct daemon *d)
{
	static const char *const files[] = {"config.yaml", "config.json", ".env", "pylons"};
	struct strv before;
	struct err e = CLEAN_ERR;

	if (d->watch == NULL)
		return;
	before = d->watched_folders;
	d->watched_folders = STRV_NULL;
	strv_fini(&d->watched_files);
	strv_fini(&d->zone_files);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		watch_in_home(d, files[i]);
	watch_folder(d, d->paths.pylons_dir);
	if (dir_each(d->paths.pylons_dir, watch_pylon, d, &e) < 0 && e.code != -ENOENT)
		log_warn(TAG, "changes will not be noticed: %s", e.text);
	engine_each_pylon(d->engine, watch_zone, d);
	leave_folders(d, &before);
	strv_fini(&before);
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
