/* SPDX-License-Identifier: MIT */
/*
 * Which logs grow, and the end of stdout.
 *
 * Keepers write the logs, so the kernel is asked when: inotify(7) on the folders of the logs, not
 * on the files, for a long log goes on in segment files (base/spool.h) that come and go. Nothing is
 * read here; who follows a log reads it. After a heap of news nothing is listened to for PAUSE_US,
 * so that commands that print without end wake us so often and no more; when all are silent,
 * nothing wakes us.
 *
 * <log>.streams has a line "<offset> <1|2> <unix ms>" for each place where the stream changes, and
 * ends with a line "... more" when it became too long. What is behind its end may be of either
 * stream and counts as stdout.
 */
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/spool.h"
#include "runner/process_internal.h"

#define PAUSE_US    (25 * US_PER_MS)
#define STREAMS_MAX KIB(80)
#define CHUNK       KIB(64)

enum {
	EVENTS_BYTES = 16384,
	READS_MAX = 16, /* at a time */
	GROWN = IN_MODIFY | IN_MOVED_TO,
};

struct process_log_folder {
	struct list node;
	int wd; /* -1: it is gone */
	unsigned users;
	char path[];
};

/* --- growing --- */

static struct processes *owner_of(struct process_logs *l)
{
	return container_of(l, struct processes, logs);
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Is it the file of that log, or one of its segments? */
static bool is_part_of(const char *entry, const char *log_path)
{
	const char *name = name_of(log_path);
	size_t n = strlen(name);

	return strncmp(entry, name, n) == 0 &&
	       (entry[n] == '\0' || str_eq(entry + n, ".a") || str_eq(entry + n, ".b"));
}

/* wd -1: all logs. */
static void note_growth(struct process_logs *l, int wd, const char *entry)
{
	list_foreach (it, &owner_of(l)->runs) {
		struct process_run *r = list_entry(it, struct process_run, node);

		if (r->log_folder == NULL || (r->due & DUE_OUTPUT) != 0)
			continue;
		if (wd == -1 || (r->log_folder->wd == wd && is_part_of(entry, r->log_path)))
			process_due(r, DUE_OUTPUT);
	}
}

static void forget_wd(struct process_logs *l, int wd)
{
	list_foreach (it, &l->folders) {
		struct process_log_folder *f = list_entry(it, struct process_log_folder, node);

		if (f->wd == wd)
			f->wd = -1;
	}
}

static void on_event(struct process_logs *l, const struct inotify_event *ev)
{
	if ((ev->mask & IN_Q_OVERFLOW) != 0)
		note_growth(l, -1, "");
	else if ((ev->mask & IN_IGNORED) != 0)
		forget_wd(l, ev->wd);
	else if (ev->len > 0)
		note_growth(l, ev->wd, ev->name);
}

static void on_news(struct watch *w UNUSED, uint32_t events UNUSED, void *ctx)
{
	struct process_logs *l = ctx;
	_Alignas(struct inotify_event) char bytes[EVENTS_BYTES];

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(l->fd, bytes, sizeof(bytes));

		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *ev = (const void *)(bytes + at);

			at += (ssize_t)(sizeof(*ev) + ev->len);
			on_event(l, ev);
		}
		if (n <= 0)
			break;
	}
	watch_events(&l->watch, 0);
	timer_set_in(&l->pause, PAUSE_US);
}

static void on_pause_over(struct timer *t UNUSED, void *ctx)
{
	struct process_logs *l = ctx;

	watch_events(&l->watch, EPOLLIN);
}

void process_logs_init(struct process_logs *l, struct loop *loop)
{
	l->loop = loop;
	l->fd = -1;
	list_init(&l->folders);
	timer_init(&l->pause, loop, on_pause_over, l);
}

void process_logs_fini(struct process_logs *l)
{
	must(list_is_empty(&l->folders));
	timer_cancel(&l->pause);
	watch_stop(&l->watch);
	closep(&l->fd);
}

/* Without it, output is told at the end only. */
static bool is_open(struct process_logs *l)
{
	struct err e = CLEAN_ERR;

	if (l->fd >= 0 || l->is_given_up)
		return l->fd >= 0;
	l->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (l->fd < 0)
		(void)err_errno(&e, "see fs.inotify.max_user_instances");
	else if (watch_start(&l->watch, l->loop, l->fd, EPOLLIN, on_news, l, &e) < 0)
		closep(&l->fd);
	l->is_given_up = l->fd < 0;
	if (l->is_given_up)
		log_warn(PROCESS_TAG, "logs of commands cannot be followed: %s", e.text);
	return l->fd >= 0;
}

static struct process_log_folder *find_folder(struct process_logs *l, struct slice path)
{
	struct process_log_folder *f;

	list_foreach (it, &l->folders) {
		f = list_entry(it, struct process_log_folder, node);
		if (slice_eq_str(path, f->path))
			return f;
	}
	f = xcalloc_held(1, sizeof(*f) + path.n + 1);
	memcpy(f->path, path.p, path.n);
	f->wd = -1;
	list_append(&l->folders, &f->node);
	return f;
}

