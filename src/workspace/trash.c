/* SPDX-License-Identifier: MIT */
/*
 * Removing trees step by step.
 *
 * An agent may leave a million files, ten thousand nested folders, or one file of a terabyte. What
 * is thrown away is renamed into one trash folder; each turn of the loop then removes up to
 * STEP_OPS entries of it, and stops after STEP_US. A folder that is found inside another is renamed
 * up into the trash folder instead of being entered, so the depth never exceeds two and a killed
 * process costs nothing. A folder stays open from turn to turn, because reading a large one from
 * its beginning means to pass over all that is gone. A large file is unlinked, and what it held is
 * given back piece by piece: to free some gigabytes takes the kernel long, too.
 *
 * Every step is relative to an open folder and follows no link. Rights that were taken away are
 * given back first (renaming a folder needs them on the folder itself). What resists all the same
 * (a mount, a folder of another user, an immutable file) does not hold up the rest: the folder that
 * it is in is renamed to "kept-<process>-..." and left for the next process, which tries once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/log.h"
#include "workspace/below_internal.h"
#include "workspace/trash_internal.h"

enum {
	STEP_OPS = 256,
	PIECES_MAX = 65536,  /* 4 TiB */
	COMPLAINTS_MAX = 20, /* about what resists; a hostile tree may have any number */
};
#define STEP_US   (10 * US_PER_MS)
#define PIECE     ((off_t)MIB(64)) /* of a file, freed at a time */
#define KEPT_SIZE (sizeof("kept--") + TOKEN_SIZE - 1)

struct trash {
	char *dir;
	struct loop *loop;
	struct defer step;

	char kept[KEPT_SIZE]; /* how the names begin of what resisted us */

	DIR *all;         /* the trash folder, being read; NULL = to be begun */
	bool is_fruitful; /* since it was begun, something was achieved or thrown in */

	/* The folder of the trash that is being emptied. */
	DIR *open; /* NULL = none */
	char name[NAME_MAX + 1];
	bool has_shrunk; /* something was removed since it was read from its beginning */
	int culprit;     /* errno of the first that resisted since then; 0 = none */

	/* A large file that has no name any more. */
	int large;       /* -1 = none */
	unsigned pieces; /* of it that were freed */
	unsigned complaints;
};

static void close_dir(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
	*d = NULL;
}

static bool is_dots(const char *name)
{
	return str_eq(name, ".") || str_eq(name, "..");
}

/* Gives ourselves all rights on a folder; not possible when it is another user's. */
static void make_usable(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
		(void)below_set_mode(fd, 0700);
}

static DIR *open_dir_at(int parent, const char *name)
{
	CLEANUP(closep) int place = below_open(parent, name);
	CLEANUP(closep) int fd = -1;
	DIR *d;

	if (place < 0) {
		errno = -place;
		return NULL;
	}
	make_usable(place);
	fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (d != NULL)
		(void)fd_steal(&fd);
	return d;
}

/* --- one entry --- */

/* Unlinks a file and keeps it open, if it takes long to free. False when it is to be unlinked like
 * any other. */
