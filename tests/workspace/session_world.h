/* SPDX-License-Identifier: MIT */
/*
 * tests/workspace/session_world.h - a home, a login on the host, and an agent with sessions.
 */
#ifndef PYLON_TESTS_WORKSPACE_SESSION_WORLD_H
#define PYLON_TESTS_WORKSPACE_SESSION_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/scratch.h"
#include "lib/t.h"
#include "workspace/session.h"

#define LOGIN                                                                                      \
	"{\"claudeAiOauth\":{\"accessToken\":\"sk-ant-oat01-first-access\","                       \
	"\"refreshToken\":\"sk-ant-ort01-first-refresh\",\"expiresAt\":1760000000000,"             \
	"\"scopes\":[\"user:inference\",\"user:profile-and-more\"],"                               \
	"\"subscriptionType\":\"a-subscription-of-some-kind\"}}"
#define OTHER_LOGIN                                                                                \
	"{\"claudeAiOauth\":{\"accessToken\":\"sk-ant-oat01-second-access\","                      \
	"\"refreshToken\":\"sk-ant-ort01-second-refresh\"}}"
#define NAME  ".credentials.json"
#define AGENT 12345 /* uid and gid in the container */

struct world {
	void *scratch;
	char *home, *login;  /* on the host */
	char *folder, *kept; /* what is mounted, and the login in it */
	struct session_spec s;
	/* What was told last. */
	struct err e;
	struct buf path;
	struct strv secrets;
	bool has_login;
};

int session_setup(void **state);
int session_teardown(void **state);

void write_file(const char *path, const void *p, size_t n, mode_t mode);
void write_text(const char *path, const char *text);
/* The login in the session, as the agent writes it. */
void write_kept(const struct world *w, const char *text);

/* What was told before is forgotten. */
int try_prepare(struct world *w);
void prepare(struct world *w);
/* And nothing is told. */
void expect_failure(struct world *w, int rc);

struct stat look(const char *path);
void expect_mode(const char *path, mode_t mode);
/* It is a plain file with this in it. */
void expect_content(const char *path, const char *content);
/* A path below <home>/sessions; the caller frees. */
char *in_sessions(const struct world *w, const char *name);
bool is_root(void);

#endif
