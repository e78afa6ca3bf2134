/* SPDX-License-Identifier: MIT */
/*
 * tests/mcp/test_tools.c - the tools, with a daemon that says what a test wants.
 */
#include "client/peer.h"
#include "mcp/mcp_internal.h"

#define ID        "11111111-1111-4111-8111-111111111111"
#define SAYS(b)   "HTTP/1.0 200 OK\r\n\r\n" b
#define REFUSES   "HTTP/1.0 404 Not Found\r\n\r\n{\"title\":\"T\",\"detail\":\"there is no job\"}"
#define STARTED   SAYS("{\"accepted\":true,\"runId\":\"" ID "\",\"job_id\":\"x\",\"logPath\":\"/l\"}")
#define FAILED(t) "{\"content\":[{\"type\":\"text\",\"text\":\"" t
#define FINE(t)   FAILED(t) "\"}],\"isError\":false}"

/* What a tool answers, as JSON; *ret_code is the error's where it is one of the protocol. */
static char *call_with(const char *socket, const char *name, const char *args, int *ret_code)
{
	const struct mcp m = {.socket = socket};
	CLEANUP(js_freep) struct js *given = js_parse(args, strlen(args), NULL);
	CLEANUP(js_freep) struct js *result = NULL;
	struct buf out = BUF_NULL;
	struct err e = CLEAN_ERR;

	assert_non_null(given);
	*ret_code = tools_call(&m, name, given, &result, &e);
	if (*ret_code == 0)
		js_write(&out, result);
	else
		buf_add_str(&out, e.text);
	return buf_steal(&out);
}

static void expect(const struct peer *p, const char *name, const char *args, const char *want)
{
	int code;
	CLEANUP(freep) char *got = call_with(p->path, name, args, &code);

	assert_int_equal(code, 0);
	assert_string_equal(got, want);
}

/* A failure of the tool whose text begins so. */
static void expect_failure(
	const struct peer *p, const char *name, const char *args, const char *text)
{
	int code;
	CLEANUP(freep) char *got = call_with(p->path, name, args, &code);
	CLEANUP(freep) char *want = xasprintf(FAILED("%s"), text);

	assert_int_equal(code, 0);
	if (!str_has_prefix(got, want))
		fail_msg("%s does not begin with %s", got, want);
	assert_true(str_has_suffix(got, "\"}],\"isError\":true}"));
}

/* The n-th request began so and ended with this body (NULL: whatever). */
static void expect_asked(const struct peer *p, int n, const char *line, const char *body)
{
	CLEANUP(freep) char *asked = peer_request(p, n);
	CLEANUP(freep) char *begin = xasprintf("%s HTTP/1.1\r\n", line);
	CLEANUP(freep) char *end = xasprintf("\r\n\r\n%s", body == NULL ? "" : body);

	if (!str_has_prefix(asked, begin))
		fail_msg("%s does not begin with %s", asked, begin);
	if (body != NULL && !str_has_suffix(asked, end))
		fail_msg("%s does not end with %s", asked, end);
}

/* --- the table --- */

static void every_tool_is_listed_with_its_schema(void **state)
{
	static const char *const names[] = {
		"background_command", "subagent", "list_jobs", "job_log", "trigger_pylon"};
	CLEANUP(js_freep) struct js *list = tools_list();

	(void)state;
	assert_int_equal(js_len(list), ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct js *tool = js_at(list, i);
		const struct js *schema = js_get(tool, "inputSchema");

		assert_string_equal(js_get_str(tool, "name"), names[i]);
		assert_non_null(js_get_str(tool, "title"));
		assert_non_null(js_get_str(tool, "description"));
		assert_string_equal(js_get_str(schema, "type"), "object");
		assert_true(js_is_object(js_get(schema, "properties")));
		assert_true(js_is_array(js_get(schema, "required")));
		assert_false(js_get_bool(schema, "additionalProperties", true));
	}
}

