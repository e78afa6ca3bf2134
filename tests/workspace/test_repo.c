/* SPDX-License-Identifier: MIT */
/* tests/workspace/test_repo.c - which addresses and refs pass, and what is made of them. */
#include <errno.h>

#include "base/limits.h"
#include "lib/t.h"
#include "workspace/repo_internal.h"

static void cache_is_named_by_the_ssh_form(void **state UNUSED)
{
	static const struct {
		const char *repo, *hash;
	} rows[] = {
		{"git@github.com:user/repo.git", "fa6942ed216b29e6"},
		{"https://github.com/user/repo", "fa6942ed216b29e6"},
		{"https://github.com/user/repo.git", "fa6942ed216b29e6"},
		{"repo", "071ca22277547058"},
		{"test", "9f86d081884c7d65"},
	};
	char hash[REPO_HASH_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		repo_hash(rows[i].repo, hash);
		assert_string_equal(hash, rows[i].hash);
	}
}

static void only_https_addresses_of_two_hosts_have_an_ssh_form(void **state UNUSED)
{
	static const struct {
		const char *repo, *ssh;
	} rows[] = {
		{"https://github.com/user/repo", "git@github.com:user/repo.git"},
		{"https://github.com/user/repo.git", "git@github.com:user/repo.git"},
		{"https://gitlab.com/user/repo", "git@gitlab.com:user/repo.git"},
		{"https://gitlab.com/group/sub/repo.git", "git@gitlab.com:group/sub/repo.git"},
		{"https://bitbucket.org/user/repo", NULL},
		{"https://github.com/{{ .body.org }}/repo", NULL},
		{"https://github.com.evil/user/repo", NULL},
		{"http://github.com/user/repo", NULL},
		{"https://user@github.com/user/repo", NULL},
		{"git@github.com:user/repo.git", NULL},
		{"/srv/repo", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep) char *ssh = repo_ssh_form(rows[i].repo);

		if (rows[i].ssh == NULL)
			assert_null(ssh);
		else
			assert_string_equal(ssh, rows[i].ssh);
	}
}

static void expect(
	const char *text, bool is_literal, enum repo_transport transport, const char *url)
{
	struct repo r = {0};
	struct err e = CLEAN_ERR;

	if (repo_parse(text, is_literal, &r, &e) != 0)
		fail_msg("%s: %s", text, e.text);
	assert_int_equal(r.transport, transport);
	assert_string_equal(r.url, url);
	assert_string_equal(repo_url(&r), url);
	repo_fini(&r);
}

static void expect_refusal(const char *text, bool is_literal)
{
	struct repo r = {0};
	struct err e = CLEAN_ERR;

	if (repo_parse(text, is_literal, &r, &e) != -EINVAL)
		fail_msg("%s was let in", text);
	assert_null(r.url);
	assert_string_not_equal(e.text, "");
}

static void usual_addresses_pass(void **state UNUSED)
{
	static const struct {
		const char *text;
		enum repo_transport transport;
	} rows[] = {
		{"https://github.com/user/repo", REPO_HTTPS},
		{"https://git.example.org:8443/a/b.git", REPO_HTTPS},
		{"https://dev.azure.com/org/my%20project/_git/repo", REPO_HTTPS},
		{"https://[2600:1406::17]:8443/a", REPO_HTTPS},
		{"https://8.8.8.8/a", REPO_HTTPS},
		{"https://git.sr.ht/~user/repo", REPO_HTTPS},
		{"https://h/gr\xc3\xbc\xc3\x9f"
		 "e",
			REPO_HTTPS},
		{"ssh://git@example.org/a/b.git", REPO_SSH},
		{"ssh://git@example.org:2222/~/b.git", REPO_SSH},
		{"ssh://example.org/a", REPO_SSH},
		{"git@github.com:user/repo.git", REPO_SSH},
		{"host:path/to/repo", REPO_SSH},
		{"git@host:/absolute/path", REPO_SSH},
		{"org-1234@github.com:user/repo.git", REPO_SSH},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expect(rows[i].text, false, rows[i].transport, rows[i].text);
		expect(rows[i].text, true, rows[i].transport, rows[i].text);
	}
}

