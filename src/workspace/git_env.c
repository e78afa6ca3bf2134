/* SPDX-License-Identifier: MIT */
/*
 * What git gets from us: an environment that is written out, and settings that nothing overrides.
 *
 * Two sides. A command that talks to a repository needs the user's ways: ssh agent and keys,
 * credential helper, proxy, certificates, insteadOf. So it has the user's HOME and global
 * configuration; they are the user's own, and nobody who sends events can write them. A command
 * that fills a work tree gets neither: a filter or a hook path of the user's configuration would
 * there be applied to a stranger's files.
 *
 * The settings are given by GIT_CONFIG_COUNT (git-config(1), "ENVIRONMENT"), which wins over every
 * file and, other than -c, is not to be seen in the list of processes. git does not pass them on
 * to the other end of a local fetch; GIT_CONFIG_GLOBAL and GIT_ALLOW_PROTOCOL it does.
 */
#include <stdio.h>

#include "workspace/git_internal.h"

/* What the user's surroundings may add. Names that end in "=" stand for themselves. */
static const char *const user_names[] = {"HOME", "PATH", "USER", "LOGNAME", "TMPDIR",
	"SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME",
	"DBUS_SESSION_BUS_ADDRESS", "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
	"ALL_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
	"GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSH", "GIT_SSH_COMMAND",
	"GIT_SSH_VARIANT", "GH_TOKEN", "GITHUB_TOKEN", "GH_CONFIG_DIR", "GITLAB_TOKEN",
	"GLAB_CONFIG_DIR", "GNUPGHOME", "PASSWORD_STORE_DIR"};

/* For both sides. */
static const char *const fixed_env[] = {"LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_ATTR_NOSYSTEM=1",
	"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false", "SSH_ASKPASS_REQUIRE=never",
	"GIT_LFS_SKIP_SMUDGE=1", "GIT_NO_LAZY_FETCH=1", "GCM_INTERACTIVE=never"};

static const char *const fixed_settings[][2] = {
	{"protocol.allow", "never"},
	{"core.hooksPath", "/dev/null"},
	{"core.fsmonitor", "false"},
	{"core.attributesFile", "/dev/null"},
	{"core.askPass", ""},
	{"core.protectHFS", "true"},
	{"core.protectNTFS", "true"},
	{"core.logAllRefUpdates", "true"},
	{"init.templateDir", ""},
	{"init.defaultBranch", "main"},
	{"safe.bareRepository", "explicit"},
	{"submodule.recurse", "false"},
	{"fetch.recurseSubmodules", "false"},
	{"transfer.bundleURI", "false"},
	{"gc.auto", "0"},
	{"maintenance.auto", "false"},
	{"advice.detachedHead", "false"},
	/* Packs stay packs: a cache never has a million small files. */
	{"fetch.unpackLimit", "1"},
	{"http.followRedirects", "initial"},
	{"http.lowSpeedLimit", "1000"},
	{"http.lowSpeedTime", "60"},
	{"transfer.fsckObjects", "true"},
	/* Sins of old tools, found in many honest repositories (git-fsck(1)). */
	{"fetch.fsck.badDate", "ignore"},
	{"fetch.fsck.badDateOverflow", "ignore"},
	{"fetch.fsck.badEmail", "ignore"},
	{"fetch.fsck.badName", "ignore"},
	{"fetch.fsck.badTimezone", "ignore"},
	{"fetch.fsck.missingEmail", "ignore"},
	{"fetch.fsck.missingNameBeforeEmail", "ignore"},
	{"fetch.fsck.missingSpaceBeforeDate", "ignore"},
	{"fetch.fsck.missingSpaceBeforeEmail", "ignore"},
	{"fetch.fsck.missingTaggerEntry", "ignore"},
	{"fetch.fsck.multipleAuthors", "ignore"},
	{"fetch.fsck.zeroPaddedDate", "ignore"},
	{"fetch.fsck.zeroPaddedFilemode", "ignore"},
};

/* Of our own ssh. A host that was never seen is taken at its word, once: nobody is there to be
 * asked. Who wants it stricter sets core.sshCommand or GIT_SSH_COMMAND. */
#define SSH_OWN "ssh -o StrictHostKeyChecking=accept-new"
/* Added to anybody's: no questions, no waiting for ever, nothing that outlives the command. */
#define SSH_ALWAYS                                                                                 \
	" -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15"                         \
	" -o ServerAliveCountMax=4 -o ForwardAgent=no -o ClearAllForwardings=yes"                  \
	" -o ControlMaster=no -o PermitLocalCommand=no"

