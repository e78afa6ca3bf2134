/* SPDX-License-Identifier: MIT */
/*
 * The pages of a file and what is on them (fileformat2.html sections 1.3, 1.5 and 1.6; the numbers
 * of sections below are of that page).
 *
 * The header is believed only where nothing else tells: how many pages there are is the file's
 * size, and how large they are is what makes most of them b-tree pages. Reserved bytes at the end
 * of a page are never ours, so there are none.
 *
 * Bounded: one byte per page, and four more when there is a log; one page and one record at a time.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/pages_internal.h"

#define HEADER      100
#define PAGES_MAX   (UINT32_C(1) << 26)
#define SAMPLES_MAX 4096 /* pages that are looked at to tell their size */

static const char magic[16] = "SQLite format 3";

/* --- one page --- */

static size_t head_size(enum page_kind kind)
{
	return kind == PAGE_TABLE_LEAF || kind == PAGE_INDEX_LEAF ? 8 : 12;
}

/* Section 1.6: does it look like a b-tree page of that size? */
static bool page_parse(struct page *page, uint32_t size)
{
	const uint8_t *h = page->bytes + page->head;
	size_t array;
	uint32_t content;

	page->kind = PAGE_OTHER;
	page->cells = 0;
	if (h[0] != PAGE_INDEX_INTERIOR && h[0] != PAGE_TABLE_INTERIOR && h[0] != PAGE_INDEX_LEAF &&
		h[0] != PAGE_TABLE_LEAF)
		return false;
	array = page->head + head_size((enum page_kind)h[0]);
	content = be16(h + 5) == 0 ? 65536 : be16(h + 5);
	if (array + 2 * (size_t)be16(h + 3) > size || content > size || h[7] > 60)
		return false;
	if (content < array + 2 * (size_t)be16(h + 3))
		return false;
	page->kind = (enum page_kind)h[0];
	page->cells = be16(h + 3);
	return true;
}

/* Where cell i begins, 0 when that is nowhere. */
static size_t cell_at(const struct pages *p, const struct page *page, uint32_t i)
{
	size_t array = page->head + head_size(page->kind);
	size_t at = be16(page->bytes + array + 2 * (size_t)i);

	return at >= array + 2 * (size_t)page->cells && at + 4 <= p->size ? at : 0;
}

bool page_read(const struct pages *p, uint32_t number, struct page *ret)
{
	bool in_log = p->frame != NULL && p->frame[number] != 0;
	off_t at = (off_t)(number - 1) * (off_t)p->size;

	if (in_log)
		at = 32 + (off_t)(p->frame[number] - 1) * (24 + (off_t)p->size) + 24;
	else if (number > p->in_file)
		return false;
	if (pread(in_log ? p->wal_fd : p->fd, ret->bytes, p->size, at) != (ssize_t)p->size)
		return false;
	ret->number = number;
	ret->head = number == 1 ? HEADER : 0;
	(void)page_parse(ret, p->size);
	return true;
}

/* --- cells --- */

/* Section 1.6: 7 bits a byte, the ninth has 8. 0 when it does not end before `end`. */
static size_t varint(const uint8_t *b, size_t at, size_t end, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 9 && at + i < end; i++) {
		if (i == 8) {
			*ret = v << 8 | b[at + i];
			return at + 9;
		}
		v = v << 7 | (b[at + i] & 0x7fU);
		if ((b[at + i] & 0x80) == 0) {
			*ret = v;
			return at + i + 1;
		}
	}
	return 0;
}

uint32_t page_child(const struct pages *p, const struct page *page, uint32_t i, int64_t *ret_key)
{
	size_t at = page->head + 8;
	uint64_t key = 0;
	uint32_t child;

	if (i < page->cells) {
		at = cell_at(p, page, i);
		if (at == 0)
			return 0;
		if (page->kind == PAGE_TABLE_INTERIOR) {
			if (varint(page->bytes, at + 4, p->size, &key) == 0)
				return 0;
			*ret_key = (int64_t)key;
		}
	}
	child = be32(page->bytes + at);
	return child > 1 ? child : 0;
}

/* How many bytes of a payload are on the b-tree page itself (section 1.6). */
static size_t local_size(const struct pages *p, enum page_kind kind, uint64_t n)
{
	uint64_t u = p->size, min = (u - 12) * 32 / 255 - 23, k;
	uint64_t max = kind == PAGE_TABLE_LEAF ? u - 35 : (u - 12) * 64 / 255 - 23;

	if (n <= max)
		return (size_t)n;
	k = min + (n - min) % (u - 4);
	return (size_t)(k <= max ? k : min);
}

/* Appends what a chain of overflow pages holds, up to n bytes. The last page of a chain names none
 * after it; one that does is not what it was, and its bytes are not taken. */
