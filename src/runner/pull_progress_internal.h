/* SPDX-License-Identifier: MIT */
/*
 * How far a pull is, from the lines that the engine sends about each layer. Pure.
 */
#ifndef RUNNER_PULL_PROGRESS_INTERNAL_H
#define RUNNER_PULL_PROGRESS_INTERNAL_H

#include "base/json.h"
#include "base/str.h"

#define PULL_LAYERS_MAX  128 /* an image has at most 127 */
#define PULL_LAYER_ID    16  /* 12 hex digits in practice; longer ones are cut */
#define PULL_SUMMARY_MAX 96

enum pull_step {
	PULL_ASKED,
	PULL_WAITING, /* for its turn: the engine downloads a few layers at once, of all pulls */
	PULL_DOWNLOADING,
	PULL_DOWNLOADED,
	PULL_DONE, /* unpacked, or it was there */
};

struct pull_layer {
	char id[PULL_LAYER_ID];
	enum pull_step step;
	int64_t got, total; /* bytes; total 0 = not told yet */
};

/* Zeroed is the beginning. */
struct pull_progress {
	struct pull_layer layers[PULL_LAYERS_MAX];
	size_t count;
};

/* One line: {"status", "id", "progressDetail": {"current", "total"}}. False when it tells nothing
 * about a layer. */
bool pull_progress_take(struct pull_progress *p, const struct js *line);
/* Its silence means nothing: it only waits for its turn. */
bool pull_progress_is_waiting(const struct pull_progress *p);
/* "3 of 7 layers, 12 of 40 MB" */
void pull_progress_print(const struct pull_progress *p, char ret[static PULL_SUMMARY_MAX]);

#endif
