/* SPDX-License-Identifier: MIT */
/*
 * The configuration of background work. Its jobs say themselves what is to be done; what is left
 * for a configuration is how many run at once, and that nobody hears of them but who asks.
 */
#include "config/config-internal.h"

#define RUNTIME_CONFIG_NAME "(runtime)" /* no name of a pylon has brackets */

struct pylon_config *config_runtime(const struct config *c)
{
	struct pylon_config *p = xcalloc(1, sizeof(*p));

	p->refs = 1;
	p->name = xstrdup(RUNTIME_CONFIG_NAME);
	p->file = xstrdup("");
	p->trigger = TRIGGER_MANUAL;
	p->workspace = WORKSPACE_NONE;
	p->channel.type = CHANNEL_STDOUT;
	p->channel.type_name = xstrdup("stdout");
	strv_add(&p->on, "nothing"); /* no state is called so */
	p->agent_type = xstrdup("process");
	p->network = xstrdup("none");
	p->prompt = template_compile(SLICE_NULL, NULL);
	p->max_concurrent = c->max_background;
	return p;
}
