/* SPDX-License-Identifier: MIT */
/*
 * mcp/methods.c - what can be asked: agreeing on a revision, being alive, and the tools.
 *
 * A client that asks for tools before `initialize` gets them: nothing here depends on the order,
 * and a script is then one line. Revisions: the client's own when we know it, else the newest that
 * we know, and the client decides whether it can live with that (specification, "Lifecycle").
 */
#include "mcp/mcp_internal.h"

static const struct mcp_protocol protocols[] = {
	{"2025-06-18", false}, /* the newest first */
	{"2025-03-26", true},
	{"2024-11-05", true},
};

static const char instructions[] =
	"Durable work on this machine, kept by the Pylon daemon. What is started here goes on when "
	"this session ends and its result stays known: start it, remember the id, and ask for it "
	"later. Pylons are pipelines that people have set up; trigger_pylon starts one as a job.";

static const struct mcp_protocol *agree(const char *wanted)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (str_eq(protocols[i].version, wanted))
			return &protocols[i];
	return &protocols[0];
}

static int run_initialize(struct mcp *m, const struct js *params, struct js **ret, struct err *e)
{
	const char *wanted = js_get_str(params, "protocolVersion");
	struct js *o, *part;

	if (wanted == NULL)
		return err_set(e, RPC_INVALID_PARAMS, "protocolVersion must be a text");
	m->protocol = agree(wanted);
	o = js_object();
	js_set_str(o, "protocolVersion", m->protocol->version);
	part = js_object();
	js_set_take(part, "tools", js_object());
	js_set_take(o, "capabilities", part);
	part = js_object();
	js_set_str(part, "name", "pylon");
	js_set_str(part, "title", "Pylon");
	js_set_str(part, "version", m->version);
	js_set_take(o, "serverInfo", part);
	js_set_str(o, "instructions", instructions);
	*ret = o;
	return 0;
}

static int run_ping(struct mcp *m, const struct js *params, struct js **ret, struct err *e)
{
	(void)m;
	(void)params;
	(void)e;
	*ret = js_object();
	return 0;
}

/* All of them are on the first page. */
static int run_list(struct mcp *m, const struct js *params, struct js **ret, struct err *e)
{
	(void)m;
	if (js_get(params, "cursor") != NULL)
		return err_set(e, RPC_INVALID_PARAMS, "there is no page of that cursor");
	*ret = js_object();
	js_set_take(*ret, "tools", tools_list());
	return 0;
}

static int run_call(struct mcp *m, const struct js *params, struct js **ret, struct err *e)
{
	const char *name = js_get_str(params, "name");
	const struct js *args = js_get(params, "arguments");

	if (name == NULL)
		return err_set(e, RPC_INVALID_PARAMS, "name must be a text");
	if (args != NULL && !js_is_object(args))
		return err_set(e, RPC_INVALID_PARAMS, "arguments must be an object");
	return tools_call(m, name, args, ret, e);
}

static const struct method methods[] = {
	{"initialize", run_initialize},
	{"ping", run_ping},
	{"tools/list", run_list},
	{"tools/call", run_call},
};

const struct method *method_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq(methods[i].name, name))
			return &methods[i];
	return NULL;
}