static void add_overflow(const struct pages *p, uint32_t first, size_t n, struct buf *out)
{
	CLEANUP(freep) uint8_t *bytes = xcalloc(1, p->size);
	struct page page = {.bytes = bytes};
	uint32_t number = first;

	while (n > 0 && number > 1 && number <= p->count) {
		size_t part = MIN_OF(n, (size_t)p->size - 4);
		uint32_t next;

		if ((p->flags[number] & (PAGE_IS_FREE | PAGE_IS_REFERENCED)) != 0 ||
			!page_read(p, number, &page))
			return;
		next = be32(bytes);
		if ((part == n) != (next == 0) || next > p->count)
			return;
		buf_add(out, bytes + 4, part);
		n -= part;
		number = next;
	}
}

/* --- records --- */

/* Section 2.1: what a serial type stands for. */
static size_t value_size(uint64_t type)
{
	static const uint8_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};

	return type < ARRAY_LEN(sizes) ? sizes[type] : (size_t)((type - 12) / 2);
}

static int64_t read_int(const uint8_t *b, size_t n)
{
	uint64_t v = n > 0 && (b[0] & 0x80) != 0 ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | b[i];
	return (int64_t)v;
}

static struct value read_value(uint64_t type, const uint8_t *b, size_t n)
{
	struct value v = {.kind = VALUE_INT};

	if (type == 0)
		v.kind = VALUE_NULL;
	else if (type <= 6)
		v.i = read_int(b, n);
	else if (type == 7) {
		v.kind = VALUE_REAL;
		v.i = read_int(b, n);
		(void)memcpy(&v.r, &v.i, sizeof(v.r));
	} else if (type <= 9)
		v.i = type == 9;
	else {
		v.kind = (type & 1) != 0 ? VALUE_TEXT : VALUE_BLOB;
		v.s = (struct slice){(const char *)b, n};
	}
	return v;
}

/* `whole` is how long the payload should be; what is missing at its end is told as cut. */
static bool record_parse(struct record *r, size_t whole)
{
	const uint8_t *b = (const uint8_t *)buf_str(&r->payload);
	size_t have = r->payload.n, at, body;
	uint64_t head, type;

	r->n = r->cut = 0;
	at = varint(b, 0, have, &head);
	if (at == 0 || head < at || head > have)
		return false;
	body = (size_t)head;
	while (at < head) {
		size_t n;

		at = varint(b, at, (size_t)head, &type);
		if (at == 0 || type == 10 || type == 11 || type / 2 > whole + 6 ||
			r->n == COLUMNS_MAX)
			return false;
		n = value_size(type);
		if (n > whole - body)
			return false;
		if (body + n > have) {
			r->cut++;
			r->v[r->n++] = (struct value){.kind = VALUE_CUT};
		} else {
			r->v[r->n++] = read_value(type, b + body, n);
		}
		body += n;
	}
	return r->n > 0 && body == whole;
}

bool page_record(const struct pages *p, const struct page *page, uint32_t i, struct record *ret)
{
	size_t at = cell_at(p, page, i), local;
	uint64_t n = 0, rowid = 0;

	if (at == 0)
		return false;
	if (page->kind == PAGE_INDEX_INTERIOR)
		at += 4;
	at = varint(page->bytes, at, p->size, &n);
	if (at != 0 && page->kind == PAGE_TABLE_LEAF)
		at = varint(page->bytes, at, p->size, &rowid);
	if (at == 0 || n == 0 || n > RECORD_MAX)
		return false;
	local = local_size(p, page->kind, n);
	if (at + local + (local < n ? 4 : 0) > p->size)
		return false;
	buf_clear(&ret->payload);
	buf_add(&ret->payload, page->bytes + at, local);
	if (local < n)
		add_overflow(p, be32(page->bytes + at + local), (size_t)n - local, &ret->payload);
	ret->rowid = (int64_t)rowid;
	return record_parse(ret, (size_t)n);
}

/* --- opening --- */

/* Bytes of the file that are b-tree pages of that size. A page whose cells all lie in its first
 * half is not counted: that is what half a page looks like. */
static uint64_t score(const struct pages *p, uint32_t size, off_t length)
{
	CLEANUP(freep) uint8_t *bytes = xcalloc(1, size);
	uint64_t n = MIN_OF((uint64_t)length / size, (uint64_t)SAMPLES_MAX * 4096 / size);
	uint64_t found = 0;

	for (uint64_t i = 1; i < n; i++) {
		struct page page = {.bytes = bytes};
		size_t top = 0;

		if (pread(p->fd, bytes, size, (off_t)(i * size)) != (ssize_t)size)
			break;
		if (!page_parse(&page, size))
			continue;
		for (uint32_t c = 0; c < page.cells; c++)
			top = MAX_OF(
				top, (size_t)be16(bytes + head_size(page.kind) + 2 * (size_t)c));
		found += top >= size / 2 && top < size ? size : 0;
	}
	return found;
}

