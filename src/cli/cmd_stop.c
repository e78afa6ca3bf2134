/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_stop.c - `pylon stop`: asks the daemon to end and waits until it has.
 *
 * The end of the process is what is waited for (by a pidfd, opened before it is asked), not the end
 * of its socket, which it gives up earlier.
 */
#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/commands-internal.h"

/* daemon.grace is 30 s by default. */
#define STOP_WAIT_MS 90000

/* Negative when it cannot be watched (it ended, or lives in another pid namespace). */
static int open_pid(int64_t pid)
{
	if (pid <= 0 || pid > INT32_MAX)
		return -1;
	return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
}

static int wait_for_end(struct cli *c, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do {
		n = poll(&p, 1, STOP_WAIT_MS);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return cli_fail(EXIT_TRY_AGAIN,
			"the daemon is still ending after %d s: a second SIGTERM ends it at once",
			STOP_WAIT_MS / 1000);
	cli_say(c, "stopped");
	return EXIT_OK;
}

int cmd_stop(struct cli *c, int argc, char **argv)
{
	bool no_wait = false;
	const struct cli_option options[] = {{.name = "--no-wait", .flag = &no_wait}};
	CLEANUP(js_freep) struct js *before = NULL;
	CLEANUP(js_freep) struct js *answer = NULL;
	CLEANUP(closep) int fd = -1;
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 0, 0);
	if (r == EXIT_OK)
		r = cli_get(c, &before, "/api/daemon");
	if (r != EXIT_OK)
		return r;
	fd = open_pid(js_get_int(before, "pid", 0));
	r = cli_call(c, "POST", "/api/daemon/stop", "{}", &answer);
	if (r != EXIT_OK)
		return r;
	if (c->json)
		cli_print_json(answer);
	if (no_wait || fd < 0) {
		cli_say(c, "the daemon is stopping");
		return EXIT_OK;
	}
	return wait_for_end(c, fd);
}
