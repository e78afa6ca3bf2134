// SPDX-License-Identifier: MIT
/*
 * What our agent images do around their agents: prompt in, events watched, one report out.
 *
 * An agent prints one JSON object a line. From them come the short lines in the job's log, the tool
 * events for HOOKS_URL and the report. The report is a file, /run/pylon/result.json; it is also
 * POSTed to CALLBACK_URL, which is all that a daemon without that folder knows. No report may
 * depend on how fast or whether anybody listens: every request has a deadline, and tool events are
 * given up when nobody takes them.
 *
 * The agent is a child and not this process's successor, because somebody must still report when it
 * crashes. SIGTERM and SIGINT are passed on. Orphans are reaped by the init that Pylon asks for.
 *
 * See docs/agents.md for the contract.
 */
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const readline = require("node:readline");

const RUN_DIR = "/run/pylon";
const FALLBACK_HOME = "/tmp/home";

const RESULT_MAX = 256 * 1024; // bytes of text; Pylon keeps no more
const ERROR_MAX = 4000;
const LINE_MAX = 200; // of a tool's input in the log
const TOOL_TEXT_MAX = 2000; // of one string in a tool event
const TOOL_EVENT_MAX = 64 * 1024;
const EVENTS_WAITING_MAX = 64;
const EVENT_LOSSES_MAX = 3; // in a row: nobody is listening

const HOOK_MS = 2000;
const FLUSH_MS = 3000;
const CALLBACK_MS = 10000;
const CALLBACK_QUICK_MS = 2000; // the file is there already
const CALLBACK_PAUSES_MS = [1000, 2000, 4000, 8000];
const KILL_MS = 4000; // for an agent that does not end when it is asked to; Pylon waits for ten seconds
const DRAIN_MS = 2000; // what the agent left running may hold its pipes open

function say(text) {
	console.log(`agent: ${text}`);
}

