/* tests/unit/test_transfer_keys.c -- files with transfer keys: read whole or refused with file and
 * line, and no message shows a secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/config/load.h"
#include "tests/support/tempdir.h"

#define TEXT_BYTES (1U << 20)
#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" /* 0, 1 .. 31 */
#define SHORT "AAECAwQFBgcICQoLDA0="                          /* 14 bytes */

static const char form[] =
    "version: 1\n"
    "node: { name: ctl }\n"
    "clusters: { use1: { target: { A: 198.51.100.10 } }, usw2: { target: { A: 203.0.113.10 } } }\n"
    "providers:\n"
    "  dns: { kind: local, listen: 192.0.2.53, zone: dr.example.com, nameservers: { "
    "ns.example.net: "
    "[] }, secondaries: { transfer_key_file: '%s/first' } }\n"
    "  west: { kind: local, listen: 192.0.2.53, zone: w.example.com, nameservers: { "
    "ns.example.net: "
    "[] }, secondaries: { transfer_key_file: '%s/second' } }\n"
    "groups: { prod: { clusters: [use1, usw2], provider: dns, endpoints: [{ hostname: "
    "a.dr.example.com, class: ui, probe: { kind: airflow } }] } }\n";

struct files {
    const char *first, *second;
    mode_t mode;
};

/* Loads a configuration beside these files.  NULL with every message in messages if it is
 * refused. */
static struct settings *load(const struct tempdir *dir, const struct files *files,
                             struct buf *messages)
{
    struct config_report report;
    struct settings *s = NULL;
    struct buf text;
    struct err err;
    char path[PATH_MAX];

    memcpy(path, tempdir_path(dir, "first"), sizeof(path));
    assert_int_equal(fsio_replace(path, files->first, strlen(files->first), 0600, &err), 0);
    assert_int_equal(chmod(path, files->mode), 0);
    if (files->second != NULL)
        assert_int_equal(fsio_replace(tempdir_path(dir, "second"), files->second,
                                      strlen(files->second), 0600, &err),
                         0);
    buf_init(&text, TEXT_BYTES);
    buf_printf(&text, form, dir->path, dir->path);
    config_report_init(&report);
    int loaded = config_load_text("t.yaml", buf_text(&text), text.len, &s, &report);
    assert_int_equal(loaded == 0, s != NULL);
    config_report_print(&report, messages);
    config_report_fini(&report);
    buf_fini(&text);
    return s;
}

static void every_key_of_a_file_is_read(void **state)
{
    struct tempdir dir;
    struct buf messages;
    struct files files = { .first = "# keys of the west\n\n"
                                    "One.Example.:HMAC-SHA256:" SECRET "\r\n"
                                    "  two:hmac-sha512:" SECRET "  \n"
                                    "three:hmac-sha384:" SECRET,
                           .second = "one.example:hmac-sha256:" SECRET "\n",
                           .mode = 0640 };

    (void)state;
    tempdir_init(&dir);
    buf_init(&messages, TEXT_BYTES);
    struct settings *s = load(&dir, &files, &messages);
    assert_non_null(s);
    const struct secondaries_cfg *sec = &s->providers[0].local.secondaries;
    assert_int_equal(sec->n_keys, 3);
    assert_string_equal(sec->keys[0].name, "one.example");
    assert_int_equal(sec->keys[0].algorithm, TRANSFER_HMAC_SHA256);
    assert_int_equal(sec->keys[0].len, 32);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(sec->keys[0].secret[i], i);
    assert_int_equal(sec->keys[1].algorithm, TRANSFER_HMAC_SHA512);
    assert_int_equal(sec->keys[2].algorithm, TRANSFER_HMAC_SHA384);
    assert_int_equal(s->providers[1].local.secondaries.n_keys, 1);
    settings_free(s);
    buf_fini(&messages);
    tempdir_fini(&dir);
}

static void expect(const struct files *files, const char *file, const char *words)
{
    struct tempdir dir;
    struct buf messages;
    char place[PATH_MAX];

    tempdir_init(&dir);
    buf_init(&messages, TEXT_BYTES);
    assert_null(load(&dir, files, &messages));
    memcpy(place, tempdir_path(&dir, file), sizeof(place));
    if (strstr(buf_text(&messages), place) == NULL || strstr(buf_text(&messages), words) == NULL)
        fail_msg("'%s' is not in: %s", words, buf_text(&messages));
    assert_null(strstr(buf_text(&messages), "AAECAw"));
    buf_fini(&messages);
    tempdir_fini(&dir);
}