static uint32_t choose_size(const struct pages *p, off_t length, const uint8_t *header)
{
	uint32_t best = be16(header + 16) == 1 ? 65536 : be16(header + 16);
	uint64_t most = 0;

	if (best < 512 || (best & (best - 1)) != 0 || memcmp(header, magic, sizeof(magic)) != 0)
		best = 4096;
	most = score(p, best, length);
	for (uint32_t size = 512; size <= 65536; size *= 2) {
		uint64_t n = score(p, size, length);

		if (n > most) {
			best = size;
			most = n;
		}
	}
	return best;
}

struct wal_scan {
	struct pages *p;
	uint32_t highest;
};

static void note_highest(uint32_t page, off_t at, uint32_t frame, void *ctx)
{
	struct wal_scan *s = ctx;

	(void)at;
	(void)frame;
	if (page <= PAGES_MAX)
		s->highest = MAX_OF(s->highest, page);
}

static void note_frame(uint32_t page, off_t at, uint32_t frame, void *ctx)
{
	struct wal_scan *s = ctx;

	(void)at;
	if (page <= s->p->count)
		s->p->frame[page] = frame + 1;
}

static uint32_t mark(struct pages *p, uint32_t page)
{
	if (page < 2 || page > p->count || (p->flags[page] & PAGE_IS_FREE) != 0)
		return 0;
	p->flags[page] |= PAGE_IS_FREE;
	return 1;
}

/* Section 1.5: trunk pages, each with the numbers of leaves. A list that has not exactly the pages
 * that the header promises is not believed at all: it could take rows for forgotten ones. */
static void mark_free(struct pages *p)
{
	CLEANUP(freep) uint8_t *bytes = xcalloc(1, p->size);
	struct page page = {.bytes = bytes};
	uint32_t trunk, promised, marked = 0;

	if (!page_read(p, 1, &page) || memcmp(bytes, magic, sizeof(magic)) != 0)
		return;
	p->claimed = be32(bytes + 28);
	trunk = be32(bytes + 32);
	promised = be32(bytes + 36);
	while (trunk > 1 && trunk <= p->count && marked < promised && page_read(p, trunk, &page)) {
		uint32_t n = be32(bytes + 4);

		if (n > p->size / 4 - 2)
			break;
		marked += mark(p, trunk);
		for (uint32_t i = 0; i < n; i++)
			marked += mark(p, be32(bytes + 8 + 4 * (size_t)i));
		trunk = be32(bytes);
	}
	if (trunk != 0 || marked != promised)
		(void)memset(p->flags, 0, (size_t)p->count + 1);
}

static int measure(struct pages *p, const char *path, struct err *e)
{
	struct wal_head wal = {0};
	struct wal_scan scan = {.p = p};
	uint8_t header[HEADER] = {0};
	bool has_wal = wal_head_read(p->wal_fd, &wal);
	struct stat st;

	if (fstat(p->fd, &st) < 0)
		return err_errno(e, "%s", path);
	if (pread(p->fd, header, sizeof(header), 0) < 0)
		return err_errno(e, "%s", path);
	p->size = has_wal ? wal.page_size : choose_size(p, st.st_size, header);
	if (has_wal)
		wal_each(p->wal_fd, &wal, note_highest, &scan);
	if ((uint64_t)st.st_size / p->size > PAGES_MAX)
		return err_set(e, -EFBIG, "%s: more pages than can be salvaged", path);
	p->in_file = (uint32_t)((uint64_t)st.st_size / p->size);
	p->count = MAX_OF(p->in_file, scan.highest);
	if (p->count == 0)
		return err_set(e, -ENODATA, "%s: there is no page in it", path);
	p->flags = xcalloc((size_t)p->count + 1, 1);
	if (scan.highest > 0) {
		p->frame = xcalloc((size_t)p->count + 1, sizeof(*p->frame));
		wal_each(p->wal_fd, &wal, note_frame, &scan);
	}
	mark_free(p);
	return 0;
}

int pages_open(struct pages *p, const char *path, struct err *e)
{
	CLEANUP(freep) char *wal = xasprintf("%s-wal", path);

	*p = (struct pages){.wal_fd = -1};
	p->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (p->fd < 0)
		return err_errno(e, "%s", path);
	p->wal_fd = open(wal, O_RDONLY | O_CLOEXEC);
	return measure(p, path, e);
}

void pages_close(struct pages *p)
{
	free(p->flags);
	free(p->frame);
	closep(&p->fd);
	closep(&p->wal_fd);
	*p = (struct pages){.fd = -1, .wal_fd = -1};
}
