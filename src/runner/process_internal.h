/* SPDX-License-Identifier: MIT */
/*
 * The inside of runner_process_new(), by file:
 *
 *   process.c         the port: finds runs, launches and tells what is due, lists the folders
 *   process_run.c     life of one run: looking at its record, following its keeper, its end
 *   process_launch.c  the keeper's command line and its start
 *   process_status.c  the keeper's record, and the proof that a pid is who it was
 *   process_orphan.c  ending what a killed keeper left behind
 *   process_log.c     which logs grow; the end of stdout
 *
 * Callbacks of the engine room are made by process.c alone, from a defer: whatever is found out
 * is only noted down as due. So a run is never freed while somebody works with it.
 */
#ifndef RUNNER_PROCESS_INTERNAL_H
#define RUNNER_PROCESS_INTERNAL_H

#include "base/limits.h"
#include "runner/process.h"

#define PROCESS_TAG "runner"
/* src/shim/shim.h; rooms do not include that program's headers. */
#define PROCESS_RECORD_FILE "status"

enum {
	PROCESS_TEXT_MAX = 300, /* bytes of what a keeper says that are passed on */
	BOOT_ID_SIZE = 40,      /* with the NUL; the kernel's has 36 characters */
};

/* --- the record --- */

enum process_state {
	RECORD_NONE,    /* there is no record, or no folder */
	RECORD_DAMAGED, /* text says how */
	RECORD_STARTING,
	RECORD_RUNNING,
	RECORD_EXITED,
};

/* A process that was: alive only with the same start time in the same boot (process_prove()). */
struct process_proof {
	pid_t pid; /* 0 = not known */
	uint64_t start;
};

struct process_record {
	enum process_state state;
	char boot_id[BOOT_ID_SIZE];
	struct process_proof keeper;
	char *cgroup; /* of the command; or NULL */
	/* EXITED only. */
	int exit_code; /* 128 + n: ended by signal n */
	bool was_timed_out, is_left;
	int64_t lost_bytes; /* of its log */
	char *text;         /* DAMAGED: how; EXITED: why it could not be executed, or NULL */
};

void process_record_fini(struct process_record *x);
/* Reads <folder>/status. Fills *ret when 0; negative when it cannot be read just now. */
NODISCARD int process_record_read(const char *folder, struct process_record *ret, struct err *e);
/* A folder without a record: makes sure that no keeper can ever begin in it, by removing it. 1:
 * done, nothing runs there. 0: there is a record by now. Negative: it cannot be removed. */
NODISCARD int process_folder_revoke(const char *folder, struct err *e);

/* This boot; "" when the kernel does not say. */
void process_boot_id(char ret[BOOT_ID_SIZE]);
/* A pidfd of exactly that process (maybe a zombie); -ESRCH: it is no more; other errors: cannot be
 * told just now. The boot must have been compared. */
NODISCARD int process_prove(const struct process_proof *p);
void process_signal(int pid_fd, int signo);
/* Kills what is left of the command of a keeper that is dead, in this boot. */
void process_orphans_kill(const struct process_record *x);

/* --- runs --- */

enum process_phase {
	PHASE_QUEUED,  /* to be launched */
	PHASE_ADRIFT,  /* its record must be looked at before anything is known */
	PHASE_BEGUN,   /* there is a keeper; the command may or may not run */
	PHASE_RUNNING, /* and it does */
	PHASE_OVER,    /* nothing more will happen */
};

/* What is to be told, in this order. */
enum {
	DUE_STARTED = 1,
	DUE_OUTPUT = 2,
	DUE_REFUSED = 4,
	DUE_EXITED = 8,
};

struct process_log_folder;

struct process_run {
	struct list node, due_node;
	struct processes *all;
	struct id id;
	char *folder;
	char *log_path; /* NULL: none */
	struct mask *mask;
	struct strv argv, env; /* QUEUED only */
	enum process_phase phase;
	unsigned due;
	bool is_ours;     /* launched by this process */
	bool is_blind;    /* its folder could not be watched */
	bool was_started; /* started() was told or is due */
	bool has_ended;   /* its keeper has */
	bool should_stop, is_impatient;
	bool is_doomed; /* nobody asks for it any more: it is killed and its folder removed */
	int64_t grace_us;
	pid_t child;   /* the keeper, when it is our child and was not waited for; else 0 */
	int pid_fd;    /* of the keeper; -1 = not (yet) followed */
	int speech_fd; /* what the keeper says before it goes about its work (stderr); or -1 */
	struct watch pid_watch;
	struct timer again;    /* look again: something was not to be had */
	struct timer patience; /* stop() gave so much time */
	struct process_log_folder *log_folder;
	struct runner_exit exit;
	enum runner_refusal refusal;
	char *text; /* of the exit or the refusal */
};

struct process_logs {
	struct loop *loop;
	int fd; /* inotify(7); -1 until the first log, or when it is not to be had */
	bool is_given_up;
	struct watch watch;
	struct timer pause; /* growing logs are heard of so often and no more */
	struct list folders;
};

struct processes {
	struct runner base;
	struct loop *loop;
	struct runner_events ev;
	char *dir, *shim;
	bool dies_with_us;
	bool is_open, was_told;
	char boot_id[BOOT_ID_SIZE];
	struct list runs;
	struct list due;  /* runs with something to tell */
	struct list asks; /* ensure_image() and survey() to be answered */
	struct defer settle;
	struct folder_watch *folders; /* of runs that have not begun; NULL: not to be had */
	struct process_logs logs;
};

/* process.c */
/* Notes down what is to be told of a run. */
void process_due(struct process_run *r, unsigned what);

/* process_run.c */
struct process_run *process_run_new(
	struct processes *p, const struct id *id, const char *log_path, struct mask *mask);
/* Lets go of everything; the command, if any, goes on. */
void process_run_free(struct process_run *r);
/* Before its record is read, so that no change of it is missed. */
void process_run_watch(struct process_run *r);
/* Looks at its record and does what follows from it. */
void process_run_look(struct process_run *r);
/* Starts its keeper; QUEUED only. */
void process_run_launch(struct process_run *r);
void process_run_stop(struct process_run *r, int64_t grace_us);
/* Nobody asks for it any more: removes it now, or as soon as it is dead. May free it. */
void process_run_doom(struct process_run *r);

/* process_launch.c */
/* The keeper's command line; -EINVAL when the spec makes no sense. */
NODISCARD int process_command_line(const struct processes *p, const char *folder,
	const struct runner_spec *spec, struct strv *ret, struct err *e);
/* Makes the folder and starts the keeper in it (child, speech_fd, is_blind). After a failure
 * nothing is left, and *ret_why tells which kind it was. */
NODISCARD int process_launch(struct process_run *r, enum runner_refusal *ret_why, struct err *e);
/* What the keeper said before it ended, for people; "" for nothing. */
void process_speech(int speech_fd, struct buf *out);

/* process_log.c */
void process_logs_init(struct process_logs *l, struct loop *loop);
void process_logs_fini(struct process_logs *l);
/* Output is due from now on whenever the log grows. */
void process_log_follow(struct process_run *r);
void process_log_unfollow(struct process_run *r);
bool process_log_is_empty(const char *path);
/* The last RESULT_FILE_MAX bytes of a log as far as they are stdout. */
void process_log_stdout(const char *path, struct buf *out);

#endif
