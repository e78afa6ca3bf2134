/* SPDX-License-Identifier: MIT */
/*
 * preview.c - what a schedule or a template means, for whoever wants to see it before it is used.
 * Nothing here looks at a pylon or changes anything.
 */
#include "base/json.h"
#include "engine/engine-internal.h"

int engine_read_schedule(const char *text, const char *zone_name, int64_t from_real, size_t count,
	struct js **ret, struct err *err)
{
	CLEANUP(zone_unrefp) struct zone *zone = zone_load(zone_name, err);
	CLEANUP(schedule_freep) struct schedule *s = NULL;
	struct schedule_fault fault = {0};
	struct schedule_text t = {.text = slice_of(text),
		.zone = zone,
		.anchor_us = from_real,
		.want = SCHEDULE_WANT_ANY};

	if (zone == NULL)
		return -EINVAL;
	if (schedule_parse(&s, &t, &fault) < 0)
		return err_set(err, -EINVAL, "column %zu: %s", fault.column + 1, fault.text);
	*ret = schedule_reading(s, from_real, count);
	return 0;
}

int engine_render_template(struct slice text, struct slice body, struct buf *out, struct err *err)
{
	CLEANUP(template_freep) struct template *t = template_compile(text, err);
	struct template_event ev = {.body = body};

	if (t == NULL)
		return -EINVAL;
	switch (template_render(t, &ev, PROMPT_MAX, out)) {
	case 0:
		return 0;
	case TEMPLATE_E_TOO_LONG:
		return err_set(err, -E2BIG, "the text is longer than %zu bytes", PROMPT_MAX);
	default:
		return err_set(err, -E2BIG, "the template takes too much work");
	}
}
