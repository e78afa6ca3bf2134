-- SPDX-License-Identifier: MIT
-- A database of version 4 with five jobs and a schedule, for tests/store/test_upgrade.c. Its texts
-- are what that version wrote, word for word; they never change again.
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE jobs(
	id TEXT PRIMARY KEY NOT NULL CHECK (length(id) BETWEEN 1 AND 36),
	seq INTEGER NOT NULL UNIQUE,
	pylon TEXT NOT NULL,
	state TEXT NOT NULL CHECK (CASE state WHEN 'queued' THEN 1 WHEN 'starting' THEN 1 WHEN 'running' THEN 1 WHEN 'awaiting_approval' THEN 1 WHEN 'completed' THEN 1 WHEN 'failed' THEN 1 WHEN 'timed_out' THEN 1 WHEN 'cancelled' THEN 1 WHEN 'lost' THEN 1 WHEN 'dismissed' THEN 1 WHEN 'expired' THEN 1 WHEN 'rejected' THEN 1 ELSE 0 END),
	reason TEXT,
	source TEXT NOT NULL,
	delivery_id TEXT,
	attempt INTEGER NOT NULL DEFAULT 0,
	failures INTEGER NOT NULL DEFAULT 0,
	not_before INTEGER NOT NULL DEFAULT 0,
	expires_at INTEGER NOT NULL DEFAULT 0,
	created_at INTEGER NOT NULL,
	queued_at INTEGER NOT NULL DEFAULT 0,
	started_at INTEGER NOT NULL DEFAULT 0,
	finished_at INTEGER NOT NULL DEFAULT 0,
	exit_code INTEGER NOT NULL DEFAULT -1,
	session_id TEXT,
	cost_usd REAL NOT NULL DEFAULT 0,
	error TEXT,
	decided_by TEXT,
	result TEXT,
	output_json TEXT,
	CHECK ((finished_at > 0) = (CASE state WHEN 'completed' THEN 1 WHEN 'failed' THEN 1 WHEN 'timed_out' THEN 1 WHEN 'cancelled' THEN 1 WHEN 'lost' THEN 1 WHEN 'dismissed' THEN 1 WHEN 'expired' THEN 1 WHEN 'rejected' THEN 1 ELSE 0 END))
) STRICT;
CREATE INDEX jobs_created ON jobs(created_at);
CREATE INDEX jobs_state ON jobs(state, created_at);
CREATE INDEX jobs_queue ON jobs(seq, not_before) WHERE state = 'queued';
CREATE INDEX jobs_delayed ON jobs(not_before) WHERE state = 'queued' AND not_before > 0;
CREATE INDEX jobs_expiry ON jobs(expires_at)
	WHERE state = 'awaiting_approval' AND expires_at > 0;
