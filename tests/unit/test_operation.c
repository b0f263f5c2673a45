/* tests/unit/test_operation.c -- one operation from intent to end, in stories. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policies/operation.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define HOOK_MS INT64_C(60000)
#define SETTLE_MS INT64_C(5000)
#define NEVER INT64_MAX
#define TEXT_BYTES 512

static struct instant at(int64_t ms)
{
    return (struct instant){ .mono = { INT64_C(3000000) + ms },
                             .wall = { INT64_C(1700000000000) + ms } };
}

/* F a fence hook, H a promote hook, P a proof; digits: how many steps (1 if none); O the override
 * of durability. */
static struct operation make(const char *traits)
{
    struct operation op = {
        .n_steps = 1, .hook_timeout_ms = HOOK_MS, .submit_ms = OP_SUBMIT_MS, .settle_ms = SETTLE_MS
    };

    for (; *traits != '\0'; traits++) {
        op.has_fence = op.has_fence || *traits == 'F';
        op.has_hook = op.has_hook || *traits == 'H';
        op.has_proof = op.has_proof || *traits == 'P';
        if (*traits == 'O')
            op.overrides |= OVERRIDE_DURABILITY;
        if (*traits >= '0' && *traits <= '9')
            op.n_steps = (uint8_t)(*traits - '0');
    }
    op.expires.ms = at(100000).wall.ms;
    return op;
}

/* D durable, d not durable; A M N O found applied, in part, not applied, other; L hook's lock free;
 * H h hook ok, failed; P p proof ok, failed; S s q e k submitted, failed, in part, denied,
 * conflict; T settled; V verified; ! deadline, c cancel, x supersede.  Events come 1,000 ms apart.
 */
static const char letters[] = "DdAMNOLHhPpSsqekTV!cx";
static_assert(sizeof(letters) - 1 == OP_EVENTS, "a letter for each event");

static const char *const effect_words[] = {
    [OP_EFFECT_NONE] = "-",        [OP_EFFECT_FIND] = "find",     [OP_EFFECT_WAIT_HOOK] = "wait",
    [OP_EFFECT_FENCE] = "fence",   [OP_EFFECT_PROMOTE] = "hook",  [OP_EFFECT_PROVE] = "proof",
    [OP_EFFECT_SUBMIT] = "submit", [OP_EFFECT_SETTLE] = "settle", [OP_EFFECT_VERIFY] = "verify",
    [OP_EFFECT_END] = "end",
};

/* Steps the events of story; effects gets a word for each. */
static struct operation play(struct operation op, const char *story,
                             char effects[static TEXT_BYTES])
{
    size_t len = 0;

    effects[0] = '\0';
    for (int i = 0; story[i] != '\0'; i++) {
        const char *letter = strchr(letters, story[i]);

        assert_non_null(letter);

        struct operation_result r =
            operation_step(op, (enum op_event)(letter - letters), at(INT64_C(1000) * (i + 1)));

        op = r.op;
        len += (size_t)snprintf(effects + len, TEXT_BYTES - len, "%s%s", i > 0 ? " " : "",
                                effect_words[r.effect]);
    }
    return op;
}

struct story {
    const char *traits, *events, *effects;
    enum op_state state;
};

static void check_stories(const struct story stories[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct operation op = operation_start(make(stories[i].traits), at(0)).op;
        char effects[TEXT_BYTES];

        op = play(op, stories[i].events, effects);
        assert_string_equal(effects, stories[i].effects);
        assert_string_equal(op_state_name(op.state), op_state_name(stories[i].state));
        assert_int_equal(op.ended.ms != 0, op_state_is_ended(op.state));
    }
}

static void an_operation_runs_from_intent_to_done(void **state)
{
    (void)state;
    static const struct story stories[] = {
        { "", "D", "submit", OP_SUBMITTING },
        { "", "DS", "submit settle", OP_SETTLING },
        { "", "DST", "submit settle verify", OP_VERIFYING },
        { "", "DSTV", "submit settle verify end", OP_DONE },
        { "3", "DSSSTV", "submit submit submit settle verify end", OP_DONE },
        { "H", "D", "hook", OP_PROMOTING },
        { "HP", "DHPSTV", "hook proof submit settle verify end", OP_DONE },
        { "FHP", "DHHPSTV", "fence hook proof submit settle verify end", OP_DONE },
        { "FHP", "DhHPSTV", "fence hook proof submit settle verify end", OP_DONE }, /* a warning */
        { "FHP", "D!HPSTV", "fence hook proof submit settle verify end", OP_DONE },
        { "FP", "DHP", "fence proof submit", OP_SUBMITTING },
        { "P", "DPSTV", "proof submit settle verify end", OP_DONE }, /* promoted by the caller */
        { "FH", "DHHS", "fence hook submit settle", OP_SETTLING },
        { "F", "DH", "fence submit", OP_SUBMITTING },
    };

    check_stories(stories, LENGTH(stories));
}

