/* SPDX-License-Identifier: MIT */
/*
 * What a container is created with: the request of POST /containers/create. Pure.
 *
 * An agent is code that nobody has read, so every container gets the strict settings, which cost
 * nothing measurable: no capabilities, no way to gain privileges, bounded processes, memory and
 * processor, an init that reaps, a private IPC namespace. Descriptor limits are given explicitly,
 * because an engine's own defaults may lie above what its service is allowed and then every start
 * fails; compilers and package managers need more of them than the usual 1024.
 *
 * Left to the engine, because its defaults are the strict ones: the seccomp profile, masked and
 * read-only paths, namespaces of processes and UTS. Left to the image, unless the caller knows
 * better: the user. Not to be had in a bind mount: nosuid and nodev for the workspace;
 * no-new-privileges and the lack of CAP_MKNOD do the same.
 */
#include "base/json.h"
#include "runner/docker_internal.h"

/* The engine's copy of the output, from which ours is made. When an agent prints faster than the
 * engine lets us read, a file that is thrown away is a gap, so they are large: the driver "local"
 * needs some 35 bytes for a line of 7 ("json-file", Podman's only one: 85) and is the fastest. */
#define LOG_FILE_SIZE  "64m"
#define LOG_FILE_COUNT "2"

#define TMP         "/tmp"
#define TMP_OPTIONS "nosuid,nodev,mode=1777,size=512m"

enum {
	OPEN_FILES = 16384,
	SHM_BYTES = 64 << 20,
	HOST_GATEWAY_API = 41, /* the engine knows the word "host-gateway" since 20.10 */
};

static struct js *strings(const struct strv *l)
{
	struct js *arr = js_array();

	for (size_t i = 0; i < l->n; i++)
		js_add_str(arr, l->v[i]);
	return arr;
}

static struct js *one_string(const char *s)
{
	struct js *arr = js_array();

	js_add_str(arr, s);
	return arr;
}

static struct js *labels(const struct runner_spec *s, const char *home_id)
{
	struct js *o = js_object();

	js_set_str(o, "pylon.job", s->job_id.s);
	js_set_str(o, "pylon.run", s->run_id.s);
	js_set_str(o, "pylon.home", home_id);
	js_set_str(o, "pylon.pylon", s->pylon);
	return o;
}

static struct js *mount(const struct runner_mount *m)
{
	struct js *o = js_object();
	struct js *bind = js_object();

	js_set_str(o, "Type", "bind");
	js_set_str(o, "Source", m->source);
	js_set_str(o, "Target", m->target);
	js_set_bool(o, "ReadOnly", m->is_read_only);
	js_set_str(bind, "Propagation", "rprivate");
	js_set_take(o, "BindOptions", bind);
	return o;
}

/* runc gives a tmpfs the mode of what the image has in its place, whatever mode= says; with an
 * image whose /tmp is 0755 only root could write there. An anonymous volume that is a tmpfs keeps
 * its own mode. It goes with the container. */
static struct js *tmp_volume(void)
{
	struct js *o = js_object(), *volume = js_object(), *driver = js_object();
	struct js *options = js_object();

	js_set_str(options, "type", "tmpfs");
	js_set_str(options, "device", "tmpfs");
	js_set_str(options, "o", TMP_OPTIONS);
	js_set_str(driver, "Name", "local");
	js_set_take(driver, "Options", options);
	js_set_bool(volume, "NoCopy", true);
	js_set_take(volume, "DriverConfig", driver);
	js_set_str(o, "Type", "volume");
	js_set_str(o, "Target", TMP);
	js_set_take(o, "VolumeOptions", volume);
	return o;
}

/* Podman's runtimes keep the mode. Its own default, like the engine's, is noexec; compilers and
 * package managers run what they put there. */
static struct js *tmp_tmpfs(void)
{
	struct js *o = js_object();

	js_set_str(o, TMP, "rw,exec," TMP_OPTIONS);
	return o;
}

static bool has_mount_at(const struct runner_spec *s, const char *target)
{
	for (size_t i = 0; i < s->mount_count; i++)
		if (str_eq(s->mounts[i].target, target))
			return true;
	return false;
}

static struct js *ulimit(const char *name, int64_t value)
{
	struct js *o = js_object();

	js_set_str(o, "Name", name);
	js_set_int(o, "Soft", value);
	js_set_int(o, "Hard", value);
	return o;
}

