/* SPDX-License-Identifier: MIT */
/*
 * The grammar of cron expressions: what is read, what is refused where, and how it is printed.
 */
#include "lib/t.h"

#include "calendar/cron.h"
#include "calendar/dice.h"

static void what_is_read_is_printed_in_the_usual_form(void **state)
{
	static const char *const rows[][2] = {
		{"* * * * *", "* * * * *"},
		{"? ? ? ? ?", "* * * * *"},
		{"  *\t *  * * \t*  ", "* * * * *"},
		{"*/15 * * * *", "*/15 * * * *"},
		{"?/15 * * * *", "*/15 * * * *"},
		{"0,15,30,45 * * * *", "*/15 * * * *"},
		{"*/1 */1 */1 */1 */1", "* * * * *"},
		{"*/99 * * * *", "0 * * * *"},
		{"0 */6 * * *", "0 */6 * * *"},
		/* A fixed job does not become a wildcard, nor the reverse. */
		{"0 0,6,12,18 * * *", "0 0,6,12,18 * * *"},
		{"0-59 0-23 * * *", "0-59 0-23 * * *"},
		{"*/99 0 * * *", "*/60 0 * * *"},
		{"0 */99 * * *", "*/60 0 * * *"},
		{"5 */99 * * *", "5 */24 * * *"},
		{"*/2,1 9 * * *", "*/2,1 9 * * *"},
		{"1,*/2 9 * * *", "0-2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32,34,36,38,40,42,44,"
				  "46,48,50,52,54,56,58 9 * * *"},
		{"*/15 9-17 * * 1-5", "*/15 9-17 * * 1-5"},
		{"0 9-17/2 * * *", "0 9-17/2 * * *"},
		{"0 9,11,13,15,17 * * *", "0 9-17/2 * * *"},
		{"0 9,17 * * *", "0 9,17 * * *"},
		{"5/10 * * * *", "5-55/10 * * * *"},
		{"50/99 1 * * *", "50 1 * * *"},
		{"1-5/99 1 * * *", "1 1 * * *"},
		{"1-2,4-6,8 1 * * *", "1,2,4-6,8 1 * * *"},
		{"3,2,1,3 1 * * *", "1-3 1 * * *"},
		{"08 09 01 02 03", "8 9 1 2 3"},
		/* The day rule stays what it was. */
		{"0 0 1-31 1-12 0-6", "0 0 1-31 * 0-6"},
		{"0 0 1-31 * *", "0 0 1-31 * *"},
		{"0 0 */2 * 1", "0 0 */2 * 1"},
		{"0 0 1/2 * 1", "0 0 1-31/2 * 1"},
		{"0 0 */99 * 1", "0 0 */31 * 1"},
		{"0 0 */99,L * 1", "0 0 */31,L * 1"},
		{"0 0 13 * */7", "0 0 13 * */7"},
		{"0 0 13,* * 5", "0 0 1-31 * 5"},
		/* Names and the two Sundays. */
		{"0 9 * * MON-fri", "0 9 * * 1-5"},
		{"0 9 * * sun-SAT", "0 9 * * 0-6"},
		{"0 9 * * 7", "0 9 * * 0"},
		{"0 9 * * 0,7", "0 9 * * 0"},
		{"0 9 * * 5-7", "0 9 * * 0,5,6"},
		{"0 9 * * sat,sun", "0 9 * * 0,6"},
		{"0 9 * * 0-7", "0 9 * * 0-6"},
		{"0 9 * * 5/1", "0 9 * * 0,5,6"},
		{"0 9 * * 7/2", "0 9 * * 0"},
		{"0 9 * * mon/3", "0 9 * * 0,1,4"},
		{"0 9 1 jan,APR-Jun *", "0 9 1 1,4-6 *"},
		{"0 9 1 jan-dec/3 *", "0 9 1 */3 *"},
		{"0 9 1 2/3 *", "0 9 1 2,5,8,11 *"},
		{"0 9 1 1,7 *", "0 9 1 1,7 *"},
		{"0 9 1 1 *", "0 9 1 1 *"},
		/* Days that move. */
		{"0 0 L * *", "0 0 L * *"},
		{"0 0 lw * *", "0 0 LW * *"},
		{"0 0 LW,15W,L,1w,3-5 * *", "0 0 3-5,1W,15W,L,LW * *"},
		{"0 0 31W * *", "0 0 31W * *"},
		{"0 0 * * 5L,7l,1#1,FRI#5,sun#2", "0 0 * * 1#1,0#2,5#5,0L,5L"},
		{"0 0 * * 1,5L", "0 0 * * 1,5L"},
		/* Seconds. */
		{"0 0 9 * * *", "0 9 * * *"},
		{"30 0 9 * * *", "30 0 9 * * *"},
		{"*/15 * * * * *", "*/15 * * * * *"},
		{"* * * * * *", "* * * * * *"},
		{"*/30 0 2 * * *", "*/30 0 2 * * *"},
		{"5-10 */60 1 * * *", "5-10 */60 1 * * *"},
		/* Macros. */
		{"@hourly", "0 * * * *"},
		{"@daily", "0 0 * * *"},
		{"@midnight", "0 0 * * *"},
		{" @Weekly ", "0 0 * * 0"},
		{"@MONTHLY", "0 0 1 * *"},
		{"@yearly", "0 0 1 1 *"},
		{"@annually", "0 0 1 1 *"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_fini) struct buf text = BUF_NULL;
		struct cron_fault fault;
		struct cron c;

		if (cron_parse(&c, slice_of(rows[i][0]), &fault) < 0)
			fail_msg("\"%s\" at %zu: %s", rows[i][0], fault.column, fault.text);
		cron_print(&text, &c);
		if (!str_eq(buf_str(&text), rows[i][1]))
			fail_msg("\"%s\" is \"%s\", but should be \"%s\"", rows[i][0],
				buf_str(&text), rows[i][1]);
	}
}

