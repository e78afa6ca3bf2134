/* SPDX-License-Identifier: MIT */
/*
 * The command line, checked strictly: a starter that is a version apart is to fail, not to run a
 * command with half of its limits.
 */
#include <limits.h>
#include <string.h>

#include "base/str.h"
#include "shim/shim.h"
#include "shim/shim_internal.h"

#define MS_MAX    (INT_MAX * 1000LL)
#define BYTES_MAX (1LL << 40)

enum {
	NICE_MAX = 40, /* from one end of its range to the other */
};

static const struct {
	const char *name;
	int resource;
} rlimit_names[] = {
	{"as", RLIMIT_AS},
	{"core", RLIMIT_CORE},
	{"cpu", RLIMIT_CPU},
	{"data", RLIMIT_DATA},
	{"fsize", RLIMIT_FSIZE},
	{"locks", RLIMIT_LOCKS},
	{"memlock", RLIMIT_MEMLOCK},
	{"msgqueue", RLIMIT_MSGQUEUE},
	{"nice", RLIMIT_NICE},
	{"nofile", RLIMIT_NOFILE},
	{"nproc", RLIMIT_NPROC},
	{"rss", RLIMIT_RSS},
	{"rtprio", RLIMIT_RTPRIO},
	{"rttime", RLIMIT_RTTIME},
	{"sigpending", RLIMIT_SIGPENDING},
	{"stack", RLIMIT_STACK},
};

_Static_assert(ARRAY_LEN(rlimit_names) <= RLIMITS_MAX, "each name fits once");

static bool parse_ms(const char *text, int64_t *ret)
{
	uint64_t value;

	if (!slice_to_u64(slice_of(text), MS_MAX, &value))
		return false;
	*ret = (int64_t)value;
	return true;
}

static bool parse_nice(const char *text, int *ret)
{
	bool is_negative = *text == '-';
	uint64_t value;

	if (!slice_to_u64(slice_of(text + is_negative), NICE_MAX, &value))
		return false;
	*ret = is_negative ? -(int)value : (int)value;
	return true;
}

static bool parse_rlimit_value(const char *text, rlim_t *ret)
{
	uint64_t value;

	*ret = RLIM_INFINITY;
	if (strcmp(text, "unlimited") == 0)
		return true;
	/* The largest number of all is RLIM_INFINITY itself. */
	if (!slice_to_u64(slice_of(text), INT64_MAX, &value))
		return false;
	*ret = (rlim_t)value;
	return true;
}

/* The place of one that was set before, or a new one. */
static struct rlimit_option *rlimit_place(struct options *o, int resource)
{
	size_t i = 0;

	while (i < o->rlimit_count && o->rlimits[i].resource != resource)
		i++;
	if (i == o->rlimit_count)
		o->rlimit_count++;
	return &o->rlimits[i];
}

static bool parse_rlimit(struct options *o, const char *text)
{
	const char *equals = strchr(text, '=');
	rlim_t value;

	if (equals == NULL || !parse_rlimit_value(equals + 1, &value))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(rlimit_names); i++) {
		struct slice name = {text, (size_t)(equals - text)};

		if (slice_eq_str(name, rlimit_names[i].name)) {
			int resource = rlimit_names[i].resource;

			*rlimit_place(o, resource) = (struct rlimit_option){resource, value};
			return true;
		}
	}
	return false;
}

static bool parse_text(struct options *o, const char *name, const char *value)
{
	if (strcmp(name, "--cwd") == 0)
		o->cwd = value;
	else if (strcmp(name, "--dir") == 0)
		o->dir = value;
	else if (strcmp(name, "--log") == 0)
		o->log = value;
	else
		return false;
	return *value != '\0';
}

static bool parse_option(struct options *o, const char *name, const char *value)
{
	if (strcmp(name, "--timeout-ms") == 0)
		return parse_ms(value, &o->timeout_ms);
	if (strcmp(name, "--grace-ms") == 0)
		return parse_ms(value, &o->grace_ms);
	if (strcmp(name, "--nice") == 0)
		return parse_nice(value, &o->nice);
	if (strcmp(name, "--rlimit") == 0)
		return parse_rlimit(o, value);
	if (strcmp(name, "--log-head") == 0)
		return slice_to_u64(slice_of(value), BYTES_MAX, &o->log_head);
	if (strcmp(name, "--log-tail") == 0)
		return slice_to_u64(slice_of(value), BYTES_MAX, &o->log_tail) && o->log_tail > 0;
	return parse_text(o, name, value);
}

bool options_parse(struct options *o, char **argv)
{
	*o = (struct options){
		.grace_ms = SHIM_GRACE_MS,
		.log_head = SHIM_LOG_HEAD,
		.log_tail = SHIM_LOG_TAIL,
	};
	if (*argv != NULL)
		argv++;
	while (*argv != NULL && strcmp(*argv, "--") != 0) {
		if (strcmp(*argv, "--die-with-parent") == 0) {
			o->dies_with_parent = true;
			argv++;
			continue;
		}
		if (argv[1] == NULL || !parse_option(o, argv[0], argv[1]))
			return false;
		argv += 2;
	}
	if (*argv == NULL || argv[1] == NULL || o->dir == NULL)
		return false;
	o->command = argv + 1;
	return true;
}
