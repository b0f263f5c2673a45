/* tests/unit/test_answer_message.c -- how messages are read and written: header bits, EDNS, sizes,
 * malformed queries.  Facts are checked byte by byte where ldns would be too kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "tests/support/ask.h"
#include "tests/support/site.h"

#define A 1
#define TXT 16
#define HOST "app.dr.example.com"
#define HOST_A " | app.dr.example.com. 30 IN A 198.51.100.10"

enum { FORMERR = 1, NOTIMP = 4, REFUSED = 5 };

/* big.dr.example.com TXT needs more than 512 bytes, huge more than 1232; fat refers with glue that
 * fits into neither. */
static struct ask *new_ask(void)
{
    struct buf records;
    struct settings *s;
    struct ask *a;

    buf_init(&records, 65536);
    for (int i = 0; i < 6; i++)
        buf_printf(&records, "big TXT \"%03d%0100d\"\n", i, 0);
    for (int i = 0; i < 200; i++)
        buf_printf(&records, "huge TXT \"%03d%0200d\"\n", i, 0);
    buf_printf(&records, "fat NS ns.fat\n");
    for (int i = 0; i < 50; i++)
        buf_printf(&records, "ns.fat AAAA 2001:db8::%x\n", i + 1);
    s = site_new(buf_text(&records));
    (void)site_add_host(s, SITE_PROD, HOST, "198.51.100.10", "203.0.113.10");
    a = ask_new(s);
    ask_set_word(a, SITE_PROD, 1, 200);
    settings_free(s);
    buf_fini(&records);
    return a;
}

static unsigned rcode_of(const struct ask *a)
{
    return a->out[3] & 15U;
}

static void the_question_comes_back_byte_for_byte(void **state)
{
    struct ask *a = new_ask();

    (void)state;
    ask_make(a, "aPP.Dr.eXAMPLE.cOM", A);
    ask_send(a, false);
    assert_int_equal(a->out[0], 0x12);
    assert_int_equal(a->out[1], 0x34);
    assert_memory_equal(a->out + 12, a->query + 12, a->query_len - 12);
    assert_string_equal(ask_text(a), "NOERROR aa | aPP.Dr.eXAMPLE.cOM. 30 IN A 198.51.100.10");
    /* "@[`{" are next to the letters, and are none. */
    assert_int_equal((ask_make(a, "@app.dr.example.com", A), ask_send(a, false), rcode_of(a)), 3);
    assert_int_equal((ask_make(a, "ap\xf0.dr.example.com", A), ask_send(a, false), rcode_of(a)), 3);
    assert_int_equal((ask_make(a, "ap0.dr.example.com", A), ask_send(a, false), rcode_of(a)), 3);
    assert_int_equal((ask_make(a,
                               "app.dr\x0e"
                               "example.com",
                               A),
                      ask_send(a, false), rcode_of(a)),
                     REFUSED);
    ask_free(a);
}

static void header_bits_are_copied_cleared_or_set(void **state)
{
    static const struct {
        uint8_t in2, in3, out2, out3;
    } cases[] = {
        { 0x00, 0x00, 0x84, 0x00 }, { 0x01, 0x00, 0x85, 0x00 }, /* RD is copied, RA stays clear */
        { 0x01, 0x10, 0x85, 0x00 },                             /* CD, AD and Z are not for us */
        { 0x00, 0x20, 0x84, 0x00 }, { 0x00, 0x40, 0x84, 0x00 },
        { 0x06, 0x8f, 0x84, 0x00 }, /* AA, TC, RA and a rcode mean nothing in a question */
    };
    struct ask *a = new_ask();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_make(a, HOST, A);
        a->query[2] = cases[i].in2;
        a->query[3] = cases[i].in3;
        ask_send(a, false);
        assert_int_equal(a->out[2], cases[i].out2);
        assert_int_equal(a->out[3], cases[i].out3);
    }
    ask_free(a);
}

static void what_is_no_query_gets_no_answer(void **state)
{
    struct ask *a = new_ask();

    (void)state;
    ask_make(a, HOST, A);
    a->query[2] = 0x80;
    assert_int_equal(ask_send(a, false), 0);
    a->query[2] = 0;
    for (a->query_len = 0; a->query_len < 12; a->query_len++)
        assert_int_equal(ask_send(a, false), 0);
    assert_int_equal(a->counts[COUNTER_DROPPED], 13);
    assert_int_equal(a->counts[COUNTER_UDP_QUERIES], 0);
    ask_free(a);
}

