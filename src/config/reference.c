/* SPDX-License-Identifier: MIT */
/*
 * The reference page, from the tables. What the tables cannot say (how values are written, where
 * variables come from) stands here as text.
 */
#include "base/limits.h"
#include "calendar/duration.h"
#include "config/schema-internal.h"

static const char intro[] =
	"# Configuration\n"
	"\n"
	"<!-- Generated from the tables in src/config/schema.c; a test compares it with them. -->\n"
	"\n"
	"Everything lies in `$PYLON_HOME` (`~/.pylon` unless the variable says otherwise):\n"
	"\n"
	"| file | what it holds |\n"
	"|---|---|\n"
	"| `config.yaml`, or `config.json` | settings of the daemon and defaults of all pylons; may be "
	"missing |\n"
	"| `.env` | variables for it and for all pylons |\n"
	"| `pylons/NAME/pylon.yaml` | one pylon; NAME is 1-63 of `a-z 0-9 . _ -` |\n"
	"| `pylons/NAME/.env` | variables of this pylon alone |\n"
	"\n"
	"`pylon check` reads all of it and prints what is wrong as `file:line:column: text`. A file with "
	"a problem never replaces a configuration that works, and a broken pylon leaves the others "
	"alone. Unknown keys are problems. Of pylons with the same `trigger.path` all are broken, unless "
	"all but one are disabled.\n"
	"\n"
	"## How values are written\n"
	"\n"
	"* Files are YAML (so JSON too): at most %zu KiB, %d levels, %d expansions of aliases, one "
	"document, no key twice. Text in quotes is text: `port: \"80\"` is no number.\n"
	"* A **duration** is `30s`, `1h30m`, `1.5h`, `7d`, `2w`; a bare number is refused, but for 0.\n"
	"* A **size** is `512KiB`, `1MiB`, `2GiB` (or `K`, `M`, `G`, which mean the same).\n"
	"* A **template** is text with `{{ .body.path }}` in it, filled in from the event. A mistake in one "
	"is told at its place in the file.\n"
	"* A **secret** and every value of a **map** may have `$NAME` or `${NAME}` in it; `$$` is a "
	"dollar. The pylon's own `.env` is asked first, then the environment of the process, then the "
	"home's `.env`. A variable that is set nowhere is a problem, an empty secret too. Other values "
	"are taken as they are.\n"
	"* `.env` files have lines of `NAME=VALUE`: no quotes, no `export`; lines that begin with `#` "
	"are comments. Keep them at mode 0600.\n";

static const char agents[] =
	"\n"
	"## How an agent signs in\n"
	"\n"
	"A `claude` agent signs in as `agent.auth` says; else with `agent.api_key` if the pylon has one; "
	"else as `defaults.agent.claude.auth` says.\n"
	"\n"
	"| `agent.auth` | a `claude` agent signs in |\n"
	"|---|---|\n"
	"| `oauth` | with your own login; no key is handed to it |\n"
	"| `api_key`, or `api-key` | with `ANTHROPIC_API_KEY` |\n"
	"| `none` | with what its image and `agent.env` have |\n"
	"\n"
	"An `opencode` agent has a provider: `agent.provider`, else `defaults.agent.opencode.provider`. It "
	"is told as `OPENCODE_PROVIDER`, and its key as `OPENAI_API_KEY`, `ANTHROPIC_API_KEY`, "
	"`GOOGLE_API_KEY`, or whatever the provider is called: in capitals, with `_` for all but letters "
	"and digits, and `_API_KEY` behind it. It gets that key whenever there is one, even with `none`. "
	"Without a provider it gets no key. `command` and `mock` agents get a key only if their pylon has "
	"both `agent.provider` and `agent.api_key`.\n"
	"\n"
	"The key is `agent.api_key`, else the variable of that name, looked up as above. Without any there "
	"is a warning and the agent starts without: its image may have one. A variable of the same name "
	"in `agent.env` always wins.\n"
	"\n"
	"What is new for old files: any other word as `auth` meant a key; it is refused now, so that a "
	"typing mistake does not change the account that pays, so write `api_key`. And an `agent.api_key` "
	"of a `claude` agent did nothing unless `agent.auth` was written, too.\n"
	"\n"
	"## What is kept out of sight\n"
	"\n"
	"Secrets are not printed. In what an agent says, too, Pylon looks for the secrets of its pylon: every "
	"key written as *secret* here, what variables were replaced by, what the two `.env` files hold, "
	"and plain texts in a map whose name ends like a secret's (`..._KEY`, `..._TOKEN`, `..._PASSWORD`, "
	"`Authorization` ...). A setting that may be seen is therefore best written plainly, and not into a "
	"`.env` file.\n"
	"\n"
	"## Volumes\n"
	"\n"
	"A source is judged behind its links. Refused are `/`, `/etc`, `/root`, `/boot`, all of `/proc`, "
	"`/sys` and `/dev`, the engine's socket, `$PYLON_HOME`, what lies above these two, and in "
	"`$PYLON_HOME` the configuration, `jobs`, `repos`, `sessions` and `daemon`. A folder of a pylon's own, "
	"such as `pylons/NAME/skills`, is fine. The same holds for `workspace.path`. Targets are free but "
	"for `/`, `/workspace` and `/run/pylon`; a volume at `/home/pylon/.claude` or `/home/pylon/.opencode-data` "
	"takes the place of the folder in which Pylon keeps the agent's sessions.\n";

