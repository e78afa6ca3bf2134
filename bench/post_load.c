/* SPDX-License-Identifier: MIT */
/*
 * post_load - keeps a number of connections busy with signed webhooks and tells what came back.
 *
 *	post_load --port P [--path /hook] [--secret S] [--connections N] [--seconds S]
 *	          [--warmup S] [--bytes N] [--expect STATUS] [--each N] [--in-flight N] [--hold]
 *
 * Each request is a POST as GitHub sends it: a JSON body of its own, an HMAC-SHA256 over it, a
 * delivery id of its own. A connection has one request in flight and is kept alive. Latency is
 * from the first byte written to the last byte of the answer; what is made beforehand (body, MAC)
 * is not in it, but its processor time is, as everything on this machine is. One JSON object on
 * stdout. With --each N a connection stops after N requests, and with --in-flight N the first ones
 * are sent by at most so many connections at a time; with --hold the connections then stay open,
 * the result is printed, and the end of stdin ends it.
 *
 * One thread and one epoll set, so that on a machine with two cores the server has the other one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/id.h"

enum {
	ANSWER_MAX = 4096,
	EVENTS_MAX = 256,
	STATUS_MAX = 600,
	DRAIN_US = 3000000, /* for what is in flight at the end */
};

struct options {
	uint16_t port;
	const char *path;
	size_t connections, bytes, in_flight;
	int64_t seconds_us, warmup_us;
	uint64_t each; /* 0 = until the time is over */
	int expect;
	bool hold;
	struct hmac *key;
};

struct connection {
	int fd;
	bool is_busy;
	uint64_t requests;
	int64_t since_us;
	struct buf out;
	size_t sent;
	size_t have;
	char answer[ANSWER_MAX];
};

struct load {
	struct options o;
	int epoll;
	struct connection *connections;
	size_t open, busy;
	size_t begun; /* connections that have sent something */
	int64_t count_from_us, end_us;
	uint64_t serial, errors;
	uint64_t answers; /* all, also those outside of the time that counts */
	uint64_t statuses[STATUS_MAX];
	uint32_t *latencies;
	size_t latency_count, latency_size;
};