static struct js *log_config(bool is_podman)
{
	struct js *o = js_object();
	struct js *config = js_object();

	js_set_str(config, "max-size", LOG_FILE_SIZE);
	js_set_str(config, "max-file", LOG_FILE_COUNT);
	/* Reading a compressed file means unpacking it first. */
	if (!is_podman)
		js_set_str(config, "compress", "false");
	js_set_str(o, "Type", is_podman ? "json-file" : "local");
	js_set_take(o, "Config", config);
	return o;
}

static void add_limits(struct js *host, const struct runner_spec *s)
{
	struct js *ulimits = js_array();

	if (s->pids > 0)
		js_set_int(host, "PidsLimit", s->pids);
	if (s->memory_bytes > 0) {
		int64_t bytes = (int64_t)MIN_OF(s->memory_bytes, (uint64_t)INT64_MAX);

		/* Equal values: no swap on top. */
		js_set_int(host, "Memory", bytes);
		js_set_int(host, "MemorySwap", bytes);
	}
	if (s->cpus > 0)
		js_set_int(host, "NanoCpus", (int64_t)(s->cpus * 1e9 + 0.5));
	js_add_take(ulimits, ulimit("nofile", OPEN_FILES));
	js_add_take(ulimits, ulimit("core", 0));
	js_set_take(host, "Ulimits", ulimits);
	js_set_int(host, "ShmSize", SHM_BYTES);
}

static void add_safety(struct js *host)
{
	struct js *restart = js_object();

	js_set_take(host, "CapDrop", one_string("ALL"));
	js_set_take(host, "SecurityOpt", one_string("no-new-privileges:true"));
	js_set_str(host, "IpcMode", "private");
	js_set_bool(host, "Init", true);
	/* Its exit code is read before it is removed, and it never starts twice. */
	js_set_bool(host, "AutoRemove", false);
	js_set_str(restart, "Name", "no");
	js_set_take(host, "RestartPolicy", restart);
}

static void add_network(struct js *host, const char *network, unsigned api_minor)
{
	bool has_own_net = !str_eq(network, "none") && !str_eq(network, "host");

	js_set_str(host, "NetworkMode", network);
	if (has_own_net && api_minor >= HOST_GATEWAY_API)
		js_set_take(host, "ExtraHosts", one_string("host.docker.internal:host-gateway"));
}

static void add_files(struct js *host, const struct runner_spec *s, bool is_podman)
{
	struct js *mounts = js_array();
	bool needs_tmp = s->is_read_only && !has_mount_at(s, TMP);

	for (size_t i = 0; i < s->mount_count; i++)
		js_add_take(mounts, mount(&s->mounts[i]));
	if (needs_tmp && !is_podman)
		js_add_take(mounts, tmp_volume());
	js_set_take(host, "Mounts", mounts);
	js_set_bool(host, "ReadonlyRootfs", s->is_read_only);
	if (needs_tmp && is_podman)
		js_set_take(host, "Tmpfs", tmp_tmpfs());
}

/* Instead of what the image would run, and where the work is. */
static void set_command(struct js *body, const struct strv *command)
{
	js_set_take(body, "Entrypoint", strings(command));
	js_set_take(body, "Cmd", js_array());
	js_set_str(body, "WorkingDir", "/workspace");
}

void docker_body(struct buf *out, const struct runner_spec *s, const char *home_id,
	const struct docker_engine *engine)
{
	CLEANUP(js_freep) struct js *body = js_object();
	struct js *host = js_object();

	js_set_str(body, "Image", s->image);
	if (s->user != NULL)
		js_set_str(body, "User", s->user);
	if (s->command != NULL && s->command->n > 0)
		set_command(body, s->command);
	if (s->env != NULL)
		js_set_take(body, "Env", strings(s->env));
	js_set_take(body, "Labels", labels(s, home_id));
	/* Frames are only sent without a terminal. */
	js_set_bool(body, "Tty", false);
	add_safety(host);
	add_limits(host, s);
	add_network(host, s->network == NULL ? "bridge" : s->network, engine->api_minor);
	add_files(host, s, engine->is_podman);
	js_set_take(host, "LogConfig", log_config(engine->is_podman));
	js_set_take(body, "HostConfig", host);
	js_write(out, body);
}
