/* SPDX-License-Identifier: MIT */
/*
 * calendar/zone_load.c - from a zone's name to its file.
 *
 * Names come from configurations and requests: only what an IANA name is made of gets near the file
 * system, so no name leads out of the folder (links within it are the administrator's).
 *
 * A hundred schedules in one zone share one `struct zone`: the living ones are in a list, and a
 * name finds its zone there as long as the file is still the same state of the same file. It keeps
 * nothing alive, and a file that was replaced is read anew. Not for threads, like all of us.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "calendar/zone_internal.h"

#define ZONEINFO "/usr/share/zoneinfo"

static struct list loaded = LIST_INIT(loaded);

static const char *zoneinfo(void)
{
	const char *dir = getenv("TZDIR");

	return str_is_empty(dir) ? ZONEINFO : dir;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '+';
}

/* Parts of letters, digits, _, - and +, joined by single slashes. */
static bool is_name(const char *name)
{
	bool is_part_begun = false;
	size_t n = 0;

	for (; name[n] != '\0'; n++) {
		if (n == ZONE_NAME_MAX ||
			(name[n] == '/' ? !is_part_begun : !is_name_char(name[n])))
			return false;
		is_part_begun = name[n] != '/';
	}
	return is_part_begun;
}

static struct zone_file_id id_of(const struct stat *st)
{
	return (struct zone_file_id){st->st_dev, st->st_ino, st->st_size, st->st_ctim};
}

static bool is_same_file(const struct zone_file_id *a, const struct zone_file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static struct zone *find_loaded(const char *name, const char *path, const struct zone_file_id *id)
{
	list_foreach (it, &loaded) {
		struct zone *z = list_entry(it, struct zone, loaded);

		if (str_eq(z->name, name) && str_eq(z->path, path) && is_same_file(&z->id, id))
			return zone_ref(z);
	}
	return NULL;
}

/* One part of a name and the file that has it but for its case. */
struct lookup {
	struct slice wanted;
	char found[ZONE_NAME_MAX + 1];
};

static void compare_entry(const char *entry, void *ctx)
{
	struct lookup *l = ctx;

	if (slice_eq_nocase(l->wanted, entry))
		(void)str_copy(l->found, sizeof(l->found), entry);
}

/* The name as it should be written, NULL when even that is not there; heap. */
static char *name_in_right_case(const char *name)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	size_t dir_bytes;

	buf_add_str(&path, zoneinfo());
	dir_bytes = path.n + 1;
	for (const char *part = name; *part != '\0'; part += *part == '/') {
		struct lookup l = {.wanted = {part, strcspn(part, "/")}};

		if (dir_each(buf_str(&path), compare_entry, &l, NULL) < 0 || l.found[0] == '\0')
			return NULL;
		buf_printf(&path, "/%s", l.found);
		part += l.wanted.n;
	}
	return xstrdup(buf_str(&path) + dir_bytes);
}

static void say_unknown(const char *name, struct err *e)
{
	CLEANUP(freep) char *right = name_in_right_case(name);

	if (right != NULL && !str_eq(right, name))
		err_set(e, -ENOENT, "there is no time zone \"%s\"; is it \"%s\"?", name, right);
	else
		err_set(e, -ENOENT, "there is no time zone \"%s\" below %s", name, zoneinfo());
}

/* The identity is taken before the bytes: if the file changes in between, the next load reads it
 * again, and never the reverse. */
static struct zone *load_file(const char *name, const char *path, struct err *e)
{
	CLEANUP(buf_fini) struct buf bytes = BUF_NULL;
	struct zone_file_id id;
	struct stat st;
	struct zone *z;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
		say_unknown(name, e);
		return NULL;
	}
	id = id_of(&st);
	z = find_loaded(name, path, &id);
	if (z != NULL)
		return z;
	if (file_read(path, ZONE_FILE_MAX, &bytes, e) < 0) {
		err_wrap(e, "time zone %s", name);
		return NULL;
	}
	z = zone_parse(name, buf_str(&bytes), bytes.n, e);
	if (z == NULL)
		return NULL;
	z->path = xstrdup(path);
	z->id = id;
	list_append(&loaded, &z->loaded);
	return z;
}

struct zone *zone_load(const char *name, struct err *e)
{
	CLEANUP(freep) char *path = NULL;

	if (str_is_empty(name)) {
		err_set(e, -EINVAL, "the name of a time zone is missing");
		return NULL;
	}
	if (str_eq(name, "UTC"))
		return zone_fixed(0);
	if (!is_name(name)) {
		err_set(e, -EINVAL, "this is not the name of a time zone (such as Europe/Berlin)");
		return NULL;
	}
	path = xasprintf("%s/%s", zoneinfo(), name);
	return load_file(name, path, e);
}

static bool is_loadable(const char *name)
{
	struct zone *z = zone_load(name, NULL);

	zone_unref(z);
	return z != NULL;
}

/* What comes after the folder of zones in a path, NULL when that is not in it. */
static const char *name_in_path(const char *path)
{
	static const char folder[] = "/zoneinfo/";
	const char *p = strstr(path, folder);

	return p == NULL ? NULL : p + sizeof(folder) - 1;
}

/* tzset(3): a name or a path, with or without a colon before it. */
static const char *name_of_environment(void)
{
	const char *tz = getenv("TZ");

	if (tz != NULL && *tz == ':')
		tz++;
	if (tz != NULL && *tz == '/')
		tz = name_in_path(tz);
	return tz != NULL && is_loadable(tz) ? tz : NULL;
}

char *zone_system_name(void)
{
	char target[PATH_MAX];
	const char *name = name_of_environment();
	ssize_t n;

	if (name != NULL)
		return xstrdup(name);
	n = readlink("/etc/localtime", target, sizeof(target) - 1);
	if (n > 0) {
		target[n] = '\0';
		name = name_in_path(target);
	}
	return xstrdup(name != NULL && is_loadable(name) ? name : "UTC");
}