static void the_schema_of_a_tool_is_that_of_its_table(void **state)
{
	CLEANUP(js_freep) struct js *list = tools_list();
	CLEANUP(buf_fini) struct buf text = BUF_NULL;

	(void)state;
	js_write(&text, js_get(js_at(list, 3), "inputSchema"));
	assert_string_equal(buf_str(&text),
		"{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\",\"description\":"
		"\"The job's id, or its beginning\"},\"tail\":{\"type\":\"integer\",\"minimum\":1,"
		"\"maximum\":2000,\"description\":\"How many of the last lines (default 50)\"}},"
		"\"required\":[\"id\"],\"additionalProperties\":false}");
	buf_clear(&text);
	js_write(&text, js_get(js_at(list, 0), "inputSchema"));
	assert_non_null(
		strstr(text.p, "\"action\":{\"type\":\"string\",\"enum\":[\"start\",\"list\","
			       "\"get\",\"logs\",\"cancel\",\"rerun\"],"));
	assert_non_null(
		strstr(text.p, "\"argv\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"));
}

static void arguments_that_do_not_fit_say_what_would(void **state)
{
	const struct peer *p = *state;

	expect_failure(p, "background_command", "{}", "action is missing.");
	expect_failure(p, "background_command", "{\"action\":\"stop\"}",
		"action must be one of start, list, get, logs, cancel, rerun.");
	expect_failure(p, "background_command", "{\"action\":1}", "action must be one of start,");
	expect_failure(p, "background_command", "{\"action\":\"follow_up\",\"id\":\"1111\"}",
		"action must be one of");
	expect_failure(p, "background_command", "{\"action\":\"start\",\"timeout\":5}",
		"background_command has no argument \\\"timeout\\\"; it takes action, command,");
	expect_failure(p, "background_command", "{\"action\":\"start\",\"command\":[\"a\"]}",
		"command must be a text.");
	expect_failure(p, "background_command", "{\"action\":\"start\",\"argv\":\"a\"}",
		"argv must be an array of texts.");
	expect_failure(p, "background_command", "{\"action\":\"start\",\"argv\":[\"a\",1]}",
		"argv must be an array of texts.");
	expect_failure(p, "list_jobs", "{\"state\":\"done\"}", "state must be one of awaiting_");
	expect_failure(p, "job_log", "{\"tail\":1}", "id is missing.");
	expect_failure(p, "trigger_pylon", "{\"name\":\"x\",\"payload\":\"{}\"}",
		"payload must be an object.");
}

static void numbers_have_limits(void **state)
{
	static const char down[] = "The Pylon daemon is not running";
	const struct peer *p = *state;

	expect_failure(p, "job_log", "{\"id\":\"1111\",\"tail\":0}", "tail must be a whole number");
	expect_failure(p, "job_log", "{\"id\":\"1111\",\"tail\":1}", down);
	expect_failure(p, "job_log", "{\"id\":\"1111\",\"tail\":2e3}", down);
	expect_failure(p, "job_log", "{\"id\":\"1111\",\"tail\":2001}",
		"tail must be a whole number from 1 to 2000.");
	expect_failure(p, "job_log", "{\"id\":\"1111\",\"tail\":1.5}", "tail must be");
	expect_failure(p, "list_jobs", "{\"limit\":100}", down);
	expect_failure(p, "list_jobs", "{\"limit\":101}", "limit must be");
	expect_failure(p, "background_command",
		"{\"action\":\"start\",\"command\":\"x\",\"timeoutSeconds\":604800}", down);
	expect_failure(p, "background_command",
		"{\"action\":\"start\",\"command\":\"x\",\"timeoutSeconds\":604801}",
		"timeoutSeconds must be");
}

static void ids_are_whole_or_begin_at_four_characters(void **state)
{
	const struct peer *p = *state;

	expect_failure(p, "job_log", "{\"id\":\"111\"}", "id must be an id, or at least");
	expect_failure(p, "job_log", "{\"id\":\"1111\"}", "The Pylon daemon is not running");
	expect_failure(p, "job_log", "{\"id\":\"" ID "\"}", "The Pylon daemon is not running");
	expect_failure(p, "job_log", "{\"id\":\"" ID "1\"}", "id must be");
	expect_failure(p, "job_log", "{\"id\":\"1111/../x\"}", "id must be");
	expect_failure(p, "job_log", "{\"id\":\"\"}", "id is missing.");
	expect_failure(p, "subagent", "{\"action\":\"get\"}", "id is missing.");
}

/* --- background commands --- */

