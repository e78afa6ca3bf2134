/* SPDX-License-Identifier: MIT */
/*
 * What a keeper wrote about its command (src/shim/shim.h has the format), and whether a process is
 * still who it was.
 *
 * The folder is ours, but commands run as the same user and may write anything into it. So the
 * record is read like a stranger's: bounded, no links, and every number must be one that a keeper
 * can have written. The worst that a forged one achieves is a wrong story about its own command.
 *
 * A pid says nothing: it may be another's by now. The pidfd is opened first and the start time
 * compared afterwards; as long as the pidfd is open, what was compared is what is signalled. A
 * process that ended between the two keeps its start time until it is waited for, and then it has
 * none. The kernel counts start times from its boot, so the boot is part of the proof.
 *
 * A keeper writes the record "starting" before it starts anything, and gives up when it cannot. A
 * folder without a record can therefore be taken away from a keeper that is still on its way:
 * first the file that it would rename, then the folder (rmdir fails when the record came to be).
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "runner/process_internal.h"

#define RECORD_TMP_FILE PROCESS_RECORD_FILE ".tmp"
#define RECORD_MAX      KIB(16)

enum {
	TRIES = 32,         /* of opening one that is being replaced */
	STAT_MAX = 1024,    /* of /proc/PID/stat; the kernel writes less */
	STAT_START = 22,    /* proc(5) counts fields from 1 */
	CODE_MAX = 255,     /* of exit codes */
	SIGNAL_CODES = 128, /* and above: a signal, as shells tell it */
};

void process_record_fini(struct process_record *x)
{
	free(x->text);
	free(x->cgroup);
	*x = (struct process_record){0};
}

/* --- reading it --- */

static bool read_keeper(const struct js *j, struct process_proof *ret)
{
	int64_t pid = js_get_int(j, "shim_pid", 0);
	int64_t start = js_get_int(j, "shim_start", 0);

	/* 1 is nobody's keeper. The start time is 0 when the keeper could not find it out. */
	if (pid <= 1 || pid > INT_MAX || start < 0)
		return false;
	*ret = (struct process_proof){.pid = (pid_t)pid, .start = (uint64_t)start};
	return true;
}

static bool read_end(const struct js *j, struct process_record *ret)
{
	int64_t code = js_get_int(j, "exit_code", -1);
	int64_t signo = js_get_int(j, "signal", 0);
	const char *text = js_get_str(j, "error");

	if (code < 0 && signo > 0 && signo < NSIG)
		code = SIGNAL_CODES + signo;
	if (code < 0 || code > CODE_MAX)
		return false;
	ret->exit_code = (int)code;
	ret->was_timed_out = js_get_bool(j, "timed_out", false);
	ret->is_left = js_get_bool(j, "left", false);
	ret->lost_bytes = js_get_int(js_get(j, "log"), "lost", 0);
	if (text != NULL) {
		CLEANUP(buf_fini) struct buf clean = BUF_NULL;

		utf8_clean(&clean, text, strnlen(text, PROCESS_TEXT_MAX));
		ret->text = buf_steal(&clean);
	}
	return true;
}

/* False when it is nothing that a keeper writes. */
static bool read_fields(const struct js *j, struct process_record *ret)
{
	const char *state = js_get_str(j, "state");
	const char *boot_id = js_get_str(j, "boot_id");

	if (js_get_int(j, "version", 0) != 1 || boot_id == NULL ||
		!str_copy(ret->boot_id, sizeof(ret->boot_id), boot_id) ||
		!read_keeper(j, &ret->keeper))
		return false;
	ret->cgroup = xstrdup_or_null(js_get_str(j, "cgroup"));
	if (str_eq(state, "starting"))
		ret->state = RECORD_STARTING;
	else if (str_eq(state, "running"))
		ret->state = RECORD_RUNNING;
	else if (str_eq(state, "exited") && read_end(j, ret))
		ret->state = RECORD_EXITED;
	else
		return false;
	return true;
}

