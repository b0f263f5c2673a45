/* tests/unit/test_secrets.c -- the memory file with the keys: sealed, and nothing in it trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/dns/secrets.h"
#include "dnsflip/dns/view_format.h"

#define GENERATION 42

static const struct transfer_key keys[] = {
    { .name = "one.example", .algorithm = TRANSFER_HMAC_SHA256, .len = 3, .secret = { 1, 2, 3 } },
    { .name = "two", .algorithm = TRANSFER_HMAC_SHA512, .len = 1, .secret = { 4 } },
};

static void keys_are_found_by_their_name_on_the_wire(void **state)
{
    const struct secrets *s = NULL;
    struct err err;
    int fd = secrets_new(GENERATION, keys, 2, NULL, &err);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(secrets_open(fd, &s, &err), 0);
    assert_int_equal(s->generation, GENERATION);
    const struct secrets_key *one = secrets_find(s, (const uint8_t *)"\3one\7example", 13);
    const struct secrets_key *two = secrets_find(s, (const uint8_t *)"\3two", 5);
    assert_non_null(one);
    assert_non_null(two);
    assert_int_equal(one->len, 3);
    assert_memory_equal(one->secret, "\1\2\3", 3);
    assert_int_equal(two->algorithm, TRANSFER_HMAC_SHA512);
    assert_null(secrets_find(s, (const uint8_t *)"\5other", 7));
    assert_null(secrets_find(s, (const uint8_t *)"\3two", 4));
    assert_null(secrets_find(NULL, (const uint8_t *)"\3two", 5));
    secrets_close(s);
    close(fd);
}

static void nobody_can_change_it_and_others_cannot_open_it(void **state)
{
    struct stat st;
    struct err err;
    int fd = secrets_new(GENERATION, keys, 2, NULL, &err);

    (void)state;
    assert_true(fd >= 0);
    assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0400);
    close(fd);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct transfer_key bad = keys[0];
    struct err err;

    (void)state;
    assert_int_equal(secrets_new(GENERATION, keys, TRANSFER_KEYS_MAX + 1, NULL, &err), -1);
    memset(bad.name, 'a', 64);
    bad.name[64] = '\0';
    assert_int_equal(secrets_new(GENERATION, &bad, 1, NULL, &err), -1); /* a label of 64 bytes */
    memcpy(bad.name, "a..b", 5);
    assert_int_equal(secrets_new(GENERATION, &bad, 1, NULL, &err), -1);
    bad.name[0] = '\0';
    assert_int_equal(secrets_new(GENERATION, &bad, 1, NULL, &err), -1);
}

/* Opens a copy of good secrets with one change; the checksum is made to fit if is_sum_right. */
static void expect_refusal(void (*change)(struct secrets *s), bool is_sum_right, int seals,
                           const char *text)
{
    const struct secrets *good = NULL, *out = NULL;
    struct secrets bad;
    struct err err;
    int from = secrets_new(GENERATION, keys, 2, NULL, &err);
    int fd = fsio_memfd("bad", 0, &err);

    assert_int_equal(secrets_open(from, &good, &err), 0);
    bad = *good;
    change(&bad);
    if (is_sum_right) {
        const unsigned char *bytes = (const unsigned char *)&bad;

        bad.checksum = VIEW_HASH_START;
        for (size_t i = offsetof(struct secrets, format); i < sizeof(bad); i += 8)
            bad.checksum = view_hash_word(bad.checksum, view_word(bytes + i));
    }
    assert_int_equal(fsio_write_all(fd, &bad, sizeof(bad), &err), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    assert_int_equal(secrets_open(fd, &out, &err), -1);
    assert_non_null(strstr(err.text, text));
    assert_int_equal(err.code, ERR_REMOTE);
    secrets_close(good);
    close(from);
    close(fd);
}

static void change_nothing(struct secrets *s)
{
    (void)s;
}

static void change_magic(struct secrets *s)
{
    s->magic++;
}

static void change_format(struct secrets *s)
{
    s->format++;
}

static void change_size(struct secrets *s)
{
    s->size--;
}

static void change_count(struct secrets *s)
{
    s->n_keys = TRANSFER_KEYS_MAX + 1;
}

static void change_name(struct secrets *s)
{
    s->keys[1].name[0] = 200;
}

static void change_name_length(struct secrets *s)
{
    s->keys[1].name_len = TRANSFER_KEY_NAME_BYTES + 1;
}

static void change_algorithm(struct secrets *s)
{
    s->keys[0].algorithm = 9;
}

static void change_secret_length(struct secrets *s)
{
    s->keys[0].len = TRANSFER_KEY_SECRET_BYTES + 1;
}

static void nothing_in_it_is_trusted(void **state)
{
    const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

    (void)state;
    expect_refusal(change_nothing, true, F_SEAL_SHRINK, "not sealed");
    expect_refusal(change_magic, true, seals, "magic");
    expect_refusal(change_format, true, seals, "format");
    expect_refusal(change_size, true, seals, "long");
    expect_refusal(change_name, false, seals, "checksum");
    expect_refusal(change_count, true, seals, "at most");
    expect_refusal(change_name, true, seals, "key 1 is malformed");
    expect_refusal(change_name_length, true, seals, "key 1 is malformed");
    expect_refusal(change_algorithm, true, seals, "key 0 is malformed");
    expect_refusal(change_secret_length, true, seals, "key 0 is malformed");
}

static void a_file_of_another_length_is_refused(void **state)
{
    const struct secrets *out = NULL;
    struct err err;
    int fd = fsio_memfd("short", 100, &err);

    (void)state;
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    assert_int_equal(secrets_open(fd, &out, &err), -1);
    assert_non_null(strstr(err.text, "secrets of 100 bytes"));
    close(fd);
}

static void cookies_have_a_secret_or_are_not_spoken(void **state)
{
    static const struct secrets_cookies cookies = {
        .made_ms = 5, .secrets = { .n = 2, .secret = { { 1 }, { 2 } } }
    };
    static const struct secrets_cookies bad = { .secrets = { .n = 3 } };
    const struct secrets *s = NULL;
    struct err err;
    int fd = secrets_new(GENERATION, keys, 0, &cookies, &err);

    (void)state;
    assert_int_equal(secrets_open(fd, &s, &err), 0);
    assert_memory_equal(secrets_cookies(s), &cookies.secrets, sizeof(cookies.secrets));
    assert_int_equal(s->cookies.made_ms, 5);
    assert_int_equal(s->n_keys, 0);
    secrets_close(s);
    assert_int_equal(close(fd), 0);
    fd = secrets_new(GENERATION, keys, 2, NULL, &err);
    assert_int_equal(secrets_open(fd, &s, &err), 0);
    assert_null(secrets_cookies(s));
    assert_null(secrets_cookies(NULL));
    secrets_close(s);
    assert_int_equal(close(fd), 0);
    fd = secrets_new(GENERATION, keys, 2, &bad, &err);
    assert_int_equal(secrets_open(fd, &s, &err), -1);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_have_a_secret_or_are_not_spoken),
        cmocka_unit_test(keys_are_found_by_their_name_on_the_wire),
        cmocka_unit_test(nobody_can_change_it_and_others_cannot_open_it),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(nothing_in_it_is_trusted),
        cmocka_unit_test(a_file_of_another_length_is_refused),
    };

    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
