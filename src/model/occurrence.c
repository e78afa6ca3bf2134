/* SPDX-License-Identifier: MIT */
/*
 * model/occurrence.c - the words of schedules.
 *
 * Configuration, database and API show these names, so they never change.
 */
#include "model/occurrence.h"

static const char *const catch_up_names[CATCH_UPS] = {
	[CATCH_UP_NONE] = "none",
	[CATCH_UP_LAST] = "last",
	[CATCH_UP_ALL] = "all",
};

static const char *const overlap_names[OVERLAPS] = {
	[OVERLAP_SKIP] = "skip",
	[OVERLAP_QUEUE_ONE] = "queue_one",
	[OVERLAP_QUEUE_ALL] = "queue_all",
	[OVERLAP_CANCEL_PREVIOUS] = "cancel_previous",
	[OVERLAP_ALLOW] = "allow",
};

static const char *const outcome_names[OCCURRENCE_OUTCOMES] = {
	[OCCURRENCE_RAN] = "ran",
	[OCCURRENCE_RAN_LATE] = "ran_late",
	[OCCURRENCE_SKIPPED_OVERLAP] = "skipped_overlap",
	[OCCURRENCE_SKIPPED_CATCH_UP] = "skipped_catch_up",
	[OCCURRENCE_SKIPPED_DISABLED] = "skipped_disabled",
	[OCCURRENCE_SKIPPED_LIMIT] = "skipped_limit",
	[OCCURRENCE_FAILED_TO_START] = "failed_to_start",
};

static const char *name_of(const char *const *names, unsigned count, unsigned value)
{
	must(value < count);
	return names[value];
}

/* The value of that name, or `count`. */
static unsigned value_of(const char *const *names, unsigned count, const char *name)
{
	unsigned i = 0;

	while (i < count && !str_eq(names[i], name))
		i++;
	return i;
}

const char *catch_up_name(enum catch_up c)
{
	return name_of(catch_up_names, CATCH_UPS, c);
}

const char *overlap_name(enum overlap o)
{
	return name_of(overlap_names, OVERLAPS, o);
}

const char *occurrence_outcome_name(enum occurrence_outcome o)
{
	return name_of(outcome_names, OCCURRENCE_OUTCOMES, o);
}

bool catch_up_from_name(const char *name, enum catch_up *ret)
{
	unsigned value = value_of(catch_up_names, CATCH_UPS, name);

	if (value == CATCH_UPS)
		return false;
	*ret = (enum catch_up)value;
	return true;
}

bool overlap_from_name(const char *name, enum overlap *ret)
{
	unsigned value = value_of(overlap_names, OVERLAPS, name);

	if (value == OVERLAPS)
		return false;
	*ret = (enum overlap)value;
	return true;
}

bool occurrence_outcome_from_name(const char *name, enum occurrence_outcome *ret)
{
	unsigned value = value_of(outcome_names, OCCURRENCE_OUTCOMES, name);

	if (value == OCCURRENCE_OUTCOMES)
		return false;
	*ret = (enum occurrence_outcome)value;
	return true;
}

void occurrence_fini(struct occurrence *o)
{
	free(o->schedule);
	free(o->note);
	*o = (struct occurrence){0};
}

void schedule_state_fini(struct schedule_state *s)
{
	free(s->spec);
	*s = (struct schedule_state){0};
}
