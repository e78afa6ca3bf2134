/* SPDX-License-Identifier: MIT */
/*
 * cli/cmd_webhook.c - `webhook sign` and `webhook verify`: the signature doctor, without a daemon.
 *
 * verify prints `ok`, or one stable reason code and exits 1; a secret that cannot be is such a
 * reason too. What is wrong with the command itself (an unknown recipe, a header without a colon)
 * is a usage error instead, so that a script can tell a forgery from a typing mistake.
 *
 * Which step failed is told on stderr. A signature that does not fit most often means that the body
 * at hand is not the one that was sent, byte for byte; so the usual damages are undone one by one,
 * and when the signature fits then, a hint names the damage. The verdict stays what it is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/scan.h"
#include "cli/cli.h"
#include "signature/signature.h"

command_fn cmd_webhook; /* for the table of commands */

#define SECRET_FILE_MAX KIB(16)

struct options {
	struct cli *cli;
	const char *recipe;
	const char *signature_header;
	const char *body;
	int64_t now_us; /* -1 = the present */
	struct strv secrets;
	struct strv headers; /* "name: value" as given */
	bool is_stdin_taken;
};

static void options_fini(struct options *o)
{
	strv_fini(&o->secrets);
	strv_fini(&o->headers);
}

static int read_stdin(struct buf *out, size_t max, struct err *e)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "standard input");
		buf_add(out, chunk, (size_t)n);
		if (out->n > max)
			return err_set(e, -EFBIG, "standard input has more than %zu bytes", max);
	}
	return 0;
}

/* A file, or standard input for "-", which can be read only once. */
static int read_input(struct options *o, const char *path, size_t max, struct buf *out)
{
	struct err e = CLEAN_ERR;
	int r;

	if (!str_eq(path, "-")) {
		r = file_read(path, max, out, &e);
	} else if (o->is_stdin_taken) {
		return cli_usage(o->cli, "standard input can be read only once");
	} else {
		o->is_stdin_taken = true;
		r = read_stdin(out, max, &e);
	}
	return r == 0 ? EXIT_OK : cli_fail(EXIT_FAILED, "%s", e.text);
}

static int take_recipe(struct options *o, const char *value)
{
	o->recipe = value;
	return EXIT_OK;
}

static int take_signature_header(struct options *o, const char *value)
{
	o->signature_header = value;
	return EXIT_OK;
}

static int take_body(struct options *o, const char *value)
{
	o->body = value;
	return EXIT_OK;
}

static int take_secret(struct options *o, const char *value)
{
	strv_add(&o->secrets, value);
	return EXIT_OK;
}

/* The file's text without the line end that editors put there. */
static int take_secret_file(struct options *o, const char *value)
{
	CLEANUP(buf_fini) struct buf text = BUF_NULL;
	int status = read_input(o, value, SECRET_FILE_MAX, &text);

	if (status != EXIT_OK)
		return status;
	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
		return cli_fail(EXIT_FAILED, "%s: a secret is text", value);
	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	strv_take(&o->secrets, slice_dup(buf_slice(&text)));
	return EXIT_OK;
}

static int take_secret_env(struct options *o, const char *value)
{
	const char *secret = getenv(value); /* NOLINT(concurrency-mt-unsafe): one thread */

	if (secret == NULL)
		return cli_usage(o->cli, "the variable %s is not set", value);
	strv_add(&o->secrets, secret);
	return EXIT_OK;
}

static int take_header(struct options *o, const char *value)
{
	const char *colon = strchr(value, ':');

	if (colon == NULL || colon == value)
		return cli_usage(o->cli, "--header wants 'Name: value', not '%s'", value);
	strv_add(&o->headers, value);
	return EXIT_OK;
}

static int take_now(struct options *o, const char *value)
{
	uint64_t seconds;

	if (!slice_to_u64(slice_of(value), INT64_MAX / US_PER_SEC, &seconds))
		return cli_usage(o->cli, "--now wants Unix seconds, not '%s'", value);
	o->now_us = (int64_t)seconds * US_PER_SEC;
	return EXIT_OK;
}

static const struct {
	const char *name;
	int (*take)(struct options *o, const char *value);
} known_options[] = {
	{"--recipe", take_recipe},
	{"--secret", take_secret},
	{"--secret-file", take_secret_file},
	{"--secret-env", take_secret_env},
	{"--signature-header", take_signature_header},
	{"--header", take_header},
	{"--body", take_body},
	{"--now", take_now},
};

