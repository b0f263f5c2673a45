/* tests/golden/golden.c -- configurations good and bad against what they give: X.out beside each
 * X.yaml holds the messages and, for a good one, the effective configuration.
 *
 * usage: golden            checks everything, prints TAP; run from the project's folder
 *        golden --update   writes the .out files, the man page's option part and the JSON Schema
 *        golden FILE       prints what FILE gives */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/load.h"
#include "dnsflip/config/print.h"
#include "dnsflip/config/schema.h"
#include "dnsflip/config/schema_doc.h"

#define OUT_BYTES_MAX (64U << 20)
#define PATH_BYTES_MAX 512
#define HERE "/..." /* the project's folder, in .out files */

static int n_tests;
static int n_failed;
static bool is_update;

static void result(bool is_ok, const char *name, const char *detail)
{
    n_tests++;
    n_failed += !is_ok;
    printf("%sok %d - %s\n", is_ok ? "" : "not ", n_tests, name);
    if (!is_ok)
        printf("%s\n", detail);
}

/* Appends text with the project's folder written as HERE. */
static void add_portable(struct buf *out, const char *text)
{
    char *cwd = getcwd(NULL, 0);
    size_t n = cwd == NULL ? 0 : strlen(cwd);

    while (n > 0 && *text != '\0') {
        const char *at = strstr(text, cwd);

        if (at == NULL)
            break;
        buf_add(out, text, (size_t)(at - text));
        buf_puts(out, HERE);
        text = at + n;
    }
    buf_puts(out, text);
    mem_free(cwd);
}

/* What the file gives; *code as config_load. */
static void render(const char *path, struct buf *out, int *code)
{
    struct config_report report;
    struct settings *s = NULL;
    struct buf text;

    buf_init(&text, OUT_BYTES_MAX);
    config_report_init(&report);
    *code = config_load(path, &s, &report);
    config_report_print(&report, &text);
    if (s != NULL)
        print_settings(s, &text);
    add_portable(out, buf_text(&text));
    settings_free(s);
    config_report_fini(&report);
    buf_fini(&text);
}

/* Loads, prints, loads what was printed, prints: both prints must be the same. */
static void check_again(const char *path)
{
    struct config_report report;
    struct settings *first = NULL;
    struct settings *second = NULL;
    struct buf a;
    struct buf b;
    char name[PATH_BYTES_MAX];

    buf_init(&a, OUT_BYTES_MAX);
    buf_init(&b, OUT_BYTES_MAX);
    config_report_init(&report);
    (void)str_format(name, sizeof(name), "%s loads again from what it prints", path);
    if (config_load(path, &first, &report) == 0) {
        print_settings(first, &a);
        if (config_load_text("printed.yaml", buf_text(&a), a.len, &second, &report) == 0)
            print_settings(second, &b);
    }
    if (second == NULL)
        config_report_print(&report, &b);
    result(second != NULL && strcmp(buf_text(&a), buf_text(&b)) == 0 &&
               strcmp(first->digest, second->digest) == 0,
           name, buf_text(&b));
    settings_free(first);
    settings_free(second);
    config_report_fini(&report);
    buf_fini(&a);
    buf_fini(&b);
}

/* Compares text with the file, or writes it there. */
static void check_file(const char *path, const struct buf *text)
{
    struct buf expected;
    struct err err = { 0 };
    char name[PATH_BYTES_MAX];

    (void)str_format(name, sizeof(name), "%s is in step", path);
    if (is_update) {
        result(fsio_replace(path, buf_text(text), text->len, 0644, &err) == 0, name, err.text);
        return;
    }
    buf_init(&expected, OUT_BYTES_MAX);
    if (fsio_read(path, &expected, &err) != 0)
        result(false, name, err.text);
    else
        result(strcmp(buf_text(&expected), buf_text(text)) == 0, name, buf_text(text));
    buf_fini(&expected);
}

