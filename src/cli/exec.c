/* SPDX-License-Identifier: MIT */
/*
 * cli/exec.c - one more program in a running container, asked for at the container engine (Docker
 * Engine API, "Exec"): made, started with the connection turned into its streams, and asked how it
 * ended.
 *
 * What surprised us:
 *   - a program that cannot be started is no refusal: the connection is turned, the reason comes as
 *     output, and the "exit code" is 126 or 127 of a process that never had a pid;
 *   - with a terminal the engine looks for the keys Ctrl-P Ctrl-Q, which detach, and holds each
 *     Ctrl-P back until the next key: shells use it for their history. DetachKeys can move that
 *     to keys that nobody needs, but not turn it off;
 *   - the streams end a moment before the engine knows the exit code.
 *
 * A program whose connection breaks is not ended by the engine: it goes on until the container
 * ends.
 */
#include <errno.h>
#include <time.h>

#include "base/limits.h"
#include "cli/attach-internal.h"
#include "cli/terminal-internal.h"

#define DETACH_KEYS "ctrl-@,ctrl-@,ctrl-@,ctrl-@"

#define STATUS_TRIES    60
#define STATUS_PAUSE_NS 50000000L

enum {
	EXIT_NOT_EXECUTABLE = 126, /* POSIX shell, "Exit Status for Commands" */
	EXIT_NO_PROGRAM = 127,
};

void exec_fini(struct exec *x)
{
	client_close(x->engine);
	free(x->base);
	free(x->id);
	x->engine = NULL;
	x->base = x->id = NULL;
}

/* --- what the engine says --- */

static int unreachable(const struct exec *x, const struct err *e)
{
	if (e->code == -EACCES || e->code == -EPERM)
		return cli_fail(EXIT_NOT_STARTED,
			"this user may not use the container engine's socket %s: a shell in a "
			"container takes that right, which members of its group have (mostly "
			"\"docker\")",
			x->socket);
	if (e->code == -ENOENT || e->code == -ECONNREFUSED)
		return cli_fail(EXIT_NOT_STARTED, "no container engine answers at %s", x->socket);
	return cli_fail(EXIT_NOT_STARTED, "the container engine (%s): %s", x->socket, e->text);
}

/* With a version found, it is an engine that speaks, and of our container. */
static int refused(const struct exec *x, const struct client_answer *a)
{
	CLEANUP(js_freep) struct js *j = js_parse(buf_str(&a->body), a->body.n, NULL);
	const char *why = js_get_str(j, "message");

	if (x->base != NULL && (a->status == 404 || a->status == 409))
		return cli_fail(EXIT_NOT_STARTED, "the job's container is not running any more: %s",
			why == NULL ? "it has ended" : why);
	return cli_fail(EXIT_NOT_STARTED, "the container engine refused it with %d%s%s", a->status,
		why == NULL ? "" : ": ", why == NULL ? "" : why);
}

/* One call; *ret is its JSON. */
static int call(struct exec *x, const char *method, const char *path, const char *body, int want,
	struct js **ret)
{
	static const char *const json[] = {"Content-Type: application/json", NULL};
	CLEANUP(client_answer_fini) struct client_answer a = {0};
	struct err e = CLEAN_ERR;

	if (client_call(x->engine, method, path, body == NULL ? NULL : json, slice_of(body), &a,
		    &e) < 0)
		return unreachable(x, &e);
	if (a.status != want)
		return refused(x, &a);
	*ret = js_parse(buf_str(&a.body), a.body.n, &e);
	if (*ret == NULL)
		return cli_fail(
			EXIT_NOT_STARTED, "the container engine's answer is no JSON: %s", e.text);
	return EXIT_OK;
}

