/* SPDX-License-Identifier: MIT */
#ifndef RUNNER_AGENT_MOCK_INTERNAL_H
#define RUNNER_AGENT_MOCK_INTERNAL_H

#include <stddef.h>

/*
 * The static program of src/agent_mock, as bytes in the binary: the only file of the image
 * `pylon/agent-mock` (FROM scratch). The build generates the definition from
 * build/<preset>/agent-mock.
 */
extern const unsigned char agent_mock_bytes[];
extern const size_t agent_mock_size;

#endif
