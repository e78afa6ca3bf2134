/* SPDX-License-Identifier: MIT */
/*
 * One value from its node, by its type: a function for each, in one table.
 *
 * A scalar counts by its style: what is in quotes is text and never a number or a boolean, what is
 * plain may be any text too. An empty text where a text, word, size or duration belongs is the same
 * as leaving the key out, since old files have such lines; an empty secret is never fine.
 *
 * What may be secret (secrets, maps) is never quoted in a message.
 */
#include "base/limits.h"
#include "calendar/duration.h"
#include "calendar/instant.h"
#include "config/schema-internal.h"

/* What the functions below get: who reads which key from where. */
struct reading {
	const struct form *form;
	const struct key *key;
	const struct node *node;
};

static bool refuse(const struct reading *rd, const char *what)
{
	CLEANUP(freep) char *quoted = NULL;

	if (rd->node->kind != NODE_SCALAR) {
		report_at(rd->form->report, rd->node, "`%s` must be %s, not a %s", rd->key->path,
			what, rd->node->kind == NODE_LIST ? "list" : "section");
		return false;
	}
	quoted = report_quote(rd->node->text);
	report_at(rd->form->report, rd->node, "`%s` must be %s, not %s%s%s", rd->key->path, what,
		rd->node->style == STYLE_PLAIN ? "`" : "the text \"", quoted,
		rd->node->style == STYLE_PLAIN ? "`" : "\"");
	return false;
}

static bool is_plain(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->style == STYLE_PLAIN;
}

/* --- text --- */

static bool read_string(const struct reading *rd, struct value *v)
{
	const char *wrong;

	if (rd->node->kind != NODE_SCALAR)
		return refuse(rd, "a text");
	wrong = rd->key->check ? rd->key->check(rd->node->text) : NULL;
	if (wrong) {
		report_at(rd->form->report, rd->node, "`%s` %s", rd->key->path, wrong);
		return false;
	}
	v->text = xstrdup(rd->node->text);
	return true;
}

static const char *nearest_word(const char *const *words, const char *text)
{
	const char *best = NULL;
	unsigned best_distance = 3;

	for (size_t i = 0; strlen(text) < 32 && words[i]; i++) {
		unsigned d = str_distance(text, words[i]);

		if (d < best_distance && d < strlen(text)) {
			best = words[i];
			best_distance = d;
		}
	}
	return best;
}

static bool read_word(const struct reading *rd, struct value *v)
{
	CLEANUP(buf_fini) struct buf list = BUF_NULL;
	CLEANUP(freep) char *quoted = NULL;
	const char *near;

	if (rd->node->kind != NODE_SCALAR)
		return refuse(rd, "a word");
	for (size_t i = 0; rd->key->words[i]; i++) {
		if (str_eq(rd->key->words[i], rd->node->text)) {
			v->text = xstrdup(rd->node->text);
			return true;
		}
		buf_printf(&list, "%s%s", i ? ", " : "", rd->key->words[i]);
	}
	quoted = report_quote(rd->node->text);
	near = nearest_word(rd->key->words, rd->node->text);
	if (near)
		report_at(rd->form->report, rd->node, "`%s` cannot be `%s`; did you mean `%s`?",
			rd->key->path, quoted, near);
	else
		report_at(rd->form->report, rd->node, "`%s` cannot be `%s`; it is one of: %s",
			rd->key->path, quoted, buf_str(&list));
	return false;
}

/* Splits "line:column: what"; false when it is not of that form. */
static bool split_template_error(
	const char *text, unsigned *ret_line, unsigned *ret_column, const char **ret_what)
{
	unsigned long line, column;
	char *end;

	line = strtoul(text, &end, 10);
	if (end == text || *end != ':' || line == 0 || line > YAML_MAX)
		return false;
	text = end + 1;
	column = strtoul(text, &end, 10);
	if (end == text || *end != ':' || column == 0 || column > YAML_MAX)
		return false;
	*ret_line = (unsigned)line;
	*ret_column = (unsigned)column;
	*ret_what = end[1] == ' ' ? end + 2 : end + 1;
	return true;
}

