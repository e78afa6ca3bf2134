/* SPDX-License-Identifier: MIT */
/*
 * Which folders of the host an agent may see.
 *
 * A source is judged after its links are resolved, and the resolved path is what is mounted, so a
 * link that is changed later changes nothing. But an agent that may write to the folder above could
 * put a link in its place, and the engine would follow it: so before each run it is looked whether
 * the path still is its own resolution. What does not exist yet is resolved as far as it does.
 * Refused: the root and a few folders of the system, everything below /proc /sys /dev, the engine's
 * socket and every folder above one, $PYLON_HOME with every folder above it, and what in it holds
 * secrets or state: logins lie in sessions/, and who can write to repos/ writes into the checkouts
 * of other pylons.
 */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "config/config-internal.h"

/* --- paths --- */

/* Drops empty and dotted parts of an absolute path, by text alone. Appended without a slash at the
 * end; the root is "". */
static void clean_path(struct buf *out, const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && memcmp(path, "..", 2) == 0) {
			while (out->n > 0 && out->p[out->n - 1] != '/')
				out->n--;
			if (out->n > 0)
				out->n--;
		} else if (n > 0 && !(n == 1 && path[0] == '.')) {
			buf_add_char(out, '/');
			buf_add(out, path, n);
		}
		path += n;
		path += *path == '/';
	}
	if (out->p)
		out->p[out->n] = '\0';
}

/* Cuts the last part off, with the slashes before it: a slash at the end would make lstat(2) follow
 * a link. "" is the root. */
