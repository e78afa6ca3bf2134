/* SPDX-License-Identifier: MIT */
/*
 * base/log.h - one line per noteworthy thing, to stderr.
 *
 * Text on a terminal ("2026-11-20 09:00:00 warn  [engine] ..."), lines that start with <N> under
 * systemd (sd-daemon(3) priorities), or one JSON object a line. A failure is logged once, by the
 * room that decides what happens next; pure rooms never log. Control bytes of foreign text are
 * removed. Writing never blocks the loop: when stderr is full, lines are dropped and counted.
 */
#ifndef PYLON_BASE_LOG_H
#define PYLON_BASE_LOG_H

#include "base/base.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_format {
	LOG_FORMAT_AUTO, /* systemd when stderr is the journal ($JOURNAL_STREAM), else text */
	LOG_FORMAT_TEXT,
	LOG_FORMAT_SYSTEMD,
	LOG_FORMAT_JSON,
};

void log_setup(enum log_format format, enum log_level level);

/* `tag` names the room; the line is cut at 4 KiB. */
void log_write(enum log_level level, const char *tag, const char *fmt, ...) PRINTF(3, 4);
#define log_error(tag, ...) log_write(LOG_LEVEL_ERROR, tag, __VA_ARGS__)
#define log_warn(tag, ...)  log_write(LOG_LEVEL_WARN, tag, __VA_ARGS__)
#define log_info(tag, ...)  log_write(LOG_LEVEL_INFO, tag, __VA_ARGS__)
#define log_debug(tag, ...) log_write(LOG_LEVEL_DEBUG, tag, __VA_ARGS__)

/* Lines that could not be written so far. */
uint64_t log_dropped(void);
/* Tests: lines go to fn instead of stderr (NULL: back to stderr). */
void log_capture(void (*fn)(enum log_level level, const char *line, void *ctx), void *ctx);

#endif
