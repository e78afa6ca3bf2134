/* SPDX-License-Identifier: MIT */
/*
 * api/lines-internal.h - the agent runtime's protocol on the Unix socket: one JSON object a line,
 * both ways. docs/socket.md has the request types.
 *
 * A request {"id","type",...} is answered {"id","ok":true,"result"} or {"id","ok":false,"error"},
 * exactly once, now or later, in any order. Its id is echoed whenever it can be read, else it is
 * "unknown".
 *
 * lines.c has the connections and the framing, lines_types.c the envelope and the types that need
 * no job, lines_runs.c those that do.
 */
#ifndef PYLON_API_LINES_INTERNAL_H
#define PYLON_API_LINES_INTERNAL_H

#include "api/api-internal.h"

#define LINES_LINE_MAX    MIB(1)   /* bytes of a request without its newline */
#define LINES_ID_MAX      256      /* bytes of a request's id */
#define LINES_HELD_MAX    MIB(16)  /* of all requests that are not complete */
#define LINES_BACKLOG_MAX KIB(256) /* of answers not taken yet: nothing more is read meanwhile */
#define LINES_CLIENTS_MAX 128      /* then the one that was silent longest has to go */
#define LINES_PENDING_MAX 64       /* requests of a client that wait for their answer */
#define LINES_WAITING_MAX 1024     /* the same of all, those included that have left */
#define LINES_RATE_MAX    1000     /* requests of a client in a second; the rest waits */
#define LINES_EVENT_MAX   KIB(16)  /* of an emitted event */

/* Copied from the above at creation; tests set their own. */
struct lines_limits {
	size_t line, held, backlog, clients, pending, waiting, rate;
};

struct lines {
	struct api *api;
	struct lines_limits limits;
	struct list clients; /* the one that was silent longest first */
	struct list dead;    /* closed ones whose memory is still there */
	size_t client_count;
	unsigned depth;
	struct list waiting; /* requests that are not answered */
	size_t waiting_count;
	size_t held;
	uint64_t emitted; /* events of clients, for the status */
	int64_t emitted_at;
	bool is_closing;
};

struct line_client;

/* Belongs to whoever has it until line_answer() or line_refuse(). */
struct line_request {
	struct list node;
	struct lines *lines;
	struct line_client *client; /* NULL: has left */
	char *id;                   /* NULL = unknown */
	struct js *doc;
	struct id about; /* the run that is asked about; "" = none */
};

struct lines *lines_new(struct api *a);
/* Closes all; requests that are not answered go with it and must not be answered any more. */
void lines_free(struct lines *l);
/* For struct http_handlers; ctx is the api. */
void lines_open(void *ctx, int fd, struct slice first);
/* No more requests; clients go as soon as they have their answers. */
void lines_close(struct lines *l);
/* Requests and answers that are still on their way. */
size_t lines_pending(const struct lines *l);

/* Both end the request. Takes `result`; NULL = null. */
void line_answer(struct line_request *q, struct js *result);
void line_refuse(struct line_request *q, const char *fmt, ...) PRINTF(2, 3);

/* lines_types.c: one line, without its end; not blank. */
void line_dispatch(struct line_request *q, struct slice line);
/* The text at obj[key], trimmed, heap; NULL after having refused: "<label> must be a non-empty
 * string". */
char *line_need(struct line_request *q, const struct js *obj, const char *key, const char *label);

/* lines_runs.c */
typedef void line_type_fn(struct line_request *q);
line_type_fn line_runs_list, line_runs_get, line_runs_start, line_runs_cancel, line_runs_rerun,
	line_runs_follow_up;

/* run_record.c: a job as the protocol's record of a run. A list has long texts cut and leaves out
 * what only the whole has. *ret_size: about how much was read and made. */
struct js *run_record(struct api *a, const struct job *j, bool is_whole, size_t *ret_size);
/* "none", or "attention" when somebody should look at it. */
const char *run_recovery_action(const char *status);

#endif
