/* SPDX-License-Identifier: MIT */
/*
 * Exact resumption of a container's log. Pure.
 *
 * The engine can be asked for the records since an instant (inclusive), in the order of its file.
 * The timestamps alone do not say what was taken: all pieces of one long line carry the same one,
 * and since the engine stamps stdout and stderr in two threads before either is written, a record
 * may lie behind a younger one. So a mark is an instant that lies safely behind the newest record,
 * and the count of records not older than it: asked from there, the engine sends exactly that many
 * again.
 *
 *   file order   ... 9.97 | 10.00  10.02  10.01  10.09  10.16     mark: from 10.00, 5 taken
 *
 * The instant moves on in steps of SLACK_NS: next_ns is always younger than every record before it
 * was chosen, so counting from then on is complete. A record older than from_ns (the engine was
 * held up, or the wall clock set back) drops the instant until the next step: the whole log is
 * counted then. When the engine has thrown away old records meanwhile, a record younger than
 * everything taken ends the skipping.
 *
 * What stays possible: the wall clock is set back while nobody reads, in a log that is not short.
 */
#include <inttypes.h>
#include <stdio.h>

#include "runner/log_record_internal.h"

#define NS_PER_SEC INT64_C(1000000000)
#define SLACK_NS   (NS_PER_SEC / 5)

/* So that a mark has room for two counts. 68 billion records are years of output. */
#define COUNT_LIMIT (UINT64_C(1) << 36)

/* LOG_OWNER_SIZE for a format. */
#define OWNER_DIGITS "8"

/* Days since 1970-01-01 in the proleptic Gregorian calendar; years are counted from March, so that
 * the leap day is the last of its year. */
static int64_t days_since_epoch(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t months = (month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * months + 2) / 5 + day - 1 - 719468;
}

/* Exactly n digits at the front of *s, which moves behind them. */
static bool take_number(struct slice *s, size_t n, int64_t max, int64_t *ret)
{
	uint64_t value;

	if (s->n < n || !slice_to_u64((struct slice){s->p, n}, (uint64_t)max, &value))
		return false;
	s->p += n;
	s->n -= n;
	*ret = (int64_t)value;
	return true;
}

static bool take_char(struct slice *s, char c)
{
	if (s->n == 0 || *s->p != c)
		return false;
	s->p++;
	s->n--;
	return true;
}

/* ".5" to ".123456789"; nothing at all is zero. */
static bool take_fraction(struct slice *s, int64_t *ret_ns)
{
	int64_t ns = 0, unit = NS_PER_SEC / 10;

	*ret_ns = 0;
	if (!take_char(s, '.'))
		return true;
	if (s->n == 0 || *s->p < '0' || *s->p > '9')
		return false;
	for (; s->n > 0 && *s->p >= '0' && *s->p <= '9'; s->p++, s->n--, unit /= 10)
		ns += (*s->p - '0') * unit;
	*ret_ns = ns;
	return true;
}

