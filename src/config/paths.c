/* SPDX-License-Identifier: MIT */
/*
 * paths.c - the one place that knows the folder layout, shared by the daemon and by the commands
 * that look for it: whatever decides about the socket must be read here, in both, or they miss each
 * other.
 */
#include "config/paths.h"

#include <ctype.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "config/config-internal.h"

#define HOME_ID_MAX   128
#define NAMESPACE_MAX 80

/* --- the namespace --- */

static bool is_plain(char c)
{
	return isascii(c) && (isalnum((unsigned char)c) || c == '.' || c == '_' || c == '-');
}

char *paths_namespace(struct slice text)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;
	size_t begin = 0, end;

	for (size_t i = 0; i < text.n; i++) {
		if (is_plain(text.p[i]))
			buf_add_char(&clean, text.p[i]);
		else if (i == 0 || is_plain(text.p[i - 1]))
			buf_add_char(&clean, '-');
	}
	end = clean.n;
	while (begin < end && clean.p[begin] == '-')
		begin++;
	while (end > begin && clean.p[end - 1] == '-')
		end--;
	if (begin == end)
		return NULL;
	return xstrndup(clean.p + begin, MIN_OF(end - begin, (size_t)NAMESPACE_MAX));
}

/* --- the socket --- */

/* Absolute, without "//", "/./" and a slash at the end. ".." stays: behind a link it is not the
 * folder before it. */
static char *tidy(const char *path)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	while (*path != '\0') {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n > 0 && !slice_eq_str((struct slice){path, n}, ".")) {
			buf_add_char(&out, '/');
			buf_add(&out, path, n);
		}
		path += n;
	}
	return out.n == 0 ? xstrdup("/") : buf_steal(&out);
}

/* A socket's path as somebody wrote it, made absolute; NULL when it is blank. `base` = where a
 * relative one begins, NULL = the working directory. */
static char *read_socket_path(const char *text, const char *base)
{
	CLEANUP(freep) char *cwd = NULL;
	CLEANUP(freep) char *path = NULL;
	CLEANUP(freep) char *full = NULL;
	const char *user = secure_getenv("HOME");
	size_t n;

	text += strspn(text, " \t\r\n\v\f");
	n = strlen(text);
	while (n > 0 && strchr(" \t\r\n\v\f", text[n - 1]) != NULL)
		n--;
	if (n == 0)
		return NULL;
	path = xstrndup(text, n);
	if (path[0] == '~' && (path[1] == '/' || path[1] == '\0') && !str_is_empty(user)) {
		full = xasprintf("%s%s", user, path + 1);
		return tidy(full);
	}
	if (path[0] == '/')
		return tidy(path);
	cwd = base != NULL ? xstrdup(base) : getcwd(NULL, 0);
	full = xasprintf("%s/%s", cwd == NULL ? "" : cwd, path);
	return tidy(full);
}

static const struct node *member(const struct node *map, const char *key)
{
	for (size_t i = 0; map->kind == NODE_MAP && i < map->n; i++)
		if (str_eq(map->items[i].key, key))
			return map->items[i].value;
	return NULL;
}

/* daemon.ipc.socketPath; NULL when it is not set or cannot be told. */
static char *configured_socket(const char *home)
{
	static const char *const keys[] = {"daemon", "ipc", "socketPath"};
	CLEANUP(problems_fini) struct problems ignored = {NULL, 0};
	CLEANUP(global_file_fini) struct global_file file = {0};
	CLEANUP(node_freep) struct node *root = NULL;
	const struct node *at;
	struct report r;

	if (!global_file_read(home, &ignored, &file))
		return NULL;
	r = report_start(&ignored, file.path);
	root = yaml_read(&r, buf_slice(&file.text));
	at = root;
	for (size_t i = 0; at != NULL && i < ARRAY_LEN(keys); i++)
		at = member(at, keys[i]);
	if (at == NULL || at->kind != NODE_SCALAR || node_is_null(at))
		return NULL;
	return read_socket_path(at->text, home);
}

/* Who decided, for the message about too long a path. */
struct choice {
	char *socket;    /* NULL = the usual name in daemon_dir */
	char *namespace; /* NULL */
	const char *culprit;
	bool is_of_process; /* not of the home's configuration */
};

static void choice_fini(struct choice *c)
{
	free(c->socket);
	free(c->namespace);
}

