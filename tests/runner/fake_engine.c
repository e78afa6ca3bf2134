/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/fake_engine.c - see fake_engine.h. HTTP only as far as libcurl needs it.
 */
#include "runner/fake_engine.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/crypto.h"
#include "base/json.h"
#include "lib/t.h"

#define VERSION                                                                                    \
	"{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\","            \
	"\"Components\":[{\"Name\":\"Engine\"}]}"

/* --- connections --- */

void fake_hang_up(struct fake_conn *c)
{
	watch_stop(&c->watch);
	closep(&c->fd);
	list_remove(&c->node);
	buf_fini(&c->in);
	buf_fini(&c->following);
	buf_fini(&c->waiting);
	free(c);
}

/* What tests say fits the socket's buffer. */
void fake_raw(struct fake_conn *c, const void *p, size_t n)
{
	ssize_t done = send(c->fd, p, n, MSG_NOSIGNAL);

	assert_true(done == (ssize_t)n || (done < 0 && errno == EPIPE));
}

void fake_answer(struct fake_conn *c, int status, const char *body)
{
	struct buf out = BUF_NULL;
	bool has_body = status != 204 && status != 304;

	buf_printf(&out, "HTTP/1.1 %d Fake\r\nContent-Type: application/json\r\n", status);
	if (has_body)
		buf_printf(&out, "Content-Length: %zu\r\n", strlen(body));
	buf_add_str(&out, "\r\n");
	if (has_body)
		buf_add_str(&out, body);
	fake_raw(c, out.p, out.n);
	buf_fini(&out);
}

void fake_begin_stream(struct fake_conn *c)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

	fake_raw(c, head, sizeof(head) - 1);
}

void fake_add_chunk(struct fake_conn *c, const void *p, size_t n)
{
	struct buf out = BUF_NULL;

	buf_printf(&out, "%zx\r\n", n);
	buf_add(&out, p, n);
	buf_add_str(&out, "\r\n");
	fake_raw(c, out.p, out.n);
	buf_fini(&out);
}

void fake_end_stream(struct fake_conn *c)
{
	fake_raw(c, "0\r\n\r\n", 5);
}

/* --- containers --- */

struct fake_container *fake_find(struct fake_engine *f, const char *name)
{
	list_foreach (it, &f->containers) {
		struct fake_container *c = list_entry(it, struct fake_container, node);

		if (str_eq(c->name, name) || str_eq(c->id, name))
			return c;
	}
	return NULL;
}

void fake_forget(struct fake_engine *f, struct fake_container *c)
{
	(void)f;
	list_remove(&c->node);
	for (size_t i = 0; i < c->count; i++)
		free(c->records[i].text);
	free(c->records);
	free(c->name);
	free(c->id);
	free(c->body);
	free(c->run);
	free(c->job);
	free(c);
}

struct fake_container *fake_add(
	struct fake_engine *f, const char *run_id, const char *job_id, const char *state)
{
	struct fake_container *c = xcalloc(1, sizeof(*c));

	c->name = xasprintf("pylon-%s", run_id);
	c->id = xasprintf("c0ffee%.8s", run_id);
	c->run = xstrdup(run_id);
	c->job = xstrdup(job_id);
	c->state = state;
	list_append(&f->containers, &c->node);
	return c;
}

static void print_record(struct buf *out, const struct fake_record *rec, bool has_stamp)
{
	time_t s = (time_t)(rec->at_ns / 1000000000);
	struct buf payload = BUF_NULL;
	unsigned char head[8] = {rec->stream};
	struct tm tm;

	assert_non_null(gmtime_r(&s, &tm));
	if (has_stamp)
		buf_printf(&payload, "%04d-%02d-%02dT%02d:%02d:%02d.%09" PRId64 "Z ",
			tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			tm.tm_sec, rec->at_ns % 1000000000);
	buf_add_str(&payload, rec->text);
	head[6] = (unsigned char)(payload.n >> 8);
	head[7] = (unsigned char)payload.n;
	buf_add(out, head, sizeof(head));
	buf_add_slice(out, buf_slice(&payload));
	buf_fini(&payload);
}

