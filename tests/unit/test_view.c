/* tests/unit/test_view.c -- the view's file: what render/ writes is accepted, and no file that is
 * accepted, however it was damaged, makes answer() leave it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/dns/transfer.h"
#include "dnsflip/dns/view_format.h"
#include "dnsflip/render/render.h"
#include "dnsflip/render/restamp.h"
#include "tests/support/ask.h"
#include "tests/support/site.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static const char records[] = "alias CNAME app\n"
                              "*.wild A 192.0.2.9\n"
                              "sub NS ns.sub\n"
                              "ns.sub A 192.0.2.8\n"
                              "old DNAME new\n";

static struct settings *new_settings(void)
{
    struct settings *s = site_new(records);

    (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "198.51.100.10",
                        "cname=alias.new.dr.example.com");
    return s;
}

/* The bytes of the settings' view; the caller's.  Ends s. */
static uint8_t *render_settings(struct settings *s, size_t *n)
{
    struct err err;
    int fd = render_view(s, 3, 100, &err);
    off_t size;
    uint8_t *bytes;

    assert_true(fd >= 0);
    size = lseek(fd, 0, SEEK_END);
    assert_true(size > 0);
    *n = (size_t)size;
    bytes = mem_zalloc(*n);
    assert_int_equal(pread(fd, bytes, *n, 0), size);
    close(fd);
    settings_free(s);
    return bytes;
}

/* Of a small one. */
static uint8_t *render_bytes(size_t *n)
{
    return render_settings(new_settings(), n);
}

/* Opens bytes as a view; NULL and *err if it is refused. */
static const struct view *open_bytes(const uint8_t *bytes, size_t n, int seals, struct err *err)
{
    const struct view *v = NULL;
    int fd = fsio_memfd("view", 0, err);

    assert_true(fd >= 0);
    assert_int_equal(fsio_write_all(fd, bytes, n, err), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    if (view_open(fd, &v, err) < 0)
        v = NULL;
    close(fd);
    return v;
}

static void fix_checksum(uint8_t *bytes, size_t n)
{
    uint64_t sum = view_checksum(bytes, n);

    memcpy(bytes + offsetof(struct view_header, checksum), &sum, sizeof(sum));
}

static void names_of_groups_and_clusters_can_be_read_back(void **state)
{
    size_t n;
    uint8_t *bytes = render_bytes(&n);
    struct err err;
    const struct view *v = open_bytes(bytes, n, SEALS, &err);

    (void)state;
    assert_non_null(v);
    assert_int_equal(view_generation(v), 3);
    assert_int_equal(view_groups(v), 1);
    assert_string_equal(view_group_name(v, 0), "prod");
    assert_null(view_group_name(v, 1));
    assert_null(view_cluster_name(v, 0, 0));
    assert_string_equal(view_cluster_name(v, 0, 1), "use1");
    assert_string_equal(view_cluster_name(v, 0, 2), "usw2");
    assert_null(view_cluster_name(v, 0, 3));
    assert_null(view_cluster_name(v, 1, 1));
    view_close(v);
    mem_free(bytes);
}

static void a_file_that_may_still_change_is_refused(void **state)
{
    static const int seals[] = { 0, F_SEAL_WRITE, F_SEAL_WRITE | F_SEAL_SHRINK,
                                 F_SEAL_SHRINK | F_SEAL_GROW };
    size_t n;
    uint8_t *bytes = render_bytes(&n);

    (void)state;
    for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
        struct err err;

        assert_null(open_bytes(bytes, n, seals[i], &err));
        assert_int_equal(err.code, ERR_REMOTE);
        assert_non_null(strstr(err.text, "not sealed"));
    }
    mem_free(bytes);
}

static void a_damaged_file_is_refused(void **state)
{
    size_t n;
    uint8_t *bytes = render_bytes(&n);

    (void)state;
    for (size_t at = 0; at < n; at++) {
        struct err err;

        bytes[at] ^= 0x10;
        assert_null(open_bytes(bytes, n, SEALS, &err));
        assert_int_equal(err.code, ERR_REMOTE);
        bytes[at] ^= 0x10;
    }
    mem_free(bytes);
}

static void a_file_of_another_size_or_format_is_refused(void **state)
{
    size_t n;
    uint8_t *bytes = render_bytes(&n);
    struct err err;

    (void)state;
    assert_null(open_bytes(bytes, n - 8, SEALS, &err));
    assert_null(open_bytes(bytes, n - 1, SEALS, &err));
    assert_null(open_bytes(bytes, 16, SEALS, &err));
    assert_null(open_bytes(bytes, 0, SEALS, &err));
    bytes[offsetof(struct view_header, format)]++;
    fix_checksum(bytes, n);
    assert_null(open_bytes(bytes, n, SEALS, &err));
    assert_non_null(strstr(err.text, "view of format"));
    mem_free(bytes);
}

