/* SPDX-License-Identifier: MIT */
/*
 * tests/api/test_events.c - the stream of events: live, resumed, with holes, for slow readers.
 */
#include <inttypes.h>

#include "api/api-internal.h"
#include "api/fakes.h"

#define EPOCH_MS (NOW_US / US_PER_MS)

/* `last` is a Last-Event-ID header, or NULL. */
static void subscribe(struct world *w, struct fake_request *r, const char *last)
{
	*r = (struct fake_request){.method = "GET", .target = "/api/events", .is_local = true};
	r->headers[0] = last;
	fake_send(w, r);
	r->headers[0] = NULL;
	assert_int_equal(r->status, 200);
	assert_true(r->is_stream);
}

static void publish(struct world *w, int count)
{
	for (int i = 0; i < count; i++)
		fake_event(w, "job", JOB_1, "running");
}

/* How many "id:" lines it got, and the number of the first. */
static size_t events_of(const struct fake_request *r, uint64_t *ret_first)
{
	size_t n = 0;
	const char *p = r->text;

	*ret_first = 0;
	while ((p = strstr(p, "id: ")) != NULL) {
		const char *dash = strchr(p, '-');

		assert_non_null(dash);
		if (n++ == 0)
			*ret_first = strtoull(dash + 1, NULL, 10);
		p = dash;
	}
	return n;
}

static char *last_id(uint64_t n)
{
	return xasprintf("Last-Event-ID: %" PRIx64 "-%" PRIu64, (uint64_t)EPOCH_MS, n);
}

static void leave(struct fake_request *r)
{
	fake_leave(r);
	fake_request_fini(r);
}

static void subscriber_gets_what_happens_from_now_on(void **state)
{
	struct fake_request r;
	uint64_t first;

	publish(*state, 3);
	subscribe(*state, &r, NULL);
	assert_int_equal(events_of(&r, &first), 0);
	publish(*state, 2);
	assert_int_equal(events_of(&r, &first), 2);
	assert_int_equal(first, 4);
	assert_non_null(strstr(r.text, "event: job\ndata: {\"type\":\"job\",\"pylon\":\"demo\""));
	assert_null(strstr(r.text, "gap"));
	leave(&r);
}

/* The strings of an event are borrowed, and nobody reads yet when it happens. */
static void event_is_told_as_it_was_when_it_happened(void **state)
{
	struct world *w = *state;
	char pylon[64], text[] = "no room:\n\"disk\" \xc3\xa9";
	struct engine_event ev = {
		.type = "delivery", .pylon = pylon, .state = "awaiting_approval", .reason = text};
	CLEANUP(freep) char *id = last_id(0), *expected = NULL;
	struct fake_request r;

	memset(pylon, 'p', 63);
	pylon[63] = '\0';
	expected = xasprintf("id: %" PRIx64 "-1\nevent: delivery\ndata: {\"type\":\"delivery\","
			     "\"pylon\":\"%s\",\"job_id\":null,\"state\":\"awaiting_approval\","
			     "\"reason\":\"no room:\\n\\\"disk\\\" \xc3\xa9\","
			     "\"at\":\"2023-11-14T22:13:20.000Z\"}\n\n",
		(uint64_t)EPOCH_MS, pylon);
	fake.listener(fake.listener_ctx, &ev);
	pylon[0] = text[0] = '!';
	publish(w, 1);
	loop_advance(w->loop, US_PER_SEC);
	for (int i = 0; i < 2; i++) {
		subscribe(w, &r, id);
		assert_non_null(strstr(r.text, expected));
		assert_non_null(strstr(r.text,
			"-2\nevent: job\ndata: {\"type\":\"job\",\"pylon\":\"demo\",\"job_id\":\"" JOB_1
			"\",\"state\":\"running\",\"reason\":null,"));
		leave(&r);
	}
}

static void log_events_stay_out_of_the_ring(void **state)
{
	struct fake_request r;
	uint64_t first;

	subscribe(*state, &r, NULL);
	fake_event(*state, "log", JOB_1, "");
	assert_int_equal(events_of(&r, &first), 0);
	leave(&r);
}

static void last_event_id_resumes_behind_it(void **state)
{
	struct fake_request r;
	CLEANUP(freep) char *id = last_id(3);
	uint64_t first;

	publish(*state, 5);
	subscribe(*state, &r, id);
	assert_int_equal(events_of(&r, &first), 2);
	assert_int_equal(first, 4);
	assert_null(strstr(r.text, "gap"));
	leave(&r);
}

static void hole_is_told_with_its_size(void **state)
{
	struct fake_request r;
	CLEANUP(freep) char *id = last_id(3);
	uint64_t first;

	publish(*state, EVENTS_RING + 10);
	subscribe(*state, &r, id);
	/* 4 to 10 are gone. */
	assert_non_null(strstr(r.text, "event: gap\ndata: {\"missed\":7}\n\n"));
	assert_int_equal(events_of(&r, &first), EVENTS_RING);
	assert_int_equal(first, 11);
	leave(&r);
}

