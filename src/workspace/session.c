/* SPDX-License-Identifier: MIT */
/*
 * The folders of sessions, and the login that is copied into them.
 *
 *   <home>/sessions/                        ours, 0700
 *   <home>/sessions/<pylon>/                ours, 0700
 *   <home>/sessions/<pylon>/<agent>/        mounted; its content is the container's
 *   <home>/sessions/<pylon>/<agent>.login   SHA-256 of the host's login that was copied last
 *   <home>/sessions/<pylon>/<agent>.new     a file in the making
 *
 * A container of the same pylon may be running while we are here. So files are made beside the
 * mounted folder, out of its reach, and renamed into it when they are whole: rename(2) replaces a
 * link, a FIFO or a further name of some file by itself, and follows none. What is there already
 * is looked at with fstatat(2) and read only if it is a regular file with one name
 * (file_read_beneath()). Folders are held by O_PATH descriptors, which need no rights on them, so
 * a container that takes away all rights locks nobody out.
 *
 * The login is put in place before its SHA-256 is noted: a crash in between copies it once more,
 * the other order would leave an old one for good.
 */
#include "workspace/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/id.h"
#include "base/json.h"
#include "workspace/below_internal.h"

#define SESSIONS "sessions"

/* Where one agent of one pylon keeps its sessions. */
struct place {
	const struct session_spec *spec;
	int parent;    /* <home>/sessions/<pylon> */
	int folder;    /* what is mounted */
	bool is_given; /* it belongs to the container's user */
	char *path;    /* of the folder, absolute */
	char *draft;   /* name of a file in the making, in `parent` */
	char *record;  /* name of the file with the SHA-256, in `parent` */
};

static void place_fini(struct place *p)
{
	closep(&p->parent);
	closep(&p->folder);
	free(p->path);
	free(p->draft);
	free(p->record);
}

/* --- folders --- */

/* Makes the folder when it is missing; returns a descriptor that only stands for it. */
static int make_folder(int parent, const char *name, const char *path, struct err *e)
{
	int fd;

	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return err_errno(e, "cannot make the folder %s", path);
	fd = below_open(parent, name);
	if (fd == -ELOOP || fd == -ENOTDIR)
		return err_set(e, -ENOTDIR, "%s must be a folder, and no link to one", path);
	if (fd < 0)
		return err_set(e, fd, "cannot open the folder %s: %s", path, strerror(-fd));
	return fd;
}

static int make_own_folder(int parent, const char *name, const char *path, struct err *e)
{
	CLEANUP(closep) int fd = make_folder(parent, name, path, e);
	int rc;

	if (fd < 0)
		return fd;
	rc = below_set_mode(fd, 0700);
	if (rc < 0)
		return err_set(e, rc, "cannot close %s to others: %s", path, strerror(-rc));
	return fd_steal(&fd);
}

/* True when the folder is the container's user's now. */
static bool give_away(int folder, const struct workspace_owner *owner)
{
	struct stat st;

	if (!owner->is_known || fstat(folder, &st) < 0)
		return false;
	if (st.st_uid == owner->uid && st.st_gid == owner->gid)
		return true;
	if (fchownat(folder, "", owner->uid, owner->gid, AT_EMPTY_PATH) == 0)
		return true;
	return st.st_uid == owner->uid;
}

static int open_place(struct place *p, struct err *e)
{
	const struct session_spec *s = p->spec;
	CLEANUP(freep) char *home_path = realpath(s->home, NULL);
	CLEANUP(freep) char *top_path = NULL;
	CLEANUP(freep) char *pylon_path = NULL;
	CLEANUP(closep) int home = -1;
	CLEANUP(closep) int top = -1;
	int rc;

	if (home_path != NULL)
		home = open(home_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home_path == NULL || home < 0)
		return err_errno(e, "cannot open the folder %s", s->home);
	top_path = xasprintf("%s/" SESSIONS, home_path);
	pylon_path = xasprintf("%s/%s", top_path, s->pylon);
	p->path = xasprintf("%s/%s", pylon_path, s->agent);
	top = make_own_folder(home, SESSIONS, top_path, e);
	if (top < 0)
		return top;
	p->parent = make_own_folder(top, s->pylon, pylon_path, e);
	if (p->parent < 0)
		return p->parent;
	p->folder = make_folder(p->parent, s->agent, p->path, e);
	if (p->folder < 0)
		return p->folder;
	p->is_given = give_away(p->folder, &s->owner);
	rc = below_set_mode(p->folder, p->is_given ? 0700 : 0777);
	if (rc < 0)
		return err_set(e, rc, "cannot open %s to the agent: %s", p->path, strerror(-rc));
	return 0;
}