static const char changes[] =
	"\n"
	"## When a change counts\n"
	"\n"
	"The column *taken over* says when:\n"
	"\n"
	"* **at once**: a running daemon notices by itself that a `pylon.yaml` or a `.env` file has "
	"changed. Jobs that have begun keep what they began with. While a file has a problem the daemon "
	"goes on with what it had, and `pylon list` says what is wrong.\n"
	"* **reload**: after `pylon reload` (or SIGHUP). A `config.yaml` with a problem is not taken over "
	"at all.\n"
	"* **restart**: after a restart of the daemon; a reload names the keys that wait for one.\n"
	"\n"
	"`pylon enable NAME` and `pylon disable NAME` change nothing but the key `disabled`, and no other "
	"byte of the file. `pylon config show [NAME]` prints every key with its value in force and where "
	"that comes from; `pylon config schema` prints a JSON Schema for editors.\n";

static const char *const type_names[] = {
	[KEY_STRING] = "text",
	[KEY_SECRET] = "secret",
	[KEY_SECRETS] = "secret, or list of them",
	[KEY_BOOL] = "true or false",
	[KEY_INT] = "number",
	[KEY_FLOAT] = "number",
	[KEY_SIZE] = "size",
	[KEY_DURATION] = "duration",
	[KEY_TEMPLATE] = "template",
	[KEY_HEADER] = "header name or template",
	[KEY_LIST] = "list",
	[KEY_COMMAND] = "text or list",
	[KEY_MAP] = "map",
	[KEY_WORD] = "", /* its words */
	[KEY_TIMESTAMP] = "time",
	[KEY_BLOCK] = "section",
	[KEY_IGNORED] = "ignored",
};

static void print_bounds(struct buf *out, const struct key *k)
{
	if (k->type == KEY_INT && k->min > INT32_MIN && k->max < INT32_MAX)
		buf_printf(out, ", %lld-%lld", (long long)k->min, (long long)k->max);
	else if (k->type == KEY_FLOAT)
		buf_printf(out, ", %g-%g", (double)k->min / 1000, (double)k->max / 1000);
	else if (k->type == KEY_SIZE && k->max <= (int64_t)BODY_MAX_LIMIT)
		buf_printf(out, ", at most %lldMiB", (long long)(k->max >> 20));
	else if (k->type == KEY_SIZE && k->min > 1)
		buf_printf(out, ", at least %lldMiB", (long long)(k->min >> 20));
}

static void print_type(struct buf *out, const struct key *k)
{
	buf_add_str(out, type_names[k->type]);
	for (size_t i = 0; k->words && k->words[i]; i++)
		buf_printf(out, "%s`%s`", i ? " " : "", k->words[i]);
	print_bounds(out, k);
}

static const char *taken_over(const struct schema *s, const struct key *k)
{
	if (s == &schema_pylon)
		return "at once";
	return k->is_live ? "reload" : "restart";
}

static void print_row(struct buf *out, const struct schema *s, const struct key *k)
{
	buf_printf(out, "| `%s` | ", k->path);
	print_type(out, k);
	if (k->fallback && k->fallback[0] != '\0')
		buf_printf(out, " | `%s` | ", k->fallback);
	else
		buf_printf(out, " | %s | ", k->fallback ? "empty" : "not set");
	for (const char *c = k->help; *c; c++) {
		if (*c == '|')
			buf_add_char(out, '\\');
		buf_add_char(out, *c);
	}
	buf_printf(out, " | %s |\n", taken_over(s, k));
}

static void print_schema(struct buf *out, const struct schema *s)
{
	buf_printf(out, "\n## %s\n\n", s->file);
	buf_add_str(out,
		"| key | written as | default | meaning | taken over |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < s->count; i++)
		print_row(out, s, &s->keys[i]);
}

void config_reference(struct buf *out)
{
	/* The text is ours and constant; only its three numbers are filled in. */
	buf_printf(out, intro, YAML_MAX >> 10, YAML_DEPTH_MAX, YAML_ALIASES_MAX);
	buf_add_str(out, agents);
	buf_add_str(out, changes);
	print_schema(out, &schema_global);
	print_schema(out, &schema_pylon);
}
