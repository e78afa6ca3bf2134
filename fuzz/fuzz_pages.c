/* SPDX-License-Identifier: MIT */
/*
 * The page reader of salvage on any file: every page, child and record, and the same bytes as a
 * log.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "store/pages_internal.h"

static void read_page(const struct pages *p, struct page *page, struct record *row)
{
	int64_t key = 0;

	for (uint32_t i = 0; i < page->cells; i++) {
		if (page->kind == PAGE_TABLE_INTERIOR || page->kind == PAGE_INDEX_INTERIOR)
			(void)page_child(p, page, i, &key);
		if (page->kind == PAGE_TABLE_INTERIOR || !page_record(p, page, i, row))
			continue;
		must(row->n > 0 && row->n <= COLUMNS_MAX && row->cut <= row->n);
		for (size_t k = 0; k < row->n; k++)
			must(row->v[k].s.n <= row->payload.n);
	}
}

static void note(uint32_t page, off_t at, uint32_t frame, void *ctx)
{
	(void)page;
	(void)frame;
	must(at > 0 && ctx != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(closep) int fd = memfd_create("pages", MFD_CLOEXEC);
	CLEANUP(freep) char *path = xasprintf("/proc/self/fd/%d", fd);
	struct wal_head head;
	struct pages p;

	must(fd >= 0 && write_all(fd, data, size) == 0);
	if (wal_head_read(fd, &head))
		wal_each(fd, &head, note, &head);
	if (pages_open(&p, path, NULL) == 0) {
		CLEANUP(freep) uint8_t *bytes = xcalloc(1, p.size);
		struct page page = {.bytes = bytes};
		struct record row = {0};

		for (uint32_t n = 1; n <= p.count; n++)
			if (page_read(&p, n, &page))
				read_page(&p, &page, &row);
		buf_fini(&row.payload);
	}
	pages_close(&p);
	return 0;
}
