/* SPDX-License-Identifier: MIT */
/*
 * loop/folder.c - folders whose entries somebody may change, on one inotify(7) descriptor each
 * watcher.
 *
 * Invariant: a folder that is not gone has a watch descriptor of the kernel; several may share one
 * (inotify knows inodes, not names: a folder and a link to it are the same to it). While callbacks
 * run nothing is freed, only marked, so that they may do as they like.
 *
 * What is asked for, and why not more: IN_CLOSE_WRITE and not IN_MODIFY, because a half-written
 * file is of no use and a database that is written to all day must be silent. IN_CREATE, because a
 * link or a folder is never written. IN_ATTRIB, because a file that can be read again after a chmod
 * is news. IN_EXCL_UNLINK, because what happens to a file that has lost its name is told under a
 * name that may be another's by now.
 *
 * The end of a folder, however it came, is IN_IGNORED; the kernel has dropped the watch then.
 *
 * What surprised us: a folder that is renamed keeps its watch under the new name, so that we would
 * go on telling about a place where nobody looks; it leaves like a removed one. Descriptors of
 * removed watches still stand in the queue; the kernel does not give their numbers away again soon
 * (it counts upwards), so unknown ones are passed over. When a parent is renamed nothing is told.
 */
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/str.h"
#include "loop/loop_internal.h"

#define ENTRY_CHANGED                                                                              \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB)
#define FOLDER_FLAGS (IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

enum {
	/* One read; at least one event with the longest name (16 + 255 + 1 bytes). */
	EVENTS_BYTES = 8192,
};

struct folder {
	struct list node;
	int wd;
	bool is_gone; /* only its memory is still there, see sweep() */
	char path[];
};

struct folder_watch {
	struct watch watch;
	int fd;
	folder_watch_fn *fn;
	void *ctx;
	struct list folders;
	bool is_telling; /* nothing is freed meanwhile */
	bool is_freed;   /* as soon as that is over */
};

static struct folder *find_path(struct folder_watch *w, const char *path)
{
	list_foreach (it, &w->folders) {
		struct folder *f = list_entry(it, struct folder, node);

		if (!f->is_gone && str_eq(f->path, path))
			return f;
	}
	return NULL;
}

static bool has_wd(struct folder_watch *w, int wd)
{
	list_foreach (it, &w->folders) {
		const struct folder *f = list_entry(it, struct folder, node);

		if (!f->is_gone && f->wd == wd)
			return true;
	}
	return false;
}

/* Gives the kernel's watch back unless another folder shares it. */
static void release_wd(struct folder_watch *w, int wd)
{
	/* It fails when the folder is gone: the kernel was faster. */
	if (!has_wd(w, wd))
		(void)inotify_rm_watch(w->fd, wd);
}

/* Frees the folders that are gone. */
static void sweep(struct folder_watch *w)
{
	list_foreach_safe (it, &w->folders) {
		struct folder *f = list_entry(it, struct folder, node);

		if (!f->is_gone)
			continue;
		list_remove(&f->node);
		free(f);
	}
}

/* Calls back for every folder with that watch (-1: for all). Those that a callback adds are not
 * told what was before them. */
static void tell(struct folder_watch *w, int wd, const char *entry, bool is_gone)
{
	const struct list *last = w->folders.prev;

	list_foreach (it, &w->folders) {
		struct folder *f = list_entry(it, struct folder, node);

		if (!f->is_gone && (wd == -1 || f->wd == wd)) {
			f->is_gone = is_gone;
			w->fn(f->path, entry, w->ctx);
		}
		if (w->is_freed || it == last)
			break;
	}
}

static void on_event(struct folder_watch *w, const struct inotify_event *ev)
{
	bool is_gone = (ev->mask & (IN_MOVE_SELF | IN_IGNORED)) != 0;

	if ((ev->mask & IN_Q_OVERFLOW) != 0) {
		tell(w, -1, "", false);
		return;
	}
	if (!has_wd(w, ev->wd))
		return;
	if ((ev->mask & IN_MOVE_SELF) != 0)
		(void)inotify_rm_watch(w->fd, ev->wd);
	/* Without a name it is the folder itself. */
	tell(w, ev->wd, ev->len == 0 ? "" : ev->name, is_gone);
}

static void release(struct folder_watch *w)
{
	watch_stop(&w->watch);
	closep(&w->fd);
	list_foreach (it, &w->folders)
		list_entry(it, struct folder, node)->is_gone = true;
	sweep(w);
	free(w);
}

/* What is left unread keeps the descriptor readable. */
static void on_readable(struct watch *watch UNUSED, uint32_t events UNUSED, void *ctx)
{
	struct folder_watch *w = ctx;
	_Alignas(struct inotify_event) char bytes[EVENTS_BYTES];
	ssize_t n = read(w->fd, bytes, sizeof(bytes));

	w->is_telling = true;
	for (ssize_t at = 0; at < n && !w->is_freed;) {
		const struct inotify_event *ev = (const void *)(bytes + at);

		at += (ssize_t)(sizeof(*ev) + ev->len);
		on_event(w, ev);
	}
	w->is_telling = false;
	if (w->is_freed)
		release(w);
	else
		sweep(w);
}

int folder_watch_new(
	struct folder_watch **ret, struct loop *l, folder_watch_fn *fn, void *ctx, struct err *e)
{
	CLEANUP(folder_watch_freep) struct folder_watch *w = NULL;
	int r;

	if (l->event == NULL)
		return err_set(e, -EOPNOTSUPP, "a fake loop watches no folders");
	w = xcalloc_held(1, sizeof(*w));
	list_init(&w->folders);
	w->fn = fn;
	w->ctx = ctx;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		return err_errno(e, "cannot watch folders (see fs.inotify.max_user_instances)");
	r = watch_start(&w->watch, l, w->fd, EPOLLIN, on_readable, w, e);
	if (r < 0)
		return r;
	*ret = STEAL(w);
	return 0;
}

void folder_watch_free(struct folder_watch *w)
{
	if (w == NULL)
		return;
	w->is_freed = true;
	if (!w->is_telling)
		release(w);
}

/* Another folder may have taken the place of the one that was known by this name. */
static void renew(struct folder_watch *w, struct folder *f, int wd)
{
	int old = f->wd;

	f->wd = wd;
	if (old != wd)
		release_wd(w, old);
}

static void append(struct folder_watch *w, const char *path, int wd)
{
	size_t size = strlen(path) + 1;
	struct folder *f = xcalloc_held(1, sizeof(*f) + size);

	f->wd = wd;
	memcpy(f->path, path, size);
	list_append(&w->folders, &f->node);
}

int folder_watch_add(struct folder_watch *w, const char *folder, struct err *e)
{
	int wd = inotify_add_watch(w->fd, folder, ENTRY_CHANGED | FOLDER_FLAGS);
	struct folder *f;

	if (wd < 0) {
		return err_errno(e, "cannot watch folder %s%s", folder,
			errno == ENOSPC ? " (see fs.inotify.max_user_watches)" : "");
	}
	f = find_path(w, folder);
	if (f != NULL)
		renew(w, f, wd);
	else
		append(w, folder, wd);
	return 0;
}

void folder_watch_remove(struct folder_watch *w, const char *folder)
{
	struct folder *f = find_path(w, folder);

	if (f == NULL)
		return;
	f->is_gone = true;
	release_wd(w, f->wd);
	if (!w->is_telling)
		sweep(w);
}
