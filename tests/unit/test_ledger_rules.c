/* tests/unit/test_ledger_rules.c -- what a ledger answers: brake, block, holds, epochs, requests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mono.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/ledger.h"
#include "tests/support/ledger_story.h"

static void a_group_cannot_have_more_fences_than_clusters(void **state)
{
    (void)state;
    struct ledger *l = ledger_new();
    struct err err = { 0 };
    static const struct journal_entry begin[] = { BEGIN, END_OF_STORY };

    assert_int_equal(fold_all(l, begin, &err), 0);
    for (int i = 0; i <= CLUSTERS_MAX; i++) {
        struct journal_entry e = E(2, ENTRY_FENCE, .group = "prod");

        (void)str_format(e.to, sizeof(e.to), "c%d", i);
        assert_int_equal(fold(l, e, &err), i < CLUSTERS_MAX ? 0 : -1);
    }
    assert_int_equal(ledger_find(l, "prod")->n_fenced, CLUSTERS_MAX);
    assert_true(ledger_is_fenced(ledger_find(l, "prod"), "c15"));
    assert_false(ledger_is_fenced(ledger_find(l, "prod"), "c16"));
    ledger_free(l);
}

static void a_move_by_reload_changes_no_cluster_and_blocks_nothing(void **state)
{
    (void)state;
    static const struct journal_entry story[] = {
        BEGIN,
        E(2, ENTRY_START, .reason = "before", .serial = 40),
        INTENT(3, "op1", "use1", "use1", VERB_RELOAD, 50, .configuration = "after", .names = 7),
        MOVED(4, "op1", "use1", .epoch = 50),
        OP(5, "op1", ENTRY_SETTLED),
        OP(6, "op1", ENTRY_OUTCOME, .state = OP_DONE),
        END_OF_STORY,
    };
    struct ledger *l = ledger_new();
    struct err err = { 0 };

    assert_int_equal(fold_all(l, story, &err), 0);
    const struct ledger_group *g = ledger_find(l, "prod");
    assert_string_equal(g->active, "use1");
    assert_int_equal(g->active_since.ms, at(1).ms);
    assert_int_equal(g->epoch, 50);
    assert_false(ledger_is_blocked(g, 1000000, at(7)));
    assert_int_equal(g->n_fenced, 0);
    /* From the move on, what was accepted is what was in use. */
    assert_string_equal(l->digest, "after");
    assert_int_equal(l->reload_epoch, 50);
    assert_int_equal(l->serial, 40);
    ledger_free(l);
}

static void a_forced_move_by_reload_stands_for_its_lost_intent(void **state)
{
    (void)state;
    static const struct journal_entry story[] = {
        BEGIN,
        MOVED(4, "op1", "use1", .epoch = 50, .from = "use1", .verb = VERB_RELOAD, .is_forced = true,
              .configuration = "after"),
        END_OF_STORY,
    };
    struct ledger *l = ledger_new();
    struct err err = { 0 };

    assert_int_equal(fold_all(l, story, &err), 0);
    assert_string_equal(ledger_find_operation(l, "op1")->configuration, "after");
    assert_string_equal(l->digest, "after");
    ledger_free(l);
}