function pause(ms) {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

// At most `max` bytes, without half a character at the end.
function cut(text, max) {
	const bytes = Buffer.from(text);
	let end = max;

	if (bytes.length <= max)
		return text;
	while (end > 0 && (bytes[end] & 0xc0) === 0x80)
		end--;
	return bytes.toString("utf8", 0, end);
}

function oneLine(text, max) {
	return cut(text.replace(/\s+/g, " ").trim(), max);
}

// The status of the answer; 0 when there was none.
async function post(url, body, ms) {
	try {
		const answer = await fetch(url, {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body,
			signal: AbortSignal.timeout(ms),
		});
		await answer.arrayBuffer();
		return answer.status;
	} catch {
		return 0;
	}
}

/* --- tool events --- */

// What a tool was told to do, in a few words.
function toolLine(name, input) {
	const told = input ?? {};
	const words = told.command ?? told.file_path ?? told.filePath ?? told.path ?? told.pattern ??
		told.url ?? told.query ?? told.description ?? told.prompt;

	return `tool ${name}: ${oneLine(String(words ?? JSON.stringify(told)), LINE_MAX)}`;
}

function toolEvent(name, input) {
	const short = (key, value) => typeof value === "string" && value.length > TOOL_TEXT_MAX
		? `${value.slice(0, TOOL_TEXT_MAX)}...` : value;
	const body = JSON.stringify({ tool_name: name, tool_input: input ?? {} }, short);

	return body.length <= TOOL_EVENT_MAX ? body : JSON.stringify({ tool_name: name, tool_input: {} });
}

// Sent one after another, in order. Pylon writes what it gets to the log; the rest is printed here,
// so that each event is there once.
class ToolEvents {
	constructor(url) {
		this.url = url;
		this.waiting = [];
		this.losses = url ? 0 : EVENT_LOSSES_MAX;
		this.sending = Promise.resolve();
	}

	add(name, input) {
		const event = { body: toolEvent(name, input), line: toolLine(name, input) };

		if (this.losses >= EVENT_LOSSES_MAX || this.waiting.length >= EVENTS_WAITING_MAX) {
			console.log(event.line);
			return;
		}
		this.waiting.push(event);
		if (this.waiting.length === 1)
			this.sending = this.send();
	}

	async send() {
		for (; this.waiting.length > 0; this.waiting.shift()) {
			const { body, line } = this.waiting[0];
			const isHeard = this.losses < EVENT_LOSSES_MAX &&
				await post(this.url, body, HOOK_MS) === 200;

			this.losses = isHeard ? 0 : this.losses + 1;
			if (!isHeard)
				console.log(line);
		}
	}

	flush() {
		return Promise.race([this.sending, pause(FLUSH_MS)]);
	}
}

/* --- the report --- */

// By rename, so that nobody ever reads half of it.
function writeReport(text) {
	const name = `${RUN_DIR}/result.json`;

	try {
		fs.writeFileSync(`${name}.part`, text);
		fs.renameSync(`${name}.part`, name);
		return true;
	} catch (e) {
		if (fs.existsSync(RUN_DIR))
			say(`cannot write ${name}: ${e.message}`);
		return false;
	}
}

async function callBack(url, body, isOnlyWay) {
	let status = await post(url, body, isOnlyWay ? CALLBACK_MS : CALLBACK_QUICK_MS);

	for (const ms of isOnlyWay ? CALLBACK_PAUSES_MS : []) {
		// Asking again helps against 429 and a server in trouble, not against a refusal.
		if (status !== 0 && status !== 429 && status < 500)
			break;
		say(`the callback was not taken (${status || "no answer"}); again in ${ms / 1000} s`);
		await pause(ms);
		status = await post(url, body, CALLBACK_MS);
	}
	return status >= 200 && status < 300;
}

// True when it reached anybody.
async function report(verdict) {
	const { JOB_ID, CALLBACK_URL } = process.env;
	const { status, output, error } = verdict;
	const doc = { status, output, error: error && cut(error, ERROR_MAX) };
	let isKnown;

	if (typeof output?.result === "string")
		doc.output = { ...output, result: cut(output.result, RESULT_MAX) };
	isKnown = writeReport(JSON.stringify(doc));
	if (CALLBACK_URL) {
		const body = JSON.stringify({ job_id: JOB_ID, ...doc });

		isKnown = await callBack(CALLBACK_URL, body, !isKnown) || isKnown;
	}
	say(isKnown ? status : `${status}, but there is nobody to report it to`);
	if (error)
		say(oneLine(error, ERROR_MAX));
	return isKnown;
}

/* --- the agent --- */

// The file has it all; the variable is left out when the prompt is long.
function readPrompt() {
	try {
		return fs.readFileSync(`${RUN_DIR}/prompt`, "utf8");
	} catch {
		return process.env.PROMPT ?? null;
	}
}

// Agents keep their sessions below HOME and do not start when they cannot write there.
function findHome() {
	try {
		fs.accessSync(process.env.HOME ?? "", fs.constants.W_OK);
	} catch {
		fs.mkdirSync(FALLBACK_HOME, { recursive: true });
		say(`${process.env.HOME ?? "HOME"} is not writable; using ${FALLBACK_HOME}`);
		process.env.HOME = FALLBACK_HOME;
	}
}

function readLines(stream, each) {
	readline.createInterface({ input: stream, crlfDelay: Infinity }).on("line", each);
}

function parse(line) {
	try {
		const doc = JSON.parse(line);
		return doc !== null && typeof doc === "object" ? doc : null;
	} catch {
		return null;
	}
}

// Runs the agent to its end: {code, signal, stop, silent_s, last_words, failure}.
function runAgent(agent, prompt, tools) {
	const child = spawn(agent.command, agent.args(), { stdio: "pipe" });
	const end = { code: null, signal: null, stop: null, silent_s: 0, last_words: [], failure: null };
	let heardAt = Date.now();

	const endChild = (signal) => {
		child.kill(signal);
		setTimeout(() => child.kill("SIGKILL"), KILL_MS).unref();
	};
	const stop = (signal) => {
		say(`${signal}: stopping ${agent.command}`);
		if (end.stop === null)
			end.silent_s = Math.round((Date.now() - heardAt) / 1000);
		end.stop ??= signal;
		endChild(signal);
	};

	process.on("SIGTERM", stop);
	process.on("SIGINT", stop);
	readLines(child.stdout, (line) => {
		const event = parse(line);

		heardAt = Date.now();
		if (event === null)
			console.log(line);
		else
			agent.onEvent(event, tools);
	});
	readLines(child.stderr, (line) => {
		console.error(line);
		end.last_words = [...end.last_words, line].slice(-5);
		// An agent that tries for ever is ended by its keeper.
		if (agent.onErrorLine?.(line) === "stop")
			endChild("SIGTERM");
	});
	child.stdin.on("error", () => {}); // it ended without reading
	child.stdin.end(prompt);
	return new Promise((resolve) => {
		child.on("error", (e) => {
			end.failure = `${agent.command} cannot be started: ${e.message}`;
			resolve(end);
		});
		child.on("exit", (code, signal) => {
			Object.assign(end, { code, signal });
			setTimeout(resolve, DRAIN_MS, end);
		});
		child.on("close", () => resolve(end));
	});
}

function describeEnd(agent, end) {
	const how = end.signal === null ? `with exit status ${end.code}` : `by ${end.signal}`;
	const lack = agent.isDone() ? "" : " and without a result";
	const words = end.last_words.length > 0 ? `: ${end.last_words.join(" ")}` : "";

	return `${agent.command} ended ${how}${lack}${words}`;
}

function judge(agent, end) {
	const output = agent.output();
	let error = end.failure ?? agent.error();

	// It was done before it was stopped.
	if (error === null && agent.isDone() && (end.code === 0 || end.stop !== null))
		return { status: "completed", output };
	if (end.stop !== null && !agent.isDone()) {
		const silence = `stopped by ${end.stop}; ${agent.command} last said something ` +
			`${end.silent_s} s before`;
		error = error === null ? silence : `${silence}: ${error}`;
	} else if (error === null) {
		error = describeEnd(agent, end);
	}
	return { status: "failed", output, error };
}

/*
 * An agent has: command; args(); onEvent(event, tools); optionally onErrorLine(line); and, when it
 * has ended, isDone() (it came to its own end), output() and error() (null: none is known).
 */
async function main(agent) {
	const prompt = readPrompt();
	const tools = new ToolEvents(process.env.HOOKS_URL);
	let verdict = { status: "failed", error: `no prompt: neither ${RUN_DIR}/prompt nor PROMPT is there` };
	let isReported;

	if (prompt !== null) {
		findHome();
		if (process.env.SESSION_ID)
			say(`continuing session ${process.env.SESSION_ID}`);
		try {
			verdict = judge(agent, await runAgent(agent, prompt, tools));
		} catch (e) {
			verdict = { status: "failed", error: e.message };
		}
		await tools.flush();
	}
	isReported = await report(verdict);
	// Whatever still has a pipe open is not waited for.
	process.exit(verdict.status === "completed" && isReported ? 0 : 1);
}

module.exports = { main, oneLine, say };
