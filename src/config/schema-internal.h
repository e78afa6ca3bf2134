/* SPDX-License-Identifier: MIT */
/*
 * config/schema-internal.h - the tables of keys, and a file read by one of them.
 *
 * A row says everything about a key: how it is written, its default, its bounds, what it means,
 * whether a reload takes it over (keys of a pylon always are). A `struct form` is a file read by a
 * table: one value for each row, with the node it came from, so that later checks can point at it.
 */
#ifndef PYLON_CONFIG_SCHEMA_INTERNAL_H
#define PYLON_CONFIG_SCHEMA_INTERNAL_H

#include "config/env-internal.h"
#include "config/yaml-internal.h"

enum key_type {
	KEY_STRING,
	KEY_SECRET,  /* expanded; never empty, never told */
	KEY_SECRETS, /* one or a list of them */
	KEY_BOOL,
	KEY_INT,      /* min..max */
	KEY_FLOAT,    /* min..max in thousandths */
	KEY_SIZE,     /* bytes, min..max */
	KEY_DURATION, /* microseconds, min..max */
	KEY_TEMPLATE,
	KEY_HEADER,  /* the name of a header, or a template (it has "{{" in it) */
	KEY_LIST,    /* of strings */
	KEY_COMMAND, /* a string for the shell, or a list: argv */
	KEY_MAP,     /* name: value, expanded */
	KEY_WORD,    /* one of `words` */
	KEY_TIMESTAMP,
	KEY_BLOCK,   /* belongs to something that does not exist yet: not looked into */
	KEY_IGNORED, /* known from old files; a warning */
};

struct key {
	const char *path; /* "server.port" */
	enum key_type type;
	const char *fallback;     /* as one would write it; NULL = not set */
	const char *help;         /* one sentence, Markdown */
	const char *const *words; /* KEY_WORD, NULL-ended */
	int64_t min, max;
	bool is_live; /* a reload takes it over; else a restart */
	/* Says what is wrong with a KEY_STRING, or NULL. */
	const char *(*check)(const char *text);
};

struct schema {
	const char *file; /* "config.yaml" */
	const struct key *keys;
	size_t count;
	const struct schema *other; /* the other file's, for "it belongs in ..." */
};

extern const struct schema schema_global, schema_pylon;

/* The keys below `channel:`, the same in both files. */
enum channel_key {
	CH_TYPE,
	CH_WEBHOOK_URL,
	CH_WEBHOOK_SECRET,
	CH_WEBHOOK_HEADERS,
	CH_WEBHOOK_ALLOW_PRIVATE,
	CH_TELEGRAM_BOT_TOKEN,
	CH_TELEGRAM_CHAT_ID,
	CH_TELEGRAM_ALLOWED_USERS,
	CH_TELEGRAM_API_URL,
	CH_SLACK_BOT_TOKEN,
	CH_SLACK_APP_TOKEN,
	CH_SLACK_CHANNEL_ID,
	CH_SLACK_ALLOWED_USERS,
	CH_SLACK_API_URL,
	CH_DISCORD,
	CH_EMAIL,
	CH_NTFY,
	CH_KEYS,
};

enum global_key {
	G_VERSION,
	G_SERVER_HOST,
	G_SERVER_PORT,
	G_SERVER_PUBLIC_URL,
	G_SERVER_API_TOKEN,
	G_SERVER_MAX_BODY,
	G_DOCKER_HOST,
	G_DOCKER_MAX_CONCURRENT,
	G_DOCKER_DEFAULT_TIMEOUT,
	G_DOCKER_WHEN_FULL,
	G_DOCKER_QUEUE_LIMIT,
	G_DOCKER_MAX_STARTING,
	G_DEFAULTS_TIMEZONE,
	G_DEFAULTS_AGENT_TYPE,
	G_DEFAULTS_AGENT_CLAUDE_IMAGE,
	G_DEFAULTS_AGENT_CLAUDE_AUTH,
	G_DEFAULTS_AGENT_CLAUDE_OAUTH_PATH,
	G_DEFAULTS_AGENT_OPENCODE_IMAGE,
	G_DEFAULTS_AGENT_OPENCODE_AUTH,
	G_DEFAULTS_AGENT_OPENCODE_PROVIDER,
	G_CHANNEL,
	G_CHANNEL_END = G_CHANNEL + CH_KEYS - 1,
	G_AGENT_BASE_IMAGE,
	G_RETENTION_JOBS,
	G_RETENTION_LOGS,
	G_RETENTION_WORKSPACES,
	G_RETENTION_DEDUPE,
	G_DAEMON_ON_STOP,
	G_DAEMON_GRACE,
	G_DAEMON_MAX_BACKGROUND,
	G_DAEMON_AGENT_COMMAND,
	G_DAEMON_IPC_SOCKET_PATH,
	G_DASHBOARD_LISTEN,
	G_LOG_FORMAT,
	G_LOG_LEVEL,
	G_KEYS,
};