static void a_reload_that_moves_to_another_cluster_cannot_follow(void **state)
{
    (void)state;
    static const struct journal_entry bad[] = {
        INTENT(2, "op1", "use1", "usw2", VERB_RELOAD, 50, .configuration = "c"),
        INTENT(2, "op1", "use1", "use1", VERB_RELOAD, 50),
        INTENT(2, "op1", "use1", "use1", VERB_SWITCH, 50, .configuration = "c"),
    };
    static const struct journal_entry begin[] = { BEGIN, END_OF_STORY };
    struct ledger *l = ledger_new();
    struct err err = { 0 };

    assert_int_equal(fold_all(l, begin, &err), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(fold(l, bad[i], &err), -1);
    ledger_free(l);
}

static void what_an_intent_says_is_kept_in_its_operation(void **state)
{
    (void)state;
    static const struct journal_entry story[] = {
        BEGIN,
        INTENT(2, "op1", "use1", "usw2", VERB_FAILOVER, 12, .names = 240, .actor = "uid:0 root",
               .reason = "region lost", .request_id = "r1", .overrides = OVERRIDE_PROMOTION,
               .until = { .ms = 900 }, .has_fence = true, .has_proof = true),
        MOVED(3, "op1", "usw2", .epoch = 12),
        OP(4, "op1", ENTRY_SETTLED),
        OP(5, "op1", ENTRY_OUTCOME, .state = OP_NOT_CONVERGED, .names = 480, .step = 479,
           .detail = "ns2 lags"),
        END_OF_STORY,
    };
    struct ledger *l = ledger_new();
    struct err err = { 0 };

    assert_int_equal(fold_all(l, story, &err), 0);
    const struct operation *op = ledger_find_operation(l, "op1");
    assert_non_null(op);
    assert_string_equal(op->group, "prod");
    assert_string_equal(op->from, "use1");
    assert_string_equal(op->to, "usw2");
    assert_int_equal(op->verb, VERB_FAILOVER);
    assert_int_equal(op->epoch, 12);
    assert_int_equal(op->n_names, 240);
    assert_string_equal(op->actor, "uid:0 root");
    assert_string_equal(op->reason, "region lost");
    assert_string_equal(op->request_id, "r1");
    assert_int_equal(op->overrides, OVERRIDE_PROMOTION);
    assert_true(op->has_fence && op->has_proof && !op->has_hook);
    assert_int_equal(op->started.ms, at(2).ms);
    assert_int_equal(op->changed.ms, at(3).ms);
    assert_int_equal(op->settled.ms, at(4).ms);
    assert_int_equal(op->ended.ms, at(5).ms);
    assert_int_equal(op->expires.ms, at(900).ms);
    assert_int_equal(op->asked, 480);
    assert_int_equal(op->verified, 479);
    assert_string_equal(op->detail, "ns2 lags");
    assert_int_equal(ledger_find(l, "prod")->active_since.ms, at(3).ms);
    assert_null(ledger_find_operation(l, "op2"));
    ledger_free(l);
}

static void holds_and_pauses_end_by_themselves(void **state)
{
    (void)state;
    static const struct journal_entry story[] = {
        BEGIN,
        E(2, ENTRY_HOLD, .group = "prod", .until = { .ms = 100 }),
        E(2, ENTRY_PAUSE, .actor = "ann", .reason = "audit", .until = { .ms = 200 }),
        END_OF_STORY,
    };
    static const struct journal_entry for_ever[] = { BEGIN, E(2, ENTRY_HOLD, .group = "prod"),
                                                     E(2, ENTRY_PAUSE), END_OF_STORY };
    struct ledger *l = ledger_new();
    struct err err = { 0 };

    assert_int_equal(fold_all(l, story, &err), 0);
    const struct ledger_group *g = ledger_find(l, "prod");
    assert_true(ledger_is_held(g, at(99)));
    assert_false(ledger_is_held(g, at(100)));
    assert_true(ledger_is_paused(l, at(199)));
    assert_false(ledger_is_paused(l, at(200)));
    assert_string_equal(l->pause_owner, "ann");
    assert_string_equal(l->pause_reason, "audit");
    struct journal_entry resume = E(50, ENTRY_RESUME);
    assert_int_equal(fold(l, resume, &err), 0);
    assert_false(ledger_is_paused(l, at(60)));
    ledger_free(l);

    l = ledger_new();
    assert_int_equal(fold_all(l, for_ever, &err), 0);
    assert_true(ledger_is_held(ledger_find(l, "prod"), at(1000000)));
    assert_true(ledger_is_paused(l, at(1000000)));
    ledger_free(l);
}

static void a_flip_blocks_until_its_time_or_an_ack(void **state)
{
    (void)state;
    static const struct journal_entry settled[] = {
        BEGIN,
        INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        MOVED(3, "op1", "usw2", .epoch = 12),
        OP(10, "op1", ENTRY_SETTLED),
        END_OF_STORY,
    };
    static const struct journal_entry attention[] = {
        BEGIN,
        INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        OP(10, "op1", ENTRY_OUTCOME, .state = OP_ATTENTION),
        END_OF_STORY,
    };
    static const struct journal_entry failed[] = {
        BEGIN,
        INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        OP(10, "op1", ENTRY_OUTCOME, .state = OP_FAILED),
        END_OF_STORY,
    };
    const int64_t block_ms = 3600 * SECOND_MS;
    struct err err = { 0 };

    const struct journal_entry *stories[] = { settled, attention, failed };
    for (size_t i = 0; i < 3; i++) {
        struct ledger *l = ledger_new();

        assert_int_equal(fold_all(l, stories[i], &err), 0);
        const struct ledger_group *g = ledger_find(l, "prod");
        assert_int_equal(ledger_is_blocked(g, block_ms, at(11)), stories[i] != failed);
        assert_int_equal(ledger_is_blocked(g, block_ms, at(9)), stories[i] != failed);
        assert_int_equal(ledger_is_blocked(g, block_ms, at(10 + 3599)), stories[i] != failed);
        assert_false(ledger_is_blocked(g, block_ms, at(10 + 3600)));
        struct journal_entry ack = E(20, ENTRY_ACK, .group = "prod");
        assert_int_equal(fold(l, ack, &err), 0);
        assert_false(ledger_is_blocked(g, block_ms, at(21)));
        assert_int_equal(l->acked.ms, 0);
        ledger_free(l);
    }
}

/* An automatic (or other) move of a fresh group away from cluster. */
static void move_away(struct ledger *l, int64_t second, const char *cluster, enum verb verb)
{
    static unsigned number;
    uint32_t epoch = ledger_next_epoch(l, 0);
    struct journal_entry e = E(second, ENTRY_ADOPT);
    struct err err = { 0 };

    number++;
    (void)str_format(e.group, sizeof(e.group), "group%u", number);
    (void)str_copy(e.to, sizeof(e.to), cluster);
    assert_int_equal(fold(l, e, &err), 0);
    e.kind = ENTRY_INTENT;
    e.verb = verb;
    e.epoch = epoch;
    (void)str_format(e.operation, sizeof(e.operation), "op%u", number);
    (void)str_copy(e.from, sizeof(e.from), cluster);
    (void)str_copy(e.to, sizeof(e.to), "elsewhere");
    assert_int_equal(fold(l, e, &err), 0);
    e.kind = ENTRY_MOVED;
    assert_int_equal(fold(l, e, &err), 0);
    assert_int_equal(fold(l, e, &err), 0); /* said twice, counted once */
}

static struct ledger *initialised(void)
{
    static const struct journal_entry begin[] = { INIT, END_OF_STORY };
    struct ledger *l = ledger_new();
    struct err err = { 0 };

    assert_int_equal(fold_all(l, begin, &err), 0);
    return l;
}

static void the_brake_counts_outages_not_groups(void **state)
{
    (void)state;
    struct ledger *l = initialised();
    struct err err = { 0 };

    move_away(l, 0, "use1", VERB_FAILOVER);
    assert_false(ledger_is_braked(l, "usw2", 1, at(0))); /* a person's move does not count */
    assert_true(ledger_is_braked(l, "usw2", 0, at(0)));
    for (int64_t s = 0; s < 80; s++)
        move_away(l, s, "use1", VERB_AUTO);
    assert_int_equal(l->n_outages, 1);
    assert_false(ledger_is_braked(l, "use1", 1, at(80))); /* the same event goes on... */
    assert_true(ledger_is_braked(l, "usw2", 1, at(80)));  /* ...another one would be too many */
    assert_false(ledger_is_braked(l, "usw2", 2, at(80)));
    assert_true(ledger_is_braked(l, "use1", 1, at(79 + 600)));
    assert_false(ledger_is_braked(l, "use1", 1, at(79 + HOUR_S)));
    move_away(l, 79 + 600, "use1", VERB_AUTO);
    assert_int_equal(l->n_outages, 2);
    assert_true(ledger_is_braked(l, "usw2", 2, at(700)));
    struct journal_entry ack = E(700, ENTRY_ACK);
    assert_int_equal(fold(l, ack, &err), 0);
    assert_false(ledger_is_braked(l, "usw2", 1, at(701)));
    for (int64_t i = 1; i <= INT64_C(2) * LEDGER_OUTAGES_MAX; i++)
        move_away(l, 1000 + i * 600, "use1", VERB_AUTO);
    assert_int_equal(l->n_outages, LEDGER_OUTAGES_MAX);
    assert_int_equal(l->outages[LEDGER_OUTAGES_MAX - 1].last.ms,
                     at(1000 + INT64_C(2) * LEDGER_OUTAGES_MAX * 600).ms);
    ledger_free(l);
}

static void epochs_only_rise_and_skip_zero(void **state)
{
    (void)state;
    static const struct {
        uint32_t newest, floor, next;
    } cases[] = {
        { 0, 0, 1 },
        { 0, 3000000000, 3000000000 },
        { 7, 0, 8 },
        { 7, 8, 8 },
        { 7, 3, 8 },
        { 7, 100, 100 },
        { UINT32_MAX, 0, 1 },
        { UINT32_MAX - 5, 3, 3 }, /* past the wrap is newer... */
        { 3, UINT32_MAX - 5, 4 }, /* ...and before it older */
        { 1, UINT32_C(0x80000001), UINT32_C(0x80000001) },
    };
    struct ledger l = { 0 };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        l.epoch = cases[i].newest;
        assert_int_equal(ledger_next_epoch(&l, cases[i].floor), cases[i].next);
    }
}