static void choose(struct choice *c, const char *home, const char *option)
{
	static const char *const sockets[] = {
		"PYLON_DAEMON_SOCKET_PATH", "NEON_PILOT_DAEMON_SOCKET_PATH"};
	static const char *const namespaces[] = {
		"PYLON_DAEMON_NAMESPACE", "NEON_PILOT_DAEMON_NAMESPACE"};

	c->is_of_process = true;
	c->culprit = "--socket";
	c->socket = option == NULL ? NULL : read_socket_path(option, NULL);
	for (size_t i = 0; c->socket == NULL && i < ARRAY_LEN(sockets); i++) {
		const char *value = secure_getenv(sockets[i]);

		c->culprit = sockets[i];
		c->socket = value == NULL ? NULL : read_socket_path(value, NULL);
	}
	if (c->socket != NULL)
		return;
	for (size_t i = 0; c->namespace == NULL && i < ARRAY_LEN(namespaces); i++) {
		c->culprit = namespaces[i];
		c->namespace = paths_namespace(slice_of(secure_getenv(namespaces[i])));
	}
	if (c->namespace != NULL)
		return;
	c->is_of_process = false;
	c->socket = configured_socket(home);
	c->culprit = c->socket == NULL ? NULL : "daemon.ipc.socketPath";
}

static int check_length(const struct paths *p, const struct choice *c, struct err *e)
{
	const size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	size_t n = strlen(p->socket);

	if (n <= max)
		return 0;
	if (c->socket != NULL)
		return err_set(e, -ENAMETOOLONG,
			"socket path %.200s is %zu bytes long, at most %zu fit: set %s to a shorter one",
			p->socket, n, max, c->culprit);
	if (c->namespace != NULL)
		return err_set(e, -ENAMETOOLONG,
			"socket path %.200s is %zu bytes long, at most %zu fit: shorten %s or set "
			"PYLON_DAEMON_SOCKET_PATH to a short path",
			p->socket, n, max, c->culprit);
	return err_set(e, -ENAMETOOLONG,
		"socket path %.200s is %zu bytes long, at most %zu fit: set "
		"PYLON_DAEMON_SOCKET_PATH to a short path",
		p->socket, n, max);
}

/* Of an absolute path. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static void fill_daemon_dir(struct paths *p, const struct choice *c)
{
	p->is_isolated = c->is_of_process;
	p->has_foreign_folder = c->socket != NULL;
	if (c->socket != NULL) {
		p->socket = xstrdup(c->socket);
		p->daemon_dir = folder_of(c->socket);
		return;
	}
	p->daemon_dir = c->namespace == NULL ? xasprintf("%s/daemon", p->home)
					     : xasprintf("%s/daemon-%s", p->home, c->namespace);
	p->socket = xasprintf("%s/socket", p->daemon_dir);
}

int paths_init(struct paths *p, const char *home, const char *socket, struct err *e)
{
	CLEANUP(choice_fini) struct choice c = {NULL};

	*p = (struct paths){.home = xstrdup(home)};
	choose(&c, home, socket);
	fill_daemon_dir(p, &c);
	p->lock = xasprintf("%s/lock", p->daemon_dir);
	p->pylons_dir = xasprintf("%s/pylons", home);
	p->pylons_lock = xasprintf("%s/.lock", p->pylons_dir);
	p->jobs_dir = xasprintf("%s/jobs", home);
	return check_length(p, &c, e);
}

int paths_check_folder(const struct paths *p, struct err *e)
{
	struct stat st;

	if (!p->has_foreign_folder)
		return 0;
	if (stat(p->daemon_dir, &st) < 0)
		return err_errno(e, "folder of the socket, %s", p->daemon_dir);
	if (st.st_uid != geteuid())
		return err_set(e, -EPERM,
			"the socket's folder %s belongs to another user; use a folder of your own",
			p->daemon_dir);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(e, -EPERM,
			"others may write to the socket's folder %s; use a folder of your own, or run: "
			"chmod go-w %s",
			p->daemon_dir, p->daemon_dir);
	return 0;
}

void paths_fini(struct paths *p)
{
	free(p->home);
	free(p->daemon_dir);
	free(p->socket);
	free(p->lock);
	free(p->pylons_lock);
	free(p->jobs_dir);
	free(p->pylons_dir);
	*p = (struct paths){0};
}

int paths_home_id(const struct paths *p, struct buf *out, struct err *e)
{
	CLEANUP(freep) char *path = xasprintf("%s/.id", p->home);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct slice found;
	struct id id;
	int r;

	r = file_read(path, HOME_ID_MAX, &text, e);
	if (r == 0) {
		found = buf_slice(&text);
		while (found.n > 0 && found.p[found.n - 1] == '\n')
			found.n--;
		if (id_is_valid(found)) {
			buf_add_slice(out, found);
			return 0;
		}
		return err_set(
			e, -EINVAL, "%s does not hold an id; remove it to get a new one", path);
	}
	if (r != -ENOENT)
		return r;
	id_make(&id);
	buf_add_str(out, id.s);
	return file_write(path, id.s, sizeof(id.s) - 1, 0600, e);
}