/* Questions that between them walk through all parts of the view. */
static void ask_everything(const struct view *v, const struct page *page)
{
    static const char *const names[] = {
        "app.dr.example.com",       "alias.dr.example.com",    "x.wild.dr.example.com",
        "x.sub.dr.example.com",     "app.old.dr.example.com",  "none.dr.example.com",
        "dr.example.com",           "use1.app.dr.example.com", "example.com",
        "alias.new.dr.example.com",
    };
    static const unsigned types[] = { 1, 5, 6, 39, 255 };
    /* Of the very sizes that answer() asks for: what it does outside is seen by the sanitizers. */
    uint8_t *outs[2] = { mem_zalloc(ANSWER_UDP_BYTES + ANSWER_SLACK_BYTES),
                         mem_zalloc(ANSWER_TCP_BYTES + ANSWER_SLACK_BYTES) };
    static struct ask a;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
            uint32_t counts[COUNTERS] = { 0 };

            ask_make(&a, names[i], types[k]);
            for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
                size_t max = is_tcp != 0 ? ANSWER_TCP_BYTES : ANSWER_UDP_BYTES;
                struct answer_call call = { .query = a.query,
                                            .len = a.query_len,
                                            .is_tcp = is_tcp != 0 };
                size_t n = answer(v, page, &call, outs[is_tcp], counts);

                assert_true(n >= 12 && n <= max);
            }
        }
    }
    mem_free(outs[0]);
    mem_free(outs[1]);
}

/* To its end, or as far as it goes: then the secondary keeps none of it. */
static void transfer_everything(const struct view *v, const struct page *page)
{
    static const struct tsig unsigned_query;
    static struct transfer t;
    static struct ask a;
    const struct view_zone *zones = view_at(v, v->header.zones);
    uint8_t *out = mem_zalloc(ANSWER_TCP_BYTES);

    ask_make(&a, "dr.example.com", 252);
    for (uint32_t i = 0; i < v->header.n_zones; i++) {
        assert_true(transfer_begin(&t, v, page, &zones[i], &unsigned_query, a.query, a.query_len));
        while (transfer_next(&t, out, 0) > 0)
            continue;
        assert_true(t.stage == TRANSFER_DONE || t.stage == TRANSFER_BROKEN);
    }
    mem_free(out);
}

/* With the word set to each cluster in turn, and from a copy on the heap, so that the sanitizers
 * see where the view ends. */
static void ask_with_all_words(const uint8_t *bytes, size_t n)
{
    const struct view_header *h = (const void *)bytes;
    void *copy = mem_zalloc(n);
    struct page *page;
    struct err err;
    int fd = page_new(h->n_groups, h->generation, &page, &err);

    assert_true(fd >= 0);
    memcpy(copy, bytes, n);
    for (uint8_t index = 0; index <= 2; index++) {
        for (uint32_t i = 0; i < h->n_groups; i++)
            page_set(page, i, (struct page_word){ .index = index, .epoch = 200 });
        ask_everything(copy, page);
        transfer_everything(copy, page);
    }
    page_unmap(page);
    close(fd);
    mem_free(copy);
}

static void no_damaged_file_with_a_right_checksum_leads_outside(void **state)
{
    static const uint8_t flips[] = { 0x01, 0x10, 0x80, 0xff };
    size_t n;
    uint8_t *bytes = render_bytes(&n);
    size_t accepted = 0;

    (void)state;
    for (size_t at = 0; at < n; at++) {
        for (size_t i = 0; i < sizeof(flips); i++) {
            struct err err;
            const struct view *v;

            if (at >= offsetof(struct view_header, checksum) &&
                at < offsetof(struct view_header, format))
                continue;
            bytes[at] ^= flips[i];
            fix_checksum(bytes, n);
            v = open_bytes(bytes, n, SEALS, &err);
            if (v != NULL) {
                accepted++;
                ask_with_all_words(bytes, n);
                view_close(v);
            }
            bytes[at] ^= flips[i];
        }
    }
    /* Texts, addresses and names may be anything; offsets may not. */
    assert_true(accepted > n && accepted < 4 * n);
    mem_free(bytes);
}

