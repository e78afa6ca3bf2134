/* SPDX-License-Identifier: MIT */
/*
 * api/events.c - GET /api/events: what happens, as server-sent events (the WHATWG's HTML standard,
 * section 9.2); and the same of one execution, begun with a snapshot of it.
 *
 * The last EVENTS_RING events are kept once; a subscriber is little more than the number of the
 * next event it wants. The bytes that go out are made when somebody takes them, because most of the
 * time nobody listens; those made last are kept for the subscribers that follow. Whoever comes back
 * with Last-Event-ID goes on behind that event. When what it wants is no longer there (it was away
 * too long, it reads too slowly, the daemon was restarted) it is told by an event `gap` and goes on
 * with the oldest that is.
 *
 * What a client emits over the JSON-lines door goes the same way, as an event `emit`, with what it
 * said as data.
 *
 * Ids are "<when this daemon started, hex>-<number>": a number alone would look right after a
 * restart and be wrong. A comment every EVENTS_PING_US keeps proxies awake; without subscribers
 * there is no timer. A reader that takes nothing at all is dropped by the server.
 */
#include <inttypes.h>

#include "api/api-internal.h"

#define SUBSCRIBERS_MAX 512

/* A copy of a struct engine_event. */
struct happening {
	int64_t at_real;
	struct id job_id; /* "" = none */
	char type[16];
	char state[32];
	char pylon[64]; /* "" = none */
	char *reason;   /* NULL = none, which is the rule */
	char *foreign;  /* an event of a client, as JSON; NULL = it is ours */
};

struct events {
	struct loop *loop;
	uint64_t epoch;                     /* ms since 1970 */
	uint64_t last;                      /* number of the newest event, 0 = none yet */
	struct happening ring[EVENTS_RING]; /* event n is at n % EVENTS_RING */
	struct buf text;                    /* of event text_of, 0 = none */
	uint64_t text_of;
	struct list subscribers;
	size_t count;
	struct timer ping;
	bool is_closing;
};

struct subscriber {
	struct list node;
	struct events *ev;
	struct http_stream *stream; /* NULL: gone */
	uint64_t next;              /* number of the next event to send */
	struct id only;             /* the job it asks about, "" = everything */
	bool has_gap; /* tell it that something is missing, whatever the numbers say */
	bool is_blocked;
	bool is_pumping;
};

static void ping(struct timer *t, void *ctx);

struct events *events_new(struct loop *l)
{
	struct events *ev = xcalloc(1, sizeof(*ev));

	ev->loop = l;
	ev->epoch = (uint64_t)(loop_real(l) / US_PER_MS);
	list_init(&ev->subscribers);
	timer_init(&ev->ping, l, ping, ev);
	return ev;
}

static void subscriber_free(struct subscriber *s)
{
	list_remove(&s->node);
	s->ev->count--;
	if (s->ev->count == 0)
		timer_cancel(&s->ev->ping);
	free(s);
}

void events_free(struct events *ev)
{
	if (ev == NULL)
		return;
	list_foreach_safe (it, &ev->subscribers)
		subscriber_free(list_entry(it, struct subscriber, node));
	timer_cancel(&ev->ping);
	for (size_t i = 0; i < EVENTS_RING; i++) {
		free(ev->ring[i].reason);
		free(ev->ring[i].foreign);
	}
	buf_fini(&ev->text);
	free(ev);
}

size_t events_subscribers(const struct events *ev)
{
	return ev->count;
}

static uint64_t oldest(const struct events *ev)
{
	return ev->last < EVENTS_RING ? 1 : ev->last - EVENTS_RING + 1;
}

/* False when the subscriber cannot take more now (or is gone). */
static bool send_text(struct subscriber *s, const char *text)
{
	if (!http_stream_write(s->stream, slice_of(text)))
		s->is_blocked = true;
	return s->stream != NULL && !s->is_blocked;
}

static bool send_gap(struct subscriber *s)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	uint64_t first = oldest(s->ev);

	if (s->has_gap)
		buf_add_str(&text, "event: gap\ndata: {\"missed\":null}\n\n");
	else
		buf_printf(
			&text, "event: gap\ndata: {\"missed\":%" PRIu64 "}\n\n", first - s->next);
	s->has_gap = false;
	s->next = first;
	return send_text(s, buf_str(&text));
}

static const char *or_null(const char *s)
{
	return str_is_empty(s) ? NULL : s;
}

static struct js *event_data(const struct happening *h)
{
	struct js *data = js_object();

	js_set_str(data, "type", h->type);
	js_set_str(data, "pylon", or_null(h->pylon));
	js_set_str(data, "job_id", or_null(h->job_id.s));
	js_set_str(data, "state", h->state);
	js_set_str(data, "reason", h->reason);
	js_set_time(data, "at", h->at_real);
	return data;
}

/* The bytes of an event of the ring; they live until those of another one are asked for. */
static const char *event_text(struct events *ev, uint64_t number)
{
	const struct happening *h = &ev->ring[number % EVENTS_RING];
	CLEANUP(js_freep) struct js *data = NULL;

	if (ev->text_of == number)
		return buf_str(&ev->text);
	buf_clear(&ev->text);
	buf_printf(&ev->text, "id: %" PRIx64 "-%" PRIu64 "\nevent: %s\ndata: ", ev->epoch, number,
		h->type);
	if (h->foreign != NULL) {
		buf_add_str(&ev->text, h->foreign);
	} else {
		data = event_data(h);
		js_write(&ev->text, data);
	}
	buf_add_str(&ev->text, "\n\n");
	ev->text_of = number;
	return buf_str(&ev->text);
}

