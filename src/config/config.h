/* SPDX-License-Identifier: MIT */
/*
 * config/config.h - what the user wants, read from $PYLON_HOME.
 *
 * One table (schema.c) says for every key of config.yaml and pylon.yaml: its path, type, default,
 * bounds, help text and whether a reload may change it. Parsing, checking, defaults and the
 * reference page come from that table. A file is read as a whole, checked as a whole, and becomes
 * an immutable snapshot or a list of problems with file:line:column; a bad file never replaces a
 * good snapshot, and one bad pylon.yaml does not take the others with it.
 *
 * Secrets: `${VAR}` and `$VAR` in secrets and in the values of maps (agent.env, headers) are
 * expanded from the pylon's own .env, then the process environment, then the home's .env; `$$` is a
 * literal dollar; other values are taken as they are. An unset variable is a problem. Expanded
 * values never appear in messages.
 *
 * Ownership: a snapshot owns everything reachable from it; strings may be NULL where the comment
 * says so.
 */
#ifndef PYLON_CONFIG_CONFIG_H
#define PYLON_CONFIG_CONFIG_H

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "model/occurrence.h"
#include "template/template.h"

/* --- problems --- */

struct problem {
	char *file;       /* as the user would type it */
	int line, column; /* from 1; 0 = the whole file */
	char *text;       /* what is wrong and what to do */
	bool is_warning;
};

struct problems {
	struct problem *v;
	size_t n;
};

void problems_fini(struct problems *p);
/* True when there is one that is not a warning. */
bool problems_are_fatal(const struct problems *p);
/* Appends "file:line:column: text", or "file: text" for the whole file (no newline); the text of a
 * warning begins with "warning: ". */
void problem_print(struct buf *out, const struct problem *p);

/* --- one pylon --- */

enum trigger_type {
	TRIGGER_WEBHOOK,
	TRIGGER_CRON,
	TRIGGER_MANUAL,
};

enum workspace_type {
	WORKSPACE_GIT_CLONE, /* without a repo it is NONE */
	WORKSPACE_GIT_WORKTREE,
	WORKSPACE_LOCAL,
	WORKSPACE_NONE,
};

enum channel_type {
	CHANNEL_STDOUT,
	CHANNEL_WEBHOOK,
	CHANNEL_OTHER, /* telegram, slack ...: known, "not ready" until they exist */
};

struct config_header {
	char *name, *value;
};

struct channel_config {
	enum channel_type type;
	char *type_name; /* as written */
	char *url;       /* webhook; NULL otherwise */
	char *secret;    /* webhook: signs with Standard Webhooks; NULL = unsigned */
	struct config_header *headers;
	size_t header_count;
	bool allow_private; /* webhook: loopback and private addresses are fine */
};

/* How the agent signs in to its model API. */
enum agent_auth {
	AGENT_AUTH_NONE,    /* with what agent.env has, if anything */
	AGENT_AUTH_OAUTH,   /* claude: with the user's own login */
	AGENT_AUTH_API_KEY, /* with a key, in `env`; if none is known, with what the image has */
};

struct pylon_config {
	char *name;
	char *file;        /* path of its pylon.yaml */
	char *description; /* may be NULL */
	bool is_disabled;
	/* Why it cannot run although the file is valid (a feature that is not there yet); NULL = it
	 * can */
	char *not_ready;

	enum trigger_type trigger;
	char *path; /* webhook */
	/* cron */
	char *schedule; /* expression or phrase as written, checked; NULL otherwise */
	char *timezone; /* its own, else the default, else "UTC"; NULL otherwise */
	enum catch_up catch_up;
	int64_t catch_up_window_us;
	enum overlap overlap;
	int64_t jitter_us;
	/* webhook */
	struct template *condition;       /* trigger.if; NULL */
	struct template *dedupe_template; /* trigger.dedupe with {{ }}; then dedupe is NULL */
	struct strv secrets;              /* expanded; empty = unsigned */
	char *signature;                  /* recipe name; NULL = by header */
	char *signature_header;           /* NULL */
	int64_t tolerance_us;             /* -1 = the recipe's */
	char *dedupe;                     /* header name; NULL = the recipe's, or dedupe_template */
	size_t max_body;
	char *public_url; /* NULL = the server's */

	enum workspace_type workspace;
	char *workspace_path;        /* local: checked, absolute, links resolved; NULL otherwise */
	struct template *repo, *ref; /* git-*; NULL = not set */

	struct channel_config channel;    /* resolved: its own or the default one */
	struct template *topic, *message; /* NULL = not set */
	bool approval;
	int64_t approval_timeout_us;
	struct strv on; /* job states told to the channel; empty = all that end a job */

	char *agent_type;    /* "mock", "command", "claude" ... resolved */
	char *image;         /* resolved image name */
	struct strv command; /* argv; empty = the image's own */
	struct strv env;     /* KEY=VALUE, expanded; the key and OPENCODE_PROVIDER included */
	enum agent_auth auth;
	struct template *prompt; /* never NULL (may be empty) */
	int64_t timeout_us;      /* 0 = none */
	int max_concurrent;      /* 0 = no limit of its own */
	int retries;
	int64_t retry_backoff_us;
	uint64_t memory; /* bytes */
	double cpus;
	int pids;
	char *network; /* "none", "bridge", "host" */
	bool read_only;
	struct strv volumes; /* "source:target:mode", checked, source absolute, links resolved */

	/* Every secret value that is known for this pylon: expanded variables, keys, tokens, what
	 * its .env and the home's hold. Nothing of it may appear in logs, results or messages. */
	struct strv secrets_known;

