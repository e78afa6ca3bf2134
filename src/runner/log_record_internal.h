/* SPDX-License-Identifier: MIT */
/*
 * Records of a container's log, and how far it was taken. See log_record.c for why a count and not
 * simply the last timestamp.
 */
#ifndef RUNNER_LOG_RECORD_INTERNAL_H
#define RUNNER_LOG_RECORD_INTERNAL_H

#include "base/spool.h"
#include "base/str.h"

/* One record as the engine sends it with timestamps=1: "<RFC 3339> <bytes>". */
struct log_record {
	int64_t at_ns; /* since 1970 UTC; -1 = it had no timestamp */
	struct slice text;
};

struct log_record log_record_parse(struct slice payload);

/* How far a log was taken. Zeroed = nothing yet. */
struct log_mark {
	int64_t from_ns; /* where to ask from (inclusive); 0 = the beginning */
	uint64_t taken;  /* records taken that are not older than from_ns */
	int64_t newest_ns;
	uint64_t total;  /* records ever taken */
	int64_t next_ns; /* the from_ns to come ... */
	uint64_t next_taken;
	uint64_t to_skip; /* of those the engine sends again */
	bool is_ahead;    /* the end of what was taken is not in the spool */
};

/* The engine will send again from from_ns. */
void log_mark_rewind(struct log_mark *m);
/* For a log that others wrote to meanwhile, unseen: asks for all of it again when it is short
 * enough (LOG_SHORT records), so that not even a clock that was set back can hide a record. */
#define LOG_SHORT 20000
void log_mark_widen(struct log_mark *m);
/* True when this record is new; it is counted as taken then. */
bool log_mark_take(struct log_mark *m, int64_t at_ns);
/* As text that fits a spool's mark, with the first LOG_OWNER_SIZE characters of `owner` (a run id):
 * the next run of a job goes on in the same spool, but not in the same log. And back; false for
 * what log_mark_write() never wrote, or wrote for another owner. */
#define LOG_OWNER_SIZE 8
void log_mark_write(const struct log_mark *m, const char *owner, char ret[SPOOL_MARK_MAX]);
bool log_mark_parse(const char *text, const char *owner, struct log_mark *ret);

#endif
