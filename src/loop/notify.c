/* SPDX-License-Identifier: MIT */
/*
 * loop/notify.c - talking to the service manager (sd_notify(3), sd_watchdog_enabled(3)).
 *
 * All of it does nothing outside a service manager.
 */
#include <errno.h>

#include <systemd/sd-daemon.h>

#include "loop/loop_internal.h"

void loop_notify(const char *state)
{
	(void)sd_notify(0, state);
}

int loop_watchdog(struct loop *l, struct err *e)
{
	int r;

	if (l->event == NULL)
		return 0;
	/* sd-event pets before it waits and wakes up at half the time, not earlier. */
	r = sd_event_set_watchdog(l->event, 1);
	if (r < 0) {
		errno = -r;
		return err_errno(e, "cannot start the watchdog");
	}
	return 0;
}

int loop_passed_fds(void)
{
	/* Asked once: the variables are removed so that no child takes them for its own. */
	static int count = -1;

	if (count < 0) {
		int r = sd_listen_fds(1);

		count = MAX_OF(r, 0);
	}
	return count;
}
