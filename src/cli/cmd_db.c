/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_db.c - `db check|backup|recover`: the databases of a home, without a daemon.
 *
 * Checking and copying only read and go well with a running daemon. Recovering needs the database
 * to itself, so it holds the lock that a daemon would hold: pylons/.lock for a jobs.db, the lock
 * beside it for a runtime.db. A file elsewhere has no such lock.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/commands-internal.h"
#include "config/paths.h"
#include "store/recover.h"
#include "store/store.h"

#define RUNTIME "runtime"

struct targets {
	struct strv names, paths;
	const char *pylons_dir;
};

static void targets_fini(struct targets *t)
{
	strv_fini(&t->names);
	strv_fini(&t->paths);
}

static void add(struct targets *t, const char *name, const char *path)
{
	strv_add(&t->names, name);
	strv_add(&t->paths, path);
}

static void add_pylon(const char *name, void *ctx)
{
	struct targets *t = ctx;
	CLEANUP(freep) char *path = xasprintf("%s/%s/jobs.db", t->pylons_dir, name);

	if (name_is_valid(slice_of(name)) && (file_exists(path) || store_recovery_is_pending(path)))
		add(t, name, path);
}

static int add_all(struct targets *t, const char *runtime)
{
	struct err e = CLEAN_ERR;
	int rc = dir_each(t->pylons_dir, add_pylon, t, &e);

	if (rc < 0 && rc != -ENOENT)
		return cli_fail(EXIT_FAILED, "%s", e.text);
	if (file_exists(runtime) || store_recovery_is_pending(runtime))
		add(t, RUNTIME, runtime);
	return EXIT_OK;
}

static int find_targets(struct cli *c, const char *word, struct targets *t)
{
	struct paths p = {0};
	struct err e = CLEAN_ERR;
	CLEANUP(freep) char *runtime = NULL;
	CLEANUP(freep) char *jobs = NULL;
	int r = EXIT_OK;

	/* That the socket's path is too long does not matter here. */
	if (paths_init(&p, c->home, c->socket_is_explicit ? c->socket : NULL, &e) < 0 &&
		p.daemon_dir == NULL) {
		paths_fini(&p);
		return cli_fail(EXIT_FAILED, "%s", e.text);
	}
	t->pylons_dir = p.pylons_dir;
	runtime = xasprintf("%s/runtime.db", p.daemon_dir);
	if (word == NULL) {
		r = add_all(t, runtime);
	} else if (str_eq(word, RUNTIME)) {
		add(t, RUNTIME, runtime);
	} else if (strchr(word, '/') != NULL || file_exists(word)) {
		add(t, word, word);
	} else {
		r = cli_want_name(c, word);
		jobs = xasprintf("%s/%s/jobs.db", p.pylons_dir, word);
		add(t, word, jobs);
	}
	t->pylons_dir = NULL;
	paths_fini(&p);
	return r;
}

/* --- check and backup --- */

static struct js *describe(const struct targets *t, size_t i)
{
	struct js *o = js_object();

	js_set_str(o, "name", t->names.v[i]);
	js_set_str(o, "path", t->paths.v[i]);
	return o;
}

static int check(struct cli *c, const struct targets *t, size_t i, struct js *o)
{
	struct err e = CLEAN_ERR;
	int rc;

	if (store_recovery_is_pending(t->paths.v[i]))
		rc = err_set(&e, -EUCLEAN, "%s: a recovery was interrupted", t->paths.v[i]);
	else if (!file_exists(t->paths.v[i]))
		rc = err_set(&e, -ENOENT, "%s: there is no such database", t->paths.v[i]);
	else
		rc = store_check(t->paths.v[i], &e);
	js_set_bool(o, "sound", rc == 0);
	js_set_str(o, "error", rc == 0 ? NULL : e.text);
	if (c->json)
		return rc == 0 ? EXIT_OK : EXIT_FAILED;
	if (rc == 0)
		(void)printf("%s: sound\n", t->names.v[i]);
	else if (rc == -EUCLEAN)
		(void)cli_fail(EXIT_FAILED, "%s is damaged: %s; see `pylon help db`", t->names.v[i],
			e.text);
	else
		(void)cli_fail(EXIT_FAILED, "%s", e.text);
	return rc == 0 ? EXIT_OK : EXIT_FAILED;
}

static int backup(struct cli *c, const struct targets *t, size_t i, struct js *o)
{
	char copy[512] = "";
	struct err e = CLEAN_ERR;
	int rc = store_snapshot(t->paths.v[i], cli_now(), copy, sizeof(copy), &e);

	js_set_str(o, "backup", rc == 0 ? copy : NULL);
	js_set_str(o, "error", rc == 0 ? NULL : e.text);
	if (!c->json && rc == 0)
		(void)printf("%s: %s\n", t->names.v[i], copy);
	if (!c->json && rc < 0)
		(void)cli_fail(EXIT_FAILED, "%s", e.text);
	return rc == 0 ? EXIT_OK : EXIT_FAILED;
}

/* --- recover --- */

