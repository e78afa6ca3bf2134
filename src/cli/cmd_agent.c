/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_agent.c - `pylon agent`: a subagent in the background, with a session of its own.
 */
#include "base/limits.h"
#include "cli/work-internal.h"

/* "Read,Bash(git log:*)": tools may have commas of their own within parentheses. */
static void add_tools(struct js *agent, const char *text)
{
	struct js *tools = js_array();
	CLEANUP(buf_fini) struct buf tool = BUF_NULL;
	int depth = 0;

	for (;; text++) {
		if (*text != '\0' && (*text != ',' || depth > 0)) {
			depth += (*text == '(') - (*text == ')');
			buf_add_char(&tool, *text);
			continue;
		}
		if (tool.n > 0)
			js_add_str(tools, buf_str(&tool));
		buf_clear(&tool);
		if (*text == '\0')
			break;
	}
	js_set_take(agent, "allowedTools", tools);
}

/* All words are the prompt; a single "-" is standard input. */
static int read_prompt(struct cli *c, int argc, char **argv, struct buf *ret)
{
	CLEANUP(buf_fini) struct buf words = BUF_NULL;

	for (int i = 1; i < argc; i++)
		buf_printf(&words, "%s%s", i == 1 ? "" : " ", argv[i]);
	return cli_read_text(c, buf_str(&words), ret);
}

static int start(struct cli *c, const struct work_options *w, struct js *agent)
{
	CLEANUP(js_freep) struct js *body = NULL;
	int r = work_read(c, w, &body);

	if (r != EXIT_OK) {
		js_free(agent);
		return r;
	}
	js_set_take(body, "agent", agent);
	return work_start(c, "", body, w->wait);
}

int cmd_agent(struct cli *c, int argc, char **argv)
{
	CLEANUP(work_options_fini) struct work_options w = {0};
	const char *model = NULL, *tools = NULL;
	const struct cli_option options[] = {
		{.name = "--model", .value = &model},
		{.name = "--tools", .value = &tools},
		WORK_OPTIONS(&w),
	};
	CLEANUP(buf_fini) struct buf prompt = BUF_NULL;
	struct js *agent;
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK && argc < 2)
		return cli_usage(c, "what is it to do?");
	if (r == EXIT_OK)
		r = read_prompt(c, argc, argv, &prompt);
	if (r != EXIT_OK)
		return r;
	agent = js_object();
	js_set_str(agent, "prompt", buf_str(&prompt));
	if (!str_is_empty(model))
		js_set_str(agent, "model", model);
	if (tools != NULL)
		add_tools(agent, tools);
	return start(c, &w, agent);
}