static void drop_last(char *path)
{
	size_t n = strlen(path);

	while (n > 0 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	while (n > 0 && path[n - 1] == '/')
		n--;
	path[n] = '\0';
}

char *path_resolve(const char *path, bool *ret_dangling)
{
	CLEANUP(buf_fini) struct buf joined = BUF_NULL;
	struct buf clean = BUF_NULL;
	CLEANUP(freep) char *head = xstrdup(path);
	char real[PATH_MAX] = "";
	struct stat st;

	*ret_dangling = false;
	/* The longest beginning that exists, then the rest by text. */
	while (head[0] != '\0' && !realpath(head, real)) {
		if (lstat(head, &st) == 0 && S_ISLNK(st.st_mode))
			*ret_dangling = true;
		drop_last(head);
		real[0] = '\0';
	}
	buf_printf(&joined, "%s/%s", real, path + strlen(head));
	clean_path(&clean, buf_str(&joined));
	if (clean.n == 0)
		buf_add_char(&clean, '/');
	return buf_steal(&clean);
}

/* True for the folder itself and everything below it. */
static bool is_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	if (str_eq(folder, "/"))
		return true;
	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* --- rules --- */

void engine_usual_sockets(struct strv *out)
{
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");

	strv_add(out, "/var/run/docker.sock");
	if (!str_is_empty(runtime)) {
		strv_addf(out, "%s/docker.sock", runtime);
		strv_addf(out, "%s/podman/podman.sock", runtime);
	}
	strv_add(out, "/run/podman/podman.sock");
}

static void guard(struct volume_rules *v, const char *path)
{
	bool is_dangling;

	strv_take(&v->guarded, path_resolve(path, &is_dangling));
}

void volume_rules_init(struct volume_rules *v, const char *home, const char *docker_host)
{
	CLEANUP(strv_fini) struct strv usual = STRV_NULL;
	const char *env = secure_getenv("DOCKER_HOST");
	const char *user_home = secure_getenv("HOME");
	bool is_dangling;

	*v = (struct volume_rules){.home = path_resolve(home, &is_dangling)};
	if (user_home && user_home[0] == '/')
		v->user_home = xstrdup(user_home);
	engine_usual_sockets(&usual);
	for (size_t i = 0; i < usual.n; i++)
		guard(v, usual.v[i]);
	guard(v, "/run/docker.sock");
	guard(v, "/run/containerd/containerd.sock");
	if (docker_host)
		guard(v, docker_host);
	if (env && str_has_prefix(env, "unix://"))
		guard(v, env + 7);
}

void volume_rules_fini(struct volume_rules *v)
{
	free(v->home);
	free(v->user_home);
	strv_fini(&v->guarded);
}

static bool is_system(const char *path)
{
	static const char *const alone[] = {"/", "/etc", "/root", "/boot"};
	static const char *const whole[] = {"/proc", "/sys", "/dev"};

	for (size_t i = 0; i < ARRAY_LEN(alone); i++) {
		if (str_eq(path, alone[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		if (is_in(path, whole[i]))
			return true;
	}
	return false;
}

/* `rest` is what follows "pylons/": NAME, or NAME/file. */
static bool is_pylon_file(const char *rest)
{
	const char *file = strchr(rest, '/');

	return !file || str_eq(file, "/.env") || str_eq(file, "/pylon.yaml") ||
	       str_has_prefix(file, "/jobs.db");
}

/* Secrets and state in $PYLON_HOME; `rest` is the path below it. */
static bool is_private(const char *rest)
{
	static const char *const files[] = {".env", ".id", "config.yaml", "config.json", "pylons"};
	static const char *const folders[] = {"jobs", "repos", "sessions", "daemon"};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (str_eq(rest, files[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		if (is_in(rest, folders[i]))
			return true;
	}
	if (str_has_prefix(rest, "pylons/"))
		return is_pylon_file(rest + 7);
	return str_has_prefix(rest, "daemon-");
}

static const char *judge(const struct volume_rules *v, const char *path)
{
	if (is_system(path))
		return "is a folder of the system and is never handed to an agent";
	for (size_t i = 0; i < v->guarded.n; i++) {
		if (is_in(v->guarded.v[i], path))
			return "holds the container engine's socket, which is as good as root";
	}
	if (is_in(v->home, path))
		return "holds $PYLON_HOME and its secrets";
	if (is_in(path, v->home) && is_private(path + strlen(v->home) + 1))
		return "holds files of Pylon itself";
	return NULL;
}

/* The path as written, with ~ replaced; NULL with *e. */
static char *expand_home(const struct volume_rules *v, const char *text, struct err *e)
{
	if (text[0] == '/')
		return xstrdup(text);
	if (text[0] != '~' || (text[1] != '/' && text[1] != '\0')) {
		err_set(e, -EINVAL, "must be absolute or begin with ~/");
		return NULL;
	}
	if (!v->user_home) {
		err_set(e, -EINVAL, "begins with ~, but $HOME is not set");
		return NULL;
	}
	return xasprintf("%s%s", v->user_home, text + 1);
}

char *volume_source(const struct volume_rules *v, const char *text, struct err *e)
{
	CLEANUP(freep) char *path = expand_home(v, text, e);
	CLEANUP(freep) char *real = NULL;
	const char *wrong;
	bool is_dangling;

	if (!path)
		return NULL;
	if (strlen(path) >= PATH_MAX) {
		err_set(e, -EINVAL, "is longer than a path can be");
		return NULL;
	}
	real = path_resolve(path, &is_dangling);
	wrong = judge(v, real);
	if (wrong) {
		CLEANUP(freep) char *quoted = report_quote(real);

		if (str_eq(real, path))
			err_set(e, -EINVAL, "%s", wrong);
		else
			err_set(e, -EINVAL, "is %s, which %s", quoted, wrong);
		return NULL;
	}
	if (is_dangling) {
		err_set(e, -EINVAL, "is or leads through a link that cannot be followed");
		return NULL;
	}
	if (strchr(real, ':')) {
		err_set(e, -EINVAL, "leads to a path with a colon, which cannot be mounted");
		return NULL;
	}
	return STEAL(real);
}

/* --- one volume --- */

static int check_target(const char *target, struct err *e)
{
	struct buf clean = BUF_NULL;
	CLEANUP(freep) char *path = NULL;

	if (target[0] == '\0')
		return err_set(e, -EINVAL, "the target is empty");
	if (target[0] != '/')
		return err_set(e, -EINVAL, "the target must be absolute");
	clean_path(&clean, target);
	path = buf_steal(&clean);
	if (path[0] == '\0')
		return err_set(e, -EINVAL, "the target cannot be the root");
	if (str_eq(path, "/workspace") || is_in(path, "/run/pylon") || is_in("/run/pylon", path))
		return err_set(e, -EINVAL, "the target is one of Pylon's own places");
	return 0;
}

int volume_check(const struct volume_rules *v, const char *text, struct buf *out, struct err *e)
{
	const char *first = strchr(text, ':'), *second;
	CLEANUP(freep) char *source = NULL;
	CLEANUP(freep) char *target = NULL;
	CLEANUP(freep) char *real = NULL;
	struct err why = CLEAN_ERR;
	const char *mode;

	if (!first)
		return err_set(e, -EINVAL, "must be source:target[:ro|rw]");
	second = strchr(first + 1, ':');
	source = xstrndup(text, (size_t)(first - text));
	target = second ? xstrndup(first + 1, (size_t)(second - first) - 1) : xstrdup(first + 1);
	mode = second ? second + 1 : "ro";
	if (source[0] == '\0')
		return err_set(e, -EINVAL, "the source is empty");
	real = volume_source(v, source, &why);
	if (!real)
		return err_set(e, -EINVAL, "the source %s", why.text);
	if (check_target(target, e) < 0)
		return -EINVAL;
	if (!str_eq(mode, "ro") && !str_eq(mode, "rw")) {
		CLEANUP(freep) char *quoted = report_quote(mode);

		return err_set(e, -EINVAL, "the mode must be ro or rw, not `%s`", quoted);
	}
	buf_printf(out, "%s:%s:%s", real, target, mode);
	return 0;
}

/* --- before each run --- */

static int check_folder(const char *path, struct err *e)
{
	bool is_dangling;
	CLEANUP(freep) char *real = path_resolve(path, &is_dangling);

	if (!is_dangling && str_eq(real, path))
		return 0;
	return err_set(e, -EPERM,
		"%s leads elsewhere than when the configuration was read: a part of it is a link now",
		path);
}

int pylon_config_check_folders(const struct pylon_config *p, struct err *e)
{
	int rc = p->workspace_path ? check_folder(p->workspace_path, e) : 0;

	for (size_t i = 0; rc == 0 && i < p->volumes.n; i++) {
		const char *volume = p->volumes.v[i];
		CLEANUP(freep) char *source = xstrndup(volume, strcspn(volume, ":"));

		rc = check_folder(source, e);
	}
	return rc;
}
