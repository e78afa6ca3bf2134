/* SPDX-License-Identifier: MIT */
/*
 * tests/runner/test_body.c - what a container is created with, as the whole JSON.
 */
#include "base/json.h"
#include "lib/t.h"
#include "runner/docker_internal.h"

#define RUN "11111111-1111-4111-8111-111111111111"
#define JOB "22222222-2222-4222-8222-222222222222"

#define LABELS                                                                                     \
	"\"Labels\":{\"pylon.job\":\"" JOB "\",\"pylon.run\":\"" RUN "\","                         \
	"\"pylon.home\":\"home1\",\"pylon.pylon\":\"gh\"},\"Tty\":false,"
#define SAFETY                                                                                     \
	"\"CapDrop\":[\"ALL\"],\"SecurityOpt\":[\"no-new-privileges:true\"],"                      \
	"\"IpcMode\":\"private\",\"Init\":true,\"AutoRemove\":false,"                              \
	"\"RestartPolicy\":{\"Name\":\"no\"},"
#define ULIMITS                                                                                    \
	"\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":16384,\"Hard\":16384},"                        \
	"{\"Name\":\"core\",\"Soft\":0,\"Hard\":0}],\"ShmSize\":67108864,"
#define GATEWAY "\"ExtraHosts\":[\"host.docker.internal:host-gateway\"],"
#define LOG_LOCAL                                                                                  \
	"\"LogConfig\":{\"Type\":\"local\",\"Config\":{\"max-size\":\"64m\","                      \
	"\"max-file\":\"2\",\"compress\":\"false\"}}"

#define TMP_VOLUME                                                                                   \
	"{\"Type\":\"volume\",\"Target\":\"/tmp\",\"VolumeOptions\":{\"NoCopy\":true,"               \
	"\"DriverConfig\":{\"Name\":\"local\",\"Options\":{\"type\":\"tmpfs\",\"device\":\"tmpfs\"," \
	"\"o\":\"nosuid,nodev,mode=1777,size=512m\"}}}}"

static const struct docker_engine engine41 = {41, false};

static struct runner_spec bare_spec(void)
{
	return (struct runner_spec){
		.run_id = {RUN}, .job_id = {JOB}, .pylon = "gh", .image = "img", .log_path = "/l"};
}

static char *body_of(const struct runner_spec *s, const struct docker_engine *engine)
{
	struct buf out = BUF_NULL;

	docker_body(&out, s, "home1", engine);
	return buf_steal(&out);
}

static void bare_run_has_the_strict_settings(void **state)
{
	struct runner_spec s = bare_spec();
	char *body = body_of(&s, &engine41);

	(void)state;
	assert_string_equal(body, "{\"Image\":\"img\"," LABELS "\"HostConfig\":{" SAFETY ULIMITS
				  "\"NetworkMode\":\"bridge\"," GATEWAY
				  "\"Mounts\":[],\"ReadonlyRootfs\":false," LOG_LOCAL "}}");
	free(body);
}

static void full_run_has_everything_it_asked_for(void **state)
{
	struct runner_mount mounts[] = {{(char[]){"/j/1"}, (char[]){"/workspace"}, false},
		{(char[]){"/r/p"}, (char[]){"/run/pylon/prompt"}, true}};
	struct strv command = STRV_NULL, env = STRV_NULL;
	struct runner_spec s = bare_spec();
	char *body;

	(void)state;
	strv_add(&command, "sh");
	strv_add(&command, "-c");
	strv_add(&env, "A=1");
	s.command = &command;
	s.env = &env;
	s.mounts = mounts;
	s.mount_count = ARRAY_LEN(mounts);
	s.memory_bytes = MIB(64);
	s.cpus = 1.5;
	s.pids = 77;
	s.network = "none";
	s.is_read_only = true;
	s.user = "1000:1000";
	body = body_of(&s, &engine41);
	assert_string_equal(body,
		"{\"Image\":\"img\",\"User\":\"1000:1000\",\"Entrypoint\":[\"sh\",\"-c\"],\"Cmd\":[],"
		"\"WorkingDir\":\"/workspace\",\"Env\":[\"A=1\"]," LABELS "\"HostConfig\":{" SAFETY
		"\"PidsLimit\":77,\"Memory\":67108864,\"MemorySwap\":67108864,"
		"\"NanoCpus\":1500000000," ULIMITS "\"NetworkMode\":\"none\","
		"\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/j/1\",\"Target\":\"/workspace\","
		"\"ReadOnly\":false,\"BindOptions\":{\"Propagation\":\"rprivate\"}},"
		"{\"Type\":\"bind\",\"Source\":\"/r/p\",\"Target\":\"/run/pylon/prompt\","
		"\"ReadOnly\":true,\"BindOptions\":{\"Propagation\":\"rprivate\"}}," TMP_VOLUME "],"
		"\"ReadonlyRootfs\":true," LOG_LOCAL "}}");
	free(body);
	strv_fini(&command);
	strv_fini(&env);
}