static void without_a_durable_intent_nothing_is_touched(void **state)
{
    (void)state;
    static const struct story stories[] = {
        { "FHP", "d", "end", OP_REFUSED },
        { "", "!", "end", OP_REFUSED },
        { "", "dDS", "end - -", OP_REFUSED }, /* too late */
        { "O", "dSTV", "submit settle verify end", OP_DONE },
        { "OFHP", "d", "fence", OP_FENCING },
        { "OH", "!D", "hook -", OP_PROMOTING }, /* a late success changes nothing */
    };
    char effects[TEXT_BYTES];

    check_stories(stories, LENGTH(stories));
    assert_true(play(operation_start(make("O"), at(0)).op, "d", effects).is_forced);
    assert_false(play(operation_start(make("O"), at(0)).op, "D", effects).is_forced);
    assert_false(play(operation_start(make(""), at(0)).op, "d", effects).is_forced);

    struct operation promoted = make("");

    promoted.overrides = ~OVERRIDE_DURABILITY; /* any other override */
    assert_int_equal(play(operation_start(promoted, at(0)).op, "d", effects).state, OP_REFUSED);
}

static void a_promotion_that_fails_changes_nothing(void **state)
{
    (void)state;
    static const struct story stories[] = {
        { "HP", "Dh", "hook end", OP_FAILED },        { "HP", "D!", "hook end", OP_FAILED },
        { "HP", "DHp", "hook proof end", OP_FAILED }, { "HP", "DH!", "hook proof end", OP_FAILED },
        { "P", "Dp", "proof end", OP_FAILED },        { "FHP", "Dhh", "fence hook end", OP_FAILED },
    };

    check_stories(stories, LENGTH(stories));
}

static void a_submit_that_fails_is_judged_by_what_was_touched(void **state)
{
    (void)state;
    static const struct story stories[] = {
        { "", "Ds", "submit end", OP_FAILED },
        { "H", "DHs", "hook submit end", OP_ATTENTION }, /* promoted, and nothing points there */
        { "F", "DHs", "fence submit end", OP_ATTENTION },
        { "", "D!", "submit end", OP_ATTENTION }, /* nobody knows whether it was made */
        { "2", "DSs", "submit submit submit", OP_PARTIAL },
        { "2", "DS!", "submit submit submit", OP_PARTIAL },
        { "", "DS!", "submit settle settle", OP_PARTIAL },
    };

    check_stories(stories, LENGTH(stories));
}

static void a_submit_applied_in_part_is_a_change_and_goes_on_forward(void **state)
{
    (void)state;
    static const struct story stories[] = {
        { "", "Dq", "submit submit", OP_PARTIAL },
        { "", "DqSTV", "submit submit settle verify end", OP_DONE },
        { "", "DqqkS", "submit submit - - settle", OP_PARTIAL }, /* each look is a new one */
        { "", "Dq!", "submit submit end", OP_ATTENTION },
        { "2", "DSq", "submit submit submit", OP_PARTIAL },
        { "H", "DHq", "hook submit submit", OP_PARTIAL },
    };

    check_stories(stories, LENGTH(stories));
}

static void what_is_applied_is_told_in_words(void **state)
{
    (void)state;
    char effects[TEXT_BYTES];

    assert_non_null(strstr(play(operation_start(make(""), at(0)).op, "Dq", effects).detail,
                           "the first step is applied in part, or may be"));
    assert_non_null(strstr(play(operation_start(make(""), at(0)).op, "Dq!", effects).detail,
                           "in part only, or not at all"));
    assert_non_null(strstr(play(operation_start(make("2"), at(0)).op, "DSq", effects).detail,
                           "1 of 2 steps are applied"));
}

static void a_conflict_changes_nothing_and_is_not_tried_again(void **state)
{
    (void)state;
    static const struct story stories[] = {
        { "", "Dk", "submit end", OP_CONFLICT },
        { "", "De", "submit end", OP_REFUSED },
        { "H", "DHe", "hook submit end", OP_ATTENTION },
        { "2", "DSe", "submit submit submit", OP_PARTIAL },
        { "H", "DHk", "hook submit end", OP_ATTENTION },
        { "2", "DSk", "submit submit submit", OP_PARTIAL },
    };

    check_stories(stories, LENGTH(stories));
}