/* What is refused, at which byte, and a bit of what is said; NULL = no matter. */
struct refusal {
	const char *text;
	size_t column;
	const char *why;
};

static const struct refusal wrong_values[] = {
	{"", 0, "empty"},
	{" \t ", 0, "empty"},
	{"*", 1, "here is 1"},
	{"* * * *", 7, "here are 4"},
	{"* * * *  ", 7, "here are 4"},
	{"* * * * * * *", 12, "more than 6"},
	{"* * * * * * * *", 12, "more than 6"},
	{"60 * * * *", 0, "minute field goes from 0 to 59"},
	{"* 24 * * *", 2, "hour field goes from 0 to 23"},
	{"* * 0 * *", 4, "day-of-month field goes from 1 to 31"},
	{"* * 32 * *", 4, "from 1 to 31"},
	{"* * * 0 *", 6, "month field goes from 1 to 12"},
	{"* * * 13 *", 6, "from 1 to 12"},
	{"* * * * 8", 8, "day-of-week field goes from 0 to 7"},
	{"60 * * * * *", 0, "second field goes from 0 to 59"},
	{"99999999999999999999 * * * *", 0, "from 0 to 59"},
	{"005 * * * *", 0, "at most 2 digits"},
	{"0-60 * * * *", 2, "from 0 to 59"},
	/* Ranges and steps. */
	{"* 22-2 * * *", 5, "goes down"},
	{"* * * * fri-sun", 12, "Sunday at its end is 7"},
	{"* * * dec-jan *", 10, "goes down"},
	{"*/0 * * * *", 2, "step of 0"},
	{"15/00 * * * *", 3, "step of 0"},
	{"*/-1 * * * *", 2, "a step is a number"},
	{"*/ * * * *", 2, "a step is a number"},
	{"*/x * * * *", 2, "a step is a number"},
	{"*/1.5 * * * *", 3, "\".\" is not understood"},
	{"1/2/3 * * * *", 3, "not understood"},
	{"1-5-7 * * * *", 3, "not understood"},
	{"1- * * * *", 2, "missing"},
	{"-5 * * * *", 0, "missing"},
	{"5-* * * * *", 2, "missing"},
	{"*-5 * * * *", 1, "not understood"},
	{"** * * * *", 1, "not understood"},
	{"*5 * * * *", 1, "not understood"},
	{"?? * * * *", 1, "not understood"},
	{"/5 * * * *", 0, "missing"},
	/* Lists. */
	{"1,,2 * * * *", 2, "missing"},
	{",1 * * * *", 0, "missing"},
	{"1, * * * *", 2, "missing"},
	/* Numbers in other dress. */
	{"+5 * * * *", 0, "missing"},
	{"1.5 * * * *", 1, "not understood"},
	{"0x10 * * * *", 1, "not understood"},
	{"1_0 * * * *", 1, "not understood"},
	{"1-1_0 * * * *", 3, "not understood"},
	{"1e1 * * * *", 1, "not understood"},
	{"\xd9\xa3 * * * *", 0, "ASCII"},
	{"* * * * \xef\xbc\x91", 8, "ASCII"},
	/* Names. */
	{"* * * foo *", 6, "is no month"},
	{"* * * january *", 6, "\"january\" is no month"},
	{"* * * mon *", 6, "is no month"},
	{"* * * * XYZ", 8, "is no day of the week"},
	{"* * * * jan", 8, "is no day of the week"},
	{"* * * * mon-", 12, "missing"},
	{"jan * * * *", 0, "takes no names"},
	{"* mon * * *", 2, "takes no names"},
	{"TZ=UTC * * * * *", 0, "takes no names"},
	{"* * * * mon1", 11, "not understood"},
	/* Bytes that have no place. */
	{"*\n* * * *", 1, "control character"},
	{"* * * * *\r", 9, "control character"},
	{"* * * * *\x7f", 9, "control character"},
	{"* * * * *\x01", 9, "control character"},
	{"* * * * * # daily", 12, "more than 6"},
	{"* * * * * #", 0, NULL},
	/* Macros. */
	{"@", 0, "macros are"},
	{"@reboot", 0, "macros are"},
	{"@dailyx", 0, "macros are"},
	{"@every 5m", 0, "macros are"},
	{" @daily  x", 9, "nothing may follow @daily"},
	{"0 @daily", 8, "here are 2"},
};

