/* SPDX-License-Identifier: MIT */
/*
 * tests/http/test_listen.c - sockets and accepting: addresses, the Unix socket's file, who may
 * connect, and what happens when connections or descriptors run out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "http/world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static int setup(void **state)
{
	*state = world_new(false);
	return 0;
}

static int setup_fake(void **state)
{
	*state = world_new(true);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

/* --- TCP --- */

static void addresses_are_understood(void **state)
{
	static const char *const good[] = {"", "0.0.0.0", "127.0.0.1", "localhost"};
	static const char *const bad[] = {"example", "1.2.3", "127.0.0.1:80", "[::1]", " "};
	struct world *w = *state;
	struct err e = CLEAN_ERR;
	uint16_t port;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		port = 0;
		assert_int_equal(http_listen_tcp(w->server, good[i], 0, &port, &e), 0);
		assert_true(port != 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(http_listen_tcp(w->server, bad[i], 0, &port, &e), -EINVAL);
		assert_non_null(strstr(e.text, "not an IP address"));
	}
}

static void port_in_use_is_an_error_that_names_it(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *want = xasprintf("127.0.0.1 port %u", w->port);
	struct err e = CLEAN_ERR;

	assert_int_equal(http_listen_tcp(w->server, "127.0.0.1", w->port, NULL, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, want));
}

static void any_address_serves_ipv4_too(void **state)
{
	struct world *w = *state;
	struct err e = CLEAN_ERR;
	struct peer p;

	assert_int_equal(http_listen_tcp(w->server, "", 0, &w->port, &e), 0);
	peer_connect(&p, w);
	peer_say(w, &p, GET("/"));
	assert_int_equal(peer_answer(w, &p), 200);
	peer_close(&p);
}

static void passed_descriptor_must_be_listening(void **state)
{
	struct world *w = *state;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), pipes[2];
	struct err e = CLEAN_ERR;
	struct peer p;

	assert_int_equal(http_listen_fd(w->server, 9999, &e), -EBADF);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(http_listen_fd(w->server, pipes[0], &e), -ENOTSOCK);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	assert_int_equal(http_listen_fd(w->server, fd, &e), -EINVAL);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(http_listen_fd(w->server, fd, &e), 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	w->port = ntohs(a.sin_port);
	peer_connect(&p, w);
	peer_say(w, &p, GET("/"));
	assert_int_equal(peer_answer(w, &p), 200);
	peer_close(&p);
}

static void stopping_lets_open_requests_go_on(void **state)
{
	struct world *w = *state;
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons(w->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct peer p;
	int fd;

	w->mode = MODE_HOLD;
	peer_connect(&p, w);
	peer_say(w, &p, GET("/"));
	world_until(w, &w->held_count, 1);
	http_server_stop_listening(w->server);
	http_server_stop_listening(w->server);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), -1);
	(void)close(fd);
	assert_false(file_exists(w->socket));
	world_answer(w, 0);
	assert_int_equal(peer_answer(w, &p), 200);
	assert_true(peer_head_has(&p, "Connection: close"));
	peer_wait_closed(w, &p);
	peer_close(&p);
}

/* --- the Unix socket's file --- */

static void unix_socket_is_private_whatever_the_umask(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *path = world_path(w, "other");
	mode_t old = umask(0);
	struct err e = CLEAN_ERR;
	struct stat st;
	struct peer p;

	assert_int_equal(http_listen_unix(w->server, path, &e), 0);
	(void)umask(old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(S_ISSOCK(st.st_mode));
	peer_connect_unix(&p, path);
	peer_say(w, &p, GET("/x"));
	assert_int_equal(peer_answer(w, &p), 200);
	assert_true(w->was_local);
	peer_close(&p);
}

static void left_over_socket_is_replaced_and_a_file_is_not(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *path = world_path(w, "file");
	struct err e = CLEAN_ERR;
	struct stat before, after;
	struct peer p;

	assert_int_equal(stat(w->socket, &before), 0);
	assert_int_equal(http_listen_unix(w->server, w->socket, &e), 0);
	assert_int_equal(stat(w->socket, &after), 0);
	assert_true(before.st_ino != after.st_ino);
	peer_connect_unix(&p, w->socket);
	peer_say(w, &p, GET("/"));
	assert_int_equal(peer_answer(w, &p), 200);
	peer_close(&p);

	assert_int_equal(file_write(path, "precious", 8, 0600, &e), 0);
	assert_int_equal(http_listen_unix(w->server, path, &e), -EEXIST);
	assert_non_null(strstr(e.text, "no socket is in the way"));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, 8);
}