static void a_partial_operation_is_retried_forward_until_its_deadline(void **state)
{
    (void)state;
    static const struct story stories[] = {
        { "2", "DSsss", "submit submit submit - -", OP_PARTIAL },
        { "2", "DSsSTV", "submit submit submit settle verify end", OP_DONE },
        { "3", "DSsSSTV", "submit submit submit submit settle verify end", OP_DONE },
        { "3", "DSsSsST", "submit submit submit submit - settle verify", OP_VERIFYING },
        { "2", "DSsT", "submit submit submit -", OP_PARTIAL }, /* nothing to settle yet */
        { "2", "DSsSS", "submit submit submit settle -", OP_PARTIAL },
        { "2", "DSs!", "submit submit submit end", OP_ATTENTION },
        { "2", "DSsS!", "submit submit submit settle end", OP_ATTENTION },
        { "", "DS!T", "submit settle settle verify", OP_VERIFYING }, /* settled late */
        { "", "DS!!", "submit settle settle end", OP_ATTENTION },
        { "2", "DSsx", "submit submit submit end", OP_SUPERSEDED },
        { "2", "DSsc", "submit submit submit end", OP_ATTENTION },
    };

    check_stories(stories, LENGTH(stories));
}

static void verification_ends_by_answers_time_or_a_newer_operation(void **state)
{
    (void)state;
    static const struct story stories[] = {
        { "", "DST!", "submit settle verify end", OP_NOT_CONVERGED },
        { "", "DSTx", "submit settle verify end", OP_SUPERSEDED },
        { "", "DSTc", "submit settle verify -", OP_VERIFYING }, /* nothing left to cancel */
        { "", "DSx", "submit settle -", OP_SETTLING },          /* only cancel ends these */
        { "", "Dx", "submit -", OP_SUBMITTING },
        { "H", "Dx", "hook -", OP_PROMOTING },
    };

    check_stories(stories, LENGTH(stories));
}

static void a_cancel_is_clean_only_before_anything_was_touched(void **state)
{
    (void)state;
    static const struct story stories[] = {
        { "FHP", "c", "end", OP_CANCELLED },
        { "P", "Dc", "proof end", OP_CANCELLED },
        { "FHP", "Dc", "fence end", OP_ATTENTION },
        { "HP", "Dc", "hook end", OP_ATTENTION },
        { "HP", "DHc", "hook proof end", OP_ATTENTION },
        { "", "Dc", "submit end", OP_ATTENTION }, /* the change may be on its way */
        { "", "DSc", "submit settle end", OP_ATTENTION },
        { "3", "DSc", "submit submit end", OP_ATTENTION },
    };

    check_stories(stories, LENGTH(stories));
}

/* ---- times ---------------------------------------------------------------------------------- */

/* The deadline after story, in ms after its last event. */
static int64_t deadline_after(const char *traits, const char *story)
{
    char effects[TEXT_BYTES];
    struct operation op = play(operation_start(make(traits), at(0)).op, story, effects);

    if (op.deadline.ms == NEVER)
        return NEVER;
    return op.deadline.ms - at(1000 * (int64_t)strlen(story)).mono.ms;
}

static void every_state_has_its_deadline(void **state)
{
    (void)state;
    assert_int_equal(deadline_after("", ""), OP_DURABLE_MS);
    assert_int_equal(deadline_after("FHP", "D"), NEVER); /* its time begins with its turn */
    assert_int_equal(deadline_after("HP", "D"), NEVER);
    assert_int_equal(deadline_after("HP", "DH"), HOOK_MS + OP_HOOK_GRACE_MS);
    assert_int_equal(deadline_after("", "D"), OP_SUBMIT_MS);
    assert_int_equal(deadline_after("2", "DS"), OP_SUBMIT_MS); /* for each step anew */
    assert_int_equal(deadline_after("", "DS"), SETTLE_MS);
    assert_int_equal(deadline_after("", "DST"), OP_VERIFY_MS);
    assert_int_equal(deadline_after("2", "DSs"), OP_PARTIAL_MS);
    assert_int_equal(deadline_after("2", "DS!"), OP_PARTIAL_MS);
    assert_int_equal(deadline_after("", "DS!"), OP_PARTIAL_MS);
    assert_int_equal(deadline_after("2", "DSss"), OP_PARTIAL_MS - 1000); /* retries do not renew */
    assert_int_equal(deadline_after("3", "DSsS"), OP_PARTIAL_MS - 1000);
    assert_int_equal(deadline_after("2", "DSsS"), OP_PARTIAL_MS - 1000);
    assert_int_equal(deadline_after("2", "DSsST"), OP_VERIFY_MS);
    assert_int_equal(deadline_after("", "DSTV"), NEVER);
}