/* --- files --- */

static int fill(int fd, struct slice content, mode_t mode, const struct workspace_owner *owner)
{
	int rc = write_all(fd, content.p, content.n);

	if (rc < 0)
		return rc;
	if (owner != NULL && fchown(fd, owner->uid, owner->gid) < 0 && errno != EPERM)
		return -errno;
	return fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Puts a new file in the place of `name` in the open folder `to`. `owner`: NULL = it is ours. */
static int put_file(const struct place *p, int to, const char *name, struct slice content,
	mode_t mode, const struct workspace_owner *owner)
{
	CLEANUP(closep) int fd = -1;
	int rc;

	if (unlinkat(p->parent, p->draft, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(
		p->parent, p->draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = fill(fd, content, mode, owner);
	if (rc == 0 && renameat(p->parent, p->draft, to, name) < 0)
		rc = -errno;
	if (rc < 0)
		(void)unlinkat(p->parent, p->draft, 0);
	return rc == -EDQUOT ? -ENOSPC : rc;
}

/* True when the host's login that was copied last had this SHA-256. */
static bool is_recorded(const struct place *p, const char *digest)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;
	CLEANUP(closep)
	int fd = openat(p->parent, p->record, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && fd_read(fd, SHA256_HEX_SIZE, &b) == 0 &&
	       slice_eq_str(buf_slice(&b), digest);
}

/* --- the login --- */

/* 1: there is one, in *ret; 0: there is none for us. */
static int read_host_login(const char *path, struct buf *ret, struct err *e)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;
	int rc;

	if (path == NULL)
		return 0;
	/* The user may have linked it to somewhere else. A FIFO must not hold us up. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno != ENXIO)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "the login %s is not a regular file", path);
	rc = fd_read(fd, SESSION_LOGIN_MAX, ret);
	if (rc == -EFBIG)
		return err_set(
			e, rc, "the login %s is larger than %zu bytes", path, SESSION_LOGIN_MAX);
	if (rc < 0)
		return err_set(e, rc, "cannot read the login %s: %s", path, strerror(-rc));
	return ret->n > 0 ? 1 : 0;
}

/* True when the agent finds a login of its own there. */
static bool has_kept_login(const struct place *p)
{
	struct stat st;

	if (fstatat(p->folder, p->spec->login_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return false;
	/* Of another user, from before the image was changed, it is of no use. */
	return !p->is_given || st.st_uid == p->spec->owner.uid;
}

static int copy_login(const struct place *p, struct slice login, const char *digest, struct err *e)
{
	const char *name = p->spec->login_name;
	int rc = put_file(p, p->folder, name, login, p->is_given ? 0600 : 0666,
		p->is_given ? &p->spec->owner : NULL);

	if (rc == -EISDIR || rc == -ENOTEMPTY)
		return err_set(e, -EISDIR,
			"%s/%s is a folder: remove it, so that the login can be put there", p->path,
			name);
	if (rc == 0)
		rc = put_file(p, p->parent, p->record, slice_of(digest), 0600, NULL);
	if (rc < 0)
		return err_set(e, rc, "cannot copy the login to %s: %s", p->path, strerror(-rc));
	return 0;
}

/* --- what is secret in it --- */

struct search {
	struct strv *found;
	bool is_secret; /* below a key that says so */
	unsigned depth;
};

static void search(const struct search *s, const struct js *j);

static bool is_secret_key(const char *key)
{
	static const char *const ends[] = {"token", "key", "secret"};
	size_t n = strlen(key);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t end = strlen(ends[i]);

		if (n >= end && strcasecmp(key + n - end, ends[i]) == 0)
			return true;
	}
	return false;
}

static void search_member(const char *key, const struct js *value, void *ctx)
{
	struct search below = *(const struct search *)ctx;

	below.is_secret = below.is_secret || is_secret_key(key);
	search(&below, value);
}

static void search(const struct search *s, const struct js *j)
{
	const char *text = js_str(j);
	struct search below = *s;

	if (text != NULL && s->is_secret && strlen(text) >= SESSION_SECRET_MIN &&
		!strv_has(s->found, text))
		strv_add(s->found, text);
	if (++below.depth > SCAN_DEPTH_MAX)
		return;
	for (size_t i = 0; i < js_len(j); i++)
		search(&below, js_at(j, i));
	if (js_is_object(j))
		js_each(j, search_member, &below);
}

/* A login that is no JSON has no secrets that we know of. */
static void find_secrets(struct slice login, struct strv *ret)
{
	CLEANUP(js_freep) struct js *j = js_parse(login.p, login.n, NULL);

	search(&(struct search){.found = ret}, j);
}

static void find_kept_secrets(const char *folder, const char *login_name, struct strv *ret)
{
	CLEANUP(buf_fini) struct buf kept = BUF_NULL;

	if (file_read_beneath(folder, login_name, SESSION_LOGIN_MAX, &kept, NULL) == 0)
		find_secrets(buf_slice(&kept), ret);
}

static int bring_login(
	const struct place *p, struct strv *ret_secrets, bool *ret_has_login, struct err *e)
{
	CLEANUP(buf_fini) struct buf host = BUF_NULL;
	char digest[SHA256_HEX_SIZE];
	bool is_kept = has_kept_login(p);
	int rc = read_host_login(p->spec->login, &host, e);

	if (rc < 0)
		return rc;
	*ret_has_login = is_kept || rc == 1;
	if (rc == 1) {
		sha256_hex(host.p, host.n, digest);
		if (!is_kept || !is_recorded(p, digest))
			rc = copy_login(p, buf_slice(&host), digest, e);
		find_secrets(buf_slice(&host), ret_secrets);
	}
	find_kept_secrets(p->path, p->spec->login_name, ret_secrets);
	return MIN_OF(rc, 0);
}

/* --- the door --- */

static bool is_file_name(const char *name)
{
	return !str_is_empty(name) && strchr(name, '/') == NULL && !str_eq(name, ".") &&
	       !str_eq(name, "..");
}

static int check_names(const char *pylon, const char *agent, const char *login_name, struct err *e)
{
	if (!name_is_valid(slice_of(pylon)))
		return err_set(e, -EINVAL, "\"%s\" is no name of a pylon", pylon);
	if (!name_is_valid(slice_of(agent)) || (login_name != NULL && !is_file_name(login_name)))
		return err_set(e, -EINVAL, "\"%s\" is no agent with sessions", agent);
	return 0;
}

int session_prepare(const struct session_spec *s, struct buf *ret_path, struct strv *ret_secrets,
	bool *ret_has_login, struct err *err)
{
	CLEANUP(place_fini)
	struct place p = {.spec = s,
		.parent = -1,
		.folder = -1,
		.draft = xasprintf("%s.new", s->agent),
		.record = xasprintf("%s.login", s->agent)};
	CLEANUP(strv_fini) struct strv secrets = STRV_NULL;
	bool has_login = false;
	int rc = check_names(s->pylon, s->agent, s->login_name, err);

	if (rc == 0)
		rc = open_place(&p, err);
	if (rc == 0 && s->login_name != NULL)
		rc = bring_login(&p, &secrets, &has_login, err);
	if (rc < 0)
		return rc;
	buf_add_str(ret_path, p.path);
	for (size_t i = 0; i < secrets.n; i++)
		strv_add(ret_secrets, secrets.v[i]);
	*ret_has_login = has_login;
	return 0;
}

void session_secrets(const struct session_spec *s, struct strv *ret_secrets)
{
	CLEANUP(buf_fini) struct buf host = BUF_NULL;
	CLEANUP(freep) char *folder = NULL;

	if (s->login_name == NULL || check_names(s->pylon, s->agent, s->login_name, NULL) < 0)
		return;
	folder = xasprintf("%s/" SESSIONS "/%s/%s", s->home, s->pylon, s->agent);
	if (read_host_login(s->login, &host, NULL) == 1)
		find_secrets(buf_slice(&host), ret_secrets);
	find_kept_secrets(folder, s->login_name, ret_secrets);
}

int session_remove(const char *home, const char *pylon, struct err *err)
{
	CLEANUP(freep) char *top = xasprintf("%s/" SESSIONS, home);
	CLEANUP(freep) char *path = NULL;
	struct stat st;

	if (!name_is_valid(slice_of(pylon)))
		return err_set(err, -EINVAL, "\"%s\" is no name of a pylon", pylon);
	if (lstat(top, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "cannot look at %s", top);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "%s must be a folder, and no link to one", top);
	path = xasprintf("%s/%s", top, pylon);
	return tree_remove(path, err);
}
