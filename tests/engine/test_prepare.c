/* SPDX-License-Identifier: MIT */
/*
 * test_prepare.c - between claim and container: what a run is given, and that a job which ends
 * there ends honestly: image, workspace, session folder, secrets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "engine/engine-internal.h"
#include "engine/world.h"

#define CONFIG                                                                                     \
	"version: 1\ndocker:\n  max_concurrent: 2\n  when_full: queue\n"                           \
	"defaults:\n  channel:\n    type: stdout\n"
#define PYLON(workspace, agent)                                                                    \
	"name: hook\ntrigger:\n  type: webhook\n  path: /hook\n"                                   \
	"  secret: [s3cret, s3cret-of-the-hook]\n"                                                 \
	"  signature_header: X-Hub-Signature-256\n"                                                \
	"workspace:\n" workspace "agent:\n" agent
#define NONE "  type: none\n"
#define GIT                                                                                        \
	"  type: git-worktree\n  repo: \"https://git.example/{{ .body.repo }}.git\"\n"             \
	"  ref: \"{{ .body.ref }}\"\n"
#define MOCK   "  type: mock\n  prompt: \"do {{ .body.n }}\"\n"
#define CLAUDE "  type: claude\n  auth: oauth\n  prompt: hello\n"

#define world_open_hook(w, workspace, agent) world_open(w, CONFIG, PYLON(workspace, agent))

static const char *post(struct world *w, const char *body)
{
	static int deliveries;
	char delivery[16];

	(void)snprintf(delivery, sizeof(delivery), "d-%d", deliveries++);
	world_post(w, delivery, body);
	assert_int_equal(w->answer.status, 202);
	return w->answer.job_id;
}

static bool has_mount(struct world *w, size_t i, const char *text)
{
	const struct strv *mounts = &world_run(w, i)->mounts;

	for (size_t k = 0; k < mounts->n; k++)
		if (strstr(mounts->v[k], text) != NULL)
			return true;
	return false;
}

static void assert_reason(struct world *w, const char *id, enum job_state state, const char *reason)
{
	struct job j = {0};

	assert_string_equal(job_state_name(world_job(w, id, &j)), job_state_name(state));
	assert_string_equal(j.reason == NULL ? "" : j.reason, reason);
	job_fini(&j);
}

/* --- image --- */

static void a_run_that_needs_nobodys_name_asks_for_no_image(void **state UNUSED)
{
	struct world w;
	size_t asked;

	world_open_hook(&w, NONE, MOCK);
	asked = w.runner.ensured;
	(void)post(&w, "{\"n\":1}");
	assert_int_equal(w.runner.n, 1);
	assert_int_equal(w.runner.ensured, asked);
	world_close(&w);
}

static void a_checkout_belongs_to_the_user_of_the_image(void **state UNUSED)
{
	struct world w;

	world_open_hook(&w, GIT, MOCK);
	w.runner.user = (struct runner_user){.is_known = true, .uid = 1000, .gid = 1001};
	(void)post(&w, "{\"repo\":\"a/b\",\"ref\":\"v1\"}");
	assert_int_equal(w.workspace.kind, WORKSPACE_KIND_GIT_WORKTREE);
	assert_true(w.workspace.owner.is_known);
	assert_int_equal(w.workspace.owner.uid, 1000);
	assert_int_equal(w.workspace.owner.gid, 1001);
	world_close(&w);
}

static void an_image_that_cannot_be_had_fails_the_job_before_anything_is_cloned(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open_hook(&w, GIT, MOCK);
	w.runner.is_image_slow = true;
	(void)str_copy(id, sizeof(id), post(&w, "{}"));
	assert_int_equal(w.runner.n, 0);
	world_image_known(&w, -ENOENT);
	assert_reason(&w, id, JOB_FAILED, "no_image");
	assert_int_equal(w.workspace.waiting.s[0], '\0');
	world_close(&w);
}

static void an_engine_that_goes_while_its_image_is_built_costs_the_job_nothing(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open_hook(&w, GIT, MOCK);
	w.runner.is_image_slow = true;
	(void)str_copy(id, sizeof(id), post(&w, "{}"));
	world_engine(&w, false);
	world_image_known(&w, -EHOSTUNREACH);
	assert_reason(&w, id, JOB_QUEUED, "engine_down");
	world_close(&w);
}

