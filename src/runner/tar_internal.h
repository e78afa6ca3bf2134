/* SPDX-License-Identifier: MIT */
/* Writes tar archives in the ustar format (POSIX.1-2017, pax utility): what an image build is fed.
 */
#ifndef RUNNER_TAR_INTERNAL_H
#define RUNNER_TAR_INTERNAL_H

#include "base/str.h"

#define TAR_NAME_MAX 100 /* bytes; the prefix field is not used */

/* Appends a regular file, owned by root, dated 1970. `name` is relative and at most TAR_NAME_MAX.
 */
void tar_add(struct buf *out, const char *name, mode_t mode, struct slice content);
/* Appends the end of the archive. */
void tar_end(struct buf *out);

#endif
