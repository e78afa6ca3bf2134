/* SPDX-License-Identifier: MIT */
/*
 * workspace/session.h - the folder in which an agent keeps its sessions between runs.
 *
 * <home>/sessions/<pylon>/<agent>/ is mounted into every container of that pylon, so SESSION_ID can
 * be continued by a new container, with whatever login. Of the user's own login only one file is
 * ever copied in (Claude Code: .credentials.json); settings, hooks and projects of the user never
 * are: they would let an agent run code on this machine later. Nothing is ever copied back.
 *
 * The login is copied when it is not there yet or when it changed on the host since it was copied
 * last, so a login that the agent refreshed stays. Containers write to the folder, hence it is
 * handled like something hostile: no link in it is followed, files are replaced by rename.
 */
#ifndef PYLON_WORKSPACE_SESSION_H
#define PYLON_WORKSPACE_SESSION_H

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "workspace/workspace.h"

#define SESSION_LOGIN_MAX  KIB(64) /* a larger login file is refused */
#define SESSION_SECRET_MIN 16      /* bytes; shorter strings of a login are not worth hiding */

/* Borrowed for the call. */
struct session_spec {
	const char *home;  /* $PYLON_HOME */
	const char *pylon; /* a valid name */
	const char *agent; /* "claude", "opencode" */
	struct workspace_owner owner;
	const char *login;      /* file of the host that is copied in; NULL = none */
	const char *login_name; /* how it is called there; NULL = this agent has no such file */
};

/* Makes the folder and brings the login up to date. The folder's parents are ours alone. It and the
 * login belong to the container's user alone, where that one is known and we may give files away;
 * else everybody may write both (an agent refreshes its login), which nobody but the container
 * reaches.
 *
 * Appends the absolute path to mount to `ret_path`, and to `ret_secrets` each string that is worth
 * hiding: what stands below a key that ends in token, key or secret (in any case), in the host's
 * login and in the one that is there. A login that is missing, empty or that we may not read is no
 * failure: *ret_has_login tells whether the agent finds one.
 *
 * Negative errno with *err: -ENOSPC the disk is full, -EFBIG the host's login is too large, -EINVAL
 * it is no file, -EISDIR the agent made a folder in its place, -ENOTDIR a link or file is in the
 * place of a folder. */
NODISCARD int session_prepare(const struct session_spec *s, struct buf *ret_path,
	struct strv *ret_secrets, bool *ret_has_login, struct err *err);
/* Only the last part of that, changing nothing: what is worth hiding in either login. */
void session_secrets(const struct session_spec *s, struct strv *ret_secrets);
/* Removes everything that a pylon's agents kept; fine when there is nothing. May take long. */
NODISCARD int session_remove(const char *home, const char *pylon, struct err *err);

#endif
