/* SPDX-License-Identifier: MIT */
/*
 * The result: one JSON object, given as a file (written whole by rename, because the reader may
 * look at any time), as the last line of stdout, or by POST.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent_mock/agent_internal.h"

enum { QUOTE_BYTES = 200, CALLBACK_TRIES = 20, CALLBACK_PAUSE_US = 250000 };

/* The bytes of the valid UTF-8 sequence at p, or 0 (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	size_t want = *p < 0x80   ? 1
		      : *p < 0xc2 ? 0
		      : *p < 0xe0 ? 2
		      : *p < 0xf0 ? 3
		      : *p < 0xf5 ? 4
				  : 0;

	if (want > n)
		return 0;
	for (size_t i = 1; i < want; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
		(*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return want;
}

static void put_string(FILE *f, const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;

	(void)fputc('"', f);
	while (n) {
		size_t k = utf8_length(p, n);

		if (k == 0)
			(void)fputs("\xef\xbf\xbd", f);
		else if (*p == '"' || *p == '\\')
			(void)fprintf(f, "\\%c", *p);
		else if (*p < 0x20)
			(void)fprintf(f, "\\u%04x", *p);
		else
			(void)fwrite(p, 1, k, f);
		p += k ? k : 1;
		n -= k ? k : 1;
	}
	(void)fputc('"', f);
}

/* Without half a character at the end. */
static size_t quote_length(const struct agent *a)
{
	size_t n = a->prompt_bytes;

	if (n <= QUOTE_BYTES)
		return n;
	n = QUOTE_BYTES;
	for (int back = 0; back < 3 && ((unsigned char)a->prompt[n] & 0xc0) == 0x80; back++)
		n--;
	return n;
}

static void put_text(FILE *f, const struct agent *a)
{
	static const char lead[] = "Mock agent received the prompt: ";
	char quote[sizeof(lead) + QUOTE_BYTES];
	size_t n = quote_length(a);

	if (a->result) {
		put_string(f, a->result, strlen(a->result));
		return;
	}
	memcpy(quote, lead, sizeof(lead) - 1);
	memcpy(quote + sizeof(lead) - 1, a->prompt, n);
	put_string(f, quote, sizeof(lead) - 1 + n);
}

static void put_result(FILE *f, const struct agent *a)
{
	(void)fprintf(f,
		"{\"status\":\"%s\",\"output\":{\"result\":", a->failure ? "failed" : "completed");
	put_text(f, a);
	(void)fputs(",\"session_id\":\"mock-", f);
	/* A job id is letters, digits and dashes; anything else has no place in a session id. */
	for (const char *p = a->job_id; *p; p++)
		(void)fputc(strchr("\"\\", *p) || (unsigned char)*p < 0x20 ? '_' : *p, f);
	(void)fputs(
		"\",\"total_cost_usd\":0,\"usage\":{\"input_tokens\":0,\"output_tokens\":0}}", f);
	if (a->failure) {
		(void)fputs(",\"error\":", f);
		put_string(f, a->failure, strlen(a->failure));
	}
	(void)fputc('}', f);
}

static int complain(const char *what)
{
	(void)fprintf(stderr, "mock agent: %s: %s\n", what, strerror(errno));
	return -1;
}

static int write_file(const struct agent *a)
{
	char path[4096], temp[4096 + 8];
	bool is_bad;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/result.json", a->run_dir);
	(void)snprintf(temp, sizeof(temp), "%s.tmp", path);
	f = fopen(temp, "we");
	if (!f)
		return complain(temp);
	put_result(f, a);
	(void)fputc('\n', f);
	is_bad = ferror(f) != 0;
	if (fclose(f) != 0 || is_bad || rename(temp, path) < 0)
		return complain(path);
	return 0;
}

struct url {
	char host[256];
	char port[8];
	const char *path;
};

/* http://HOST[:PORT][/PATH]; an address in brackets may be IPv6. */
static bool parse_url(const char *text, struct url *ret)
{
	const char *host = text + 7, *end, *rest;

	if (strncmp(text, "http://", 7) != 0)
		return false;
	rest = *host == '[' ? strchr(host, ']') : host;
	if (!rest)
		return false;
	end = rest += strcspn(rest, ":/?");
	(void)snprintf(ret->port, sizeof(ret->port), "80");
	if (*rest == ':') {
		size_t n = strcspn(++rest, "/?");

		(void)snprintf(ret->port, sizeof(ret->port), "%.*s", (int)n, rest);
		rest += n;
	}
	if (*host == '[') {
		host++;
		end--;
	}
	(void)snprintf(ret->host, sizeof(ret->host), "%.*s", (int)(end - host), host);
	ret->path = *rest ? rest : "/";
	return true;
}

static int connect_to(const struct url *u)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	int fd = -1, r = getaddrinfo(u->host, u->port, &hints, &list);

	if (r) {
		(void)fprintf(stderr, "mock agent: %s: %s\n", u->host, gai_strerror(r));
		return -1;
	}
	for (const struct addrinfo *i = list; i && fd < 0; i = i->ai_next) {
		fd = socket(i->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, i->ai_addr, i->ai_addrlen) < 0) {
			(void)close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	return fd < 0 ? complain(u->host) : fd;
}

static int exchange(FILE *f, const struct url *u, const char *body, size_t size)
{
	char line[256] = "";
	int status = 0;

	(void)fprintf(f,
		"POST %s HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\n",
		u->path, u->host, u->port, size);
	(void)fwrite(body, 1, size, f);
	if (fflush(f) != 0)
		return complain("CALLBACK_URL");
	if (fgets(line, sizeof(line), f) && strncmp(line, "HTTP/1.", 7) == 0 && strlen(line) > 9)
		status = (int)strtol(line + 9, NULL, 10);
	if (status == 0)
		return -1;
	printf("callback answered %d\n", status);
	return status / 100 == 2 ? 0 : 1;
}

/* 0 = taken, 1 = refused, -1 = nobody answered. */
static int post_result(const struct agent *a)
{
	const char *text = getenv("CALLBACK_URL");
	char *body = NULL;
	size_t size = 0;
	struct url u;
	FILE *mem, *f;
	int fd, r;

	if (!text || !parse_url(text, &u)) {
		(void)fputs("mock agent: no usable CALLBACK_URL\n", stderr);
		return -1;
	}
	fd = connect_to(&u);
	f = fd < 0 ? NULL : fdopen(fd, "r+");
	mem = f ? open_memstream(&body, &size) : NULL;
	if (!mem)
		return -1;
	put_result(mem, a);
	(void)fclose(mem);
	r = exchange(f, &u, body, size);
	free(body);
	(void)fclose(f);
	return r;
}

/* A daemon that is being restarted is back in a moment; if not, the file is read in its place. */
static int post_patiently(const struct agent *a)
{
	int r = post_result(a);

	for (int left = CALLBACK_TRIES; r < 0 && left > 1; left--) {
		(void)usleep(CALLBACK_PAUSE_US);
		r = post_result(a);
	}
	return r < 0 ? write_file(a) : -r;
}

int result_report(const struct agent *a)
{
	if (a->to_callback)
		return post_patiently(a);
	if (!a->to_stdout)
		return write_file(a);
	put_result(stdout, a);
	(void)putchar('\n');
	return fflush(stdout) == 0 ? 0 : -1;
}
