/* SPDX-License-Identifier: MIT */
#include "config/home.h"

#include "base/limits.h"
#include "lib/t.h"

/* --- a home on disk --- */

int home_setup(void **state)
{
	struct home *h = xcalloc(1, sizeof(*h));
	struct err e = CLEAN_ERR;
	CLEANUP(freep) char *user = NULL;

	h->dir = t_folder();
	h->path = xasprintf("%s/home", h->dir);
	user = xasprintf("%s/user", h->dir);
	assert_int_equal(dir_make(h->path, 0700, &e), 0);
	assert_int_equal(dir_make(user, 0700, &e), 0);
	(void)setenv("HOME", user, 1);
	(void)unsetenv("PYLON_HOME");
	(void)unsetenv("DOCKER_HOST");
	(void)unsetenv("XDG_RUNTIME_DIR");
	*state = h;
	return 0;
}

static void forget(struct home *h)
{
	config_free(h->config);
	h->config = NULL;
	problems_fini(&h->problems);
}

int home_teardown(void **state)
{
	struct home *h = *state;

	forget(h);
	t_folder_remove(h->dir);
	free(h->path);
	free(h);
	return 0;
}

char *home_at(const struct home *h, const char *name)
{
	return xasprintf("%s/%s", h->path, name);
}

void home_write(struct home *h, const char *name, const char *text)
{
	CLEANUP(freep) char *path = home_at(h, name);
	CLEANUP(freep) char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	struct err e = CLEAN_ERR;

	assert_int_equal(dir_make(folder, 0700, &e), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0600, &e), 0);
}

bool home_load(struct home *h)
{
	struct err e = CLEAN_ERR;
	int rc;

	forget(h);
	rc = config_load(h->path, &h->config, &h->problems, &e);
	assert_true(rc == 0 || (rc == -22 && h->config == NULL && h->problems.n > 0));
	return rc == 0;
}

const struct pylon_config *home_pylon(const struct home *h, const char *name)
{
	const struct pylon_config *p = config_pylon(h->config, name);

	assert_non_null(p);
	return p;
}

void home_expect(const struct home *h, size_t n, const char *text)
{
	CLEANUP(buf_fini) struct buf line = BUF_NULL;

	assert_true(n < h->problems.n);
	problem_print(&line, &h->problems.v[n]);
	assert_true(str_has_prefix(buf_str(&line), h->path));
	assert_string_equal(buf_str(&line) + strlen(h->path) + 1, text);
}

/* --- one file --- */

#define NOWHERE "/nonexistent-home"

void one_global(struct one *o, const char *yaml)
{
	struct global_text in = {
		.home = NOWHERE,
		.file = "config.yaml",
		.text = slice_of(yaml),
		.mode = 0600,
		.env = &o->env,
	};

	o->env = (struct env){&o->own, &o->shared, NOWHERE "/.env"};
	o->config = global_parse(&in, &o->problems, &o->global);
}

void one_pylon_bytes(struct one *o, const char *p, size_t n)
{
	CLEANUP(form_fini) struct form form = {0};
	struct pylon_text in = {"c", "pylon.yaml", {p, n}, &o->env, &o->global};

	if (!o->config)
		one_global(o, "");
	assert_non_null(o->config);
	o->env = (struct env){&o->own, &o->shared, NOWHERE "/pylons/c/.env"};
	pylon_config_unref(o->pylon);
	problems_fini(&o->problems);
	o->pylon = pylon_parse(&in, &o->problems, &form);
}

void one_pylon(struct one *o, const char *yaml)
{
	one_pylon_bytes(o, yaml, strlen(yaml));
}

void one_fini(struct one *o)
{
	pylon_config_unref(o->pylon);
	global_fini(&o->global);
	config_free(o->config);
	env_file_fini(&o->own);
	env_file_fini(&o->shared);
	problems_fini(&o->problems);
}

char *problems_text(const struct problems *p)
{
	struct buf out = BUF_NULL;

	for (size_t i = 0; i < p->n; i++) {
		struct problem copy = p->v[i];
		char empty[] = "";
		CLEANUP(buf_fini) struct buf line = BUF_NULL;

		copy.file = empty;
		problem_print(&line, &copy);
		buf_printf(&out, "%s%s", out.n ? "\n" : "", buf_str(&line) + 1); /* ":3:5: text" */
	}
	return buf_steal(&out);
}

static void compare(const struct problems *p, const char *text)
{
	CLEANUP(freep) char *got = problems_text(p);

	assert_string_equal(got, text);
}

void expect_problems(const char *yaml, const char *text)
{
	CLEANUP(one_fini) struct one o = {0};

	one_pylon(&o, yaml);
	compare(&o.problems, text);
	assert_true((o.pylon == NULL) == problems_are_fatal(&o.problems));
}

void expect_global_problems(const char *yaml, const char *text)
{
	CLEANUP(one_fini) struct one o = {0};

	one_global(&o, yaml);
	compare(&o.problems, text);
	assert_true((o.config == NULL) == problems_are_fatal(&o.problems));
}

void expect_fine(const char *yaml)
{
	expect_problems(yaml, "");
}

void expect_global_fine(const char *yaml)
{
	expect_global_problems(yaml, "");
}
