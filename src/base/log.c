/* SPDX-License-Identifier: MIT */
/*
 * base/log.c - composing a log line and getting it out without ever waiting.
 *
 * A line is one write(2) of at most LINE_MAX_BYTES. Not waiting is done per kind of stderr: a pipe
 * or terminal is opened a second time, because O_NONBLOCK set on descriptor 2 itself would also
 * change it for the shell that shares it; a socket (the journal) is sent to with MSG_DONTWAIT;
 * a file never waits. A line that got out only in part ends with a newline before the next one.
 *
 * The state is process-wide on purpose: there is one stderr and one thread.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"

enum {
	LINE_MAX_BYTES = 4096, /* with the newline */
	TIME_TEXT_MAX = 40,
};

static struct {
	enum log_format format;
	enum log_level level;
	int fd; /* -1: descriptor 2 as it is */
	bool is_socket;
	bool is_torn; /* the last line got out only in part */
	uint64_t dropped;
	void (*capture)(enum log_level level, const char *line, void *ctx);
	void *capture_ctx;
} log_state = {.format = LOG_FORMAT_TEXT, .level = LOG_LEVEL_INFO, .fd = -1};

/* sd-daemon(3): stderr is the journal when $JOURNAL_STREAM names its device and inode. */
static bool is_journal(void)
{
	const char *stream = secure_getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (str_is_empty(stream) || fstat(STDERR_FILENO, &st) < 0)
		return false;
	(void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return str_eq(stream, own);
}

void log_setup(enum log_format format, enum log_level level)
{
	struct stat st;

	if (format == LOG_FORMAT_AUTO)
		format = is_journal() ? LOG_FORMAT_SYSTEMD : LOG_FORMAT_TEXT;
	log_state.format = format;
	log_state.level = level;
	closep(&log_state.fd);
	log_state.is_socket = false;
	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	log_state.is_socket = S_ISSOCK(st.st_mode);
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		log_state.fd = open(
			"/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_APPEND);
}

static ssize_t write_once(const char *p, size_t n)
{
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (log_state.is_socket)
		return send(STDERR_FILENO, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (log_state.fd >= 0)
		return write(log_state.fd, p, n);
	if (poll(&ready, 1, 0) <= 0)
		return -1;
	return write(STDERR_FILENO, p, n);
}

static void write_line(const struct buf *line)
{
	ssize_t n;

	if (log_state.is_torn && write_once("\n", 1) != 1) {
		log_state.dropped++;
		return;
	}
	log_state.is_torn = false;
	do
		n = write_once(line->p, line->n);
	while (n < 0 && errno == EINTR);
	if (n < 0 || (size_t)n < line->n) {
		log_state.dropped++;
		log_state.is_torn = n > 0;
	}
}

static const char *level_name(enum log_level level)
{
	static const char *const level_names[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARN] = "warn",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};

	return level_names[level];
}

/* syslog(3) priorities. */
static int level_priority(enum log_level level)
{
	static const int priorities[] = {
		[LOG_LEVEL_ERROR] = 3,
		[LOG_LEVEL_WARN] = 4,
		[LOG_LEVEL_INFO] = 6,
		[LOG_LEVEL_DEBUG] = 7,
	};

	return priorities[level];
}

static void print_local_time(char ret[TIME_TEXT_MAX])
{
	struct timespec now = {0};
	struct tm tm = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)localtime_r(&now.tv_sec, &tm);
	if (strftime(ret, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		ret[0] = '\0';
}

static void print_utc_time(char ret[TIME_TEXT_MAX])
{
	struct timespec now = {0};
	struct tm tm = {0};
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	n = strftime(ret, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(ret + n, TIME_TEXT_MAX - n, ".%03ldZ", now.tv_nsec / 1000000);
}

static void compose(struct buf *line, enum log_level level, const char *tag, struct slice text)
{
	char when[TIME_TEXT_MAX];

	buf_clear(line);
	if (log_state.format == LOG_FORMAT_JSON) {
		print_utc_time(when);
		buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"room\":", when,
			level_name(level));
		js_write_string(line, slice_of(tag));
		buf_add_str(line, ",\"message\":");
		js_write_string(line, text);
		buf_add_str(line, "}\n");
		return;
	}
	if (log_state.format == LOG_FORMAT_SYSTEMD) {
		buf_printf(line, "<%d>", level_priority(level));
	} else {
		print_local_time(when);
		buf_printf(line, "%s %-5s ", when, level_name(level));
	}
	buf_printf(line, "[%s] ", tag);
	buf_add_slice(line, text);
	buf_add_char(line, '\n');
}

/* The first n bytes of a cleaned text, or up to three fewer so that no character is halved. */
static struct slice cut_text(struct slice text, size_t n)
{
	text.n = MIN_OF(text.n, n);
	for (unsigned i = 0; i < 3 && text.n > 0 && !utf8_is_valid(text.p, text.n); i++)
		text.n--;
	return text;
}

static void put_line(enum log_level level, const char *tag, struct slice text)
{
	CLEANUP(buf_fini) struct buf line = BUF_NULL;

	compose(&line, level, tag, text);
	/* In JSON a byte may take more than one; each byte cut saves at least one. */
	while (line.n > LINE_MAX_BYTES && text.n > 0) {
		size_t over = line.n - LINE_MAX_BYTES;

		text = cut_text(text, over < text.n ? text.n - over : 0);
		compose(&line, level, tag, text);
	}
	write_line(&line);
}

void log_write(enum log_level level, const char *tag, const char *fmt, ...)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(buf_fini) struct buf captured = BUF_NULL;
	char raw[LINE_MAX_BYTES];
	va_list ap;
	int n;

	if (level > log_state.level)
		return;
	va_start(ap, fmt);
	n = vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	utf8_clean(&text, raw, strlen(raw));
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\n' || text.p[i] == '\t')
			text.p[i] = ' ';
	if (log_state.capture != NULL) {
		buf_printf(&captured, "[%s] %s", tag, buf_str(&text));
		log_state.capture(level, buf_str(&captured), log_state.capture_ctx);
		return;
	}
	put_line(level, tag, buf_slice(&text));
}

uint64_t log_dropped(void)
{
	return log_state.dropped;
}

void log_capture(void (*fn)(enum log_level level, const char *line, void *ctx), void *ctx)
{
	log_state.capture = fn;
	log_state.capture_ctx = ctx;
}