enum pylon_key {
	P_NAME,
	P_DESCRIPTION,
	P_DISABLED,
	P_CREATED,
	P_TRIGGER_TYPE,
	P_TRIGGER_PATH,
	P_TRIGGER_SECRET,
	P_TRIGGER_SIGNATURE,
	P_TRIGGER_SIGNATURE_HEADER,
	P_TRIGGER_TOLERANCE,
	P_TRIGGER_DEDUPE,
	P_TRIGGER_MAX_BODY,
	P_TRIGGER_PUBLIC_URL,
	P_TRIGGER_IF,
	P_TRIGGER_CRON,
	P_TRIGGER_SCHEDULE,
	P_TRIGGER_TIMEZONE,
	P_TRIGGER_CATCH_UP,
	P_TRIGGER_CATCH_UP_WINDOW,
	P_TRIGGER_OVERLAP,
	P_TRIGGER_JITTER,
	P_WORKSPACE_TYPE,
	P_WORKSPACE_PATH,
	P_WORKSPACE_REPO,
	P_WORKSPACE_REF,
	P_AGENT_TYPE,
	P_AGENT_PROMPT,
	P_AGENT_IMAGE,
	P_AGENT_COMMAND,
	P_AGENT_ENV,
	P_AGENT_VOLUMES,
	P_AGENT_TIMEOUT,
	P_AGENT_MAX_CONCURRENT,
	P_AGENT_RETRIES,
	P_AGENT_RETRY_BACKOFF,
	P_AGENT_MEMORY,
	P_AGENT_CPUS,
	P_AGENT_PIDS,
	P_AGENT_NETWORK,
	P_AGENT_READ_ONLY,
	P_AGENT_AUTH,
	P_AGENT_PROVIDER,
	P_AGENT_API_KEY,
	P_AGENT_BASE_IMAGE,
	P_AGENT_OAUTH_PATH,
	P_CHANNEL,
	P_CHANNEL_END = P_CHANNEL + CH_KEYS - 1,
	P_CHANNEL_TOPIC,
	P_CHANNEL_MESSAGE,
	P_CHANNEL_APPROVAL,
	P_CHANNEL_APPROVAL_TIMEOUT,
	P_CHANNEL_ON,
	P_KEYS,
};

/* What the recipes of agent images begin with when nothing says otherwise. */
#define BASE_IMAGE_DEFAULT "debian:bookworm-slim"

/* Words that more than one place needs; NULL-ended. */
extern const char *const schema_agent_types[], *const schema_channel_types[];

const struct key *schema_find(const struct schema *s, const char *path);
/* What of a key's path follows `prefix` and a dot ("" is above all); NULL when it is not below it.
 */
const char *schema_below(const char *path, const char *prefix);
/* True when there are keys below this path. */
bool schema_has_section(const struct schema *s, const char *path);

/* --- a file read by a table --- */

struct value {
	const struct node *node; /* where it is written, well or badly; NULL = it is not */
	char *text;              /* strings and words; NULL = not set */
	int64_t number;          /* integers, sizes, durations, booleans */
	double real;
	struct strv list; /* secrets, lists, commands, maps as "NAME=VALUE" */
	struct template *template;
};

struct form {
	const struct schema *schema;
	struct report *report; /* borrowed; so is env */
	const struct env *env;
	struct node *root;
	struct value *values; /* schema->count of them */
};

/* Reads the text by the table. What is wrong is in the report; every value is usable in any case
 * (a bad one is as if it were not written). False when the text is no map at all. */
bool form_read(struct form *f, const struct schema *s, struct report *r, const struct env *env,
	struct slice text);
void form_fini(struct form *f);

static inline const char *form_text(const struct form *f, unsigned key)
{
	return f->values[key].text;
}

static inline int64_t form_number(const struct form *f, unsigned key)
{
	return f->values[key].number;
}

static inline const struct node *form_node(const struct form *f, unsigned key)
{
	return f->values[key].node;
}

/* Index of a KEY_WORD among the words of its row: rows list them in the order of their enum. */
int form_word(const struct form *f, unsigned key);
/* Do both say the same of a key of their schema? Secrets are compared in constant time. */
bool form_equal(const struct form *a, const struct form *b, unsigned key);

/* Fills one value from its node; false when the node is no such value, with the problem told.
 * (value.c; called by form.c) */
bool value_read(const struct form *f, const struct key *k, const struct node *n, struct value *v);
void value_fini(struct value *v);

/* Text of a number (number.c); false when it is none, with *ret untouched. */
bool number_from_int(const char *s, int64_t *ret);
/* Digits, at most nine before and three behind the point, as thousandths. */
bool number_from_decimal(const char *s, int64_t *ret);
/* "512", "512KiB", "1.5G" ... as bytes. */
bool number_from_size(const char *s, int64_t *ret);
/* The shortest form of a size; heap. */
char *number_print_size(int64_t bytes);

/* White space only, or nothing. */
bool text_is_blank(struct slice text);

/* Formats that keys may ask for in `check`. */
const char *check_http_url(const char *text);
const char *check_host(const char *text);
const char *check_socket(const char *text);
const char *check_webhook_path(const char *text);
const char *check_header_name(const char *text);
const char *check_image(const char *text);
const char *check_provider(const char *text);

#endif
