/* tests/unit/test_local.c -- the local provider on real pages and counters, its clock the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/store.h"
#include "tests/sim/world.h"

struct world world;

#define GROUPS 3
#define SETTLE_LOOK_MS 10

static const struct settings settings; /* the provider keeps none of it */

struct bench {
    struct io io;
    struct provider *provider;
    struct page *page, *other;
    int page_fd, other_fd;
    struct counters *counters;
    int counters_fd;
    /* what came back */
    unsigned calls;
    struct live live;
    enum found found;
    bool ok, retry;
    char text[ERR_TEXT_BYTES];
};

static int setup(void **state)
{
    static struct bench b;
    struct err err;

    b = (struct bench){ 0 };
    world = (struct world){ .loop = world_loop_new((struct mono){ 1000 }, (struct wall){ 1000 }) };
    b.io.loop = world.loop;
    b.page_fd = page_new(GROUPS, 1, &b.page, &err);
    b.other_fd = page_new(GROUPS, 2, &b.other, &err);
    b.counters_fd = counters_new(2, &b.counters, &err);
    assert_true(b.page_fd >= 0 && b.other_fd >= 0 && b.counters_fd >= 0);
    assert_int_equal(provider_local.open(&settings, 0, &b.io, &b.provider, &err), 0);
    store_set_pages(b.provider, &(struct store_pages){ .page = b.page });
    store_set_counters(b.provider, b.counters);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    b->provider->ops->close(b->provider);
    page_unmap(b->page);
    page_unmap(b->other);
    counters_unmap(b->counters);
    close(b->page_fd);
    close(b->other_fd);
    close(b->counters_fd);
    world_loop_forget(world.loop);
    mem_free(world.loop);
    return 0;
}

static void turn(int64_t ms)
{
    world_loop_until(world.loop, mono_add(loop_now(world.loop).mono, ms));
}

static void on_read(void *arg, const struct live *live)
{
    struct bench *b = arg;

    b->calls++;
    b->live = *live;
}

static void on_done(struct bench *b, const struct err *err)
{
    b->calls++;
    b->ok = err == NULL;
    b->retry = err != NULL && err->retry;
    (void)str_copy(b->text, sizeof(b->text), err == NULL ? "" : err->text);
}

static void on_submit(void *arg, const char *token, const struct err *err)
{
    assert_true((token == NULL) == (err != NULL));
    on_done(arg, err);
}

static void on_settle(void *arg, const struct err *err)
{
    on_done(arg, err);
}

static void on_find(void *arg, enum found found, const char *detail)
{
    struct bench *b = arg;

    b->calls++;
    b->found = found;
    assert_non_null(strstr(detail, "epoch"));
}

static const struct step flip = { .group = 1, .from = 0, .to = 1, .epoch = 77 };

static void submit(struct bench *b)
{
    b->calls = 0;
    (void)provider_local.submit(b->provider, &flip, on_submit, b);
    assert_int_equal(b->calls, 0);
    turn(0);
    assert_int_equal(b->calls, 1);
}

static enum found find(struct bench *b)
{
    b->calls = 0;
    (void)provider_local.find(b->provider, &flip, on_find, b);
    turn(0);
    assert_int_equal(b->calls, 1);
    return b->found;
}

static void read_live(struct bench *b)
{
    b->calls = 0;
    (void)provider_local.read(b->provider, 1, -1, on_read, b);
    turn(0);
    assert_int_equal(b->calls, 1);
}

static void a_flip_is_one_word_and_reads_back(void **state)
{
    struct bench *b = *state;

    read_live(b);
    assert_int_equal(b->live.status, LIVE_ABSENT);
    submit(b);
    assert_true(b->ok);
    assert_int_equal(page_get(b->page, 1).index, 2);
    assert_int_equal(page_get(b->page, 1).epoch, 77);
    assert_int_equal(page_get(b->page, 0).index, 0);
    assert_int_equal(page_get(b->other, 1).index, 0);
    read_live(b);
    assert_int_equal(b->live.status, LIVE_ONE);
    assert_int_equal(b->live.place, 1);
    assert_int_equal(b->live.epoch, 77);
}

static void what_was_done_is_found_again(void **state)
{
    struct bench *b = *state;

    page_set(b->page, 1, (struct page_word){ .index = 1, .epoch = 70 });
    assert_int_equal(find(b), FOUND_NOT_APPLIED);
    page_set(b->page, 1, (struct page_word){ .index = 2, .epoch = 77 });
    assert_int_equal(find(b), FOUND_APPLIED);
    /* The same cluster by another move, a third one, or none at all. */
    page_set(b->page, 1, (struct page_word){ .index = 2, .epoch = 78 });
    assert_int_equal(find(b), FOUND_OTHER);
    page_set(b->page, 1, (struct page_word){ .index = 3, .epoch = 77 });
    assert_int_equal(find(b), FOUND_OTHER);
    page_set(b->page, 1, (struct page_word){ 0 });
    assert_int_equal(find(b), FOUND_OTHER);
}

