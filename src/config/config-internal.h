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

/* --- config.yaml (global.c) --- */

/* What pylons need of it. */
struct global {
	struct config *config; /* borrowed */
	struct form form;      /* what is in force */
	struct form start;     /* what form's values of the start point into; empty otherwise */
	struct channel_config channel; /* defaults.channel */
	char *channel_not_ready;       /* NULL = it can send */
	struct volume_rules rules;
};

void global_fini(struct global *g);

/* The bytes of config.yaml, and where they come from; all borrowed. */
struct global_text {
	const char *home;
	const char *file; /* as it is called in messages */
	struct slice text;
	mode_t mode;
	const struct env *env;
	/* The configuration at work: keys that a reload cannot change stay as they are in it.
	 * NULL at the start. */
	const struct config *running;
};

/* A snapshot without pylons. NULL with the problems told. *ret (global_fini(), in any case) borrows
 * the snapshot and env. */
struct config *global_parse(
	const struct global_text *in, struct problems *problems, struct global *ret);

/* --- one pylon (pylon.c) --- */

/* The channel that a form describes; `base` is its first key. What is wrong is told in f->report;
 * not_ready gets why it cannot send although nothing is wrong (channel.c). */
void channel_build(
	struct channel_config *ret, const struct form *f, unsigned base, struct buf *not_ready);
void channel_copy(struct channel_config *dst, const struct channel_config *src);
void channel_config_fini(struct channel_config *c);

/* What is wrong with a secret of the recipe `standard`; NULL = nothing. Never quotes it. */
const char *check_standard_secret(const char *secret);
/* Is there a time zone of this name? If not, the problem is told (pylon_schedule.c). */
bool zone_check(struct report *r, const struct node *at, const char *key, const char *name);

/* The bytes of a pylon.yaml, and what it stands in; all borrowed. */
struct pylon_text {
	const char *name; /* of its folder */
	const char *file; /* as it is called in messages */
	struct slice text;
	const struct env *env;
	const struct global *global;
};

/* The pylon, with one reference; NULL with the problems told. *ret_form (form_fini(), in any case)
 * is what was read, for whoever wants to know where it stood. */
struct pylon_config *pylon_parse(
	const struct pylon_text *in, struct problems *problems, struct form *ret_form);

/* --- the whole (load.c, pylons.c) --- */

/* A home while it is read. */
struct loading {
	const char *home;
	struct problems *problems;
	struct env_file env; /* the home's */
	struct global global;
	struct config *c;
	bool had_pylons; /* what runs meanwhile has some */
};

/* The file config.yaml or config.json. */
struct global_file {
	char *path;
	const char *name; /* without its folder */
	struct buf text;
	mode_t mode;
};

bool load_env(struct loading *l);
/* False when there is a file that cannot be used, with the problem told. */
bool global_file_read(const char *home, struct problems *problems, struct global_file *ret);
void global_file_fini(struct global_file *f);
/* config.yaml into l->c and l->global; false with the problems told. */
bool load_global(struct loading *l, const struct global_file *file, const struct config *running);
/* Every pylon into l->c. Negative when they cannot even be listed, with the problem told. */
int load_pylons(struct loading *l);
/* One of them; NULL when it is broken, or with *ret_absent when there is none. */
struct pylon_config *load_pylon(
	struct loading *l, const char *name, struct form *ret_form, bool *ret_absent);
void loading_fini(struct loading *l);

/* --- editing (edit.c) --- */

/* As config_edit(), on the bytes of a file; appended to out. */
NODISCARD int config_edit_text(
	struct slice text, const char *key, const char *value, struct buf *out, struct err *e);

#endif