static void other_opcodes_are_not_implemented(void **state)
{
    struct ask *a = new_ask();

    (void)state;
    for (unsigned opcode = 1; opcode < 16; opcode++) {
        ask_make(a, HOST, A);
        a->query[2] = (uint8_t)(opcode << 3 | 1);
        assert_int_equal(ask_send(a, false), 12);
        assert_int_equal(a->out[2], 0x80 | opcode << 3 | 1);
        assert_int_equal(a->out[3], NOTIMP);
        assert_memory_equal(a->out + 4, "\0\0\0\0\0\0\0\0", 8);
    }
    assert_int_equal(a->counts[COUNTER_NOTIMP], 15);
    ask_free(a);
}

static void a_query_has_one_question(void **state)
{
    struct ask *a = new_ask();

    (void)state;
    for (uint8_t n = 0; n < 4; n++) {
        if (n == 1)
            continue;
        ask_make(a, HOST, A);
        a->query[5] = n;
        assert_int_equal(ask_send(a, false), 12);
        assert_int_equal(rcode_of(a), FORMERR);
    }
    ask_free(a);
}

static void types_for_questions_alone_and_other_classes_are_refused(void **state)
{
    static const struct {
        unsigned type, rcode;
    } cases[] = { { 253, NOTIMP }, { 254, NOTIMP }, { 249, NOTIMP }, { 250, NOTIMP },
                  { 128, NOTIMP }, { 41, FORMERR }, { 255, 0 },      { 256, 0 },
                  { 127, 0 },      { 65535, 0 } };
    struct ask *a = new_ask();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_make(a, HOST, cases[i].type);
        ask_send(a, i % 2 == 0);
        assert_int_equal(rcode_of(a), cases[i].rcode);
    }
    for (unsigned class = 0; class < 256; class ++) {
        ask_make(a, HOST, A);
        a->query[a->query_len - 1] = (uint8_t) class;
        ask_send(a, false);
        assert_int_equal(rcode_of(a), class == 1 ? 0 : REFUSED);
    }
    ask_free(a);
}

static void an_ixfr_with_its_soa_wants_a_transfer_and_is_not_malformed(void **state)
{
    static const uint8_t soa[] = { 0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0, 0, 0, 0,
                                   1,    0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0 };
    struct ask *a = new_ask();

    (void)state;
    for (int i = 0; i < 2; i++) {
        ask_make(a, "dr.example.com", i == 0 ? 251 : A);
        memcpy(a->query + a->query_len, soa, sizeof(soa));
        a->query_len += sizeof(soa);
        a->query[9] = 1;
        ask_send(a, false);
        assert_int_equal(a->call.needs, i == 0 ? ANSWER_NEEDS_TRANSFER : 0);
        if (i == 0)
            assert_int_equal(a->out_len, 0);
        else
            assert_int_equal(rcode_of(a), FORMERR);
    }
    ask_free(a);
}

static void edns_is_answered_with_edns(void **state)
{
    struct ask *a = new_ask();

    (void)state;
    ask_make(a, HOST, A);
    ask_add_opt(a, 4096, 0, false);
    ask_send(a, false);
    assert_string_equal(ask_text(a), "NOERROR aa edns" HOST_A);
    assert_memory_equal(a->out + a->out_len - 11, "\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);
    ask_make(a, "none.dr.example.com", A);
    ask_add_opt(a, 512, 0, true);
    ask_send(a, false);
    assert_memory_equal(a->out + a->out_len - 11, "\0\0\x29\x04\xd0\0\0\x80\0\0\0", 11);
    assert_int_equal(rcode_of(a), 3);
    ask_make(a, HOST, A);
    ask_send(a, false);
    assert_string_equal(ask_text(a), "NOERROR aa" HOST_A);
    ask_free(a);
}

static void a_newer_edns_version_is_badvers(void **state)
{
    struct ask *a = new_ask();

    (void)state;
    for (unsigned version = 1; version < 256; version += 127) {
        ask_make(a, HOST, A);
        ask_add_opt(a, 1232, version, true);
        assert_int_equal(ask_send(a, false), a->query_len);
        assert_int_equal(rcode_of(a), 0);
        assert_memory_equal(a->out + 4, "\0\1\0\0\0\0\0\1", 8);
        assert_memory_equal(a->out + a->out_len - 11, "\0\0\x29\x04\xd0\1\0\x80\0\0\0", 11);
    }
    assert_int_equal(a->counts[COUNTER_BADVERS], 3);
    ask_free(a);
}

/* Adds bytes behind the OPT record as its rdata. */
static void add_options(struct ask *a, const char *bytes, size_t n)
{
    a->query[a->query_len - 1] = (uint8_t)n;
    memcpy(a->query + a->query_len, bytes, n);
    a->query_len += n;
}

static void options_are_passed_over_if_they_are_well_formed(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        unsigned rcode;
    } cases[] = {
        { "\0\x0a\0\x08"
          "12345678",
          12, 0 },                            /* a cookie */
        { "\0\x0d\0\0", 4, 0 },               /* CHAIN */
        { "\xff\xff\0\1x\0\3\0\0", 9, 0 },    /* an unknown one, then NSID */
        { "\0\x08\0\5\0\1\0\0", 8, FORMERR }, /* shorter than it says */
        { "\0\x0a\0", 3, FORMERR },
        { "\0\3\0\0x", 5, FORMERR },
    };
    struct ask *a = new_ask();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_make(a, HOST, A);
        ask_add_opt(a, 1232, 0, false);
        add_options(a, cases[i].bytes, cases[i].n);
        ask_send(a, false);
        assert_int_equal(rcode_of(a), cases[i].rcode);
    }
    ask_free(a);
}

