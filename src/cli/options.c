/* SPDX-License-Identifier: MIT */
/*
 * cli/options.c - a command's own options and words, checked with a friendly no.
 *
 * Options may stand before, between and behind the words; "--" ends them.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/id.h"
#include "cli/commands-internal.h"

static const struct cli_option *find_option(
	const struct cli_option *o, size_t count, const char *word, size_t n)
{
	for (size_t i = 0; i < count; i++) {
		bool is_name = strlen(o[i].name) == n && strncmp(o[i].name, word, n) == 0;

		if (is_name || (o[i].alias != NULL && str_eq(o[i].alias, word)))
			return &o[i];
	}
	return NULL;
}

static int unknown_option(struct cli *c, const char *word, const struct cli_option *o, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (cli_is_near(word, str_distance(word, o[i].name)))
			return cli_usage(
				c, "there is no option %s; did you mean %s?", word, o[i].name);
	return cli_usage(c, "there is no option %s", word);
}

/* Reads the option at argv[*i]. */
static int take_option(struct cli *c, int argc, char **argv, int *i, const struct cli_option *o)
{
	const char *equals = strchr(argv[*i], '=');
	const char *value;

	if (o->flag != NULL) {
		if (equals != NULL)
			return cli_usage(c, "%s takes no value", o->name);
		*o->flag = true;
		return EXIT_OK;
	}
	if (equals == NULL && *i + 1 == argc)
		return cli_usage(c, "%s needs a value", o->name);
	value = equals != NULL ? equals + 1 : argv[++*i];
	if (o->list != NULL)
		strv_add(o->list, value);
	else
		*o->value = value;
	return EXIT_OK;
}

int cli_options(struct cli *c, int *argc, char **argv, const struct cli_option *o, size_t count)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		const struct cli_option *found;
		int r;

		if (str_eq(argv[i], "--")) {
			while (++i < *argc)
				argv[kept++] = argv[i];
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[kept++] = argv[i];
			continue;
		}
		found = find_option(o, count, argv[i], strcspn(argv[i], "="));
		if (found == NULL)
			return unknown_option(c, argv[i], o, count);
		r = take_option(c, *argc, argv, &i, found);
		if (r != EXIT_OK)
			return r;
	}
	*argc = kept;
	return EXIT_OK;
}

int cli_cut_command(int argc, char **argv, struct strv *ret)
{
	int end = 1;

	while (end < argc && !str_eq(argv[end], "--"))
		end++;
	for (int i = end + 1; i < argc; i++)
		strv_add(ret, argv[i]);
	return end;
}

int cli_want_args(struct cli *c, int argc, int min, int max)
{
	if (argc - 1 < min)
		return cli_usage(c, "a word is missing");
	if (argc - 1 > max)
		return cli_usage(c, max == 0 ? "it takes no words" : "too many words");
	return EXIT_OK;
}

int cli_want_id(struct cli *c, const char *what, const char *text)
{
	if (id_is_prefix(slice_of(text)))
		return EXIT_OK;
	return cli_usage(c, "\"%s\" is no %s id (at least its first %d characters)", text, what,
		ID_PREFIX_MIN);
}

int cli_want_name(struct cli *c, const char *text)
{
	if (name_is_valid(slice_of(text)))
		return EXIT_OK;
	return cli_usage(c, "\"%s\" cannot be the name of a pylon", text);
}

int cli_want_number(struct cli *c, const char *option, const char *text, uint64_t max)
{
	uint64_t n;

	if (slice_to_u64(slice_of(text), max, &n) && n > 0)
		return EXIT_OK;
	return cli_usage(c, "%s is a number from 1 to %" PRIu64, option, max);
}

int cli_want_object(struct cli *c, const char *option, const char *text)
{
	struct err e = CLEAN_ERR;
	CLEANUP(js_freep) struct js *j = js_parse(text, strlen(text), &e);

	if (j == NULL)
		return cli_usage(c, "%s is no JSON: %s", option, e.text);
	if (!js_is_object(j))
		return cli_usage(c, "%s must be a JSON object, like '{\"key\":\"value\"}'", option);
	return EXIT_OK;
}
