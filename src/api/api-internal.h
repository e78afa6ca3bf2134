/* SPDX-License-Identifier: MIT */
/*
 * api/api-internal.h - what the files of this room share.
 *
 * A handler answers its request exactly once, now or in a callback of the engine. Requests belong
 * to the HTTP server and live until they are answered, so a request can be the `ctx` of such a
 * callback.
 */
#ifndef PYLON_API_API_INTERNAL_H
#define PYLON_API_API_INTERNAL_H

#include "api/api.h"
#include "base/json.h"
#include "base/limits.h"

#define API_BODY_MAX      MIB(1)
#define API_LIST_TEXT_MAX KIB(2) /* of one result in a list; longer ones are cut there */
#define API_STATUS_MAX    600

struct events;
struct lines;

struct api {
	struct api_options o;
	const struct http_server *server; /* NULL until told */
	int64_t started_mono;
	struct events *events;
	struct lines *lines;
	struct list logs; /* struct log_stream */
	size_t log_count;
	bool is_closing;
	/* Longest turns of the loop that /readyz and /metrics have not told yet. */
	int64_t lag_ready_us, lag_metrics_us;
	uint64_t webhook_answers[API_STATUS_MAX]; /* by status */
};

/* --- routes.c --- */

enum route_door {
	DOOR_OPEN, /* anybody, any Host */
	DOOR_API,  /* the Unix socket; on TCP: Host, Origin, token */
};

#define ROUTE_ARGS_MAX 2

struct route;
struct route_match {
	const struct route *route;
	struct slice args[ROUTE_ARGS_MAX]; /* what the ":kind" segments matched */
};

typedef void route_fn(struct api *a, struct http_request *req, const struct route_match *m);

struct route {
	const char *methods; /* as in Allow; "" = do not ask */
	const char *pattern;
	enum route_door door;
	size_t max_body;
	route_fn *fn; /* NULL: 404 */
	int param;    /* for handlers that serve several rows */
};

extern const struct route api_routes[];
extern const size_t api_route_count;

/* The first row that matches; false when none does. `path` is decoded; a path that was written
 * with escapes is only ever caught by the "*" rows. */
bool route_find(struct slice path, bool has_escapes, struct route_match *ret);
bool route_allows(const struct route *r, struct slice method);

/* --- door.c --- */

/* May this request use the API? 0, or the status with *ret filled. */
int door_check(const struct api *a, const struct http_request *req, struct answer *ret);
int door_admit(void *ctx, struct http_request *req, size_t *ret_max_body, struct answer *ret);
void door_handle(void *ctx, struct http_request *req);

/* --- respond.c --- */

/* Fills an answer; returns the status. */
int answer_fill(struct answer *ret, int status, const char *code, const char *fmt, ...)
	PRINTF(4, 5);
void api_refuse(struct http_request *req, int status, const char *code, const char *fmt, ...)
	PRINTF(4, 5);
/* Compact JSON and a newline. */
void api_respond_json(struct http_request *req, int status, const struct js *j);
/* An engine_answer_fn whose ctx is the request. */
void api_answered(void *ctx, const struct answer *a);
/* {"items":...,"next":...}; takes `items`; next NULL = the last page. */
struct js *api_list(struct js *items, const char *next);
void api_respond_list(struct http_request *req, struct js *items, const char *next);
/* ?limit= within 1..LIST_LIMIT_MAX; false after having refused. */
bool api_query_limit(struct http_request *req, size_t *ret);
/* ?before= of a list whose `next` is a time, 0 = none; false after having refused. */
bool api_query_before(struct http_request *req, int64_t *ret);
/* Is the body said to be JSON, or said to be nothing? */
bool api_is_json(const struct inbound *in);
/* The JSON object in the body, an empty one when there is no body; NULL after having refused. */
struct js *api_body(struct http_request *req);

/* --- job_json.c --- */

