/* tests/unit/test_journal_codec.c -- what is written can be read; what was changed is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal.h"
#include "dnsflip/engine/journal_codec.h"

#define TIME_MS INT64_C(1795403045678) /* 2026-11-23T03:04:05.678Z */

static char line[JOURNAL_LINE_MAX * 2];
static size_t line_bytes; /* without the newline */

/* Encodes into line; a failure fails the test. */
static void encode(const struct journal_entry *e)
{
    char hash[JOURNAL_HASH_BYTES];
    struct err err = { 0 };
    struct buf out;

    buf_init(&out, JOURNAL_LINE_MAX);
    if (journal_encode(e, JOURNAL_FIRST_PREV, &out, hash, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(out.data[out.len - 1], '\n');
    line_bytes = out.len - 1;
    memcpy(line, out.data, line_bytes);
    line[line_bytes] = '\0';
    buf_fini(&out);
}

/* Decodes line as entry 1; *why gets the error's text. */
static enum journal_line decode(struct journal_entry *e, const char **why)
{
    static struct err err;
    char hash[JOURNAL_HASH_BYTES];

    err = (struct err){ 0 };
    *why = err.text;
    return journal_decode(line, line_bytes, JOURNAL_FIRST_PREV, 1, e, hash, &err);
}

static void expect_bad(const char *why_expected)
{
    struct journal_entry e;
    const char *why;

    assert_int_equal(decode(&e, &why), JOURNAL_LINE_BAD);
    if (strstr(why, why_expected) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, why_expected);
}

/* Gives line (members, without braces and hash) its braces and its right hash. */
static void forge(const char *members)
{
    unsigned char digest[32];
    char hash[JOURNAL_HASH_BYTES];

    assert_true(str_format(line, sizeof(line), "{%s}", members));
    assert_int_equal(EVP_Digest(line, strlen(line), digest, NULL, EVP_sha256(), NULL), 1);
    str_hex(digest, sizeof(digest), hash);
    assert_true(str_format(line, sizeof(line), "{%s,\"hash\":\"%s\"}", members, hash));
    line_bytes = strlen(line);
}

#define FORGED(v, kind, more)                                                                      \
    "\"v\":" v ",\"seq\":1,\"time\":\"2026-11-23T03:04:05Z\",\"kind\":\"" kind "\"" more           \
    ",\"prev\":\"" JOURNAL_FIRST_PREV "\""

static struct journal_entry small(enum entry_kind kind)
{
    return (struct journal_entry){ .seq = 1, .time = { .ms = TIME_MS }, .kind = kind };
}

static void fill(char *text, size_t cap, char c)
{
    memset(text, c, cap - 1);
    text[cap - 1] = '\0';
}

/* Every member set, every text full of c. */
static struct journal_entry full(char c)
{
    struct journal_entry e = {
        .seq = 1,
        .time = { .ms = TIME_MS },
        .kind = ENTRY_DECISION,
        .verb = VERB_FAILOVER,
        .state = OP_NOT_CONVERGED,
        .epoch = UINT32_MAX,
        .names = UINT32_MAX - 1,
        .step = UINT32_MAX - 2,
        .has_fence = true,
        .has_hook = true,
        .has_proof = true,
        .is_forced = true,
        .overrides = OVERRIDE_PROMOTION | OVERRIDE_DURABILITY | (OVERRIDE_RULE(GUARD_RULES) - 1),
        .until = { .ms = TIME_MS + 1 },
    };

    fill(e.group, sizeof(e.group), c);
    fill(e.from, sizeof(e.from), c);
    fill(e.to, sizeof(e.to), c);
    fill(e.operation, sizeof(e.operation), c);
    fill(e.actor, sizeof(e.actor), c);
    fill(e.reason, sizeof(e.reason), c);
    fill(e.request_id, sizeof(e.request_id), c);
    fill(e.request_digest, sizeof(e.request_digest), c);
    fill(e.detail, sizeof(e.detail), c);
    return e;
}

static void expect_same(const struct journal_entry *a, const struct journal_entry *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->time.ms, b->time.ms);
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->group, b->group);
    assert_string_equal(a->from, b->from);
    assert_string_equal(a->to, b->to);
    assert_string_equal(a->operation, b->operation);
    assert_int_equal(a->verb, b->verb);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->names, b->names);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->has_fence, b->has_fence);
    assert_int_equal(a->has_hook, b->has_hook);
    assert_int_equal(a->has_proof, b->has_proof);
    assert_int_equal(a->is_forced, b->is_forced);
    assert_int_equal(a->overrides, b->overrides);
    assert_string_equal(a->actor, b->actor);
    assert_string_equal(a->reason, b->reason);
    assert_string_equal(a->request_id, b->request_id);
    assert_string_equal(a->request_digest, b->request_digest);
    assert_int_equal(a->until.ms, b->until.ms);
    assert_string_equal(a->detail, b->detail);
}

