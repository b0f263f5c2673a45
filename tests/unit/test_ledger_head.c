/* tests/unit/test_ledger_head.c -- a head carries all that a ledger knows: whatever was folded
 * before, what is folded behind it ends in the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal_codec.h"
#include "dnsflip/engine/ledger.h"
#include "dnsflip/engine/ledger_head.h"
#include "tests/support/ledger_story.h"

#define LIVES 60    /* ledgers that are tried */
#define ENTRIES 400 /* of each, before the head and behind it */
#define GROUPS 4
#define HEAD_BYTES_MAX (4U << 20)

/* ---- the same? ------------------------------------------------------------------------------ */

#define SAME_INT(m) assert_int_equal(a->m, b->m)
#define SAME_TEXT(m) assert_string_equal(a->m, b->m)
#define SAME_TIME(m) assert_int_equal(a->m.ms, b->m.ms)

static void expect_same_operation(const struct operation *a, const struct operation *b)
{
    SAME_TEXT(id);
    SAME_TEXT(group);
    SAME_TEXT(from);
    SAME_TEXT(to);
    SAME_INT(verb);
    SAME_INT(state);
    SAME_INT(epoch);
    SAME_INT(n_names);
    SAME_INT(step);
    SAME_INT(n_steps);
    SAME_INT(has_fence);
    SAME_INT(has_hook);
    SAME_INT(has_proof);
    SAME_INT(is_hook_begun);
    SAME_INT(is_promote_interrupted);
    SAME_INT(is_changed);
    SAME_INT(is_forced);
    SAME_INT(overrides);
    SAME_TEXT(actor);
    SAME_TEXT(reason);
    SAME_TEXT(request_id);
    SAME_TEXT(configuration);
    SAME_TIME(started);
    SAME_TIME(changed);
    SAME_TIME(settled);
    SAME_TIME(ended);
    SAME_TIME(expires);
    SAME_INT(deadline.ms);
    SAME_INT(hook_timeout_ms);
    SAME_INT(submit_ms);
    SAME_INT(settle_ms);
    SAME_TEXT(token);
    SAME_INT(verified);
    SAME_INT(asked);
    SAME_TEXT(detail);
}

static void expect_same_group(const struct ledger_group *a, const struct ledger_group *b)
{
    SAME_TEXT(name);
    SAME_INT(is_adopted);
    SAME_TEXT(active);
    SAME_INT(epoch);
    SAME_INT(n_fenced);
    for (unsigned i = 0; i < a->n_fenced; i++)
        SAME_TEXT(fenced[i]);
    SAME_INT(is_held);
    SAME_TEXT(hold_owner);
    SAME_TEXT(hold_reason);
    SAME_TIME(hold_until);
    SAME_TIME(flip_ended);
    SAME_INT(is_block_lifted);
    SAME_TIME(active_since);
    expect_same_operation(&a->op, &b->op);
}

static void expect_same_requests(const struct ledger *a, const struct ledger *b)
{
    assert_int_equal(a->n_requests, b->n_requests);
    for (size_t i = 0; i < a->n_requests; i++) {
        const struct ledger_request *x = &a->requests[(a->first_request + i) % LEDGER_REQUESTS_MAX];
        const struct ledger_request *y = &b->requests[(b->first_request + i) % LEDGER_REQUESTS_MAX];

        assert_string_equal(x->id, y->id);
        assert_string_equal(x->digest, y->digest);
        assert_string_equal(x->operation, y->operation);
        assert_int_equal(x->time.ms, y->time.ms);
        assert_ptr_equal(ledger_find_request(b, x->id, x->time), y);
    }
}

