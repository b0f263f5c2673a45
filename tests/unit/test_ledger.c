/* tests/unit/test_ledger.c -- stories of entries, and what they fold to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/ledger.h"
#include "tests/support/ledger_story.h"

/* "usw2 12 -use1 held | op1 verifying changed hook step 1/2": what a reader of a story expects. */
static void describe(const struct ledger *l, const char *group, struct buf *out)
{
    const struct ledger_group *g = ledger_find(l, group);

    assert_non_null(g);
    buf_printf(out, "%s %u", g->is_adopted ? g->active : "unadopted", g->epoch);
    for (size_t i = 0; i < g->n_fenced; i++)
        buf_printf(out, " -%s", g->fenced[i]);
    if (g->is_held)
        buf_printf(out, " held by %s", g->hold_owner);
    if (g->op.state == OP_NONE)
        return;
    buf_printf(out, " | %s %s", g->op.id, op_state_name(g->op.state));
    buf_puts(out, g->op.is_changed ? " changed" : "");
    buf_puts(out, g->op.is_hook_begun ? " hook" : "");
    buf_puts(out, g->op.settled.ms != 0 ? " settled" : "");
    buf_puts(out, g->op.ended.ms != 0 ? " ended" : "");
    if (g->op.step != 0 || g->op.n_steps != 0)
        buf_printf(out, " step %u/%u", g->op.step, g->op.n_steps);
}

static void expect_story(const struct journal_entry entries[], const char *expected)
{
    struct ledger *l = ledger_new();
    struct err err = { 0 };
    struct buf seen;

    if (fold_all(l, entries, &err) != 0)
        fail_msg("%s: %s", expected, err.text);
    buf_init(&seen, 1024);
    describe(l, "prod", &seen);
    assert_string_equal(buf_text(&seen), expected);
    buf_fini(&seen);
    ledger_free(l);
}

static const struct {
    struct journal_entry entries[STORY_MAX];
    const char *expected;
} stories[] = {
    { { BEGIN, END_OF_STORY }, "use1 11" },
    { { INIT, E(1, ENTRY_HOLD, .group = "prod", .actor = "ann"), END_OF_STORY },
      "unadopted 0 held by ann" },
    { { BEGIN, E(2, ENTRY_HOLD, .group = "prod", .actor = "ann"),
        E(3, ENTRY_RELEASE, .group = "prod"), END_OF_STORY },
      "use1 11" },
    /* a whole automatic move, seen at each of its stages */
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12, .step = 2), END_OF_STORY },
      "use1 11 | op1 recording step 0/2" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        OP(3, "op1", ENTRY_STEP, .state = OP_FENCING), END_OF_STORY },
      "use1 11 | op1 fencing hook" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        OP(3, "op1", ENTRY_STEP, .state = OP_PROMOTING),
        OP(4, "op1", ENTRY_STEP, .state = OP_PROVING), END_OF_STORY },
      "use1 11 | op1 proving hook" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12, .step = 2),
        OP(3, "op1", ENTRY_STEP, .state = OP_SUBMITTING, .step = 1),
        MOVED(4, "op1", "usw2", .epoch = 12), E(5, ENTRY_FENCE, .group = "prod", .to = "use1"),
        END_OF_STORY },
      "usw2 12 -use1 | op1 submitting changed step 1/2" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        MOVED(3, "op1", "usw2", .epoch = 12), OP(4, "op1", ENTRY_SETTLED), END_OF_STORY },
      "usw2 12 -use1 | op1 verifying changed settled" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        MOVED(3, "op1", "usw2", .epoch = 12), OP(4, "op1", ENTRY_SETTLED),
        OP(5, "op1", ENTRY_OUTCOME, .state = OP_DONE), END_OF_STORY },
      "usw2 12 -use1 | op1 done changed settled ended" },
    /* other ends */
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12), OP(3, "op1", ENTRY_REFUSED),
        END_OF_STORY },
      "use1 11 | op1 refused ended" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_SWITCH, 12),
        OP(3, "op1", ENTRY_OUTCOME, .state = OP_CANCELLED), END_OF_STORY },
      "use1 11 | op1 cancelled ended" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_SWITCH, 12),
        MOVED(3, "op1", "usw2", .epoch = 12), OP(4, "op1", ENTRY_OUTCOME, .state = OP_PARTIAL),
        END_OF_STORY },
      "usw2 12 | op1 partial changed" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_SWITCH, 12),
        MOVED(3, "op1", "usw2", .epoch = 12),
        OP(4, "op1", ENTRY_STEP, .state = OP_PARTIAL, .step = 1),
        OP(5, "op1", ENTRY_OUTCOME, .state = OP_ATTENTION), END_OF_STORY },
      "usw2 12 | op1 needs-attention changed ended step 1/0" },
    /* a second operation takes the place of the first */
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_SWITCH, 12),
        OP(3, "op1", ENTRY_OUTCOME, .state = OP_FAILED),
        INTENT(4, "op2", "use1", "usw2", VERB_FAILOVER, 13), END_OF_STORY },
      "use1 11 | op2 recording" },
    /* fences */
    { { BEGIN, E(2, ENTRY_FENCE, .group = "prod", .to = "a"),
        E(2, ENTRY_FENCE, .group = "prod", .to = "b"),
        E(2, ENTRY_FENCE, .group = "prod", .to = "a"),
        E(2, ENTRY_FENCE, .group = "prod", .to = "c"),
        E(3, ENTRY_REJOIN, .group = "prod", .to = "b"), END_OF_STORY },
      "use1 11 -a -c" },
    { { BEGIN, E(2, ENTRY_FENCE, .group = "prod", .to = "a"), E(3, ENTRY_REJOIN, .to = "a"),
        END_OF_STORY },
      "use1 11" },
    { { BEGIN, E(3, ENTRY_REJOIN, .group = "prod", .to = "a"), END_OF_STORY }, "use1 11" },
    /* adopted anew: the live records were another cluster's */
    { { BEGIN, E(2, ENTRY_ADOPT, .group = "prod", .to = "usw2", .epoch = 12), END_OF_STORY },
      "usw2 12" },
};

