/* SPDX-License-Identifier: MIT */
/*
 * tests/mcp/test_rpc.c - messages and their answers; none of these needs a daemon.
 */
#include "lib/t.h"
#include "mcp/mcp_internal.h"

#define PING(id)   "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"
#define PONG(id)   "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}"
#define NOTICE     "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"
#define CALL(name) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":" name "}"
#define HELLO(v)                                                                                   \
	"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"                     \
	"\"protocolVersion\":\"" v "\",\"capabilities\":{},\"clientInfo\":{}}}"

static char *answer(struct mcp *m, const char *message)
{
	struct buf out = BUF_NULL;

	mcp_answer(m, slice_of(message), &out);
	return buf_steal(&out);
}

/* `want` NULL: nothing is answered. */
static void expect(struct mcp *m, const char *message, const char *want)
{
	CLEANUP(freep) char *got = answer(m, message);
	CLEANUP(freep) char *line = want == NULL ? xstrdup("") : xasprintf("%s\n", want);

	assert_string_equal(got, line);
}

/* An error with this code and, as JSON, this id. */
static void expect_error(struct mcp *m, const char *message, int code, const char *id)
{
	CLEANUP(freep) char *got = answer(m, message);
	CLEANUP(freep)
	char *want = xasprintf(
		"{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":%d,\"message\":\"", id, code);

	if (!str_has_prefix(got, want))
		fail_msg("%s: %s does not begin with %s", message, got, want);
	assert_int_equal(strlen(got), strcspn(got, "\n") + 1);
}

static void hello(struct mcp *m, const char *message)
{
	CLEANUP(freep) char *got = answer(m, message);

	assert_non_null(strstr(got, "\"result\""));
}

static void a_request_is_answered_with_its_own_id(void **state)
{
	struct mcp m = {0};

	(void)state;
	expect(&m, PING("1"), PONG("1"));
	expect(&m, PING("0"), PONG("0"));
	expect(&m, PING("-7"), PONG("-7"));
	expect(&m, PING("9223372036854775807"), PONG("9223372036854775807"));
	expect(&m, PING("\"a \\\"b\\\"\\n\""), PONG("\"a \\\"b\\\"\\n\""));
	expect(&m, PING("\"\""), PONG("\"\""));
	expect(&m, "  " PING("1") " \r", PONG("1"));
}

static void a_blank_line_is_no_message(void **state)
{
	struct mcp m = {0};

	(void)state;
	expect(&m, "", NULL);
	expect(&m, " \t\r", NULL);
}