static void a_command_is_started_in_the_folder_of_the_session(void **state)
{
	static const char *const replies[] = {STARTED, STARTED, STARTED, NULL};
	struct peer *p = *state;
	CLEANUP(freep) char *here = getcwd(NULL, 0);
	CLEANUP(freep)
	char *plain = xasprintf("{\"shellCommand\":\"make \\\"x\\\"\",\"cwd\":\"%s\"}", here);
	CLEANUP(freep)
	char *below = xasprintf("{\"argv\":[\"make\",\"test\"],\"timeoutSeconds\":0,"
				"\"cwd\":\"%s/sub\",\"taskSlug\":\"tests\"}",
		here);

	peer_start_unix(p, replies);
	expect(p, "background_command", "{\"action\":\"start\",\"command\":\"make \\\"x\\\"\"}",
		FINE("{\\\"id\\\":\\\"" ID "\\\",\\\"logPath\\\":\\\"/l\\\"}"));
	expect_asked(p, 0, "POST /api/executions", plain);
	expect(p, "background_command",
		"{\"action\":\"start\",\"argv\":[\"make\",\"test\"],\"cwd\":\"sub\","
		"\"name\":\"tests\",\"timeoutSeconds\":0,\"command\":\"\"}",
		FINE("{\\\"id\\\":\\\"" ID "\\\",\\\"logPath\\\":\\\"/l\\\"}"));
	expect_asked(p, 1, "POST /api/executions", below);
	expect(p, "background_command",
		"{\"action\":\"start\",\"command\":\"x\",\"cwd\":\"/tmp/y\"}",
		FINE("{\\\"id\\\":\\\"" ID "\\\",\\\"logPath\\\":\\\"/l\\\"}"));
	expect_asked(p, 2, "POST /api/executions", "{\"shellCommand\":\"x\",\"cwd\":\"/tmp/y\"}");
}

static void a_command_is_a_line_or_a_list(void **state)
{
	const struct peer *p = *state;

	expect_failure(p, "background_command", "{\"action\":\"start\"}", "command is missing");
	expect_failure(p, "background_command", "{\"action\":\"start\",\"command\":\"\"}",
		"command is missing");
	expect_failure(p, "background_command", "{\"action\":\"start\",\"argv\":[]}",
		"command is missing");
	expect_failure(p, "background_command",
		"{\"action\":\"start\",\"command\":\"x\",\"argv\":[\"x\"]}",
		"Give either command or argv");
}

static void a_list_has_one_kind_and_is_short(void **state)
{
	CLEANUP(freep) char *text = xcalloc(1, 202);
	CLEANUP(freep) char *reply = NULL, *want = NULL;
	const char *replies[4] = {0};
	struct peer *p = *state;

	(void)memset(text, 'x', 201);
	reply = xasprintf(
		SAYS("{\"items\":["
		     "{\"id\":\"a\",\"kind\":\"background-command\",\"status\":\"failed\","
		     "\"exitCode\":2,\"error\":null,\"command\":\"%s\",\"usage\":{}},"
		     "{\"id\":\"b\",\"kind\":\"subagent\",\"prompt\":\"p\"},"
		     "{\"id\":\"c\",\"kind\":\"background-command\"}],\"next\":null}"),
		text);
	text[200] = '\0';
	want = xasprintf(FINE("{\\\"items\\\":[{\\\"id\\\":\\\"a\\\",\\\"status\\\":"
			      "\\\"failed\\\",\\\"command\\\":\\\"%s... [1 more bytes]\\\","
			      "\\\"exitCode\\\":2},{\\\"id\\\":\\\"c\\\"}]}"),
		text);
	replies[0] = replies[1] = replies[2] = reply;
	peer_start_unix(p, replies);
	expect(p, "background_command", "{\"action\":\"list\"}", want);
	expect_asked(p, 0, "GET /api/executions?limit=500", "");
	expect(p, "subagent", "{\"action\":\"list\"}",
		FINE("{\\\"items\\\":[{\\\"id\\\":\\\"b\\\",\\\"prompt\\\":\\\"p\\\"}]}"));
	free(want);
	want = xasprintf(FINE("{\\\"items\\\":[{\\\"id\\\":\\\"a\\\",\\\"status\\\":"
			      "\\\"failed\\\",\\\"command\\\":\\\"%s... [1 more bytes]\\\","
			      "\\\"exitCode\\\":2}]}"),
		text);
	expect(p, "background_command", "{\"action\":\"list\",\"limit\":1}", want);
}

