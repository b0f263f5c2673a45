/* tests/unit/test_wire.c -- names, mail boxes and HTTPS rdata between text and wire form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/render/wire.h"

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define WIRE(bytes) bytes, sizeof(bytes) /* the text's NUL is the root label */

static void names_are_read_in_lower_case(void **state)
{
    static const struct {
        const char *text, *wire;
        size_t len;
    } cases[] = {
        { ".", WIRE("") },
        { "a", WIRE("\1a") },
        { "A.b.", WIRE("\1a\1b") },
        { "ns1.DR.example.com", WIRE("\3ns1\2dr\7example\3com") },
        { "a\\.b.c", WIRE("\3a.b\1c") },
        { "\\065\\000x", WIRE("\3a\0x") },
        { "\\\\", WIRE("\1\\") },
        { LABEL_63 ".b", WIRE("\77" LABEL_63 "\1b") },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t wire[WIRE_NAME_BYTES];

        assert_int_equal(wire_name_parse(cases[i].text, wire), cases[i].len);
        assert_memory_equal(wire, cases[i].wire, cases[i].len);
    }
}

static void what_is_no_name_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "..",
        ".a",
        "a..b",
        "a\\",
        "\\25",
        "\\256",
        "\\1x2",
        LABEL_63 "a",
        /* 4 x 64 + the root: 257 bytes */
        LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63,
        /* 3 x 64 + 63 + the root: one byte too many */
        LABEL_63 "." LABEL_63 "." LABEL_63
                 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t wire[WIRE_NAME_BYTES];

        assert_int_equal(wire_name_parse(cases[i], wire), 0);
    }
}

static void the_longest_name_is_taken(void **state)
{
    static const char text[] = LABEL_63
        "." LABEL_63 "." LABEL_63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    uint8_t wire[WIRE_NAME_BYTES];
    struct wire_text back;

    (void)state;
    assert_int_equal(wire_name_parse(text, wire), WIRE_NAME_BYTES);
    assert_string_equal(wire_name_format(wire, WIRE_NAME_BYTES, &back), text);
}

static void names_are_shown_so_that_they_can_be_read_again(void **state)
{
    static const struct {
        const char *wire;
        size_t len;
        const char *text;
    } cases[] = {
        { WIRE(""), "." },
        { WIRE("\1a\1b"), "a.b" },
        { WIRE("\3a.b\1c"), "a\\.b.c" },
        { WIRE("\4 \x7f\"\\"), "\\032\\127\\\"\\\\" },
        { WIRE("\2\xff\1"), "\\255\\001" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wire_text text;
        uint8_t wire[WIRE_NAME_BYTES];

        assert_string_equal(wire_name_format((const uint8_t *)cases[i].wire, cases[i].len, &text),
                            cases[i].text);
        assert_int_equal(wire_name_parse(text.text, wire), cases[i].len);
        assert_memory_equal(wire, cases[i].wire, cases[i].len);
    }
}

static void a_mail_boxs_local_part_is_one_label(void **state)
{
    static const struct {
        const char *mail, *wire;
        size_t len;
    } cases[] = {
        { "host.master@example.com", WIRE("\13host.master\7example\3com") },
        { "Ops@Example.com", WIRE("\3Ops\7example\3com") },
        { "hostmaster.example.com", WIRE("\12hostmaster\7example\3com") },
        { "@example.com", NULL, 0 },
        { "ops@", NULL, 0 },
        { "ops@a..b", NULL, 0 },
        { LABEL_63 "a@example.com", NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t wire[WIRE_NAME_BYTES];

        assert_int_equal(wire_mailbox_parse(cases[i].mail, wire), cases[i].len);
        if (cases[i].len > 0)
            assert_memory_equal(wire, cases[i].wire, cases[i].len);
    }
}

static void types_have_names_or_numbers(void **state)
{
    struct wire_type_text text;

    (void)state;
    assert_string_equal(wire_type_format(1, &text)->text, "A");
    assert_string_equal(wire_type_format(65, &text)->text, "HTTPS");
    assert_string_equal(wire_type_format(65280, &text)->text, "TYPE65280");
}

static void https_rdata_are_checked(void **state)
{
    static const struct {
        const char *text, *wire;
        size_t len;
        const char *problem;
    } cases[] = {
        { "1 . alpn=h2", "\0\1\0\0\1\0\3\2h2", 10, NULL },
        /* parameters are put in order */
        { "1 . ipv4hint=192.0.2.1 alpn=h2", "\0\1\0\0\1\0\3\2h2\0\4\0\4\300\0\2\1", 18, NULL },
        { "0 a.example.", "\0\0\1a\7example\0", 13, NULL },
        { "", NULL, 0, "Syntax error" },
        { "1", NULL, 0, "\"1\"" },
        { "1 . port=x", NULL, 0, "65535" },
        { "1 . alpn=h2 alpn=h3", NULL, 0, "twice" },
        { "1 . mandatory=alpn", NULL, 0, "mandatory parameter is missing" },
        { "1 . mandatory=mandatory", NULL, 0, "mandatory=" },
        { "70000 .", NULL, 0, "65535" },
        { "-1 .", NULL, 0, "below 0" },
        { "1 . port=65535", "\0\1\0\0\3\0\2\377\377", 9, NULL },
        { "1 . port=\"53\"", "\0\1\0\0\3\0\2\0\65", 9, NULL },
        { "1 . port=65536", NULL, 0, "65535" },
        { "1 . port=-1", NULL, 0, "65535" },
        { "1 . port=\"70000\"", NULL, 0, "65535" },
        { "1 . port=", NULL, 0, "65535" },
        { "1 . port", NULL, 0, "65535" },
        { "1 . alpn", NULL, 0, "alpn=" },
        { "1 . alpn=f\\\\oo\\\\,bar", NULL, 0, "backslash" },
        { "1 . no-default-alpn", NULL, 0, "beside it" },
        { "1 . alpn=h2 no-default-alpn", "\0\1\0\0\1\0\3\2h2\0\2\0\0", 14, NULL },
        { "1 . key4", NULL, 0, "hint" },
        { "1 . key6", NULL, 0, "hint" },
        { "1 . key5", NULL, 0, "ech=" },
        { "1 .\n2 .", NULL, 0, "too long" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t wire[512];
        struct err err = { .text = "" };

        assert_int_equal(wire_https_parse(cases[i].text, wire, sizeof(wire), &err), cases[i].len);
        if (cases[i].problem == NULL)
            assert_memory_equal(wire, cases[i].wire, cases[i].len);
        else
            assert_non_null(strstr(err.text, cases[i].problem));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_in_lower_case),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(the_longest_name_is_taken),
        cmocka_unit_test(names_are_shown_so_that_they_can_be_read_again),
        cmocka_unit_test(a_mail_boxs_local_part_is_one_label),
        cmocka_unit_test(types_have_names_or_numbers),
        cmocka_unit_test(https_rdata_are_checked),
    };

    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
