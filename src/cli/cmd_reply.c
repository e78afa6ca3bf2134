/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_reply.c - `pylon reply`: the next message in the conversation of a job.
 *
 * The text is checked here as far as the daemon would refuse it anyway: that saves a round and says
 * it in words of the command line.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/commands-internal.h"

int cli_read_text(struct cli *c, const char *word, struct buf *ret)
{
	int r;

	if (str_eq(word, "-")) {
		r = fd_read(STDIN_FILENO, PROMPT_MAX, ret);
		if (r == -EFBIG)
			return cli_fail(
				EXIT_FAILED, "the text is longer than %zu bytes", PROMPT_MAX);
		if (r < 0)
			return cli_fail(EXIT_FAILED, "standard input: %s", strerror(-r));
	} else {
		buf_add_str(ret, word);
	}
	if (memchr(buf_str(ret), '\0', ret->n) != NULL || !utf8_is_valid(buf_str(ret), ret->n))
		return cli_fail(EXIT_FAILED, "the text is not UTF-8");
	if (buf_str(ret)[strspn(buf_str(ret), " \t\r\n")] == '\0')
		return cli_usage(c, "the text is empty");
	return EXIT_OK;
}

static int send_reply(struct cli *c, const char *prefix, const char *text, struct js **ret)
{
	CLEANUP(freep) char *path = xasprintf("/api/jobs/%s/reply", prefix);
	CLEANUP(freep) char *by = cli_decider();
	CLEANUP(js_freep) struct js *o = js_object();
	CLEANUP(buf_fini) struct buf body = BUF_NULL;

	js_set_str(o, "text", text);
	js_set_str(o, "by", by);
	js_write(&body, o);
	return cli_call(c, "POST", path, buf_str(&body), ret);
}

static int reply(struct cli *c, const char *prefix, const char *text, bool wait)
{
	CLEANUP(js_freep) struct js *answer = NULL;
	int r = send_reply(c, prefix, text, &answer);
	const char *id = js_get_str(answer, "job_id");

	if (r != EXIT_OK)
		return r;
	if (id == NULL)
		return cli_fail(EXIT_FAILED, "the daemon's answer names no job");
	if (wait)
		return cli_wait_job(c, id);
	if (c->json)
		cli_print_json(answer);
	else
		cli_say(c, "job %.*s goes on; watch it: pylon logs -f %.*s", SHORT_ID, id, SHORT_ID,
			id);
	return EXIT_OK;
}

int cmd_reply(struct cli *c, int argc, char **argv)
{
	bool wait = false;
	const struct cli_option options[] = {{.name = "--wait", .flag = &wait}};
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	int r = cli_options(c, &argc, argv, options, ARRAY_LEN(options));

	if (r == EXIT_OK && argc > 3)
		return cli_usage(c, "too many words: put the text in quotes");
	if (r == EXIT_OK)
		r = cli_want_args(c, argc, 2, 2);
	if (r == EXIT_OK)
		r = cli_want_id(c, "job", argv[1]);
	if (r == EXIT_OK)
		r = cli_read_text(c, argv[2], &text);
	return r == EXIT_OK ? reply(c, argv[1], buf_str(&text), wait) : r;
}