void git_env_user(struct strv *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(user_names); i++) {
		const char *value = getenv(user_names[i]);

		if (value != NULL)
			strv_addf(ret, "%s=%s", user_names[i], value);
	}
}

static const char *value_of(const struct strv *env, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < env->n; i++) {
		if (str_has_prefix(env->v[i], name) && env->v[i][n] == '=')
			return env->v[i] + n + 1;
	}
	return NULL;
}

char *git_env_ssh(const struct strv *user)
{
	const char *command = value_of(user, "GIT_SSH_COMMAND");
	const char *program = value_of(user, "GIT_SSH");
	struct buf quoted = BUF_NULL;

	if (!str_is_empty(command))
		return xstrdup(command);
	if (str_is_empty(program))
		return NULL;
	/* GIT_SSH names a program, which the shell must not take apart. */
	buf_add_char(&quoted, '\'');
	for (; *program != '\0'; program++) {
		if (*program == '\'')
			buf_add_str(&quoted, "'\\'");
		buf_add_char(&quoted, *program);
	}
	buf_add_char(&quoted, '\'');
	return buf_steal(&quoted);
}

char *git_ssh_command(const char *command)
{
	return xasprintf("%s" SSH_ALWAYS, command == NULL ? SSH_OWN : command);
}

/* --- settings --- */

struct settings {
	struct strv *env;
	unsigned n;
};

static void set(struct settings *s, const char *key, const char *value)
{
	strv_addf(s->env, "GIT_CONFIG_KEY_%u=%s", s->n, key);
	strv_addf(s->env, "GIT_CONFIG_VALUE_%u=%s", s->n, value);
	s->n++;
}

/* Answers with what stands in its environment, which only this user can read. */
#define PASSWORD_HELPER                                                                            \
	"!printf 'username=%s\\npassword=%s\\n' \"$PYLON_GIT_USER\" \"$PYLON_GIT_PASSWORD\"; :"

/* Credentials of the address itself go before those that the user's helpers know. */
static void set_credentials(struct settings *s, const struct repo *r)
{
	CLEANUP(freep) char *user_key = xasprintf("credential.%s.username", r->origin);
	CLEANUP(freep) char *helper_key = xasprintf("credential.%s.helper", r->origin);

	set(s, user_key, r->user);
	if (r->password == NULL)
		return;
	set(s, helper_key, "");
	set(s, helper_key, PASSWORD_HELPER);
	strv_addf(s->env, "PYLON_GIT_USER=%s", r->user);
	strv_addf(s->env, "PYLON_GIT_PASSWORD=%s", r->password);
}

static void set_remote(struct settings *s, const struct repo *r)
{
	set(s, "remote." GIT_REMOTE_NAME ".url", repo_url(r));
	if (r->user != NULL && !r->uses_ssh_url)
		set_credentials(s, r);
}

/* insteadOf in the user's configuration may turn https into ssh, or the other way round. */
static const char *protocols(const struct git_command *c)
{
	if (c->reads_folders || (c->repo != NULL && c->repo->transport == REPO_LOCAL))
		return "file";
	if (c->repo == NULL)
		return "";
	return c->repo->transport == REPO_HTTP ? "http:https:ssh" : "https:ssh";
}

static void allow(struct settings *s, const char *list)
{
	while (*list != '\0') {
		size_t n = strcspn(list, ":");
		CLEANUP(freep) char *key = xasprintf("protocol.%.*s.allow", (int)n, list);

		set(s, key, "always");
		list += n + (list[n] == ':' ? 1 : 0);
	}
}

void git_env(
	struct strv *ret, const struct strv *user, const struct git_command *c, const char *ssh)
{
	struct settings s = {.env = ret};

	for (size_t i = 0; i < user->n; i++) {
		if (!str_has_prefix(user->v[i], "GIT_SSH=") &&
			!str_has_prefix(user->v[i], "GIT_SSH_COMMAND="))
			strv_add(ret, user->v[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(fixed_env); i++)
		strv_add(ret, fixed_env[i]);
	strv_addf(ret, "GIT_ALLOW_PROTOCOL=%s", protocols(c));
	strv_addf(ret, "GIT_SSH_COMMAND=%s", ssh == NULL ? "/bin/false" : ssh);
	if (c->repo == NULL)
		strv_add(ret, "GIT_CONFIG_GLOBAL=/dev/null");
	for (size_t i = 0; i < ARRAY_LEN(fixed_settings); i++)
		set(&s, fixed_settings[i][0], fixed_settings[i][1]);
	allow(&s, protocols(c));
	if (c->repo != NULL)
		set_remote(&s, c->repo);
	strv_addf(ret, "GIT_CONFIG_COUNT=%u", s.n);
}
