/* tests/unit/test_aws_profile.c -- the config and credentials files, as botocore reads them. */
#include "dnsflip/io/aws_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"

static struct aws_ini *parse(const char *text)
{
    struct aws_ini *ini = NULL;
    struct err err;
    if (aws_ini_parse("f", text, strlen(text), &ini, &err) != 0)
        fail_msg("%s", err.text);
    return ini;
}

static void refuse(const char *text, const char *expected)
{
    struct aws_ini *ini = NULL;
    struct err err;
    assert_int_equal(aws_ini_parse("f", text, strlen(text), &ini, &err), -1);
    assert_string_equal(err.text, expected);
}

static void keys_and_values_are_read_in_every_way_of_writing(void **state)
{
    (void)state;
    struct aws_ini *ini = parse("# a comment\n"
                                "[a b] passed over\r\n"
                                "One = 1\n"
                                "two:2 # not a comment\r"
                                "three\t=\n"
                                "four = x = y : z\n"
                                "  ; a comment\n"
                                "[ b]\n"
                                "  one = other\n");
    assert_string_equal(aws_ini_get(ini, "a b", "one"), "1");
    assert_string_equal(aws_ini_get(ini, "a b", "two"), "2 # not a comment");
    assert_string_equal(aws_ini_get(ini, "a b", "three"), "");
    assert_string_equal(aws_ini_get(ini, "a b", "four"), "x = y : z");
    assert_null(aws_ini_get(ini, "a b", "five"));
    assert_string_equal(aws_ini_get(ini, " b", "one"), "other");
    assert_null(aws_ini_get(ini, "b", "one"));
    assert_true(aws_ini_has(ini, " b"));
    aws_ini_free(ini);
}

static void deeper_lines_go_on_with_the_value(void **state)
{
    (void)state;
    struct aws_ini *ini = parse("[a]\n"
                                "one = 1\n"
                                "  more\n"
                                "# in between\n"
                                "\n"
                                "  last\n"
                                "\n"
                                "two = 2\n"
                                " three = a part of two\n"
                                "s3 =\n"
                                "  nested = 1\n"
                                "  [x] = 2\n"
                                "four = 4\n");
    assert_string_equal(aws_ini_get(ini, "a", "one"), "1\nmore\n\nlast");
    assert_string_equal(aws_ini_get(ini, "a", "two"), "2\nthree = a part of two");
    assert_string_equal(aws_ini_get(ini, "a", "s3"), "");
    assert_null(aws_ini_get(ini, "a", "nested"));
    assert_string_equal(aws_ini_get(ini, "a", "four"), "4");
    aws_ini_free(ini);
}

static void the_default_section_counts_in_all(void **state)
{
    (void)state;
    struct aws_ini *ini = parse("[a]\none = 1\n[DEFAULT]\none = 0\ntwo = 2\n");
    assert_string_equal(aws_ini_get(ini, "a", "one"), "1");
    assert_string_equal(aws_ini_get(ini, "a", "two"), "2");
    assert_false(aws_ini_has(ini, "DEFAULT"));
    aws_ini_free(ini);
}

static void what_is_malformed_is_refused_with_its_line_and_without_its_text(void **state)
{
    (void)state;
    refuse("a = sesame\n", "f:1: no [section] before it");
    refuse("[a]\nx=1\nsesame\n", "f:3: neither a [section] nor KEY = VALUE nor a comment");
    refuse("[a]\n = sesame\n", "f:2: no key before the '=' or ':'");
    refuse("[a]\n\n[b]\n[a]\n", "f:4: a section of this name is there already");
    refuse("[a]\nOne=1\none=sesame\n", "f:3: this key is in the section already");
    refuse("[a]\ns3 =\n  sesame\n", "f:3: in a table of its own every line is KEY = VALUE");
    refuse("[]\n", "f:1: no [section] before it");
    refuse("[a]\nx = \xff\n", "f: byte 9 is not UTF-8 text");
    struct aws_ini *ini = NULL;
    struct err err;
    assert_int_equal(aws_ini_parse("f", "[a]\n\0", 5, &ini, &err), -1);
    assert_string_equal(err.text, "f: byte 5 is not UTF-8 text");
}