static void stories_fold_to_the_expected_group(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
        expect_story(stories[i].entries, stories[i].expected);
}

static const struct {
    struct journal_entry entries[STORY_MAX];
    const char *expected;
} losses[] = {
    { { BEGIN, OP(3, "op1", ENTRY_REFUSED), END_OF_STORY }, "use1 11" },
    { { INIT, OP(3, "op1", ENTRY_REFUSED), ADOPT(4), END_OF_STORY }, "use1 11" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_SWITCH, 12), OP(4, "op1", ENTRY_SETTLED),
        END_OF_STORY },
      "usw2 12 | op1 verifying changed settled" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_SWITCH, 12),
        OP(4, "op1", ENTRY_OUTCOME, .state = OP_NOT_CONVERGED), END_OF_STORY },
      "usw2 12 | op1 not-converged changed ended" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_SWITCH, 12),
        INTENT(9, "op2", "usw2", "use1", VERB_FAILBACK, 13), END_OF_STORY },
      "usw2 11 | op2 recording" },
    { { BEGIN,
        OP(2, "op1", ENTRY_STEP, .to = "usw2", .is_forced = true, .state = OP_SUBMITTING,
           .epoch = 12),
        MOVED(4, "op1", "usw2", .epoch = 12), END_OF_STORY },
      "usw2 12 -use1 | op1 submitting changed" },
    { { BEGIN,
        OP(2, "op1", ENTRY_OUTCOME, .to = "usw2", .is_forced = true, .state = OP_DONE, .epoch = 12),
        END_OF_STORY },
      "usw2 12 -use1 | op1 done changed ended" },
};

static void entries_that_a_failing_disk_lost_are_made_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
        expect_story(losses[i].entries, losses[i].expected);
}