static void request_ids_are_kept_for_30_days(void **state)
{
    (void)state;
    const int64_t days30 = 30 * INT64_C(24) * HOUR_S;
    struct ledger *l = initialised();
    struct err err = { 0 };
    struct journal_entry e = E(5, ENTRY_PAUSE, .request_id = "r1", .request_digest = "d1");

    assert_int_equal(fold(l, e, &err), 0);
    const struct ledger_request *r = ledger_find_request(l, "r1", at(6));
    assert_non_null(r);
    assert_string_equal(r->digest, "d1");
    assert_string_equal(r->operation, "");
    assert_null(ledger_find_request(l, "r2", at(6)));
    assert_non_null(ledger_find_request(l, "r1", at(4 + days30)));
    assert_null(ledger_find_request(l, "r1", at(5 + days30)));

    /* A later entry of the same request adds its operation... */
    struct journal_entry begun =
        E(7, ENTRY_ALARM, .request_id = "r1", .request_digest = "d9", .operation = "op1");
    assert_int_equal(fold(l, begun, &err), 0);
    assert_int_equal(l->n_requests, 1);
    assert_string_equal(ledger_find_request(l, "r1", at(8))->operation, "op1");
    assert_string_equal(ledger_find_request(l, "r1", at(8))->digest, "d1");

    /* ...but after its time the id is free for another. */
    begun.time.ms = 5 + days30;
    assert_int_equal(fold(l, begun, &err), 0);
    assert_string_equal(ledger_find_request(l, "r1", at(6 + days30))->digest, "d9");
    ledger_free(l);
}