static bool take_large(struct trash *t, int parent, const char *name)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	if (t->large >= 0 || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(st.st_mode) || st.st_blocks <= PIECE / 512)
		return false;
	fd = openat(parent, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || unlinkat(parent, name, 0) < 0)
		return false;
	/* With another name left it is not ours to be emptied. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0) {
		t->large = fd_steal(&fd);
		t->pieces = 0;
	}
	return true;
}

/* Where the last data of a file ends: behind it there is only a hole. */
static off_t end_of_data(int fd, off_t size)
{
	off_t low = 0;
	off_t high = size;

	while (low < high) {
		off_t middle = low + (high - low) / 2;

		if (lseek(fd, middle, SEEK_DATA) >= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Frees the last piece of the large file. Holes are passed over, so a sparse file of any size has
 * an end; where the file system does not tell them, PIECES_MAX is it. (To punch holes would write
 * out first what is thrown away.) */
static void free_piece(struct trash *t)
{
	struct stat st;
	off_t end = fstat(t->large, &st) == 0 ? end_of_data(t->large, st.st_size) : 0;

	if (end <= PIECE || ++t->pieces > PIECES_MAX || ftruncate(t->large, end - PIECE) < 0) {
		(void)!ftruncate(t->large, 0);
		closep(&t->large);
	}
}

/* Removes what is no folder; moves a folder up into the trash. 0, or errno when it resists. */
static int lift(struct trash *t, int parent, const char *name)
{
	CLEANUP(closep) int folder = -1;
	char fresh[TOKEN_SIZE];

	if (take_large(t, parent, name) || unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return errno;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return 0;
	folder = below_open(parent, name);
	if (folder >= 0)
		make_usable(folder);
	token_make(fresh);
	return renameat(parent, name, dirfd(t->all), fresh) == 0 || errno == ENOENT ? 0 : errno;
}

/* --- one folder of the trash --- */

/* Puts aside what resists. */
static void keep(struct trash *t, const char *name, int code)
{
	char token[TOKEN_SIZE];
	char kept[KEPT_SIZE + TOKEN_SIZE];

	if (t->complaints++ < COMPLAINTS_MAX)
		log_warn("workspace", "%s/%s cannot be removed as a whole: %s", t->dir, name,
			strerror(code));
	token_make(token);
	(void)snprintf(kept, sizeof(kept), "%s%s", t->kept, token);
	if (renameat(dirfd(t->all), name, dirfd(t->all), kept) == 0)
		t->is_fruitful = true;
}

static void end_of_folder(struct trash *t)
{
	if (unlinkat(dirfd(t->all), t->name, AT_REMOVEDIR) == 0) {
		t->is_fruitful = true;
	} else if (errno == ENOTEMPTY && t->has_shrunk) {
		/* Some file systems pass over entries while others go; and what runs in it may make
		 * new ones. */
		t->has_shrunk = false;
		t->culprit = 0;
		t->is_fruitful = true;
		rewinddir(t->open);
		return;
	} else {
		keep(t, t->name, t->culprit != 0 ? t->culprit : errno);
	}
	close_dir(&t->open);
}

static void empty_some(struct trash *t)
{
	/* One stream of our own, one thread: readdir(3) is safe. NOLINTNEXTLINE */
	const struct dirent *entry = readdir(t->open);
	int code;

	if (entry == NULL) {
		end_of_folder(t);
		return;
	}
	if (is_dots(entry->d_name))
		return;
	code = lift(t, dirfd(t->open), entry->d_name);
	if (code == 0)
		t->has_shrunk = true;
	else if (t->culprit == 0)
		t->culprit = code;
}

/* --- the trash --- */

static void begin_to_remove(struct trash *t, const char *name)
{
	if (is_dots(name) || str_has_prefix(name, t->kept))
		return;
	if (take_large(t, dirfd(t->all), name) || unlinkat(dirfd(t->all), name, 0) == 0) {
		t->is_fruitful = true;
		return;
	}
	if (errno == EISDIR)
		t->open = open_dir_at(dirfd(t->all), name);
	if (t->open == NULL) {
		keep(t, name, errno);
		return;
	}
	(void)str_copy(t->name, sizeof(t->name), name);
	t->has_shrunk = false;
	t->culprit = 0;
}

static bool begin_pass(struct trash *t)
{
	int fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	t->is_fruitful = false;
	t->all = fd < 0 ? NULL : fdopendir(fd);
	if (t->all == NULL)
		closep(&fd);
	return t->all != NULL;
}

/* False when all is done. */
static bool advance(struct trash *t)
{
	const struct dirent *entry;

	if (t->large >= 0) {
		free_piece(t);
		return true;
	}
	if (t->open != NULL) {
		empty_some(t);
		return true;
	}
	if (t->all == NULL && !begin_pass(t))
		return false;
	/* NOLINTNEXTLINE: as above */
	entry = readdir(t->all);
	if (entry != NULL) {
		begin_to_remove(t, entry->d_name);
		return true;
	}
	/* What was lifted up may not have been seen: it is looked for until a whole pass achieved
	 * nothing. */
	close_dir(&t->all);
	return t->is_fruitful;
}

static void on_step(void *ctx)
{
	struct trash *t = ctx;
	int64_t end_mono = loop_mono(t->loop) + STEP_US;

	for (unsigned i = 0; i < STEP_OPS && loop_mono(t->loop) < end_mono; i++) {
		if (!advance(t))
			return;
	}
	defer_set(&t->step);
}

struct trash *trash_new(struct loop *l, const char *dir)
{
	struct trash *t = xcalloc(1, sizeof(*t));
	char token[TOKEN_SIZE];

	token_make(token);
	(void)snprintf(t->kept, sizeof(t->kept), "kept-%s-", token);
	t->dir = xstrdup(dir);
	t->loop = l;
	t->large = -1;
	defer_init(&t->step, l, on_step, t);
	defer_set(&t->step);
	return t;
}

void trash_free(struct trash *t)
{
	if (t == NULL)
		return;
	defer_cancel(&t->step);
	close_dir(&t->open);
	close_dir(&t->all);
	closep(&t->large);
	free(t->dir);
	free(t);
}

static int move(const char *path, const char *to)
{
	CLEANUP(closep) int folder = -1;

	if (rename(path, to) == 0 || errno == ENOENT)
		return 0;
	if (errno != EACCES && errno != EPERM)
		return -errno;
	folder = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder >= 0)
		make_usable(folder);
	return rename(path, to) == 0 ? 0 : -errno;
}

int trash_take(struct trash *t, const char *path, struct err *e)
{
	CLEANUP(freep) char *to = NULL;
	char fresh[TOKEN_SIZE];
	int rc = dir_make(t->dir, 0700, e);

	if (rc < 0)
		return rc;
	token_make(fresh);
	to = xasprintf("%s/%s", t->dir, fresh);
	rc = move(path, to);
	if (rc < 0)
		return err_set(e, rc, "cannot remove %s: %s", path, strerror(-rc));
	/* The pass that is under way may be past it. */
	t->is_fruitful = true;
	defer_set(&t->step);
	return 0;
}

void trash_drop(struct trash *t, const char *path)
{
	struct err e = CLEAN_ERR;

	if (trash_take(t, path, &e) < 0)
		log_warn("workspace", "%s", e.text);
}