static void folders_and_plain_http_pass_only_when_written_out(void **state UNUSED)
{
	expect("/srv/git/repo.git", true, REPO_LOCAL, "/srv/git/repo.git");
	expect("/home/me/my projects/x", true, REPO_LOCAL, "/home/me/my projects/x");
	expect("http://git.internal/repo", true, REPO_HTTP, "http://git.internal/repo");
	expect_refusal("/srv/git/repo.git", false);
	expect_refusal("http://git.internal/repo", false);
	expect_refusal("/srv/../etc", true);
	expect_refusal("/srv/..", true);
}

/* How a host may be written, and where it lies. */
static const struct {
	const char *host;
	bool is_bracketed; /* scp's form has no place for it */
	enum host_place place;
} hosts[] = {
	{"localhost", false, HOST_INSIDE},
	{"LocalHost", false, HOST_INSIDE},
	{"localhost.", false, HOST_INSIDE},
	{"localhost..", false, HOST_INSIDE},
	{"a.localhost", false, HOST_INSIDE},
	{"A.LOCALHOST.", false, HOST_INSIDE},
	{"localhost.localdomain", false, HOST_INSIDE},
	{"ip6-localhost", false, HOST_INSIDE},
	{"ip6-loopback", false, HOST_INSIDE},
	{"notlocalhost", false, HOST_OUTSIDE},
	{"localhost.example.org", false, HOST_OUTSIDE},
	{"localhos", false, HOST_OUTSIDE},
	/* each range: the address before it, its first, its last, the address behind it */
	{"0.0.0.0", false, HOST_INSIDE},
	{"0.255.255.255", false, HOST_INSIDE},
	{"1.0.0.0", false, HOST_OUTSIDE},
	{"9.255.255.255", false, HOST_OUTSIDE},
	{"10.0.0.0", false, HOST_INSIDE},
	{"10.255.255.255", false, HOST_INSIDE},
	{"11.0.0.0", false, HOST_OUTSIDE},
	{"100.63.255.255", false, HOST_OUTSIDE},
	{"100.64.0.0", false, HOST_INSIDE},
	{"100.127.255.255", false, HOST_INSIDE},
	{"100.128.0.0", false, HOST_OUTSIDE},
	{"126.255.255.255", false, HOST_OUTSIDE},
	{"127.0.0.0", false, HOST_INSIDE},
	{"127.255.255.255", false, HOST_INSIDE},
	{"128.0.0.0", false, HOST_OUTSIDE},
	{"169.253.255.255", false, HOST_OUTSIDE},
	{"169.254.0.0", false, HOST_INSIDE},
	{"169.254.255.255", false, HOST_INSIDE},
	{"169.255.0.0", false, HOST_OUTSIDE},
	{"172.15.255.255", false, HOST_OUTSIDE},
	{"172.16.0.0", false, HOST_INSIDE},
	{"172.31.255.255", false, HOST_INSIDE},
	{"172.32.0.0", false, HOST_OUTSIDE},
	{"191.255.255.255", false, HOST_OUTSIDE},
	{"192.0.0.0", false, HOST_INSIDE},
	{"192.0.0.255", false, HOST_INSIDE},
	{"192.0.1.0", false, HOST_OUTSIDE},
	{"192.167.255.255", false, HOST_OUTSIDE},
	{"192.168.0.0", false, HOST_INSIDE},
	{"192.168.255.255", false, HOST_INSIDE},
	{"192.169.0.0", false, HOST_OUTSIDE},
	{"198.17.255.255", false, HOST_OUTSIDE},
	{"198.18.0.0", false, HOST_INSIDE},
	{"198.19.255.255", false, HOST_INSIDE},
	{"198.20.0.0", false, HOST_OUTSIDE},
	{"223.255.255.255", false, HOST_OUTSIDE},
	{"224.0.0.0", false, HOST_INSIDE},
	{"255.255.255.255", false, HOST_INSIDE},
	{"127.0.0.1.", false, HOST_INSIDE},
	/* other spellings of 127.0.0.1, 10.0.0.1, 169.254.169.254 and 8.8.8.8 */
	{"127.1", false, HOST_INSIDE},
	{"127.0.1", false, HOST_INSIDE},
	{"127.65535", false, HOST_INSIDE},
	{"2130706433", false, HOST_INSIDE},
	{"0x7f000001", false, HOST_INSIDE},
	{"0X7F000001", false, HOST_INSIDE},
	{"0x7f.1", false, HOST_INSIDE},
	{"0x7f.0.0.0x1", false, HOST_INSIDE},
	{"0177.0.0.1", false, HOST_INSIDE},
	{"00177.0.0.01", false, HOST_INSIDE},
	{"017700000001", false, HOST_INSIDE},
	{"10.1", false, HOST_INSIDE},
	{"012.0.0.1", false, HOST_INSIDE},
	{"2852039166", false, HOST_INSIDE},
	{"0xa9.0xfe.43518", false, HOST_INSIDE},
	{"0", false, HOST_INSIDE},
	{"134744072", false, HOST_OUTSIDE},
	{"010.8.8.8", false, HOST_OUTSIDE},
	{"0x8.0x8.2056", false, HOST_OUTSIDE},
	{"4294967295", false, HOST_INSIDE},
	/* no addresses, and no names either */
	{"4294967296", false, HOST_NOWHERE},
	{"99999999999999999999999999", false, HOST_NOWHERE},
	{"0x100000000", false, HOST_NOWHERE},
	{"256.0.0.1", false, HOST_NOWHERE},
	{"127.0.0.256", false, HOST_NOWHERE},
	{"127.0.65536", false, HOST_NOWHERE},
	{"127.16777216", false, HOST_NOWHERE},
	{"1.2.3.4.5", false, HOST_NOWHERE},
	{"example.1", false, HOST_NOWHERE},
	{"a..1", false, HOST_NOWHERE},
	{"08.8.8.8", false, HOST_NOWHERE},
	{"0x7g.1", false, HOST_NOWHERE},
	/* names */
	{"127.0.0.1.example.org", false, HOST_OUTSIDE},
	{"10.0.0.1a", false, HOST_OUTSIDE},
	{"host", false, HOST_OUTSIDE},
	{"1and1.com", false, HOST_OUTSIDE},
	/* IPv6 */
	{"[::]", true, HOST_INSIDE},
	{"[::1]", true, HOST_INSIDE},
	{"[0:0:0:0:0:0:0:1]", true, HOST_INSIDE},
	{"[::127.0.0.1]", true, HOST_INSIDE},
	{"[::ffff:127.0.0.1]", true, HOST_INSIDE},
	{"[::FFFF:7f00:1]", true, HOST_INSIDE},
	{"[::ffff:0:10.0.0.1]", true, HOST_INSIDE},
	{"[::ffff:8.8.8.8]", true, HOST_OUTSIDE},
	{"[64:ff9b::10.0.0.1]", true, HOST_INSIDE},
	{"[64:ff9b::8.8.8.8]", true, HOST_OUTSIDE},
	{"[64:ff9b:1::8.8.8.8]", true, HOST_INSIDE},
	{"[2002:7f00:1::]", true, HOST_INSIDE},
	{"[2002:808:808::]", true, HOST_OUTSIDE},
	{"[2001::1]", true, HOST_INSIDE},
	{"[2001:1::1]", true, HOST_OUTSIDE},
	{"[fbff::1]", true, HOST_OUTSIDE},
	{"[fc00::1]", true, HOST_INSIDE},
	{"[fdff::1]", true, HOST_INSIDE},
	{"[fe00::1]", true, HOST_OUTSIDE},
	{"[fe7f::1]", true, HOST_OUTSIDE},
	{"[fe80::1]", true, HOST_INSIDE},
	{"[febf::1]", true, HOST_INSIDE},
	{"[fec0::1]", true, HOST_INSIDE},
	{"[ff02::1]", true, HOST_INSIDE},
	{"[2600:1406::17]", true, HOST_OUTSIDE},
	/* git hands over to ssh what stands between the brackets, with a port at its end */
	{"[localhost]", true, HOST_NOWHERE},
	{"[127.0.0.1]", true, HOST_NOWHERE},
	{"[localhost:22]", true, HOST_NOWHERE},
	{"[1::2::3]", true, HOST_NOWHERE},
	{"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]", true, HOST_NOWHERE},
};

