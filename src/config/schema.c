/* SPDX-License-Identifier: MIT */
/*
 * The two tables of keys. Parsing, defaults, bounds and the reference page all come from here, so a
 * new key is a name in schema-internal.h and a row below, and nothing else.
 *
 * Rows stand in the order of the reference page. A key may be known before the feature exists: then
 * files that have it load, and the pylon says that it is not ready.
 */
#include "base/limits.h"
#include "config/schema-internal.h"

/* What a reload takes over, and what only a restart does: addresses, sockets, and what is laid out
 * once. Keys of a pylon are all live. */
#define LIVE    .is_live = true
#define RESTART .is_live = false
#define LATER   " Not used in this version."

#define SECONDS(n)   ((int64_t)(n)*US_PER_SEC)
#define DURATION_MAX SECONDS(INT64_C(100) * 365 * 24 * 3600)
#define JITTER_MAX   SECONDS(24 * 3600)

const char *const schema_agent_types[] = {"claude", "opencode", "command", "mock", NULL};
const char *const schema_channel_types[] = {
	"stdout", "webhook", "telegram", "slack", "discord", "email", "ntfy", NULL};

static const char *const trigger_types[] = {"webhook", "cron", "manual", NULL};
static const char *const recipes[] = {"hex", "github", "gitlab", "slack", "stripe", "standard",
	"linear", "sentry", "discord", "bearer", "token", NULL};
static const char *const catch_up[] = {"none", "last", "all", NULL};
static const char *const overlaps[] = {
	"skip", "queue_one", "queue_all", "cancel_previous", "allow", NULL};
static const char *const workspace_types[] = {"git-clone", "git-worktree", "local", "none", NULL};
/* Old files write both; they are one. */
static const char *const auths[] = {"oauth", "api_key", "api-key", "none", NULL};
static const char *const networks[] = {"none", "bridge", "host", NULL};
static const char *const when_full[] = {"reject", "queue", NULL};
static const char *const on_stop[] = {"detach", "stop", NULL};
static const char *const log_formats[] = {"auto", "text", "systemd", "json", NULL};
static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};

/* The rows of a channel section: `base` is its first key, `at` its path with a dot at the end. The
 * last arguments are whatever else the row has. */
#define ROW(base, at, live, id, name, kind, text, ...)                                             \
	[(base) + CH_##id] = {                                                                     \
		.path = at name, .type = kind, .help = text, .is_live = live, __VA_ARGS__}

#define WEBHOOK_ROWS(base, at, live)                                                               \
	ROW(base, at, live, WEBHOOK_URL, "webhook.url", KEY_SECRET,                                \
		"URL that every message is POSTed to; it may hold a secret.", .min = 0),           \
		ROW(base, at, live, WEBHOOK_SECRET, "webhook.secret", KEY_SECRET,                  \
			"Signs what is sent, as Standard Webhooks does.", .min = 0),               \
		ROW(base, at, live, WEBHOOK_HEADERS, "webhook.headers", KEY_MAP,                   \
			"Further request headers.", .min = 0),                                     \
		ROW(base, at, live, WEBHOOK_ALLOW_PRIVATE, "webhook.allow_private", KEY_BOOL,      \
			"Loopback and private addresses are fine as a destination.",               \
			.fallback = "false")

