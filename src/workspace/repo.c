/* SPDX-License-Identifier: MIT */
/*
 * Addresses of repositories (git-fetch(1), "GIT URLS"; RFC 3986).
 *
 * Credentials in an http(s) address are taken out of it: git hands addresses to its helpers as
 * arguments, which every user of the machine can read, and the address ends in the workspace's
 * configuration, which the agent can read. They travel as a credential helper's answer instead,
 * which git gives to the host it is for and, other than a header, to no other one that it is sent
 * on to.
 */
#include <ctype.h>
#include <stdio.h>

#include "base/crypto.h"
#include "workspace/repo_internal.h"

/* The parts of "scheme://user:password@host:port/path", or of "user@host:path". */
struct parts {
	struct slice user, password; /* p NULL = absent */
	struct slice host;           /* with its port */
	struct slice path;           /* with its slash, when the form has one */
};

static const char *const ssh_hosts[] = {"github.com", "gitlab.com"};

char *repo_ssh_form(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(ssh_hosts); i++) {
		CLEANUP(freep) char *prefix = xasprintf("https://%s/", ssh_hosts[i]);
		const char *path = text + strlen(prefix);
		size_t n;

		if (!str_has_prefix(text, prefix) || strstr(text, "{{") != NULL)
			continue;
		n = strlen(path) - (str_has_suffix(path, ".git") ? 4 : 0);
		return xasprintf("git@%s:%.*s.git", ssh_hosts[i], (int)n, path);
	}
	return NULL;
}

void repo_hash(const char *text, char ret[REPO_HASH_SIZE])
{
	CLEANUP(freep) char *ssh = repo_ssh_form(text);
	const char *hashed = ssh == NULL ? text : ssh;
	uint8_t sum[SHA256_SIZE];

	sha256(hashed, strlen(hashed), sum);
	hex_encode(sum, (REPO_HASH_SIZE - 1) / 2, ret);
}

/* --- refusing --- */

/* The text with whatever stands before its last "@" left out. */
static char *shown(const char *text)
{
	const char *begin = strstr(text, "://");
	const char *at = strrchr(text, '@');

	if (begin == NULL || at == NULL || at < begin)
		return xasprintf("%.200s", text);
	return xasprintf("%.*s***%.200s", (int)MIN_OF(begin + 3 - text, 20), text, at);
}

static int refuse(const char *text, const char *why, struct err *e)
{
	CLEANUP(freep) char *safe = shown(text);
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;

	utf8_clean(&clean, safe, strlen(safe));
	return err_set(e, -EINVAL, "repository \"%s\": %s", buf_str(&clean), why);
}

/* --- what each part may have --- */

static bool has_only(struct slice s, const char *others)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (!isalnum(c) && (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return true;
}

/* Without its ":port". */
static struct slice host_name(struct slice host)
{
	const char *colon = memrchr(host.p, ':', host.n);

	if (colon != NULL && memchr(colon, ']', host.n - (size_t)(colon - host.p)) == NULL)
		host.n = (size_t)(colon - host.p);
	return host;
}

static bool is_host(struct slice s, bool may_have_port)
{
	struct slice name = may_have_port ? host_name(s) : s;
	uint64_t port;

	if (name.n < s.n &&
		!slice_to_u64((struct slice){s.p + name.n + 1, s.n - name.n - 1}, 65535, &port))
		return false;
	if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
		return has_only((struct slice){name.p + 1, name.n - 2}, ":.");
	return name.n > 0 && name.n <= 255 && name.p[0] != '-' && name.p[0] != '.' &&
	       has_only(name, "-.");
}

/* Of ssh. git decodes all of ssh://..., and only then looks where the host begins: "a%40b%2F" would
 * be another host. And the user's ssh configuration may put the name into a command of the shell
 * (CVE-2023-51385). An event chooses neither. */
static bool is_user(struct slice s, bool is_literal)
{
	return s.n > 0 && s.p[0] != '-' && has_only(s, is_literal ? "-._~+%!$&'()*,;=@" : "-._~+@");
}

/* The path of an address: RFC 3986 without query and fragment, and characters beyond ASCII. */
static bool is_path(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x80 && !isalnum(c) && strchr("-._~!$&'()*+,;=:@%/", c) == NULL)
			return false;
	}
	return utf8_is_valid(s.p, s.n);
}