static void one_is_told_without_what_is_not_known(void **state)
{
	static const char *const replies[] = {
		SAYS("{\"id\":\"" ID "\",\"runId\":\"r\",\"status\":\"completed\",\"exitCode\":0,"
		     "\"result\":null,\"total_cost_usd\":0.25,\"capabilities\":{}}"),
		REFUSES, NULL};
	struct peer *p = *state;

	peer_start_unix(p, replies);
	expect(p, "background_command", "{\"action\":\"get\",\"id\":\"1111\"}",
		FINE("{\\\"id\\\":\\\"" ID "\\\",\\\"status\\\":\\\"completed\\\","
		     "\\\"exitCode\\\":0,\\\"total_cost_usd\\\":0.25}"));
	expect_asked(p, 0, "GET /api/executions/1111", "");
	expect_failure(p, "subagent", "{\"action\":\"get\",\"id\":\"2222\"}", "there is no job\"");
}

static void work_is_cancelled_and_repeated(void **state)
{
	static const char *const replies[] = {SAYS("{\"cancelled\":true,\"runId\":\"r\"}"),
		SAYS("{\"cancelled\":false,\"reason\":\"run is already failed\"}"),
		SAYS("{\"accepted\":true,\"runId\":\"n\",\"sourceRunId\":\"r\"}"), NULL};
	struct peer *p = *state;

	peer_start_unix(p, replies);
	expect(p, "background_command", "{\"action\":\"cancel\",\"id\":\"1111\"}",
		FINE("{\\\"id\\\":\\\"r\\\",\\\"cancelled\\\":true}"));
	expect_asked(p, 0, "POST /api/executions/1111/cancel", "{\"by\":\"agent (mcp)\"}");
	expect_failure(p, "background_command", "{\"action\":\"cancel\",\"id\":\"1111\"}",
		"run is already failed");
	expect(p, "background_command", "{\"action\":\"rerun\",\"id\":\"1111\"}",
		FINE("{\\\"id\\\":\\\"n\\\",\\\"sourceRunId\\\":\\\"r\\\"}"));
	expect_asked(p, 2, "POST /api/executions/1111/rerun", "");
}

/* --- logs --- */

static void a_log_is_made_harmless(void **state)
{
	static const char *const replies[] = {
		SAYS("one\n\x1b[31mtwo\x1b[0m\xff\n"), SAYS(""), REFUSES, NULL};
	struct peer *p = *state;

	peer_start_unix(p, replies);
	expect(p, "background_command", "{\"action\":\"logs\",\"id\":\"1111\"}",
		FINE("one\\ntwo\xEF\xBF\xBD\\n"));
	expect_asked(p, 0, "GET /api/executions/1111/log?tail=50", "");
	expect(p, "job_log", "{\"id\":\"1111\",\"tail\":7}",
		FINE("(It has printed nothing so far.)"));
	expect_asked(p, 1, "GET /api/jobs/1111/log?tail=7", "");
	expect_failure(p, "job_log", "{\"id\":\"1111\"}", "there is no job");
}

static void expect_brief(const char *text, size_t max, const char *want)
{
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	brief_log(&out, slice_of(text), max);
	assert_string_equal(buf_str(&out), want);
}

static void of_a_long_log_whole_lines_of_the_end_are_told(void **state)
{
	(void)state;
	expect_brief("ab\ncd\n", 7, "ab\ncd\n");
	expect_brief("ab\ncd\n", 6, "ab\ncd\n");
	expect_brief("ab\ncd\n", 5, "[3 bytes before are left out]\ncd\n");
	expect_brief("abcdef", 4, "[2 bytes before are left out]\ncdef");
	expect_brief("abcde\n", 4, "[2 bytes before are left out]\ncde\n");
	expect_brief("a\xC3\xBC"
		     "b",
		2, "[3 bytes before are left out]\nb");
}

static void a_long_text_is_cut_between_characters(void **state)
{
	static const char *const keys[] = {"a", "b", NULL};
	static const char text[] = "{\"a\":\"xy\xC3\xBCz\",\"b\":null,\"c\":1}";
	CLEANUP(js_freep) struct js *from = js_parse(text, strlen(text), NULL);

	(void)state;
	for (size_t max = 2; max <= 5; max++) {
		CLEANUP(js_freep) struct js *to = js_object();

		brief_copy(to, from, keys, max);
		assert_string_equal(js_get_str(to, "a"), max < 4    ? "xy... [3 more bytes]"
							 : max == 4 ? "xy\xC3\xBC... [1 more bytes]"
								    : "xy\xC3\xBCz");
		assert_null(js_get(to, "b"));
		assert_null(js_get(to, "c"));
	}
}