static void expect_round_trip(const struct journal_entry *e)
{
    struct journal_entry back;
    const char *why;

    encode(e);
    if (decode(&back, &why) != JOURNAL_LINE_GOOD)
        fail_msg("%s: %s", line, why);
    expect_same(e, &back);
}

static void an_entry_is_one_known_line(void **state)
{
    (void)state;
    struct journal_entry e = small(ENTRY_MOVED);

    (void)str_copy(e.group, sizeof(e.group), "prod");
    (void)str_copy(e.to, sizeof(e.to), "usw2");
    (void)str_copy(e.operation, sizeof(e.operation), "op-1-prod");
    e.verb = VERB_AUTO;
    e.epoch = 7;
    encode(&e);
    /* The hash was made with sha256sum. */
    assert_string_equal(
        line, "{\"v\":1,\"seq\":1,\"time\":\"2026-11-23T03:04:05.678Z\",\"kind\":\"moved\","
              "\"group\":\"prod\",\"to\":\"usw2\",\"operation\":\"op-1-prod\",\"verb\":\"auto\","
              "\"epoch\":7,\"prev\":\"" JOURNAL_FIRST_PREV "\",\"hash\":\""
              "9503eb6417ea93fc089e5a82250cb5c76385c4406b4ce09265d6758fde6daa38"
              "\"}");
}

static void every_kind_and_every_member_comes_back(void **state)
{
    (void)state;
    struct journal_entry e = full('x');

    expect_round_trip(&e);
    for (unsigned kind = 0; kind < ENTRY_KINDS; kind++) {
        e = small((enum entry_kind)kind);
        expect_round_trip(&e);
    }
    for (unsigned op_state = 0; op_state < OP_STATES; op_state++) {
        e = small(ENTRY_STEP);
        (void)str_copy(e.operation, sizeof(e.operation), "op");
        e.state = (enum op_state)op_state;
        e.verb = (enum verb)(op_state % VERBS);
        expect_round_trip(&e);
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        if (bit >= GUARD_RULES && bit < 30)
            continue;
        e = small(ENTRY_INTENT);
        e.overrides = OVERRIDE_RULE(bit);
        expect_round_trip(&e);
    }
}

static void every_byte_of_text_is_written_so_that_it_can_be_read(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        struct journal_entry e = full((char)c);

        encode(&e); /* a full entry of any byte fits in a line */
        struct journal_entry back;
        const char *why;
        if (decode(&back, &why) != JOURNAL_LINE_GOOD)
            fail_msg("byte %d: %s", c, why);
        if (c >= 128)
            e = full('?');
        expect_same(&e, &back);
        assert_null(strpbrk(line, "\x01\x1f\n\r\t\x7f"));
    }
}