static void the_oldest_request_ids_go_first(void **state)
{
    (void)state;
    struct ledger *l = initialised();
    struct err err = { 0 };

    for (int i = 0; i < LEDGER_REQUESTS_MAX + 1000; i++) {
        struct journal_entry e = E(5, ENTRY_PAUSE);

        (void)str_format(e.request_id, sizeof(e.request_id), "r%d", i);
        assert_int_equal(fold(l, e, &err), 0);
    }
    assert_int_equal(l->n_requests, LEDGER_REQUESTS_MAX);
    assert_null(ledger_find_request(l, "r0", at(6)));
    assert_null(ledger_find_request(l, "r999", at(6)));
    assert_string_equal(ledger_find_request(l, "r1000", at(6))->id, "r1000");
    assert_string_equal(ledger_find_request(l, "r66535", at(6))->id, "r66535");
    ledger_free(l);
}

static void the_newest_ended_operations_are_kept(void **state)
{
    (void)state;
    static const struct journal_entry begin[] = { BEGIN, END_OF_STORY };
    struct ledger *l = ledger_new();
    struct err err = { 0 };

    assert_int_equal(fold_all(l, begin, &err), 0);
    for (uint32_t i = 0; i < LEDGER_HISTORY_MAX + 10; i++) {
        struct journal_entry e = INTENT(2, "", "use1", "usw2", VERB_SWITCH, 12 + i);

        (void)str_format(e.operation, sizeof(e.operation), "op%u", i);
        assert_int_equal(fold(l, e, &err), 0);
        e.kind = ENTRY_OUTCOME;
        e.state = OP_FAILED;
        assert_int_equal(fold(l, e, &err), 0);
    }
    assert_int_equal(l->n_history, LEDGER_HISTORY_MAX);
    assert_null(ledger_find_operation(l, "op9"));
    assert_string_equal(ledger_find_operation(l, "op10")->id, "op10");
    assert_string_equal(ledger_find_operation(l, "op1033")->id, "op1033");
    ledger_free(l);
}

