/* SPDX-License-Identifier: MIT */
/*
 * How far a pull is: see pull_progress_internal.h. The words are those of dockerd; an engine with
 * others is pulled from all the same, only without figures.
 */
#include <inttypes.h>
#include <stdio.h>

#include "runner/pull_progress_internal.h"

#define MEGABYTE 1000000

static bool read_step(const char *status, enum pull_step *ret)
{
	static const struct {
		const char *status;
		enum pull_step step;
	} words[] = {
		{"Pulling fs layer", PULL_ASKED},
		{"Waiting", PULL_WAITING},
		{"Downloading", PULL_DOWNLOADING},
		{"Verifying Checksum", PULL_DOWNLOADED},
		{"Download complete", PULL_DOWNLOADED},
		{"Extracting", PULL_DOWNLOADED},
		{"Pull complete", PULL_DONE},
		{"Already exists", PULL_DONE},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!str_eq(status, words[i].status))
			continue;
		*ret = words[i].step;
		return true;
	}
	return false;
}

/* NULL when there are too many. */
static struct pull_layer *layer_of(struct pull_progress *p, const char *id)
{
	struct pull_layer *l;

	for (size_t i = 0; i < p->count; i++)
		if (strncmp(p->layers[i].id, id, PULL_LAYER_ID - 1) == 0)
			return &p->layers[i];
	if (p->count == PULL_LAYERS_MAX)
		return NULL;
	l = &p->layers[p->count++];
	(void)str_copy(l->id, sizeof(l->id), id);
	return l;
}

bool pull_progress_take(struct pull_progress *p, const struct js *line)
{
	const struct js *detail = js_get(line, "progressDetail");
	const char *id = js_get_str(line, "id");
	enum pull_step step;
	struct pull_layer *l;

	if (!read_step(js_get_str(line, "status"), &step) || str_is_empty(id))
		return false;
	l = layer_of(p, id);
	if (l == NULL)
		return false;
	l->step = step;
	if (step == PULL_DOWNLOADING) {
		l->got = MAX_OF(js_get_int(detail, "current", 0), 0);
		l->total = MAX_OF(js_get_int(detail, "total", 0), 0);
	} else if (step > PULL_DOWNLOADING) {
		l->got = l->total;
	}
	return true;
}

bool pull_progress_is_waiting(const struct pull_progress *p)
{
	bool is_waiting = false;

	for (size_t i = 0; i < p->count; i++) {
		enum pull_step step = p->layers[i].step;

		if (step == PULL_ASKED || step == PULL_DOWNLOADING)
			return false;
		is_waiting = is_waiting || step == PULL_WAITING;
	}
	return is_waiting;
}

/* What a liar sends must not overflow. */
static int64_t add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

void pull_progress_print(const struct pull_progress *p, char ret[static PULL_SUMMARY_MAX])
{
	int64_t got = 0, total = 0;
	size_t done = 0;

	for (size_t i = 0; i < p->count; i++) {
		done += p->layers[i].step == PULL_DONE ? 1 : 0;
		got = add(got, p->layers[i].got);
		total = add(total, p->layers[i].total);
	}
	(void)snprintf(ret, PULL_SUMMARY_MAX, "%zu of %zu layers, %" PRId64 " of %" PRId64 " MB",
		done, p->count, got / MEGABYTE, total / MEGABYTE);
}
