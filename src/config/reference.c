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
	"are comments. Keep them at mode 0600.\n"
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
	print_schema(out, &schema_global);
	print_schema(out, &schema_pylon);
}
