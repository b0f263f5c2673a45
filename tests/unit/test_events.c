/* tests/unit/test_events.c -- the ring of newest entries, and what is asked of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/ctl/events.h"

static void add(struct ctl_events *events, uint64_t seq, const char *group)
{
    struct journal_entry entry = { .seq = seq, .kind = ENTRY_HOLD };

    memcpy(entry.group, group, strlen(group) + 1);
    events_add(events, &entry);
}

/* The seqs of the answer, as "1 2 3". */
static void check(const struct ctl_events *events, const char *group, uint64_t after,
                  unsigned limit, const int expected[], size_t n)
{
    cJSON *view = events_view(events, group, after, limit);
    const cJSON *list = cJSON_GetObjectItem(view, "events");

    assert_int_equal(cJSON_GetArraySize(list), n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(list, (int)i), "seq")->valueint,
                         expected[i]);
    cJSON_Delete(view);
}

static void the_newest_are_answered_oldest_first(void **state)
{
    (void)state;
    struct ctl_events *events = events_new();

    check(events, "", 0, 10, NULL, 0);
    for (uint64_t seq = 5; seq <= 9; seq++)
        add(events, seq, seq % 2 == 0 ? "even" : "odd");
    check(events, "", 0, 10, (const int[]){ 5, 6, 7, 8, 9 }, 5);
    check(events, "", 0, 2, (const int[]){ 8, 9 }, 2);
    check(events, "odd", 0, 2, (const int[]){ 7, 9 }, 2);
    check(events, "none", 0, 2, NULL, 0);
    events_free(events);
}

static void behind_a_seq_the_oldest_come_first_so_that_none_is_skipped(void **state)
{
    (void)state;
    struct ctl_events *events = events_new();

    for (uint64_t seq = 5; seq <= 9; seq++)
        add(events, seq, "g");
    check(events, "", 6, 2, (const int[]){ 7, 8 }, 2);
    check(events, "", 8, 2, (const int[]){ 9 }, 1);
    check(events, "", 9, 2, NULL, 0);
    events_free(events);
}

static void old_ones_are_forgotten_and_progress_is_not_kept(void **state)
{
    (void)state;
    struct ctl_events *events = events_new();

    for (uint64_t seq = 1; seq <= EVENTS_KEPT_MAX + 10; seq++) {
        add(events, seq, "g");
        add(events, 0, "g");
    }
    cJSON *view = events_view(events, "", 0, EVENTS_KEPT_MAX);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(view, "events")), EVENTS_KEPT_MAX);
    assert_int_equal(cJSON_GetObjectItem(view, "first_kept")->valueint, 11);
    assert_int_equal(cJSON_GetObjectItem(view, "last")->valueint, EVENTS_KEPT_MAX + 10);
    cJSON_Delete(view);
    events_free(events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_are_answered_oldest_first),
        cmocka_unit_test(behind_a_seq_the_oldest_come_first_so_that_none_is_skipped),
        cmocka_unit_test(old_ones_are_forgotten_and_progress_is_not_kept),
    };

    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
