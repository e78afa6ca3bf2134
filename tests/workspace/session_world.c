/* SPDX-License-Identifier: MIT */
/* tests/workspace/session_world.c - what the tests of sessions share: the world, and how it is
 * looked at. */
#include "session_world.h"

int session_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	CLEANUP(freep) char *real = NULL;

	(void)scratch_setup(&w->scratch);
	real = realpath(scratch_dir(w->scratch), NULL);
	w->home = xasprintf("%s/home", real);
	w->login = xasprintf("%s/host-login", real);
	w->folder = xasprintf("%s/sessions/triage/claude", w->home);
	w->kept = xasprintf("%s/" NAME, w->folder);
	assert_int_equal(mkdir(w->home, 0700), 0);
	w->s = (struct session_spec){.home = w->home,
		.pylon = "triage",
		.agent = "claude",
		.owner = {.is_known = true, .uid = AGENT, .gid = AGENT},
		.login = w->login,
		.login_name = NAME};
	*state = w;
	return 0;
}

int session_teardown(void **state)
{
	struct world *w = *state;

	buf_fini(&w->path);
	strv_fini(&w->secrets);
	free(w->home);
	free(w->login);
	free(w->folder);
	free(w->kept);
	(void)scratch_teardown(&w->scratch);
	free(w);
	return 0;
}

void write_file(const char *path, const void *p, size_t n, mode_t mode)
{
	CLEANUP(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0);
	must(write_all(fd, p, n) == 0);
	must(fchmod(fd, mode) == 0);
}

void write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text), 0600);
}

int try_prepare(struct world *w)
{
	buf_clear(&w->path);
	strv_fini(&w->secrets);
	w->secrets = STRV_NULL;
	w->has_login = false;
	w->e = CLEAN_ERR;
	return session_prepare(&w->s, &w->path, &w->secrets, &w->has_login, &w->e);
}

void prepare(struct world *w)
{
	if (try_prepare(w) != 0)
		fail_msg("%s", w->e.text);
	assert_string_equal(buf_str(&w->path), w->folder);
}

void expect_failure(struct world *w, int rc)
{
	int got = try_prepare(w);

	if (got != rc)
		fail_msg("%d, not %d: %s", got, rc, w->e.text);
	assert_string_not_equal(w->e.text, "");
	/* Nothing is told. */
	assert_int_equal(w->path.n, 0);
	assert_int_equal(w->secrets.n, 0);
	assert_false(w->has_login);
}

struct stat look(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

void expect_mode(const char *path, mode_t mode)
{
	struct stat st = look(path);

	if ((st.st_mode & 07777) != mode)
		fail_msg("%s has mode %o", path, (unsigned)(st.st_mode & 07777));
}

void expect_content(const char *path, const char *content)
{
	CLEANUP(freep) char *text = scratch_read(path);

	assert_true(S_ISREG(look(path).st_mode));
	assert_string_equal(text, content);
}

char *in_sessions(const struct world *w, const char *name)
{
	return xasprintf("%s/sessions/%s", w->home, name);
}

bool is_root(void)
{
	return geteuid() == 0;
}

/* As the agent does it. */
void write_kept(const struct world *w, const char *text)
{
	write_text(w->kept, text);
	if (is_root())
		assert_int_equal(chown(w->kept, AGENT, AGENT), 0);
}