static const struct refusal wrong_moving_days[] = {
	{"L * * * *", 0, "takes no names"},
	{"* * * L *", 6, "is no month"},
	{"* * * * L", 8, "is no day of the week"},
	{"* * * * sunL", 8, "is no day of the week"},
	{"* * L-32 * *", 5, "not understood"},
	{"* * L-3 * *", 5, "not understood"},
	{"* * L/2 * *", 5, "not understood"},
	{"* * LL * *", 5, "not understood"},
	{"* * LWW * *", 6, "not understood"},
	{"* * 5L * *", 5, "not understood"},
	{"* * W * *", 4, "takes no names"},
	{"* * 0W * *", 4, "from 1 to 31"},
	{"* * 32W * *", 4, "from 1 to 31"},
	{"* * 1-5W * *", 7, "not understood"},
	{"* * 1W-5 * *", 6, "not understood"},
	{"* * 1W/5 * *", 6, "not understood"},
	{"* * * * 5L-6", 10, "not understood"},
	{"* * * * 1-5L", 11, "not understood"},
	{"* * * * 8L", 8, "from 0 to 7"},
	{"* * * * 1W", 9, "not understood"},
	{"* * * * 1#0", 10, "from 1 to 5"},
	{"* * * * 1#6", 10, "from 1 to 5"},
	{"* * * * 1#", 10, "from 1 to 5"},
	{"* * * * 1#12", 10, "from 1 to 5"},
	{"* * * * 1#1-2", 11, "not understood"},
	{"* * * * 1#1L", 11, "not understood"},
	{"* * * * 1-2#1", 11, "not understood"},
	{"* * * * #1", 8, "missing"},
	{"* * 1#1 * *", 5, "not understood"},
};

