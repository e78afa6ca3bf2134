/* SPDX-License-Identifier: MIT */
/*
 * "202 means committed", seen from below SQLite: a VFS of our own watches what is written and what
 * is synced. Whoever is told that a transaction is done is told so when nothing written waits for
 * its sync, and when that sync fails, nobody is told it succeeded.
 */
#undef NDEBUG
#include <errno.h>

#include "fixture.h"

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *below;
	int unsynced, syncs;
	bool sync_fails;
} disk;

/* Behind it lies the file of the real VFS. */
struct watched {
	sqlite3_file base;
	sqlite3_file *below;
};

static sqlite3_file *below(sqlite3_file *f)
{
	return ((struct watched *)f)->below;
}

static int w_close(sqlite3_file *f)
{
	return below(f)->pMethods->xClose(below(f));
}

static int w_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return below(f)->pMethods->xRead(below(f), p, n, at);
}

static int w_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	disk.unsynced++;
	return below(f)->pMethods->xWrite(below(f), p, n, at);
}

static int w_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return below(f)->pMethods->xTruncate(below(f), size);
}

static int w_sync(sqlite3_file *f, int flags)
{
	if (disk.sync_fails)
		return SQLITE_IOERR_FSYNC;
	disk.unsynced = 0;
	disk.syncs++;
	return below(f)->pMethods->xSync(below(f), flags);
}

static int w_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return below(f)->pMethods->xFileSize(below(f), ret);
}

static int w_lock(sqlite3_file *f, int level)
{
	return below(f)->pMethods->xLock(below(f), level);
}

static int w_unlock(sqlite3_file *f, int level)
{
	return below(f)->pMethods->xUnlock(below(f), level);
}

static int w_reserved(sqlite3_file *f, int *ret)
{
	return below(f)->pMethods->xCheckReservedLock(below(f), ret);
}

static int w_control(sqlite3_file *f, int op, void *arg)
{
	return below(f)->pMethods->xFileControl(below(f), op, arg);
}

static int w_sector(sqlite3_file *f)
{
	return below(f)->pMethods->xSectorSize(below(f));
}

static int w_traits(sqlite3_file *f)
{
	return below(f)->pMethods->xDeviceCharacteristics(below(f));
}

static int w_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
	return below(f)->pMethods->xShmMap(below(f), page, size, extend, ret);
}

static int w_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return below(f)->pMethods->xShmLock(below(f), at, n, flags);
}

static void w_shm_barrier(sqlite3_file *f)
{
	below(f)->pMethods->xShmBarrier(below(f));
}

static int w_shm_unmap(sqlite3_file *f, int remove)
{
	return below(f)->pMethods->xShmUnmap(below(f), remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = w_close,
	.xRead = w_read,
	.xWrite = w_write,
	.xTruncate = w_truncate,
	.xSync = w_sync,
	.xFileSize = w_size,
	.xLock = w_lock,
	.xUnlock = w_unlock,
	.xCheckReservedLock = w_reserved,
	.xFileControl = w_control,
	.xSectorSize = w_sector,
	.xDeviceCharacteristics = w_traits,
	.xShmMap = w_shm_map,
	.xShmLock = w_shm_lock,
	.xShmBarrier = w_shm_barrier,
	.xShmUnmap = w_shm_unmap,
};

static int v_open(
	sqlite3_vfs *vfs UNUSED, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
	struct watched *w = (struct watched *)f;
	int rc;

	w->below = (sqlite3_file *)(w + 1);
	rc = disk.below->xOpen(disk.below, name, w->below, flags, ret_flags);
	w->base.pMethods = w->below->pMethods == NULL ? NULL : &methods;
	return rc;
}

/* Becomes the VFS that the store opens its files with. */
static int disk_watch(void **state)
{
	(void)state;
	disk.below = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.below;
	disk.vfs.zName = "watched";
	disk.vfs.pNext = NULL;
	disk.vfs.szOsFile = disk.below->szOsFile + (int)sizeof(struct watched);
	disk.vfs.xOpen = v_open;
	return sqlite3_vfs_register(&disk.vfs, 1);
}

static int disk_leave(void **state)
{
	(void)state;
	return sqlite3_vfs_unregister(&disk.vfs);
}

struct seen {
	int times, rc, unsynced;
};

static void done(struct store_op *op, int rc, const struct err *e UNUSED)
{
	struct seen *s = op->ctx;

	s->times++;
	s->rc = rc;
	s->unsynced = disk.unsynced;
}

static struct seen accept_watched(struct fixture *f, const char *delivery_id)
{
	struct store_accept r = accept_request(f, delivery_id);
	struct seen s = {0};

	r.op.done = done;
	r.op.ctx = &s;
	disk.syncs = 0;
	store_accept(f->db, &r);
	(void)commit(f);
	assert_int_equal(s.times, 1);
	return s;
}

static void an_accept_is_told_only_when_everything_written_is_synced(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 100; i++) {
		struct seen s = accept_watched(f, NULL);

		assert_int_equal(s.rc, 0);
		assert_int_equal(s.unsynced, 0);
		assert_true(disk.syncs > 0);
	}
}

static void every_transaction_of_a_run_is_synced_before_it_is_told(void **state)
{
	struct fixture *f = *state;
	struct id job = make_job(f), run;
	struct store_finish finish;

	assert_int_equal(do_claim(f, &job, &run), 0);
	assert_int_equal(disk.unsynced, 0);
	assert_int_equal(do_started(f, &job, &run), 0);
	assert_int_equal(disk.unsynced, 0);
	finish = finish_request(&job, &run, JOB_COMPLETED);
	assert_int_equal(do_finish(f, &finish), 0);
	assert_int_equal(disk.unsynced, 0);
}

static void a_sync_that_fails_accepts_nothing(void **state)
{
	struct fixture *f = *state;
	struct seen s;

	disk.sync_fails = true;
	s = accept_watched(f, "d1");
	disk.sync_fails = false;
	assert_int_equal(s.rc, -EIO);
	fixture_reopen(f);
	assert_int_equal(sql_value(f->path, "SELECT count(*) FROM jobs"), 0);
	s = accept_watched(f, "d1");
	assert_int_equal(s.rc, 0);
	assert_sound(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_accept_is_told_only_when_everything_written_is_synced, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(
			every_transaction_of_a_run_is_synced_before_it_is_told, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_sync_that_fails_accepts_nothing, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, disk_watch, disk_leave);
}