/* The lock of the daemon that may have this database open; NULL when it is none of a home. */
static char *lock_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(freep) char *folder = NULL;
	char *above;

	if (slash == NULL)
		return NULL;
	folder = xstrndup(path, (size_t)(slash - path));
	if (str_eq(slash + 1, "runtime.db"))
		return xasprintf("%s/lock", folder);
	above = strrchr(folder, '/');
	if (above == NULL)
		return NULL;
	*above = '\0';
	return str_has_suffix(folder, "/pylons") ? xasprintf("%s/.lock", folder) : NULL;
}

/* The lock's descriptor, or -1 when there is none to take; -2 after having said who has it. */
static int lock(const char *path)
{
	CLEANUP(freep) char *absolute = realpath(path, NULL);
	CLEANUP(freep) char *name = lock_of(absolute == NULL ? path : absolute);
	struct err e = CLEAN_ERR;
	pid_t pid = 0;
	int fd;

	if (name == NULL)
		return -1;
	fd = file_lock(name, &pid, &e);
	if (fd == -EWOULDBLOCK && pid > 0)
		(void)cli_fail(EXIT_FAILED,
			"a daemon is running (pid %d) and has %s open; `pylon stop` it first",
			(int)pid, path);
	else if (fd == -EWOULDBLOCK)
		(void)cli_fail(EXIT_FAILED,
			"a daemon is running and has %s open; `pylon stop` it first", path);
	else if (fd < 0)
		(void)cli_fail(EXIT_FAILED, "%s", e.text);
	return fd < 0 ? -2 : fd;
}

static struct js *tables_json(const struct store_recovery *r)
{
	struct js *tables = js_array();

	for (size_t i = 0; i < r->table_count; i++) {
		const struct store_recovered_table *t = &r->tables[i];
		struct js *o = js_object();

		js_set_str(o, "name", t->name);
		js_set_int(o, "found", t->found);
		js_set_int(o, "saved", t->saved);
		js_set_int(o, "dropped", t->dropped);
		js_set_int(o, "cut", t->cut);
		js_set_int(o, "made", t->made);
		js_set_int(o, "lost", t->lost);
		js_add_take(tables, o);
	}
	return tables;
}

static const char *or_null(const char *s)
{
	return *s == '\0' ? NULL : s;
}

static void recovery_json(struct js *o, const struct store_recovery *r)
{
	js_set_str(o, "result", store_recovered_name(r->how));
	js_set_bool(o, "is_lossless", store_recovery_is_lossless(r));
	js_set_str(o, "why", or_null(r->why));
	js_set_str(o, "quarantine", or_null(r->quarantine));
	js_set_str(o, "snapshot", or_null(r->snapshot));
	js_set_int(o, "pages", r->pages);
	js_set_int(o, "bad_pages", r->bad_pages);
	js_set_int(o, "unknown_rows", r->unknown);
	js_set_take(o, "tables", tables_json(r));
}

static int recover(struct cli *c, const struct targets *t, size_t i, struct js *o)
{
	CLEANUP(buf_fini) struct buf words = BUF_NULL;
	struct store_recovery r = {.now_real = cli_now()};
	struct err e = CLEAN_ERR;
	int fd = lock(t->paths.v[i]), rc;

	if (fd == -2) {
		js_set_str(o, "error", "a daemon has it open");
		return EXIT_FAILED;
	}
	rc = store_recover_database(t->paths.v[i], t->names.v[i], &r, &e);
	if (fd >= 0)
		closep(&fd);
	js_set_str(o, "error", rc == 0 ? NULL : e.text);
	if (rc < 0)
		return c->json ? EXIT_FAILED : cli_fail(EXIT_FAILED, "%s", e.text);
	recovery_json(o, &r);
	store_recovery_print(&words, &r);
	if (!c->json) {
		(void)printf("%s: ", t->names.v[i]);
		cli_print_text(buf_str(&words));
	}
	return store_recovery_is_lossless(&r) ? EXIT_OK : EXIT_FAILED;
}

int cmd_db(struct cli *c, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct cli *c, const struct targets *t, size_t i, struct js *o);
	} verbs[] = {{"check", check}, {"backup", backup}, {"recover", recover}};
	CLEANUP(targets_fini) struct targets t = {0};
	CLEANUP(js_freep) struct js *out = js_object();
	struct js *list;
	size_t verb = 0;
	int r = cli_options(c, &argc, argv, NULL, 0), worst = EXIT_OK;

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 1, 2);
	if (r != EXIT_OK)
		return r;
	while (verb < ARRAY_LEN(verbs) && !str_eq(verbs[verb].name, argv[1]))
		verb++;
	if (verb == ARRAY_LEN(verbs))
		return cli_usage(c, "`check`, `backup` or `recover`");
	r = find_targets(c, argc > 2 ? argv[2] : NULL, &t);
	if (r != EXIT_OK)
		return r;
	list = js_array();
	for (size_t i = 0; i < t.paths.n; i++) {
		struct js *o = describe(&t, i);

		r = verbs[verb].run(c, &t, i, o);
		worst = MAX_OF(worst, r);
		js_add_take(list, o);
	}
	js_set_take(out, "databases", list);
	if (c->json)
		cli_print_json(out);
	else if (t.paths.n == 0)
		cli_say(c, "there is no database in %s yet", c->home);
	return worst;
}
