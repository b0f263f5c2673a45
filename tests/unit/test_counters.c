/* tests/unit/test_counters.c -- the counters page: sums, quiet points, and a writer that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/dns/counters.h"

#define THREADS 3

struct pair {
    struct counters *face;
    const struct counters *judge;
    int fd;
};

static struct pair new_pair(void)
{
    struct pair p;
    struct err err;

    p.fd = counters_new(THREADS, &p.face, &err);
    assert_true(p.fd >= 0);
    assert_int_equal(counters_map(p.fd, &p.judge, &err), 0);
    return p;
}

static void free_pair(struct pair p)
{
    counters_unmap(p.judge);
    counters_unmap(p.face);
    close(p.fd);
}

static void sums_are_over_all_threads(void **state)
{
    struct pair p = new_pair();

    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        atomic_fetch_add(&p.face->thread[i].counts[COUNTER_NXDOMAIN], i + 1);
    assert_int_equal(counters_sum(p.judge, COUNTER_NXDOMAIN), 6);
    assert_int_equal(counters_sum(p.judge, COUNTER_NOERROR), 0);
    free_pair(p);
}

static void a_writer_that_claims_too_many_threads_is_not_believed(void **state)
{
    struct pair p = new_pair();
    struct counters_quiet quiet;

    (void)state;
    p.face->threads = UINT32_MAX;
    atomic_store(&p.face->thread[COUNTERS_THREADS_MAX - 1].counts[COUNTER_NOERROR], 9);
    assert_int_equal(counters_sum(p.judge, COUNTER_NOERROR), 9);
    counters_quiet_start(p.judge, &quiet);
    assert_int_equal(quiet.threads, COUNTERS_THREADS_MAX);
    free_pair(p);
}

static void quiet_is_when_each_busy_thread_has_turned(void **state)
{
    static const struct {
        uint64_t before[THREADS], after[THREADS];
        bool is_quiet;
    } cases[] = {
        { { 0, 2, 4 }, { 0, 2, 4 }, true },  /* all were quiet */
        { { 1, 2, 4 }, { 1, 2, 4 }, false }, /* one is busy still */
        { { 1, 2, 4 }, { 2, 2, 4 }, true },
        { { 1, 2, 4 }, { 3, 2, 4 }, true }, /* busy again, but not with what it had */
        { { 1, 3, 5 }, { 2, 4, 5 }, false },
        { { 1, 3, 5 }, { 2, 4, 6 }, true },
        { { 0, 0, 0 }, { 1, 1, 1 }, true }, /* what began after the store has seen it */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pair p = new_pair();
        struct counters_quiet quiet;

        for (unsigned t = 0; t < THREADS; t++)
            atomic_store(&p.face->thread[t].turn, cases[i].before[t]);
        counters_quiet_start(p.judge, &quiet);
        for (unsigned t = 0; t < THREADS; t++)
            atomic_store(&p.face->thread[t].turn, cases[i].after[t]);
        assert_int_equal(counters_quiet_passed(p.judge, &quiet), cases[i].is_quiet);
        free_pair(p);
    }
}

static void a_thread_in_one_turn_for_long_is_noticed(void **state)
{
    (void)state;
    struct counters_turns turns = { { 0 }, { 0 } };
    struct pair p = new_pair();

    assert_int_equal(counters_longest_turn(p.face, &turns), 0);
    atomic_store(&p.face->thread[1].turn, 7);
    assert_int_equal(counters_longest_turn(p.face, &turns), 1);
    assert_int_equal(counters_longest_turn(p.face, &turns), 2);
    atomic_store(&p.face->thread[2].turn, 8); /* quiet, however long */
    assert_int_equal(counters_longest_turn(p.face, &turns), 3);
    atomic_store(&p.face->thread[1].turn, 9); /* busy again, with something else */
    assert_int_equal(counters_longest_turn(p.face, &turns), 1);
    free_pair(p);
}

static void threads_do_not_share_cache_lines(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct counters_thread) % 64, 0);
    assert_int_equal(offsetof(struct counters, thread) % 64, 0);
}

static void what_is_not_a_counters_page_is_refused(void **state)
{
    static const struct {
        size_t size;
        int seals;
    } cases[] = {
        { sizeof(struct counters), F_SEAL_SHRINK | F_SEAL_GROW }, /* all zeros: no magic */
        { sizeof(struct counters), F_SEAL_GROW },
        { sizeof(struct counters) - 1, F_SEAL_SHRINK | F_SEAL_GROW },
        { 0, F_SEAL_SHRINK | F_SEAL_GROW },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err;
        const struct counters *c = NULL;
        int fd = fsio_memfd("forged", cases[i].size, &err);

        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, cases[i].seals), 0);
        assert_int_equal(counters_map(fd, &c, &err), -1);
        assert_int_equal(err.code, ERR_REMOTE);
        assert_null(c);
        close(fd);
    }
}

static void threads_are_one_to_64(void **state)
{
    struct counters *c;
    struct err err;

    (void)state;
    assert_int_equal(counters_new(0, &c, &err), -1);
    assert_int_equal(counters_new(COUNTERS_THREADS_MAX + 1, &c, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
}

static void every_counter_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < COUNTERS; i++) {
        assert_string_not_equal(counter_name((enum counter)i), "unknown");
        for (int k = 0; k < i; k++)
            assert_string_not_equal(counter_name((enum counter)i), counter_name((enum counter)k));
    }
    assert_string_equal(counter_name(COUNTER_UDP_QUERIES), "udp_queries");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_over_all_threads),
        cmocka_unit_test(a_writer_that_claims_too_many_threads_is_not_believed),
        cmocka_unit_test(quiet_is_when_each_busy_thread_has_turned),
        cmocka_unit_test(a_thread_in_one_turn_for_long_is_noticed),
        cmocka_unit_test(threads_do_not_share_cache_lines),
        cmocka_unit_test(what_is_not_a_counters_page_is_refused),
        cmocka_unit_test(threads_are_one_to_64),
        cmocka_unit_test(every_counter_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
