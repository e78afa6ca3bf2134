/* SPDX-License-Identifier: MIT */
/*
 * mcp/mcp_internal.h - the parts of the server: messages (rpc.c), methods (methods.c), the table of
 * tools (tools.c), what the tools do (tool_*.c), and the daemon behind them (ask.c).
 */
#ifndef PYLON_MCP_MCP_INTERNAL_H
#define PYLON_MCP_MCP_INTERNAL_H

#include "base/json.h"
#include "base/limits.h"
#include "mcp/mcp.h"

/* JSON-RPC 2.0, section 5.1. */
enum {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_NO_METHOD = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL = -32603,
};

struct mcp {
	const char *socket, *version;
	const struct mcp_protocol *protocol; /* agreed upon; NULL before `initialize` */
};

/* --- rpc.c --- */

/* Answers one message: appends a line to out, or nothing. */
void mcp_answer(struct mcp *m, struct slice message, struct buf *out);
/* Answers one that was longer than MCP_MESSAGE_MAX. */
void mcp_answer_too_long(struct buf *out);

/* --- methods.c --- */

struct mcp_protocol {
	const char *version;
	bool has_batches;
};

/* 0 with the result, or an RPC_* code with *e. `params` may be NULL. */
typedef int method_fn(struct mcp *m, const struct js *params, struct js **ret, struct err *e);

struct method {
	const char *name;
	method_fn *run;
};

/* NULL when there is none of that name. */
const struct method *method_find(const char *name);

/* --- tools.c --- */

struct js *tools_list(void);
/* A tool's call as `tools/call` wants it; else RPC_*. */
NODISCARD int tools_call(const struct mcp *m, const char *name, const struct js *args,
	struct js **ret, struct err *e);

/* --- tool_*.c --- */

/* The call did not do what it was asked to, and its text says why: for the agent, which may mend
 * it, not for its program. */
#define TOOL_E_FAILED 1

/* Writes its answer to out. 0, TOOL_E_FAILED, or RPC_INTERNAL with *e. The types of `args` are
 * those of the table. */
typedef int tool_fn(const struct mcp *m, const struct js *args, struct buf *out, struct err *e);
tool_fn tool_background_command, tool_subagent;
tool_fn tool_list_jobs, tool_job_log, tool_trigger_pylon;

/* --- ask.c --- */

#define JOBS       "/api/jobs"
#define EXECUTIONS "/api/executions"

/* Replaces what is in out by the reason; returns TOOL_E_FAILED. */
NODISCARD int tool_fail(struct buf *out, const char *fmt, ...) PRINTF(2, 3);
/* One call of the API; body may be NULL. A refusal, or no daemon, is a failure of the tool. *ret is
 * an object. */
NODISCARD int ask_daemon(const struct mcp *m, const char *method, const char *path,
	const struct js *body, struct js **ret, struct buf *out, struct err *e);
/* Writes the last lines of a log as the answer. `area` is JOBS or EXECUTIONS. */
NODISCARD int ask_log(
	const struct mcp *m, const char *area, const struct js *args, struct buf *out);
/* The argument `id` of args, fit for a path. */
NODISCARD int tool_want_id(const struct js *args, const char **ret, struct buf *out);

/* --- brief.c --- */

#define LIST_TEXT_SHOWN 200     /* bytes of a text in a list */
#define TEXT_SHOWN      KIB(16) /* of one that was asked for */
#define LOG_SHOWN       KIB(32) /* of a log: its end */
#define LIST_SHOWN      20      /* rows, unless told */

/* Copies the members named (NULL-ended) that are not null; texts longer than max are cut. */
void brief_copy(struct js *to, const struct js *from, const char *const *keys, size_t max);
/* Appends foreign text without what could fool a terminal, cut in front to at most max bytes. */
void brief_log(struct buf *out, struct slice text, size_t max);

#endif