static void the_configuration_digest_is_the_accepted_one(void **state)
{
    (void)state;
    static const struct journal_entry story[] = {
        INIT,
        E(1, ENTRY_START, .reason = "d1", .detail = "0.1"),
        E(2, ENTRY_RELOAD, .reason = "d2"),
        E(3, ENTRY_RELOAD, .reason = "d3", .detail = "line 7: unknown key"),
        E(4, ENTRY_STOP),
        END_OF_STORY,
    };
    struct ledger *l = ledger_new();
    struct err err = { 0 };

    assert_int_equal(fold_all(l, story, &err), 0);
    assert_string_equal(l->digest, "d2");
    struct journal_entry numbered = E(5, ENTRY_VERDICT, .seq = 77);
    assert_int_equal(fold(l, numbered, &err), 0);
    assert_int_equal(l->seq, 77);
    ledger_free(l);
}

/* 4,096 groups, a million entries: a start must not take long. */
static void a_large_journal_folds_in_seconds(void **state)
{
    (void)state;
    struct ledger *l = initialised();
    struct err err = { 0 };
    struct journal_entry e = E(1, ENTRY_ADOPT, .to = "use1");
    struct mono began = mono_now();

    for (unsigned i = 0; i < GROUPS_MAX; i++) {
        (void)str_format(e.group, sizeof(e.group), "group%u", i * 2654435761U);
        assert_int_equal(fold(l, e, &err), 0);
    }
    const struct ledger_group *first = ledger_find(l, "group0");
    for (uint32_t i = 0; i < 250000; i++) {
        (void)str_format(e.group, sizeof(e.group), "group%u", i % GROUPS_MAX * 2654435761U);
        (void)str_format(e.operation, sizeof(e.operation), "op%u", i);
        (void)str_format(e.request_id, sizeof(e.request_id), "request%u", i);
        (void)str_copy(e.from, sizeof(e.from), i / GROUPS_MAX % 2 == 0 ? "use1" : "usw2");
        (void)str_copy(e.to, sizeof(e.to), i / GROUPS_MAX % 2 == 0 ? "usw2" : "use1");
        e.epoch = 100 + i;
        static const enum entry_kind kinds[] = { ENTRY_INTENT, ENTRY_MOVED, ENTRY_SETTLED,
                                                 ENTRY_OUTCOME };
        for (size_t k = 0; k < 4; k++) {
            e.kind = kinds[k];
            e.state = e.kind == ENTRY_OUTCOME ? OP_DONE : OP_NONE;
            assert_int_equal(fold(l, e, &err), 0);
        }
    }
    int64_t took_ms = mono_since(mono_now(), began);
    print_message("%u groups, 1000000 entries: %lld ms\n", GROUPS_MAX, (long long)took_ms);
    assert_true(took_ms < 30000); /* 1 s on a small machine, sanitizers and neighbours aside */
    assert_int_equal(l->n_groups, GROUPS_MAX);
    assert_ptr_equal(ledger_find(l, "group0"), first);
    for (size_t i = 1; i < l->n_groups; i++)
        assert_true(strcmp(l->groups[i - 1]->name, l->groups[i]->name) < 0);
    ledger_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_cannot_have_more_fences_than_clusters),
        cmocka_unit_test(a_move_by_reload_changes_no_cluster_and_blocks_nothing),
        cmocka_unit_test(a_forced_move_by_reload_stands_for_its_lost_intent),
        cmocka_unit_test(a_reload_that_moves_to_another_cluster_cannot_follow),
        cmocka_unit_test(what_an_intent_says_is_kept_in_its_operation),
        cmocka_unit_test(holds_and_pauses_end_by_themselves),
        cmocka_unit_test(a_flip_blocks_until_its_time_or_an_ack),
        cmocka_unit_test(the_brake_counts_outages_not_groups),
        cmocka_unit_test(epochs_only_rise_and_skip_zero),
        cmocka_unit_test(request_ids_are_kept_for_30_days),
        cmocka_unit_test(the_oldest_request_ids_go_first),
        cmocka_unit_test(the_newest_ended_operations_are_kept),
        cmocka_unit_test(the_configuration_digest_is_the_accepted_one),
        cmocka_unit_test(a_large_journal_folds_in_seconds),
    };

    return cmocka_run_group_tests_name("ledger_rules", tests, NULL, NULL);
}