static void sizes_have_limits(void **state)
{
    (void)state;
    struct aws_ini *ini = NULL;
    struct err err;
    char *text = mem_zalloc(AWS_FILE_BYTES_MAX + 2);
    memset(text, '#', AWS_FILE_BYTES_MAX + 1);
    assert_int_equal(aws_ini_parse("f", text, AWS_FILE_BYTES_MAX + 1, &ini, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(aws_ini_parse("f", text, AWS_FILE_BYTES_MAX, &ini, &err), 0);
    aws_ini_free(ini);
    memset(text, 'k', AWS_NAME_BYTES_MAX + 5);
    text[0] = '[';
    text[2] = ']';
    text[3] = '\n';
    text[AWS_NAME_BYTES_MAX + 5] = '=';
    assert_int_equal(aws_ini_parse("f", text, AWS_NAME_BYTES_MAX + 6, &ini, &err), -1);
    assert_string_equal(err.text, "f:2: a key is longer than 1024 bytes");
    mem_free(text);
}

static void two_files_are_one_and_credentials_win(void **state)
{
    (void)state;
    struct aws_profiles *p = aws_profiles_new(
        parse("[default]\na = 1\n[profile x]\na = 2\nb = 3\n[profile 'two words']\na = 4\n"
              "[profile \"x\"]\na = 5\n[y]\na = 6\n[profile bad quote']\na = 7\n"),
        parse("[x]\na = 9\n[profile x]\na = 10\n"));
    assert_string_equal(aws_profiles_get(p, "default", "a"), "1");
    assert_string_equal(aws_profiles_get(p, "x", "a"), "9");
    assert_string_equal(aws_profiles_config(p, "x", "a"), "5");
    assert_string_equal(aws_profiles_credentials(p, "x", "a"), "9");
    assert_null(aws_profiles_get(p, "x", "b"));
    assert_string_equal(aws_profiles_get(p, "two words", "a"), "4");
    assert_string_equal(aws_profiles_get(p, "profile x", "a"), "10");
    assert_false(aws_profiles_has(p, "y"));
    assert_false(aws_profiles_has(p, "bad"));
    aws_profiles_free(p);
    p = aws_profiles_new(NULL, NULL);
    assert_false(aws_profiles_has(p, "default"));
    assert_null(aws_profiles_get(p, "default", "a"));
    aws_profiles_free(p);
}

static void words_are_those_of_a_shell(void **state)
{
    (void)state;
    char **words = aws_words_new(" a 'b c'\"d \\\" \\x\" e\\ f '' \t'$x' ");
    static const char *const expected[] = { "a", "b cd \" \\x", "e f", "", "$x" };
    assert_non_null(words);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(words[i], expected[i]);
    assert_null(words[5]);
    aws_words_free(words);
    words = aws_words_new("  ");
    assert_null(words[0]);
    aws_words_free(words);
    assert_null(aws_words_new("a 'b"));
    assert_null(aws_words_new("a \"b"));
    assert_null(aws_words_new("a \\"));
    char many[2 * AWS_WORDS_MAX + 2] = { 0 };
    for (size_t i = 0; i < 2 * (size_t)AWS_WORDS_MAX; i++)
        many[i] = "w "[i % 2];
    words = aws_words_new(many);
    assert_non_null(words);
    aws_words_free(words);
    many[sizeof many - 2] = 'w';
    assert_null(aws_words_new(many));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_values_are_read_in_every_way_of_writing),
        cmocka_unit_test(deeper_lines_go_on_with_the_value),
        cmocka_unit_test(the_default_section_counts_in_all),
        cmocka_unit_test(what_is_malformed_is_refused_with_its_line_and_without_its_text),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(two_files_are_one_and_credentials_win),
        cmocka_unit_test(words_are_those_of_a_shell),
    };

    return cmocka_run_group_tests_name("aws_profile", tests, NULL, NULL);
}