static void send_record(struct fake_conn *c, const struct fake_record *rec, bool has_stamp)
{
	struct buf out = BUF_NULL;

	if (rec->at_ns >= c->since_ns) {
		print_record(&out, rec, has_stamp);
		fake_add_chunk(c, out.p, out.n);
	}
	buf_fini(&out);
}

void fake_log(struct fake_engine *f, struct fake_container *c, unsigned char stream, int64_t at_ns,
	const char *text)
{
	c->records = xreallocarray(c->records, c->count + 1, sizeof(*c->records));
	c->records[c->count++] = (struct fake_record){stream, at_ns, xstrdup(text)};
	if (c->follow_misses > 0)
		return;
	list_foreach_safe (it, &f->conns) {
		struct fake_conn *conn = list_entry(it, struct fake_conn, node);

		if (str_eq(buf_str(&conn->following), c->name))
			send_record(conn, &c->records[c->count - 1], true);
	}
}

static void answer_wait(struct fake_conn *c, int code)
{
	char body[64];

	(void)snprintf(body, sizeof(body), "{\"Error\":null,\"StatusCode\":%d}", code);
	fake_add_chunk(c, body, strlen(body));
	fake_end_stream(c);
	buf_clear(&c->waiting);
}

void fake_exit(struct fake_engine *f, struct fake_container *c, int code)
{
	c->state = "exited";
	c->exit_code = code;
	list_foreach_safe (it, &f->conns) {
		struct fake_conn *conn = list_entry(it, struct fake_conn, node);

		if (str_eq(buf_str(&conn->following), c->name)) {
			fake_end_stream(conn);
			buf_clear(&conn->following);
		} else if (str_eq(buf_str(&conn->waiting), c->name)) {
			answer_wait(conn, code);
		}
	}
}

void fake_event(struct fake_engine *f, const char *json)
{
	list_foreach_safe (it, &f->conns) {
		struct fake_conn *conn = list_entry(it, struct fake_conn, node);

		if (str_eq(buf_str(&conn->following), "events"))
			fake_add_chunk(conn, json, strlen(json));
	}
}

/* --- requests --- */

static bool has(const char *s, const char *part)
{
	return strstr(s, part) != NULL;
}

static void on_create(struct fake_engine *f, const struct fake_request *q)
{
	const char *name = strstr(q->target, "name=");
	struct js *body = js_parse(q->body.p, q->body.n, NULL);
	const struct js *labels = js_get(body, "Labels");
	struct fake_container *c;
	char answer[128];

	assert_non_null(name);
	assert_non_null(body);
	if (!str_eq(js_get_str(body, "Image"), f->image)) {
		fake_answer(q->conn, 404, "{\"message\":\"No such image: x:latest\"}");
	} else if (fake_find(f, name + 5) != NULL) {
		fake_answer(q->conn, 409, "{\"message\":\"Conflict. The name is in use\"}");
	} else {
		c = fake_add(f, js_get_str(labels, "pylon.run"), js_get_str(labels, "pylon.job"),
			"created");
		c->body = slice_dup(q->body);
		(void)snprintf(answer, sizeof(answer), "{\"Id\":\"%s\",\"Warnings\":[]}", c->id);
		fake_answer(q->conn, 201, answer);
	}
	js_free(body);
}

static void on_inspect(const struct fake_request *q, const struct fake_container *c)
{
	struct buf out = BUF_NULL;

	buf_printf(&out,
		"{\"Id\":\"%s\",\"State\":{\"Status\":\"%s\",\"ExitCode\":%d,\"OOMKilled\":%s,"
		"\"StartedAt\":\"2099-01-01T00:00:00.5Z\"},"
		"\"Config\":{\"Labels\":{\"pylon.run\":\"%s\"}}}",
		c->id, c->state, c->exit_code, c->was_oom_killed ? "true" : "false", c->run);
	fake_answer(q->conn, 200, buf_str(&out));
	buf_fini(&out);
}

/* "since=12.000000034" */
static int64_t since_of(const char *target)
{
	const char *at = strstr(target, "since=");
	char *end;
	int64_t ns;

	if (at == NULL)
		return 0;
	ns = strtoll(at + 6, &end, 10) * 1000000000;
	return *end == '.' ? ns + strtoll(end + 1, NULL, 10) : ns;
}

