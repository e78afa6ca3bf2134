/* SPDX-License-Identifier: MIT */
/*
 * What a repository and a ref may be called. Pure: nothing here runs, reads or connects.
 *
 * Both may come from a webhook's body, so only what is known to be harmless passes: no option, no
 * transport that runs a command, no control character. git(1) is stricter in places and looser in
 * others; what passes here is still given to it behind "--" and with protocols forbidden.
 */
#ifndef WORKSPACE_REPO_INTERNAL_H
#define WORKSPACE_REPO_INTERNAL_H

#include "base/err.h"
#include "base/str.h"

#define REPO_MAX       2048 /* bytes of a repository's address */
#define REF_MAX        256  /* bytes of a ref */
#define REPO_HASH_SIZE 17   /* 16 lower hex digits and a NUL */

enum repo_transport {
	REPO_HTTPS,
	REPO_HTTP,
	REPO_SSH,
	REPO_LOCAL, /* a folder of this machine */
};

struct repo {
	enum repo_transport transport;
	/* For git and for people: without what may be secret in it. */
	char *url;
	/* The same place by ssh, where the old program always went (github.com, gitlab.com); tried
	 * when https is refused. NULL = none. */
	char *ssh_url;
	bool uses_ssh_url; /* it is the one that works */
	/* Credentials written into an http(s) address: where they are valid, and for whom. */
	char *origin;          /* "https://host:port/"; NULL = none were written */
	char *user, *password; /* decoded; NULL = not written */
	/* What must not be shown in any text. */
	struct strv secrets;
};

/* `is_literal`: written by the owner of the configuration, nothing of it came with an event. Only
 * then a folder of this machine, plain http, or a host that lies inside is fine. *ret is written on
 * success only; -EINVAL otherwise. Texts of *e have no password in them. */
NODISCARD int repo_parse(const char *text, bool is_literal, struct repo *ret, struct err *e);
void repo_fini(struct repo *r);
/* What git connects to now. */
const char *repo_url(const struct repo *r);
/* The name of its cache: the first 8 bytes of the SHA-256 of its ssh form, as the old program
 * named them. */
void repo_hash(const char *text, char ret[REPO_HASH_SIZE]);
/* "https://github.com/o/r" as "git@github.com:o/r.git" (gitlab.com, too); NULL when it is none. */
char *repo_ssh_form(const char *text);

/* host.c */
enum host_place {
	HOST_OUTSIDE, /* anything else, names too: they are not looked up */
	HOST_INSIDE,  /* this machine, or an address of a private, link-local or the like network */
	HOST_NOWHERE, /* looks like an address and is none */
};
/* Of an address' host, without its port; IPv6 in brackets. */
enum host_place host_find_place(struct slice host);

enum ref_kind {
	REF_DEFAULT, /* none was given: main, else what the repository says */
	REF_HEAD,    /* what the repository says */
	REF_NAME,    /* a branch, else a tag, else a shortened commit id if it looks like one */
	REF_BRANCH,  /* refs/heads/... was given */
	REF_TAG,     /* refs/tags/... was given */
	REF_OTHER,   /* another one below refs/, such as refs/pull/1/head */
	REF_COMMIT,  /* a whole commit id */
};

struct ref {
	enum ref_kind kind;
	char *name;  /* without refs/heads/ or refs/tags/; REF_OTHER: all of it */
	char *given; /* as it was written, for messages */
};

/* NULL or "": REF_DEFAULT. -EINVAL when it is no name that git-check-ref-format(1) takes. */
NODISCARD int ref_parse(const char *text, struct ref *ret, struct err *e);
void ref_fini(struct ref *r);
/* 7 to 39 hex digits: perhaps the beginning of a commit id. */
bool ref_may_be_short_commit(const struct ref *r);

#endif
