/* SPDX-License-Identifier: MIT */
/*
 * tests/api/test_routes.c - the table of paths: shapes, methods, and what falls through.
 */
#include "api/api-internal.h"
#include "api/fakes.h"

static bool is_below_the_api(const char *pattern)
{
	return str_has_prefix(pattern, "/api/") || str_has_prefix(pattern, "/trigger/") ||
	       str_eq(pattern, "/metrics") || str_eq(pattern, "/");
}

static void every_pattern_is_there_once_and_at_the_right_door(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_route_count; i++) {
		const struct route *r = &api_routes[i];

		assert_int_equal(r->door, is_below_the_api(r->pattern) ? DOOR_API : DOOR_OPEN);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(r->pattern, api_routes[k].pattern);
	}
}

static void only_rows_with_post_take_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_route_count; i++) {
		const struct route *r = &api_routes[i];

		assert_true(r->max_body == 0 || str_has_suffix(r->methods, "POST"));
	}
}

static void post(struct world *w, const char *target, int status)
{
	expect(w, (struct fake_request){.method = "POST", .target = target}, status);
}

static void callbacks_need_the_exact_shape(void **state)
{
	struct world *w = *state;

	post(w, "/callback/" JOB_1 "/" TOKEN, 202);
	post(w, "/hooks/" JOB_1 "/" TOKEN, 202);
	assert_string_equal(fake.calls, "report " JOB_1 ";tool " JOB_1 ";");
	post(w, "/callback/x", 404);
	post(w, "/callback/", 404);
	post(w, "/callback/" JOB_1, 404);
	post(w, "/callback/" JOB_1 "/", 404);
	post(w, "/callback/" JOB_1 "/" TOKEN "/", 404);
	post(w, "/callback/" JOB_1 "/" TOKEN "0", 404);
	post(w, "/callback/" JOB_1 "/0123456789ABCDEF0123456789ABCDEF", 404);
	post(w, "/callback//" JOB_1 "/" TOKEN, 404);
	post(w, "/callback/..%2f..%2fx", 404);
	post(w, "/callback%2f" JOB_1 "%2f" TOKEN, 404);
	post(w, "/callback/" JOB_1 "%2f" TOKEN, 404);
	post(w,
		"/callback/%31"
		"1111111-1111-4111-8111-111111111111/" TOKEN,
		404);
	post(w, "/hooks/" JOB_1 "/" TOKEN "?x=%2f", 202);
	assert_string_equal(fake.calls, "report " JOB_1 ";tool " JOB_1 ";tool " JOB_1 ";");
}

static void anything_but_post_below_callback_is_405(void **state)
{
	static const char *const targets[] = {
		"/callback/doctor-ping", "/callback/" JOB_1 "/" TOKEN, "/callback/", "/hooks/x"};
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};

	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		for (size_t k = 0; k < ARRAY_LEN(methods); k++) {
			struct fake_request r = {.method = methods[k], .target = targets[i]};

			fake_send(*state, &r);
			assert_int_equal(r.status, 405);
			assert_string_equal(r.allow, "POST");
			fake_request_fini(&r);
		}
}

static void wrong_methods_are_405_with_allow(void **state)
{
	struct fake_request r = {.method = "POST", .target = "/api/jobs", .is_local = true};

	fake_send(*state, &r);
	assert_int_equal(r.status, 405);
	assert_string_equal(r.allow, "GET, HEAD");
	fake_request_fini(&r);
	expect(*state,
		(struct fake_request){.method = "HEAD", .target = "/api/jobs", .is_local = true},
		200);
	expect(*state,
		(struct fake_request){.method = "HEAD", .target = "/api/events", .is_local = true},
		405);
	expect(*state,
		(struct fake_request){.method = "GET", .target = "/trigger/demo", .is_local = true},
		405);
}

static void paths_of_nobody_go_to_the_engine_and_are_404(void **state)
{
	expect(*state, (struct fake_request){.method = "GET", .target = "/nothing"}, 404);
	expect(*state, (struct fake_request){.method = "GET", .target = "//api/jobs"}, 404);
	expect(*state, (struct fake_request){.method = "GET", .target = "/healthz/"}, 404);
	assert_string_equal(fake.calls, "admit /nothing;admit //api/jobs;admit /healthz/;");
}

static void names_and_ids_are_judged_by_their_shape(void **state)
{
	struct world *w = *state;
	struct fake_request r;

	r = fake_post(w, "/api/pylons/Bad%20Name/trigger", "");
	assert_int_equal(r.status, 404);
	fake_request_fini(&r);
	r = fake_post(w, "/trigger/demo", "{\"a\":1}");
	assert_int_equal(r.status, 202);
	assert_string_equal(fake.calls, "trigger demo;manual {\"a\":1};");
	fake_request_fini(&r);
	r = fake_get(w, "/api/jobs/111");
	assert_int_equal(r.status, 404);
	fake_request_fini(&r);
}

static void forms_of_web_pages_cannot_trigger(void **state)
{
	expect(*state,
		(struct fake_request){.method = "POST",
			.target = "/api/pylons/demo/trigger",
			.body = "a=1",
			.headers = {"Content-Type: text/plain"},
			.is_local = true},
		415);
	expect(*state,
		(struct fake_request){.method = "POST",
			.target = "/api/pylons/demo/trigger",
			.body = "{}",
			.headers = {"Content-Type: application/json; charset=utf-8"},
			.is_local = true},
		202);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pattern_is_there_once_and_at_the_right_door),
		cmocka_unit_test(only_rows_with_post_take_bodies),
		ROW(callbacks_need_the_exact_shape),
		ROW(anything_but_post_below_callback_is_405),
		ROW(wrong_methods_are_405_with_allow),
		ROW(paths_of_nobody_go_to_the_engine_and_are_404),
		ROW(names_and_ids_are_judged_by_their_shape),
		ROW(forms_of_web_pages_cannot_trigger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
