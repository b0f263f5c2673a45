/* tests/unit/test_value.c -- texts to members and back, by the row of the schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/config/value.h"

struct sample {
    bool truth;
    uint32_t number, ttl_s, size;
    int64_t duration_ms;
    uint16_t port;
    int word;
    char text[8], name[64], host[256], path[64], url_path[16];
};

#define MEMBER(m) .offset = offsetof(struct sample, m), .size = sizeof(((struct sample *)0)->m)

static const char *const words[] = { "observe", "auto", NULL };

static const struct key_spec truth = { .name = "truth", .type = KEY_BOOL, MEMBER(truth) };
static const struct key_spec number = {
    .name = "number", .type = KEY_UINT, MEMBER(number), .min = 1, .max = 100
};
static const struct key_spec unbound = { .name = "unbound", .type = KEY_UINT, MEMBER(number) };
static const struct key_spec ttl = {
    .name = "ttl", .type = KEY_TTL, MEMBER(ttl_s), .min = 1, .max = 86400
};
static const struct key_spec size = {
    .name = "size", .type = KEY_SIZE, MEMBER(size), .min = 1024, .max = 1 << 20
};
static const struct key_spec duration = {
    .name = "duration", .type = KEY_DURATION, MEMBER(duration_ms), .min = 50, .max = 300000
};
static const struct key_spec port = { .name = "port", .type = KEY_PORT, MEMBER(port) };
static const struct key_spec word = {
    .name = "word", .type = KEY_ENUM, MEMBER(word), .words = words
};
static const struct key_spec text = { .name = "text", .type = KEY_TEXT, MEMBER(text) };
static const struct key_spec name = { .name = "name", .type = KEY_NAME, MEMBER(name) };
static const struct key_spec host = { .name = "host", .type = KEY_HOSTNAME, MEMBER(host) };
static const struct key_spec path = { .name = "path", .type = KEY_PATH, MEMBER(path) };
static const struct key_spec url_path = { .name = "url_path",
                                          .type = KEY_URL_PATH,
                                          MEMBER(url_path) };

/* What written is read as and printed again. */
static void check_reads(const struct key_spec *key, const char *written, const char *printed)
{
    struct sample s = { 0 };
    struct err err = { 0 };
    struct buf out;

    buf_init(&out, 4096);
    if (value_parse(key, written, "/etc/dnsflip", &s, &err) != 0)
        fail_msg("%s: %s", written, err.text);
    value_format(key, &s, &out);
    assert_string_equal(buf_text(&out), printed);
    buf_fini(&out);
}