/* %XX as bytes. False for a broken one and for control characters. */
static bool percent_decode(struct slice s, struct buf *ret)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c == '%') {
			if (i + 2 >= s.n || !hex_decode((struct slice){s.p + i + 1, 2}, &c, 1))
				return false;
			i += 2;
		}
		if (iscntrl(c))
			return false;
		buf_add_char(ret, (char)c);
	}
	return true;
}

/* What an event names must not lead into the networks of this machine. */
static int check_place(const char *text, struct slice host, bool is_literal, struct err *e)
{
	enum host_place place = is_literal ? HOST_OUTSIDE : host_find_place(host_name(host));

	if (place == HOST_INSIDE)
		return refuse(text,
			"this machine and private networks are only possible when the repository is "
			"written out in pylon.yaml, without a placeholder",
			e);
	if (place == HOST_NOWHERE)
		return refuse(text, "its host is neither a name nor an address", e);
	return 0;
}

/* --- the forms --- */

/* After "scheme://". */
static bool split_address(const char *rest, struct parts *ret)
{
	size_t authority = strcspn(rest, "/");
	const char *at = memrchr(rest, '@', authority);
	struct slice host = {rest, authority};

	*ret = (struct parts){0};
	if (at != NULL) {
		struct slice who = {rest, (size_t)(at - rest)};
		const char *colon = memchr(rest, ':', who.n);

		host = (struct slice){at + 1, authority - who.n - 1};
		ret->user = who;
		if (colon != NULL) {
			ret->user.n = (size_t)(colon - rest);
			ret->password = (struct slice){colon + 1, who.n - ret->user.n - 1};
		}
	}
	ret->host = host;
	ret->path = slice_of(rest + authority);
	return is_host(ret->host, true) && ret->path.n > 1 && is_path(ret->path);
}

static void add_secret(struct repo *r, struct slice s)
{
	CLEANUP(freep) char *text = slice_dup(s);

	/* Shorter ones would mask half of every text. */
	if (s.n >= 4 && !strv_has(&r->secrets, text))
		strv_add(&r->secrets, text);
}

static int take_credentials(
	struct repo *r, const char *scheme, const struct parts *x, const char *text, struct err *e)
{
	CLEANUP(buf_fini) struct buf user = BUF_NULL;
	CLEANUP(buf_fini) struct buf password = BUF_NULL;

	if (x->user.p == NULL)
		return 0;
	if (!percent_decode(x->user, &user) || !percent_decode(x->password, &password))
		return refuse(text, "its user name or password is not well-formed", e);
	r->origin = xasprintf("%s://%.*s/", scheme, SLICE_ARG(x->host));
	r->user = xstrdup(buf_str(&user));
	if (x->password.p != NULL)
		r->password = xstrdup(buf_str(&password));
	/* A token may stand in either place. */
	add_secret(r, x->user);
	add_secret(r, buf_slice(&user));
	add_secret(r, x->password);
	add_secret(r, buf_slice(&password));
	return 0;
}

static int parse_http(
	struct repo *r, const char *scheme, const char *text, bool is_literal, struct err *e)
{
	struct parts x;
	int rc;

	if (!split_address(text + strlen(scheme) + 3, &x))
		return refuse(text, "its host or path is not well-formed", e);
	rc = check_place(text, x.host, is_literal, e);
	if (rc == 0)
		rc = take_credentials(r, scheme, &x, text, e);
	if (rc < 0)
		return rc;
	r->url = xasprintf("%s://%.*s%.*s", scheme, SLICE_ARG(x.host), SLICE_ARG(x.path));
	r->ssh_url = repo_ssh_form(r->url);
	return 0;
}

static int parse_ssh(struct repo *r, const char *text, bool is_literal, struct err *e)
{
	struct parts x;
	int rc;

	if (!split_address(text + strlen("ssh://"), &x) ||
		(x.user.p != NULL && !is_user(x.user, is_literal)))
		return refuse(text, "its user, host or path is not well-formed", e);
	rc = check_place(text, x.host, is_literal, e);
	if (rc < 0)
		return rc;
	/* ssh takes no password from anybody. */
	add_secret(r, x.password);
	r->url = x.user.p == NULL
			 ? xasprintf("ssh://%.*s%.*s", SLICE_ARG(x.host), SLICE_ARG(x.path))
			 : xasprintf("ssh://%.*s@%.*s%.*s", SLICE_ARG(x.user), SLICE_ARG(x.host),
				   SLICE_ARG(x.path));
	return 0;
}

