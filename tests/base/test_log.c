/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "cmocka.h" /* quoted: it must follow the headers above */
#include "lib/scratch.h"

#define LINE_LIMIT 4096

/* What the code under test writes to its stderr is read back from here. */
struct sink {
	int real_stderr;
	int read_fd;
};

static struct sink redirect(int write_fd, int read_fd)
{
	struct sink s = {fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), read_fd};

	assert_true(s.real_stderr >= 0);
	assert_true(dup2(write_fd, STDERR_FILENO) >= 0);
	(void)close(write_fd);
	return s;
}

static struct sink redirect_pipe(void)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	return redirect(fds[1], fds[0]);
}

static void restore(struct sink *s)
{
	assert_true(dup2(s->real_stderr, STDERR_FILENO) >= 0);
	closep(&s->real_stderr);
	closep(&s->read_fd);
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
}

/* All that has been written so far. */
static char *drain(const struct sink *s)
{
	struct pollfd ready = {.fd = s->read_fd, .events = POLLIN};
	struct buf b = BUF_NULL;

	while (poll(&ready, 1, 0) > 0) {
		char part[8192];
		ssize_t n = read(s->read_fd, part, sizeof(part));

		if (n <= 0)
			break;
		buf_add(&b, part, (size_t)n);
	}
	return buf_steal(&b);
}

static void text_line_has_time_level_and_room(void **state)
{
	struct sink s = redirect_pipe();
	char *got;

	(void)state;
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_warn("engine", "low on %s", "space");
	got = drain(&s);
	restore(&s);
	/* 2026-11-20 09:00:00 */
	assert_int_equal(strspn(got, "0123456789-: "), 20);
	assert_string_equal(got + 20, "warn  [engine] low on space\n");
	free(got);
}

static void systemd_line_has_its_priority(void **state)
{
	struct sink s = redirect_pipe();
	char *got;

	(void)state;
	log_setup(LOG_FORMAT_SYSTEMD, LOG_LEVEL_DEBUG);
	log_error("a", "1");
	log_warn("a", "2");
	log_info("a", "3");
	log_debug("a", "4");
	got = drain(&s);
	restore(&s);
	assert_string_equal(got, "<3>[a] 1\n<4>[a] 2\n<6>[a] 3\n<7>[a] 4\n");
	free(got);
}

static void journal_is_found_out(void **state)
{
	struct sink s = redirect_pipe();
	struct stat st;
	char *name, *got;

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	name = xasprintf("%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", name, 1), 0);
	log_setup(LOG_FORMAT_AUTO, LOG_LEVEL_INFO);
	log_info("a", "journal");
	assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
	log_setup(LOG_FORMAT_AUTO, LOG_LEVEL_INFO);
	log_info("a", "other");
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	got = drain(&s);
	restore(&s);
	assert_true(str_has_prefix(got, "<6>[a] journal\n2"));
	assert_true(str_has_suffix(got, "info  [a] other\n"));
	free(name);
	free(got);
}

static void json_line_is_one_object(void **state)
{
	struct sink s = redirect_pipe();
	struct js *j;
	char *got;

	(void)state;
	log_setup(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_info("engine", "said \"%s\"\n\\", "hi");
	got = drain(&s);
	restore(&s);
	assert_true(str_has_suffix(got, "}\n"));
	j = js_parse(got, strlen(got), NULL);
	assert_non_null(j);
	assert_string_equal(js_get_str(j, "level"), "info");
	assert_string_equal(js_get_str(j, "room"), "engine");
	assert_string_equal(js_get_str(j, "message"), "said \"hi\" \\");
	assert_int_equal(strlen(js_get_str(j, "time")), 24);
	js_free(j);
	free(got);
}

static void foreign_text_stays_on_its_line(void **state)
{
	struct sink s = redirect_pipe();
	char *got;

	(void)state;
	log_setup(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO);
	log_info("a", "x\n<3>[b] forged\r\033[31m\ty\xFF\x07");
	got = drain(&s);
	restore(&s);
	assert_string_equal(got, "<6>[a] x <3>[b] forged y\xEF\xBF\xBD\n");
	free(got);
}

static void lesser_levels_are_left_out(void **state)
{
	struct sink s = redirect_pipe();
	char *got;

	(void)state;
	log_setup(LOG_FORMAT_SYSTEMD, LOG_LEVEL_WARN);
	log_info("a", "no");
	log_debug("a", "no");
	log_warn("a", "yes");
	got = drain(&s);
	restore(&s);
	assert_string_equal(got, "<4>[a] yes\n");
	free(got);
}

/* Length of the line for a message of n times `unit`. */
static size_t line_length(struct sink *s, enum log_format format, const char *unit, size_t n)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	size_t length;
	char *got;

	for (size_t i = 0; i < n; i++)
		buf_add_str(&text, unit);
	log_setup(format, LOG_LEVEL_INFO);
	log_info("a", "%s", buf_str(&text));
	got = drain(s);
	length = strlen(got);
	assert_int_equal(got[length - 1], '\n');
	assert_true(utf8_is_valid(got, length));
	if (format == LOG_FORMAT_JSON) {
		struct js *j = js_parse(got, length, NULL);

		assert_non_null(j);
		js_free(j);
	}
	free(got);
	return length;
}

