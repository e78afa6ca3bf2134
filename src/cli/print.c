/* SPDX-License-Identifier: MIT */
/*
 * cli/print.c - what commands write. Text of others (results, errors, names of senders) passes
 * utf8_clean() on its way to a terminal, JSON for a terminal too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "calendar/duration.h"
#include "calendar/instant.h"
#include "cli/commands-internal.h"

#define FACT_WIDTH 12

void cli_print_json(const struct js *j)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;

	if (!isatty(STDOUT_FILENO)) {
		js_write(&text, j);
		(void)puts(buf_str(&text));
		return;
	}
	js_write_pretty(&text, j);
	utf8_clean(&clean, buf_str(&text), text.n);
	(void)puts(buf_str(&clean));
}

void cli_print_text(const char *text)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;

	utf8_clean(&clean, text, strlen(text));
	(void)fputs(buf_str(&clean), stdout);
	if (clean.n > 0 && clean.p[clean.n - 1] != '\n')
		(void)putchar('\n');
}

void cli_print_fact(const char *key, const char *text)
{
	if (str_is_empty(text))
		return;
	(void)printf("  %-*s ", FACT_WIDTH, key);
	cli_print_text(text);
}

char *cli_cell(const char *text, size_t width)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;
	CLEANUP(buf_fini) struct buf out = BUF_NULL;
	size_t chars = 0;

	if (text != NULL)
		utf8_clean(&clean, text, strlen(text));
	for (size_t i = 0; i < clean.n && chars < width; chars++) {
		size_t n = MAX_OF(utf8_len(clean.p + i, clean.n - i), (size_t)1);

		if (clean.p[i] == '\n' || clean.p[i] == '\t')
			buf_add_char(&out, ' ');
		else
			buf_add(&out, clean.p + i, n);
		i += n;
	}
	return buf_steal(&out);
}

int64_t cli_now(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * US_PER_SEC + t.tv_nsec / 1000;
}

void cli_ago(struct buf *out, const char *when)
{
	int64_t at;

	if (when != NULL && instant_parse(slice_of(when), &at))
		instant_print_ago(out, at, cli_now());
	else
		buf_add_str(out, "--");
}

void cli_until(struct buf *out, const char *when)
{
	int64_t at, left;

	if (when == NULL || !instant_parse(slice_of(when), &at)) {
		buf_add_str(out, "--");
		return;
	}
	left = at - cli_now();
	if (left > 0)
		cli_wait(out, left);
	else
		buf_add_str(out, "now");
}

/* Begun seconds count: tomorrow at this time is "in 1d". */
void cli_wait(struct buf *out, int64_t wait_us)
{
	static const struct {
		int64_t seconds;
		char letter;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	int64_t left = (wait_us + US_PER_SEC - 1) / US_PER_SEC;
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(units) && left < units[i].seconds)
		i++;
	buf_printf(out, "in %" PRId64 "%c", left / units[i].seconds, units[i].letter);
	left %= units[i].seconds;
	if (++i < ARRAY_LEN(units) && left / units[i].seconds > 0)
		buf_printf(out, " %" PRId64 "%c", left / units[i].seconds, units[i].letter);
}

void cli_local(struct buf *out, const struct zone *z, int64_t at_us)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	int64_t at_s = at_us / US_PER_SEC;
	struct civil t = zone_civil(z, at_s);
	const char *abbreviation;

	(void)zone_offset(z, at_s, NULL, &abbreviation);
	buf_printf(out, "%s %04d-%02d-%02d %02d:%02d",
		days[civil_weekday(civil_days(t.year, t.month, t.day))], t.year, t.month, t.day,
		t.hour, t.minute);
	if (t.second != 0)
		buf_printf(out, ":%02d", t.second);
	buf_printf(out, " %s", abbreviation);
}

void cli_duration(struct buf *out, int64_t ms)
{
	if (ms < 0)
		buf_add_str(out, "--");
	else
		duration_print(out, (ms + 500) / 1000 * US_PER_SEC);
}

const char *cli_state_color(const struct cli *c, const char *state)
{
	static const struct {
		const char *state, *color;
	} colors[] = {
		{"running", "\033[36m"},
		{"starting", "\033[36m"},
		{"completed", "\033[32m"},
		{"sent", "\033[32m"},
		{"failed", "\033[31m"},
		{"timed_out", "\033[31m"},
		{"lost", "\033[31m"},
		{"rejected", "\033[31m"},
		{"dead", "\033[31m"},
		{"unknown", "\033[31m"},
		{"awaiting_approval", "\033[33m"},
		{"queued", "\033[33m"},
	};

	for (size_t i = 0; c->color && i < ARRAY_LEN(colors); i++)
		if (str_eq(colors[i].state, state))
			return colors[i].color;
	return "";
}

const char *cli_color_end(const struct cli *c)
{
	return c->color ? "\033[0m" : "";
}

void cli_say(const struct cli *c, const char *fmt, ...)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;
	va_list ap;

	if (c->quiet)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	utf8_clean(&clean, buf_str(&text), text.n);
	(void)fflush(stdout);
	(void)fprintf(stderr, "%s\n", buf_str(&clean));
}
