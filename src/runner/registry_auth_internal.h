/* SPDX-License-Identifier: MIT */
/*
 * Logins of registries, from where `docker login` keeps them.
 *
 * Only logins that are in the file itself are used. A credential helper is a program that would
 * have to be run; it is only named, so that a refusal can be explained.
 */
#ifndef RUNNER_REGISTRY_AUTH_INTERNAL_H
#define RUNNER_REGISTRY_AUTH_INTERNAL_H

#include "base/str.h"

struct registry_auth {
	char *header; /* value of X-Registry-Auth; NULL = none */
	char *helper; /* the credential helper that may know one; NULL = none */
};

/* `config`: the text of ~/.docker/config.json; what cannot be read has no logins. */
void registry_auth_init(struct registry_auth *a, struct slice config, const char *registry);
/* The same with the user's own file: $DOCKER_CONFIG/config.json, else ~/.docker/config.json. */
void registry_auth_find(struct registry_auth *a, const char *registry);
void registry_auth_fini(struct registry_auth *a);

#endif