#define CHAT_ROWS(base, at, live)                                                                  \
	ROW(base, at, live, TELEGRAM_BOT_TOKEN, "telegram.bot_token", KEY_SECRET,                  \
		"Token of the bot." LATER, .min = 0),                                              \
		ROW(base, at, live, TELEGRAM_CHAT_ID, "telegram.chat_id", KEY_INT,                 \
			"The chat; a number without quotes." LATER, .fallback = "0",               \
			.min = INT64_MIN, .max = INT64_MAX),                                       \
		ROW(base, at, live, TELEGRAM_ALLOWED_USERS, "telegram.allowed_users", KEY_LIST,    \
			"Ids of the people who may answer." LATER, .min = 0),                      \
		ROW(base, at, live, TELEGRAM_API_URL, "telegram.api_url", KEY_STRING,              \
			"Another address of the Bot API." LATER, .check = check_http_url),         \
		ROW(base, at, live, SLACK_BOT_TOKEN, "slack.bot_token", KEY_SECRET,                \
			"Token of the bot." LATER, .min = 0),                                      \
		ROW(base, at, live, SLACK_APP_TOKEN, "slack.app_token", KEY_SECRET,                \
			"Token of the app, for Socket Mode." LATER, .min = 0),                     \
		ROW(base, at, live, SLACK_CHANNEL_ID, "slack.channel_id", KEY_STRING,              \
			"The channel's id." LATER, .min = 0),                                      \
		ROW(base, at, live, SLACK_ALLOWED_USERS, "slack.allowed_users", KEY_LIST,          \
			"Ids of the people who may answer." LATER, .min = 0),                      \
		ROW(base, at, live, SLACK_API_URL, "slack.api_url", KEY_STRING,                    \
			"Another address of the Web API." LATER, .check = check_http_url),         \
		ROW(base, at, live, DISCORD, "discord", KEY_BLOCK,                                 \
			"Settings of a Discord channel." LATER, .min = 0),                         \
		ROW(base, at, live, EMAIL, "email", KEY_BLOCK, "Settings of e-mail." LATER,        \
			.min = 0),                                                                 \
		ROW(base, at, live, NTFY, "ntfy", KEY_BLOCK, "Settings of ntfy." LATER, .min = 0)

#define CHANNEL_ROWS(base, at, live)                                                               \
	ROW(base, at, live, TYPE, "type", KEY_WORD, "Where results go; `stdout` if nothing says.", \
		.words = schema_channel_types),                                                    \
		WEBHOOK_ROWS(base, at, live), CHAT_ROWS(base, at, live)

