/* SPDX-License-Identifier: MIT */
/*
 * A request from nowhere at the webhook door. The input is a method, header lines, an empty line
 * and the body. Whatever comes out as an event is a JSON object with a JSON object of headers,
 * holds no secret, and is the same when it is judged again; whatever is refused has a status and a
 * code.
 */
#include "base/limits.h"
#include "base/scan.h"
#include "trigger/trigger.h"

#define NOW_US     (INT64_C(1614265330) * US_PER_SEC)
#define FIELDS_MAX 32
#define BODY_MAX   KIB(64)

struct request {
	struct inbound_field fields[FIELDS_MAX];
	struct inbound in;
};

static struct slice take_line(struct slice *rest)
{
	const char *end = rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);
	struct slice line = {rest->p, end == NULL ? rest->n : (size_t)(end - rest->p)};
	size_t used = MIN_OF(line.n + 1, rest->n);

	rest->p += used;
	rest->n -= used;
	return line;
}

static void split(struct request *r, struct slice rest)
{
	r->in = (struct inbound){
		.method = take_line(&rest), .path = SLICE_LIT("/hook"), .fields = r->fields};
	while (rest.n > 0 && r->in.field_count < FIELDS_MAX) {
		struct slice line = take_line(&rest);
		const char *colon = line.n == 0 ? NULL : memchr(line.p, ':', line.n);
		size_t n;

		if (line.n == 0)
			break;
		if (colon == NULL || colon == line.p)
			continue;
		n = (size_t)(colon - line.p);
		r->fields[r->in.field_count++] = (struct inbound_field){
			{line.p, n}, slice_trim((struct slice){line.p + n + 1, line.n - n - 1})};
	}
	r->in.body = rest;
}

static void check_object(const char *text, size_t n)
{
	struct scan index = SCAN_NULL_INDEX;

	must(scan_parse(&index, text, n, NULL) == 0);
	must(index.nodes[0].type == SCAN_OBJECT);
	scan_fini(&index);
}

/* The value of this field is never kept: its name stands in front of the mark. */
static void check_redacted(const struct event *ev, const char *name)
{
	CLEANUP(freep) char *member = xasprintf("\"%s\":\"", name);
	CLEANUP(freep) char *kept = xasprintf("\"%s\":\"<redacted>\"", name);
	const char *at = strstr(ev->headers_json, member);

	must(at == NULL || str_has_prefix(at, kept));
}

static void check_event(const struct event *ev)
{
	must(strlen(ev->body) == ev->body_n && strlen(ev->body_sha256) == 64);
	check_object(ev->body, ev->body_n);
	check_object(ev->headers_json, strlen(ev->headers_json));
	check_redacted(ev, "authorization");
	check_redacted(ev, "cookie");
	check_redacted(ev, "x-sig");
	must(ev->delivery_id == NULL ||
		(*ev->delivery_id != '\0' && strlen(ev->delivery_id) <= DELIVERY_ID_MAX));
}

static void check_answer(int status, struct answer *a)
{
	must(status == a->status && status >= 200 && status < 500);
	must((status >= 400) == (a->code != NULL));
	must(a->headers.n == 0 || a->reply != NULL);
	answer_fini(a);
}

static void try_judge(const struct route *r, const struct inbound *in)
{
	struct event once = {0}, twice = {0};
	struct answer a = {0};
	struct err why = CLEAN_ERR;
	int status = route_judge(r, in, NOW_US, &once, &a, &why);

	if (status != 0) {
		must(once.body == NULL);
		check_answer(status, &a);
		return;
	}
	check_event(&once);
	must(route_judge(r, in, NOW_US, &twice, &a, &why) == 0);
	must(str_eq(once.headers_json, twice.headers_json) && str_eq(once.body, twice.body));
	must(str_eq(once.delivery_id, twice.delivery_id));
	event_fini(&once);
	event_fini(&twice);
}

static void try_route(const struct route_config *c, const struct inbound *in)
{
	struct route *r = NULL;
	struct answer a = {0};
	int status;

	must(route_new(&r, c, NULL) == 0);
	status = route_admit(r, in, &a);
	if (status != 0)
		check_answer(status, &a);
	try_judge(r, in);
	route_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct template *dedupe, *condition;
	struct request req;
	struct strv secrets = STRV_NULL;
	struct route_config c = {.path = "/hook",
		.signature_header = "X-Sig",
		.tolerance_us = -1,
		.pylon = "p",
		.max_body = BODY_MAX};

	if (dedupe == NULL) {
		dedupe = template_compile(SLICE_LIT("{{ .body.id }}{{ .event.id }}"), NULL);
		condition = template_compile(SLICE_LIT("{{ .body.go }}{{ .event.type }}"), NULL);
		must(dedupe != NULL && condition != NULL);
	}
	split(&req, (struct slice){(const char *)data, size});
	try_route(&c, &req.in);
	c.dedupe = dedupe;
	c.condition = condition;
	try_route(&c, &req.in);
	/* A secret in a header is its own proof, so that genuine requests can be found. */
	strv_add(&secrets, "s");
	c.secrets = &secrets;
	c.recipe = SIGNATURE_TOKEN;
	try_route(&c, &req.in);
	strv_fini(&secrets);
	return 0;
}