static void what_is_no_json_has_no_id(void **state)
{
	struct mcp m = {0};

	(void)state;
	expect_error(&m, "{", RPC_PARSE_ERROR, "null");
	expect_error(&m, "hello", RPC_PARSE_ERROR, "null");
	expect_error(&m, PING("1") PING("2"), RPC_PARSE_ERROR, "null");
	expect_error(&m, "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2}", RPC_PARSE_ERROR, "null");
	expect_error(
		&m, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", RPC_PARSE_ERROR, "null");
	expect_error(&m, "\"\xff\n", RPC_PARSE_ERROR, "null");
}

static void a_character_that_cannot_be_held_is_told_to_who_sent_it(void **state)
{
	struct mcp m = {0};

	(void)state;
	expect_error(&m, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\",\"x\":\"\\u0000\"}",
		RPC_INVALID_PARAMS, "5");
	expect_error(&m, "{\"id\":\"a\",\"x\":\"\\u0000\"}", RPC_INVALID_PARAMS, "\"a\"");
	expect_error(&m, "{\"id\":\"\\u0000\"}", RPC_PARSE_ERROR, "null");
	expect_error(&m, "{\"id\":null,\"x\":\"\\u0000\"}", RPC_PARSE_ERROR, "null");
	expect_error(&m, "[\"\\u0000\"]", RPC_PARSE_ERROR, "null");
}

static void what_is_no_request_is_refused(void **state)
{
	struct mcp m = {0};

	(void)state;
	expect_error(&m, "1", RPC_INVALID_REQUEST, "null");
	expect_error(&m, "null", RPC_INVALID_REQUEST, "null");
	expect_error(&m, "{}", RPC_INVALID_REQUEST, "null");
	expect_error(&m, "{\"id\":1,\"method\":\"ping\"}", RPC_INVALID_REQUEST, "1");
	expect_error(
		&m, "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", RPC_INVALID_REQUEST, "1");
	expect_error(
		&m, "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"ping\"}", RPC_INVALID_REQUEST, "1");
	expect_error(&m, "{\"jsonrpc\":\"2.0\",\"id\":\"x\"}", RPC_INVALID_REQUEST, "\"x\"");
	expect_error(&m, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", RPC_INVALID_REQUEST, "1");
	expect_error(&m, PING("null"), RPC_INVALID_REQUEST, "null");
	expect_error(&m, PING("1.5"), RPC_INVALID_REQUEST, "null");
	expect_error(&m, PING("true"), RPC_INVALID_REQUEST, "null");
	expect_error(&m, PING("[1]"), RPC_INVALID_REQUEST, "null");
	expect_error(&m, PING("18446744073709551616"), RPC_INVALID_REQUEST, "null");
}

static void a_method_that_is_not_there_is_told(void **state)
{
	struct mcp m = {0};

	(void)state;
	expect_error(&m, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/list\"}",
		RPC_NO_METHOD, "1");
	expect_error(&m, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", RPC_NO_METHOD, "1");
	expect_error(&m, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"PING\"}", RPC_NO_METHOD, "1");
}

static void params_that_do_not_fit_are_told(void **state)
{
	struct mcp m = {0};

	(void)state;
	expect_error(&m, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":[]}",
		RPC_INVALID_PARAMS, "1");
	expect_error(&m, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}",
		RPC_INVALID_PARAMS, "1");
	expect_error(&m,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":"
		"{\"protocolVersion\":1}}",
		RPC_INVALID_PARAMS, "1");
	expect_error(&m,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":"
		"{\"cursor\":\"x\"}}",
		RPC_INVALID_PARAMS, "1");
	expect_error(&m, CALL("{}"), RPC_INVALID_PARAMS, "1");
	expect_error(&m, CALL("{\"name\":1}"), RPC_INVALID_PARAMS, "1");
	expect_error(&m, CALL("{\"name\":\"no_such_tool\"}"), RPC_INVALID_PARAMS, "1");
	expect_error(
		&m, CALL("{\"name\":\"list_jobs\",\"arguments\":[]}"), RPC_INVALID_PARAMS, "1");
	expect_error(
		&m, CALL("{\"name\":\"list_jobs\",\"arguments\":null}"), RPC_INVALID_PARAMS, "1");
}

static void notifications_and_answers_are_never_answered(void **state)
{
	struct mcp m = {0};

	(void)state;
	expect(&m, NOTICE, NULL);
	expect(&m,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
		"{\"requestId\":3,\"reason\":\"x\"}}",
		NULL);
	expect(&m, "{\"jsonrpc\":\"2.0\",\"method\":\"no/such\",\"params\":[1]}", NULL);
	expect(&m, "{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}", NULL);
	expect(&m, "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{}}", NULL);
	expect(&m, "{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":1,\"message\":\"\"}}", NULL);
}

static void the_clients_revision_is_taken_when_it_is_known(void **state)
{
	static const char *const rows[][2] = {
		{HELLO("2024-11-05"), "\"protocolVersion\":\"2024-11-05\""},
		{HELLO("2025-03-26"), "\"protocolVersion\":\"2025-03-26\""},
		{HELLO("2025-06-18"), "\"protocolVersion\":\"2025-06-18\""},
		{HELLO("2024-10-07"), "\"protocolVersion\":\"2025-06-18\""},
		{HELLO("2099-01-01"), "\"protocolVersion\":\"2025-06-18\""},
		{HELLO(""), "\"protocolVersion\":\"2025-06-18\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mcp m = {.version = "1.2.3"};
		CLEANUP(freep) char *got = answer(&m, rows[i][0]);

		assert_non_null(strstr(got, rows[i][1]));
		assert_non_null(strstr(got, "\"capabilities\":{\"tools\":{}}"));
		assert_non_null(strstr(got, "\"name\":\"pylon\""));
		assert_non_null(strstr(got, "\"version\":\"1.2.3\""));
		assert_non_null(strstr(got, "\"id\":0,"));
	}
}

static void a_batch_is_answered_by_an_array(void **state)
{
	struct mcp m = {0};

	(void)state;
	hello(&m, HELLO("2025-03-26"));
	expect(&m, "[" PING("1") "," NOTICE "," PING("\"b\"") "]",
		"[" PONG("1") "," PONG("\"b\"") "]");
	expect(&m, "[" PING("1") "]", "[" PONG("1") "]");
	expect(&m, "[" NOTICE "," NOTICE "]", NULL);
	expect(&m, "[1]",
		"[{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":"
		"\"a message is a JSON object\"}}]");
	expect(&m, "[[]," PING("1") "]",
		"[{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":"
		"\"a message is a JSON object\"}}," PONG("1") "]");
	expect_error(&m, "[]", RPC_INVALID_REQUEST, "null");
	expect_error(&m, "[" PING("1"), RPC_PARSE_ERROR, "null");
}

static void initialize_is_no_part_of_a_batch(void **state)
{
	struct mcp m = {0};
	CLEANUP(freep) char *got = answer(&m, "[" HELLO("2025-03-26") "]");

	(void)state;
	assert_non_null(strstr(got, "\"code\":-32600"));
	assert_null(m.protocol);
}

static void revisions_without_batches_refuse_them(void **state)
{
	struct mcp m = {0};

	(void)state;
	hello(&m, HELLO("2024-11-05"));
	expect(&m, "[" PING("1") "]", "[" PONG("1") "]");
	hello(&m, HELLO("2025-06-18"));
	expect_error(&m, "[" PING("1") "]", RPC_INVALID_REQUEST, "null");
	expect_error(&m, "[]", RPC_INVALID_REQUEST, "null");
	expect(&m, PING("1"), PONG("1"));
}

static void a_message_that_is_too_long_is_refused(void **state)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	(void)state;
	mcp_answer_too_long(&out);
	assert_string_equal(buf_str(&out),
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":"
		"\"a message has at most 4194304 bytes\"}}\n");
}

static void depth_costs_an_error_and_no_stack(void **state)
{
	CLEANUP(buf_fini) struct buf deep = BUF_NULL;
	struct mcp m = {0};

	(void)state;
	for (int i = 0; i < 1000000; i++)
		buf_add_char(&deep, '[');
	expect_error(&m, buf_str(&deep), RPC_PARSE_ERROR, "null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_answered_with_its_own_id),
		cmocka_unit_test(a_blank_line_is_no_message),
		cmocka_unit_test(what_is_no_json_has_no_id),
		cmocka_unit_test(a_character_that_cannot_be_held_is_told_to_who_sent_it),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(a_method_that_is_not_there_is_told),
		cmocka_unit_test(params_that_do_not_fit_are_told),
		cmocka_unit_test(notifications_and_answers_are_never_answered),
		cmocka_unit_test(the_clients_revision_is_taken_when_it_is_known),
		cmocka_unit_test(a_batch_is_answered_by_an_array),
		cmocka_unit_test(initialize_is_no_part_of_a_batch),
		cmocka_unit_test(revisions_without_batches_refuse_them),
		cmocka_unit_test(a_message_that_is_too_long_is_refused),
		cmocka_unit_test(depth_costs_an_error_and_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
