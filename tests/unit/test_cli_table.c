/* tests/unit/test_cli_table.c -- columns that line up, and colour that adds nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/cli_table.h"

static const char *const headings[] = { "A", "LONG", "C" };

static void fill(struct cli_table *t)
{
    cli_table_init(t, 3, headings);
    cli_table_add(t, CLI_PLAIN, "%s", "wide cell");
    cli_table_add(t, CLI_BAD, "%d", 7);
    cli_table_add(t, CLI_PLAIN, "%s", "end");
    cli_table_add(t, CLI_PLAIN, "%s", "x");
    cli_table_add(t, CLI_GOOD, "%s", "up");
    cli_table_add(t, CLI_PLAIN, "%s", "");
}

static void columns_are_aligned_and_nothing_trails(void **state)
{
    (void)state;
    struct cli_table t;
    struct buf out;

    buf_init(&out, 4096);
    fill(&t);
    cli_table_write(&t, false, &out);
    assert_string_equal(buf_text(&out), "A          LONG  C\n"
                                        "wide cell  7     end\n"
                                        "x          up    -\n");
    cli_table_fini(&t);
    buf_fini(&out);
}

static void without_its_escapes_a_coloured_table_is_the_plain_one(void **state)
{
    (void)state;
    struct buf plain, coloured, stripped;
    struct cli_table t;

    buf_init(&plain, 4096);
    buf_init(&coloured, 4096);
    buf_init(&stripped, 4096);
    fill(&t);
    cli_table_write(&t, false, &plain);
    cli_table_write(&t, true, &coloured);
    for (const char *p = buf_text(&coloured); *p != '\0'; p++) {
        if (*p == '\033')
            p += strcspn(p, "m");
        else
            (void)buf_putc(&stripped, *p);
    }
    assert_string_not_equal(buf_text(&coloured), buf_text(&plain));
    assert_string_equal(buf_text(&stripped), buf_text(&plain));
    cli_table_fini(&t);
    buf_fini(&plain);
    buf_fini(&coloured);
    buf_fini(&stripped);
}

static void words_have_the_tone_of_their_meaning(void **state)
{
    (void)state;
    assert_int_equal(cli_table_tone("up"), CLI_GOOD);
    assert_int_equal(cli_table_tone("down"), CLI_BAD);
    assert_int_equal(cli_table_tone("unknown"), CLI_DOUBT);
    assert_int_equal(cli_table_tone("needs-attention"), CLI_BAD);
    assert_int_equal(cli_table_tone("verifying"), CLI_PLAIN);
    assert_int_equal(cli_table_tone(""), CLI_PLAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_aligned_and_nothing_trails),
        cmocka_unit_test(without_its_escapes_a_coloured_table_is_the_plain_one),
        cmocka_unit_test(words_have_the_tone_of_their_meaning),
    };

    return cmocka_run_group_tests_name("cli_table", tests, NULL, NULL);
}