static void set_damaged(struct process_record *ret, const char *text)
{
	process_record_fini(ret);
	ret->state = RECORD_DAMAGED;
	ret->text = xasprintf("the record of its keeper is damaged: %s", text);
}

static void parse(struct slice text, struct process_record *ret)
{
	struct err e = CLEAN_ERR;
	CLEANUP(js_freep) struct js *j = js_parse(text.p == NULL ? "" : text.p, text.n, &e);

	if (j == NULL)
		set_damaged(ret, e.text);
	else if (!read_fields(j, ret))
		set_damaged(ret, "it makes no sense");
}

/* Could it be another time? */
static bool is_passing(int rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -EIO || rc == -EINTR;
}

int process_record_read(const char *folder, struct process_record *ret, struct err *e)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct err why = CLEAN_ERR;
	int rc = -EMLINK;

	*ret = (struct process_record){.state = RECORD_NONE};
	/* One that is replaced while it is being opened has no name at all. */
	for (int i = 0; i < TRIES && rc == -EMLINK; i++)
		rc = file_read_beneath(folder, PROCESS_RECORD_FILE, RECORD_MAX, &text, &why);
	if (rc == 0)
		parse(buf_slice(&text), ret);
	else if (is_passing(rc))
		return err_set(e, rc, "%s", why.text);
	else if (rc != -ENOENT)
		set_damaged(ret, why.text);
	return 0;
}

int process_folder_revoke(const char *folder, struct err *e)
{
	CLEANUP(freep) char *tmp = xasprintf("%s/%s", folder, RECORD_TMP_FILE);
	CLEANUP(freep) char *record = xasprintf("%s/%s", folder, PROCESS_RECORD_FILE);

	if (unlink(tmp) < 0 && errno != ENOENT)
		return err_errno(e, "cannot remove %s", tmp);
	if (rmdir(folder) == 0 || errno == ENOENT)
		return 1;
	if (errno == ENOTEMPTY && file_exists(record))
		return 0;
	return err_errno(e, "cannot remove %s", folder);
}

/* --- who is who --- */

void process_boot_id(char ret[BOOT_ID_SIZE])
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	ret[0] = '\0';
	if (file_read("/proc/sys/kernel/random/boot_id", BOOT_ID_SIZE, &text, NULL) == 0 &&
		text.n > 0) {
		text.p[strcspn(text.p, "\n")] = '\0';
		(void)str_copy(ret, BOOT_ID_SIZE, text.p);
	}
}

/* The second field is the name and may hold anything, parentheses and spaces too, so it is counted
 * from the last parenthesis. */
static bool parse_start(const char *line, uint64_t *ret)
{
	const char *p = strrchr(line, ')');

	for (int at = 2; p != NULL && at < STAT_START; at++)
		p = strchr(p + 1, ' ');
	return p != NULL &&
	       slice_to_u64((struct slice){p + 1, strcspn(p + 1, " \n")}, INT64_MAX, ret);
}

/* -ESRCH: it is no more. */
static int read_start(pid_t pid, uint64_t *ret)
{
	CLEANUP(buf_fini) struct buf line = BUF_NULL;
	char path[40];
	int rc;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	rc = file_read(path, STAT_MAX, &line, NULL);
	if (rc < 0)
		return rc == -ENOENT ? -ESRCH : rc;
	return line.n > 0 && parse_start(line.p, ret) ? 0 : -ESRCH;
}

int process_prove(const struct process_proof *p)
{
	CLEANUP(closep) int fd = -1;
	uint64_t start;
	int rc;

	if (p->pid <= 1 || p->start == 0)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	/* EINVAL: the number is one of a thread by now. */
	if (fd < 0)
		return errno == EINVAL ? -ESRCH : -errno;
	rc = read_start(p->pid, &start);
	if (rc < 0)
		return rc;
	return start == p->start ? fd_steal(&fd) : -ESRCH;
}

void process_signal(int pid_fd, int signo)
{
	/* It fails when the process is no more: as wanted. */
	(void)syscall(SYS_pidfd_send_signal, pid_fd, signo, NULL, 0);
}