static void oldest_kept_event_is_no_hole_yet(void **state)
{
	struct fake_request r;
	CLEANUP(freep) char *id = last_id(10);
	uint64_t first;

	publish(*state, EVENTS_RING + 10);
	subscribe(*state, &r, id);
	assert_null(strstr(r.text, "gap"));
	assert_int_equal(events_of(&r, &first), EVENTS_RING);
	leave(&r);
}

static void id_of_another_daemon_is_a_hole_of_unknown_size(void **state)
{
	static const char *const foreign[] = {"Last-Event-ID: 1-3", "Last-Event-ID: 3",
		"Last-Event-ID: nonsense", "Last-Event-ID: 18bcfe56800-"};
	CLEANUP(freep) char *future = last_id(99);
	struct fake_request r;
	uint64_t first;

	publish(*state, 2);
	for (size_t i = 0; i <= ARRAY_LEN(foreign); i++) {
		subscribe(*state, &r, i == ARRAY_LEN(foreign) ? future : foreign[i]);
		assert_non_null(strstr(r.text, "event: gap\ndata: {\"missed\":null}\n\n"));
		assert_int_equal(events_of(&r, &first), 2);
		leave(&r);
	}
}

static void slow_reader_goes_on_where_it_stopped(void **state)
{
	struct fake_request r;
	uint64_t first;

	subscribe(*state, &r, NULL);
	r.blocks = true;
	publish(*state, 5);
	assert_int_equal(events_of(&r, &first), 1);
	fake_drain(&r);
	assert_int_equal(events_of(&r, &first), 5);
	assert_null(strstr(r.text, "gap"));
	leave(&r);
}

static void reader_that_the_ring_overtook_is_told(void **state)
{
	struct fake_request r;
	uint64_t first;

	subscribe(*state, &r, NULL);
	r.blocks = true;
	publish(*state, EVENTS_RING + 3);
	assert_int_equal(events_of(&r, &first), 1);
	fake_drain(&r);
	assert_non_null(strstr(r.text, "event: gap\ndata: {\"missed\":2}\n\n"));
	assert_int_equal(events_of(&r, &first), 1 + EVENTS_RING);
	leave(&r);
}

static size_t pings(const struct fake_request *r)
{
	size_t n = 0;

	for (const char *p = r->text; (p = strstr(p, ": ping\n\n")) != NULL; p++)
		n++;
	return n;
}

static void pings_come_every_half_minute_while_somebody_listens(void **state)
{
	struct world *w = *state;
	struct fake_request r;

	subscribe(w, &r, NULL);
	loop_advance(w->loop, 29 * US_PER_SEC);
	assert_int_equal(pings(&r), 0);
	loop_advance(w->loop, 1 * US_PER_SEC);
	assert_int_equal(pings(&r), 1);
	loop_advance(w->loop, 60 * US_PER_SEC);
	assert_int_equal(pings(&r), 3);
	leave(&r);
	loop_advance(w->loop, 60 * US_PER_SEC);
	subscribe(w, &r, NULL);
	loop_advance(w->loop, 29 * US_PER_SEC);
	assert_int_equal(pings(&r), 0);
	leave(&r);
}

static void leaving_of_one_does_not_disturb_the_others(void **state)
{
	struct fake_request a, b, c;
	uint64_t first;

	subscribe(*state, &a, NULL);
	subscribe(*state, &b, NULL);
	subscribe(*state, &c, NULL);
	leave(&b);
	publish(*state, 1);
	assert_int_equal(events_of(&a, &first), 1);
	assert_int_equal(events_of(&c, &first), 1);
	leave(&a);
	leave(&c);
}

static void closing_ends_all_streams(void **state)
{
	struct world *w = *state;
	struct fake_request r;

	subscribe(w, &r, NULL);
	api_close_streams(w->api);
	assert_true(r.has_ended);
	publish(w, 1);
	fake_request_fini(&r);
	expect(w, (struct fake_request){.method = "GET", .target = "/api/events", .is_local = true},
		503);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(subscriber_gets_what_happens_from_now_on),
		ROW(event_is_told_as_it_was_when_it_happened),
		ROW(log_events_stay_out_of_the_ring),
		ROW(last_event_id_resumes_behind_it),
		ROW(hole_is_told_with_its_size),
		ROW(oldest_kept_event_is_no_hole_yet),
		ROW(id_of_another_daemon_is_a_hole_of_unknown_size),
		ROW(slow_reader_goes_on_where_it_stopped),
		ROW(reader_that_the_ring_overtook_is_told),
		ROW(pings_come_every_half_minute_while_somebody_listens),
		ROW(leaving_of_one_does_not_disturb_the_others),
		ROW(closing_ends_all_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
