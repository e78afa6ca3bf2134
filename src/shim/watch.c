/* SPDX-License-Identifier: MIT */
/*
 * The one place where the shim waits: for a signal, for output, for a deadline.
 *
 * Signals come through a signalfd, one at a time, so there are no handlers and no races with the
 * pipes. Each turn takes at most one signal and one piece of each pipe: a flood of output delays
 * neither a stop nor the timeout.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "shim/shim_internal.h"

static int signals = -1;

int watch_open(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals < 0 ? -errno : 0;
}

static int take_signal(void)
{
	struct signalfd_siginfo info;

	return read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo
									   : 0;
}

/* Waits until something is there; what, is in fds. False at the deadline. */
static bool wait_for(struct pollfd fds[3], int64_t deadline)
{
	struct timespec wait = {0};
	int64_t left = deadline == 0 ? 0 : deadline - clock_us(CLOCK_MONOTONIC);

	if (left < 0)
		left = 0;
	wait.tv_sec = (time_t)(left / 1000000);
	wait.tv_nsec = (long)(left % 1000000) * 1000;
	if (ppoll(fds, 3, deadline == 0 ? NULL : &wait, NULL) < 0)
		fds[0].revents = fds[1].revents = fds[2].revents = 0;
	return deadline == 0 || left > 0;
}

int watch_next(struct output *out, int64_t deadline)
{
	for (;;) {
		struct pollfd fds[3] = {
			{.fd = signals, .events = POLLIN},
			{.fd = out->pipes[0], .events = POLLIN},
			{.fd = out->pipes[1], .events = POLLIN},
		};
		bool was_open = output_is_open(out), is_early = wait_for(fds, deadline);
		int sig = fds[0].revents != 0 ? take_signal() : 0;

		for (int i = 0; i < 2; i++)
			if (fds[1 + i].revents != 0)
				output_copy(out, i);
		if (sig > 0)
			return sig;
		if (!is_early)
			return WATCH_DEADLINE;
		if (was_open && !output_is_open(out))
			return WATCH_DRAINED;
	}
}