static void line_is_cut_at_its_limit(void **state)
{
	const size_t frame = strlen("<6>[a] \n");
	struct sink s = redirect_pipe();

	(void)state;
	for (size_t n = LINE_LIMIT - frame - 1; n <= LINE_LIMIT - frame + 1; n++)
		assert_int_equal(line_length(&s, LOG_FORMAT_SYSTEMD, "x", n),
			MIN_OF(n + frame, (size_t)LINE_LIMIT));
	for (size_t n = 1020; n <= 1030; n++) {
		size_t cut = line_length(&s, LOG_FORMAT_SYSTEMD, "\xF0\x9F\x98\x80", n);

		assert_true(cut <= LINE_LIMIT && cut > LINE_LIMIT - 100);
		cut = line_length(&s, LOG_FORMAT_SYSTEMD, "\xE2\x82\xAC", n * 2);
		assert_true(cut <= LINE_LIMIT && cut > LINE_LIMIT - 100);
		cut = line_length(&s, LOG_FORMAT_JSON, "\"a\\b", n);
		assert_true(cut <= LINE_LIMIT && cut > LINE_LIMIT / 2);
		cut = line_length(&s, LOG_FORMAT_TEXT, "\xFF", n * 2);
		assert_true(cut <= LINE_LIMIT && cut > LINE_LIMIT - 100);
	}
	restore(&s);
}

static void full_pipe_drops_lines_and_counts_them(void **state)
{
	struct sink s = redirect_pipe();
	uint64_t before = log_dropped();
	unsigned written = 0, lines = 0;
	char *got;

	(void)state;
	log_setup(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO);
	while (log_dropped() < before + 3) {
		log_info("a", "%01000u", written);
		assert_true(++written < 100000);
	}
	got = drain(&s);
	for (const char *p = got; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, written - 3);
	free(got);
	/* And it goes on when there is room again. */
	log_info("a", "after");
	got = drain(&s);
	restore(&s);
	assert_true(str_has_suffix(got, "<6>[a] after\n"));
	free(got);
}

static void full_socket_drops_lines_too(void **state)
{
	int fds[2];
	uint64_t before = log_dropped();
	struct sink s;
	unsigned written = 0;
	char *got;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	s = redirect(fds[1], fds[0]);
	log_setup(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO);
	while (log_dropped() == before) {
		log_info("a", "%01000u", written);
		assert_true(++written < 100000);
	}
	got = drain(&s);
	assert_true(written > 2 && str_has_prefix(got, "<6>[a] 000"));
	free(got);
	/* A reader that is gone is no reason to die of SIGPIPE. */
	closep(&s.read_fd);
	before = log_dropped();
	log_info("a", "to nobody");
	assert_true(log_dropped() == before + 1);
	restore(&s);
}

static void file_gets_every_line_at_its_end(void **state)
{
	const char *path = scratch_file(*state, "log", "earlier\n");
	struct sink s = redirect(open(path, O_WRONLY | O_APPEND | O_CLOEXEC), -1);
	char *got;

	log_setup(LOG_FORMAT_SYSTEMD, LOG_LEVEL_INFO);
	log_info("a", "one");
	log_info("a", "two");
	restore(&s);
	got = scratch_read(path);
	assert_string_equal(got, "earlier\n<6>[a] one\n<6>[a] two\n");
	free(got);
}

static void note_line(enum log_level level, const char *line, void *ctx)
{
	buf_printf(ctx, "%d %s|", (int)level, line);
}

static void tests_can_capture_lines(void **state)
{
	struct sink s = redirect_pipe();
	CLEANUP(buf_fini) struct buf lines = BUF_NULL;
	char *got;

	(void)state;
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_capture(note_line, &lines);
	log_error("store", "bad\nthing");
	log_debug("store", "quiet");
	log_capture(NULL, NULL);
	got = drain(&s);
	restore(&s);
	assert_string_equal(got, "");
	assert_string_equal(buf_str(&lines), "0 [store] bad thing|");
	free(got);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_line_has_time_level_and_room),
		cmocka_unit_test(systemd_line_has_its_priority),
		cmocka_unit_test(journal_is_found_out),
		cmocka_unit_test(json_line_is_one_object),
		cmocka_unit_test(foreign_text_stays_on_its_line),
		cmocka_unit_test(lesser_levels_are_left_out),
		cmocka_unit_test(line_is_cut_at_its_limit),
		cmocka_unit_test(full_pipe_drops_lines_and_counts_them),
		cmocka_unit_test(full_socket_drops_lines_too),
		TEST(file_gets_every_line_at_its_end),
		cmocka_unit_test(tests_can_capture_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