static const struct {
    struct journal_entry entries[STORY_MAX];
    const char *why;
} refusals[] = {
    { { ADOPT(1), END_OF_STORY }, "does not begin with init" },
    { { BEGIN, INIT, END_OF_STORY }, "the journal began before it already" },
    { { BEGIN, E(2, ENTRY_ADOPT, .group = "prod"), END_OF_STORY }, "without a group or a cluster" },
    { { BEGIN, E(2, ENTRY_ADOPT, .to = "use1"), END_OF_STORY }, "without a group or a cluster" },
    { { BEGIN, E(2, ENTRY_HOLD, .actor = "ann"), END_OF_STORY }, "without a group" },
    { { BEGIN, E(2, ENTRY_RELEASE, .group = "x"), END_OF_STORY }, "does not know the group" },
    { { BEGIN, E(2, ENTRY_ACK, .group = "x"), END_OF_STORY }, "does not know the group" },
    { { BEGIN, E(2, ENTRY_FENCE, .group = "prod"), END_OF_STORY }, "without a cluster" },
    { { BEGIN, E(2, ENTRY_FENCE, .group = "x", .to = "a"), END_OF_STORY }, "never adopted" },
    { { BEGIN, E(2, ENTRY_REJOIN, .group = "prod"), END_OF_STORY }, "without a cluster" },
    { { BEGIN, E(2, ENTRY_REJOIN, .group = "x", .to = "a"), END_OF_STORY }, "never adopted" },
    { { INIT, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12), END_OF_STORY },
      "intent of group prod: the group was never adopted" },
    { { INIT, E(1, ENTRY_HOLD, .group = "prod"), INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        END_OF_STORY },
      "never adopted" },
    { { BEGIN, INTENT(2, "", "use1", "usw2", VERB_AUTO, 12), END_OF_STORY },
      "without an operation, a source or a destination" },
    { { BEGIN, INTENT(2, "op1", "use1", "use1", VERB_AUTO, 12), END_OF_STORY },
      "the same cluster" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 11), END_OF_STORY },
      "its epoch is not newer" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        INTENT(3, "op1", "use1", "usw2", VERB_AUTO, 13), END_OF_STORY },
      "had begun already" },
    { { BEGIN, MOVED(4, "op1", "usw2", .epoch = 12), END_OF_STORY }, "there is no intent" },
    { { BEGIN, OP(4, "op1", ENTRY_OUTCOME, .state = OP_DONE), END_OF_STORY },
      "there is no intent" },
    { { BEGIN, OP(4, "", ENTRY_SETTLED), END_OF_STORY }, "there is no intent" },
    { { BEGIN, OP(4, "op1", ENTRY_SETTLED, .is_forced = true), END_OF_STORY },
      "there is no intent" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        MOVED(4, "op1", "euw1", .epoch = 12), END_OF_STORY },
      "to another cluster" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        MOVED(4, "op1", "usw2", .epoch = 13), END_OF_STORY },
      "with another epoch" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        OP(4, "op1", ENTRY_STEP, .state = OP_DONE), END_OF_STORY },
      "not one of a running operation" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12), OP(4, "op1", ENTRY_STEP),
        END_OF_STORY },
      "not one of a running operation" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        OP(4, "op1", ENTRY_OUTCOME, .state = OP_PROVING), END_OF_STORY },
      "not one of an ended operation" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12), OP(3, "op1", ENTRY_REFUSED),
        OP(4, "op1", ENTRY_OUTCOME, .state = OP_DONE), END_OF_STORY },
      "had ended already" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12), OP(3, "op1", ENTRY_REFUSED),
        OP(4, "op1", ENTRY_REFUSED), END_OF_STORY },
      "had ended already" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12),
        MOVED(3, "op1", "usw2", .epoch = 12), OP(4, "op1", ENTRY_REFUSED), END_OF_STORY },
      "had changed records already" },
    { { BEGIN, INTENT(2, "op1", "use1", "usw2", VERB_AUTO, 12), OP(3, "op1", ENTRY_SETTLED),
        OP(4, "op1", ENTRY_SETTLED), END_OF_STORY },
      "had settled already" },
};

static void entries_that_cannot_follow_are_refused_and_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct ledger *l = ledger_new();
        struct err err = { 0 };

        assert_int_equal(fold_all(l, refusals[i].entries, &err), -1);
        assert_int_equal(err.code, ERR_REMOTE);
        if (strstr(err.text, refusals[i].why) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", err.text, refusals[i].why);
        ledger_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories_fold_to_the_expected_group),
        cmocka_unit_test(entries_that_a_failing_disk_lost_are_made_good),
        cmocka_unit_test(entries_that_cannot_follow_are_refused_and_change_nothing),
    };

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
