/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without a fuzzing engine: every file of the corpus folder given, then a few
 * hundred mutations of each. The mutations come from a fixed seed and the file's own bytes, so a
 * failure repeats; the input being tried is kept in a file beside the program and named when the
 * target dies.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MUTATIONS = 300,
	INPUT_MAX = 1 << 20,
	GROWTH_MAX = 4096,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t random_state;
static const uint8_t *current_data;
static size_t current_size;
static char crash_path[256];

static uint64_t random_next(void)
{
	/* xorshift64: good enough to spread edits, and the same everywhere. */
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static size_t random_below(size_t n)
{
	return n ? (size_t)(random_next() % n) : 0;
}

/* The process is dying anyway: stdio in a signal handler is a fair risk here. */
static void save_input(void)
{
	FILE *f = fopen(crash_path, "wb");

	if (f) {
		(void)fwrite(current_data, 1, current_size, f);
		(void)fclose(f);
	}
	(void)fprintf(stderr, "input kept in %s\n", crash_path);
}

static void on_signal(int signo)
{
	save_input();
	(void)signal(signo, SIG_DFL);
	(void)raise(signo);
}

/* A sanitizer ends the process without a signal; its runtime has this instead. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void watch_death(const char *program)
{
	(void)snprintf(crash_path, sizeof(crash_path), "%s.crash", program);
	(void)signal(SIGABRT, on_signal);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(save_input);
	else
		(void)signal(SIGSEGV, on_signal);
}

/* An exact-size copy, so that the sanitizer sees a read one byte past the end. */
static void run_one(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	current_data = copy;
	current_size = size;
	(void)LLVMFuzzerTestOneInput(copy, size);
	current_size = 0;
	free(copy);
}

static const char *const tokens[] = {"\0", "\r\n", "\n", "{", "}", "[", "]", "\"", ":", ",", "-1",
	"0", "18446744073709551615", "-9223372036854775808", "%00", "..", "/", "\xff\xfe",
	"\xc0\x80", "\xed\xa0\x80", "{{", "}}", "*", "9999999999"};

/* Makes room for or removes bytes at `at`; returns the new size. */
static size_t splice(uint8_t *buf, size_t size, size_t at, const uint8_t *bytes, size_t n)
{
	memmove(buf + at + n, buf + at, size - at);
	memcpy(buf + at, bytes, n);
	return size + n;
}

static size_t mutate_once(uint8_t *buf, size_t size, size_t room)
{
	size_t at = random_below(size + 1);
	const char *token = tokens[random_below(sizeof(tokens) / sizeof(tokens[0]))];
	size_t n = *token ? strlen(token) : 1;

	switch (random_below(6)) {
	case 0:
		if (at < size)
			buf[at] ^= (uint8_t)(1U << random_below(8));
		return size;
	case 1:
		if (at < size)
			buf[at] = (uint8_t)random_next();
		return size;
	case 2:
		return at;
	case 3:
		n = random_below(size - at + 1);
		memmove(buf + at, buf + at + n, size - at - n);
		return size - n;
	case 4:
		return size + n > room ? size : splice(buf, size, at, (const uint8_t *)token, n);
	default:
		n = random_below(size - at + 1);
		if (n > 64)
			n = 64;
		if (size + n > room)
			return size;
		memmove(buf + at + n, buf + at, size - at);
		return size + n;
	}
}

static void run_mutations(const uint8_t *data, size_t size)
{
	size_t room = size + GROWTH_MAX;
	uint8_t *buf = malloc(room);

	if (!buf)
		abort();
	for (int i = 0; i < MUTATIONS; i++) {
		size_t n = size, edits = 1 + random_below(4);

		if (size)
			memcpy(buf, data, size);
		while (edits--)
			n = mutate_once(buf, n, room);
		run_one(buf, n);
	}
	free(buf);
}

static void run_file(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f) {
		(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	size = fread(data, 1, sizeof(data), f);
	(void)fclose(f);
	random_state = 0x9e3779b97f4a7c15U ^ size;
	run_one(data, size);
	run_mutations(data, size);
}

static int run_folder(const char *folder)
{
	struct dirent **list = NULL;
	int n = scandir(folder, &list, NULL, alphasort), done = 0;
	char path[4096];

	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.') {
			(void)snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);
			run_file(path);
			done++;
		}
		free(list[i]);
	}
	free(list);
	return done;
}

int main(int argc, char **argv)
{
	int done = 0;

	watch_death(argv[0]);
	run_one((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		done += run_folder(argv[i]);
	printf("%d inputs, %d mutations of each\n", done, MUTATIONS);
	/* An empty corpus is a mistake of the target's author, not a pass. */
	return done ? 0 : 1;
}