static void text_that_is_not_utf8_is_replaced_byte_for_byte(void **state)
{
    (void)state;
    static const struct {
        const char *text, *read;
    } cases[] = {
        { "h\xc3\xa9", "h\xc3\xa9" },
        { "\xe2\x82\xac", "\xe2\x82\xac" },
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
        { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
        { "cut \xe2\x82", "cut ??" },         /* a character cut in two */
        { "\xc0\xaf", "??" },                 /* overlong */
        { "\xe0\x80\xaf", "???" },            /* overlong */
        { "\xf0\x80\x80\xaf", "????" },       /* overlong */
        { "\xed\xa0\x80", "???" },            /* surrogate */
        { "\xf4\x90\x80\x80", "????" },       /* beyond U+10FFFF */
        { "\xff\xc3\xa9", "?\xc3\xa9" },      /* goes on behind it */
        { "\xc3(", "?(" },                    /* no continuation */
        { "\"\\/\x01\x7f", "\"\\/\x01\x7f" }, /* escaped */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct journal_entry e = small(ENTRY_ALARM);
        struct journal_entry back;
        const char *why;

        (void)str_copy(e.detail, sizeof(e.detail), cases[i].text);
        encode(&e);
        assert_int_equal(decode(&back, &why), JOURNAL_LINE_GOOD);
        assert_string_equal(back.detail, cases[i].read);
    }
}

/* Of a line every byte is changed in turn, by one bit and to a blank. */
static void any_changed_byte_is_found(void **state)
{
    (void)state;
    struct journal_entry e = small(ENTRY_INTENT);
    struct journal_entry back;
    const char *why;

    (void)str_copy(e.group, sizeof(e.group), "prod");
    (void)str_copy(e.reason, sizeof(e.reason), "region lost");
    encode(&e);
    for (size_t i = 0; i < line_bytes; i++) {
        char kept = line[i];

        line[i] = (char)(kept ^ 1);
        assert_int_not_equal(decode(&back, &why), JOURNAL_LINE_GOOD);
        assert_true(why[0] != '\0');
        line[i] = ' ';
        if (kept != ' ')
            assert_int_not_equal(decode(&back, &why), JOURNAL_LINE_GOOD);
        line[i] = kept;
    }
    assert_int_equal(decode(&back, &why), JOURNAL_LINE_GOOD);
}

static void every_beginning_of_a_line_is_torn(void **state)
{
    (void)state;
    struct journal_entry e = full('x');
    struct journal_entry back;
    const char *why;

    encode(&e);
    size_t whole = line_bytes;
    for (line_bytes = 0; line_bytes < whole; line_bytes++)
        assert_int_equal(decode(&back, &why), JOURNAL_LINE_TORN);
}

static void a_line_out_of_its_place_is_found(void **state)
{
    (void)state;
    struct journal_entry e = small(ENTRY_START);
    struct journal_entry back;
    struct err err = { 0 };
    char hash[JOURNAL_HASH_BYTES];
    char other[JOURNAL_HASH_BYTES] = JOURNAL_FIRST_PREV;

    encode(&e);
    assert_int_equal(journal_decode(line, line_bytes, JOURNAL_FIRST_PREV, 2, &back, hash, &err),
                     JOURNAL_LINE_BAD);
    assert_non_null(strstr(err.text, "is entry 1, entry 2 was due"));
    other[0] = 'f';
    assert_int_equal(journal_decode(line, line_bytes, other, 1, &back, hash, &err),
                     JOURNAL_LINE_BAD);
    assert_non_null(strstr(err.text, "does not follow the line before"));
}

static void what_this_version_does_not_know_is_named_or_ignored(void **state)
{
    (void)state;
    struct journal_entry e;
    const char *why;

    forge(FORGED("1", "start", ",\"mood\":[{\"a\":1}],\"detail\":\"0.1\""));
    assert_int_equal(decode(&e, &why), JOURNAL_LINE_GOOD);
    assert_string_equal(e.detail, "0.1");

    forge(FORGED("1", "dance", ""));
    expect_bad("unknown kind \"dance\"");
    forge(FORGED("1", "intent", ",\"operation\":\"o\",\"verb\":\"drill\""));
    expect_bad("unknown verb \"drill\"");
    forge(FORGED("1", "step", ",\"state\":\"dreaming\""));
    expect_bad("unknown state \"dreaming\"");
    forge(FORGED("1", "intent", ",\"overrides\":[\"promotion\",\"gravity\"]"));
    expect_bad("unknown overrides \"gravity\"");
    forge(FORGED("2", "dance", ",\"detail\":7"));
    expect_bad("written by a newer dnsflip: journal version 2, this one reads 1");
    forge(FORGED("0", "start", ""));
    expect_bad("journal version 0 does not exist");
}

static void members_of_the_wrong_type_or_size_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *members, *why;
    } cases[] = {
        { FORGED("\"1\"", "start", ""), "\"v\" is not a whole number" },
        { FORGED("1", "start", ",\"epoch\":4294967296"), "\"epoch\" is not a whole number" },
        { FORGED("1", "start", ",\"epoch\":-1"), "\"epoch\" is not a whole number" },
        { FORGED("1", "start", ",\"epoch\":1.5"), "\"epoch\" is not a whole number" },
        { FORGED("1", "start", ",\"group\":7"), "\"group\" is not a text" },
        { FORGED("1", "start", ",\"group\":\"prod\xff\""), "\"group\" is not UTF-8" },
        { FORGED("1", "start", ",\"has_hook\":1"), "\"has_hook\" is neither true nor false" },
        { FORGED("1", "start", ",\"until\":\"soon\""), "\"until\": \"soon\" is not a time" },
        { FORGED("1", "start", ",\"until\":7"), "\"until\" is not a time" },
        { FORGED("1", "start", ",\"overrides\":\"tilt\""), "\"overrides\" is not a list" },
        { FORGED("1", "start", ",\"overrides\":[7]"), "\"overrides\" is not a text" },
        { FORGED("1", "start",
                 ",\"request_digest\":\"" JOURNAL_FIRST_PREV "0"
                 "\""),
          "\"request_digest\" has 65 bytes, at most 64 are allowed" },
        { "\"v\":1,\"seq\":1,\"kind\":\"start\",\"prev\":\"" JOURNAL_FIRST_PREV "\"",
          "\"time\" is not a time" },
        { "\"v\":1,\"seq\":1,\"kind\":\"start\"", "\"prev\" is not a text" },
        { "\"seq\":1", "\"v\" is not a whole number" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        forge(cases[i].members);
        expect_bad(cases[i].why);
    }
    (void)str_copy(line, sizeof(line), "[1]");
    line_bytes = 3;
    expect_bad("is not a JSON object");
    (void)str_copy(line, sizeof(line), "{\"v\":1}");
    line_bytes = 7;
    expect_bad("does not end in a member \"hash\"");
}

