/* SPDX-License-Identifier: MIT */
/*
 * What others ask a snapshot, and where the home is.
 */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config-internal.h"

/* Absolute, without slashes at its end. */
static char *absolute(const char *path, struct err *e)
{
	char cwd[PATH_MAX];
	struct buf b = BUF_NULL;

	if (path[0] != '/') {
		if (!getcwd(cwd, sizeof(cwd))) {
			(void)err_errno(e, "the current folder");
			return NULL;
		}
		buf_printf(&b, "%s/", cwd);
	}
	buf_add_str(&b, path);
	while (b.n > 1 && b.p[b.n - 1] == '/')
		b.p[--b.n] = '\0';
	return buf_steal(&b);
}

char *config_home(const char *override, struct err *e)
{
	const char *home = secure_getenv("PYLON_HOME");
	const char *user = secure_getenv("HOME");
	CLEANUP(freep) char *joined = NULL;

	if (!str_is_empty(override))
		return absolute(override, e);
	if (!str_is_empty(home))
		return absolute(home, e);
	if (str_is_empty(user)) {
		(void)err_set(e, -EINVAL, "neither PYLON_HOME nor HOME is set");
		return NULL;
	}
	joined = xasprintf("%s/.pylon", user);
	return absolute(joined, e);
}

const struct pylon_config *config_pylon(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->pylon_count; i++) {
		if (str_eq(c->pylons[i]->name, name))
			return c->pylons[i];
	}
	return NULL;
}

void config_webhook_url(struct buf *out, const struct config *c, const struct pylon_config *p)
{
	const char *base = p->public_url ? p->public_url : c->public_url;
	bool is_bare_ipv6 = strchr(c->host, ':') && c->host[0] != '[';

	if (base) {
		size_t n = strlen(base);

		while (n > 0 && base[n - 1] == '/')
			n--;
		buf_add(out, base, n);
	} else {
		buf_printf(out, is_bare_ipv6 ? "http://[%s]:%u" : "http://%s:%u", c->host, c->port);
	}
	buf_add_str(out, p->path ? p->path : "");
}

static bool is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

bool config_engine_socket(const struct config *c, struct buf *out)
{
	CLEANUP(strv_fini) struct strv usual = STRV_NULL;
	const char *env = secure_getenv("DOCKER_HOST");

	if (c->docker_host) {
		buf_add_str(out, c->docker_host);
		return true;
	}
	if (!str_is_empty(env)) {
		if (check_socket(env))
			return false;
		buf_add_str(out, str_has_prefix(env, "unix://") ? env + 7 : env);
		return true;
	}
	engine_usual_sockets(&usual);
	for (size_t i = 0; i < usual.n; i++) {
		if (is_socket(usual.v[i])) {
			buf_add_str(out, usual.v[i]);
			return true;
		}
	}
	return false;
}