static bool wants(const struct subscriber *s, uint64_t number)
{
	const struct happening *h = &s->ev->ring[number % EVENTS_RING];

	return s->only.s[0] == '\0' || strcmp(s->only.s, h->job_id.s) == 0;
}

/* May free s. */
static void pump(struct subscriber *s)
{
	bool go_on = s->stream != NULL && !s->is_blocked;

	if (s->is_pumping)
		return;
	s->is_pumping = true;
	if (go_on && (s->has_gap || s->next < oldest(s->ev)))
		go_on = send_gap(s);
	while (go_on && s->next <= s->ev->last) {
		uint64_t number = s->next++;

		if (wants(s, number))
			go_on = send_text(s, event_text(s->ev, number));
	}
	s->is_pumping = false;
	if (s->stream == NULL)
		subscriber_free(s);
}

static void reader_is_gone(void *ctx)
{
	struct subscriber *s = ctx;

	s->stream = NULL;
	if (!s->is_pumping)
		subscriber_free(s);
}

static void drained(void *ctx)
{
	struct subscriber *s = ctx;

	s->is_blocked = false;
	pump(s);
}

static void ping(struct timer *t, void *ctx)
{
	struct events *ev = ctx;

	timer_set_in(t, EVENTS_PING_US);
	list_foreach_safe (it, &ev->subscribers) {
		struct subscriber *s = list_entry(it, struct subscriber, node);

		if (s->is_blocked)
			continue;
		s->is_pumping = true;
		(void)send_text(s, ": ping\n\n");
		s->is_pumping = false;
		if (s->stream == NULL)
			subscriber_free(s);
	}
}

/* The next place of the ring. */
static struct happening *next_happening(struct events *ev)
{
	struct happening *h = &ev->ring[++ev->last % EVENTS_RING];

	free(h->reason);
	free(h->foreign);
	*h = (struct happening){.at_real = loop_real(ev->loop)};
	return h;
}

static void pump_all(struct events *ev)
{
	list_foreach_safe (it, &ev->subscribers)
		pump(list_entry(it, struct subscriber, node));
}

void events_publish_foreign(struct events *ev, const struct js *event)
{
	struct happening *h = next_happening(ev);
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	must(str_copy(h->type, sizeof(h->type), "emit"));
	js_write(&text, event);
	h->foreign = buf_steal(&text);
	pump_all(ev);
}

void events_publish(struct events *ev, const struct engine_event *what)
{
	struct happening *h = next_happening(ev);
	const char *pylon = pylon_label(what->pylon);

	h->job_id = what->job_id;
	must(str_copy(h->type, sizeof(h->type), what->type));
	must(str_copy(h->state, sizeof(h->state), what->state));
	must(str_copy(h->pylon, sizeof(h->pylon), pylon == NULL ? "" : pylon));
	str_replace(&h->reason, what->reason);
	pump_all(ev);
}

/* Where a client that comes back goes on; false when its id is not one of ours. */
static bool resume_at(const struct events *ev, struct slice id, uint64_t *ret_next)
{
	CLEANUP(buf_fini) struct buf ours = BUF_NULL;
	uint64_t n;

	buf_printf(&ours, "%" PRIx64 "-", ev->epoch);
	if (!slice_has_prefix(id, buf_str(&ours)))
		return false;
	if (!slice_to_u64((struct slice){id.p + ours.n, id.n - ours.n}, ev->last, &n))
		return false;
	*ret_next = n + 1;
	return true;
}

/* `only`: the job it is about, NULL = everything; `first` (may be NULL) is sent before all
 * others. */
static void open_stream(
	struct api *a, struct http_request *req, const struct id *only, const char *first)
{
	struct events *ev = a->events;
	struct slice id = SLICE_NULL;
	struct subscriber *s;

	if (ev->count >= SUBSCRIBERS_MAX || ev->is_closing) {
		api_refuse(req, 503, ev->is_closing ? "draining" : "full",
			"no more event streams are served");
		return;
	}
	s = xcalloc(1, sizeof(*s));
	s->ev = ev;
	s->next = ev->last + 1;
	if (only != NULL)
		s->only = *only;
	if (http_request_header(req, "last-event-id", &id) && id.n > 0)
		s->has_gap = !resume_at(ev, id, &s->next);
	list_init(&s->node);
	list_append(&ev->subscribers, &s->node);
	if (ev->count++ == 0)
		timer_set_in(&ev->ping, EVENTS_PING_US);
	s->is_pumping = true;
	s->stream = http_stream_start(req, 200, "text/event-stream", reader_is_gone, s);
	http_stream_on_drained(s->stream, drained);
	if (send_text(s, "retry: 2000\n\n") && first != NULL)
		(void)send_text(s, first);
	s->is_pumping = false;
	pump(s);
}

void events_get(struct api *a, struct http_request *req, const struct route_match *m)
{
	(void)m;
	open_stream(a, req, NULL, NULL);
}

/* It begins with how things stand, so that nothing happens between looking and listening. */
void events_of_execution(struct api *a, struct http_request *req, const struct route_match *m)
{
	CLEANUP(job_fini) struct job j = {0};
	CLEANUP(js_freep) struct js *now = NULL;
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	if (!api_find_execution(a, req, m->args[0], &j))
		return;
	now = execution_json(a, &j, true);
	buf_add_str(&text, "event: snapshot\ndata: ");
	js_write(&text, now);
	buf_add_str(&text, "\n\n");
	open_stream(a, req, &j.id, buf_str(&text));
}

void events_close_all(struct events *ev)
{
	ev->is_closing = true;
	list_foreach_safe (it, &ev->subscribers) {
		struct subscriber *s = list_entry(it, struct subscriber, node);

		http_stream_end(s->stream);
		subscriber_free(s);
	}
}
