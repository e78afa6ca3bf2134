/* SPDX-License-Identifier: MIT */
/*
 * journal.c - what is written down of a run while it goes: our own lines in its log, what its agent
 * did last, and which values may never be seen in either.
 *
 * Until the runner has a run, its log is ours: preparing a workspace has things to tell. A mark is
 * set behind each line, so the runner goes on behind it; each attempt begins a new file, and the
 * one before keeps its number.
 */
#include <errno.h>
#include <stdio.h>

#include "base/file.h"
#include "engine/rundir-internal.h"

#define OUR_MARK        "pylon" /* no mark of the runner's: it reads its source from the beginning */
#define NOTE_PREFIX     "> "
#define PROGRESS_SEARCH KIB(64) /* of the end of a log */

/* --- secrets --- */

void live_set_mask(struct live *v, const struct strv *more)
{
	CLEANUP(strv_fini) struct strv values = STRV_NULL;

	strv_copy(&values, &v->config->secrets_known);
	for (size_t i = 0; more != NULL && i < more->n; i++)
		strv_add(&values, more->v[i]);
	if (v->token[0] != '\0')
		strv_add(&values, v->token);
	mask_unref(v->mask);
	v->mask = mask_new(&values);
}

/* --- the log before the runner has it --- */

/* The log itself goes last: as long as it is there, this is done again. What a spool keeps beside
 * it goes along, or it would be taken for that of the next attempt. */
void live_begin_log(struct live *v)
{
	static const char *const suffixes[] = {".a", ".b", ".mark", ""};
	CLEANUP(buf_fini) struct buf path = BUF_NULL;

	engine_log_path(v->engine, v->pylon->config->name, &v->job_id, &path);
	if (v->attempt <= 1 || !file_exists(buf_str(&path)))
		return;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		CLEANUP(freep) char *from = xasprintf("%s%s", buf_str(&path), suffixes[i]);
		CLEANUP(freep)
		char *to = xasprintf("%.*s.%d.log%s", (int)(path.n - strlen(".log")),
			buf_str(&path), v->attempt - 1, suffixes[i]);

		if (rename(from, to) < 0 && errno != ENOENT)
			log_warn(TAG, "%s: %s", from, strerror(errno));
	}
}

static bool open_log(struct live *v)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	char mark[SPOOL_MARK_MAX] = "";
	struct err err = CLEAN_ERR;

	if (v->log != NULL)
		return true;
	engine_log_path(v->engine, v->pylon->config->name, &v->job_id, &path);
	if (spool_open(&v->log, buf_str(&path), LOG_HEAD_MAX, LOG_TAIL_MAX, mark, &err) == 0)
		return true;
	log_warn(TAG, "job %.8s: %s", v->job_id.s, err.text);
	v->log = NULL;
	return false;
}

void live_close_log(struct live *v)
{
	if (v->log != NULL)
		spool_close(v->log, false);
	v->log = NULL;
}

static void write_note(struct live *v, const char *line)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	CLEANUP(freep) char *full = xasprintf(NOTE_PREFIX "%s\n", line);
	struct err err = CLEAN_ERR;

	if (!open_log(v))
		return;
	mask_text(v->mask, slice_of(full), &text);
	if (spool_write(v->log, text.p, text.n, &err) < 0 || spool_mark(v->log, OUR_MARK, &err) < 0)
		log_warn(TAG, "job %.8s: %s", v->job_id.s, err.text);
	engine_emit(v->engine, "log", v->pylon, &v->job_id, "", NULL);
}

void live_note(struct live *v, const char *line)
{
	if (live_is_handed(v))
		live_runner(v)->ops->note(live_runner(v), &v->run_id, line);
	else
		write_note(v, line);
}

/* --- progress --- */

void progress_add(struct progress *p, int64_t at, const char *line)
{
	size_t i = p->n++ % PROGRESS_LINES;

	str_replace(&p->v[i].line, line);
	p->v[i].at = at;
}

void progress_fini(struct progress *p)
{
	for (size_t i = 0; i < PROGRESS_LINES; i++)
		free(p->v[i].line);
	*p = (struct progress){0};
}

/* Any line that begins as ours do is taken for one: an agent can only fool itself. */
static void restore_line(struct progress *p, struct slice line)
{
	CLEANUP(buf_fini) struct buf clean = BUF_NULL;

	if (!slice_has_prefix(line, NOTE_PREFIX))
		return;
	utf8_clean(&clean, line.p + strlen(NOTE_PREFIX), line.n - strlen(NOTE_PREFIX));
	progress_add(p, 0, buf_str(&clean));
}

void live_restore_progress(struct live *v)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	CLEANUP(freep) char *text = xcalloc(1, PROGRESS_SEARCH);
	struct slice rest;
	uint64_t offset;

	engine_log_path(v->engine, v->pylon->config->name, &v->job_id, &path);
	offset = spool_tail_offset(buf_str(&path), PROGRESS_SEARCH);
	rest = (struct slice){text, spool_read(buf_str(&path), &offset, text, PROGRESS_SEARCH)};
	while (rest.n > 0) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end == NULL ? rest.n : (size_t)(end - rest.p);

		restore_line(&v->progress, (struct slice){rest.p, n});
		rest.p += MIN_OF(n + 1, rest.n);
		rest.n -= MIN_OF(n + 1, rest.n);
	}
}
