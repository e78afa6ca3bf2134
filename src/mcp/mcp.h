/* SPDX-License-Identifier: MIT */
/*
 * mcp/mcp.h - the tools of a daemon for any agent: a server of the Model Context Protocol.
 *
 * It speaks JSON-RPC 2.0, one message a line (the protocol's stdio transport), and asks the daemon
 * over its local socket, with a connection for each call: so it may be started before the daemon
 * and outlives its restarts. It keeps nothing; what it started belongs to the daemon.
 *
 * Sources: the specification of the Model Context Protocol, revisions 2024-11-05, 2025-03-26 and
 * 2025-06-18 (base protocol, lifecycle, transports, tools); the JSON-RPC 2.0 specification.
 */
#ifndef PYLON_MCP_MCP_H
#define PYLON_MCP_MCP_H

#include "base/err.h"

struct mcp_options {
	const char *socket;  /* the daemon's */
	const char *version; /* ours */
	int in, out;         /* messages; nothing else is ever written to `out` */
};

/* Serves until `in` ends. Negative when `in` cannot be read or `out` cannot be written. */
NODISCARD int mcp_serve(const struct mcp_options *o, struct err *e);

#endif
