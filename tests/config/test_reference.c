/* SPDX-License-Identifier: MIT */
#include "config/config-internal.h"
#include "lib/t.h"

#define PAGE PYLON_SOURCE_DIR "/docs/configuration.md"

/* UPDATE_REFERENCE=1 writes the page instead. */
static void page_in_docs_is_what_the_tables_say(void **state UNUSED)
{
	CLEANUP(buf_fini) struct buf page = BUF_NULL;
	CLEANUP(buf_fini) struct buf stored = BUF_NULL;
	struct err e = CLEAN_ERR;

	config_reference(&page);
	if (getenv("UPDATE_REFERENCE"))
		assert_int_equal(file_write(PAGE, page.p, page.n, 0644, &e), 0);
	assert_int_equal(file_read(PAGE, 1 << 20, &stored, &e), 0);
	assert_string_equal(buf_str(&stored), buf_str(&page));
}

static void every_key_has_a_row_with_a_unique_path(void **state UNUSED)
{
	const struct schema *const schemas[] = {&schema_global, &schema_pylon};

	for (size_t s = 0; s < ARRAY_LEN(schemas); s++) {
		for (size_t i = 0; i < schemas[s]->count; i++) {
			const struct key *k = &schemas[s]->keys[i];
			size_t help = k->help ? strlen(k->help) : 0;

			if (!k->path)
				fail_msg("%s: row %zu is missing", schemas[s]->file, i);
			assert_ptr_equal(schema_find(schemas[s], k->path), k);
			assert_false(schema_has_section(schemas[s], k->path));
			if (help < 5 || k->help[help - 1] != '.')
				fail_msg("%s has no sentence", k->path);
			assert_true((k->type == KEY_WORD) == (k->words != NULL));
			assert_true(k->min <= k->max);
		}
	}
}

/* A reload must never claim to have moved a port, a socket or a token. */
static void reload_takes_over_what_it_can_and_nothing_else(void **state UNUSED)
{
	static const char *const restart[] = {"version", "server.host", "server.port",
		"server.api_token", "docker.host", "docker.max_starting", "agent.base_image",
		"daemon.ipc.socketPath", "dashboard.listen"};
	size_t found = 0;

	for (size_t i = 0; i < schema_global.count; i++)
		found += !schema_global.keys[i].is_live;
	assert_int_equal(found, ARRAY_LEN(restart));
	for (size_t i = 0; i < ARRAY_LEN(restart); i++)
		assert_false(schema_find(&schema_global, restart[i])->is_live);
	for (size_t i = 0; i < schema_pylon.count; i++)
		assert_true(schema_pylon.keys[i].is_live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_in_docs_is_what_the_tables_say),
		cmocka_unit_test(every_key_has_a_row_with_a_unique_path),
		cmocka_unit_test(reload_takes_over_what_it_can_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