static void check_case(const char *path, bool is_good)
{
    char out_path[PATH_BYTES_MAX];
    char name[PATH_BYTES_MAX];
    struct buf text;
    int code = 0;

    buf_init(&text, OUT_BYTES_MAX);
    render(path, &text, &code);
    (void)str_format(name, sizeof(name), "%s is %s", path, is_good ? "accepted" : "refused");
    result((code == 0) == is_good, name, buf_text(&text));
    (void)str_format(out_path, sizeof(out_path), "%.*sout", (int)(strlen(path) - strlen("yaml")),
                     path);
    check_file(out_path, &text);
    buf_fini(&text);
    if (is_good)
        check_again(path);
}

static int is_yaml(const struct dirent *entry)
{
    return str_ends(entry->d_name, ".yaml");
}

/* Calls for each .yaml file of the folder, in the order of their names. */
static void check_folder(const char *folder, void (*each)(const char *path))
{
    struct dirent **names = NULL;
    int n = scandir(folder, &names, is_yaml, alphasort);

    result(n > 0, folder, "no .yaml file there");
    for (int i = 0; i < n; i++) {
        char path[PATH_BYTES_MAX];

        if (str_format(path, sizeof(path), "%s/%s", folder, names[i]->d_name))
            each(path);
        mem_free(names[i]);
    }
    mem_free((void *)names);
}

static void check_good(const char *path)
{
    check_case(path, true);
}

static void check_bad(const char *path)
{
    check_case(path, false);
}

/* A generated part between two marks of a file that is otherwise written by hand. */
static void check_part(const char *path, const char *begin, const char *end,
                       void (*generate)(struct buf *out))
{
    struct buf old;
    struct buf text;
    struct err err = { 0 };

    buf_init(&old, OUT_BYTES_MAX);
    buf_init(&text, OUT_BYTES_MAX);
    if (fsio_read(path, &old, &err) != 0) {
        result(false, path, err.text);
    } else {
        const char *from = strstr(buf_text(&old), begin);
        const char *to = strstr(buf_text(&old), end);

        result(from != NULL && to > from, "the man page has its marks", begin);
        if (from != NULL && to > from) {
            buf_add(&text, old.data, (size_t)(from - old.data) + strlen(begin));
            generate(&text);
            buf_puts(&text, to);
            check_file(path, &text);
        }
    }
    buf_fini(&old);
    buf_fini(&text);
}

/* The sample is where people look for a key. */
static void check_sample(const char *path)
{
    struct buf text;
    struct err err = { 0 };

    buf_init(&text, OUT_BYTES_MAX);
    if (fsio_read(path, &text, &err) != 0)
        result(false, path, err.text);
    for (int part = 0; part < SCHEMA_PARTS; part++) {
        const struct schema_section *section = schema_section((enum schema_part)part);

        for (const struct key_spec *key = section->keys; key->name != NULL; key++) {
            char name[PATH_BYTES_MAX];
            char wanted[PATH_BYTES_MAX];

            (void)str_format(name, sizeof(name), "%s shows %s.%s", path, section->path, key->name);
            (void)str_format(wanted, sizeof(wanted), "%s: ", key->name);
            bool is_there = strstr(buf_text(&text), wanted) != NULL;

            (void)str_format(wanted, sizeof(wanted), "%s:\n", key->name);
            result(is_there || strstr(buf_text(&text), wanted) != NULL, name, "it does not");
        }
    }
    buf_fini(&text);
}

static int print_one(const char *path)
{
    struct buf text;
    int code = 0;

    buf_init(&text, OUT_BYTES_MAX);
    render(path, &text, &code);
    (void)fputs(buf_text(&text), stdout);
    buf_fini(&text);
    return code == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct buf text;

    if (argc == 2 && argv[1][0] != '-')
        return print_one(argv[1]);
    is_update = argc == 2 && strcmp(argv[1], "--update") == 0;
    check_folder("tests/golden/ok", check_good);
    check_folder("tests/golden/bad", check_bad);
    check_folder("conf", check_again);
    check_part("dnsflip/man/dnsflip.yaml.5", SCHEMA_DOC_BEGIN, SCHEMA_DOC_END, schema_doc_man);
    check_sample("conf/dnsflip.yaml");
    buf_init(&text, OUT_BYTES_MAX);
    schema_doc_json(&text);
    check_file("conf/dnsflip.schema.json", &text);
    buf_fini(&text);
    printf("1..%d\n", n_tests);
    return n_failed == 0 ? 0 : 1;
}