static void expect_same(const struct ledger *a, const struct ledger *b)
{
    SAME_INT(is_initialised);
    SAME_TIME(initialised);
    SAME_INT(epoch);
    SAME_INT(head_left);
    SAME_INT(n_groups);
    for (size_t i = 0; i < a->n_groups; i++)
        expect_same_group(a->groups[i], b->groups[i]);
    SAME_INT(n_outages);
    for (unsigned i = 0; i < a->n_outages; i++) {
        SAME_TEXT(outages[i].cluster);
        SAME_TIME(outages[i].first);
        SAME_TIME(outages[i].last);
    }
    SAME_TIME(acked);
    SAME_INT(is_paused);
    SAME_TEXT(pause_owner);
    SAME_TEXT(pause_reason);
    SAME_TIME(pause_until);
    expect_same_requests(a, b);
    SAME_INT(n_history);
    for (size_t i = 0; i < a->n_history; i++)
        expect_same_operation(&a->history[(a->first_history + i) % LEDGER_HISTORY_MAX],
                              &b->history[(b->first_history + i) % LEDGER_HISTORY_MAX]);
    SAME_TEXT(digest);
    SAME_INT(reload_epoch);
    SAME_INT(serial);
}

/* ---- a ledger from a head ------------------------------------------------------------------- */

/* As the disk would hand it back: every entry through its line. */
struct through {
    struct ledger *ledger;
    uint64_t seq;
    struct buf line;
};

static int take(void *arg, struct journal_entry *entry, struct err *err)
{
    struct through *t = arg;
    struct journal_entry read;
    char hash[JOURNAL_HASH_BYTES];

    entry->seq = ++t->seq;
    buf_reset(&t->line);
    assert_int_equal(journal_encode(entry, JOURNAL_FIRST_PREV, &t->line, hash, err), 0);
    assert_int_equal(
        journal_decode(t->line.data, t->line.len - 1, JOURNAL_FIRST_PREV, t->seq, &read, hash, err),
        JOURNAL_LINE_GOOD);
    if (ledger_fold(t->ledger, &read, err) != 0)
        fail_msg("%s", err->text);
    return 0;
}

static struct ledger *through_head(const struct ledger *l, struct wall now)
{
    struct through t = { .ledger = ledger_new(), .seq = l->seq };
    struct err err = { 0 };

    buf_init(&t.line, HEAD_BYTES_MAX);
    if (ledger_head_write(l, "journal-000000000001.jsonl", now, take, &t, &err) != 0)
        fail_msg("%s", err.text);
    buf_fini(&t.line);
    return t.ledger;
}

/* ---- lives ---------------------------------------------------------------------------------- */

struct life {
    unsigned seed;
    int64_t second;
    uint32_t epoch;
    struct journal_entry intents[GROUPS]; /* the newest */
};

static unsigned draw(struct life *life, unsigned n)
{
    return (unsigned)rand_r(&life->seed) % n;
}