static void two_lines_run_together_are_not_torn(void **state)
{
    (void)state;
    struct journal_entry e = small(ENTRY_START);

    encode(&e);
    memmove(line + line_bytes + 1, line, line_bytes);
    line[line_bytes] = ' ';
    line_bytes = 2 * line_bytes + 1;
    expect_bad("bytes behind its entry");
}

static void entries_that_cannot_be_written_leave_no_trace(void **state)
{
    (void)state;
    struct journal_entry e = small(ENTRY_START);
    char hash[JOURNAL_HASH_BYTES];
    struct err err = { 0 };
    struct buf out;

    buf_init(&out, 300);
    assert_int_equal(journal_encode(&e, JOURNAL_FIRST_PREV, &out, hash, &err), 0);
    size_t kept = out.len;
    assert_int_equal(journal_encode(&e, hash, &out, hash, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(out.len, kept);
    assert_int_equal(strlen(out.data), kept);
    buf_fini(&out);

    buf_init(&out, JOURNAL_LINE_MAX);
    static const int64_t bad_times[] = { 0, -1, INT64_C(253402300800000), INT64_MAX };
    for (size_t i = 0; i < sizeof(bad_times) / sizeof(bad_times[0]); i++) {
        e.time.ms = bad_times[i];
        assert_int_equal(journal_encode(&e, JOURNAL_FIRST_PREV, &out, hash, &err), -1);
        assert_non_null(strstr(err.text, "not in 1970..9999"));
    }
    e.time.ms = TIME_MS;
    e.until.ms = -5;
    assert_int_equal(journal_encode(&e, JOURNAL_FIRST_PREV, &out, hash, &err), -1);
    e.until.ms = 0;
    e.seq = 0;
    assert_int_equal(journal_encode(&e, JOURNAL_FIRST_PREV, &out, hash, &err), -1);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_one_known_line),
        cmocka_unit_test(every_kind_and_every_member_comes_back),
        cmocka_unit_test(every_byte_of_text_is_written_so_that_it_can_be_read),
        cmocka_unit_test(text_that_is_not_utf8_is_replaced_byte_for_byte),
        cmocka_unit_test(any_changed_byte_is_found),
        cmocka_unit_test(every_beginning_of_a_line_is_torn),
        cmocka_unit_test(a_line_out_of_its_place_is_found),
        cmocka_unit_test(what_this_version_does_not_know_is_named_or_ignored),
        cmocka_unit_test(members_of_the_wrong_type_or_size_are_refused),
        cmocka_unit_test(two_lines_run_together_are_not_torn),
        cmocka_unit_test(entries_that_cannot_be_written_leave_no_trace),
    };

    return cmocka_run_group_tests_name("journal_codec", tests, NULL, NULL);
}