static void the_times_of_an_operation_are_kept(void **state)
{
    (void)state;
    char effects[TEXT_BYTES];
    struct operation op = play(operation_start(make("2"), at(0)).op, "DSSTV", effects);

    assert_int_equal(op.started.ms, at(0).wall.ms);
    assert_int_equal(op.changed.ms, at(2000).wall.ms); /* the first acknowledged change */
    assert_int_equal(op.settled.ms, at(4000).wall.ms);
    assert_int_equal(op.ended.ms, at(5000).wall.ms);
    assert_int_equal(op.step, 2);

    op = make("");
    op.started.ms = 5; /* the engine may know better */
    assert_int_equal(operation_start(op, at(0)).op.started.ms, 5);
    assert_int_equal(operation_start(op, at(0)).effect, OP_EFFECT_NONE);
    assert_int_equal(operation_start(op, at(0)).op.state, OP_RECORDING);
}

static void how_it_ended_is_told_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *traits, *story, *detail;
    } cases[] = {
        { "", "d",
          "the journal could not make the intent durable in time: nothing has changed; see to the "
          "disk of state_dir and ask again, or ask with --override durability" },
        { "F", "Dh", "warning: the fence hook failed, the source may not be fenced" },
        { "F", "DhSTV", "warning: the fence hook failed, the source may not be fenced" },
        { "", "DSTV", "" },
        { "H", "Dh", "the promote hook failed: no record was changed" },
        { "P", "Dp", "the promotion's proof did not pass within 1m: no record was changed" },
        { "", "c", "cancelled before anything was touched" },
        { "H", "D!", "the promote hook failed: no record was changed" },
        { "F", "Dc", "cancelled after a hook had begun: no record was changed" },
        { "H", "Dc", "cancelled after a hook had begun: no record was changed" },
        { "", "Ds", "the change was refused: no record was changed" },
        { "H", "DHs", "the change was refused after a hook had begun: no record was changed" },
        { "", "D!",
          "the provider gave no answer in time: whether it made the change is not known" },
        { "3", "DSs", "1 of 3 steps are applied; the rest is tried again and again" },
        { "3", "DSs!", "after 15m of trying only 1 of 3 steps are applied" },
        { "", "DS!!", "every step is applied, but after 15m of trying not settled" },
        { "3", "DSc",
          "cancelled after 1 of 3 steps were acknowledged; the next may have been applied too" },
        { "", "DSc", "cancelled after 1 of 1 steps were acknowledged" },
        { "", "DST!", "0 of 0 answers were the plan's after 15m" },
        { "", "DSTx", "a newer operation of the group took over" },
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct operation op = operation_start(make(cases[i].traits), at(0)).op;
        char effects[TEXT_BYTES];

        assert_string_equal(play(op, cases[i].story, effects).detail, cases[i].detail);
    }

    char effects[TEXT_BYTES];
    struct operation op = play(operation_start(make(""), at(0)).op, "DST", effects);

    op.verified = 239;
    op.asked = 240;
    assert_string_equal(play(op, "!", effects).detail,
                        "239 of 240 answers were the plan's after 15m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operation_runs_from_intent_to_done),
        cmocka_unit_test(without_a_durable_intent_nothing_is_touched),
        cmocka_unit_test(a_promotion_that_fails_changes_nothing),
        cmocka_unit_test(a_submit_that_fails_is_judged_by_what_was_touched),
        cmocka_unit_test(a_submit_applied_in_part_is_a_change_and_goes_on_forward),
        cmocka_unit_test(what_is_applied_is_told_in_words),
        cmocka_unit_test(a_conflict_changes_nothing_and_is_not_tried_again),
        cmocka_unit_test(a_partial_operation_is_retried_forward_until_its_deadline),
        cmocka_unit_test(verification_ends_by_answers_time_or_a_newer_operation),
        cmocka_unit_test(a_cancel_is_clean_only_before_anything_was_touched),
        cmocka_unit_test(every_state_has_its_deadline),
        cmocka_unit_test(the_times_of_an_operation_are_kept),
        cmocka_unit_test(how_it_ended_is_told_in_words),
    };

    return cmocka_run_group_tests_name("operation", tests, NULL, NULL);
}