static void expect_by_place(enum host_place place, enum repo_transport transport, const char *text)
{
	struct repo r = {0};
	struct err e = CLEAN_ERR;

	expect(text, true, transport, text);
	if (place == HOST_OUTSIDE) {
		expect(text, false, transport, text);
		return;
	}
	expect_refusal(text, false);
	assert_int_equal(repo_parse(text, false, &r, &e), -EINVAL);
	if (place == HOST_INSIDE && strstr(e.text, "written out in pylon.yaml") == NULL)
		fail_msg("%s: %s", text, e.text);
}

static void hosts_that_lie_inside_pass_only_when_written_out(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		CLEANUP(freep) char *https = xasprintf("https://%s/a.git", hosts[i].host);
		CLEANUP(freep) char *port = xasprintf("https://%s:8443/a.git", hosts[i].host);
		CLEANUP(freep) char *ssh = xasprintf("ssh://git@%s:22/a", hosts[i].host);
		CLEANUP(freep) char *scp = xasprintf("git@%s:a/b", hosts[i].host);
		CLEANUP(freep) char *short_scp = xasprintf("%s:a/b", hosts[i].host);
		enum host_place place = host_find_place(slice_of(hosts[i].host));

		if (place != hosts[i].place)
			fail_msg("%s: %d", hosts[i].host, (int)place);
		expect_by_place(place, REPO_HTTPS, https);
		expect_by_place(place, REPO_HTTPS, port);
		expect_by_place(place, REPO_SSH, ssh);
		if (hosts[i].is_bracketed) {
			expect_refusal(scp, false);
			continue;
		}
		expect_by_place(place, REPO_SSH, scp);
		expect_by_place(place, REPO_SSH, short_scp);
	}
}