static void malformed_messages_are_formerr(void **state)
{
    struct ask *a = new_ask();

    (void)state;
    /* two OPT records */
    ask_make(a, HOST, A);
    ask_add_opt(a, 1232, 0, false);
    ask_add_opt(a, 1232, 0, false);
    ask_send(a, false);
    assert_int_equal(rcode_of(a), FORMERR);
    /* an OPT record that is not the root's */
    ask_make(a, HOST, A);
    memcpy(a->query + a->query_len, "\1x", 2);
    a->query_len += 2;
    ask_add_opt(a, 1232, 0, false);
    ask_send(a, false);
    assert_int_equal(rcode_of(a), FORMERR);
    /* bytes behind the last record */
    ask_make(a, HOST, A);
    a->query_len++;
    ask_send(a, false);
    assert_int_equal(rcode_of(a), FORMERR);
    /* records that are announced and missing, in each section */
    for (unsigned at = 7; at <= 11; at += 2) {
        ask_make(a, HOST, A);
        a->query[at] = 1;
        ask_send(a, false);
        assert_int_equal(rcode_of(a), FORMERR);
    }
    /* compression in the question */
    ask_make(a, HOST, A);
    a->query[12] = 0xc0;
    assert_int_equal(ask_send(a, false), 12);
    assert_int_equal(rcode_of(a), FORMERR);
    /* a question cut anywhere */
    ask_make(a, HOST, A);
    for (size_t n = a->query_len; a->query_len > 12; n--) {
        a->query_len = n - 1;
        assert_int_equal(ask_send(a, false), 12);
        assert_int_equal(rcode_of(a), FORMERR);
    }
    ask_free(a);
}

static void other_additional_records_are_passed_over(void **state)
{
    static const uint8_t record[] = { 0, 0, 249, 0, 255, 0, 0, 0, 0, 0, 2, 1, 2 };
    struct ask *a = new_ask();

    (void)state;
    ask_make(a, HOST, A);
    memcpy(a->query + a->query_len, record, sizeof(record));
    a->query_len += sizeof(record);
    a->query[11] = 1;
    ask_add_opt(a, 1232, 0, false);
    ask_send(a, false);
    assert_string_equal(ask_text(a), "NOERROR aa edns" HOST_A);
    ask_free(a);
}

static void names_are_at_most_255_bytes_long(void **state)
{
    /* 14 x 16, 15, 3, 8, 4, 1: 255 */
    struct ask_name name = ask_name("aaaaaaaaaaaaaaa.", 14, "aaaaaaaaaaaaaa.dr.example.com");
    struct ask *a = new_ask();

    (void)state;
    ask_make(a, name.text, A);
    assert_int_equal(a->query_len, 12 + 255 + 4);
    ask_send(a, false);
    assert_int_equal(rcode_of(a), 3);
    name = ask_name("aaaaaaaaaaaaaaa.", 14, "aaaaaaaaaaaaaaa.dr.example.com");
    ask_make(a, name.text, A);
    ask_send(a, false);
    assert_int_equal(rcode_of(a), FORMERR);
    ask_free(a);
}