/* Reads argv[*at] as "--name value" or "--name=value"; moves *at to the last word it used. */
static int read_option(struct options *o, int argc, char **argv, int *at)
{
	const char *word = argv[*at], *equals = strchr(word, '=');
	size_t n = equals == NULL ? strlen(word) : (size_t)(equals - word);

	for (size_t i = 0; i < ARRAY_LEN(known_options); i++) {
		if (!slice_eq_str((struct slice){word, n}, known_options[i].name))
			continue;
		if (equals != NULL)
			return known_options[i].take(o, equals + 1);
		if (*at + 1 >= argc)
			return cli_usage(o->cli, "%s wants a value", word);
		return known_options[i].take(o, argv[++*at]);
	}
	return cli_usage(o->cli, "unknown option %s", word);
}

static int read_options(struct options *o, int argc, char **argv, const char **ret_verb)
{
	*ret_verb = NULL;
	for (int i = 1; i < argc; i++) {
		int status = EXIT_OK;

		if (argv[i][0] == '-')
			status = read_option(o, argc, argv, &i);
		else if (*ret_verb == NULL)
			*ret_verb = argv[i];
		else
			status = cli_usage(o->cli, "unexpected word '%s'", argv[i]);
		if (status != EXIT_OK)
			return status;
	}
	if (!str_eq(*ret_verb, "sign") && !str_eq(*ret_verb, "verify"))
		return cli_usage(o->cli, "say sign or verify");
	if (o->body == NULL)
		return cli_usage(o->cli, "--body is missing (a file, or - for standard input)");
	if (o->secrets.n == 0)
		return cli_usage(o->cli, "a secret is missing: --secret-file F, --secret-env VAR "
					 "or --secret S");
	return EXIT_OK;
}

/* "hex, github, ..." */
static void add_recipe_names(struct buf *out)
{
	for (int r = SIGNATURE_NONE + 1;; r++) {
		const char *name = signature_recipe_name((enum signature_recipe)r);

		if (str_eq(name, signature_recipe_name(SIGNATURE_NONE)))
			return;
		buf_printf(out, "%s%s", out->n > 0 ? ", " : "", name);
	}
}

static int choose_recipe(const struct options *o, enum signature_recipe *ret)
{
	CLEANUP(buf_fini) struct buf names = BUF_NULL;

	if (o->recipe == NULL && o->signature_header != NULL) {
		*ret = signature_recipe_from_header(o->signature_header);
		return EXIT_OK;
	}
	if (o->recipe != NULL && signature_recipe_from_name(slice_of(o->recipe), ret))
		return EXIT_OK;
	add_recipe_names(&names);
	if (o->recipe == NULL)
		return cli_usage(o->cli, "--recipe is missing; known: %s", buf_str(&names));
	return cli_usage(o->cli, "unknown recipe '%s'; known: %s", o->recipe, buf_str(&names));
}

/* Only the one blank that belongs to "Name: value" goes; any other was meant. */
static struct slice value_of(const char *colon)
{
	return slice_of(colon + (colon[1] == ' ' ? 2 : 1));
}

/* One of the headers given, as signature_verify() asks for them. */
static size_t find_header(void *ctx, const char *name, struct slice *ret)
{
	const struct strv *headers = ctx;
	size_t count = 0;

	for (size_t i = 0; i < headers->n; i++) {
		const char *line = headers->v[i], *colon = strchr(line, ':');
		struct slice given = {line, (size_t)(colon - line)};

		if (slice_eq_nocase(slice_trim(given), name) && count++ == 0)
			*ret = value_of(colon);
	}
	return count;
}

static int64_t now_real_us(const struct options *o)
{
	struct timespec t;

	if (o->now_us >= 0)
		return o->now_us;
	must(clock_gettime(CLOCK_REALTIME, &t) == 0);
	return (int64_t)t.tv_sec * US_PER_SEC + t.tv_nsec / 1000;
}

static int print_verdict(const struct cli *c, int verdict)
{
	CLEANUP(js_freep) struct js *j = NULL;
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	if (c->json) {
		j = js_object();
		js_set_bool(j, "ok", verdict == 0);
		js_set_str(j, "reason", verdict == 0 ? NULL : signature_reason(verdict));
		js_write(&out, j);
	} else {
		buf_add_str(&out, signature_reason(verdict));
	}
	(void)puts(buf_str(&out));
	return verdict == 0 ? EXIT_OK : EXIT_FAILED;
}

/* --- what may have happened to the body --- */

static bool without_line_end(struct slice body, struct buf *out)
{
	if (body.n == 0 || body.p[body.n - 1] != '\n')
		return false;
	body.n--;
	if (body.n > 0 && body.p[body.n - 1] == '\r')
		body.n--;
	buf_add_slice(out, body);
	return true;
}

static bool with_line_end(struct slice body, struct buf *out)
{
	buf_add_slice(out, body);
	buf_add_char(out, '\n');
	return true;
}

