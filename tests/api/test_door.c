/* SPDX-License-Identifier: MIT */
/*
 * tests/api/test_door.c - who may come in over TCP, in which order that is decided, and what stays
 * open to all.
 */
#include "api/fakes.h"

#define GOOD_HOST  "Host: localhost:8080"
#define GOOD_TOKEN "Authorization: Bearer s3cret"
#define JOBS       .method = "GET", .target = "/api/jobs"

static void foreign_host_is_403_before_the_token_is_looked_at(void **state)
{
	struct world *w = *state;

	world_set_token(w, "s3cret");
	expect(w, (struct fake_request){JOBS, .headers = {"Host: evil.example"}}, 403);
	expect(w, (struct fake_request){JOBS, .headers = {"Host: evil.example", GOOD_TOKEN}}, 403);
	expect(w, (struct fake_request){JOBS}, 403);
}

static void foreign_origin_is_403_before_the_token_is_looked_at(void **state)
{
	struct world *w = *state;

	world_set_token(w, "s3cret");
	expect(w,
		(struct fake_request){JOBS, .headers = {GOOD_HOST, "Origin: https://evil.example"}},
		403);
	expect(w,
		(struct fake_request){
			JOBS, .headers = {GOOD_HOST, "Origin: https://evil.example", GOOD_TOKEN}},
		403);
	expect(w, (struct fake_request){JOBS, .headers = {GOOD_HOST, "Origin: null", GOOD_TOKEN}},
		403);
	/* Another port of this machine is another page. */
	expect(w,
		(struct fake_request){
			JOBS, .headers = {GOOD_HOST, "Origin: http://localhost:3000", GOOD_TOKEN}},
		403);
	expect(w,
		(struct fake_request){JOBS, .headers = {GOOD_HOST, "Origin: http://localhost:8080",
						    "Origin: http://localhost:8080", GOOD_TOKEN}},
		403);
}

static void own_origin_is_let_in(void **state)
{
	struct world *w = *state;

	world_set_token(w, "s3cret");
	expect(w,
		(struct fake_request){
			JOBS, .headers = {GOOD_HOST, "Origin: http://localhost:8080", GOOD_TOKEN}},
		200);
	expect(w,
		(struct fake_request){
			JOBS, .headers = {GOOD_HOST, "Origin: https://pylon.example", GOOD_TOKEN}},
		200);
}

static void missing_and_wrong_tokens_are_401(void **state)
{
	struct world *w = *state;
	static const char *const wrong[] = {"Authorization: Bearer s3cre", "Authorization: Bearer ",
		"Authorization: Bearer s3crett", "Authorization: s3cret",
		"Authorization: Basic s3cret", "X-Token: s3cret"};

	world_set_token(w, "s3cret");
	expect(w, (struct fake_request){JOBS, .headers = {GOOD_HOST}}, 401);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		expect(w, (struct fake_request){JOBS, .headers = {GOOD_HOST, wrong[i]}}, 401);
	expect(w, (struct fake_request){JOBS, .headers = {GOOD_HOST, GOOD_TOKEN, GOOD_TOKEN}}, 401);
	expect(w, (struct fake_request){JOBS, .headers = {GOOD_HOST, GOOD_TOKEN}}, 200);
	expect(w,
		(struct fake_request){
			JOBS, .headers = {GOOD_HOST, "authorization: bearer  s3cret "}},
		200);
}

static void no_configured_token_means_no_api_on_tcp(void **state)
{
	struct world *w = *state;

	expect(w, (struct fake_request){JOBS, .headers = {GOOD_HOST}}, 401);
	expect(w, (struct fake_request){JOBS, .headers = {GOOD_HOST, "Authorization: Bearer "}},
		401);
	world_set_token(w, "");
	expect(w, (struct fake_request){JOBS, .headers = {GOOD_HOST, "Authorization: Bearer "}},
		401);
}

static void unix_socket_needs_neither_host_nor_token(void **state)
{
	expect(*state, (struct fake_request){JOBS, .is_local = true}, 200);
	expect(*state,
		(struct fake_request){JOBS, .is_local = true,
			.headers = {"Host: evil.example", "Origin: https://evil.example"}},
		200);
}

