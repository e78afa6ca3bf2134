/* SPDX-License-Identifier: MIT */
/*
 * loop/clock.c - reading the two clocks, and bending the wall clock in test builds.
 *
 * CLOCK_BOOTTIME counts while the machine sleeps; it is what all deadlines are in. In a build with
 * PYLON_TEST_HOOKS the environment variable PYLON_TEST_CLOCK may name a file with a signed decimal
 * number of seconds, which is added to the wall clock. The file is read again when it has changed:
 * its folder is watched, so that a sleeping loop notices. To the rest of the program that is a
 * step.
 */
#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/limits.h"
#include "loop/loop_internal.h"

static int64_t read_clock(clockid_t clock)
{
	struct timespec t = {0};

	must(clock_gettime(clock, &t) == 0);
	return (int64_t)t.tv_sec * US_PER_SEC + t.tv_nsec / 1000;
}

int64_t loop_real(const struct loop *l)
{
	return l->event == NULL ? l->fake_real : read_clock(CLOCK_REALTIME) + l->real_offset_us;
}

int64_t loop_mono(const struct loop *l)
{
	return l->event == NULL ? l->fake_mono : read_clock(CLOCK_BOOTTIME);
}

#ifdef PYLON_TEST_HOOKS
enum {
	CLOCK_FILE_MAX = 64,
};

static bool parse_seconds(struct slice text, int64_t *ret)
{
	bool is_negative;
	uint64_t value;

	while (text.n > 0 && strchr(" \t\r\n", text.p[text.n - 1]) != NULL)
		text.n--;
	text = slice_trim(text);
	is_negative = text.n > 0 && *text.p == '-';
	if (text.n > 0 && (*text.p == '-' || *text.p == '+')) {
		text.p++;
		text.n--;
	}
	/* About 3000 years either way. */
	if (!slice_to_u64(text, 100000000000, &value))
		return false;
	*ret = is_negative ? -(int64_t)value : (int64_t)value;
	return true;
}

void test_clock_check(struct loop *l)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct stat st;
	int64_t mtime_ns, seconds;

	if (l->test_clock_path == NULL || stat(l->test_clock_path, &st) < 0)
		return;
	mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	/* The inode too: times of files are coarse, and one that is moved in may be just as old. */
	if (mtime_ns == l->test_clock_mtime_ns && st.st_ino == l->test_clock_inode)
		return;
	/* An empty file is one that is being written: it will change again. */
	if (file_read(l->test_clock_path, CLOCK_FILE_MAX, &text, NULL) < 0 ||
		!parse_seconds(buf_slice(&text), &seconds))
		return;
	l->test_clock_mtime_ns = mtime_ns;
	l->test_clock_inode = st.st_ino;
	l->real_offset_us = seconds * US_PER_SEC;
	steps_check(l);
}

static void on_clock_folder(const char *folder UNUSED, const char *entry UNUSED, void *ctx)
{
	test_clock_check(ctx);
}

/* Without the watch (no such folder) the file is looked at whenever something else happens. */
static void watch_clock_file(struct loop *l)
{
	const char *slash = strrchr(l->test_clock_path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - l->test_clock_path);
	CLEANUP(freep)
	char *folder = slash == NULL ? xstrdup(".") : xstrndup(l->test_clock_path, MAX_OF(n, 1));

	if (folder_watch_new(&l->test_clock_watch, l, on_clock_folder, l, NULL) == 0 &&
		folder_watch_add(l->test_clock_watch, folder, NULL) < 0)
		folder_watch_freep(&l->test_clock_watch);
}

void test_clock_init(struct loop *l)
{
	l->test_clock_path = xstrdup_or_null(secure_getenv("PYLON_TEST_CLOCK"));
	l->test_clock_mtime_ns = INT64_MIN;
	if (l->test_clock_path != NULL)
		watch_clock_file(l);
	test_clock_check(l);
}
#else
void test_clock_check(struct loop *l UNUSED)
{
}

void test_clock_init(struct loop *l UNUSED)
{
}
#endif
