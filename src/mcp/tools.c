/* SPDX-License-Identifier: MIT */
/*
 * mcp/tools.c - the table of tools. Their JSON Schemas and the check of what they are called with
 * both follow from it: a new tool is a row here and its function.
 *
 * Arguments that do not fit are told as a failure of the tool, not of the protocol: the text then
 * reaches the model, which can mend its call. So do the newer revisions of the protocol want it.
 */
#include "mcp/mcp_internal.h"

enum arg_type {
	ARG_TEXT,
	ARG_WORD,   /* one of `words` */
	ARG_TEXTS,  /* an array of texts */
	ARG_NUMBER, /* a whole one, from `min` to `max` */
	ARG_OBJECT,
};

struct arg {
	const char *name, *about;
	const char *const *words; /* NULL-ended */
	enum arg_type type;
	int min, max;
	bool is_required;
};

struct tool {
	const char *name, *title, *about;
	const struct arg *args; /* ends with a row without a name */
	tool_fn *run;
	bool is_read_only;
};

#define TAIL_MAX    2000
#define LIMIT_MAX   100
#define TIMEOUT_MAX 604800 /* seconds: a week */

#define TEXT(n, a)                                                                                 \
	{                                                                                          \
		.name = (n), .about = (a), .type = ARG_TEXT                                        \
	}
#define TEXTS(n, a)                                                                                \
	{                                                                                          \
		.name = (n), .about = (a), .type = ARG_TEXTS                                       \
	}
#define OBJECT(n, a)                                                                               \
	{                                                                                          \
		.name = (n), .about = (a), .type = ARG_OBJECT                                      \
	}
#define WORD(n, w, a)                                                                              \
	{                                                                                          \
		.name = (n), .about = (a), .type = ARG_WORD, .words = (w)                          \
	}
#define NUMBER(n, lo, hi, a)                                                                       \
	{                                                                                          \
		.name = (n), .about = (a), .type = ARG_NUMBER, .min = (lo), .max = (hi)            \
	}
#define ACTION(w, a)                                                                               \
	{                                                                                          \
		.name = "action", .about = (a), .type = ARG_WORD, .words = (w),                    \
		.is_required = true                                                                \
	}
#define NEEDED(n, a)                                                                               \
	{                                                                                          \
		.name = (n), .about = (a), .type = ARG_TEXT, .is_required = true                   \
	}

#define ABOUT_CWD  "start: absolute path to work in; default: the folder of this session"
#define ABOUT_ID   "get, logs, cancel, rerun: the id that start or list told, or its beginning"
#define ABOUT_TAIL "logs: how many of the last lines (default 50)"
#define ABOUT_MANY "list: how many, newest first (default 20)"

static const char *const command_actions[] = {
	"start", "list", "get", "logs", "cancel", "rerun", NULL};
static const struct arg command_args[] = {
	ACTION(command_actions, "start returns at once with an id; get tells state and exit code"),
	TEXT("command", "start: a line for the shell"),
	TEXTS("argv", "start: instead of command, a program and its arguments"),
	TEXT("cwd", ABOUT_CWD),
	TEXT("name", "start: what people shall call it"),
	NUMBER("timeoutSeconds", 0, TIMEOUT_MAX, "start: stop it after so long (default 0: never)"),
	TEXT("id", ABOUT_ID),
	NUMBER("tail", 1, TAIL_MAX, ABOUT_TAIL),
	NUMBER("limit", 1, LIMIT_MAX, ABOUT_MANY),
	{0},
};

static const char *const subagent_actions[] = {
	"start", "list", "get", "logs", "cancel", "rerun", "follow_up", NULL};
static const struct arg subagent_args[] = {
	ACTION(subagent_actions,
		"start returns at once with an id; get tells state and result; follow_up goes on "
		"with the session of one that is over, as new work with an id of its own"),
	TEXT("prompt", "start, follow_up: what to do"),
	TEXT("model", "start: which model, as the agent command calls it"),
	TEXTS("allowedTools", "start: the tools it may use"),
	TEXT("cwd", ABOUT_CWD),
	TEXT("name", "start: what people shall call it"),
	TEXT("id", "follow_up and " ABOUT_ID),
	NUMBER("tail", 1, TAIL_MAX, ABOUT_TAIL),
	NUMBER("limit", 1, LIMIT_MAX, ABOUT_MANY),
	{0},
};