static void names_of_ours_in_any_spelling_are_good_hosts(void **state)
{
	struct world *w = *state;
	static const char *const good[] = {"Host: localhost", "Host: LOCALHOST:1",
		"Host: 127.0.0.1:8", "Host: 127.1.2.3", "Host: [::1]", "Host: [::1]:8080",
		"Host: pylon.example", "Host: PYLON.example:443"};
	static const char *const bad[] = {"Host: localhost.evil.example", "Host: 127.0.0.1.example",
		"Host: 127.evil", "Host: [::2]", "Host: [::1", "Host: 10.0.0.1",
		"Host: ", "Host: xpylon.example", "Host: 0.0.0.0"};

	world_set_token(w, "s3cret");
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		expect(w, (struct fake_request){JOBS, .headers = {good[i], GOOD_TOKEN}}, 200);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect(w, (struct fake_request){JOBS, .headers = {bad[i], GOOD_TOKEN}}, 403);
}

static void authority_of_an_absolute_target_counts_instead_of_host(void **state)
{
	struct world *w = *state;

	world_set_token(w, "s3cret");
	expect(w,
		(struct fake_request){.method = "GET",
			.target = "http://evil.example/api/jobs",
			.headers = {GOOD_HOST, GOOD_TOKEN}},
		403);
	expect(w,
		(struct fake_request){.method = "GET",
			.target = "http://localhost:8080/api/jobs",
			.headers = {"Host: localhost:8080", GOOD_TOKEN}},
		200);
}

static void strangers_cannot_tell_what_exists_below_api(void **state)
{
	struct world *w = *state;
	static const char *const paths[] = {"/api/jobs", "/api/nothing", "/api/", "/metrics",
		"/trigger/demo", "/trigger/", "/", "/%61pi/jobs", "/api%2Fjobs"};

	world_set_token(w, "s3cret");
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct fake_request r = {.method = "GET", .target = paths[i]};

		r.headers[0] = "Host: evil.example";
		expect(w, r, 403);
		r.headers[0] = GOOD_HOST;
		expect(w, r, 401);
	}
	expect(w,
		(struct fake_request){.method = "GET",
			.target = "/api/nothing",
			.headers = {GOOD_HOST, GOOD_TOKEN}},
		404);
}

static void webhooks_callbacks_and_health_take_any_host(void **state)
{
	struct world *w = *state;

	expect(w,
		(struct fake_request){
			.method = "POST", .target = "/hook", .headers = {"Host: evil.example"}},
		202);
	expect(w, (struct fake_request){.method = "GET", .target = "/healthz"}, 200);
	expect(w, (struct fake_request){.method = "GET", .target = "/readyz"}, 200);
	expect(w, (struct fake_request){.method = "POST", .target = "/callback/" JOB_1 "/" TOKEN},
		202);
	assert_string_equal(fake.calls, "admit /hook;webhook /hook;report " JOB_1 ";");
}

/* Such a request is over before its body is read. */
static void handshake_at_a_webhook_is_answered_from_its_head(void **state)
{
	struct fake_request r = {.method = "OPTIONS", .target = "/hook"};

	fake_send(*state, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.text, "hello");
	assert_string_equal(r.allow, "POST, OPTIONS");
	assert_string_equal(fake.calls, "admit /hook;");
	fake_request_fini(&r);
	/* Our own paths know no OPTIONS. */
	expect(*state, (struct fake_request){.method = "OPTIONS", .target = "/healthz"}, 405);
}

static void proxy_methods_are_refused_before_anything_else(void **state)
{
	expect(*state, (struct fake_request){.method = "TRACE", .target = "/"}, 405);
	expect(*state, (struct fake_request){.method = "CONNECT", .target = "/api/jobs"}, 405);
	assert_string_equal(fake.calls, "");
}

static void late_answer_of_the_engine_reaches_its_request(void **state)
{
	struct fake_request r = {.method = "POST", .target = "/hook"};

	fake.answers_later = true;
	fake_send(*state, &r);
	assert_int_equal(r.status, 0);
	fake.waiting(fake.waiting_ctx, &fake.answer);
	assert_int_equal(r.status, 202);
	fake_request_fini(&r);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(foreign_host_is_403_before_the_token_is_looked_at),
		ROW(foreign_origin_is_403_before_the_token_is_looked_at),
		ROW(own_origin_is_let_in),
		ROW(missing_and_wrong_tokens_are_401),
		ROW(no_configured_token_means_no_api_on_tcp),
		ROW(unix_socket_needs_neither_host_nor_token),
		ROW(names_of_ours_in_any_spelling_are_good_hosts),
		ROW(authority_of_an_absolute_target_counts_instead_of_host),
		ROW(strangers_cannot_tell_what_exists_below_api),
		ROW(webhooks_callbacks_and_health_take_any_host),
		ROW(handshake_at_a_webhook_is_answered_from_its_head),
		ROW(proxy_methods_are_refused_before_anything_else),
		ROW(late_answer_of_the_engine_reaches_its_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
