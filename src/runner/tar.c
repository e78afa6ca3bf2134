/* SPDX-License-Identifier: MIT */
/*
 * A tar archive in memory, for the context of an image build. Only our own few files go in, so
 * names and sizes are claims, not input. Fixed owner and date: the same content gives the same
 * bytes, and the engine's build cache sees that.
 */
#include <stdio.h>

#include "runner/tar_internal.h"

enum { TAR_BLOCK = 512 };

struct tar_head {
	char name[TAR_NAME_MAX];
	char mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
	char type;
	char link[100];
	char magic[6], version[2];
	char user[32], group[32], device_major[8], device_minor[8], prefix[155], unused[12];
};

_Static_assert(sizeof(struct tar_head) == TAR_BLOCK, "a tar head fills a block");

/* Zero-padded octal digits that fill all but the last byte of the field, which stays NUL. */
static void put_octal(char *field, size_t size, uint64_t value)
{
	for (size_t i = size - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
	must(value == 0);
}

/* Sum of all bytes of the head with the checksum field taken as spaces. */
static void put_checksum(struct tar_head *h)
{
	const unsigned char *p = (const unsigned char *)h;
	uint64_t sum = 0;

	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += p[i];
	put_octal(h->checksum, sizeof(h->checksum) - 1, sum);
	h->checksum[6] = '\0';
}

static void pad_block(struct buf *out, size_t content)
{
	static const char zeros[TAR_BLOCK];

	if (content % TAR_BLOCK != 0)
		buf_add(out, zeros, TAR_BLOCK - content % TAR_BLOCK);
}

void tar_add(struct buf *out, const char *name, mode_t mode, struct slice content)
{
	struct tar_head h = {0};
	size_t n = strlen(name);

	must(n > 0 && n <= sizeof(h.name));
	memcpy(h.name, name, n);
	put_octal(h.mode, sizeof(h.mode), mode & 07777);
	put_octal(h.uid, sizeof(h.uid), 0);
	put_octal(h.gid, sizeof(h.gid), 0);
	put_octal(h.size, sizeof(h.size), content.n);
	put_octal(h.mtime, sizeof(h.mtime), 0);
	h.type = '0';
	memcpy(h.magic, "ustar", sizeof(h.magic));
	memcpy(h.version, "00", sizeof(h.version));
	put_checksum(&h);
	buf_add(out, &h, sizeof(h));
	buf_add_slice(out, content);
	pad_block(out, content.n);
}

void tar_end(struct buf *out)
{
	static const char zeros[2 * TAR_BLOCK];

	buf_add(out, zeros, sizeof(zeros));
}
