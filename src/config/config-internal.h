/* SPDX-License-Identifier: MIT */
/*
 * config/config-internal.h - the steps between a file and the snapshot, for this room and its
 * tests.
 */
#ifndef PYLON_CONFIG_CONFIG_INTERNAL_H
#define PYLON_CONFIG_CONFIG_INTERNAL_H

#include "config/schema-internal.h"

/* --- files (files.c) --- */

/* Reads a configuration file of at most max bytes: regular files only (links to them are fine), and
 * it never blocks. 0 with *ret_mode; or a FILE_E_* condition, told as a problem but for ABSENT. */
enum {
	FILE_E_ABSENT = 1,
	FILE_E_UNUSABLE,
};
NODISCARD int config_file_read(
	struct report *r, const char *path, size_t max, struct buf *ret, mode_t *ret_mode);
/* Reads a .env file when there is one. False when it is there but unusable. Warns when others than
 * its owner may read it. */
bool env_file_load(
	struct env_file *f, const char *path, bool first_wins, struct problems *problems);

/* --- volumes (volumes.c) --- */

/* What may not be handed to a container. */
struct volume_rules {
	char *home;          /* $PYLON_HOME, links resolved */
	char *user_home;     /* what ~ stands for; NULL = $HOME is not set */
	struct strv guarded; /* engine sockets, links resolved: not they, nor a folder above them */
};

/* `docker_host` may be NULL. */
void volume_rules_init(struct volume_rules *v, const char *home, const char *docker_host);
void volume_rules_fini(struct volume_rules *v);
/* The absolute path with links and dots resolved as far as it exists; heap. *ret_dangling: a link
 * on the way leads to nothing, and what it will lead to cannot be judged. */
char *path_resolve(const char *path, bool *ret_dangling);
/* Resolves a host folder as written (absolute or with ~) and judges it. NULL with *e telling what
 * is wrong with it, else heap. */
char *volume_source(const struct volume_rules *v, const char *text, struct err *e);
/* Checks "source:target[:mode]" and appends it resolved, always with a mode. -EINVAL with *e. */
NODISCARD int volume_check(
	const struct volume_rules *v, const char *text, struct buf *out, struct err *e);

/* The usual places of an engine's socket, in the order of preference, appended. */
void engine_usual_sockets(struct strv *out);

/* --- from forms to the snapshot --- */

/* config.yaml, read: what pylons need of it. */
struct global {
	struct config *config; /* borrowed */
	struct form form;
	struct channel_config channel; /* defaults.channel */
	char *channel_not_ready;       /* NULL = it can send */
	struct volume_rules rules;
};

void global_fini(struct global *g);

/* A snapshot without pylons from the bytes of config.yaml, called `file` in messages; `mode` is the
 * file's. NULL with the problems told. *ret (global_fini(), in any case) borrows the snapshot and
 * env. */
struct config *global_parse(const char *home, const char *file, struct slice text, mode_t mode,
	const struct env *env, struct problems *problems, struct global *ret);

/* The channel that a form describes; `base` is its first key. What is wrong is told in f->report;
 * not_ready gets why it cannot send although nothing is wrong (channel.c). */
void channel_build(
	struct channel_config *ret, const struct form *f, unsigned base, struct buf *not_ready);
void channel_copy(struct channel_config *dst, const struct channel_config *src);
void channel_config_fini(struct channel_config *c);

/* What is wrong with a secret of the recipe `standard`; NULL = nothing. Never quotes it. */
const char *check_standard_secret(const char *secret);

struct place {
	int line, column;
};

/* A pylon of the folder `name` from the bytes of its pylon.yaml, called `file` in messages; NULL
 * with the problems told (pylon.c). *ret_path_at: where its trigger.path stands. */
struct pylon_config *pylon_parse(const char *name, const char *file, struct slice text,
	const struct env *env, const struct global *g, struct problems *problems,
	struct place *ret_path_at);
void pylon_config_free(struct pylon_config *p);
DEFINE_FREEP(struct pylon_config, pylon_config_free)

#endif