/* The byte at which a character stands; lines and columns count from 1. */
static size_t offset_of(const char *text, unsigned line, unsigned column)
{
	const char *p = text;

	for (unsigned i = 1; i < line && strchr(p, '\n'); i++)
		p = strchr(p, '\n') + 1;
	for (unsigned i = 1; i < column && *p != '\0'; i++) {
		do
			p++;
		while (((unsigned char)*p & 0xc0) == 0x80);
	}
	return (size_t)(p - text);
}

static void report_template(const struct reading *rd, const struct err *e)
{
	const struct node *n = rd->node;
	unsigned line, column;
	const char *what;

	if (split_template_error(e->text, &line, &column, &what))
		report_inside(
			rd->form->report, n, offset_of(n->text, line, column), rd->key->path, what);
	else
		report_at(rd->form->report, n, "`%s`: %s", rd->key->path, e->text);
}

static bool read_template(const struct reading *rd, struct value *v)
{
	struct err e = CLEAN_ERR;

	if (rd->node->kind != NODE_SCALAR)
		return refuse(rd, "a text");
	v->template = template_compile(slice_of(rd->node->text), &e);
	if (!v->template) {
		report_template(rd, &e);
		return false;
	}
	v->text = xstrdup(rd->node->text);
	return true;
}

static bool read_header(const struct reading *rd, struct value *v)
{
	const char *wrong;

	if (rd->node->kind != NODE_SCALAR)
		return refuse(rd, "a text");
	if (strstr(rd->node->text, "{{"))
		return read_template(rd, v);
	wrong = check_header_name(rd->node->text);
	if (wrong) {
		report_at(rd->form->report, rd->node, "`%s` %s, or a template with {{ }}",
			rd->key->path, wrong);
		return false;
	}
	v->text = xstrdup(rd->node->text);
	return true;
}

static bool read_timestamp(const struct reading *rd, struct value *v)
{
	if (rd->node->kind != NODE_SCALAR || !instant_parse(slice_of(rd->node->text), &v->number))
		return refuse(rd, "a time such as 2026-01-31T09:00:00Z");
	return true;
}

/* --- numbers --- */

static bool read_bool(const struct reading *rd, struct value *v)
{
	static const char *const yes[] = {"true", "yes", "on", "y"};
	static const char *const no[] = {"false", "no", "off", "n"};

	for (size_t i = 0; is_plain(rd->node) && i < ARRAY_LEN(yes); i++) {
		if (strcasecmp(rd->node->text, yes[i]) == 0) {
			v->number = 1;
			return true;
		}
		if (strcasecmp(rd->node->text, no[i]) == 0) {
			v->number = 0;
			return true;
		}
	}
	return refuse(rd, "true or false without quotes");
}

static bool in_bounds(const struct reading *rd, int64_t number, const char *min, const char *max)
{
	const struct key *k = rd->key;

	if (number >= k->min && number <= k->max)
		return true;
	report_at(rd->form->report, rd->node, "`%s` must be between %s and %s", k->path, min, max);
	return false;
}

static bool read_int(const struct reading *rd, struct value *v)
{
	char min[32], max[32];
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	if (!is_plain(rd->node) || !number_from_int(rd->node->text, &v->number))
		return refuse(rd, "a whole number without quotes");
	buf_printf(&b, "%lld", (long long)rd->key->min);
	(void)str_copy(min, sizeof(min), buf_str(&b));
	buf_clear(&b);
	buf_printf(&b, "%lld", (long long)rd->key->max);
	(void)str_copy(max, sizeof(max), buf_str(&b));
	return in_bounds(rd, v->number, min, max);
}

static bool read_float(const struct reading *rd, struct value *v)
{
	CLEANUP(freep) char *min = xasprintf("%g", (double)rd->key->min / 1000);
	CLEANUP(freep) char *max = xasprintf("%g", (double)rd->key->max / 1000);

	if (!is_plain(rd->node) || !number_from_decimal(rd->node->text, &v->number))
		return refuse(rd, "a number such as 1.5 without quotes");
	v->real = (double)v->number / 1000;
	return in_bounds(rd, v->number, min, max);
}