static void a_job_killed_while_its_image_is_built_ends_at_once(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open_hook(&w, GIT, MOCK);
	w.runner.is_image_slow = true;
	(void)str_copy(id, sizeof(id), post(&w, "{}"));
	world_decide(&w, ENGINE_KILL, id);
	assert_reason(&w, id, JOB_CANCELLED, "killed");
	world_image_known(&w, 0); /* nobody waits for it any more */
	assert_int_equal(w.runner.n, 0);
	world_close(&w);
}

static void a_question_about_an_image_does_not_outlive_the_engine(void **state UNUSED)
{
	struct world w;

	world_open_hook(&w, GIT, MOCK);
	w.runner.is_image_slow = true;
	(void)post(&w, "{}");
	world_close(&w); /* the sanitizer would tell */
}

/* --- workspace --- */

static void repository_and_ref_come_from_the_event(void **state UNUSED)
{
	struct world w;

	world_open_hook(&w, GIT, MOCK);
	(void)post(&w, "{\"repo\":\"a/b\",\"ref\":\"v1.2\"}");
	assert_string_equal(w.workspace.repo, "https://git.example/a/b.git");
	assert_string_equal(w.workspace.ref, "v1.2");
	assert_false(w.workspace.is_repo_literal);
	assert_true(has_mount(&w, 0, "/repos/cache:"));
	world_close(&w);
}

static void a_repository_that_is_written_out_is_told_as_such(void **state UNUSED)
{
	struct world w;

	world_open_hook(&w, "  type: git-clone\n  repo: /srv/git/a.git\n", MOCK);
	(void)post(&w, "{}");
	assert_true(w.workspace.is_repo_literal);
	assert_string_equal(w.workspace.repo, "/srv/git/a.git");
	assert_int_equal(w.workspace.kind, WORKSPACE_KIND_GIT_CLONE);
	world_close(&w);
}

static void a_workspace_that_cannot_be_made_is_told_to_the_channel(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open_hook(&w, GIT, MOCK);
	w.workspace.fail = -EACCES;
	(void)str_copy(id, sizeof(id), post(&w, "{}"));
	assert_reason(&w, id, JOB_FAILED, "workspace");
	assert_int_equal(w.channel.n, 1);
	assert_non_null(strstr(w.channel.sent[0].message, "no folder"));
	world_close(&w);
}

static void a_full_disk_has_its_own_reason(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open_hook(&w, GIT, MOCK);
	w.workspace.fail = -ENOSPC;
	(void)str_copy(id, sizeof(id), post(&w, "{}"));
	assert_reason(&w, id, JOB_FAILED, "no_space");
	world_close(&w);
}

static void a_kill_ends_a_clone_that_is_under_way(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open_hook(&w, GIT, MOCK);
	w.workspace.is_slow = true;
	(void)str_copy(id, sizeof(id), post(&w, "{}"));
	world_decide(&w, ENGINE_KILL, id);
	assert_int_equal(w.workspace.cancelled, 1);
	assert_reason(&w, id, JOB_CANCELLED, "killed");
	assert_int_equal(w.runner.n, 0);
	world_close(&w);
}