static void on_logs(const struct fake_request *q, struct fake_container *c, const char *query)
{
	bool has_stamp = has(query, "timestamps=1");
	bool is_following = has(query, "follow=1");
	size_t shown = c->count;

	if (is_following)
		shown -= MIN_OF((size_t)c->follow_misses, shown);
	q->conn->since_ns = since_of(query);
	fake_begin_stream(q->conn);
	for (size_t i = 0; i < shown; i++) {
		if (c->records[i].stream == 1 || has(query, "stderr=1"))
			send_record(q->conn, &c->records[i], has_stamp);
	}
	if (is_following && str_eq(c->state, "running"))
		buf_add_str(&q->conn->following, c->name);
	else
		fake_end_stream(q->conn);
}

static void on_wait(const struct fake_request *q, struct fake_container *c)
{
	fake_begin_stream(q->conn);
	if (str_eq(c->state, "running"))
		buf_add_str(&q->conn->waiting, c->name);
	else
		answer_wait(q->conn, c->exit_code);
}

static void on_signal(
	struct fake_engine *f, const struct fake_request *q, struct fake_container *c, int code)
{
	struct fake_conn *conn = q->conn;

	if (!str_eq(c->state, "running")) {
		fake_answer(conn, code == 137 ? 409 : 304, "{\"message\":\"is not running\"}");
		return;
	}
	if (code >= 0)
		fake_exit(f, c, code);
	fake_answer(conn, code >= 0 ? 204 : 500, "{\"message\":\"cannot stop it\"}");
}

static void on_container(
	struct fake_engine *f, const struct fake_request *q, const char *name, const char *what)
{
	struct fake_container *c = fake_find(f, name);

	if (c == NULL) {
		fake_answer(q->conn, 404, "{\"message\":\"No such container\"}");
	} else if (slice_eq_str(q->method, "DELETE")) {
		fake_forget(f, c);
		fake_answer(q->conn, 204, "");
	} else if (str_eq(what, "start")) {
		bool is_new = str_eq(c->state, "created");

		c->state = "running";
		fake_answer(q->conn, is_new ? 204 : 304, "");
	} else if (str_eq(what, "json")) {
		on_inspect(q, c);
	} else if (str_has_prefix(what, "logs")) {
		on_logs(q, c, what);
	} else if (str_has_prefix(what, "wait")) {
		on_wait(q, c);
	} else if (str_has_prefix(what, "stop")) {
		on_signal(f, q, c, f->end_after_stop);
	} else if (str_has_prefix(what, "kill")) {
		on_signal(f, q, c, 137);
	} else {
		fail_msg("an unknown call: %s", what);
	}
}

static void on_list(struct fake_engine *f, const struct fake_request *q)
{
	struct buf out = BUF_NULL;

	buf_add_char(&out, '[');
	list_foreach (it, &f->containers) {
		const struct fake_container *c = list_entry(it, struct fake_container, node);

		buf_printf(&out,
			"%s{\"Id\":\"%s\",\"State\":\"%s\",\"Labels\":{\"pylon.run\":\"%s\","
			"\"pylon.job\":\"%s\"}}",
			out.n > 1 ? "," : "", c->id, c->state, c->run, c->job);
	}
	buf_add_char(&out, ']');
	fake_answer(q->conn, 200, buf_str(&out));
	buf_fini(&out);
}

static void on_image(struct fake_engine *f, const struct fake_request *q, const char *name)
{
	struct buf out = BUF_NULL;

	if (f->image == NULL || !str_has_prefix(name, f->image)) {
		fake_answer(q->conn, 404, "{\"message\":\"No such image\"}");
		return;
	}
	buf_printf(&out, "{\"Config\":{\"User\":\"%s\",\"Labels\":%s}}", f->image_user,
		f->image_labels == NULL ? "{}" : f->image_labels);
	fake_answer(q->conn, 200, buf_str(&out));
	buf_fini(&out);
}

static void on_build(struct fake_engine *f, const struct fake_request *q)
{
	buf_clear(&f->last_build);
	buf_add_slice(&f->last_build, q->body);
	fake_begin_stream(q->conn);
	fake_add_chunk(q->conn, f->build_log, strlen(f->build_log));
	fake_end_stream(q->conn);
	if (!has(f->build_log, "\"error\""))
		f->image = "pylon/agent-mock";
}