static bool read_size(const struct reading *rd, struct value *v)
{
	CLEANUP(freep) char *min = number_print_size(rd->key->min);
	CLEANUP(freep) char *max = number_print_size(rd->key->max);

	if (rd->node->kind != NODE_SCALAR || !number_from_size(rd->node->text, &v->number))
		return refuse(rd, "a size such as 512KiB, 100MiB or 2GiB");
	return in_bounds(rd, v->number, min, max);
}

static bool read_duration(const struct reading *rd, struct value *v)
{
	CLEANUP(buf_fini) struct buf min = BUF_NULL;
	CLEANUP(buf_fini) struct buf max = BUF_NULL;
	struct err e = CLEAN_ERR;

	if (rd->node->kind != NODE_SCALAR ||
		duration_parse(slice_of(rd->node->text), &v->number, &e) < 0)
		return refuse(rd, "a length of time such as 30s, 1h30m or 7d");
	duration_print(&min, rd->key->min);
	duration_print(&max, rd->key->max);
	return in_bounds(rd, v->number, buf_str(&min), buf_str(&max));
}

/* --- what is expanded --- */

/* Appends the node's text with its variables; false with the problem told. */
static bool expand(const struct reading *rd, const struct node *n, struct buf *out)
{
	CLEANUP(buf_fini) struct buf name = BUF_NULL;
	struct report *r = rd->form->report;
	int rc = env_expand(rd->form->env, n->text, out, &name);

	if (rc == ENV_E_SYNTAX)
		report_at(r, n,
			"`%s`: between `${` and `}` belongs the name of a variable (`$$` is a "
			"literal dollar)",
			rd->key->path);
	else if (rc == ENV_E_UNSET && name.n == 0)
		report_at(r, n,
			"`%s` names a variable that is not set; write `$$` for a literal dollar",
			rd->key->path);
	else if (rc == ENV_E_UNSET)
		report_at(r, n, "`%s` needs the variable %s, which is not set; add %s=... to %s",
			rd->key->path, buf_str(&name), buf_str(&name), rd->form->env->own_path);
	return rc == 0;
}

static bool expand_secret(const struct reading *rd, const struct node *n, struct buf *out)
{
	if (n->kind != NODE_SCALAR) {
		report_at(rd->form->report, n, "`%s` must be a text", rd->key->path);
		return false;
	}
	if (node_is_null(n) || !expand(rd, n, out)) {
		if (node_is_null(n))
			report_at(rd->form->report, n, "`%s` is empty", rd->key->path);
		return false;
	}
	if (!text_is_blank(buf_slice(out)))
		return true;
	report_at(rd->form->report, n,
		env_has_reference(n->text) ? "`%s` is empty: its variable has no value"
					   : "`%s` is empty",
		rd->key->path);
	return false;
}

static bool read_secret(const struct reading *rd, struct value *v)
{
	CLEANUP(buf_fini) struct buf b = BUF_NULL;

	if (!expand_secret(rd, rd->node, &b))
		return false;
	v->text = buf_steal(&b);
	return true;
}

static bool read_secrets(const struct reading *rd, struct value *v)
{
	const struct node *n = rd->node;

	if (n->kind == NODE_LIST && n->n == 0) {
		report_at(rd->form->report, n, "`%s` is empty", rd->key->path);
		return false;
	}
	for (size_t i = 0; i < (n->kind == NODE_LIST ? n->n : 1); i++) {
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		if (!expand_secret(rd, n->kind == NODE_LIST ? n->items[i].value : n, &b))
			return false;
		strv_take(&v->list, buf_steal(&b));
	}
	return true;
}