static void check_refuses(const struct key_spec *key, const char *written, const char *message)
{
    struct sample s = { 0 };
    struct err err = { 0 };

    assert_int_equal(value_parse(key, written, "/", &s, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_string_equal(err.text, message);
}

static void what_is_read_is_printed_in_its_shortest_form(void **state)
{
    (void)state;
    static const struct {
        const struct key_spec *key;
        const char *written, *printed;
    } cases[] = {
        { &truth, "true", "true" },
        { &truth, "false", "false" },
        { &number, "7", "7" },
        { &unbound, "4294967295", "4294967295" },
        { &ttl, "90s", "1m30s" },
        { &ttl, "1d", "1d" },
        { &size, "65536", "64KiB" },
        { &size, "1MiB", "1MiB" },
        { &size, "1025B", "1025" },
        { &duration, "250ms", "250ms" },
        { &duration, "120s", "2m" },
        { &port, "65535", "65535" },
        { &word, "auto", "auto" },
        { &text, "no", "\"no\"" },
        { &text, "a\"\\\n", "\"a\\\"\\\\\\x0a\"" },
        { &name, "us-east-1", "us-east-1" },
        { &name, "3", "\"3\"" },
        { &host, "WWW.Example.COM.", "www.example.com" },
        { &host, "_acme.a-b.example", "_acme.a-b.example" },
        { &path, "./a.zone", "/etc/dnsflip/a.zone" },
        { &path, "/b", "/b" },
        { &path, "", "\"\"" },
        { &url_path, "/a%20b?c=d", "\"/a%20b?c=d\"" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_reads(cases[i].key, cases[i].written, cases[i].printed);
}

static void what_is_refused_is_named_with_its_limits(void **state)
{
    (void)state;
    static const struct {
        const struct key_spec *key;
        const char *written, *message;
    } cases[] = {
        { &truth, "yes", "'yes' is not true or false" },
        { &truth, "", "'' is not true or false" },
        { &number, "0", "'0' is not a number from 1 to 100" },
        { &number, "101", "'101' is not a number from 1 to 100" },
        { &number, "0x10", "'0x10' is not a number from 1 to 100" },
        { &unbound, "4294967296", "'4294967296' is not a number" },
        { &ttl, "1500ms",
          "'1500ms' is not a duration with its unit, in whole seconds, from 1s to 1d" },
        { &ttl, "0", "'0' is not a duration with its unit, in whole seconds, from 1s to 1d" },
        { &ttl, "30", "'30' is not a duration with its unit, in whole seconds, from 1s to 1d" },
        { &size, "1023", "'1023' is not a size from 1KiB to 1MiB" },
        { &size, "2MB", "'2MB' is not a size from 1KiB to 1MiB" },
        { &duration, "49ms", "'49ms' is not a duration with its unit from 50ms to 5m" },
        { &duration, "1:30", "'1:30' is not a duration with its unit from 50ms to 5m" },
        { &port, "0", "'0' is not a port from 1 to 65535" },
        { &port, "65536", "'65536' is not a port from 1 to 65535" },
        { &word, "Auto", "'Auto' is not one of observe, auto" },
        { &text, "12345678", "the text has 8 bytes, at most 7 are allowed" },
        { &name, "Big", "'Big': a name begins and ends with a-z or 0-9" },
        { &name, "a/b", "'a/b': a name consists of a-z, 0-9 and inner '-', '_' or '.'" },
        { &host, "localhost",
          "'localhost': a host name here is written in full, with at least one dot" },
        { &host, "a.-b.example", "'a.-b.example': a label begins or ends with '-'" },
        { &host, ".", "'.': a host name is empty" },
        { &host, "10.0.0.1",
          "'10.0.0.1': the last label is a number, so this looks like an address" },
        { &url_path, "x", "'x': a path begins with '/'" },
        { &url_path, "/a b",
          "'/a b': a path has no spaces, quotes, braces, '#' or characters that are not ASCII: "
          "write them as %XX" },
        { &url_path, "/0123456789abcdef", "the text has 17 bytes, at most 15 are allowed" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_refuses(cases[i].key, cases[i].written, cases[i].message);
}

/* labels times "a." and "example". */
static void check_long_name(size_t labels, size_t length, const char *problem)
{
    struct buf long_name;

    buf_init(&long_name, 512);
    for (size_t i = 0; i < labels; i++)
        buf_puts(&long_name, "a.");
    buf_puts(&long_name, "example");
    assert_int_equal(long_name.len, length);
    if (problem == NULL)
        assert_null(value_hostname_problem(buf_text(&long_name), false));
    else
        assert_string_equal(value_hostname_problem(buf_text(&long_name), false), problem);
    buf_fini(&long_name);
}

static void a_host_name_has_253_characters_at_most(void **state)
{
    (void)state;
    check_long_name(123, 253, NULL);
    check_long_name(124, 255, "a host name is longer than 253 characters");
}

static void an_underscore_is_for_names_that_need_no_certificate(void **state)
{
    (void)state;
    assert_null(value_hostname_problem("_x.example.com", true));
    assert_non_null(value_hostname_problem("_x.example.com", false));
}

static void words_that_yaml_readers_take_for_more_are_quoted(void **state)
{
    (void)state;
    static const char *const not_words[] = { "",    "no",  "On", "NULL", "true", "1",
                                             "1.5", "1_0", "-a", ".a",   "a b",  "a:b",
                                             "a#b", "*a",  "&a", "{a}",  "%a",   "1e3" };
    static const char *const plain[] = { "a", "a.b-c_d", "/etc/x", "10s", "50%", "nope", "v2" };

    for (size_t i = 0; i < sizeof(not_words) / sizeof(not_words[0]); i++)
        assert_false(value_is_word(not_words[i]));
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        assert_true(value_is_word(plain[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_printed_in_its_shortest_form),
        cmocka_unit_test(what_is_refused_is_named_with_its_limits),
        cmocka_unit_test(a_host_name_has_253_characters_at_most),
        cmocka_unit_test(an_underscore_is_for_names_that_need_no_certificate),
        cmocka_unit_test(words_that_yaml_readers_take_for_more_are_quoted),
    };

    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