static void a_flip_whose_operation_began_earlier_makes_a_newer_serial_too(void **state)
{
    struct bench *b = *state;

    page_set(b->page, 0, (struct page_word){ .index = 1, .epoch = 80, .ahead = 3 });
    page_set(b->page, 2, (struct page_word){ .index = 0, .epoch = 99 }); /* not served */
    submit(b);
    assert_true(b->ok);
    assert_int_equal(page_get(b->page, 1).epoch, 77);
    assert_int_equal(page_word_serial(page_get(b->page, 1)), 84);
    assert_int_equal(find(b), FOUND_APPLIED);
    read_live(b);
    assert_int_equal(b->live.epoch, 77);
    store_set_pages(b->provider, &(struct store_pages){ .page = b->page, .serial = 200 });
    submit(b);
    assert_int_equal(page_word_serial(page_get(b->page, 1)), 201);
}

static void without_a_page_nothing_is_known_and_no_flip_is_made(void **state)
{
    struct bench *b = *state;

    store_set_pages(b->provider, &(struct store_pages){ .page = NULL });
    read_live(b);
    assert_int_equal(b->live.status, LIVE_UNREADABLE);
    assert_int_equal(find(b), FOUND_UNREADABLE);
    submit(b);
    assert_false(b->ok);
    assert_true(b->retry);
}

static void a_hand_over_writes_both_pages_each_in_its_own_order(void **state)
{
    struct bench *b = *state;
    uint32_t groups[GROUPS] = { UINT32_MAX, 2, UINT32_MAX };
    uint8_t index[GROUPS * CLUSTERS_MAX] = { 0 };
    struct store_pages pages = {
        .page = b->page, .other = b->other, .other_groups = groups, .other_index = index
    };

    index[1 * CLUSTERS_MAX + 1] = 3;
    store_set_pages(b->provider, &pages);
    submit(b);
    assert_true(b->ok);
    assert_int_equal(page_get(b->page, 1).index, 2);
    assert_int_equal(page_get(b->other, 2).index, 3);
    assert_int_equal(page_get(b->other, 2).epoch, 77);
    assert_int_equal(page_get(b->other, 1).index, 0);
}

static void a_hand_over_that_drops_the_destination_refuses_the_flip(void **state)
{
    struct bench *b = *state;
    uint32_t groups[GROUPS] = { 0, 1, 2 };
    uint8_t index[GROUPS * CLUSTERS_MAX] = { 0 };
    struct store_pages pages = {
        .page = b->page, .other = b->other, .other_groups = groups, .other_index = index
    };

    store_set_pages(b->provider, &pages);
    submit(b);
    assert_false(b->ok);
    assert_non_null(strstr(b->text, "reload"));
    assert_int_equal(page_get(b->page, 1).index, 0);
    assert_int_equal(page_get(b->other, 1).index, 0);
}

static void it_has_settled_when_every_thread_was_quiet_once(void **state)
{
    struct bench *b = *state;

    atomic_store(&b->counters->thread[0].turn, 5);
    atomic_store(&b->counters->thread[1].turn, 8);
    (void)provider_local.settle(b->provider, &flip, "", on_settle, b);
    turn(SETTLE_LOOK_MS);
    assert_int_equal(b->calls, 0);
    atomic_store(&b->counters->thread[0].turn, 6);
    turn(SETTLE_LOOK_MS);
    assert_int_equal(b->calls, 1);
    assert_true(b->ok);
}

static void a_face_that_dies_meanwhile_is_waited_for_anew(void **state)
{
    struct bench *b = *state;

    atomic_store(&b->counters->thread[0].turn, 5);
    (void)provider_local.settle(b->provider, &flip, "", on_settle, b);
    turn(SETTLE_LOOK_MS);
    store_set_counters(b->provider, NULL);
    turn(SETTLE_LOOK_MS);
    assert_int_equal(b->calls, 0);
    /* The new one holds a word of its own first turn. */
    atomic_store(&b->counters->thread[0].turn, 1);
    store_set_counters(b->provider, b->counters);
    turn(SETTLE_LOOK_MS);
    assert_int_equal(b->calls, 0);
    atomic_store(&b->counters->thread[0].turn, 3);
    turn(SETTLE_LOOK_MS);
    assert_int_equal(b->calls, 1);
}

static void a_cancelled_call_is_never_heard_of(void **state)
{
    struct bench *b = *state;
    struct provider_call *calls[] = {
        provider_local.submit(b->provider, &flip, on_submit, b),
        provider_local.settle(b->provider, &flip, "", on_settle, b),
        provider_local.find(b->provider, &flip, on_find, b),
        provider_local.read(b->provider, 1, -1, on_read, b),
    };

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        calls[i]->ops->cancel(calls[i]);
    turn(SETTLE_LOOK_MS);
    assert_int_equal(b->calls, 0);
    /* A store waits for no turn: who cancels a submit does not know what it changed. */
    assert_int_equal(page_get(b->page, 1).index, flip.to + 1);
}

static void the_kind_is_found_by_its_name(void **state)
{
    (void)state;
    assert_ptr_equal(provider_find("local"), &provider_local);
    assert_null(provider_find("route66"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_flip_is_one_word_and_reads_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_done_is_found_again, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_flip_whose_operation_began_earlier_makes_a_newer_serial_too, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_page_nothing_is_known_and_no_flip_is_made, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_hand_over_writes_both_pages_each_in_its_own_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_hand_over_that_drops_the_destination_refuses_the_flip,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(it_has_settled_when_every_thread_was_quiet_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_face_that_dies_meanwhile_is_waited_for_anew, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_call_is_never_heard_of, setup, teardown),
        cmocka_unit_test(the_kind_is_found_by_its_name),
    };

    return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