	int64_t created_real; /* `created`; 0 = not set */
	/* SHA-256 over every text it was made of (its file, the .env files, config.yaml): equal
	 * digests are equal configurations. */
	char digest[65];
	int refs;
};

/* 0 when the folders of the host that its containers see, volumes and a local workspace, are still
 * those that were judged. Who may write above one could have put a link in its place. */
NODISCARD int pylon_config_check_folders(const struct pylon_config *p, struct err *e);

/* A pylon's configuration may outlive its snapshot: jobs keep the one they began with. */
struct pylon_config *pylon_config_ref(struct pylon_config *p);
void pylon_config_unref(struct pylon_config *p);
static inline void pylon_config_unrefp(struct pylon_config **p)
{
	pylon_config_unref(*p);
}

/* --- the whole --- */

enum when_full {
	WHEN_FULL_REJECT,
	WHEN_FULL_QUEUE,
};

enum on_stop {
	ON_STOP_DETACH,
	ON_STOP_STOP,
};

struct config {
	char *home; /* $PYLON_HOME, absolute */
	char *host;
	uint16_t port;
	char *public_url;   /* NULL */
	char *api_token;    /* NULL = no API on TCP */
	char *docker_host;  /* socket path; NULL = none found yet (looked for at each connect) */
	int max_concurrent; /* < 0 = unlimited */
	enum when_full when_full;
	int queue_limit;
	int max_starting;
	int max_background;        /* background jobs at once; 0 = no limit */
	struct strv agent_command; /* the beginning of a subagent's argv, never empty */
	char *base_image;          /* agent images are built from it; NULL = not set */
	int64_t retention_jobs_us, retention_logs_us, retention_workspaces_us, retention_dedupe_us;
	enum on_stop on_stop;
	int64_t grace_us;
	enum log_format log_format;
	enum log_level log_level;

	struct pylon_config **pylons; /* by name; only those whose file is valid */
	size_t pylon_count;
	struct strv broken; /* names of pylons whose file is not valid (see the problems), sorted */
	/* Keys of config.yaml whose new values wait for a restart ("server.port"), after a reload.
	 */
	struct strv restart_needed;
	/* Why config.yaml as it is on disk cannot be used, after a reload that did without it:
	 * "file:line:column: text"; NULL = it can. */
	char *file_problem;
	/* What config.yaml said when it was read, so that a reload of pylons alone can stand on it.
	 */
	char *global_text;
	char *global_name; /* "config.yaml" */
	/* What it said at the start: keys that a reload cannot change are still as they are here.
	 */
	char *start_text;
};

/* Absolute $PYLON_HOME: `override`, else $PYLON_HOME, else $HOME/.pylon. NULL with *e when neither
 * is set. free() it. */
char *config_home(const char *override, struct err *e);

/* Reads everything under home. Of pylons that are not disabled and have the same path all are
 * broken, since none of them may win by chance. On success *ret is a snapshot, and `problems` may
 * still hold warnings and the problems of broken pylons. When config.yaml itself is unusable:
 * -EINVAL, the reasons in `problems`, *ret untouched. A missing config.yaml means all defaults. */
NODISCARD int config_load(
	const char *home, struct config **ret, struct problems *problems, struct err *e);
/* The same aside, while `running` is at work: pylons and .env files are read anew. config.yaml is
 * taken over only when take_global is set, and of it only what a reload can change; what it cannot
 * is in restart_needed, as is everything that differs when take_global is not set. A pylon whose
 * file is broken now is in `broken`: its caller goes on with the running one. */
NODISCARD int config_reload(const struct config *running, bool take_global, struct config **ret,
	struct problems *problems, struct err *e);
/* The first problem (no warning) of a pylon as "line:column: text"; appended, nothing when it has
 * none. */
void config_pylon_problem(struct buf *out, const struct problems *problems, const char *name);
void config_free(struct config *c);
DEFINE_FREEP(struct config, config_free)

/* What jobs of background work are under: a configuration that no file has. The caller's
 * reference. */
struct pylon_config *config_runtime(const struct config *c);

/* NULL when there is none of that name. */
const struct pylon_config *config_pylon(const struct config *c, const char *name);
/* URL at which senders reach a webhook pylon; appended. */
void config_webhook_url(struct buf *out, const struct config *c, const struct pylon_config *p);
/* The engine's socket: `docker.host`, else $DOCKER_HOST, else the first usual place that exists
 * now; appended as a path. False when there is none (or it is no Unix socket). */
bool config_engine_socket(const struct config *c, struct buf *out);

/* The reference page (Markdown), generated from the table. */
void config_reference(struct buf *out);
/* JSON Schema (draft 2020-12) of config.yaml (false) or pylon.yaml (true), from the same table, for
 * editors. */
void config_json_schema(struct buf *out, bool of_pylon);
/* What is in force, as YAML with every key of the table and secrets as <redacted>: of config.yaml
 * (pylon NULL) or one pylon. -ENOENT when there is no such pylon. */
NODISCARD int config_show(struct buf *out, const char *home, const char *pylon,
	struct problems *problems, struct err *e);
/* The same as JSON: {"file": path, "keys": [{"key", "value", "from"}]}. */
NODISCARD int config_show_json(struct buf *out, const char *home, const char *pylon,
	struct problems *problems, struct err *e);

/* Sets one scalar ("disabled", "channel.telegram.chat_id") in a YAML file and leaves every other
 * byte as it was: comments, order, blank lines. `value` is YAML as it shall stand there ("true",
 * "42"). The file is replaced atomically with its mode kept. -EINVAL with *e when the file cannot
 * be read as YAML or the place is no scalar. */
NODISCARD int config_edit(const char *file, const char *key, const char *value, struct err *e);

#endif