static bool compact(struct slice body, struct buf *out)
{
	CLEANUP(scan_fini) struct scan scan = SCAN_NULL_INDEX;

	if (scan_parse(&scan, body.p, body.n, NULL) != 0)
		return false;
	scan_print(out, &scan, scan.nodes);
	return true;
}

static const struct {
	bool (*undo)(struct slice body, struct buf *out);
	const char *hint;
} damages[] = {
	{without_line_end, "without the line end after it the body would be genuine: an editor or "
			   "`echo` may have put it there"},
	{with_line_end, "with a line end after it the body would be genuine: `$(...)` may have "
			"taken it away"},
	{compact, "as JSON without blanks the body would be genuine: something has formatted it "
		  "anew; what is signed are the bytes that were sent"},
};

static const char *find_damage(struct options *o, const struct signature *s, struct slice body)
{
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		CLEANUP(buf_fini) struct buf other = BUF_NULL;
		int verdict;

		if (!damages[i].undo(body, &other))
			continue;
		verdict = signature_verify(
			s, find_header, &o->headers, buf_slice(&other), now_real_us(o));
		/* Stale is judged after the signature where the time is in the body. */
		if (verdict == 0 || verdict == SIGNATURE_E_STALE_TIMESTAMP)
			return damages[i].hint;
	}
	return NULL;
}

static int verify(struct options *o, const struct signature *s, struct slice body)
{
	struct err why = CLEAN_ERR;
	const char *hint = NULL;
	int verdict = signature_check(s, find_header, &o->headers, body, now_real_us(o), &why);

	if (verdict == SIGNATURE_E_BAD_SIGNATURE)
		hint = find_damage(o, s, body);
	if (verdict != 0 && !o->cli->quiet)
		(void)cli_fail(EXIT_FAILED, "%s", why.text);
	if (hint != NULL && !o->cli->quiet)
		(void)cli_fail(EXIT_FAILED, "%s", hint);
	return print_verdict(o->cli, verdict);
}

static void print_headers(const struct cli *c, const struct strv *made)
{
	CLEANUP(js_freep) struct js *j = js_object();
	CLEANUP(buf_fini) struct buf out = BUF_NULL;

	for (size_t i = 0; i < made->n; i++) {
		char *colon = strchr(made->v[i], ':');

		if (!c->json) {
			(void)puts(made->v[i]);
			continue;
		}
		*colon = '\0';
		js_set_str(j, made->v[i], colon + 2);
	}
	if (c->json) {
		js_write(&out, j);
		(void)puts(buf_str(&out));
	}
}

/* The delivery id is that of a --header given, else a fresh one. */
static int sign(struct options *o, const struct signature *s, enum signature_recipe recipe,
	struct slice body)
{
	CLEANUP(strv_fini) struct strv made = STRV_NULL;
	CLEANUP(freep) char *id = NULL;
	const char *header = signature_delivery_header(recipe, o->signature_header);
	struct slice given = SLICE_NULL;
	struct id fresh;

	if (header != NULL && find_header(&o->headers, header, &given) > 0 && given.n > 0) {
		id = slice_dup(given);
	} else {
		id_make(&fresh);
		id = xstrdup(fresh.s);
	}
	signature_sign(s, body, id, now_real_us(o), &made);
	if (made.n == 0)
		return cli_fail(EXIT_USAGE, "a public key verifies, it cannot sign");
	print_headers(o->cli, &made);
	return EXIT_OK;
}

static int run(struct options *o, const char *verb)
{
	CLEANUP(signature_freep) struct signature *s = NULL;
	CLEANUP(buf_fini) struct buf body = BUF_NULL;
	struct err e = CLEAN_ERR;
	enum signature_recipe recipe = SIGNATURE_NONE;
	int r, status = choose_recipe(o, &recipe);

	if (status == EXIT_OK)
		status = read_input(o, o->body, BODY_MAX_LIMIT, &body);
	if (status != EXIT_OK)
		return status;
	r = signature_new(&s, recipe, o->signature_header, &o->secrets, -1, &e);
	if (r < 0)
		return cli_usage(o->cli, "%s", e.text);
	if (r != 0 && !o->cli->quiet)
		(void)cli_fail(EXIT_FAILED, "%s", e.text);
	if (r != 0)
		return str_eq(verb, "verify") ? print_verdict(o->cli, r) : EXIT_FAILED;
	return str_eq(verb, "verify") ? verify(o, s, buf_slice(&body))
				      : sign(o, s, recipe, buf_slice(&body));
}

int cmd_webhook(struct cli *c, int argc, char **argv)
{
	CLEANUP(options_fini) struct options o = {.cli = c, .now_us = -1};
	const char *verb;
	int status = read_options(&o, argc, argv, &verb);

	return status == EXIT_OK ? run(&o, verb) : status;
}