_Noreturn static void fail(const char *what)
{
	(void)fprintf(stderr, "post_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- requests --- */

/* A push as a forge tells it, padded to exactly `bytes`. */
static void body_make(struct buf *out, size_t bytes, uint64_t serial)
{
	static const char commit[] =
		"{\"id\":\"d6fde92930d4715a2b49857d24b940956b26d2d3\",\"distinct\":true,"
		"\"message\":\"Repair the gate of the east wing\",\"timestamp\":"
		"\"2026-01-05T10:14:00+01:00\",\"author\":{\"name\":\"Ada\",\"email\":"
		"\"ada@example.org\"},\"added\":[],\"removed\":[],\"modified\":[\"gate.c\"]}";
	static const char tail[] = "],\"note\":\"";

	buf_printf(out,
		"{\"n\":%" PRIu64 ",\"ref\":\"refs/heads/main\",\"forced\":false,\"repository\":"
		"{\"id\":186853002,\"full_name\":\"example/castle\",\"private\":true,\"stars\":42},"
		"\"commits\":[",
		serial);
	while (out->n + 2 * sizeof(commit) + sizeof(tail) < bytes) {
		buf_add_str(out, commit);
		buf_add_char(out, ',');
	}
	buf_add_str(out, commit);
	buf_add_str(out, tail);
	while (out->n + 2 < bytes)
		buf_add_char(out, 'x');
	buf_add_str(out, "\"}");
}

static void request_make(struct load *l, struct connection *c)
{
	CLEANUP(buf_fini) struct buf body = BUF_NULL;
	uint8_t mac[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];
	struct slice whole;
	struct id delivery;

	body_make(&body, l->o.bytes, l->serial++);
	whole = buf_slice(&body);
	hmac_sign(l->o.key, &whole, 1, mac);
	hex_encode(mac, sizeof(mac), hex);
	id_make(&delivery);
	buf_clear(&c->out);
	buf_printf(&c->out,
		"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n"
		"User-Agent: GitHub-Hookshot/044aadd\r\nContent-Type: application/json\r\n"
		"X-GitHub-Event: push\r\nX-GitHub-Hook-ID: 292430182\r\nX-GitHub-Delivery: %s\r\n"
		"X-Hub-Signature-256: sha256=%s\r\nContent-Length: %zu\r\n\r\n",
		l->o.path, l->o.port, delivery.s, hex, body.n);
	buf_add_slice(&c->out, whole);
	c->sent = 0;
	c->have = 0;
}

/* --- answers --- */

/* The number behind a header's name, -1 when it is not there. */
static long long header_number(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);

	return at == NULL ? -1 : strtoll(at + strlen(name), NULL, 10);
}

/* Status of a complete answer, 0 when more is to come, -1 when this is not understood. */
static int answer_status(struct connection *c)
{
	char *end;
	long long length;

	c->answer[c->have] = '\0';
	end = strstr(c->answer, "\r\n\r\n");
	if (end == NULL)
		return c->have == ANSWER_MAX - 1 ? -1 : 0;
	if (strncmp(c->answer, "HTTP/1.1 ", 9) != 0)
		return -1;
	length = header_number(c->answer, "\r\nContent-Length:");
	if (length < 0)
		return -1;
	if (c->have < (size_t)(end + 4 - c->answer) + (size_t)length)
		return 0;
	return (int)strtol(c->answer + 9, NULL, 10);
}

static void latency_add(struct load *l, int64_t us)
{
	if (l->latency_count == l->latency_size) {
		l->latency_size = MAX_OF(l->latency_size * 2, (size_t)4096);
		l->latencies = xreallocarray(l->latencies, l->latency_size, sizeof(*l->latencies));
	}
	l->latencies[l->latency_count++] = (uint32_t)us;
}

static void count_answer(struct load *l, const struct connection *c, int status)
{
	int64_t now = now_us();

	l->answers++;
	if (now < l->count_from_us || now > l->end_us)
		return;
	if (status > 0 && status < STATUS_MAX)
		l->statuses[status]++;
	else
		l->errors++;
	if (status == l->o.expect)
		latency_add(l, now - c->since_us);
}

/* --- connections --- */

static void connection_open(struct load *l, struct connection *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(l->o.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		fail("socket");
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0 ||
		epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		fail("epoll");
	l->open++;
}

static void connection_close(struct load *l, struct connection *c)
{
	if (c->fd < 0)
		return;
	(void)close(c->fd);
	c->fd = -1;
	l->open--;
	if (c->is_busy)
		l->busy--;
	c->is_busy = false;
}

/* A connection that breaks is counted and replaced, as a sender would do. */
static void connection_broke(struct load *l, struct connection *c)
{
	l->errors++;
	connection_close(l, c);
	if (!l->o.hold && now_us() < l->end_us)
		connection_open(l, c);
}

static void flush(struct load *l, struct connection *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	ssize_t n = send(c->fd, c->out.p + c->sent, c->out.n - c->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		connection_broke(l, c);
		return;
	}
	c->sent += n > 0 ? (size_t)n : 0;
	if (c->sent < c->out.n)
		ev.events |= EPOLLOUT;
	if (n < 0 || c->sent < c->out.n)
		(void)epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

static bool may_send(const struct load *l, const struct connection *c)
{
	if (c->fd < 0 || (l->o.each > 0 && c->requests >= l->o.each))
		return false;
	return now_us() < l->end_us;
}

static void send_next(struct load *l, struct connection *c)
{
	if (!may_send(l, c))
		return;
	request_make(l, c);
	c->is_busy = true;
	l->busy++;
	c->requests++;
	c->since_us = now_us();
	flush(l, c);
}

/* Lets connections that have sent nothing yet begin. */
static void begin_more(struct load *l)
{
	while (l->begun < l->o.connections && l->busy < l->o.in_flight)
		send_next(l, &l->connections[l->begun++]);
}

static void receive(struct load *l, struct connection *c)
{
	ssize_t n = recv(c->fd, c->answer + c->have, ANSWER_MAX - 1 - c->have, 0);
	int status;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || !c->is_busy) {
		connection_broke(l, c);
		send_next(l, c);
		return;
	}
	c->have += (size_t)n;
	status = answer_status(c);
	if (status == 0)
		return;
	count_answer(l, c, status);
	c->is_busy = false;
	l->busy--;
	if (status < 0)
		connection_broke(l, c);
	send_next(l, c);
	begin_more(l);
}

/* --- the run --- */

static void turn(struct load *l, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(l->epoll, events, EVENTS_MAX, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct connection *c = events[i].data.ptr;

		if ((events[i].events & EPOLLOUT) != 0 && c->fd >= 0)
			flush(l, c);
		if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0 && c->fd >= 0)
			receive(l, c);
	}
}

static void run(struct load *l)
{
	size_t n = l->o.connections;

	l->connections = xcalloc(n, sizeof(*l->connections));
	for (size_t i = 0; i < n; i++)
		connection_open(l, &l->connections[i]);
	l->count_from_us = now_us() + l->o.warmup_us;
	l->end_us = l->count_from_us + l->o.seconds_us;
	begin_more(l);
	while (now_us() < l->end_us && l->busy > 0)
		turn(l, 100);
	while (now_us() < l->end_us + DRAIN_US && l->busy > 0)
		turn(l, 100);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t quantile(const struct load *l, size_t part, size_t of)
{
	if (l->latency_count == 0)
		return 0;
	return l->latencies[MIN_OF(l->latency_count * part / of, l->latency_count - 1)];
}

static void report(struct load *l)
{
	uint64_t other = 0;
	int worst = 0;

	if (l->latency_count > 0)
		qsort(l->latencies, l->latency_count, sizeof(*l->latencies), compare);
	for (int i = 0; i < STATUS_MAX; i++) {
		if (i == l->o.expect || l->statuses[i] == 0)
			continue;
		other += l->statuses[i];
		worst = i;
	}
	printf("{\"connections\":%zu,\"ok\":%zu,\"other\":%" PRIu64 ",\"other_status\":%d,"
	       "\"errors\":%" PRIu64 ",\"answers\":%" PRIu64
	       ",\"rate\":%.1f,\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n",
		l->o.connections, l->latency_count, other, worst, l->errors, l->answers,
		(double)l->latency_count * 1e6 / (double)l->o.seconds_us, quantile(l, 50, 100),
		quantile(l, 99, 100), quantile(l, 1, 1));
	(void)fflush(stdout);
}

static void hold(struct load *l)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (size_t i = 0; i < l->o.connections; i++)
		connection_close(l, &l->connections[i]);
}

/* --- the command line --- */

static uint64_t number(const char *text)
{
	uint64_t n = 0;

	if (!slice_to_u64(slice_of(text), UINT32_MAX, &n)) {
		(void)fprintf(stderr, "post_load: %s is not a number\n", text);
		exit(2);
	}
	return n;
}

/* Seconds with decimals. */
static int64_t duration_us(const char *text)
{
	return (int64_t)(strtod(text, NULL) * 1e6);
}

static const struct option long_options[] = {
	{"port", required_argument, NULL, 'p'},
	{"path", required_argument, NULL, 'P'},
	{"secret", required_argument, NULL, 's'},
	{"connections", required_argument, NULL, 'c'},
	{"seconds", required_argument, NULL, 't'},
	{"warmup", required_argument, NULL, 'w'},
	{"bytes", required_argument, NULL, 'b'},
	{"expect", required_argument, NULL, 'x'},
	{"each", required_argument, NULL, 'e'},
	{"in-flight", required_argument, NULL, 'f'},
	{"hold", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool take_option(struct options *o, int option, const char **secret)
{
	switch (option) {
	case 'p':
		o->port = (uint16_t)number(optarg);
		return true;
	case 'P':
		o->path = optarg;
		return true;
	case 's':
		*secret = optarg;
		return true;
	case 'c':
		o->connections = MAX_OF(number(optarg), 1U);
		return true;
	case 't':
		o->seconds_us = duration_us(optarg);
		return true;
	case 'w':
		o->warmup_us = duration_us(optarg);
		return true;
	case 'b':
		o->bytes = number(optarg);
		return true;
	case 'x':
		o->expect = (int)number(optarg);
		return true;
	case 'e':
		o->each = number(optarg);
		return true;
	case 'f':
		o->in_flight = MAX_OF(number(optarg), 1U);
		return true;
	case 'h':
		o->hold = true;
		return true;
	default:
		return false;
	}
}

static void options_read(struct options *o, int argc, char **argv)
{
	const char *secret = "s3cret";
	int option;

	*o = (struct options){.path = "/hook",
		.connections = 64,
		.bytes = 2048,
		.in_flight = SIZE_MAX,
		.seconds_us = 3000000,
		.warmup_us = 300000,
		.expect = 202};
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(o, option, &secret))
			exit(2);
	if (o->port == 0) {
		(void)fputs("post_load: --port is needed\n", stderr);
		exit(2);
	}
	o->key = hmac_new(secret, strlen(secret));
}

int main(int argc, char **argv)
{
	struct load l = {0};
	struct rlimit files = {0};

	options_read(&l.o, argc, argv);
	(void)getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l.epoll < 0)
		fail("epoll_create1");
	run(&l);
	report(&l);
	if (l.o.hold)
		hold(&l);
	for (size_t i = 0; i < l.o.connections; i++) {
		connection_close(&l, &l.connections[i]);
		buf_fini(&l.connections[i].out);
	}
	free(l.connections);
	free(l.latencies);
	hmac_free(l.o.key);
	(void)close(l.epoll);
	return 0;
}
