/* SPDX-License-Identifier: MIT */
/*
 * api/api.h - the doors: every HTTP path of the program, on the Unix socket and on TCP, and the
 * agent runtime's JSON lines on the Unix socket.
 *
 * Routes are one table (routes.c). On TCP: webhook paths, agent callbacks (/callback, /hooks),
 * /healthz and /readyz are open to any Host; /api/, /metrics, /trigger/ and / are checked in this
 * order: Host (loopback name, server.host or the host of a public_url) else 403; a foreign Origin
 * 403; token missing, wrong or none configured 401. On the Unix socket the peer's uid was checked
 * when it connected.
 *
 * Handlers translate between HTTP/JSON and engine/engine.h and decide nothing themselves. Lists are
 * {"items":[...],"next":"<before>"|null}; errors are problem+json with a stable `code`.
 */
#ifndef PYLON_API_API_H
#define PYLON_API_API_H

#include "engine/engine.h"
#include "http/http.h"
#include "loop/loop.h"

struct api;

struct api_options {
	struct loop *loop;
	struct engine *engine;
	const char *version;
	const char *home;         /* told by /api/daemon; may be NULL; borrowed */
	const char *api_token;    /* NULL = no API on TCP; borrowed */
	const struct strv *hosts; /* names besides loopback that may be in Host; borrowed */
	/* POST /api/daemon/stop. */
	void (*stop)(void *ctx);
	void *stop_ctx;
	/* POST /api/daemon/reload: reads the whole configuration anew. -EINVAL with *e when
	 * config.yaml cannot be used; what became of pylons is in the engine's status. */
	int (*reload)(void *ctx, struct err *e);
	/* The same for the pylons alone, after one was edited by the API. */
	void (*reload_pylons)(void *ctx);
	void *reload_ctx;
};

struct api *api_new(const struct api_options *o);
void api_free(struct api *a);
DEFINE_FREEP(struct api, api_free)

/* For http_server_new(). */
struct http_handlers api_handlers(struct api *a);
/* Whose numbers /metrics shows; optional. */
void api_set_server(struct api *a, const struct http_server *s);
/* Ends all open streams with a clean last chunk, and what speaks JSON lines as soon as it has its
 * answers; new ones are refused from now on. Call it before
 * the server goes: the order at the end is api_close_streams(), http_server_free(), api_free(). */
void api_close_streams(struct api *a);
/* Requests over the JSON-lines door that are not answered, or whose answer is not sent yet. */
size_t api_pending(const struct api *a);

#endif
