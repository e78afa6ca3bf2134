/* SPDX-License-Identifier: MIT */
/*
 * config/yaml-internal.h - from the bytes of one file to a small tree that knows its positions, and
 * the list into which everything that is wrong with the file goes.
 *
 * The tree is plain: aliases are copied where they stand, every scalar keeps its text and its
 * style (what is in quotes is a string), every node its line and column from 1.
 */
#ifndef PYLON_CONFIG_YAML_INTERNAL_H
#define PYLON_CONFIG_YAML_INTERNAL_H

#include "base/str.h"
#include "config/config.h"

/* --- what is wrong --- */

#define REPORT_MAX 50 /* problems told of one file */

/* Collects the problems of one file; `file` is borrowed. */
struct report {
	struct problems *problems;
	const char *file;
	struct slice text; /* of the file, borrowed: places inside values are looked up in it */
	size_t first;      /* where this file's problems begin in the list */
	size_t left_out;   /* problems beyond REPORT_MAX */
	bool is_fatal;     /* there is one that is not a warning */
};

struct report report_start(struct problems *p, const char *file);
/* Sorts what was told by position; of more than REPORT_MAX only the number is told. */
void report_finish(struct report *r);
void report_problem(struct report *r, int line, int column, const char *fmt, ...) PRINTF(4, 5);

struct node;
/* The same at a node's place; NULL = the whole file. */
void report_at(struct report *r, const struct node *at, const char *fmt, ...) PRINTF(3, 4);
void report_warning(struct report *r, const struct node *at, const char *fmt, ...) PRINTF(3, 4);
/* What is wrong with `key` at the byte `offset` of a scalar's text: told at that very place of the
 * file wherever it can be found. `what` is cleaned. */
void report_inside(
	struct report *r, const struct node *at, size_t offset, const char *key, const char *what);
/* Foreign text made fit to be quoted in a message: cleaned, and cut when long. Heap. */
char *report_quote(const char *text);

/* --- the tree --- */

enum node_kind {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP,
};

enum node_style {
	STYLE_PLAIN,
	STYLE_QUOTED,
	STYLE_LITERAL, /* | */
	STYLE_FOLDED,  /* > */
};

struct node_item {
	char *key;        /* NULL in lists */
	int line, column; /* of the key */
	size_t begin;     /* byte of the file at which the key begins */
	bool is_quoted;   /* the key is */
	struct node *value;
};

struct node {
	enum node_kind kind;
	enum node_style style;
	int line, column;
	/* Bytes of the file: scalars, aliases and flow collections. A block collection has no end
	 * of its own (0). */
	size_t begin, end;
	bool is_alias;  /* a copy made for an alias, or below one */
	bool has_props; /* an anchor or a tag stands before it */
	bool is_flow;   /* [] or {} */
	char *text;     /* scalars; no NUL inside */
	struct node_item *items;
	size_t n;
};

/* Reads one document of at most YAML_MAX bytes. NULL when there is a problem (then in r). A
 * document without anything in it is a null scalar at 0:0. */
struct node *yaml_read(struct report *r, struct slice text);
void node_free(struct node *n);
DEFINE_FREEP(struct node, node_free)
/* Appends to a list or map; the item's key (NULL in lists) and value are taken. */
void node_add(struct node *parent, struct node_item item);
/* Plain nothing, ~ or null: as if the key were not there. NULL is null too. */
bool node_is_null(const struct node *n);
/* Do they say the same? Places do not count, nor does the kind of quotes. */
bool node_equal(const struct node *a, const struct node *b);
/* Where in `file` the byte `offset` of a scalar's text stands (its length = right behind it). False
 * when that cannot be told: copies of aliases, and what has an anchor or a tag. (place.c) */
bool node_place(
	const struct node *n, struct slice file, size_t offset, int *ret_line, int *ret_column);

#endif