static const struct key global_keys[] = {
	[G_VERSION] = {"version", KEY_INT, "1", "Version of the file's format.", RESTART, .min = 0,
		.max = INT32_MAX},
	[G_SERVER_HOST] = {"server.host", KEY_STRING, "0.0.0.0",
		"Address that webhooks are received on.", RESTART, .check = check_host},
	[G_SERVER_PORT] = {"server.port", KEY_INT, "8080",
		"Port that webhooks are received on; 0 means the default.", RESTART, .min = 0,
		.max = 65535},
	[G_SERVER_PUBLIC_URL] = {"server.public_url", KEY_STRING, NULL,
		"How senders reach the server; the beginning of webhook URLs that are shown.", LIVE,
		.check = check_http_url},
	[G_SERVER_API_TOKEN] = {"server.api_token", KEY_SECRET, NULL,
		"Opens the API on TCP to whoever sends it as `Authorization: Bearer`; not set means "
		"local socket only.",
		RESTART},
	[G_SERVER_MAX_BODY] = {"server.max_body", KEY_SIZE, "1MiB", "Largest webhook body.", LIVE,
		.min = 1, .max = BODY_MAX_LIMIT},
	[G_DOCKER_HOST] = {"docker.host", KEY_STRING, NULL,
		"Unix socket of the container engine, as `unix:///path` or a path. Not set means "
		"`$DOCKER_HOST`, else the first usual place that exists.",
		RESTART, .check = check_socket},
	[G_DOCKER_MAX_CONCURRENT] = {"docker.max_concurrent", KEY_INT, "3",
		"Agents at work at the same time; negative means unlimited, 0 the default.", LIVE,
		.min = INT32_MIN, .max = INT32_MAX},
	[G_DOCKER_DEFAULT_TIMEOUT] = {"docker.default_timeout", KEY_DURATION, "15m",
		"Time limit of a run whose pylon sets none; 0 means no limit.", LIVE,
		.max = DURATION_MAX},
	[G_DOCKER_WHEN_FULL] = {"docker.when_full", KEY_WORD, "reject",
		"What happens to a job that finds no slot: refused with 503, or queued.", when_full,
		LIVE},
	[G_DOCKER_QUEUE_LIMIT] = {"docker.queue_limit", KEY_INT, "1000",
		"With `queue`: jobs that may wait.", LIVE, .min = 0, .max = 10000000},
	[G_DOCKER_MAX_STARTING] = {"docker.max_starting", KEY_INT, NULL,
		"Containers being started at once; not set means the number of cores.", RESTART,
		.min = 1, .max = 1024},
	[G_DEFAULTS_TIMEZONE] = {"defaults.timezone", KEY_STRING, NULL,
		"Time zone of schedules whose pylon names none, or `Local` for the machine's; not set "
		"means UTC.",
		LIVE},
	[G_DEFAULTS_AGENT_TYPE] = {"defaults.agent.type", KEY_WORD, "claude",
		"Agent of pylons that name none.", schema_agent_types, LIVE},
	[G_DEFAULTS_AGENT_CLAUDE_IMAGE] = {"defaults.agent.claude.image", KEY_STRING, NULL,
		"Image of `claude` agents; not set means `pylon/agent-claude`.", LIVE,
		.check = check_image},
	[G_DEFAULTS_AGENT_CLAUDE_AUTH] = {"defaults.agent.claude.auth", KEY_WORD, "oauth",
		"How `claude` agents sign in whose pylon does not say: with your login, with a key, or "
		"with what the image and `agent.env` have.",
		auths, LIVE},
	[G_DEFAULTS_AGENT_CLAUDE_OAUTH_PATH] = {"defaults.agent.claude.oauth_path", KEY_IGNORED,
		NULL, "Ignored; old files have it.", LIVE},
	[G_DEFAULTS_AGENT_OPENCODE_IMAGE] = {"defaults.agent.opencode.image", KEY_STRING, NULL,
		"Image of `opencode` agents; not set means `pylon/agent-opencode`.", LIVE,
		.check = check_image},
	[G_DEFAULTS_AGENT_OPENCODE_AUTH] = {"defaults.agent.opencode.auth", KEY_WORD, "none",
		"An `opencode` agent gets its provider's key whenever there is one; `api_key` warns "
		"when there is none.",
		auths, LIVE},
	[G_DEFAULTS_AGENT_OPENCODE_PROVIDER] = {"defaults.agent.opencode.provider", KEY_STRING,
		NULL,
		"Provider of `opencode` agents whose pylon names none: `anthropic`, `openai`, "
		"`google` ...",
		LIVE, .check = check_provider},
	CHANNEL_ROWS(G_CHANNEL, "defaults.channel.", true),
	[G_AGENT_BASE_IMAGE] = {"agent.base_image", KEY_STRING, NULL,
		"What agent images are built from; not set means `$PYLON_BASE_IMAGE`, else "
		"`" BASE_IMAGE_DEFAULT "`.",
		RESTART, .check = check_image},
	[G_RETENTION_JOBS] = {"retention.jobs", KEY_DURATION, "90d",
		"How long a finished job is kept.", LIVE, .max = DURATION_MAX},
	[G_RETENTION_LOGS] = {"retention.logs", KEY_DURATION, "30d",
		"How long the log of a finished job is kept.", LIVE, .max = DURATION_MAX},
	[G_RETENTION_WORKSPACES] = {"retention.workspaces", KEY_DURATION, "7d",
		"How long the workspace of a finished job is kept.", LIVE, .max = DURATION_MAX},
	[G_RETENTION_DEDUPE] = {"retention.dedupe", KEY_DURATION, "7d",
		"How long a delivery id is remembered.", LIVE, .max = DURATION_MAX},
	[G_DAEMON_ON_STOP] = {"daemon.on_stop", KEY_WORD, "detach",
		"What happens to runs when the daemon stops: they go on, or are stopped.", on_stop,
		LIVE},
	[G_DAEMON_GRACE] = {"daemon.grace", KEY_DURATION, "30s",
		"With `stop`: how long they may take.", LIVE, .max = SECONDS(3600)},
	[G_DAEMON_MAX_BACKGROUND] = {"daemon.max_background", KEY_INT, NULL,
		"Background commands and subagents at the same time; more wait. Not set means any "
		"number.",
		LIVE, .min = 1, .max = 1000000},
	[G_DAEMON_AGENT_COMMAND] = {"daemon.agent.command", KEY_COMMAND, NULL,
		"What a subagent on this machine is, as a list of words; model, tools, session and "
		"prompt follow as Claude Code takes them. Not set means `claude --print "
		"--output-format stream-json --verbose`.",
		LIVE},
	[G_DAEMON_IPC_SOCKET_PATH] = {"daemon.ipc.socketPath", KEY_STRING, NULL,
		"Path of the local socket; the daemon's other files lie beside it. A relative path "
		"begins at `$PYLON_HOME`; the environment and `--socket` win over it.",
		RESTART},
	[G_DASHBOARD_LISTEN] = {"dashboard.listen", KEY_STRING, NULL,
		"Another address for the dashboard." LATER, RESTART},
	[G_LOG_FORMAT] = {"log.format", KEY_WORD, "auto",
		"Form of log lines; `auto` is `systemd` under systemd, else `text`.", log_formats,
		LIVE},
	[G_LOG_LEVEL] = {"log.level", KEY_WORD, "info",
		"The least important lines that are written.", log_levels, LIVE},
};

