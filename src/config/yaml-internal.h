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
	size_t first;  /* where this file's problems begin in the list */
	bool is_fatal; /* there is one that is not a warning */
};

struct report report_start(struct problems *p, const char *file);
/* Sorts what was told by position; at most REPORT_MAX of a file are kept. */
void report_finish(struct report *r);
void report_problem(struct report *r, int line, int column, const char *fmt, ...) PRINTF(4, 5);

struct node;
/* The same at a node's place; NULL = the whole file. */
void report_at(struct report *r, const struct node *at, const char *fmt, ...) PRINTF(3, 4);
void report_warning(struct report *r, const struct node *at, const char *fmt, ...) PRINTF(3, 4);
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
	struct node *value;
};

struct node {
	enum node_kind kind;
	enum node_style style;
	int line, column;
	bool is_alias;    /* a copy made for an alias */
	bool is_verbatim; /* one line, and its bytes stand in the file as they are in `text` */
	int indent;       /* STYLE_LITERAL: columns before the text */
	char *text;       /* scalars; no NUL inside */
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

#endif
