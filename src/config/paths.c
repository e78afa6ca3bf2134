/* SPDX-License-Identifier: MIT */
/*
 * paths.c - the one place that knows the folder layout, shared by the daemon and by the commands
 * that look for it.
 */
#include "config/paths.h"

#include <ctype.h>
#include <errno.h>
#include <sys/un.h>

#include "base/file.h"
#include "base/id.h"

#define HOME_ID_MAX 128

static const char *env_either(const char *ours, const char *theirs)
{
	const char *v = getenv(ours);

	if (!str_is_empty(v))
		return v;
	v = getenv(theirs);
	return str_is_empty(v) ? NULL : v;
}

static bool is_edge(char c)
{
	return c == '.' || c == '-';
}

/* NULL when nothing usable is left. */
static char *sanitize_namespace(const char *text)
{
	CLEANUP(freep) char *clean = xstrdup(text);
	char *start = clean;
	char *end;

	for (char *c = clean; *c != '\0'; c++)
		if (!isascii(*c) || (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL))
			*c = '-';
	while (is_edge(*start))
		start++;
	end = start + strlen(start);
	while (end > start && is_edge(end[-1]))
		end--;
	return end == start ? NULL : xstrndup(start, (size_t)(end - start));
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static int check_socket_length(const char *path, struct err *e)
{
	struct sockaddr_un a;

	if (strlen(path) < sizeof(a.sun_path))
		return 0;
	return err_set(e, -ENAMETOOLONG,
		"socket path %s is %zu bytes long, at most %zu fit: set PYLON_DAEMON_SOCKET_PATH to a "
		"shorter one",
		path, strlen(path), sizeof(a.sun_path) - 1);
}

static void choose_daemon_dir(struct paths *p, const char *explicit_socket)
{
	const char *ns_text = env_either("PYLON_DAEMON_NAMESPACE", "NEON_PILOT_DAEMON_NAMESPACE");
	CLEANUP(freep) char *ns = ns_text == NULL ? NULL : sanitize_namespace(ns_text);

	p->is_isolated = explicit_socket != NULL || ns != NULL;
	if (explicit_socket != NULL) {
		p->socket = xstrdup(explicit_socket);
		p->daemon_dir = folder_of(explicit_socket);
		return;
	}
	p->daemon_dir = ns == NULL ? xasprintf("%s/daemon", p->home)
				   : xasprintf("%s/daemon-%s", p->home, ns);
	p->socket = xasprintf("%s/socket", p->daemon_dir);
}

int paths_init(struct paths *p, const char *home, const char *socket, struct err *e)
{
	if (socket == NULL)
		socket = env_either("PYLON_DAEMON_SOCKET_PATH", "NEON_PILOT_DAEMON_SOCKET_PATH");
	*p = (struct paths){.home = xstrdup(home)};
	choose_daemon_dir(p, socket);
	p->lock = xasprintf("%s/lock", p->daemon_dir);
	p->pylons_dir = xasprintf("%s/pylons", home);
	p->pylons_lock = xasprintf("%s/.lock", p->pylons_dir);
	p->jobs_dir = xasprintf("%s/jobs", home);
	return check_socket_length(p->socket, e);
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
