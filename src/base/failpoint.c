/* SPDX-License-Identifier: MIT */
/*
 * base/failpoint.c - dying on request, in test builds only.
 *
 * SIGKILL, not exit: no handler, no flush, nothing that a power cut would not do either.
 */
#include "base/failpoint.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"

#ifdef PYLON_TEST_HOOKS
static const char *const names[] = {
#define FAILPOINT_NAME(name) #name,
	FAILPOINTS(FAILPOINT_NAME)
#undef FAILPOINT_NAME
};

/* Passages left until death; 0 = never. */
static uint64_t left[FP_COUNT];

void failpoint(enum failpoint f)
{
	if (left[f] > 0 && --left[f] == 0)
		(void)raise(SIGKILL);
}

static _Noreturn void refuse(const char *setting)
{
	(void)fprintf(stderr, "pylon: PYLON_FAILPOINT=%s: no such failpoint\n", setting);
	_exit(2);
}

void failpoint_setup(void)
{
	const char *setting = secure_getenv("PYLON_FAILPOINT");
	struct slice name;
	uint64_t n;

	if (str_is_empty(setting))
		return;
	name = (struct slice){setting, strcspn(setting, ":")};
	if (setting[name.n] == '\0' ||
		!slice_to_u64(slice_of(setting + name.n + 1), UINT32_MAX, &n) || n == 0)
		refuse(setting);
	for (size_t i = 0; i < FP_COUNT; i++)
		if (slice_eq_str(name, names[i])) {
			left[i] = n;
			return;
		}
	refuse(setting);
}

const char *failpoint_name(size_t i)
{
	return i < FP_COUNT ? names[i] : NULL;
}
#else
const char *failpoint_name(size_t i UNUSED)
{
	return NULL;
}
#endif