static bool take_offset(struct slice *s, int64_t *ret_seconds)
{
	int64_t hours, minutes, sign;

	*ret_seconds = 0;
	if (take_char(s, 'Z') || take_char(s, 'z'))
		return true;
	sign = take_char(s, '-') ? -1 : 1;
	if (sign == 1 && !take_char(s, '+'))
		return false;
	if (!take_number(s, 2, 23, &hours) || !take_char(s, ':') ||
		!take_number(s, 2, 59, &minutes))
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool take_date(struct slice *s, int64_t *ret_days)
{
	int64_t year, month, day;

	if (!take_number(s, 4, 2200, &year) || year < 1970 || !take_char(s, '-') ||
		!take_number(s, 2, 12, &month) || month < 1 || !take_char(s, '-') ||
		!take_number(s, 2, 31, &day) || day < 1)
		return false;
	*ret_days = days_since_epoch(year, month, day);
	return true;
}

/* An RFC 3339 timestamp at the front of *s. */
static bool take_instant(struct slice *s, int64_t *ret_ns)
{
	int64_t days, hour, minute, second, fraction, offset;

	if (!take_date(s, &days) || !take_char(s, 'T') || !take_number(s, 2, 23, &hour) ||
		!take_char(s, ':') || !take_number(s, 2, 59, &minute) || !take_char(s, ':') ||
		!take_number(s, 2, 60, &second) || !take_fraction(s, &fraction) ||
		!take_offset(s, &offset))
		return false;
	second += days * 86400 + hour * 3600 + minute * 60 - offset;
	if (second < 0)
		return false;
	*ret_ns = second * NS_PER_SEC + fraction;
	return true;
}

struct log_record log_record_parse(struct slice payload)
{
	struct log_record rec = {-1, payload};
	struct slice rest = payload;
	int64_t ns;

	if (take_instant(&rest, &ns) && take_char(&rest, ' '))
		rec = (struct log_record){ns, rest};
	return rec;
}

void log_mark_rewind(struct log_mark *m)
{
	m->to_skip = m->taken;
}

void log_mark_widen(struct log_mark *m)
{
	if (m->total > LOG_SHORT)
		return;
	m->from_ns = 0;
	m->taken = m->total;
}

static void count(struct log_mark *m, int64_t at_ns)
{
	m->total++;
	m->newest_ns = MAX_OF(m->newest_ns, at_ns);
	if (at_ns < m->from_ns) {
		m->from_ns = 0;
		m->taken = m->total;
		m->next_ns = m->newest_ns + 1;
		m->next_taken = 0;
		return;
	}
	m->taken++;
	if (at_ns >= m->next_ns)
		m->next_taken++;
	if (m->newest_ns - m->next_ns > SLACK_NS) {
		m->from_ns = m->next_ns;
		m->taken = m->next_taken;
		m->next_ns = m->newest_ns + 1;
		m->next_taken = 0;
	}
}

bool log_mark_take(struct log_mark *m, int64_t at_ns)
{
	if (at_ns < 0)
		at_ns = m->newest_ns;
	if (m->to_skip > 0 && at_ns <= m->newest_ns) {
		m->to_skip--;
		return false;
	}
	m->to_skip = 0;
	count(m, at_ns);
	return true;
}

void log_mark_write(const struct log_mark *m, const char *owner, char ret[SPOOL_MARK_MAX])
{
	int n = snprintf(ret, SPOOL_MARK_MAX,
		"%." OWNER_DIGITS "s %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 "%s", owner,
		(uint64_t)m->from_ns, m->taken, (uint64_t)m->newest_ns, m->total,
		m->is_ahead ? "+" : "");

	/* 16 digits for an instant, 9 for a count. */
	must(n > 0 && n < SPOOL_MARK_MAX);
}

static bool take_hex(const char **p, uint64_t *ret)
{
	uint64_t value = 0;
	size_t digits = 0;

	for (;; (*p)++, digits++) {
		unsigned digit;

		if (**p >= '0' && **p <= '9')
			digit = (unsigned)(**p - '0');
		else if (**p >= 'a' && **p <= 'f')
			digit = (unsigned)(**p - 'a' + 10);
		else
			break;
		value = value << 4 | digit;
	}
	*ret = value;
	/* 15 digits of nanoseconds last until the year 2006, 16 until 2262 (and 2^63). */
	return digits > 0 && digits <= 16 && value <= INT64_MAX;
}

bool log_mark_parse(const char *text, const char *owner, struct log_mark *ret)
{
	uint64_t v[4];
	const char *p = text + LOG_OWNER_SIZE;
	bool is_ahead;

	if (strnlen(text, LOG_OWNER_SIZE) < LOG_OWNER_SIZE ||
		strncmp(text, owner, LOG_OWNER_SIZE) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		if (*p++ != ' ' || !take_hex(&p, &v[i]))
			return false;
	}
	is_ahead = *p == '+';
	if (p[is_ahead] != '\0' || v[2] == INT64_MAX || v[1] > v[3] || v[3] >= COUNT_LIMIT)
		return false;
	*ret = (struct log_mark){.from_ns = (int64_t)v[0],
		.taken = v[1],
		.newest_ns = (int64_t)v[2],
		.total = v[3],
		.next_ns = (int64_t)v[2] + 1,
		.is_ahead = is_ahead};
	return true;
}