static void host_behind_credentials_is_the_one_that_counts(void **state UNUSED)
{
	static const char *const rows[] = {"https://github.com@localhost/x",
		"https://github.com:x@127.0.0.1/x", "https://a@github.com@10.0.0.1:8443/x",
		"ssh://github.com@localhost/x", "github.com@localhost:x"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_refusal(rows[i], false);
	expect("https://github.com/localhost@10.0.0.1/x", false, REPO_HTTPS,
		"https://github.com/localhost@10.0.0.1/x");
}

/* git decodes the whole address before it takes it apart. */
static void an_event_gives_ssh_no_user_that_means_something_else(void **state UNUSED)
{
	static const char *const rows[] = {"ssh://git%40127.0.0.1%2Fx@github.com/y",
		"ssh://%2DoProxyCommand=x@github.com/y", "ssh://a$(id)@github.com/y",
		"ssh://a`id`@github.com/y", "a;id@github.com:y", "a'b@github.com:y",
		"$HOME@github.com:y"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_refusal(rows[i], false);
	expect("ssh://org-1_2.x+y@github.com/y", false, REPO_SSH, "ssh://org-1_2.x+y@github.com/y");
	expect("ssh://DOMAIN%5Cme@git.example.org/y", true, REPO_SSH,
		"ssh://DOMAIN%5Cme@git.example.org/y");
}

static void refusal_of_an_inner_host_shows_no_password(void **state UNUSED)
{
	struct repo r = {0};
	struct err e = CLEAN_ERR;

	assert_int_equal(repo_parse("https://me:hunter22@10.0.0.1/x", false, &r, &e), -EINVAL);
	assert_null(strstr(e.text, "hunter22"));
	assert_non_null(strstr(e.text, "10.0.0.1"));
}

static void all_else_is_refused(void **state UNUSED)
{
	static const char *const rows[] = {
		"-",
		"--upload-pack=touch /tmp/x",
		"-oProxyCommand=x",
		"ext::sh -c x",
		"ext::sh%20x",
		"fd::7",
		"transport::address",
		"file:///etc",
		"file:/etc",
		"git://host/x",
		"ftp://host/x",
		"ssh://-oProxyCommand=x/y",
		"ssh://-x@host/p",
		"ssh://host",
		"ssh://host/",
		"ssh://ho st/x",
		"ssh://user:x",
		"-x@host:path",
		"host:-path",
		"-host:path",
		"@host:path",
		"host:",
		":path",
		":",
		"::",
		"relative/path",
		"../..",
		"~/repo",
		"a b:c",
		"host:a b",
		"https://",
		"https:///x",
		"https://host",
		"https://host/",
		"https://-h/x",
		"https://h:65536/x",
		"https://h:x/y",
		"https://h:/y",
		"https://h/x?y",
		"https://h/x#y",
		"https://h/x y",
		"https://h/x\\y",
		"https://h/\x01",
		"https://h/x\n",
		"https://h/\xff",
		"https://h/{{ .body.x }}",
		"{{ .body.x }}",
		"https://u:%zz@h/x",
		"https://u:%0a@h/x",
		"https://[::1/x",
		"https://[]/x",
		"HTTPS://h/x",
		"https://h..@/x",
		"host:a\\b",
		"host:a;b|c",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expect_refusal(rows[i], false);
		expect_refusal(rows[i], true);
	}
}

static void address_has_a_longest_length(void **state UNUSED)
{
	char text[REPO_MAX + 2] = "";

	memset(text, 'a', REPO_MAX - 1);
	memcpy(text, "https://h/", strlen("https://h/"));
	expect(text, false, REPO_HTTPS, text);
	text[REPO_MAX - 1] = 'a';
	expect(text, false, REPO_HTTPS, text);
	text[REPO_MAX] = 'a';
	expect_refusal(text, false);
}

static void credentials_are_taken_out_of_the_address(void **state UNUSED)
{
	struct repo r = {0};
	struct err e = CLEAN_ERR;

	assert_int_equal(
		repo_parse("https://some%40body:pa%3Ass%2Fword@h.org:8443/x.git", false, &r, &e),
		0);
	assert_string_equal(r.url, "https://h.org:8443/x.git");
	assert_string_equal(r.origin, "https://h.org:8443/");
	assert_string_equal(r.user, "some@body");
	assert_string_equal(r.password, "pa:ss/word");
	assert_true(strv_has(&r.secrets, "pa:ss/word"));
	assert_true(strv_has(&r.secrets, "pa%3Ass%2Fword"));
	repo_fini(&r);
}

static void token_in_the_place_of_the_user_is_a_secret_too(void **state UNUSED)
{
	struct repo r = {0};
	struct err e = CLEAN_ERR;

	assert_int_equal(repo_parse("https://ghp_abcdef@github.com/o/r", false, &r, &e), 0);
	assert_string_equal(r.url, "https://github.com/o/r");
	assert_string_equal(r.ssh_url, "git@github.com:o/r.git");
	assert_string_equal(r.user, "ghp_abcdef");
	assert_null(r.password);
	assert_true(strv_has(&r.secrets, "ghp_abcdef"));
	repo_fini(&r);
}

static void ssh_address_keeps_its_user_and_loses_a_password(void **state UNUSED)
{
	struct repo r = {0};
	struct err e = CLEAN_ERR;

	assert_int_equal(repo_parse("ssh://git:secret-word@h.org/x", false, &r, &e), 0);
	assert_string_equal(r.url, "ssh://git@h.org/x");
	assert_true(strv_has(&r.secrets, "secret-word"));
	repo_fini(&r);
}

static void refusals_show_no_password(void **state UNUSED)
{
	static const char *const rows[] = {"https://user:hunter22@host/a b",
		"https://user:hunter22@/x", "https://user:hunt%er22@host/x",
		"https://user:x/hunter22@host/a?b", "http://user:hunter22@host/x",
		"git://user:hunter22@host/x"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct repo r = {0};
		struct err e = CLEAN_ERR;

		assert_int_equal(repo_parse(rows[i], false, &r, &e), -EINVAL);
		assert_null(strstr(e.text, "hunter22"));
		assert_null(strstr(e.text, "er22"));
	}
}

/* --- refs --- */

static void refs_are_sorted_out(void **state UNUSED)
{
	static const struct {
		const char *text;
		enum ref_kind kind;
		const char *name;
	} rows[] = {
		{NULL, REF_DEFAULT, "main"},
		{"", REF_DEFAULT, "main"},
		{"HEAD", REF_HEAD, "HEAD"},
		{"main", REF_NAME, "main"},
		{"feature/x-1", REF_NAME, "feature/x-1"},
		{"v1.2.3", REF_NAME, "v1.2.3"},
		{"a/-b", REF_NAME, "a/-b"},
		{"+x", REF_NAME, "+x"},
		{"gr\xc3\xbcn", REF_NAME, "gr\xc3\xbcn"},
		{"refs/heads/main", REF_BRANCH, "main"},
		{"refs/heads/refs/heads/x", REF_BRANCH, "refs/heads/x"},
		{"refs/tags/v1", REF_TAG, "v1"},
		{"refs/pull/1/head", REF_OTHER, "refs/pull/1/head"},
		{"0123456789abcdef0123456789abcdef01234567", REF_COMMIT,
			"0123456789abcdef0123456789abcdef01234567"},
		{"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", REF_COMMIT,
			"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
		{"0123456789abcdef0123456789abcdef0123456", REF_NAME,
			"0123456789abcdef0123456789abcdef0123456"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ref r = {0};
		struct err e = CLEAN_ERR;

		assert_int_equal(ref_parse(rows[i].text, &r, &e), 0);
		assert_int_equal(r.kind, rows[i].kind);
		assert_string_equal(r.name, rows[i].name);
		ref_fini(&r);
	}
}

static void names_that_git_does_not_take_are_refused(void **state UNUSED)
{
	static const char *const rows[] = {"-", "-b", "--help", "a..b", "@", "@{-1}", "a@{1}",
		"a~1", "a^", "a:b", "a b", "a\tb", "a\nb", "a\x7f", "a?", "a*", "[a", "a\\b", ".a",
		"a/.b", "a.lock", "a.lock/b", "a//b", "/a", "a/", "a.", "refs/heads/-x",
		"refs/tags/-x", "refs/heads/HEAD", "refs/heads/", "refs/", "{{ .body.ref }}",
		"\xff"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ref r = {0};
		struct err e = CLEAN_ERR;

		if (ref_parse(rows[i], &r, &e) != -EINVAL)
			fail_msg("%s was let in", rows[i]);
		assert_null(r.name);
	}
}

static void ref_has_a_longest_length(void **state UNUSED)
{
	char text[REF_MAX + 2] = "";
	struct ref r = {0};

	memset(text, 'r', REF_MAX - 1);
	assert_int_equal(ref_parse(text, &r, NULL), 0);
	ref_fini(&r);
	text[REF_MAX - 1] = 'r';
	assert_int_equal(ref_parse(text, &r, NULL), 0);
	ref_fini(&r);
	text[REF_MAX] = 'r';
	assert_int_equal(ref_parse(text, &r, NULL), -EINVAL);
}

static void shortened_commits_have_7_to_39_digits(void **state UNUSED)
{
	static const struct {
		const char *text;
		bool may_be;
	} rows[] = {{"abcdef", false}, {"abcdef0", true}, {"ABCDEF0", true}, {"abcdefg", false},
		{"0123456789abcdef0123456789abcdef0123456", true},
		{"0123456789abcdef0123456789abcdef01234567", false}, {"refs/heads/abcdef0", false}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ref r = {0};

		assert_int_equal(ref_parse(rows[i].text, &r, NULL), 0);
		assert_int_equal(ref_may_be_short_commit(&r), rows[i].may_be);
		ref_fini(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cache_is_named_by_the_ssh_form),
		cmocka_unit_test(only_https_addresses_of_two_hosts_have_an_ssh_form),
		cmocka_unit_test(usual_addresses_pass),
		cmocka_unit_test(folders_and_plain_http_pass_only_when_written_out),
		cmocka_unit_test(hosts_that_lie_inside_pass_only_when_written_out),
		cmocka_unit_test(host_behind_credentials_is_the_one_that_counts),
		cmocka_unit_test(an_event_gives_ssh_no_user_that_means_something_else),
		cmocka_unit_test(refusal_of_an_inner_host_shows_no_password),
		cmocka_unit_test(all_else_is_refused),
		cmocka_unit_test(address_has_a_longest_length),
		cmocka_unit_test(credentials_are_taken_out_of_the_address),
		cmocka_unit_test(token_in_the_place_of_the_user_is_a_secret_too),
		cmocka_unit_test(ssh_address_keeps_its_user_and_loses_a_password),
		cmocka_unit_test(refusals_show_no_password),
		cmocka_unit_test(refs_are_sorted_out),
		cmocka_unit_test(names_that_git_does_not_take_are_refused),
		cmocka_unit_test(ref_has_a_longest_length),
		cmocka_unit_test(shortened_commits_have_7_to_39_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