/* A job; `is_whole` keeps long texts, else they are cut ("truncated": true). */
struct js *job_json(struct api *a, const struct job *j, bool is_whole);
struct js *run_json(const struct run *r);
struct js *usage_json(const struct usage *u);
struct js *delivery_json(const struct delivery *d, const char *pylon);
struct js *event_json(const struct event_record *ev);
/* A text of o, cut unless `is_whole`; true when it had to be. NULL becomes null. */
bool cut_text_json(struct js *o, const char *key, const char *text, bool is_whole);
/* Cost and tokens. */
void spent_json(struct js *o, double cost_usd, const struct usage *u);
/* What people are told of a pylon's name: NULL for the one that background work is kept under. */
const char *pylon_label(const char *pylon);

/* --- execution_json.c --- */

/* A job of background work as the agent runtime's protocol has it; `is_whole` as in job_json(). */
struct js *execution_json(struct api *a, const struct job *j, bool is_whole);
/* What it is asked to do (docs/runtime.md); NULL when that cannot be read. */
struct js *execution_work(struct api *a, const struct job *j);
/* Adds the keys that tell it; true when a text had to be cut. */
bool execution_describe(
	struct api *a, struct js *o, const struct job *j, const struct js *work, bool is_whole);
/* The command, appended in one line; nothing for a subagent. */
void execution_command(struct buf *out, const struct js *work);
/* The protocol's word for its state. */
const char *execution_status(const struct api *a, const struct job *j);
bool execution_is_subagent(const struct js *work);
bool execution_can_follow_up(const struct job *j, const struct js *work);
#define EXECUTION_FOLLOW_UP_PROMPT "Continue from where you left off."
/* What engine_start_work() is told for a follow-up: the same work, but its agent goes on with the
 * session and is told something else. free() it. */
char *execution_follow_up_body(const struct js *work, const struct job *j, const char *prompt);
/* Copies of the members of an object, but those in the NULL-ended list. */
void copy_members_json(struct js *to, const struct js *from, const char *const *without);

/* --- executions.c --- */

route_fn executions_root, executions_one;
route_fn executions_cancel, executions_rerun, executions_follow_up;

/* --- explain.c --- */

/* One sentence on why a job is where it is, and what one can do ("hints", commands). */
void explain_job(struct js *out, const struct job *j, const char *waiting);

/* --- jobs.c --- */

/* By unique prefix; false after having refused. The caller frees *ret with job_fini(). */
bool api_find_job(struct api *a, struct http_request *req, struct slice id, struct job *ret);
/* The same, of background work only. */
bool api_find_execution(struct api *a, struct http_request *req, struct slice id, struct job *ret);
/* Who decides, for the record: "by" of the body, which only a local peer is believed. free() it. */
char *api_decider(const struct http_request *req, const struct js *body);
route_fn jobs_list, jobs_one, jobs_explain, jobs_decide;

/* --- talk.c --- */

route_fn talk_reply, talk_attach;

/* --- log.c, events.c --- */

route_fn log_get; /* param: of background work only */
void log_on_event(struct api *a, const struct engine_event *ev);
void log_close_all(struct api *a);
void log_free_all(struct api *a);

#define EVENTS_RING    1024 /* events that a client may come back for */
#define EVENTS_PING_US (30 * US_PER_SEC)

struct events *events_new(struct loop *l);
/* Streams must have been closed, or their server be gone. */
void events_free(struct events *ev);
void events_publish(struct events *ev, const struct engine_event *what);
/* What a client tells all others, small enough to be kept. */
void events_publish_foreign(struct events *ev, const struct js *event);
void events_close_all(struct events *ev);
size_t events_subscribers(const struct events *ev);
route_fn events_get, events_of_execution;

/* --- the other handlers --- */

route_fn callback_report, callback_hook;
route_fn health_live, health_ready;
route_fn daemon_get, daemon_stop, daemon_reload;
route_fn pylons_list, pylons_one, pylons_trigger, pylons_enable;
route_fn occurrences_list;
route_fn schedule_next_get, template_render_post;
struct js *occurrence_json(const struct occurrence *o, const char *pylon);
route_fn deliveries_list, deliveries_redeliver;
route_fn metrics_get;
void webhook_handle(struct api *a, struct http_request *req);
void webhook_count(struct api *a, int status);

/* Asks the loop how long its turns took and remembers it for both readers. */
void health_take_lag(struct api *a);

#endif