void process_log_follow(struct process_run *r)
{
	struct process_logs *l = &r->all->logs;
	const char *name;
	struct process_log_folder *f;

	if (r->log_path == NULL || r->log_folder != NULL || !is_open(l))
		return;
	name = name_of(r->log_path);
	f = find_folder(l, name == r->log_path
				   ? SLICE_LIT(".")
				   : (struct slice){r->log_path, (size_t)(name - r->log_path)});
	f->users++;
	r->log_folder = f;
	if (f->wd < 0)
		f->wd = inotify_add_watch(l->fd, f->path, GROWN | IN_ONLYDIR | IN_EXCL_UNLINK);
	if (f->wd < 0)
		log_warn(PROCESS_TAG, "run %s: its log cannot be followed: %s", r->id.s,
			strerror(errno));
	/* What was written before. */
	if (!process_log_is_empty(r->log_path))
		process_due(r, DUE_OUTPUT);
}

void process_log_unfollow(struct process_run *r)
{
	struct process_log_folder *f = r->log_folder;

	r->log_folder = NULL;
	if (f == NULL || --f->users > 0)
		return;
	if (f->wd >= 0)
		(void)inotify_rm_watch(r->all->logs.fd, f->wd);
	list_remove(&f->node);
	free(f);
}

bool process_log_is_empty(const char *path)
{
	uint64_t offset = 0;
	char byte;

	return spool_read(path, &offset, &byte, 1) == 0;
}

/* --- the end of stdout --- */

/* From here on it is this stream, until the next change. */
struct change {
	uint64_t offset;
	bool is_stdout;
};

struct changes {
	struct change *v;
	size_t n, size;
};

static void changes_fini(struct changes *c)
{
	free(c->v);
}

static void changes_add(struct changes *c, struct change x)
{
	if (c->n == c->size) {
		c->size = c->size == 0 ? 64 : c->size * 2;
		c->v = xreallocarray(c->v, c->size, sizeof(*c->v));
	}
	c->v[c->n++] = x;
}

/* "<offset> <1|2> ..." */
static bool read_change(struct slice line, struct change *ret)
{
	const char *space = line.n == 0 ? NULL : memchr(line.p, ' ', line.n);
	size_t n = space == NULL ? 0 : (size_t)(space - line.p);

	if (space == NULL || line.n < n + 2 || (space[1] != '1' && space[1] != '2'))
		return false;
	ret->is_stdout = space[1] == '1';
	return slice_to_u64((struct slice){line.p, n}, INT64_MAX, &ret->offset);
}

/* Without changes all is stdout, and so is what comes behind a line that is none. */
static void read_changes(const char *log_path, struct changes *ret)
{
	CLEANUP(freep) char *path = xasprintf("%s.streams", log_path);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct slice rest;

	if (file_read(path, STREAMS_MAX, &text, NULL) < 0)
		return;
	rest = buf_slice(&text);
	while (rest.n > 0) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end == NULL ? rest.n : (size_t)(end - rest.p);
		struct change x;

		/* A line that is still being written is none. */
		if (end == NULL || !read_change((struct slice){rest.p, n}, &x) ||
			(ret->n > 0 && x.offset < ret->v[ret->n - 1].offset)) {
			if (ret->n > 0)
				ret->v[ret->n - 1].is_stdout = true;
			return;
		}
		changes_add(ret, x);
		rest.p += n + 1;
		rest.n -= n + 1;
	}
}

/* Which stream has the byte at the offset, and up to where. Asked for growing offsets: *at is where
 * the last answer was found. */
static bool is_stdout_at(const struct changes *c, size_t *at, uint64_t offset, uint64_t *ret_until)
{
	while (*at < c->n && c->v[*at].offset <= offset)
		(*at)++;
	*ret_until = *at < c->n ? c->v[*at].offset : UINT64_MAX;
	/* Before the first change it is not the command's. */
	return *at == 0 ? c->n == 0 : c->v[*at - 1].is_stdout;
}

void process_log_stdout(const char *path, struct buf *out)
{
	CLEANUP(changes_fini) struct changes changes = {0};
	CLEANUP(freep) char *chunk = xcalloc(1, CHUNK);
	uint64_t offset = spool_tail_offset(path, RESULT_FILE_MAX);
	size_t at = 0, total = 0, n;

	read_changes(path, &changes);
	/* A log that somebody is still writing to has no end. */
	for (; total < RESULT_FILE_MAX; total += n) {
		uint64_t from, until;

		n = spool_read(path, &offset, chunk, MIN_OF(CHUNK, RESULT_FILE_MAX - total));
		if (n == 0)
			break;
		for (from = offset - n; from < offset; from = until) {
			bool is_stdout = is_stdout_at(&changes, &at, from, &until);

			until = MIN_OF(until, offset);
			if (is_stdout)
				buf_add(out, chunk + (n - (offset - from)), until - from);
		}
	}
}