static const char *const job_states[] = {"awaiting_approval", "queued", "starting", "running",
	"completed", "failed", "timed_out", "cancelled", "lost", "dismissed", "expired", "rejected",
	NULL};
static const struct arg list_jobs_args[] = {
	TEXT("pylon", "Only jobs of this pylon"),
	WORD("state", job_states, "Only jobs in this state"),
	NUMBER("limit", 1, LIMIT_MAX, "How many, newest first (default 20)"),
	TEXT("before", "The next page: what the page before called next"),
	{0},
};

static const struct arg job_log_args[] = {
	NEEDED("id", "The job's id, or its beginning"),
	NUMBER("tail", 1, TAIL_MAX, "How many of the last lines (default 50)"),
	{0},
};

static const struct arg trigger_args[] = {
	NEEDED("name", "The pylon's name"),
	OBJECT("payload", "What its templates see as .body"),
	{0},
};

static const struct tool tools[] = {
	{"background_command", "Background command",
		"Run a command that outlives this session, under the Pylon daemon: builds, test "
		"suites, servers, anything slow. Its output, exit code and end are kept.",
		command_args, tool_background_command, false},
	{"subagent", "Subagent",
		"Give a task to another agent of this machine. It works in the background under "
		"the Pylon daemon and outlives this session; its result is kept.",
		subagent_args, tool_subagent, false},
	{"list_jobs", "List jobs",
		"Jobs of pylons (pipelines started by webhooks, schedules or trigger_pylon), newest "
		"first. Background commands and subagents are listed by their own tools.",
		list_jobs_args, tool_list_jobs, true},
	{"job_log", "Log of a job", "The end of what a pylon's job printed.", job_log_args,
		tool_job_log, true},
	{"trigger_pylon", "Trigger a pylon",
		"Start a pylon now, as a job of its own; list_jobs and job_log tell how it goes.",
		trigger_args, tool_trigger_pylon, false},
};

/* --- what a client is told --- */

static struct js *type_schema(const char *type)
{
	struct js *o = js_object();

	js_set_str(o, "type", type);
	return o;
}

static struct js *words_schema(const char *const *words)
{
	struct js *o = type_schema("string");
	struct js *list = js_array();

	for (; *words != NULL; words++)
		js_add_str(list, *words);
	js_set_take(o, "enum", list);
	return o;
}

static struct js *number_schema(const struct arg *a)
{
	struct js *o = type_schema("integer");

	js_set_int(o, "minimum", a->min);
	js_set_int(o, "maximum", a->max);
	return o;
}

static struct js *arg_schema(const struct arg *a)
{
	struct js *o = NULL;

	switch (a->type) {
	case ARG_TEXT:
		o = type_schema("string");
		break;
	case ARG_WORD:
		o = words_schema(a->words);
		break;
	case ARG_TEXTS:
		o = type_schema("array");
		js_set_take(o, "items", type_schema("string"));
		break;
	case ARG_NUMBER:
		o = number_schema(a);
		break;
	case ARG_OBJECT:
		o = type_schema("object");
		break;
	}
	js_set_str(o, "description", a->about);
	return o;
}

static struct js *input_schema(const struct tool *t)
{
	struct js *o = type_schema("object");
	struct js *properties = js_object(), *required = js_array();

	for (const struct arg *a = t->args; a->name != NULL; a++) {
		js_set_take(properties, a->name, arg_schema(a));
		if (a->is_required)
			js_add_str(required, a->name);
	}
	js_set_take(o, "properties", properties);
	js_set_take(o, "required", required);
	js_set_bool(o, "additionalProperties", false);
	return o;
}

struct js *tools_list(void)
{
	struct js *list = js_array();

	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		struct js *o = js_object(), *hints = js_object();

		js_set_str(o, "name", tools[i].name);
		js_set_str(o, "title", tools[i].title);
		js_set_str(o, "description", tools[i].about);
		js_set_take(o, "inputSchema", input_schema(&tools[i]));
		js_set_bool(hints, "readOnlyHint", tools[i].is_read_only);
		js_set_take(o, "annotations", hints);
		js_add_take(list, o);
	}
	return list;
}

