/* SPDX-License-Identifier: MIT */
/*
 * base/scan_internal.h - between the files of the scanner.
 */
#ifndef PYLON_BASE_SCAN_INTERNAL_H
#define PYLON_BASE_SCAN_INTERNAL_H

#include "base/scan.h"

/* Index of a member of the object at `object` whose name an earlier member has, after unescaping;
 * 0 when all names differ. */
uint32_t scan_duplicate(const struct scan *s, uint32_t object);

#endif
