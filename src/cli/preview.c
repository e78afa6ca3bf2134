/* SPDX-License-Identifier: MIT */
/*
 * cli/preview.c - `pylon test --dry-run`: what the pylon would make of the request, without sending
 * it anywhere.
 *
 * Templates see what the daemon would let them see: header values that are secret are <redacted>
 * here too. The job's id is a fresh one, as it would be.
 */
#include <ctype.h>
#include <stdio.h>

#include "base/id.h"
#include "base/limits.h"
#include "calendar/instant.h"
#include "cli/test-internal.h"

#define NO_VALUE "<no value>"

/* What templates are rendered with. */
struct view {
	const struct test *test;
	struct buf headers;
	struct id job_id;
	char now[INSTANT_SIZE];
	char *delivery_id; /* NULL = none */
	struct template_event event;
};

static void view_fini(struct view *v)
{
	buf_fini(&v->headers);
	free(v->delivery_id);
}

static struct slice trim_white(struct slice s)
{
	while (s.n > 0 && isspace((unsigned char)s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool is_secret(const struct test *t, struct slice name)
{
	const char *const *own = NULL;

	if (t->signature != NULL)
		own = signature_secret_headers(t->signature);
	for (; own != NULL && *own != NULL; own++)
		if (slice_eq_nocase(name, *own))
			return true;
	return false;
}

static void add_header(struct view *v, const char *line)
{
	size_t n = strcspn(line, ":");
	CLEANUP(freep) char *name = xstrndup(line, n);
	const char *value = line + n + (line[n] == ':');

	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (v->headers.n > 1)
		buf_add_char(&v->headers, ',');
	js_write_string(&v->headers, slice_of(name));
	buf_add_char(&v->headers, ':');
	js_write_string(&v->headers, is_secret(v->test, slice_of(name))
					     ? SLICE_LIT("<redacted>")
					     : slice_trim(slice_of(value)));
}

static const char *source_of(const struct pylon_config *p)
{
	switch (p->trigger) {
	case TRIGGER_WEBHOOK:
		return "webhook";
	case TRIGGER_CRON:
		return "schedule";
	case TRIGGER_MANUAL:
	default:
		return "manual";
	}
}

/* Appends what fitted; says on stderr when that is not all. */
static void render(const struct view *v, const struct template *t, struct buf *out)
{
	int rc = template_render(t, &v->event, PROMPT_MAX, out);

	if (rc == TEMPLATE_E_TOO_LONG)
		(void)fprintf(stderr, "note: a text is cut after %zu bytes\n", PROMPT_MAX);
	else if (rc == TEMPLATE_E_TOO_MUCH)
		(void)fputs("note: a text is cut: its template has too much to do\n", stderr);
}

/* By the rules of the door: trigger.dedupe, else the recipe's own header. */
static char *delivery_id(const struct view *v)
{
	const struct test *t = v->test;
	const struct pylon_config *p = t->pylon;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	const char *name = p->dedupe, *value = NULL;
	struct slice id;

	if (p->dedupe_template != NULL) {
		if (template_render(p->dedupe_template, &v->event, PROMPT_MAX, &text) != 0)
			return NULL;
		id = trim_white(buf_slice(&text));
		return id.n == 0 || slice_eq_str(id, NO_VALUE) ? NULL : slice_dup(id);
	}
	if (name == NULL && t->signature != NULL)
		name = signature_delivery_header(t->recipe, p->signature_header);
	if (name != NULL)
		value = request_header(t, name);
	return str_is_empty(value) ? NULL : xstrdup(value);
}

static void view_init(struct view *v, const struct test *t)
{
	*v = (struct view){.test = t};
	buf_add_char(&v->headers, '{');
	for (size_t i = 0; i < t->headers.n; i++)
		add_header(v, t->headers.v[i]);
	buf_add_char(&v->headers, '}');
	id_make(&v->job_id);
	instant_print(t->now_us, v->now);
	v->event = (struct template_event){
		.body = buf_slice(&t->body),
		.headers_json = buf_str(&v->headers),
		.query = "",
		.pylon = t->pylon->name,
		.source = source_of(t->pylon),
		.received_at = v->now,
	};
	/* The door knows no job yet when it asks for the id and the condition. */
	v->delivery_id = delivery_id(v);
	v->event.delivery_id = v->delivery_id;
}

/* What is rendered for the job itself. */
static void view_add_job(struct view *v)
{
	v->event.job_id = v->job_id.s;
	v->event.created_at = v->now;
	v->event.attempt = 1;
}

/* --- trigger.if --- */

struct filter {
	bool is_set, passes;
	struct buf text;
};

static void filter_ask(const struct view *v, struct filter *f)
{
	const struct template *t = v->test->pylon->condition;
	int rc;

	*f = (struct filter){.is_set = t != NULL, .passes = true};
	if (t == NULL)
		return;
	rc = template_render(t, &v->event, PROMPT_MAX, &f->text);
	f->passes = rc != TEMPLATE_E_TOO_MUCH && template_is_true(buf_slice(&f->text));
}

static void filter_fini(struct filter *f)
{
	buf_fini(&f->text);
}

/* --- the parts --- */

struct part {
	const char *key, *title;
	const struct template *template; /* NULL = not set */
};

#define PARTS 5

static void parts_of(const struct pylon_config *p, struct part ret[PARTS])
{
	ret[0] = (struct part){"prompt", "Prompt", p->prompt};
	ret[1] = (struct part){"topic", "Topic", p->topic};
	ret[2] = (struct part){"message", "Message", p->message};
	ret[3] = (struct part){"repo", "Repo", p->repo};
	/* Without a repository there is nothing that a ref could be of. */
	ret[4] = (struct part){"ref", "Ref", p->repo == NULL ? NULL : p->ref};
}

static void print_part(const char *title, const char *text)
{
	(void)printf("%s:%s", title, strchr(text, '\n') == NULL ? " " : "\n");
	cli_print_text(*text == '\0' ? "(empty)" : text);
}

static void print_filter(const struct filter *f)
{
	CLEANUP(freep) char *text = slice_dup(trim_white(buf_slice(&f->text)));
	CLEANUP(freep) char *line = NULL;

	if (!f->is_set)
		return;
	line = xasprintf("%s (trigger.if is \"%s\")",
		f->passes ? "the event passes" : "the event is ignored", text);
	print_part("Filter", line);
}

void preview_print(const struct test *t)
{
	CLEANUP(view_fini) struct view v;
	CLEANUP(filter_fini) struct filter f;
	struct part parts[PARTS];

	view_init(&v, t);
	filter_ask(&v, &f);
	view_add_job(&v);
	(void)putchar('\n');
	print_filter(&f);
	if (t->pylon->trigger == TRIGGER_WEBHOOK)
		print_part("Delivery id",
			v.delivery_id == NULL ? "none: every delivery makes a job" : v.delivery_id);
	parts_of(t->pylon, parts);
	for (size_t i = 0; i < PARTS; i++) {
		CLEANUP(buf_fini) struct buf text = BUF_NULL;

		if (parts[i].template == NULL)
			continue;
		render(&v, parts[i].template, &text);
		print_part(parts[i].title, buf_str(&text));
	}
}

static void set_filter(struct js *o, const struct filter *f)
{
	struct js *it;

	if (!f->is_set) {
		js_set_null(o, "filter");
		return;
	}
	it = js_object();
	js_set_bool(it, "passes", f->passes);
	js_set_strn(it, "text", buf_str(&f->text), f->text.n);
	js_set_take(o, "filter", it);
}

void preview_json(const struct test *t, struct js *o)
{
	CLEANUP(view_fini) struct view v;
	CLEANUP(filter_fini) struct filter f;
	struct part parts[PARTS];

	view_init(&v, t);
	filter_ask(&v, &f);
	view_add_job(&v);
	set_filter(o, &f);
	js_set_str(o, "delivery_id", v.delivery_id);
	parts_of(t->pylon, parts);
	for (size_t i = 0; i < PARTS; i++) {
		CLEANUP(buf_fini) struct buf text = BUF_NULL;

		if (parts[i].template == NULL) {
			js_set_null(o, parts[i].key);
			continue;
		}
		render(&v, parts[i].template, &text);
		js_set_strn(o, parts[i].key, buf_str(&text), text.n);
	}
}
