/* SPDX-License-Identifier: MIT */
/*
 * The parts of pylon-shim. Nothing here allocates by the amount of output or of processes.
 */
#ifndef SHIM_SHIM_INTERNAL_H
#define SHIM_SHIM_INTERNAL_H

#include <sys/resource.h>
#include <sys/types.h>

#include "base/base.h"

struct spool;

/* proc.c: clocks, and what the kernel tells in text */
int64_t clock_us(int clock);
/* The file's first size-1 bytes and a NUL; returns how many, 0 when there is no such file. dir as
 * for openat(2). */
size_t read_text(int dir, const char *path, char *ret, size_t size);
/* The decimal number at *at, behind spaces; moves *at behind it. */
uint64_t take_number(const char **at);
/* Fields of /proc/PID/stat; 0 when the process is gone. */
uint64_t start_time(pid_t pid);
pid_t parent_of(pid_t pid);

/* options.c: the command line */
enum {
	RLIMITS_MAX = 16, /* more than there are names */
};

struct rlimit_option {
	int resource;
	rlim_t value;
};

struct options {
	int64_t timeout_ms;
	int64_t grace_ms;
	const char *cwd;
	const char *dir;
	const char *log; /* NULL: two plain files in dir */
	uint64_t log_head;
	uint64_t log_tail;
	int nice;
	struct rlimit_option rlimits[RLIMITS_MAX];
	size_t rlimit_count;
	bool dies_with_parent;
	char **command;
};

/* Fills *o with the defaults and what argv says; it borrows from argv. False: a bad one. */
NODISCARD bool options_parse(struct options *o, char **argv);

/* output.c: the log with its two pipes */
struct output {
	struct spool *spool; /* NULL: no log */
	int pipes[2];        /* what is read of stdout and stderr; -1 when it ended */
	int streams;         /* PATH.streams; -1 when it is full */
	size_t streams_size;
	int source;    /* 1 or 2: whose the last bytes were; 0: none yet */
	uint64_t lost; /* bytes that could not be written */
	int lost_errno;
};

#define OUTPUT_NONE ((struct output){.pipes = {-1, -1}, .streams = -1})

/* Opens the log and makes the pipes, of which the command gets ret_ends (close them after). Returns
 * 0 or -errno. */
int output_open(struct output *o, const char *path, uint64_t head, uint64_t tail, int ret_ends[2]);
/* Reads one piece of pipe 0 or 1, if there is one, and writes it to the log. */
void output_copy(struct output *o, int which);
static inline bool output_is_open(const struct output *o)
{
	return o->pipes[0] >= 0 || o->pipes[1] >= 0;
}
/* Joins the log. */
void output_close(struct output *o);

/* cgroup.c */
enum {
	CGROUP_PATH_MAX = 512,
};

/* The command's own cgroup; dir is -1 when there is none. */
struct cgroup {
	char path[CGROUP_PATH_MAX];
	int dir;
};

#define CGROUP_NONE ((struct cgroup){.dir = -1})

/* Makes one below our own, when that one is ours to divide. */
void cgroup_make(struct cgroup *c);
/* Moves the calling process into it. */
bool cgroup_enter(const struct cgroup *c);
/* Kills all in it; returns how many there were at its top. */
unsigned cgroup_kill(const struct cgroup *c);
bool cgroup_is_empty(const struct cgroup *c);
/* Removes it with those that were made below it. */
void cgroup_remove(struct cgroup *c);

/* start.c */
/* What the child was doing when it failed; start_step_text() names it. */
enum start_step {
	STEP_NONE,
	STEP_CGROUP, /* this one is not fatal */
	STEP_OUTPUT,
	STEP_RLIMIT,
	STEP_NICE,
	STEP_CWD,
	STEP_EXEC,
};

struct start_failure {
	enum start_step step;
	int code; /* errno */
};

/* Points descriptors 0 to 2 at /dev/null: a pipe of the starter must be able to end. */
int start_detach(void);
/*
 * Starts the command with its output as the options say. Returns its pid, or 0 with *ret_failure.
 * Where it failed after the fork, both are set: there is nothing to wait for but a dead child. *c
 * loses its cgroup when the child could not enter it.
 */
pid_t start_command(const struct options *o, int dir, struct output *out, struct cgroup *c,
	struct start_failure *ret_failure);
const char *start_step_text(enum start_step step);

/* watch.c: waiting for signals, while output is copied */
enum {
	WATCH_DEADLINE = 0,
	WATCH_DRAINED = -1, /* both pipes have just ended */
};

/* Takes all signals from now on; they are blocked already. Returns 0 or -errno. */
int watch_open(void);
/* The next signal or one of the above. deadline is CLOCK_MONOTONIC in microseconds, 0: none. */
int watch_next(struct output *out, int64_t deadline);

/* status.c: what status says; see shim.h. */
struct status {
	const char *state;
	char boot_id[40];
	uint64_t shim_start;
	pid_t pid;
	uint64_t pid_start;
	int64_t started_real;
	int64_t ended_real;
	int wait_status;
	struct start_failure failure;
	bool timed_out;
	bool stopped;
	bool left;
	unsigned killed;
	const char *cgroup; /* borrowed; NULL: none */
	bool has_log;
	bool is_log_cut;
	uint64_t log_bytes;
	uint64_t log_lost;
	int log_errno;
};

int status_init(struct status *s, int dir_fd);
/* Replaces DIR/status; with `is_over` only after its bytes are on disk. Returns 0 or -errno. */
int status_write(struct status *s, bool is_over);

/* tree.c */
/* Sends `sig` to every descendant that can be found now. */
void tree_signal(int sig);
/*
 * Kills and reaps until no child is left and the cgroup is empty; orphans come to us, so that
 * reaches every descendant. Returns how many were killed and sets *ret_left when some could not be.
 * Fills *wait_status when it reaps `main_pid` (0: already reaped).
 */
unsigned tree_kill(pid_t main_pid, const struct cgroup *c, int *wait_status, bool *ret_left);

#endif
