/* SPDX-License-Identifier: MIT */
/*
 * pylon-internal.h - a pylon at work, as the files of this room see it (pylon.c).
 *
 * What is accepted is accepted under a configuration, and runs under that one. The present one and
 * the elders before it are told apart by the time of the acceptance; a job that T4 queued again is
 * remembered by name.
 */
#ifndef PYLON_ENGINE_PYLON_INTERNAL_H
#define PYLON_ENGINE_PYLON_INTERNAL_H

#include <sys/types.h>

#include "engine/engine.h"
#include "trigger/agenda.h"
#include "trigger/trigger.h"

/* The schedule of a pylon (occur.c). */
struct clockwork {
	struct agenda_entry entry;   /* when the next occurrence is to be decided */
	struct schedule *schedule;   /* NULL = it has none, or is not being watched */
	struct schedule_state state; /* as in the ledger */
	char *description;           /* in words; NULL without a schedule */
	bool is_writing;             /* a transaction is under way; its end plans again */
	bool is_stale;               /* meanwhile the configuration changed: its end starts anew */
};

/* A configuration that a pylon had before, kept for the jobs that were accepted under it. */
struct elder {
	struct list node;
	struct pylon_config *config; /* a reference */
	int64_t since;  /* wall clock: what was accepted from here on was accepted under it */
	bool is_needed; /* by an open job, see count_needs() */
};

/* A job that T4 queued again: it goes on under the configuration that it ran under. */
struct repetition {
	struct list node;
	struct id job_id;
	struct pylon_config *config; /* a reference */
};

/* A pylon at work: its configuration, its database, its share of the counters. It stays here after
 * its file is gone for as long as a job of it is alive. */
struct pylon {
	struct engine *engine;
	struct dock *dock;           /* where its runs are */
	bool is_runtime;             /* background work: jobs that have no pylon, in runtime.db */
	struct pylon_config *config; /* a reference */
	int64_t config_since;        /* what was accepted before belongs to the elders */
	int64_t last_accepted;       /* wall clock: the newest acceptance */
	struct list elders;          /* struct elder, newest first */
	struct list repetitions;     /* struct repetition */
	char *config_problem;  /* its file is broken now, `config` is the last good one; NULL */
	bool is_gone;          /* its file was removed: nothing new comes in */
	int64_t gone_mono;     /* since when */
	struct route *route;   /* webhook pylons that are ready; else NULL */
	char *trigger_problem; /* why there is none, or no schedule, although there should be; NULL
				*/
	struct clockwork clockwork; /* cron pylons */
	struct store_db *db;        /* NULL while closed; see pylon_db() */
	char *db_problem;           /* why the database cannot be used; NULL = it can */
	bool is_recovered;   /* what its database held when we first opened it was taken up */
	bool is_stale;       /* its database was removed or replaced */
	dev_t folder_dev;    /* the folder that it was opened in: another one in its place brings */
	ino_t folder_ino;    /* a database of its own */
	char *image_problem; /* why the image cannot be had; NULL = it can, or is not known yet */
	int64_t queued;      /* jobs in state queued */
	int64_t queued_now;  /* of these, without a not_before: they hold a slot */
	int64_t awaiting;    /* jobs awaiting approval */
	int active;          /* jobs starting or running, claims under way included */
	bool is_claiming;    /* one claim at a time: the next would see the same row */
	bool claim_has_slot; /* the job being claimed is still counted in queued_now */
	int64_t next_start;  /* wall clock: the earliest not_before; 0 = none */
	int64_t next_expiry; /* wall clock: the earliest approval to expire; 0 = none */
	bool is_expiring;    /* one is being recorded; its end looks for the next */
	int64_t next_delivery; /* wall clock: the outbox has something due then; 0 = nothing */
	int64_t undelivered;   /* dead or unknown deliveries when last counted */
	int in_flight;         /* deliveries being sent */
	int64_t used_mono;     /* when the database was last needed */
	uint64_t served; /* number of its last claim among all: who waited longest goes first */
};

struct pylon *engine_pylon(struct engine *e, const char *name);
/* Opens the database when it is closed, and takes up what is in it when that is the first time;
 * NULL (and db_problem set) when it cannot be used. */
struct store_db *pylon_db(struct pylon *p);
/* Is another folder in the place of the one in which the database was opened? */
bool pylon_has_other_folder(const struct pylon *p);
/* Closes the database when nothing of the pylon is waiting or under way. */
void pylon_close_if_idle(struct pylon *p);
bool pylon_is_ready(const struct pylon *p, const char **ret_reason);
/* Reads counters and due times from the database. */
NODISCARD int pylon_count(struct pylon *p, struct err *err);
void pylon_free(struct pylon *p);
/* The configuration under which a waiting job was accepted: a job that waits while its pylon is
 * edited runs as it was accepted (and approved). A job that a person runs again, or that is taken
 * in after it was rejected, is accepted then. */
struct pylon_config *pylon_config_of(struct pylon *p, const struct job *j);
/* The job is queued again by T4 and keeps that configuration; it does not wait any longer. */
void pylon_repeats(struct pylon *p, const struct id *job_id, struct pylon_config *config);
void pylon_repeats_no_more(struct pylon *p, const struct id *job_id);
/* The earliest moment at which something can be accepted under the present configuration, which is
 * now unless the clock was set back. */
int64_t pylon_now(const struct pylon *p);
/* Is it there and enabled? Else nothing new comes in and nothing is claimed. */
bool pylon_is_active(const struct pylon *p);
/* Jobs that are not over, or may become so with what is being committed. */
bool pylon_has_open_jobs(const struct pylon *p);
bool job_is_scheduled(const struct job *j);

#endif