CREATE INDEX jobs_finished ON jobs(finished_at) WHERE finished_at > 0;
CREATE TABLE events(
	job_seq INTEGER PRIMARY KEY NOT NULL REFERENCES jobs(seq) ON DELETE CASCADE,
	id TEXT NOT NULL,
	received_at INTEGER NOT NULL,
	body_sha256 TEXT,
	query TEXT,
	headers_json TEXT,
	body TEXT NOT NULL
) STRICT;
CREATE TABLE dedupe(
	seq INTEGER PRIMARY KEY NOT NULL,
	key TEXT NOT NULL UNIQUE,
	job_id TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE runs(
	id TEXT PRIMARY KEY NOT NULL,
	job_id TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
	attempt INTEGER NOT NULL,
	state TEXT NOT NULL CHECK (CASE state WHEN 'created' THEN 1 WHEN 'starting' THEN 1 WHEN 'running' THEN 1 WHEN 'stopping' THEN 1 WHEN 'exited' THEN 1 WHEN 'lost' THEN 1 ELSE 0 END),
	stop INTEGER NOT NULL DEFAULT 0 CHECK (stop BETWEEN 0 AND 2),
	token_sha256 TEXT NOT NULL,
	handle TEXT,
	image TEXT,
	exit_code INTEGER NOT NULL DEFAULT -1,
	reason TEXT,
	created_at INTEGER NOT NULL,
	started_at INTEGER NOT NULL DEFAULT 0,
	finished_at INTEGER NOT NULL DEFAULT 0,
	timeout_us INTEGER NOT NULL DEFAULT 0,
	report TEXT,
	UNIQUE (job_id, attempt)
) STRICT;
CREATE UNIQUE INDEX runs_living ON runs(job_id) WHERE state NOT IN ('exited','lost');
CREATE TABLE deliveries(
	seq INTEGER PRIMARY KEY NOT NULL,
	id TEXT NOT NULL UNIQUE,
	job_id TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
	kind TEXT NOT NULL,
	channel TEXT NOT NULL,
	state TEXT NOT NULL CHECK (CASE state WHEN 'pending' THEN 1 WHEN 'sending' THEN 1 WHEN 'sent' THEN 1 WHEN 'scheduled' THEN 1 WHEN 'acked' THEN 1 WHEN 'dead' THEN 1 WHEN 'unknown' THEN 1 WHEN 'cancelled' THEN 1 ELSE 0 END),
	attempt INTEGER NOT NULL DEFAULT 0,
	may_repeat INTEGER NOT NULL DEFAULT 0,
	due_at INTEGER NOT NULL DEFAULT 0,
	created_at INTEGER NOT NULL,
	sent_at INTEGER NOT NULL DEFAULT 0,
	error TEXT,
	message TEXT NOT NULL
) STRICT;
CREATE INDEX deliveries_job ON deliveries(job_id, channel);
CREATE INDEX deliveries_state ON deliveries(state);
CREATE INDEX deliveries_due ON deliveries(due_at) WHERE state = 'pending';
CREATE INDEX jobs_scheduled ON jobs(state)
	WHERE source = 'schedule' AND finished_at = 0;
CREATE TABLE schedules(
	id TEXT PRIMARY KEY NOT NULL,
	spec TEXT NOT NULL,
	anchor INTEGER NOT NULL,
	epoch INTEGER NOT NULL CHECK (epoch >= 1),
	decided_to INTEGER NOT NULL,
	disabled_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE occurrences(
	schedule TEXT NOT NULL,
	epoch INTEGER NOT NULL CHECK (epoch >= 1),
	at INTEGER NOT NULL,
	last INTEGER NOT NULL,
	count INTEGER NOT NULL CHECK (count >= 1),
	outcome TEXT NOT NULL CHECK (CASE outcome WHEN 'ran' THEN 1 WHEN 'ran_late' THEN 1 WHEN 'skipped_overlap' THEN 1 WHEN 'skipped_catch_up' THEN 1 WHEN 'skipped_disabled' THEN 1 WHEN 'skipped_limit' THEN 1 WHEN 'failed_to_start' THEN 1 ELSE 0 END),
	job_id TEXT,
	note TEXT,
	decided_at INTEGER NOT NULL,
	UNIQUE (schedule, epoch, at),
	CHECK (last >= at),
	CHECK (job_id IS NULL OR CASE outcome WHEN 'ran' THEN 1 WHEN 'ran_late' THEN 1 ELSE 0 END)
) STRICT;
CREATE INDEX occurrences_newest ON occurrences(at, epoch, schedule);
CREATE INDEX occurrences_schedule ON occurrences(schedule, at, epoch);
CREATE INDEX occurrences_job ON occurrences(job_id) WHERE job_id IS NOT NULL;
PRAGMA application_id = 1348029518;
PRAGMA user_version = 4;
INSERT INTO jobs(id, seq, pylon, state, source, delivery_id, attempt, created_at, queued_at,
	started_at, finished_at, exit_code, session_id, cost_usd, result, output_json)
VALUES('aaaaaaaa-0000-4000-8000-000000000001', 1, 'p', 'completed', 'webhook', 'd1', 1, 1000, 1000,
	1001, 1002, 0, 's1', 0.25, 'done', '{"result":"done"}');
INSERT INTO jobs(id, seq, pylon, state, source, created_at, queued_at)
VALUES('aaaaaaaa-0000-4000-8000-000000000002', 2, 'p', 'queued', 'manual', 2000, 2000);
INSERT INTO jobs(id, seq, pylon, state, reason, source, delivery_id, created_at, finished_at)
VALUES('aaaaaaaa-0000-4000-8000-000000000003', 3, 'p', 'rejected', 'full', 'webhook', 'd3', 3000,
	3000);
INSERT INTO jobs(id, seq, pylon, state, source, attempt, created_at, queued_at, started_at)
VALUES('aaaaaaaa-0000-4000-8000-000000000004', 4, 'p', 'running', 'webhook', 1, 4000, 4000, 4001);
INSERT INTO jobs(id, seq, pylon, state, source, not_before, created_at, queued_at)
VALUES('aaaaaaaa-0000-4000-8000-000000000005', 5, 'p', 'queued', 'schedule', 0, 5000, 5000);
INSERT INTO events(job_seq, id, received_at, body)
SELECT seq, 'e' || seq, created_at, '{"n":' || seq || '}' FROM jobs;
INSERT INTO dedupe(key, job_id, created_at)
SELECT delivery_id, id, created_at FROM jobs WHERE delivery_id IS NOT NULL;
INSERT INTO runs(id, job_id, attempt, state, token_sha256, handle, created_at, finished_at)
VALUES('r1', 'aaaaaaaa-0000-4000-8000-000000000001', 1, 'exited', 't1', 'box1', 1000, 1002);
INSERT INTO runs(id, job_id, attempt, state, token_sha256, handle, created_at)
VALUES('r4', 'aaaaaaaa-0000-4000-8000-000000000004', 1, 'running', 't4', 'box4', 4000);
INSERT INTO deliveries(id, job_id, kind, channel, state, due_at, created_at, message)
VALUES('v1', 'aaaaaaaa-0000-4000-8000-000000000001', 'result', 'webhook', 'pending', 1002, 1002,
	'{}');
INSERT INTO schedules(id, spec, anchor, epoch, decided_to)
VALUES('trigger', '0 * * * * UTC', 1, 1, 5000);
INSERT INTO occurrences(schedule, epoch, at, last, count, outcome, decided_at)
VALUES('trigger', 1, 3000, 4000, 2, 'skipped_catch_up', 5000);
INSERT INTO occurrences(schedule, epoch, at, last, count, outcome, job_id, decided_at)
VALUES('trigger', 1, 5000, 5000, 1, 'ran', 'aaaaaaaa-0000-4000-8000-000000000005', 5000);
COMMIT;