/* --- subagents --- */

static void a_subagent_is_told_its_task(void **state)
{
	static const char *const replies[] = {STARTED, STARTED, NULL};
	struct peer *p = *state;

	peer_start_unix(p, replies);
	expect(p, "subagent",
		"{\"action\":\"start\",\"prompt\":\"look\",\"model\":\"opus\",\"allowedTools\":"
		"[\"Read\",\"Bash(ls:*)\"],\"cwd\":\"/w\",\"name\":\"n\"}",
		FINE("{\\\"id\\\":\\\"" ID "\\\",\\\"logPath\\\":\\\"/l\\\"}"));
	expect_asked(p, 0, "POST /api/executions",
		"{\"agent\":{\"prompt\":\"look\",\"model\":\"opus\",\"allowedTools\":"
		"[\"Read\",\"Bash(ls:*)\"]},\"cwd\":\"/w\",\"taskSlug\":\"n\"}");
	expect(p, "subagent",
		"{\"action\":\"start\",\"prompt\":\"look\",\"model\":\"\",\"cwd\":\"/w\"}",
		FINE("{\\\"id\\\":\\\"" ID "\\\",\\\"logPath\\\":\\\"/l\\\"}"));
	expect_asked(
		p, 1, "POST /api/executions", "{\"agent\":{\"prompt\":\"look\"},\"cwd\":\"/w\"}");
}

static void a_subagent_without_a_task_is_not_started(void **state)
{
	expect_failure(*state, "subagent", "{\"action\":\"start\"}", "prompt is missing");
	expect_failure(
		*state, "subagent", "{\"action\":\"start\",\"prompt\":\"\"}", "prompt is missing");
}

static void a_subagent_that_is_over_goes_on(void **state)
{
	static const char *const replies[] = {
		SAYS("{\"accepted\":true,\"runId\":\"n\",\"sourceRunId\":\"r\"}"),
		SAYS("{\"accepted\":false,\"runId\":\"n\"}"), NULL};
	struct peer *p = *state;

	peer_start_unix(p, replies);
	expect(p, "subagent", "{\"action\":\"follow_up\",\"id\":\"1111\",\"prompt\":\"more\"}",
		FINE("{\\\"id\\\":\\\"n\\\",\\\"sourceRunId\\\":\\\"r\\\"}"));
	expect_asked(p, 0, "POST /api/executions/1111/follow-up", "{\"prompt\":\"more\"}");
	expect_failure(p, "subagent", "{\"action\":\"follow_up\",\"id\":\"1111\"}",
		"The daemon did not do it.");
	expect_asked(p, 1, "POST /api/executions/1111/follow-up", "{}");
}

/* --- pylons --- */

static void jobs_are_listed_by_page(void **state)
{
	static const char *const replies[] = {
		SAYS("{\"items\":[{\"id\":\"a\",\"pylon\":\"p\",\"state\":\"queued\",\"waiting\":"
		     "\"for a slot\",\"exit_code\":null,\"usage\":{}}],\"next\":\"17\"}"),
		SAYS("{\"items\":[],\"next\":null}"), NULL};
	struct peer *p = *state;

	peer_start_unix(p, replies);
	expect(p, "list_jobs", "{}",
		FINE("{\\\"items\\\":[{\\\"id\\\":\\\"a\\\",\\\"pylon\\\":\\\"p\\\",\\\"state\\\":"
		     "\\\"queued\\\",\\\"waiting\\\":\\\"for a slot\\\"}],\\\"next\\\":\\\"17\\\"}"));
	expect_asked(p, 0, "GET /api/jobs?limit=20", "");
	expect(p, "list_jobs",
		"{\"pylon\":\"p\",\"state\":\"timed_out\",\"limit\":3,\"before\":\"17\"}",
		FINE("{\\\"items\\\":[]}"));
	expect_asked(p, 1, "GET /api/jobs?limit=3&pylon=p&state=timed_out&before=17", "");
	expect_failure(p, "list_jobs", "{\"pylon\":\"a&b\"}", "There is no pylon of that name.");
	expect_failure(p, "list_jobs", "{\"before\":\"1&x\"}", "before must be what");
}