static void count_name(const char *name, void *ctx)
{
	size_t *n = ctx;

	*n += *name != '\0';
}

static void nothing_is_left_in_the_folder(void **state)
{
	struct world *w = *state;
	struct err e = CLEAN_ERR;
	size_t n = 0;

	assert_int_equal(dir_each(w->folder, count_name, &n, &e), 0);
	assert_int_equal(n, 1);
	http_server_stop_listening(w->server);
	n = 0;
	assert_int_equal(dir_each(w->folder, count_name, &n, &e), 0);
	assert_int_equal(n, 0);
}

static void file_of_another_server_is_not_removed(void **state)
{
	struct world *w = *state;
	struct http_handlers h = {.handle = w->server->handlers.handle, .ctx = w};
	struct err e = CLEAN_ERR;
	struct http_server *other = http_server_new(w->loop, &h, &e);

	assert_non_null(other);
	assert_int_equal(http_listen_unix(other, w->socket, &e), 0);
	http_server_stop_listening(w->server);
	assert_true(file_exists(w->socket));
	http_server_free(other);
	assert_false(file_exists(w->socket));
}

/* Turns until there is a socket at the path, or as long as it takes to be sure there is none. */
static bool socket_appears(struct world *w, const char *path)
{
	struct stat st;

	for (int i = 0; i < 1000; i++) {
		if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
			return true;
		assert_true(loop_turn(w->loop, i < 20 ? US_PER_MS : 0) >= 0);
	}
	return false;
}

static void expect_served(struct world *w, const char *path)
{
	struct peer p;

	peer_connect_unix(&p, path);
	peer_say(w, &p, GET("/"));
	assert_int_equal(peer_answer(w, &p), 200);
	peer_close(&p);
}