/* "fromImage=a%2Fb&tag=c": a/b is there afterwards. */
static void on_pull(struct fake_engine *f, const struct fake_request *q)
{
	const char *from = strstr(q->target, "fromImage=");
	struct buf name = BUF_NULL;

	assert_non_null(from);
	fake_begin_stream(q->conn);
	fake_add_chunk(q->conn, f->pull_log, strlen(f->pull_log));
	fake_end_stream(q->conn);
	if (has(f->pull_log, "\"error\""))
		return;
	for (from += strlen("fromImage="); *from != '&'; from++) {
		if (*from == '%') {
			buf_add_char(&name, (char)(hex_digit(from[1]) << 4 | hex_digit(from[2])));
			from += 2;
		} else {
			buf_add_char(&name, *from);
		}
	}
	free(f->pulled);
	f->pulled = buf_steal(&name);
	f->image = f->pulled;
}

/* The path behind the version, or NULL. */
static char *skip_version(char *target)
{
	char *at;

	if (!str_has_prefix(target, "/v1."))
		return target;
	at = strchr(target + 1, '/');
	assert_non_null(at);
	return at;
}

static void answer_request(struct fake_engine *f, struct fake_request *q)
{
	char *path = skip_version(q->target);

	if (f->answer != NULL && f->answer(f->ctx, q))
		return;
	if (str_eq(path, "/version")) {
		fake_answer(q->conn, 200, f->version);
	} else if (str_eq(path, "/_ping")) {
		fake_answer(q->conn, 200, "OK");
	} else if (str_has_prefix(path, "/events")) {
		fake_begin_stream(q->conn);
		buf_add_str(&q->conn->following, "events");
	} else if (str_has_prefix(path, "/containers/create")) {
		on_create(f, q);
	} else if (str_has_prefix(path, "/containers/json")) {
		on_list(f, q);
	} else if (str_eq(path, "/info")) {
		fake_answer(q->conn, 200, f->info);
	} else if (str_has_prefix(path, "/images/create")) {
		on_pull(f, q);
	} else if (str_has_prefix(path, "/images/")) {
		on_image(f, q, path + strlen("/images/"));
	} else if (str_has_prefix(path, "/build")) {
		on_build(f, q);
	} else {
		char *name = path + strlen("/containers/");
		char *what = name + strcspn(name, "/?");

		assert_true(str_has_prefix(path, "/containers/"));
		if (*what != '\0')
			*what++ = '\0';
		on_container(f, q, name, what);
	}
}

static bool is_open(const struct fake_engine *f, const struct fake_conn *c)
{
	list_foreach (it, &f->conns) {
		if (list_entry(it, struct fake_conn, node) == c)
			return true;
	}
	return false;
}

static void keep_auth(struct fake_engine *f, const char *head, const char *end)
{
	static const char name[] = "X-Registry-Auth: ";
	const char *at = strstr(head, name);

	buf_clear(&f->last_auth);
	if (at == NULL || at > end)
		return;
	at += strlen(name);
	buf_add(&f->last_auth, at, strcspn(at, "\r"));
}

/* Takes one whole request off c->in; false when there is none yet. */
static bool take_request(struct fake_conn *c)
{
	struct fake_engine *f = c->engine;
	char *end = c->in.p == NULL ? NULL : strstr(c->in.p, "\r\n\r\n");
	struct fake_request q = {.conn = c};
	struct buf whole = BUF_NULL;
	const char *length;
	size_t head, body = 0;
	bool must_close;

	if (end == NULL)
		return false;
	head = (size_t)(end - c->in.p) + 4;
	keep_auth(f, c->in.p, end);
	length = strcasestr(c->in.p, "content-length:");
	if (length != NULL && length < end)
		body = strtoul(length + 15, NULL, 10);
	if (c->in.n < head + body)
		return false;
	buf_add(&whole, c->in.p, head + body);
	buf_drop_front(&c->in, head + body);
	q.method = (struct slice){whole.p, strcspn(whole.p, " ")};
	q.target = xstrndup(whole.p + q.method.n + 1, strcspn(whole.p + q.method.n + 1, " "));
	q.body = (struct slice){whole.p + head, body};
	strv_addf(&f->requests, "%.*s %s", SLICE_ARG(q.method), q.target);
	must_close = strcasestr(whole.p, "\r\nConnection: close\r\n") != NULL;
	if (!f->is_mute)
		answer_request(f, &q);
	if (must_close && !f->is_mute && is_open(f, c))
		fake_hang_up(c);
	free(q.target);
	buf_fini(&whole);
	return true;
}

