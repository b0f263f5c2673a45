/* tests/unit/test_page.c -- the page: one writer, words that are never torn, nothing trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/dns/page.h"

#define GROUPS 5
#define GENERATION 42

static void a_word_keeps_index_and_epoch_together(void **state)
{
    static const struct page_word words[] = {
        { 0, 0, 0 }, { 1, 1, 0 }, { 255, UINT32_MAX, PAGE_AHEAD_MAX }, { 2, 1U << 31, 1 }
    };

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct page_word w = page_word_unpack(page_word_pack(words[i]));

        assert_int_equal(w.index, words[i].index);
        assert_int_equal(w.epoch, words[i].epoch);
        assert_int_equal(w.ahead, words[i].ahead);
    }
    assert_true(page_word_pack((struct page_word){ 1, 2, 0 }) == UINT64_C(0x0100000000000002));
}

static void a_new_page_has_no_word_set(void **state)
{
    struct page *p;
    struct err err;
    int fd = page_new(GROUPS, GENERATION, &p, &err);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(p->groups, GROUPS);
    assert_int_equal(p->generation, GENERATION);
    for (uint32_t i = 0; i < GROUPS; i++)
        assert_int_equal(page_get(p, i).index, 0);
    page_unmap(p);
    close(fd);
}

static void a_store_is_seen_through_every_mapping(void **state)
{
    struct page *p;
    const struct page *reader;
    struct err err;
    int fd = page_new(GROUPS, GENERATION, &p, &err);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(page_map(fd, &reader, &err), 0);
    page_set(p, 3, (struct page_word){ .index = 2, .epoch = 77 });
    assert_int_equal(page_get(reader, 3).index, 2);
    assert_int_equal(page_get(reader, 3).epoch, 77);
    assert_int_equal(page_get(reader, 2).index, 0);
    page_unmap(reader);
    page_unmap(p);
    close(fd);
}

static void nobody_else_can_write_or_resize_it(void **state)
{
    struct page *p;
    struct err err;
    int fd = page_new(GROUPS, GENERATION, &p, &err);

    (void)state;
    assert_true(fd >= 0);
    assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 1 << 20), -1);
    page_unmap(p);
    close(fd);
}

/* What a page starts with. */
struct head {
    uint64_t magic;
    uint32_t format;
    uint32_t groups;
    uint64_t generation;
};

/* A file of n bytes with this head and these seals. */
static int forge(size_t n, struct head head, int seals)
{
    struct err err;
    int fd = fsio_memfd("forged", n, &err);

    assert_true(fd >= 0);
    if (n >= sizeof(head))
        assert_int_equal(pwrite(fd, &head, sizeof(head), 0), sizeof(head));
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void what_is_not_a_page_is_refused(void **state)
{
    const struct head good = { .magic = PAGE_MAGIC, .format = PAGE_FORMAT, .groups = 1 };
    const int seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    const size_t size = sizeof(struct page) + sizeof(uint64_t);
    struct {
        size_t size;
        struct head head;
        int seals;
        const char *text;
    } cases[] = {
        { size, good, F_SEAL_SHRINK | F_SEAL_GROW, "not sealed" },
        { size, good, F_SEAL_FUTURE_WRITE | F_SEAL_GROW, "not sealed" },
        { size, good, seals, NULL },
        { size, good, seals, "wrong magic" },
        { size, good, seals, "format 2" },
        { size, good, seals, "2 groups" },
        { size, good, seals, "groups" },
        { sizeof(struct page) - 1, good, seals, "bytes long" },
        { 0, good, seals, "bytes long" },
        { 1 << 20, good, seals, "bytes long" },
    };

    (void)state;
    cases[3].head.magic++;
    cases[4].head.format++;
    cases[5].head.groups++;
    cases[6].head.groups = UINT32_MAX;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { .text = "" };
        const struct page *p = NULL;
        int fd = forge(cases[i].size, cases[i].head, cases[i].seals);

        if (cases[i].text == NULL) {
            assert_int_equal(page_map(fd, &p, &err), 0);
        } else {
            assert_int_equal(page_map(fd, &p, &err), -1);
            assert_int_equal(err.code, ERR_REMOTE);
            assert_non_null(strstr(err.text, cases[i].text));
        }
        page_unmap(p);
        close(fd);
    }
}

static void a_page_has_at_most_as_many_words_as_there_may_be_groups(void **state)
{
    struct page *p = NULL;
    struct err err;

    (void)state;
    assert_int_equal(page_new(4097, 1, &p, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_keeps_index_and_epoch_together),
        cmocka_unit_test(a_new_page_has_no_word_set),
        cmocka_unit_test(a_store_is_seen_through_every_mapping),
        cmocka_unit_test(nobody_else_can_write_or_resize_it),
        cmocka_unit_test(what_is_not_a_page_is_refused),
        cmocka_unit_test(a_page_has_at_most_as_many_words_as_there_may_be_groups),
    };

    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