static void a_bad_line_is_refused_with_its_file_and_number(void **state)
{
    static const struct {
        const char *text, *file, *words;
    } cases[] = {
        { "\nkey\n", "first:2", "is no key: a line is NAME:hmac-sha256:BASE64" },
        { "key:" SECRET, "first:1", "is no key" },
        { "a_b..c:hmac-sha256:" SECRET, "first:1", "'a_b..c' is no name of a key" },
        { "a b:hmac-sha256:" SECRET, "first:1", "'a b' is no name of a key" },
        { "k:hmac-md5:" SECRET, "first:1", "the algorithm 'hmac-md5' is not one of hmac-sha256" },
        { "k:hmac-sha256:" SECRET "=", "first:1", "is not base64" },
        { "k:hmac-sha256:AAECAwQ*BgcICQoLDA0ODxAREhM=", "first:1", "is not base64" },
        { "k:hmac-sha256:AAECAwQFBgcICQoLDA0ODxAREhN=", "first:1", "is not base64" },
        { "k:hmac-sha256:", "first:1", "is not base64" },
        { "k:hmac-sha256:" SHORT, "first:1", "its secret has 14 bytes, at least 16" },
        { "k:hmac-sha256:" SECRET "\nK.:hmac-sha512:" SECRET, "first:2",
          "the key k is there twice" },
        { "# nothing\n", "first: ", "holds no key" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(&(struct files){ .first = cases[i].text, .mode = 0600 }, cases[i].file,
               cases[i].words);
}

static void all_bad_lines_are_told_at_once(void **state)
{
    struct files files = { .first = "x\nk:hmac-sha1:" SECRET "\n", .mode = 0600 };

    (void)state;
    expect(&files, "first:1", "is no key");
    expect(&files, "first:2", "hmac-sha1");
}

static void a_file_that_everybody_can_read_is_refused(void **state)
{
    (void)state;
    expect(&(struct files){ .first = "k:hmac-sha256:" SECRET, .mode = 0644 },
           "first: ", "everybody on this machine may read or write it (mode 0644)");
    expect(&(struct files){ .first = "k:hmac-sha256:" SECRET, .mode = 0602 },
           "first: ", "chmod 640");
}

static void a_longer_file_is_refused(void **state)
{
    static char text[TRANSFER_KEY_FILE_BYTES + 2];

    (void)state;
    memset(text, '\n', sizeof(text) - 1);
    expect(&(struct files){ .first = text, .mode = 0600 }, "first: ", "is longer than 32768 bytes");
}

static void one_name_for_two_keys_is_refused(void **state)
{
    (void)state;
    expect(&(struct files){ .first = "k:hmac-sha256:" SECRET,
                            .second = "k:hmac-sha512:" SECRET,
                            .mode = 0600 },
           "second: ", "the key k is another one than that of the same name in");
}

static void a_file_that_is_not_there_is_worth_a_warning(void **state)
{
    struct tempdir dir;
    struct buf messages;

    (void)state;
    tempdir_init(&dir);
    buf_init(&messages, TEXT_BYTES);
    struct settings *s =
        load(&dir, &(struct files){ .first = "k:hmac-sha256:" SECRET, .mode = 0600 }, &messages);
    assert_non_null(s);
    assert_int_equal(s->providers[1].local.secondaries.n_keys, 0);
    assert_non_null(strstr(buf_text(&messages), "second cannot be read (No such file"));
    settings_free(s);
    buf_fini(&messages);
    tempdir_fini(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_a_file_is_read),
        cmocka_unit_test(a_bad_line_is_refused_with_its_file_and_number),
        cmocka_unit_test(all_bad_lines_are_told_at_once),
        cmocka_unit_test(a_file_that_everybody_can_read_is_refused),
        cmocka_unit_test(a_longer_file_is_refused),
        cmocka_unit_test(one_name_for_two_keys_is_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_worth_a_warning),
    };

    return cmocka_run_group_tests_name("transfer_keys", tests, NULL, NULL);
}