static void on_conn(struct watch *w, uint32_t events, void *ctx)
{
	struct fake_conn *c = ctx;
	struct fake_engine *f = c->engine;
	char piece[65536];
	ssize_t n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT);

	(void)w;
	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		fake_hang_up(c);
		return;
	}
	buf_add(&c->in, piece, (size_t)n);
	while (is_open(f, c) && take_request(c))
		;
}

static void on_accept(struct watch *w, uint32_t events, void *ctx)
{
	struct fake_engine *f = ctx;
	struct fake_conn *c = xcalloc(1, sizeof(*c));
	struct err e = CLEAN_ERR;

	(void)w;
	(void)events;
	c->engine = f;
	c->fd = accept4(f->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(c->fd >= 0);
	list_append(&f->conns, &c->node);
	assert_int_equal(watch_start(&c->watch, f->loop, c->fd, EPOLLIN, on_conn, c, &e), 0);
}

/* --- the engine --- */

void fake_engine_leave(struct fake_engine *f)
{
	if (f->fd >= 0) {
		watch_stop(&f->watch);
		closep(&f->fd);
	}
	while (!list_is_empty(&f->conns))
		fake_hang_up(list_entry(f->conns.next, struct fake_conn, node));
}

void fake_engine_return(struct fake_engine *f)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct err e = CLEAN_ERR;

	assert_true(str_copy(a.sun_path, sizeof(a.sun_path), f->path));
	(void)unlink(f->path);
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(f->fd, 64), 0);
	assert_int_equal(watch_start(&f->watch, f->loop, f->fd, EPOLLIN, on_accept, f, &e), 0);
}

struct fake_engine *fake_engine_new(struct loop *l, const char *path)
{
	struct fake_engine *f = xcalloc(1, sizeof(*f));

	f->loop = l;
	f->path = xstrdup(path);
	f->version = VERSION;
	f->image = "img";
	f->image_user = "";
	f->info = "{\"SecurityOptions\":[\"name=seccomp,profile=default\"]}";
	f->pull_log = "{\"status\":\"Pulling from x\",\"id\":\"latest\"}\r\n"
		      "{\"status\":\"Status: Downloaded newer image\"}\r\n";
	f->build_log = "{\"stream\":\"Step 1/3 : FROM scratch\\n\"}\r\n"
		       "{\"stream\":\"Successfully built\\n\"}\r\n";
	f->end_after_stop = 143;
	list_init(&f->conns);
	list_init(&f->containers);
	fake_engine_return(f);
	return f;
}

void fake_engine_free(struct fake_engine *f)
{
	fake_engine_leave(f);
	while (!list_is_empty(&f->containers))
		fake_forget(f, list_entry(f->containers.next, struct fake_container, node));
	strv_fini(&f->requests);
	buf_fini(&f->last_build);
	buf_fini(&f->last_auth);
	free(f->pulled);
	free(f->path);
	free(f);
}

unsigned fake_count(const struct fake_engine *f, const char *prefix)
{
	unsigned n = 0;

	for (size_t i = 0; i < f->requests.n; i++) {
		const char *line = f->requests.v[i];
		const char *space = strchr(line, ' ');
		CLEANUP(freep) char *plain = NULL;

		if (str_has_prefix(space + 1, "/v1."))
			plain = xasprintf(
				"%.*s %s", (int)(space - line), line, strchr(space + 2, '/'));
		n += str_has_prefix(plain == NULL ? line : plain, prefix);
	}
	return n;
}

bool fake_play(void *script, const struct fake_request *q)
{
	struct fake_script *s = script;
	CLEANUP(freep)
	char *line = xasprintf("%.*s %s", SLICE_ARG(q->method),
		str_has_prefix(q->target, "/v1.") ? strchr(q->target + 1, '/') : q->target);

	if (s->times <= 0 || !str_has_prefix(line, s->prefix))
		return false;
	s->times--;
	fake_answer(q->conn, s->status, s->body);
	return true;
}
