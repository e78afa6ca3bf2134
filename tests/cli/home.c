/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/home.c - see home.h.
 */
#include "cli/home.h"

#include <fcntl.h>
#include <sys/stat.h>

#define WORDS_MAX 12

int home_setup(void **state)
{
	struct home *h = xcalloc(1, sizeof(*h));

	h->dir = t_folder();
	h->home = xasprintf("%s/home", h->dir);
	(void)setenv("HOME", "/nonexistent", 1);
	(void)unsetenv("PYLON_HOME");
	*state = h;
	return 0;
}

int home_teardown(void **state)
{
	struct home *h = *state;

	t_folder_remove(h->dir);
	free(h->home);
	free(h->out);
	free(h->err);
	free(h);
	return 0;
}

void home_add_file(const struct home *h, const char *name, const char *text)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", h->home, name);
	CLEANUP(freep) char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	struct err e = CLEAN_ERR;

	assert_int_equal(dir_make(folder, 0700, &e), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0600, &e), 0);
}

char *home_read_file(const struct home *h, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", h->home, name);
	struct buf text = BUF_NULL;
	struct err e = CLEAN_ERR;

	if (file_read(path, 1 << 20, &text, &e) != 0)
		fail_msg("%s", e.text);
	return buf_steal(&text);
}

bool home_has(const struct home *h, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", h->home, name);
	struct stat st;

	return lstat(path, &st) == 0;
}

static int run_words(const struct home *h, const char *const *words)
{
	CLEANUP(cli_fini) struct cli c = {0};
	char *own[WORDS_MAX + 2] = {xstrdup("pylon"), xasprintf("--home=%s", h->home)};
	char *moved[WORDS_MAX + 2]; /* the parser moves pointers about */
	char **argv = NULL;
	int n = 2, argc = 0, status;

	for (; *words != NULL; words++) {
		assert_true(n < WORDS_MAX + 2);
		own[n++] = xstrdup(*words);
	}
	(void)memcpy(moved, own, sizeof(own));
	status = cli_parse(&c, n, moved, &argc, &argv);
	if (status == EXIT_OK)
		status = cli_run(&c, argc, argv);
	for (int i = 0; i < n; i++)
		free(own[i]);
	return status;
}

/* Puts a file of ours in the place of a descriptor; returns what was there. */
static int redirect(const struct home *h, const char *name, int fd, int flags)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", h->dir, name);
	CLEANUP(closep) int file = open(path, flags | O_CREAT | O_CLOEXEC, 0600);
	int before = dup(fd);

	assert_true(file >= 0 && before >= 0 && dup2(file, fd) == fd);
	return before;
}

static void put_back(int *before, int fd)
{
	assert_int_equal(dup2(*before, fd), fd);
	closep(before);
}

static void take_written(const struct home *h, const char *name, char **ret)
{
	CLEANUP(freep) char *above = xasprintf("../%s", name);

	free(*ret);
	*ret = home_read_file(h, above);
}

void home_run(struct home *h, const char *input, const char *const *words)
{
	struct err e = CLEAN_ERR;
	int in, out, err;

	assert_int_equal(dir_make(h->home, 0700, &e), 0);
	home_add_file(h, "../in", input == NULL ? "" : input);
	(void)fflush(NULL);
	in = redirect(h, "in", STDIN_FILENO, O_RDONLY);
	out = redirect(h, "out", STDOUT_FILENO, O_RDWR | O_TRUNC);
	err = redirect(h, "err", STDERR_FILENO, O_RDWR | O_TRUNC);
	h->status = run_words(h, words);
	(void)fflush(NULL);
	put_back(&in, STDIN_FILENO);
	put_back(&out, STDOUT_FILENO);
	put_back(&err, STDERR_FILENO);
	take_written(h, "out", &h->out);
	take_written(h, "err", &h->err);
}

void expect_part(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

void expect_no_part(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("\"%s\" is in \"%s\"", part, text);
}

struct config *home_config(struct home *h)
{
	CLEANUP(problems_fini) struct problems problems = {0};
	struct config *config = NULL;
	struct buf told = BUF_NULL;
	struct err e = CLEAN_ERR;

	if (config_load(h->home, &config, &problems, &e) != 0)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < problems.n; i++) {
		problem_print(&told, &problems.v[i]);
		buf_add_char(&told, '\n');
	}
	free(h->err);
	h->err = buf_steal(&told);
	return config;
}
