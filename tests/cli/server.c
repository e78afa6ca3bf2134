/* SPDX-License-Identifier: MIT */
/*
 * tests/cli/server.c - see server.h.
 */
#include "cli/server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define RULES_MAX 16

/* Head and body; false when the client has left. */
static bool read_request(int fd, struct buf *ret)
{
	size_t want = SIZE_MAX;
	char piece[4096];

	while (ret->n < want) {
		ssize_t n = recv(fd, piece, sizeof(piece), 0);
		const char *end, *length;

		if (n <= 0)
			return false;
		buf_add(ret, piece, (size_t)n);
		end = strstr(buf_str(ret), "\r\n\r\n");
		if (end == NULL)
			continue;
		length = strstr(buf_str(ret), "Content-Length: ");
		want = (size_t)(end - ret->p) + 4 +
		       (length == NULL ? 0 : strtoul(length + 16, NULL, 10));
	}
	return true;
}

static void note(const struct server *s, const char *request)
{
	CLEANUP(freep) char *name = xasprintf("%s.log", s->path);
	CLEANUP(closep) int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	const char *body = strstr(request, "\r\n\r\n") + 4;
	CLEANUP(freep)
	char *line = xasprintf("%.*s %s\n", (int)strcspn(request, "\r"), request, body);

	if (write_all(fd, line, strlen(line)) < 0)
		_exit(1);
}

static void answer(int fd, const struct rule *rule)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	if (rule == NULL)
		buf_add_str(&out, "HTTP/1.1 501 No Rule\r\nConnection: close\r\n"
				  "Content-Length: 0\r\n\r\n");
	else if (rule->raw != NULL)
		buf_add(&out, rule->raw, rule->raw_n);
	else
		buf_printf(&out,
			"HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
			rule->status, strlen(rule->body), rule->body);
	/* Who leaves early may have had enough. */
	if (write_all(fd, out.p, out.n) < 0)
		return;
}

static const struct rule *find(
	const struct rule *rules, size_t count, int *used, const char *request)
{
	for (size_t i = 0; i < count; i++)
		if (str_has_prefix(request, rules[i].request) &&
			(rules[i].times == 0 || used[i]++ < rules[i].times))
			return &rules[i];
	return NULL;
}

static void serve(const struct server *s, int listener, const struct rule *rules, size_t count)
{
	int used[RULES_MAX] = {0};

	for (;;) {
		CLEANUP(closep) int fd = accept(listener, NULL, NULL);
		CLEANUP(buf_fini) struct buf request = BUF_NULL;

		if (!read_request(fd, &request))
			continue;
		note(s, buf_str(&request));
		answer(fd, find(rules, count, used, buf_str(&request)));
	}
}

void server_start(struct server *s, const char *path, const struct rule *rules, size_t count)
{
	CLEANUP(freep) char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct err e = CLEAN_ERR;

	assert_true(count <= RULES_MAX);
	assert_int_equal(dir_make(folder, 0700, &e), 0);
	assert_true(str_copy(a.sun_path, sizeof(a.sun_path), path));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	s->path = xstrdup(path);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		(void)signal(SIGPIPE, SIG_IGN);
		serve(s, fd, rules, count);
	}
}

void server_stop(struct server *s)
{
	if (s->pid > 0) {
		(void)kill(s->pid, SIGKILL);
		(void)waitpid(s->pid, NULL, 0);
	}
	free(s->path);
	*s = (struct server){0};
}

char *server_log(const struct server *s)
{
	CLEANUP(freep) char *name = xasprintf("%s.log", s->path);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	struct err e = CLEAN_ERR;

	if (file_read(name, 4 << 20, &text, &e) < 0)
		return xstrdup("");
	return buf_steal(&text);
}