/* "https:/host/x" is a slip, not a host called "https". */
static bool is_scheme(struct slice host)
{
	static const char *const schemes[] = {"file", "ftp", "ftps", "git", "http", "https", "ssh"};

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (slice_eq_nocase(host, schemes[i]))
			return true;
	}
	return false;
}

/* "user@host:path", as scp(1) has it. */
static int parse_scp(struct repo *r, const char *text, bool is_literal, struct err *e)
{
	size_t n = strcspn(text, ":");
	const char *at = memrchr(text, '@', n);
	struct slice host = {
		at == NULL ? text : at + 1, at == NULL ? n : n - (size_t)(at + 1 - text)};
	struct slice path = text[n] == ':' ? slice_of(text + n + 1) : SLICE_NULL;
	int rc;

	if (path.n == 0)
		return refuse(text,
			"expected https://host/path, ssh://user@host/path, user@host:path or, written out "
			"in the configuration, /a/local/folder",
			e);
	/* "ext::command" and its like would run one. */
	if (path.p[0] == ':' || path.p[0] == '-' || str_has_prefix(path.p, "//") ||
		!is_path(path) || !is_host(host, false) || is_scheme(host) ||
		(at != NULL && !is_user((struct slice){text, (size_t)(at - text)}, is_literal)))
		return refuse(text, "only https, ssh and user@host:path are possible", e);
	rc = check_place(text, host, is_literal, e);
	if (rc == 0)
		r->url = xstrdup(text);
	return rc;
}

static int parse_local(struct repo *r, const char *text, struct err *e)
{
	if (strstr(text, "/../") != NULL || str_has_suffix(text, "/.."))
		return refuse(text, "\"..\" has no place in it", e);
	r->url = xstrdup(text);
	return 0;
}

static int parse(struct repo *r, const char *text, bool is_literal, struct err *e)
{
	bool is_http = str_has_prefix(text, "http://");

	if (is_http || text[0] == '/') {
		r->transport = is_http ? REPO_HTTP : REPO_LOCAL;
		if (!is_literal)
			return refuse(text,
				"plain http and folders of this machine are only possible when the "
				"configuration has them written out, without a placeholder",
				e);
		return is_http ? parse_http(r, "http", text, is_literal, e)
			       : parse_local(r, text, e);
	}
	if (str_has_prefix(text, "https://")) {
		r->transport = REPO_HTTPS;
		return parse_http(r, "https", text, is_literal, e);
	}
	r->transport = REPO_SSH;
	return str_has_prefix(text, "ssh://") ? parse_ssh(r, text, is_literal, e)
					      : parse_scp(r, text, is_literal, e);
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		if (iscntrl((unsigned char)*text))
			return true;
	}
	return false;
}

int repo_parse(const char *text, bool is_literal, struct repo *ret, struct err *e)
{
	struct repo r = {0};
	int rc;

	if (strlen(text) > REPO_MAX)
		return err_set(e, -EINVAL, "repository: it has more than %d bytes", REPO_MAX);
	if (has_control(text) || !utf8_is_valid(text, strlen(text)))
		return refuse(text, "it has control characters or is no UTF-8", e);
	if (strstr(text, "{{") != NULL)
		return refuse(text, "the event has nothing for its placeholder", e);
	rc = text[0] == '-' ? refuse(text, "it begins with a minus sign", e)
			    : parse(&r, text, is_literal, e);
	if (rc < 0)
		repo_fini(&r);
	else
		*ret = r;
	return rc;
}

void repo_fini(struct repo *r)
{
	freep(&r->url);
	freep(&r->ssh_url);
	freep(&r->origin);
	freep(&r->user);
	freep(&r->password);
	strv_fini(&r->secrets);
}

const char *repo_url(const struct repo *r)
{
	return r->uses_ssh_url ? r->ssh_url : r->url;
}
