/* SPDX-License-Identifier: MIT */
/*
 * cli/terminal.c - raw mode that cannot be left on, and the size of the window.
 *
 * Signals that end a process are caught while the terminal is raw: the handler puts the modes back
 * (tcsetattr is async-signal-safe, signal-safety(7)) and lets the signal do what it would have
 * done. A handler works wherever the process is just waiting, a descriptor in one poll loop would
 * not. What was ignored before (nohup) stays ignored.
 */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "cli/terminal-internal.h"

static const int deadly[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

static struct termios before;
static bool is_raw;
static struct sigaction old_actions[ARRAY_LEN(deadly)];

bool terminal_is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* The signal comes again when this returns, and finds the action of before. */
static void die_restored(int sig)
{
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
		if (deadly[i] == sig)
			(void)sigaction(sig, &old_actions[i], NULL);
	(void)raise(sig);
}

static void catch_deadly(void)
{
	struct sigaction a = {.sa_handler = die_restored};

	(void)sigemptyset(&a.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
		(void)sigaction(deadly[i], NULL, &old_actions[i]);
		if (old_actions[i].sa_handler != SIG_IGN)
			(void)sigaction(deadly[i], &a, NULL);
	}
}

static void restore_at_exit(void)
{
	terminal_restore();
}

int terminal_make_raw(struct err *e)
{
	static bool is_registered;
	struct termios raw;
	int r;

	if (is_raw)
		return 0;
	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return err_errno(e, "the terminal does not tell its modes");
	if (!is_registered && atexit(restore_at_exit) != 0)
		return err_set(e, -ENOMEM, "atexit");
	is_registered = true;
	catch_deadly();
	is_raw = true;
	raw = before;
	cfmakeraw(&raw);
	/* What was typed ahead is for the program, too: nothing is flushed. */
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0)
		return 0;
	r = err_errno(e, "the terminal cannot be switched to raw mode");
	terminal_restore();
	return r;
}

void terminal_restore(void)
{
	if (!is_raw)
		return;
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	is_raw = false;
	for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
		(void)sigaction(deadly[i], &old_actions[i], NULL);
}

bool terminal_size(unsigned *ret_rows, unsigned *ret_columns)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		return false;
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
	return true;
}

int terminal_watch_size(struct err *e)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGWINCH);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(e, "sigprocmask");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(e, "signalfd") : fd;
}

void terminal_take_resize(int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) > 0)
		;
}
