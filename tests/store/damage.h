/* SPDX-License-Identifier: MIT */
/*
 * A database that is the same each time, and kinds of damage.
 */
#ifndef PYLON_TESTS_STORE_DAMAGE_H
#define PYLON_TESTS_STORE_DAMAGE_H

#include "fixture.h"
#include "store/salvage_internal.h"

#define DAMAGE_PAGE 4096

/* 2,000 jobs, each with its event; 1,900 with a run over; every second of those with a delivery;
 * usage, dedupe keys, a schedule with its occurrences, replies. Every hundredth event and result is
 * 20 KiB long. Closed, with no log. */
void damage_database(const char *path);

/* The file as bytes. */
struct buf damage_read(const char *path);
void damage_write(const char *path, const struct buf *b);
/* Overwrites bytes of a file in place. */
void damage_put(const char *path, off_t at, const void *p, size_t n);
/* Garbage that is the same each time, in the place of a whole page (1 = the first). */
void damage_page(const char *path, uint32_t page);
uint32_t damage_random(uint32_t *seed);

/* The root page of a table or index. */
uint32_t damage_root(const char *path, const char *name);
/* The n-th leaf (0 = the first) below that root, by its right order. */
uint32_t damage_leaf(const char *path, const char *name, uint32_t n);
/* The first overflow page of the n-th record of that table that has one. */
uint32_t damage_overflow(const char *path, const char *table, uint32_t n);

#endif