static void fill(struct life *life, struct journal_entry *e)
{
    static const char *const clusters[] = { "use1", "usw2", "euw1" };
    unsigned group = draw(life, GROUPS);

    (void)str_format(e->group, sizeof(e->group), "g%u", group);
    (void)str_copy(e->to, sizeof(e->to), clusters[draw(life, 3)]);
    (void)str_copy(e->from, sizeof(e->from), clusters[draw(life, 3)]);
    (void)str_format(e->actor, sizeof(e->actor), "uid:%u", draw(life, 9));
    (void)str_format(e->reason, sizeof(e->reason), "because %u", draw(life, 99));
    (void)str_format(e->detail, sizeof(e->detail), "detail %u", draw(life, 99));
    e->state = (enum op_state)draw(life, OP_STATES);
    e->names = draw(life, 300);
    e->step = draw(life, 4);
    if (draw(life, 2) == 0)
        e->until = at(life->second + draw(life, 10000));
    if (draw(life, 3) == 0) {
        (void)str_format(e->request_id, sizeof(e->request_id), "r%u", draw(life, 40));
        (void)str_format(e->request_digest, sizeof(e->request_digest), "d%u", draw(life, 40));
    }
    if (e->kind == ENTRY_START)
        e->serial = ++life->epoch;
    if (e->kind == ENTRY_INTENT) {
        e->epoch = ++life->epoch;
        e->verb = (enum verb)draw(life, VERBS);
        if (e->verb == VERB_RELOAD) {
            (void)str_copy(e->from, sizeof(e->from), e->to);
            (void)str_format(e->configuration, sizeof(e->configuration), "c%u", draw(life, 9));
        }
        e->overrides = draw(life, 2) == 0 ? OVERRIDE_PROMOTION : 0;
        e->has_fence = draw(life, 2) == 0;
        e->has_hook = draw(life, 2) == 0;
        (void)str_format(e->operation, sizeof(e->operation), "op-%u", e->epoch);
        life->intents[group] = *e;
    } else if (e->kind >= ENTRY_REFUSED && e->kind <= ENTRY_OUTCOME) {
        const struct journal_entry *intent = &life->intents[group];

        (void)str_copy(e->operation, sizeof(e->operation), intent->operation);
        (void)str_copy(e->to, sizeof(e->to), intent->to);
        (void)str_copy(e->from, sizeof(e->from), intent->from);
        e->epoch = intent->epoch;
        e->verb = intent->verb;
        e->is_forced = draw(life, 5) == 0;
    }
}

/* Anything, in any order; what cannot follow is refused and was then never written. */
static struct journal_entry anything(struct life *life)
{
    struct journal_entry e = { .kind = (enum entry_kind)draw(life, ENTRY_ROTATED) };

    life->second += 1 + draw(life, 2000);
    e.time = at(life->second);
    fill(life, &e);
    if (e.kind == ENTRY_ADOPT)
        e.epoch = ++life->epoch;
    if ((e.kind == ENTRY_REJOIN || e.kind == ENTRY_ACK) && draw(life, 4) == 0)
        e.group[0] = '\0';
    return e;
}

static void a_head_loses_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIVES; i++) {
        struct life life = { .seed = 1 + i, .epoch = 10 };
        struct ledger *whole = ledger_new();
        struct journal_entry init = { .kind = ENTRY_INIT, .time = at(0), .epoch = 10 };
        struct err err = { 0 };

        assert_int_equal(ledger_fold(whole, &init, &err), 0);
        for (unsigned k = 0; k < ENTRIES; k++) {
            struct journal_entry e = anything(&life);

            (void)!ledger_fold(whole, &e, &err);
        }
        struct ledger *again = through_head(whole, at(life.second));
        expect_same(whole, again);
        for (unsigned k = 0; k < ENTRIES; k++) {
            struct journal_entry e = anything(&life);
            int rc = ledger_fold(whole, &e, &err);

            assert_int_equal(ledger_fold(again, &e, &err), rc);
        }
        expect_same(whole, again);
        ledger_free(whole);
        ledger_free(again);
    }
}

static void request_ids_that_have_expired_are_left_behind(void **state)
{
    (void)state;
    static const struct journal_entry story[] = {
        INIT,
        E(1, ENTRY_PAUSE, .request_id = "old"),
        E(40L * 24 * HOUR_S, ENTRY_RESUME, .request_id = "new"),
        END_OF_STORY,
    };
    struct ledger *l = ledger_new();
    struct err err = { 0 };

    assert_int_equal(fold_all(l, story, &err), 0);
    struct ledger *again = through_head(l, at(41L * 24 * HOUR_S));
    assert_int_equal(again->n_requests, 1);
    assert_string_equal(again->requests[0].id, "new");
    ledger_free(l);
    ledger_free(again);
}