static void a_pylon_is_triggered_with_its_payload(void **state)
{
	static const char *const replies[] = {SAYS("{\"job_id\":\"j\",\"status\":\"accepted\"}"),
		SAYS("{\"status\":\"ignored\",\"reason\":\"filtered\"}"), NULL};
	struct peer *p = *state;

	peer_start_unix(p, replies);
	expect(p, "trigger_pylon", "{\"name\":\"p\",\"payload\":{\"n\":[1,0.1]}}",
		FINE("{\\\"job_id\\\":\\\"j\\\",\\\"status\\\":\\\"accepted\\\"}"));
	expect_asked(p, 0, "POST /api/pylons/p/trigger", "{\"n\":[1,0.1]}");
	expect(p, "trigger_pylon", "{\"name\":\"p\"}",
		FINE("{\\\"status\\\":\\\"ignored\\\",\\\"reason\\\":\\\"filtered\\\"}"));
	expect_asked(p, 1, "POST /api/pylons/p/trigger", "{}");
	expect_failure(p, "trigger_pylon", "{\"name\":\"../x\"}", "There is no pylon");
}

/* --- trouble --- */

static void without_a_daemon_it_is_said_how_to_start_it(void **state)
{
	struct peer *p = *state;
	CLEANUP(freep)
	char *want = xasprintf(
		"The Pylon daemon is not running (tried %s). Start it with `pylon start`", p->path);

	expect_failure(p, "list_jobs", "{}", want);
	peer_listen(p);
	closep(&p->fd); /* the socket of one that has died */
	expect_failure(p, "list_jobs", "{}", want);
}

static void other_trouble_with_the_daemon_is_told(void **state)
{
	static const char *const replies[] = {"HTTP/1.0 503 X\r\n\r\n",
		"HTTP/1.0 503 X\r\n\r\n{\"title\":\"Full\"}", "HTP\r\n\r\n", NULL};
	CLEANUP(freep) char *far = xcalloc(1, 200);
	struct peer *p = *state;
	struct peer q = {.path = far};

	peer_start_unix(p, replies);
	expect_failure(p, "list_jobs", "{}", "The Pylon daemon answered 503.");
	expect_failure(p, "list_jobs", "{}", "Full");
	expect_failure(p, "list_jobs", "{}", "The Pylon daemon cannot be reached: GET /api/jobs");
	(void)memset(far, 'x', 199);
	expect_failure(
		&q, "list_jobs", "{}", "The Pylon daemon cannot be reached: socket path xxx");
}

static void an_answer_that_no_daemon_gives_is_an_internal_error(void **state)
{
	static const char *const replies[] = {SAYS("hello"), SAYS("[]"), SAYS("{}"), NULL};
	struct peer *p = *state;
	int code;

	peer_start_unix(p, replies);
	for (size_t i = 0; i + 1 < ARRAY_LEN(replies); i++) {
		CLEANUP(freep)
		char *text = call_with(p->path, "background_command",
			"{\"action\":\"start\",\"command\":\"x\"}", &code);

		assert_int_equal(code, RPC_INTERNAL);
		assert_true(str_has_prefix(text, "the daemon"));
	}
}

#define PEER_TEST(fn) cmocka_unit_test_setup_teardown(fn, peer_setup, peer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tool_is_listed_with_its_schema),
		cmocka_unit_test(the_schema_of_a_tool_is_that_of_its_table),
		PEER_TEST(arguments_that_do_not_fit_say_what_would),
		PEER_TEST(numbers_have_limits),
		PEER_TEST(ids_are_whole_or_begin_at_four_characters),
		PEER_TEST(a_command_is_started_in_the_folder_of_the_session),
		PEER_TEST(a_command_is_a_line_or_a_list),
		PEER_TEST(a_list_has_one_kind_and_is_short),
		PEER_TEST(one_is_told_without_what_is_not_known),
		PEER_TEST(work_is_cancelled_and_repeated),
		PEER_TEST(a_log_is_made_harmless),
		cmocka_unit_test(of_a_long_log_whole_lines_of_the_end_are_told),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
		PEER_TEST(a_subagent_is_told_its_task),
		PEER_TEST(a_subagent_without_a_task_is_not_started),
		PEER_TEST(a_subagent_that_is_over_goes_on),
		PEER_TEST(jobs_are_listed_by_page),
		PEER_TEST(a_pylon_is_triggered_with_its_payload),
		PEER_TEST(without_a_daemon_it_is_said_how_to_start_it),
		PEER_TEST(other_trouble_with_the_daemon_is_told),
		PEER_TEST(an_answer_that_no_daemon_gives_is_an_internal_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