static bool has_gateway(const char *network, unsigned api_minor)
{
	struct runner_spec s = bare_spec();
	struct docker_engine engine = {api_minor, false};
	char *body;
	bool found;

	s.network = network;
	body = body_of(&s, &engine);
	found = strstr(body, "host-gateway") != NULL;
	free(body);
	return found;
}

static void host_name_is_given_where_it_can_work(void **state)
{
	(void)state;
	assert_true(has_gateway("bridge", 41));
	assert_true(has_gateway("mynet", 43));
	assert_false(has_gateway("none", 41));
	assert_false(has_gateway("host", 41));
	/* An engine before 20.10 refuses the word. */
	assert_false(has_gateway("bridge", 40));
}

static void podman_gets_the_log_driver_it_has(void **state)
{
	struct runner_spec s = bare_spec();
	struct docker_engine engine = {41, true};
	char *body = body_of(&s, &engine);

	(void)state;
	assert_non_null(strstr(body, "\"Type\":\"json-file\""));
	assert_null(strstr(body, "compress"));
	free(body);
}

static void podman_gets_an_ordinary_tmpfs(void **state)
{
	struct runner_spec s = bare_spec();
	struct docker_engine engine = {41, true};
	char *body;

	(void)state;
	s.is_read_only = true;
	body = body_of(&s, &engine);
	assert_non_null(
		strstr(body, "\"Tmpfs\":{\"/tmp\":\"rw,exec,nosuid,nodev,mode=1777,size=512m\"}"));
	assert_non_null(strstr(body, "\"Mounts\":[],"));
	free(body);
}

static void tmp_of_the_users_own_is_left_alone(void **state)
{
	struct runner_mount mounts[] = {{(char[]){"/j/tmp"}, (char[]){"/tmp"}, false}};
	struct runner_spec s = bare_spec();
	struct docker_engine podman = {41, true};
	char *body;

	(void)state;
	s.is_read_only = true;
	s.mounts = mounts;
	s.mount_count = 1;
	body = body_of(&s, &engine41);
	assert_null(strstr(body, "tmpfs"));
	free(body);
	body = body_of(&s, &podman);
	assert_null(strstr(body, "Tmpfs"));
	free(body);
}

static void no_setting_weakens_the_container(void **state)
{
	static const char *const never[] = {"Privileged", "CapAdd", "PidMode", "Binds", "Devices",
		"unconfined", "docker.sock", "UsernsMode", "OpenStdin"};
	struct runner_spec s = bare_spec();
	char *body = body_of(&s, &engine41);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		assert_null(strstr(body, never[i]));
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_run_has_the_strict_settings),
		cmocka_unit_test(full_run_has_everything_it_asked_for),
		cmocka_unit_test(host_name_is_given_where_it_can_work),
		cmocka_unit_test(podman_gets_the_log_driver_it_has),
		cmocka_unit_test(podman_gets_an_ordinary_tmpfs),
		cmocka_unit_test(tmp_of_the_users_own_is_left_alone),
		cmocka_unit_test(no_setting_weakens_the_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
