/* SPDX-License-Identifier: MIT */
/*
 * cli/terminal-internal.h - the terminal of whoever types, handed to a program elsewhere.
 *
 * In raw mode the terminal passes every key on and leaves echo, line ends and Ctrl-C to the program
 * at the other end (termios(3), cfmakeraw). One process has one terminal, so the state is the
 * file's own. The modes of before are put back by terminal_restore(), by exit(3), and when a signal
 * ends the process; only SIGKILL and SIGSTOP leave nobody time for it.
 */
#ifndef PYLON_CLI_TERMINAL_INTERNAL_H
#define PYLON_CLI_TERMINAL_INTERNAL_H

#include "base/err.h"

/* Are standard input and output terminals? */
bool terminal_is_there(void);
NODISCARD int terminal_make_raw(struct err *e);
/* Harmless when it is not raw. */
void terminal_restore(void);
/* False when it does not say. */
bool terminal_size(unsigned *ret_rows, unsigned *ret_columns);
/* A descriptor that becomes readable each time the size has changed: read(2) it empty with
 * terminal_take_resize(). The caller closes it. */
NODISCARD int terminal_watch_size(struct err *e);
void terminal_take_resize(int fd);

#endif