static void what_does_not_fit_is_truncated(void **state)
{
    static const struct {
        const char *name;
        unsigned type, payload; /* 0: without EDNS */
        bool is_tcp, is_truncated;
    } cases[] = {
        { "big.dr.example.com", TXT, 0, false, true },
        { "big.dr.example.com", TXT, 0, true, false },
        { "big.dr.example.com", TXT, 512, false, true },
        { "big.dr.example.com", TXT, 100, false, true },
        { "big.dr.example.com", TXT, 900, false, false },
        { "big.dr.example.com", TXT, 4096, false, false },
        { "huge.dr.example.com", TXT, 65535, false, true }, /* never above 1232 */
        { "huge.dr.example.com", TXT, 512, true, false },
        { "www.fat.dr.example.com", A, 4096, false, true }, /* glue is not left out (RFC 9471) */
        { "www.fat.dr.example.com", A, 4096, true, false },
    };
    struct ask *a = new_ask();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_make(a, cases[i].name, cases[i].type);
        if (cases[i].payload != 0)
            ask_add_opt(a, cases[i].payload, 0, false);
        ask_send(a, cases[i].is_tcp);
        assert_int_equal((a->out[2] & 2) != 0, cases[i].is_truncated);
        if (cases[i].is_truncated) {
            assert_int_equal(a->out_len, a->query_len);
            assert_memory_equal(a->out + 6, "\0\0\0\0\0", 5);
        } else {
            assert_true(a->out_len > 512);
        }
    }
    assert_int_equal(a->counts[COUNTER_TRUNCATED], 5);
    ask_free(a);
}

/* The boundary itself: an answer of exactly as many bytes as the client takes. */
static void the_last_byte_that_fits_is_used(void **state)
{
    struct ask *a = new_ask();
    size_t needed;

    (void)state;
    ask_make(a, "big.dr.example.com", TXT);
    ask_add_opt(a, 1232, 0, false);
    needed = ask_send(a, false);
    for (unsigned payload = (unsigned)needed - 1; payload <= needed; payload++) {
        ask_make(a, "big.dr.example.com", TXT);
        ask_add_opt(a, payload, 0, false);
        ask_send(a, false);
        assert_int_equal((a->out[2] & 2) == 0, payload == needed);
    }
    ask_free(a);
}

static void every_query_is_counted_once(void **state)
{
    static const struct {
        const char *name;
        unsigned type;
        enum counter what;
    } cases[] = {
        { HOST, A, COUNTER_NOERROR },
        { HOST, TXT, COUNTER_NODATA },
        { "none.dr.example.com", A, COUNTER_NXDOMAIN },
        { "www.fat.dr.example.com", A, COUNTER_REFERRAL },
        { "example.org", A, COUNTER_REFUSED },
    };
    struct ask *a = new_ask();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(a->counts, 0, sizeof(a->counts));
        ask_make(a, cases[i].name, cases[i].type);
        ask_send(a, true);
        for (unsigned c = 0; c < COUNTERS; c++)
            assert_int_equal(a->counts[c], c == COUNTER_TCP_QUERIES || c == cases[i].what);
    }
    memset(a->counts, 0, sizeof(a->counts));
    ask_set_word(a, SITE_PROD, 0, 0);
    (void)ask(a, HOST, "A");
    assert_int_equal(a->counts[COUNTER_SERVFAIL], 1);
    assert_int_equal(a->counts[COUNTER_UDP_QUERIES], 1);
    ask_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_question_comes_back_byte_for_byte),
        cmocka_unit_test(header_bits_are_copied_cleared_or_set),
        cmocka_unit_test(what_is_no_query_gets_no_answer),
        cmocka_unit_test(other_opcodes_are_not_implemented),
        cmocka_unit_test(a_query_has_one_question),
        cmocka_unit_test(types_for_questions_alone_and_other_classes_are_refused),
        cmocka_unit_test(an_ixfr_with_its_soa_wants_a_transfer_and_is_not_malformed),
        cmocka_unit_test(edns_is_answered_with_edns),
        cmocka_unit_test(a_newer_edns_version_is_badvers),
        cmocka_unit_test(options_are_passed_over_if_they_are_well_formed),
        cmocka_unit_test(malformed_messages_are_formerr),
        cmocka_unit_test(other_additional_records_are_passed_over),
        cmocka_unit_test(names_are_at_most_255_bytes_long),
        cmocka_unit_test(what_does_not_fit_is_truncated),
        cmocka_unit_test(the_last_byte_that_fits_is_used),
        cmocka_unit_test(every_query_is_counted_once),
    };

    return cmocka_run_group_tests_name("answer_message", tests, NULL, NULL);
}