static void a_daemon_that_stops_calls_off_clones_and_queues_their_jobs(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open_hook(&w, GIT, MOCK);
	w.workspace.is_slow = true;
	(void)str_copy(id, sizeof(id), post(&w, "{}"));
	assert_true(engine_is_preparing(w.engine));
	engine_drain(w.engine);
	loop_settle(w.loop);
	assert_false(engine_is_preparing(w.engine));
	assert_reason(&w, id, JOB_QUEUED, "interrupted");
	w.workspace.is_slow = false;
	world_crash(&w);
	world_restart(&w);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

static void stopping_daemons_do_not_make_a_job_poisonous(void **state UNUSED)
{
	struct world w;
	char id[ID_SIZE];

	world_open_hook(&w, GIT, MOCK);
	w.workspace.is_slow = true;
	(void)str_copy(id, sizeof(id), post(&w, "{}"));
	for (int i = 0; i <= POISON_STARTS_MAX; i++) {
		engine_drain(w.engine);
		loop_settle(w.loop);
		assert_reason(&w, id, JOB_QUEUED, "interrupted");
		world_crash(&w);
		world_restart(&w);
		assert_reason(&w, id, JOB_STARTING, "");
	}
	world_close(&w);
}

static void what_git_says_is_in_the_log_of_the_job(void **state UNUSED)
{
	CLEANUP(buf_fini) struct buf path = BUF_NULL;
	CLEANUP(buf_fini) struct buf log = BUF_NULL;
	struct err e = CLEAN_ERR;
	struct world w;

	world_open_hook(&w, GIT, MOCK);
	w.workspace.is_slow = true;
	(void)post(&w, "{}");
	w.workspace.progress(w.workspace.done_ctx, &w.workspace.waiting, "cloning, 40 %");
	w.workspace.progress(w.workspace.done_ctx, &w.workspace.waiting, "with s3cret-of-the-hook");
	engine_log_path(w.engine, "hook", &w.workspace.waiting, &path);
	assert_int_equal(file_read(buf_str(&path), KIB(4), &log, &e), 0);
	assert_string_equal(buf_str(&log), "> cloning, 40 %\n> with <redacted>\n");
	world_workspace_ready(&w);
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
}

/* --- session --- */

static void write_login(struct world *w, const char *text)
{
	CLEANUP(freep) char *dir = xasprintf("%s/user/.claude", w->home);
	CLEANUP(freep) char *home = xasprintf("%s/user", w->home);
	struct err e = CLEAN_ERR;

	assert_int_equal(dir_make(dir, 0700, &e), 0);
	world_put(w, "user/.claude/.credentials.json", text);
	assert_int_equal(setenv("HOME", home, 1), 0);
	assert_int_equal(unsetenv("CLAUDE_CONFIG_DIR"), 0);
}

#define LOGIN "{\"claudeAiOauth\":{\"accessToken\":\"sk-ant-oat01-abcdefghijklmnop\"}}"

static void an_agent_has_a_folder_for_its_sessions_and_the_login_in_it(void **state UNUSED)
{
	CLEANUP(freep) char *copied = NULL;
	CLEANUP(buf_fini) struct buf login = BUF_NULL;
	struct err e = CLEAN_ERR;
	struct world w;

	world_open_hook(&w, NONE, CLAUDE);
	write_login(&w, LOGIN);
	(void)post(&w, "{}");
	assert_true(has_mount(&w, 0, "/sessions/hook/claude:/home/pylon/.claude:rw"));
	assert_string_equal(world_env(&w, 0, "CLAUDE_CONFIG_DIR"), "/home/pylon/.claude");
	copied = xasprintf("%s/sessions/hook/claude/.credentials.json", w.home);
	assert_int_equal(file_read(copied, KIB(4), &login, &e), 0);
	assert_string_equal(buf_str(&login), LOGIN);
	world_close(&w);
}

static void a_token_of_the_login_is_not_told(void **state UNUSED)
{
	struct job j = {0};
	struct world w;
	char id[ID_SIZE];

	world_open_hook(&w, NONE, CLAUDE);
	write_login(&w, LOGIN);
	(void)str_copy(id, sizeof(id), post(&w, "{}"));
	world_started(&w, 0);
	world_result(&w, 0,
		"{\"status\":\"completed\",\"output\":"
		"{\"result\":\"it is sk-ant-oat01-abcdefghijklmnop.\"}}");
	world_exited(&w, 0, 0);
	(void)world_job(&w, id, &j);
	assert_string_equal(j.result, "it is <redacted>.");
	assert_null(strstr(j.output_json, "abcdefgh"));
	job_fini(&j);
	world_close(&w);
}

static void nor_is_it_after_a_restart(void **state UNUSED)
{
	struct job j = {0};
	struct world w;
	char id[ID_SIZE];

	world_open_hook(&w, NONE, CLAUDE);
	write_login(&w, LOGIN);
	(void)str_copy(id, sizeof(id), post(&w, "{}"));
	world_started(&w, 0);
	world_result(&w, 0,
		"{\"status\":\"completed\",\"output\":"
		"{\"result\":\"it is sk-ant-oat01-abcdefghijklmnop.\"}}");
	w.runner.found[0] = (struct runner_found){.run_id = w.runner.runs[0].run_id,
		.job_id = w.runner.runs[0].job_id,
		.container_id = "c0ffee",
		.state = "running"};
	w.runner.found_n = 1;
	world_crash(&w);
	world_restart(&w);
	world_exited(&w, 0, 0);
	(void)world_job(&w, id, &j);
	assert_string_equal(j.result, "it is <redacted>.");
	job_fini(&j);
	world_close(&w);
}

static void a_folder_of_the_user_takes_the_place_of_ours(void **state UNUSED)
{
	struct world w;

	world_open_hook(&w, NONE, CLAUDE "  volumes: [\"/srv/claude:/home/pylon/.claude:rw\"]\n");
	(void)post(&w, "{}");
	assert_false(has_mount(&w, 0, "/sessions/"));
	assert_true(has_mount(&w, 0, "/srv/claude:/home/pylon/.claude:rw"));
	world_close(&w);
}

/* --- what else it is given --- */

/* An agent that may write to the folder above could put a link in its place, for the next run. */
static void a_volume_that_became_a_link_is_not_mounted(void **state UNUSED)
{
	char *top = t_folder();
	CLEANUP(freep) char *sub = xasprintf("%s/sub", top);
	CLEANUP(freep)
	char *agent = xasprintf(MOCK "  volumes: [\"%s:/p:rw\", \"%s:/s\"]\n", top, sub);
	CLEANUP(freep) char *yaml = xasprintf("%s%s", PYLON(NONE, ""), agent);
	struct world w;

	assert_int_equal(mkdir(sub, 0700), 0);
	world_open(&w, CONFIG, yaml);
	(void)post(&w, "{}");
	assert_true(has_mount(&w, 0, sub));
	world_started(&w, 0);
	world_exited(&w, 0, 0);
	assert_int_equal(rmdir(sub), 0);
	assert_int_equal(symlink("/", sub), 0);
	assert_reason(&w, post(&w, "{}"), JOB_FAILED, "workspace");
	assert_int_equal(w.runner.n, 1);
	world_close(&w);
	t_folder_remove(top);
}

static void a_closed_off_container_does_not_run_as_root(void **state UNUSED)
{
	struct world w;

	world_open_hook(&w, NONE, MOCK "  network: none\n  read_only: true\n");
	w.runner.user = (struct runner_user){.is_known = true, .is_root = true};
	(void)post(&w, "{}");
	assert_string_equal(world_run(&w, 0)->user, "65534:65534");
	w.runner.user = (struct runner_user){.is_known = true, .uid = 1000, .gid = 1000};
	(void)post(&w, "{}");
	assert_null(world_run(&w, 1)->user);
	world_close(&w);
}

static void git_trusts_the_workspace_whoever_owns_it(void **state UNUSED)
{
	struct world w;

	world_open_hook(&w, GIT, MOCK);
	(void)post(&w, "{}");
	assert_string_equal(world_env(&w, 0, "GIT_CONFIG_KEY_0"), "safe.directory");
	assert_null(world_env(&w, 0, "SESSION_ID"));
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_that_needs_nobodys_name_asks_for_no_image),
		cmocka_unit_test(a_checkout_belongs_to_the_user_of_the_image),
		cmocka_unit_test(
			an_image_that_cannot_be_had_fails_the_job_before_anything_is_cloned),
		cmocka_unit_test(
			an_engine_that_goes_while_its_image_is_built_costs_the_job_nothing),
		cmocka_unit_test(a_job_killed_while_its_image_is_built_ends_at_once),
		cmocka_unit_test(a_question_about_an_image_does_not_outlive_the_engine),
		cmocka_unit_test(repository_and_ref_come_from_the_event),
		cmocka_unit_test(a_repository_that_is_written_out_is_told_as_such),
		cmocka_unit_test(a_workspace_that_cannot_be_made_is_told_to_the_channel),
		cmocka_unit_test(a_full_disk_has_its_own_reason),
		cmocka_unit_test(a_kill_ends_a_clone_that_is_under_way),
		cmocka_unit_test(a_daemon_that_stops_calls_off_clones_and_queues_their_jobs),
		cmocka_unit_test(stopping_daemons_do_not_make_a_job_poisonous),
		cmocka_unit_test(what_git_says_is_in_the_log_of_the_job),
		cmocka_unit_test(an_agent_has_a_folder_for_its_sessions_and_the_login_in_it),
		cmocka_unit_test(a_token_of_the_login_is_not_told),
		cmocka_unit_test(nor_is_it_after_a_restart),
		cmocka_unit_test(a_folder_of_the_user_takes_the_place_of_ours),
		cmocka_unit_test(a_volume_that_became_a_link_is_not_mounted),
		cmocka_unit_test(a_closed_off_container_does_not_run_as_root),
		cmocka_unit_test(git_trusts_the_workspace_whoever_owns_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