static const struct key pylon_keys[] = {
	[P_NAME] = {"name", KEY_STRING, NULL,
		"Required; as the folder is called, which is what counts.", LIVE},
	[P_DESCRIPTION] = {"description", KEY_STRING, NULL, "For people.", LIVE},
	[P_DISABLED] = {"disabled", KEY_BOOL, "false", "Keeps the pylon without running it.", LIVE},
	[P_CREATED] = {"created", KEY_TIMESTAMP, NULL,
		"When it was made; schedules without a fixed time of day count from it.", LIVE},
	[P_TRIGGER_TYPE] = {"trigger.type", KEY_WORD, "manual",
		"What starts it; `manual` is `pylon trigger` or the API only.", trigger_types,
		LIVE},
	[P_TRIGGER_PATH] = {"trigger.path", KEY_STRING, NULL,
		"Path that senders POST to; required for `webhook`, and one pylon's alone.", LIVE,
		.check = check_webhook_path},
	[P_TRIGGER_SECRET] = {"trigger.secret", KEY_SECRETS, NULL,
		"What senders sign with; of several any one may match. Not set means unsigned.",
		LIVE},
	[P_TRIGGER_SIGNATURE] = {"trigger.signature", KEY_WORD, NULL,
		"How requests are signed; not set means by `trigger.signature_header`. `hex` and "
		"`token` need that header, too.",
		recipes, LIVE},
	[P_TRIGGER_SIGNATURE_HEADER] = {"trigger.signature_header", KEY_STRING, NULL,
		"Header that holds the signature.", LIVE, .check = check_header_name},
	[P_TRIGGER_TOLERANCE] = {"trigger.tolerance", KEY_DURATION, NULL,
		"How far a signed timestamp may be off; not set means the recipe's own.", LIVE,
		.max = DURATION_MAX},
	[P_TRIGGER_DEDUPE] = {"trigger.dedupe", KEY_HEADER, NULL,
		"Header with the sender's delivery id, or a template that renders to it; not set "
		"means the recipe's own header.",
		LIVE},
	[P_TRIGGER_MAX_BODY] = {"trigger.max_body", KEY_SIZE, NULL,
		"Largest body; not set means `server.max_body`.", .min = 1, .max = BODY_MAX_LIMIT,
		LIVE},
	[P_TRIGGER_PUBLIC_URL] = {"trigger.public_url", KEY_STRING, NULL,
		"Takes the place of `server.public_url`.", LIVE, .check = check_http_url},
	[P_TRIGGER_IF] = {"trigger.if", KEY_TEMPLATE, NULL,
		"The pylon runs only when this renders to something other than nothing, `false`, "
		"`0` or `<no value>`.",
		LIVE},
	[P_TRIGGER_CRON] = {"trigger.cron", KEY_STRING, NULL,
		"When a `cron` trigger fires, as a cron expression such as `0 9 * * 1-5`.", LIVE},
	[P_TRIGGER_SCHEDULE] = {"trigger.schedule", KEY_STRING, NULL,
		"In place of `trigger.cron`: a phrase such as `every weekday at 9`, or a cron "
		"expression.",
		LIVE},
	[P_TRIGGER_TIMEZONE] = {"trigger.timezone", KEY_STRING, NULL,
		"Its time zone, such as `Europe/Berlin`, or `Local` for the machine's; not set means "
		"`defaults.timezone`.",
		LIVE},
	[P_TRIGGER_CATCH_UP] = {"trigger.catch_up", KEY_WORD, "last",
		"Which of the moments that were missed run late.", catch_up, LIVE},
	[P_TRIGGER_CATCH_UP_WINDOW] = {"trigger.catch_up_window", KEY_DURATION, "15m",
		"How late they may run.", LIVE, .max = DURATION_MAX},
	[P_TRIGGER_OVERLAP] = {"trigger.overlap", KEY_WORD, "skip",
		"What happens when it fires and its last run still goes on.", overlaps, LIVE},
	[P_TRIGGER_JITTER] = {"trigger.jitter", KEY_DURATION, "0",
		"Each run starts later by a random time up to this, at most 24h.", LIVE,
		.max = JITTER_MAX},
	[P_WORKSPACE_TYPE] = {"workspace.type", KEY_WORD, "git-clone",
		"Folder that the agent works in: a clone of `repo`, a checkout that borrows from a "
		"cache shared by all jobs, a folder of this machine, or an empty one. Without a "
		"`repo` the `git-...` types are an empty one, too.",
		workspace_types, LIVE},
	[P_WORKSPACE_PATH] = {"workspace.path", KEY_STRING, NULL,
		"With `local`: the folder, absolute or with `~`.", LIVE},
	[P_WORKSPACE_REPO] = {"workspace.repo", KEY_TEMPLATE, NULL,
		"Repository of the `git-...` types.", LIVE},
	[P_WORKSPACE_REF] = {"workspace.ref", KEY_TEMPLATE, "main", "Its branch, tag or commit.",
		LIVE},
	[P_AGENT_TYPE] = {"agent.type", KEY_WORD, NULL,
		"Which agent; not set means `defaults.agent.type`.", schema_agent_types, LIVE},
	[P_AGENT_PROMPT] = {"agent.prompt", KEY_TEMPLATE, "", "What the agent is told.", LIVE},
	[P_AGENT_IMAGE] = {"agent.image", KEY_STRING, NULL,
		"Image; not set means the type's. Required for `command`.", LIVE,
		.check = check_image},
	[P_AGENT_COMMAND] = {"agent.command", KEY_COMMAND, NULL,
		"With `command`: a line for `/bin/sh -c`, or a list of words.", LIVE},
	[P_AGENT_ENV] = {"agent.env", KEY_MAP, NULL, "Environment of the agent.", LIVE},
	[P_AGENT_VOLUMES] = {"agent.volumes", KEY_LIST, NULL,
		"`source:target[:ro|rw]`; the source absolute or with `~`, read-only unless `rw`.",
		LIVE},
	[P_AGENT_TIMEOUT] = {"agent.timeout", KEY_DURATION, NULL,
		"Time limit of a run; not set means `docker.default_timeout`, 0 no limit.", LIVE,
		.max = DURATION_MAX},
	[P_AGENT_MAX_CONCURRENT] = {"agent.max_concurrent", KEY_INT, "0",
		"Runs of this pylon at the same time, within `docker.max_concurrent`; 0 means no "
		"limit of its own.",
		.min = 0, .max = 1000000, LIVE},
	[P_AGENT_RETRIES] = {"agent.retries", KEY_INT, "0",
		"How often a failed, timed-out or lost run is repeated.", .min = 0, .max = 100,
		LIVE},
	[P_AGENT_RETRY_BACKOFF] = {"agent.retry_backoff", KEY_DURATION, "30s",
		"Pause before the first repetition; doubled each time, at most 1h.", LIVE,
		.max = SECONDS(3600)},
	[P_AGENT_MEMORY] = {"agent.memory", KEY_SIZE, "2GiB", "Memory limit.", .min = MIB(6),
		.max = INT64_C(1) << 50, LIVE},
	[P_AGENT_CPUS] = {"agent.cpus", KEY_FLOAT, "2", "Processor limit.", .min = 10,
		.max = 1024000, LIVE},
	[P_AGENT_PIDS] = {"agent.pids", KEY_INT, "512", "Limit of processes and threads.", .min = 1,
		.max = 4194304, LIVE},
	[P_AGENT_NETWORK] = {"agent.network", KEY_WORD, "bridge", "Network of the container.",
		networks, LIVE},
	[P_AGENT_READ_ONLY] = {"agent.read_only", KEY_BOOL, "false",
		"The image cannot be written to.", LIVE},
	[P_AGENT_AUTH] = {"agent.auth", KEY_WORD, NULL,
		"How the agent signs in to its model API, see above; not set means `api_key` if there is "
		"an `agent.api_key`, else the default of its type.",
		auths, LIVE},
	[P_AGENT_PROVIDER] = {"agent.provider", KEY_STRING, NULL,
		"Provider of an `opencode` agent: `anthropic`, `openai`, `google` ...; not set means "
		"`defaults.agent.opencode.provider`.",
		LIVE, .check = check_provider},
	[P_AGENT_API_KEY] = {"agent.api_key", KEY_SECRET, NULL,
		"Key for the model API; not set means the provider's usual variable.", LIVE},
	[P_AGENT_BASE_IMAGE] = {"agent.base_image", KEY_STRING, NULL,
		"Does nothing here: pylons share their images. It belongs in config.yaml.", LIVE,
		.check = check_image},
	[P_AGENT_OAUTH_PATH] = {"agent.oauth_path", KEY_IGNORED, NULL, "Ignored.", LIVE},
	CHANNEL_ROWS(P_CHANNEL, "channel.", true),
	[P_CHANNEL_TOPIC] = {"channel.topic", KEY_TEMPLATE, NULL,
		"Title of a job's messages; not set means name and short id.", LIVE},
	[P_CHANNEL_MESSAGE] = {"channel.message", KEY_TEMPLATE, NULL,
		"Told when a job is accepted, and in the question for approval.", LIVE},
	[P_CHANNEL_APPROVAL] = {"channel.approval", KEY_BOOL, "false",
		"A person must approve each job before it runs.", LIVE},
	[P_CHANNEL_APPROVAL_TIMEOUT] = {"channel.approval_timeout", KEY_DURATION, "24h",
		"After that the job is `expired`.", LIVE, .min = US_PER_SEC, .max = DURATION_MAX},
	[P_CHANNEL_ON] = {"channel.on", KEY_LIST, NULL,
		"States that are told, such as `[completed, failed]`; not set means all that end a "
		"job.",
		LIVE},
};

const struct schema schema_global = {"config.yaml", global_keys, G_KEYS, &schema_pylon};
const struct schema schema_pylon = {"pylon.yaml", pylon_keys, P_KEYS, &schema_global};

_Static_assert(ARRAY_LEN(global_keys) == G_KEYS, "a key of config.yaml has no row");
_Static_assert(ARRAY_LEN(pylon_keys) == P_KEYS, "a key of pylon.yaml has no row");

const struct key *schema_find(const struct schema *s, const char *path)
{
	for (size_t i = 0; i < s->count; i++) {
		if (str_eq(s->keys[i].path, path))
			return &s->keys[i];
	}
	return NULL;
}

const char *schema_below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	if (n == 0)
		return path;
	return strncmp(path, prefix, n) == 0 && path[n] == '.' ? path + n + 1 : NULL;
}

bool schema_has_section(const struct schema *s, const char *path)
{
	for (size_t i = 0; i < s->count; i++) {
		if (schema_below(s->keys[i].path, path))
			return true;
	}
	return false;
}