static void a_head_that_is_not_whole_is_refused(void **state)
{
    (void)state;
    struct ledger *l = ledger_new();
    struct err err = { 0 };
    struct journal_entry first = { .kind = ENTRY_ROTATED, .time = at(0), .names = 2, .epoch = 3 };
    struct journal_entry kept = { .kind = ENTRY_KEPT_PAUSE, .time = at(0) };
    struct journal_entry other = { .kind = ENTRY_RESUME, .time = at(0) };

    assert_int_equal(ledger_fold(l, &kept, &err), -1);
    assert_int_equal(ledger_fold(l, &first, &err), 0);
    assert_int_equal(ledger_fold(l, &first, &err), -1);
    assert_int_equal(ledger_fold(l, &kept, &err), 0);
    assert_int_equal(ledger_fold(l, &other, &err), -1);
    assert_non_null(strstr(err.text, "1 lines of the file's head are missing"));
    assert_int_equal(ledger_fold(l, &kept, &err), 0);
    assert_int_equal(ledger_fold(l, &kept, &err), -1);
    assert_int_equal(ledger_fold(l, &other, &err), 0);
    ledger_free(l);
}

/* It would be forgotten at the next file: an operation that is running has a name and a state. */
static void an_operation_without_a_state_is_refused(void **state)
{
    (void)state;
    struct ledger *l = ledger_new();
    struct err err = { 0 };
    struct journal_entry first = { .kind = ENTRY_ROTATED, .time = at(0), .names = 1, .epoch = 3 };
    struct journal_entry kept = {
        .kind = ENTRY_KEPT_OPERATION, .time = at(0), .group = "prod", .operation = "op1"
    };

    assert_int_equal(ledger_fold(l, &first, &err), 0);
    assert_int_equal(ledger_fold(l, &kept, &err), -1);
    assert_non_null(strstr(err.text, "no operation, or no state"));
    kept.state = OP_VERIFYING;
    assert_int_equal(ledger_fold(l, &kept, &err), 0);
    ledger_free(l);
}

/* A number that is cut to what fits is another number: the operation would go on elsewhere. */
static void a_step_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const enum entry_kind kinds[] = { ENTRY_KEPT_OPERATION, ENTRY_KEPT_ENDED };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct ledger *l = ledger_new();
        struct err err = { 0 };
        struct journal_entry first = {
            .kind = ENTRY_ROTATED, .time = at(0), .names = 1, .epoch = 3
        };
        struct journal_entry kept = { .kind = kinds[i],
                                      .time = at(0),
                                      .group = "prod",
                                      .operation = "op1",
                                      .state = OP_DONE,
                                      .step = UINT8_MAX + 1U };

        assert_int_equal(ledger_fold(l, &first, &err), 0);
        assert_int_equal(ledger_fold(l, &kept, &err), -1);
        kept.step = 1;
        kept.steps = UINT8_MAX + 1U;
        assert_int_equal(ledger_fold(l, &kept, &err), -1);
        assert_non_null(strstr(err.text, "step 1 of 256, at most 255"));
        kept.steps = UINT8_MAX;
        assert_int_equal(ledger_fold(l, &kept, &err), 0);
        ledger_free(l);
    }
}

/* Another member than these?  Then ledger_head.c carries it, and this file compares it. */
static void every_member_of_a_ledger_is_carried(void **state)
{
    (void)state;
#if defined(__x86_64__) || defined(__aarch64__)
    assert_int_equal(sizeof(struct operation), 1632);
    assert_int_equal(sizeof(struct ledger_group), 3152);
    assert_int_equal(sizeof(struct ledger_outage), 80);
    assert_int_equal(sizeof(struct ledger_request), 248);
    assert_int_equal(sizeof(struct ledger), 5664);
#endif
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_loses_nothing),
        cmocka_unit_test(request_ids_that_have_expired_are_left_behind),
        cmocka_unit_test(a_head_that_is_not_whole_is_refused),
        cmocka_unit_test(an_operation_without_a_state_is_refused),
        cmocka_unit_test(a_step_that_does_not_fit_is_refused),
        cmocka_unit_test(every_member_of_a_ledger_is_carried),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