static void beacons_are_found_by_name_and_a_list_out_of_order_is_refused(void **state)
{
    enum { OUT_OF_ORDER = 0, TWICE, NO_GROUP, TOO_MANY, OUTSIDE, CASES };
    struct settings *s = site_new(NULL);
    size_t n;
    const struct view *v;
    uint32_t group = 0;
    struct err err;

    (void)state;
    site_add_beacon(s, site_add_group(s, "north"));
    site_add_beacon(s, site_add_group(s, "east"));
    uint8_t *good = render_settings(s, &n);
    uint8_t *bytes = mem_array(n, 1);
    v = open_bytes(good, n, SEALS, &err);
    assert_non_null(v);
    assert_true(view_find_beacon(v, "north", 5, &group) && group == 1);
    assert_true(view_find_beacon(v, "east", 4, &group) && group == 2);
    assert_false(view_find_beacon(v, "prod", 4, &group));
    assert_false(view_find_beacon(v, "eas", 3, &group));
    assert_false(view_find_beacon(v, "easter", 6, &group));
    assert_false(view_find_beacon(v, "", 0, &group));
    view_close(v);
    for (int i = 0; i < CASES; i++) {
        struct view_header *h = (struct view_header *)(void *)bytes;
        uint32_t *numbers;

        memcpy(bytes, good, n);
        numbers = (uint32_t *)(void *)(bytes + h->beacons);
        numbers[0] = i == OUT_OF_ORDER ? 1 : numbers[0];
        numbers[1] = i == OUT_OF_ORDER || i == TWICE ? 2 : numbers[1];
        numbers[1] = i == NO_GROUP ? 3 : numbers[1];
        h->n_beacons = i == TOO_MANY ? 4 : h->n_beacons;
        h->beacons = i == OUTSIDE ? (uint32_t)n : h->beacons;
        fix_checksum(bytes, n);
        assert_null(open_bytes(bytes, n, SEALS, &err));
        assert_non_null(strstr(err.text, "beacon"));
    }
    mem_free(bytes);
    mem_free(good);
}

static void a_page_of_another_pair_is_refused(void **state)
{
    size_t n;
    uint8_t *bytes = render_bytes(&n);
    struct err err;
    const struct view *v = open_bytes(bytes, n, SEALS, &err);
    static const struct {
        uint32_t groups;
        uint64_t generation;
        int result;
    } cases[] = { { 1, 3, 0 }, { 1, 4, -1 }, { 0, 3, -1 } };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct page *page;
        int fd = page_new(cases[i].groups, cases[i].generation, &page, &err);

        assert_true(fd >= 0);
        assert_int_equal(answer_check_pair(v, page, &err), cases[i].result);
        page_unmap(page);
        close(fd);
    }
    view_close(v);
    mem_free(bytes);
}

static void a_view_answers_the_same_under_another_generation(void **state)
{
    size_t n;
    uint8_t *bytes = render_bytes(&n);
    const struct view *v = NULL;
    struct err err;
    uint8_t *again = mem_zalloc(n);
    int fd = restamp_view(bytes, n, 9, 500, &err);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(view_open(fd, &v, &err), 0);
    assert_int_equal(view_generation(v), 9);
    assert_int_equal(view_serial(v), 500);
    assert_int_equal(pread(fd, again, n, 0), (ssize_t)n);
    assert_memory_equal(again + sizeof(struct view_header), bytes + sizeof(struct view_header),
                        n - sizeof(struct view_header));
    view_close(v);
    close(fd);
    assert_int_equal(restamp_view(bytes, sizeof(struct view_header) - 8, 9, 500, &err), -1);
    bytes[offsetof(struct view_header, format)]++;
    assert_int_equal(restamp_view(bytes, n, 9, 500, &err), -1);
    assert_non_null(strstr(err.text, "this program knows"));
    bytes[0]++;
    assert_int_equal(restamp_view(bytes, n, 9, 500, &err), -1);
    mem_free(bytes);
    mem_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_groups_and_clusters_can_be_read_back),
        cmocka_unit_test(a_file_that_may_still_change_is_refused),
        cmocka_unit_test(a_damaged_file_is_refused),
        cmocka_unit_test(a_file_of_another_size_or_format_is_refused),
        cmocka_unit_test(no_damaged_file_with_a_right_checksum_leads_outside),
        cmocka_unit_test(beacons_are_found_by_name_and_a_list_out_of_order_is_refused),
        cmocka_unit_test(a_page_of_another_pair_is_refused),
        cmocka_unit_test(a_view_answers_the_same_under_another_generation),
    };

    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
