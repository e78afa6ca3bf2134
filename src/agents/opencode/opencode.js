// SPDX-License-Identifier: MIT
/*
 * OpenCode as an agent: `opencode run` with its event stream.
 *
 * Its events tell texts, tools, and the cost and tokens of each step. There is no last event, but a
 * step that asked for no tools is the last one. The answer is the text of the last step that has any;
 * what earlier steps say belongs to their tools.
 *
 * Trouble with the API that may pass (429, 5xx) is tried again for ever, and the events do not tell
 * of it; the log on stderr does. So that is read, and after OPENCODE_MAX_RETRIES errors without an
 * event between them the agent is ended.
 */
"use strict";

const { main, oneLine, say } = require("./agent.js");

const RETRIES_DEFAULT = 8; // some three minutes
const STATUS_TEXTS = {
	401: "the model API refused the key (401); see agent.api_key",
	403: "the model API refused the key (403); see agent.api_key",
};

// Lines of the log. The first is about the conversation, not about small helpers such as the one that
// finds titles; the second is the cause of an error event that only says "see the log".
const STREAM_ERROR = /message="stream error".* session\.id=(\S+) small=false .*error="(?:\w+: )?(.*)"$/;
const FAILED = /level=ERROR .*message=failed .*?error="(?:\w+: )?(.*?)"/;

function parseConfig(text) {
	try {
		return JSON.parse(text || "{}");
	} catch {
		throw new Error("with OPENCODE_PROVIDER, OPENCODE_CONFIG_CONTENT must be JSON without comments");
	}
}

// OPENCODE_PROVIDER names the only provider that may be used: otherwise any whose key is at hand,
// and OpenCode's own free models, could be chosen. Other settings in OPENCODE_CONFIG_CONTENT stay.
function chooseProvider() {
	const { OPENCODE_PROVIDER, OPENCODE_CONFIG_CONTENT, GOOGLE_API_KEY } = process.env;

	// Pylon names the variable after the provider; in OpenCode this one is called otherwise.
	if (GOOGLE_API_KEY)
		process.env.GOOGLE_GENERATIVE_AI_API_KEY ??= GOOGLE_API_KEY;
	if (!OPENCODE_PROVIDER)
		return;
	process.env.OPENCODE_CONFIG_CONTENT = JSON.stringify({
		enabled_providers: [OPENCODE_PROVIDER], ...parseConfig(OPENCODE_CONFIG_CONTENT) });
}

class OpenCode {
	command = "opencode";
	session = null;
	steps = []; // texts of each
	isLastStepOver = false;
	cost = 0;
	usage = { input_tokens: 0, output_tokens: 0, reasoning_tokens: 0,
		cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
	failure = null;
	cause = null;
	retries = 0;
	retriesMax = Number(process.env.OPENCODE_MAX_RETRIES || RETRIES_DEFAULT);

	args() {
		const { SESSION_ID, OPENCODE_MODEL } = process.env;

		chooseProvider();
		return [
			"run", "--format", "json", "--print-logs", "--log-level", "ERROR",
			// The container is the wall; there is nobody to ask.
			"--auto",
			...(OPENCODE_MODEL ? ["--model", OPENCODE_MODEL] : []),
			...(SESSION_ID ? ["--session", SESSION_ID] : []),
		];
	}

	onEvent(event, tools) {
		const part = event.part ?? {};

		this.session = event.sessionID ?? this.session;
		this.retries = 0;
		if (event.type === "step_start") {
			this.steps.push([]);
			this.isLastStepOver = false;
		} else if (event.type === "text") {
			this.steps.at(-1)?.push(part.text);
			console.log(part.text);
		} else if (event.type === "tool_use") {
			tools.add(part.tool, part.state?.input);
		} else if (event.type === "step_finish") {
			this.count(part);
			// After tools comes another one.
			this.isLastStepOver = part.reason !== "tool-calls";
		} else if (event.type === "error") {
			this.fail(event.error ?? {});
		}
	}

	count({ cost, tokens }) {
		this.cost += cost ?? 0;
		this.usage.input_tokens += tokens?.input ?? 0;
		this.usage.output_tokens += tokens?.output ?? 0;
		this.usage.reasoning_tokens += tokens?.reasoning ?? 0;
		this.usage.cache_read_input_tokens += tokens?.cache?.read ?? 0;
		this.usage.cache_creation_input_tokens += tokens?.cache?.write ?? 0;
	}

	fail({ name, data }) {
		const text = oneLine(this.cause ?? data?.message ?? name ?? "it does not say why", 1000);
		const { OPENCODE_PROVIDER } = process.env;

		if (STATUS_TEXTS[data?.statusCode])
			this.failure = `${STATUS_TEXTS[data.statusCode]}: ${text}`;
		else if (text.includes("No providers are available"))
			this.failure = `there is no key for the model API of ${OPENCODE_PROVIDER ?? "any provider"}` +
				`; see agent.provider and agent.api_key: ${text}`;
		else
			this.failure = `opencode failed: ${text}`;
	}

	onErrorLine(line) {
		const [, session, trouble] = STREAM_ERROR.exec(line) ?? [];

		this.cause = FAILED.exec(line)?.[1] ?? this.cause;
		if (line.includes("Session not found"))
			this.failure = `the session ${process.env.SESSION_ID} cannot be continued: it is not found`;
		if (trouble === undefined)
			return "go on";
		this.session ??= session;
		this.retries++;
		say(`the model API is in trouble (${oneLine(trouble, 1000)}); failure ${this.retries}`);
		if (this.retries <= this.retriesMax)
			return "go on";
		this.failure = `the model API answered ${this.retries} times with an error: ` +
			oneLine(trouble, 1000);
		return "stop";
	}

	isDone() {
		return this.isLastStepOver;
	}

	answer() {
		return this.steps.filter((texts) => texts.length > 0).at(-1)?.join("\n");
	}

	output() {
		return { result: this.error() === null ? this.answer() ?? "" : "",
			session_id: this.session ?? undefined, total_cost_usd: this.cost, usage: this.usage };
	}

	error() {
		return this.failure;
	}
}

main(new OpenCode());