static void removed_socket_comes_back_and_nobody_is_lost(void **state)
{
	struct world *w = *state;
	struct peer before, early;
	struct stat st;

	assert_string_equal(http_server_socket(w->server), w->socket);
	peer_connect_unix(&before, w->socket);
	peer_say(w, &before, GET("/"));
	assert_int_equal(peer_answer(w, &before), 200);
	for (int i = 0; i < 3; i++) {
		/* Connected, but not accepted when it happens. */
		peer_connect_unix(&early, w->socket);
		assert_int_equal(unlink(w->socket), 0);
		assert_true(socket_appears(w, w->socket));
		assert_int_equal(stat(w->socket, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		expect_served(w, w->socket);
		peer_say(w, &early, GET("/"));
		assert_int_equal(peer_answer(w, &early), 200);
		peer_close(&early);
	}
	peer_say(w, &before, GET("/"));
	assert_int_equal(peer_answer(w, &before), 200);
	peer_close(&before);
	/* It is the new one that goes at the end. */
	http_server_stop_listening(w->server);
	assert_false(file_exists(w->socket));
	assert_false(socket_appears(w, w->socket));
}

static void who_waits_to_be_accepted_is_not_lost(void **state)
{
	struct world *w = *state;
	struct http_limits before = w->server->limits;
	struct peer p;

	w->server->limits.connections = w->server->limits.local_extra = 0;
	peer_connect_unix(&p, w->socket);
	assert_true(send(p.fd, GET("/"), strlen(GET("/")), 0) > 0);
	for (int i = 0; i < 5; i++)
		world_turn(w);
	assert_int_equal(http_server_connections(w->server), 0);
	assert_int_equal(unlink(w->socket), 0);
	assert_true(socket_appears(w, w->socket));
	w->server->limits = before;
	assert_int_equal(peer_answer(w, &p), 200);
	peer_close(&p);
	expect_served(w, w->socket);
}

static void renamed_socket_comes_back(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *away = world_path(w, "away");

	assert_int_equal(rename(w->socket, away), 0);
	assert_true(socket_appears(w, w->socket));
	expect_served(w, w->socket);
}

static void what_others_put_in_its_place_is_left_alone(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *file = world_path(w, "file");
	CLEANUP(buf_fini) struct buf kept = BUF_NULL;
	struct err e = CLEAN_ERR;

	assert_int_equal(file_write(file, "precious", 8, 0600, &e), 0);
	assert_int_equal(rename(file, w->socket), 0);
	assert_false(socket_appears(w, w->socket));
	assert_int_equal(file_read(w->socket, 99, &kept, &e), 0);
	assert_string_equal(buf_str(&kept), "precious");
	/* Its owner takes it away. */
	assert_int_equal(unlink(w->socket), 0);
	assert_true(socket_appears(w, w->socket));
	expect_served(w, w->socket);
}

static void path_limit_is_exact_and_the_error_helps(void **state)
{
	struct world *w = *state;
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	for (size_t n = max - 1; n <= max + 1; n++) {
		CLEANUP(buf_fini) struct buf path = BUF_NULL;
		struct err e = CLEAN_ERR;
		struct peer p;
		int r;

		buf_printf(&path, "%s/", w->folder);
		while (path.n < n)
			buf_add_char(&path, 's');
		r = http_listen_unix(w->server, path.p, &e);
		assert_int_equal(r, n > max ? -ENAMETOOLONG : 0);
		if (r < 0) {
			assert_non_null(strstr(e.text, "PYLON_DAEMON_SOCKET_PATH"));
			continue;
		}
		peer_connect_unix(&p, path.p);
		peer_say(w, &p, GET("/"));
		assert_int_equal(peer_answer(w, &p), 200);
		peer_close(&p);
	}
}

static void missing_folder_is_an_error(void **state)
{
	struct world *w = *state;
	CLEANUP(freep) char *path = world_path(w, "missing/socket");
	CLEANUP(freep) char *folder = world_path(w, "");
	struct err e = CLEAN_ERR;

	assert_int_equal(http_listen_unix(w->server, path, &e), -ENOENT);
	assert_int_equal(http_listen_unix(w->server, folder, &e), -EINVAL);
}

/* A stranger's process: connects and waits for the end. */
static void stranger(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	memcpy(a.sun_path, path, strlen(path));
	if (setuid(65534) < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		_exit(2);
	(void)send(fd, GET("/"), strlen(GET("/")), MSG_NOSIGNAL);
	_exit(recv(fd, &byte, 1, 0) == 1 ? 1 : 0);
}

static void other_users_are_sent_away(void **state)
{
	struct world *w = *state;
	int status = 0;
	pid_t pid;

	if (geteuid() != 0) {
		skip();
		return;
	}
	/* The mode would keep them out already. */
	assert_int_equal(chmod(w->folder, 0755), 0);
	assert_int_equal(chmod(w->socket, 0666), 0);
	pid = fork();
	if (pid == 0)
		stranger(w->socket);
	for (unsigned i = 0; i < 5000 && waitpid(pid, &status, WNOHANG) == 0; i++)
		world_turn(w);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(w->handled, 0);
}

/* --- limits --- */

static void connection_limit_is_exact(void **state)
{
	enum { LIMIT = 4 };
	struct world *w = *state;
	struct peer p[LIMIT + 1];

	w->server->limits.connections = LIMIT;
	w->mode = MODE_HOLD;
	for (size_t i = 0; i < LIMIT + 1; i++) {
		peer_connect(&p[i], w);
		peer_say(w, &p[i], GET("/"));
		world_until(w, &w->held_count, MIN_OF(i + 1, LIMIT));
	}
	/* All are busy: the next one waits in the kernel, and nobody spins. */
	peer_expect_silence(w, &p[LIMIT]);
	assert_int_equal(http_server_connections(w->server), LIMIT);
	assert_true(w->server->is_paused);
	server_poll(w->server);
	assert_int_equal(epoll_wait(w->server->epoll_fd, w->server->events, 1, 0), 0);
	assert_int_equal(w->server->accept_mono, 0);
	/* One leaves. */
	peer_close(&p[0]);
	world_answer(w, 0);
	world_until(w, &w->held_count, LIMIT + 1);
	assert_int_equal(http_server_connections(w->server), LIMIT);
	for (size_t i = 1; i <= LIMIT; i++) {
		world_answer(w, i);
		assert_int_equal(peer_answer(w, &p[i]), 200);
		peer_close(&p[i]);
	}
}

static void unix_socket_has_room_when_tcp_is_full(void **state)
{
	struct world *w = *state;
	struct peer p[4];

	w->server->limits.connections = 2;
	w->server->limits.local_extra = 1;
	w->mode = MODE_HOLD;
	for (size_t i = 0; i < 3; i++) {
		peer_connect(&p[i], w);
		peer_say(w, &p[i], GET("/"));
	}
	world_until(w, &w->held_count, 2);
	peer_connect_unix(&p[3], w->socket);
	peer_say(w, &p[3], GET("/"));
	world_until(w, &w->held_count, 3);
	assert_true(http_request_is_local(w->held[2]));
	for (size_t i = 0; i < 3; i++)
		world_answer(w, i);
	for (size_t i = 0; i < 4; i++)
		peer_close(&p[i]);
}

static void longest_idle_connection_makes_room(void **state)
{
	enum { LIMIT = 3 };
	struct world *w = *state;
	struct peer p[LIMIT + 2];

	w->server->limits.connections = LIMIT;
	for (size_t i = 0; i < LIMIT; i++) {
		peer_connect(&p[i], w);
		peer_say(w, &p[i], GET("/"));
		assert_int_equal(peer_answer(w, &p[i]), 200);
		loop_advance(w->loop, 1000);
	}
	/* They were active a moment ago: a newcomer waits for a moment. */
	peer_connect(&p[LIMIT], w);
	peer_say(w, &p[LIMIT], GET("/"));
	peer_expect_silence(w, &p[LIMIT]);
	loop_advance(w->loop, 60 * US_PER_MS);
	assert_int_equal(peer_answer(w, &p[LIMIT]), 200);
	assert_int_equal(http_server_connections(w->server), LIMIT);
	peer_wait_closed(w, &p[0]);
	peer_expect_silence(w, &p[1]);
	/* One whose request is there already is spared. */
	loop_advance(w->loop, 60 * US_PER_MS);
	peer_connect(&p[LIMIT + 1], w);
	assert_true(send(p[1].fd, GET("/"), strlen(GET("/")), 0) > 0);
	peer_say(w, &p[LIMIT + 1], GET("/"));
	assert_int_equal(peer_answer(w, &p[LIMIT + 1]), 200);
	assert_int_equal(peer_answer(w, &p[1]), 200);
	peer_wait_closed(w, &p[2]);
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		peer_close(&p[i]);
}

static void set_fd_limit(rlim_t n)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = n;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
}

static rlim_t fd_limit(void)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	return r.rlim_cur;
}

/* The lowest free descriptor is the limit then: none can be opened. */
static void use_up_descriptors(void)
{
	int fd = dup(0);

	assert_true(fd >= 0);
	(void)close(fd);
	set_fd_limit((rlim_t)fd);
}

/* valgrind takes a connection first and then closes it, where the kernel leaves it waiting. */
static bool kernel_keeps_the_limit(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload == NULL || strstr(preload, "vgpreload") == NULL;
}

static int setup_limit(void **state)
{
	*state = NULL;
	return kernel_keeps_the_limit() ? setup_fake(state) : 0;
}

static int teardown_limit(void **state)
{
	return *state == NULL ? 0 : teardown(state);
}

static void accepting_pauses_without_descriptors_and_recovers(void **state)
{
	struct world *w = *state;
	rlim_t before = fd_limit();
	struct peer busy, late;

	if (w == NULL)
		skip();
	w->mode = MODE_HOLD;
	peer_connect(&busy, w);
	peer_say(w, &busy, GET("/"));
	world_until(w, &w->held_count, 1);
	peer_connect(&late, w);
	use_up_descriptors();
	for (int i = 0; i < 5; i++)
		server_poll(w->server);
	assert_true(w->server->is_paused);
	assert_int_equal(epoll_wait(w->server->epoll_fd, w->server->events, 1, 0), 0);
	/* Descriptors may come back without a connection closing: it is tried now and then. */
	set_fd_limit(before);
	loop_advance(w->loop, US_PER_SEC - 1);
	assert_true(w->server->is_paused);
	loop_advance(w->loop, 1);
	peer_say(w, &late, GET("/"));
	world_until(w, &w->held_count, 2);
	world_answer(w, 0);
	world_answer(w, 1);
	assert_int_equal(peer_answer(w, &late), 200);
	peer_close(&late);
	peer_close(&busy);
}

static void closing_connection_resumes_accepting(void **state)
{
	struct world *w = *state;
	rlim_t before = fd_limit();
	struct peer busy, late;

	if (w == NULL)
		skip();
	w->mode = MODE_HOLD;
	peer_connect(&busy, w);
	peer_say(w, &busy, "GET / HTTP/1.0\r\n\r\n");
	world_until(w, &w->held_count, 1);
	peer_connect(&late, w);
	use_up_descriptors();
	for (int i = 0; i < 5; i++)
		server_poll(w->server);
	assert_true(w->server->is_paused);
	world_answer(w, 0);
	assert_int_equal(peer_answer(w, &busy), 200);
	assert_int_equal(shutdown(busy.fd, SHUT_WR), 0);
	peer_say(w, &late, GET("/"));
	world_until(w, &w->held_count, 2);
	set_fd_limit(before);
	world_answer(w, 1);
	assert_int_equal(peer_answer(w, &late), 200);
	peer_close(&late);
	peer_close(&busy);
}

static void idle_connection_gives_its_descriptor(void **state)
{
	struct world *w = *state;
	rlim_t before = fd_limit();
	struct peer idle, late;

	if (w == NULL)
		skip();
	peer_connect(&idle, w);
	peer_expect_silence(w, &idle);
	loop_advance(w->loop, 60 * US_PER_MS);
	peer_connect(&late, w);
	use_up_descriptors();
	peer_say(w, &late, GET("/"));
	assert_int_equal(peer_answer(w, &late), 200);
	set_fd_limit(before);
	peer_wait_closed(w, &idle);
	peer_close(&idle);
	peer_close(&late);
}

static void reserve_refuses_when_nothing_can_be_closed(void **state)
{
	struct world *w = *state;
	rlim_t before = fd_limit();
	struct peer p;

	if (w == NULL)
		skip();
	peer_connect(&p, w);
	use_up_descriptors();
	peer_wait_closed(w, &p);
	set_fd_limit(before);
	assert_true(w->server->reserve_fd >= 0);
	assert_true(w->server->is_paused);
	loop_advance(w->loop, US_PER_SEC);
	assert_false(w->server->is_paused);
	peer_close(&p);
}

#define TEST(name)    cmocka_unit_test_setup_teardown(name, setup, teardown)
#define FAKE(name)    cmocka_unit_test_setup_teardown(name, setup_fake, teardown)
#define FEW_FDS(name) cmocka_unit_test_setup_teardown(name, setup_limit, teardown_limit)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses_are_understood),
		TEST(port_in_use_is_an_error_that_names_it),
		TEST(any_address_serves_ipv4_too),
		TEST(passed_descriptor_must_be_listening),
		TEST(stopping_lets_open_requests_go_on),
		TEST(unix_socket_is_private_whatever_the_umask),
		TEST(left_over_socket_is_replaced_and_a_file_is_not),
		TEST(nothing_is_left_in_the_folder),
		TEST(file_of_another_server_is_not_removed),
		TEST(removed_socket_comes_back_and_nobody_is_lost),
		TEST(who_waits_to_be_accepted_is_not_lost),
		TEST(renamed_socket_comes_back),
		TEST(what_others_put_in_its_place_is_left_alone),
		TEST(path_limit_is_exact_and_the_error_helps),
		TEST(missing_folder_is_an_error),
		TEST(other_users_are_sent_away),
		FAKE(connection_limit_is_exact),
		FAKE(unix_socket_has_room_when_tcp_is_full),
		FAKE(longest_idle_connection_makes_room),
		FEW_FDS(accepting_pauses_without_descriptors_and_recovers),
		FEW_FDS(closing_connection_resumes_accepting),
		FEW_FDS(idle_connection_gives_its_descriptor),
		FEW_FDS(reserve_refuses_when_nothing_can_be_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
