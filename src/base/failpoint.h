/* SPDX-License-Identifier: MIT */
/*
 * base/failpoint.h - places where a test build can be made to die.
 *
 * PYLON_FAILPOINT=name:n kills the process with SIGKILL at the n-th passage (1 = the first) of the
 * failpoint of that name. The list below is the only one: a test walks it and expects the promises
 * to hold after each. In release builds failpoint() is nothing at all.
 */
#ifndef PYLON_BASE_FAILPOINT_H
#define PYLON_BASE_FAILPOINT_H

#include "base/base.h"

/* One row per place: before and after the commit of each transaction and each outside act. */
#define FAILPOINTS(X)                                                                              \
	X(accept_before)                                                                           \
	X(accept_after)                                                                            \
	X(occur_before)                                                                            \
	X(occur_after)                                                                             \
	X(claim_before)                                                                            \
	X(claim_after)                                                                             \
	X(create_before)                                                                           \
	X(create_after)                                                                            \
	X(start_before)                                                                            \
	X(start_after)                                                                             \
	X(started_before)                                                                          \
	X(started_after)                                                                           \
	X(output_before)                                                                           \
	X(output_after)                                                                            \
	X(report_before)                                                                           \
	X(report_after)                                                                            \
	X(exit_seen)                                                                               \
	X(finish_before)                                                                           \
	X(finish_after)                                                                            \
	X(remove_before)                                                                           \
	X(remove_after)                                                                            \
	X(sending_before)                                                                          \
	X(sending_after)                                                                           \
	X(send_before)                                                                             \
	X(send_after)                                                                              \
	X(delivered_before)                                                                        \
	X(delivered_after)                                                                         \
	X(answer_before)                                                                           \
	X(answer_after)

enum failpoint {
#define FAILPOINT_ENUM(name) FP_##name,
	FAILPOINTS(FAILPOINT_ENUM)
#undef FAILPOINT_ENUM
		FP_COUNT,
};

#ifdef PYLON_TEST_HOOKS
void failpoint(enum failpoint f);
/* Reads PYLON_FAILPOINT; an unknown name ends the process with status 2. */
void failpoint_setup(void);
#else
static inline void failpoint(enum failpoint f UNUSED)
{
}

static inline void failpoint_setup(void)
{
}
#endif
/* Name of the i-th failpoint, NULL behind the last and in release builds. */
const char *failpoint_name(size_t i);

#endif