/* --- what it calls with --- */

static bool are_texts(const struct js *value)
{
	for (size_t i = 0; i < js_len(value); i++)
		if (js_str(js_at(value, i)) == NULL)
			return false;
	return js_is_array(value);
}

static bool is_word(const char *const *words, const char *text)
{
	while (*words != NULL && !str_eq(*words, text))
		words++;
	return *words != NULL;
}

static void join_words(struct buf *out, const char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", words[i]);
}

static int want_word(const struct arg *a, const struct js *value, struct buf *out)
{
	CLEANUP(buf_fini) struct buf list = BUF_NULL;

	if (js_str(value) != NULL && is_word(a->words, js_str(value)))
		return 0;
	join_words(&list, a->words);
	return tool_fail(out, "%s must be one of %s.", a->name, buf_str(&list));
}

static int check_arg(const struct arg *a, const struct js *value, struct buf *out)
{
	int64_t n;

	switch (a->type) {
	case ARG_TEXT:
		if (js_str(value) == NULL)
			return tool_fail(out, "%s must be a text.", a->name);
		break;
	case ARG_WORD:
		return want_word(a, value, out);
	case ARG_TEXTS:
		if (!are_texts(value))
			return tool_fail(out, "%s must be an array of texts.", a->name);
		break;
	case ARG_NUMBER:
		if (!js_int(value, &n) || n < a->min || n > a->max)
			return tool_fail(out, "%s must be a whole number from %d to %d.", a->name,
				a->min, a->max);
		break;
	case ARG_OBJECT:
		if (!js_is_object(value))
			return tool_fail(out, "%s must be an object.", a->name);
		break;
	}
	return 0;
}

struct check {
	const struct tool *tool;
	struct buf *out;
	int rc;
};

static int no_such_arg(const struct tool *t, const char *key, struct buf *out)
{
	CLEANUP(buf_fini) struct buf list = BUF_NULL;

	for (const struct arg *a = t->args; a->name != NULL; a++)
		buf_printf(&list, "%s%s", a == t->args ? "" : ", ", a->name);
	return tool_fail(
		out, "%s has no argument \"%.64s\"; it takes %s.", t->name, key, buf_str(&list));
}

static void check_given(const char *key, const struct js *value, void *ctx)
{
	struct check *c = ctx;
	const struct arg *a = c->tool->args;

	if (c->rc != 0)
		return;
	while (a->name != NULL && !str_eq(a->name, key))
		a++;
	c->rc = a->name == NULL ? no_such_arg(c->tool, key, c->out) : check_arg(a, value, c->out);
}

static int check_args(const struct tool *t, const struct js *args, struct buf *out)
{
	struct check c = {.tool = t, .out = out};

	js_each(args, check_given, &c);
	for (const struct arg *a = t->args; c.rc == 0 && a->name != NULL; a++)
		if (a->is_required && js_get(args, a->name) == NULL)
			c.rc = tool_fail(out, "%s is missing.", a->name);
	return c.rc;
}

/* --- the call --- */

static const struct tool *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(tools); i++)
		if (str_eq(tools[i].name, name))
			return &tools[i];
	return NULL;
}

static struct js *result_new(const struct buf *text, bool is_error)
{
	struct js *o = js_object(), *content = js_array(), *part = type_schema("text");

	js_set_strn(part, "text", buf_str(text), text->n);
	js_add_take(content, part);
	js_set_take(o, "content", content);
	js_set_bool(o, "isError", is_error);
	return o;
}

int tools_call(const struct mcp *m, const char *name, const struct js *args, struct js **ret,
	struct err *e)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	const struct tool *t = find(name);
	int rc;

	if (t == NULL)
		return err_set(e, RPC_INVALID_PARAMS, "there is no tool \"%.64s\"", name);
	rc = check_args(t, args, &text);
	if (rc == 0)
		rc = t->run(m, args, &text, e);
	if (rc < 0)
		return rc;
	*ret = result_new(&text, rc == TOOL_E_FAILED);
	return 0;
}