static bool name_is_fine(const struct reading *rd, const struct node_item *item)
{
	CLEANUP(freep) char *quoted = NULL;
	const char *c = item->key;

	while (*c > ' ' && *c != '=' && *c != 0x7f)
		c++;
	if (*c == '\0' && item->key[0] != '\0')
		return true;
	quoted = report_quote(item->key);
	report_problem(rd->form->report, item->line, item->column, "`%s` cannot hold the name `%s`",
		rd->key->path, quoted);
	return false;
}

static bool read_map(const struct reading *rd, struct value *v)
{
	if (rd->node->kind != NODE_MAP) {
		report_at(rd->form->report, rd->node, "`%s` must be lines of `NAME: value`",
			rd->key->path);
		return false;
	}
	for (size_t i = 0; i < rd->node->n; i++) {
		const struct node_item *item = &rd->node->items[i];
		CLEANUP(buf_fini) struct buf b = BUF_NULL;

		if (!name_is_fine(rd, item))
			return false;
		if (item->value->kind != NODE_SCALAR) {
			report_at(rd->form->report, item->value, "`%s.%s` must be a text",
				rd->key->path, item->key);
			return false;
		}
		if (!node_is_null(item->value) && !expand(rd, item->value, &b))
			return false;
		strv_addf(&v->list, "%s=%s", item->key, buf_str(&b));
	}
	return true;
}

/* --- lists --- */

static bool read_list(const struct reading *rd, struct value *v)
{
	if (rd->node->kind != NODE_LIST)
		return refuse(rd, "a list");
	for (size_t i = 0; i < rd->node->n; i++) {
		const struct node *item = rd->node->items[i].value;

		if (item->kind != NODE_SCALAR) {
			report_at(rd->form->report, item, "`%s` must be a list of texts",
				rd->key->path);
			return false;
		}
		strv_add(&v->list, item->text);
	}
	return true;
}

static bool read_command(const struct reading *rd, struct value *v)
{
	if (rd->node->kind == NODE_SCALAR) {
		if (text_is_blank(slice_of(rd->node->text)))
			return refuse(rd, "a command");
		strv_add(&v->list, "/bin/sh");
		strv_add(&v->list, "-c");
		strv_add(&v->list, rd->node->text);
		return true;
	}
	if (!read_list(rd, v))
		return false;
	if (v->list.n > 0 && v->list.v[0][0] != '\0')
		return true;
	report_at(rd->form->report, rd->node, "`%s` must begin with the program", rd->key->path);
	return false;
}

static bool read_block(const struct reading *rd, struct value *v UNUSED)
{
	return rd->node->kind == NODE_MAP || refuse(rd, "a section");
}

static bool read_ignored(const struct reading *rd, struct value *v UNUSED)
{
	report_warning(rd->form->report, rd->node, "`%s` is ignored; remove it", rd->key->path);
	return false;
}

static bool (*const readers[])(const struct reading *rd, struct value *v) = {
	[KEY_STRING] = read_string,
	[KEY_SECRET] = read_secret,
	[KEY_SECRETS] = read_secrets,
	[KEY_BOOL] = read_bool,
	[KEY_INT] = read_int,
	[KEY_FLOAT] = read_float,
	[KEY_SIZE] = read_size,
	[KEY_DURATION] = read_duration,
	[KEY_TEMPLATE] = read_template,
	[KEY_HEADER] = read_header,
	[KEY_LIST] = read_list,
	[KEY_COMMAND] = read_command,
	[KEY_MAP] = read_map,
	[KEY_WORD] = read_word,
	[KEY_TIMESTAMP] = read_timestamp,
	[KEY_BLOCK] = read_block,
	[KEY_IGNORED] = read_ignored,
};

void value_fini(struct value *v)
{
	free(v->text);
	strv_fini(&v->list);
	template_free(v->template);
	*v = (struct value){0};
}

bool value_read(const struct form *f, const struct key *k, const struct node *n, struct value *v)
{
	struct reading rd = {f, k, n};
	struct value new = {.node = n};

	if (!readers[k->type](&rd, &new)) {
		value_fini(&new);
		return false;
	}
	value_fini(v);
	*v = new;
	return true;
}
