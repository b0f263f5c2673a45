/* tests/unit/test_yaml_tree.c -- places, paths and refusals of the YAML reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/config/yaml_tree.h"

#define OUT_BYTES (64U << 20)

static struct yaml_tree *parse(const char *text, struct config_report *r)
{
    config_report_init(r);
    return yaml_tree_parse("f", text, strlen(text), r);
}

/* Parses text, which must give exactly these messages, a tree or none. */
static void check_refused(const char *text, size_t n, const char *expected)
{
    struct config_report r;
    struct buf out;

    config_report_init(&r);
    buf_init(&out, OUT_BYTES);
    yaml_tree_free(yaml_tree_parse("f", text, n, &r));
    config_report_print(&r, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
    config_report_fini(&r);
}

static void check_path(const struct yaml_node *node, const char *expected)
{
    struct buf out;

    buf_init(&out, OUT_BYTES);
    yaml_tree_path(node, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
}

static void every_node_knows_its_place_and_path(void **state)
{
    (void)state;
    struct config_report r;
    struct yaml_tree *t = parse("groups:\n  prod:\n    ends: [a, {host: b}]\n", &r);

    assert_non_null(t);

    const struct yaml_node *root = yaml_tree_root(t);
    const struct yaml_node *ends =
        yaml_tree_find(yaml_tree_find(yaml_tree_find(root, "groups"), "prod"), "ends");

    check_path(root, "");
    assert_non_null(ends);
    assert_int_equal(ends->kind, YAML_TREE_LIST);
    assert_int_equal(ends->n_children, 2);
    assert_int_equal(ends->key_line, 3);
    assert_int_equal(ends->key_column, 5);
    assert_int_equal(ends->column, 11);

    const struct yaml_node *host = yaml_tree_find(ends->child->next, "host");

    assert_string_equal(host->text, "b");
    assert_int_equal(host->line, 3);
    assert_int_equal(host->column, 22);
    check_path(host, "groups.prod.ends[1].host");
    check_path(ends->child, "groups.prod.ends[0]");
    assert_null(yaml_tree_find(ends, "host"));
    assert_null(yaml_tree_find(NULL, "host"));
    assert_null(yaml_tree_find(root, "absent"));
    yaml_tree_free(t);
    config_report_fini(&r);
}

static void scalars_stay_text_and_tell_words_from_quotes(void **state)
{
    (void)state;
    struct config_report r;
    struct yaml_tree *t = parse("a: no\nb: \"null\"\nc: null\nd: ~\ne:\nf: 010\ng: ''\n", &r);
    static const struct {
        const char *key, *text;
        bool is_quoted, is_null;
    } cases[] = {
        { "a", "no", false, false }, { "b", "null", true, false }, { "c", "null", false, true },
        { "d", "~", false, true },   { "e", "", false, true },     { "f", "010", false, false },
        { "g", "", true, false },
    };

    assert_non_null(t);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct yaml_node *node = yaml_tree_find(yaml_tree_root(t), cases[i].key);

        assert_string_equal(node->text, cases[i].text);
        assert_int_equal(node->is_quoted, cases[i].is_quoted);
        assert_int_equal(yaml_tree_is_null(node), cases[i].is_null);
    }
    yaml_tree_free(t);
    config_report_fini(&r);
}

static void what_is_not_supported_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *messages;
    } cases[] = {
        { "a: &x 1\n",
          "f:1:4: anchors (&) are not supported: write the value where it is needed\n" },
        { "a: *x\n", "f:1:4: aliases (*) are not supported: write the value where it is needed\n" },
        { "*x : 1\n",
          "f:1:1: aliases (*) are not supported: write the value where it is needed\n" },
        { "a: !!str 1\n", "f:1:4: tags (!) are not supported: the key alone decides the type\n" },
        { "a: !t [1]\n", "f:1:4: tags (!) are not supported: the key alone decides the type\n" },
        { "<<: {b: 1}\n", "f:1:1: merge keys (<<) are not supported: write the keys out\n" },
        { "? [a]\n: 1\n", "f:1:3: a key must be a single value\n" },
        { "a: 1\nb: 2\na: 3\n", "f:3:1: the key 'a' is there twice: first on line 1\n" },
        { "a: 1\n--- \nb: 2\n",
          "f:2:1: a second document begins here (---): one file holds one document\n" },
        { "", "f:1:1: the file is empty\n" },
        { "# nothing\n", "f:1:1: the file is empty\n" },
        { "a: [1\n", "f:2:1: not YAML: did not find expected ',' or ']' while parsing a flow "
                     "sequence that began on line 1\n" },
        { "a: 1\nb: \xff\n",
          "f:2:4: the file is not UTF-8 text here: invalid leading UTF-8 octet\n" },
        { "\"a\\0\": 1\n", "f:1:1: a NUL character is not allowed in a value\n" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_refused(cases[i].text, strlen(cases[i].text), cases[i].messages);
}

static void a_quoted_merge_sign_is_a_key_like_any_other(void **state)
{
    (void)state;
    check_refused("\"<<\": 1\n", 8, "");
}

static void an_alias_leaves_a_node_that_is_passed_over(void **state)
{
    (void)state;
    struct config_report r;
    struct yaml_tree *t = parse("a: *x\nb: 2\n", &r);

    assert_non_null(t);
    assert_int_equal(yaml_tree_find(yaml_tree_root(t), "a")->kind, YAML_TREE_REFUSED);
    assert_string_equal(yaml_tree_find(yaml_tree_root(t), "b")->text, "2");
    yaml_tree_free(t);
    config_report_fini(&r);
}

/* "[[[[...": depth levels, one more than which is refused. */
static void check_depth(size_t depth, const char *expected)
{
    char text[2 * YAML_TREE_DEPTH_MAX + 8];

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    check_refused(text, 2 * depth, expected);
}

static void nesting_ends_at_32_levels(void **state)
{
    (void)state;
    check_depth(YAML_TREE_DEPTH_MAX, "");
    check_depth(YAML_TREE_DEPTH_MAX + 1, "f:1:33: nested deeper than 32 levels\n");
}

/* A list of n ones. */
static void check_values(size_t n, const char *expected)
{
    struct buf text;

    buf_init(&text, OUT_BYTES);
    for (size_t i = 0; i < n; i++)
        buf_puts(&text, "- 1\n");
    check_refused(text.data, text.len, expected);
    buf_fini(&text);
}

static void values_end_at_two_million(void **state)
{
    (void)state;
    check_values(YAML_TREE_NODES_MAX - 1, "");
    check_values(YAML_TREE_NODES_MAX, "f:2000000:3: the file has more than 2000000 values\n");
}

static void a_file_ends_at_64_mib(void **state)
{
    (void)state;
    check_refused("", YAML_TREE_BYTES_MAX + 1, "f: the file is larger than 64 MiB\n");
}

static void a_billion_laughs_cost_nothing(void **state)
{
    (void)state;
    struct config_report r;
    struct buf text;

    buf_init(&text, OUT_BYTES);
    buf_puts(&text, "a: &a [x]\n");
    for (int c = 'b'; c <= 'z'; c++)
        buf_printf(&text, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c - 1, c - 1, c - 1,
                   c - 1, c - 1, c - 1, c - 1, c - 1);
    config_report_init(&r);

    struct yaml_tree *t = yaml_tree_parse("f", text.data, text.len, &r);

    assert_non_null(t);
    assert_int_equal(r.n_errors, 26 + 25 * 8);
    assert_int_equal(yaml_tree_find(yaml_tree_root(t), "z")->n_children, 8);
    yaml_tree_free(t);
    config_report_fini(&r);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_knows_its_place_and_path),
        cmocka_unit_test(scalars_stay_text_and_tell_words_from_quotes),
        cmocka_unit_test(what_is_not_supported_is_refused_with_its_place),
        cmocka_unit_test(a_quoted_merge_sign_is_a_key_like_any_other),
        cmocka_unit_test(an_alias_leaves_a_node_that_is_passed_over),
        cmocka_unit_test(nesting_ends_at_32_levels),
        cmocka_unit_test(values_end_at_two_million),
        cmocka_unit_test(a_file_ends_at_64_mib),
        cmocka_unit_test(a_billion_laughs_cost_nothing),
    };

    return cmocka_run_group_tests_name("yaml_tree", tests, NULL, NULL);
}