/* Ids and versions of the engine become parts of paths. */
static bool is_plain(const char *text)
{
	static const char chars[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-";

	return !str_is_empty(text) && text[strspn(text, chars)] == '\0';
}

/* Speaks the newest version that the engine knows; what is needed here is in all of them. */
static int find_version(struct exec *x)
{
	CLEANUP(js_freep) struct js *j = NULL;
	const char *version;
	int r = call(x, "GET", "/version", NULL, 200, &j);

	if (r != EXIT_OK)
		return r;
	version = js_get_str(j, "ApiVersion");
	if (!is_plain(version))
		return cli_fail(
			EXIT_NOT_STARTED, "what answers at %s is no container engine", x->socket);
	x->base = xasprintf("/v%s", version);
	return EXIT_OK;
}

/* --- making --- */

static struct js *command_json(const struct exec *x)
{
	/* The better shell when there are two. */
	static const char *const shell[] = {
		"/bin/sh", "-c", "exec \"$(command -v bash || command -v sh)\"", NULL};
	const char *const *words = x->command == NULL ? shell : x->command;
	struct js *list = js_array();

	for (; *words != NULL; words++)
		js_add_str(list, *words);
	return list;
}

static void set_terminal(struct js *o)
{
	const char *term = getenv("TERM"); /* NOLINT(concurrency-mt-unsafe) */
	CLEANUP(freep) char *line = xasprintf("TERM=%s", str_is_empty(term) ? "xterm" : term);
	struct js *env = js_array();

	js_add_str(env, line);
	js_set_take(o, "Env", env);
	js_set_str(o, "DetachKeys", DETACH_KEYS);
}

static char *create_body(const struct exec *x)
{
	CLEANUP(js_freep) struct js *o = js_object();
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	js_set_bool(o, "AttachStdin", true);
	js_set_bool(o, "AttachStdout", true);
	js_set_bool(o, "AttachStderr", true);
	js_set_bool(o, "Tty", x->has_terminal);
	if (x->has_terminal)
		set_terminal(o);
	js_set_take(o, "Cmd", command_json(x));
	js_write(&text, o);
	return buf_steal(&text);
}

int exec_create(struct exec *x)
{
	CLEANUP(js_freep) struct js *j = NULL;
	CLEANUP(freep) char *path = NULL;
	CLEANUP(freep) char *body = create_body(x);
	struct err e = CLEAN_ERR;
	int r;

	if (!is_plain(x->container))
		return cli_fail(EXIT_FAILED, "the daemon's answer names no container");
	if (client_open_unix(&x->engine, x->socket, &e) < 0)
		return unreachable(x, &e);
	r = find_version(x);
	if (r != EXIT_OK)
		return r;
	path = xasprintf("%s/containers/%s/exec", x->base, x->container);
	r = call(x, "POST", path, body, 201, &j);
	if (r != EXIT_OK)
		return r;
	if (!is_plain(js_get_str(j, "Id")))
		return cli_fail(EXIT_NOT_STARTED, "the container engine's answer has no id");
	x->id = xstrdup(js_get_str(j, "Id"));
	return EXIT_OK;
}

/* --- its life --- */

/* The size goes along, for engines that know that (API 1.42): no moment with a wrong one. */
static char *start_body(const struct exec *x)
{
	CLEANUP(js_freep) struct js *o = js_object();
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	unsigned rows, columns;

	js_set_bool(o, "Detach", false);
	js_set_bool(o, "Tty", x->has_terminal);
	if (x->has_terminal && terminal_size(&rows, &columns)) {
		CLEANUP(freep) char *size = xasprintf("[%u,%u]", rows, columns);

		js_set_json(o, "ConsoleSize", size);
	}
	js_write(&text, o);
	return buf_steal(&text);
}

int exec_start(struct exec *x, struct client_tunnel *ret)
{
	CLEANUP(freep) char *path = xasprintf("%s/exec/%s/start", x->base, x->id);
	CLEANUP(freep) char *body = start_body(x);
	CLEANUP(client_answer_fini) struct client_answer a = {0};
	struct err e = CLEAN_ERR;

	if (client_upgrade(x->engine, path, slice_of(body), &a, ret, &e) < 0)
		return unreachable(x, &e);
	return a.status == 101 ? EXIT_OK : refused(x, &a);
}

bool exec_resize(struct exec *x)
{
	CLEANUP(client_answer_fini) struct client_answer a = {0};
	CLEANUP(freep) char *path = NULL;
	unsigned rows, columns;

	if (!terminal_size(&rows, &columns))
		return true;
	path = xasprintf("%s/exec/%s/resize?h=%u&w=%u", x->base, x->id, rows, columns);
	return client_call(x->engine, "POST", path, NULL, SLICE_NULL, &a, NULL) == 0 &&
	       a.status < 300;
}

/* EXIT_OK with *ret as soon as the engine knows how it ended. */
static int wait_for_end(struct exec *x, struct js **ret)
{
	static const struct timespec pause = {.tv_nsec = STATUS_PAUSE_NS};
	CLEANUP(freep) char *path = xasprintf("%s/exec/%s/json", x->base, x->id);

	for (int i = 0; i < STATUS_TRIES; i++) {
		CLEANUP(js_freep) struct js *j = NULL;
		CLEANUP(client_answer_fini) struct client_answer a = {0};

		if (i > 0)
			(void)nanosleep(&pause, NULL);
		if (client_call(x->engine, "GET", path, NULL, SLICE_NULL, &a, NULL) < 0 ||
			a.status != 200)
			return cli_fail(EXIT_FAILED,
				"the connection ended, and how the program ended is not known: the "
				"job's container is gone");
		j = js_parse(buf_str(&a.body), a.body.n, NULL);
		if (!js_get_bool(j, "Running", true) && js_get_int(j, "ExitCode", -1) >= 0) {
			*ret = STEAL(j);
			return EXIT_OK;
		}
	}
	return cli_fail(
		EXIT_FAILED, "the connection ended, but the program goes on in the container");
}

int exec_status(struct exec *x)
{
	CLEANUP(js_freep) struct js *j = NULL;
	int r = wait_for_end(x, &j);
	int64_t code;
	bool had_pid;

	if (r != EXIT_OK)
		return r;
	code = js_get_int(j, "ExitCode", EXIT_FAILED);
	had_pid = js_get_int(j, "Pid", 0) != 0;
	if (x->command == NULL && !had_pid &&
		(code == EXIT_NOT_EXECUTABLE || code == EXIT_NO_PROGRAM))
		return cli_fail((int)code,
			"there is no shell (/bin/sh) in this container: name a program that it "
			"has, as in `pylon attach ID -- PROGRAM`");
	return (int)(code & 0xFF);
}