static void check_refused(const struct refusal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct cron_fault fault;
		struct cron c = {.seconds = 77};

		if (cron_parse(&c, slice_of(rows[i].text), &fault) != -EINVAL)
			fail_msg("\"%s\" is taken", rows[i].text);
		assert_int_equal(cron_parse(&c, slice_of(rows[i].text), NULL), -EINVAL);
		assert_int_equal(c.seconds, 77);
		if (rows[i].why == NULL)
			continue;
		if (fault.column != rows[i].column || strstr(fault.text, rows[i].why) == NULL)
			fail_msg("\"%s\": at %zu \"%s\"", rows[i].text, fault.column, fault.text);
	}
}

static void anything_else_is_refused_at_its_byte(void **state)
{
	(void)state;
	check_refused(wrong_values, ARRAY_LEN(wrong_values));
}

static void a_day_that_moves_stands_alone(void **state)
{
	(void)state;
	check_refused(wrong_moving_days, ARRAY_LEN(wrong_moving_days));
}

static void a_nul_is_a_control_character(void **state)
{
	struct cron_fault fault;
	struct cron c;

	(void)state;
	assert_int_equal(cron_parse(&c, (struct slice){"* * * * *\0", 10}, &fault), -EINVAL);
	assert_int_equal(fault.column, 9);
}

static void a_field_of_six_is_marked(void **state)
{
	struct cron c;

	(void)state;
	assert_int_equal(cron_parse(&c, SLICE_LIT("0 * * * * *"), NULL), 0);
	assert_true(c.has_seconds && c.is_wildcard && c.seconds == 1);
	assert_int_equal(cron_parse(&c, SLICE_LIT("* 0 0 * * *"), NULL), 0);
	assert_true(c.has_seconds && !c.is_wildcard);
	assert_int_equal(cron_parse(&c, SLICE_LIT("0 0 * * *"), NULL), 0);
	assert_true(!c.has_seconds && !c.is_wildcard && c.day_is_star && c.weekday_is_star);
}

static bool is_same(const struct cron *a, const struct cron *b)
{
	return a->seconds == b->seconds && a->minutes == b->minutes && a->hours == b->hours &&
	       a->days == b->days && a->months == b->months && a->weekdays == b->weekdays &&
	       a->nearest == b->nearest && memcmp(a->nth, b->nth, sizeof(a->nth)) == 0 &&
	       a->last_weekday == b->last_weekday && a->last_day == b->last_day &&
	       a->last_working_day == b->last_working_day && a->day_is_star == b->day_is_star &&
	       a->weekday_is_star == b->weekday_is_star && a->is_wildcard == b->is_wildcard;
}

static void what_is_printed_means_the_same(void **state)
{
	struct dice d;

	(void)state;
	dice_start(&d, "PYLON_CRON_SEED");
	for (size_t i = 0; i < 50000; i++) {
		CLEANUP(buf_fini) struct buf text = BUF_NULL, printed = BUF_NULL, again = BUF_NULL;
		struct cron c, copy;

		dice_expression(&d, &text);
		assert_int_equal(cron_parse(&c, buf_slice(&text), NULL), 0);
		cron_print(&printed, &c);
		if (cron_parse(&copy, buf_slice(&printed), NULL) < 0 || !is_same(&c, &copy))
			fail_msg("\"%s\" is printed \"%s\"", buf_str(&text), buf_str(&printed));
		cron_print(&again, &copy);
		assert_string_equal(buf_str(&again), buf_str(&printed));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_printed_in_the_usual_form),
		cmocka_unit_test(anything_else_is_refused_at_its_byte),
		cmocka_unit_test(a_day_that_moves_stands_alone),
		cmocka_unit_test(a_nul_is_a_control_character),
		cmocka_unit_test(a_field_of_six_is_marked),
		cmocka_unit_test(what_is_printed_means_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
