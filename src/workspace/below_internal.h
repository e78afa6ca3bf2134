/* SPDX-License-Identifier: MIT */
/*
 * Folders that somebody else may write to: opened without following anything, and without rights.
 *
 * The descriptors only stand for a folder (O_PATH): what is in it can be made, looked at, renamed
 * and removed through them, while reading it needs rights and another descriptor.
 */
#ifndef WORKSPACE_BELOW_INTERNAL_H
#define WORKSPACE_BELOW_INTERNAL_H

#include <sys/types.h>

/* The folder `name` (one component, not "..") of the open folder. A negative errno when it is none,
 * -ELOOP or -ENOTDIR when it is a link. */
int below_open(int parent, const char *name);
/* Gives a folder exactly this mode; nothing is changed when it has it. 0 or a negative errno. */
int below_set_mode(int fd, mode_t mode);

#endif
