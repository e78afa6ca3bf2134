// SPDX-License-Identifier: MIT
/*
 * Claude Code as an agent: `claude --print` with its event stream.
 *
 * The last event has the type "result" and tells text, session, cost and usage, or what went wrong;
 * trouble with the API is an ordinary result with is_error and api_error_status. Which login is
 * used is left to Claude Code (ANTHROPIC_API_KEY, or ~/.claude/.credentials.json, or one of its
 * other ways); only its refusals are put in words that fit here.
 */
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const { main, oneLine, say } = require("./agent.js");

// What API statuses mean to whoever reads the failure.
const STATUS_TEXTS = {
	401: "the model API refused the key or login (401); see agent.auth and agent.api_key",
	403: "the model API refused the key or login (403); see agent.auth and agent.api_key",
	429: "the model API limits the rate (429); try again later",
	529: "the model API is overloaded (529); try again later",
};

// What a session has cost so far: a result tells the cost of the whole session and the usage of one
// run. The last line of its transcript that knows the sum counts; none is 0.
function costBefore(session) {
	const config = process.env.CLAUDE_CONFIG_DIR ?? path.join(process.env.HOME ?? "", ".claude");
	const projects = path.join(config, "projects");
	let cost = 0;

	try {
		for (const project of fs.readdirSync(projects)) {
			const file = path.join(projects, project, `${session}.jsonl`);

			if (!fs.existsSync(file))
				continue;
			for (const [, sum] of fs.readFileSync(file, "utf8").matchAll(/"totalCostUSD":([0-9.e+-]+)/g))
				cost = Number(sum) || 0;
		}
	} catch {
		// There is no session yet.
	}
	return cost;
}

class Claude {
	command = "claude";
	costBefore = 0;
	session = null;
	result = null;
	hasNoLogin = false;

	args() {
		const session = process.env.SESSION_ID;

		// As root it does not skip permissions unless it is told that there is a wall.
		if (process.getuid() === 0)
			process.env.IS_SANDBOX ??= "1";
		if (session)
			this.costBefore = costBefore(session);
		return [
			"--print", "--output-format", "stream-json", "--verbose",
			// The container is the wall; there is nobody to ask.
			"--dangerously-skip-permissions",
			...(session ? ["--resume", session] : []),
		];
	}

	onEvent(event, tools) {
		this.session = event.session_id ?? this.session;
		if (event.type === "assistant")
			this.onMessage(event, tools);
		else if (event.type === "result")
			this.result = event;
		else if (event.type === "system" && event.subtype === "api_retry")
			say(`the model API is in trouble (${event.error_status ?? event.error}); ` +
				`try ${event.attempt} of ${event.max_retries}`);
	}

	onMessage(event, tools) {
		this.hasNoLogin = event.error === "authentication_failed" && !event.api_error_status;
		for (const part of event.message?.content ?? []) {
			if (part.type === "tool_use")
				tools.add(part.name, part.input);
			// What helpers say goes to the one who asked them.
			else if (part.type === "text" && !event.parent_tool_use_id)
				console.log(part.text);
		}
	}

	isDone() {
		return this.result !== null;
	}

	output() {
		const { result, total_cost_usd, usage } = this.result ?? {};
		// A sum that is smaller than before was not made of it.
		const own = total_cost_usd >= this.costBefore ? total_cost_usd - this.costBefore : total_cost_usd;

		return { result: this.error() === null ? result ?? "" : "",
			session_id: this.session ?? undefined, total_cost_usd: own, usage };
	}

	error() {
		const { is_error, api_error_status, result, errors, subtype } = this.result ?? {};
		const text = oneLine([result, ...(errors ?? [])].filter(Boolean).join("; "), 1000);

		if (!is_error && (subtype ?? "success") === "success")
			return null;
		if (STATUS_TEXTS[api_error_status])
			return `${STATUS_TEXTS[api_error_status]}: ${text}`;
		if (this.hasNoLogin)
			return `there is no login for the model API: set agent.api_key (ANTHROPIC_API_KEY), ` +
				`or use agent.auth: oauth: ${text}`;
		if (text.includes("No conversation found"))
			return `the session cannot be continued: ${text}`;
		return text || `claude gave up: ${subtype}`;
	}
}

main(new Claude());
