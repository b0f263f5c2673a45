/* tests/unit/test_dns_wire.c -- questions as written, answers of strangers as read. */
#include "dnsflip/io/dns_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"

#define MESSAGE_MAX 1024

/* A message under construction. */
struct message {
    uint8_t question[DNS_WIRE_QUESTION_MAX];
    size_t question_bytes;
    uint8_t bytes[MESSAGE_MAX];
    size_t n;
};

static void put(struct message *m, const void *bytes, size_t n)
{
    assert_in_range(m->n + n, 0, sizeof m->bytes);
    memcpy(m->bytes + m->n, bytes, n);
    m->n += n;
}

/* An answer to name A with counts of records; the records follow. */
static void begin(struct message *m, const char *name, uint8_t answers, uint8_t authorities)
{
    *m = (struct message){ 0 };
    m->question_bytes = dns_wire_question(name, DNS_TYPE_A, 0x1234, false, m->question);
    assert_int_not_equal(m->question_bytes, 0);
    put(m, m->question, m->question_bytes);
    m->bytes[2] = 0x84; /* QR, AA */
    m->bytes[7] = answers;
    m->bytes[9] = authorities;
}

static enum dns_wire_verdict read_answer(const struct message *m, struct dns_answer *out)
{
    /* An exact copy on the heap, so that a read past the end is seen by the sanitizer. */
    uint8_t *copy = mem_zalloc(m->n + 1);
    copy = mem_resize(copy, m->n > 0 ? m->n : 1, 1);
    memcpy(copy, m->bytes, m->n);
    enum dns_wire_verdict verdict =
        dns_wire_answer(copy, m->n, m->question, m->question_bytes, out);
    mem_free(copy);
    return verdict;
}

#define TO_QUESTION "\xc0\x0c"
#define IN "\x00\x01"
#define TTL(s) "\x00\x00\x00" s

static const char a_record[] = TO_QUESTION "\x00\x01" IN TTL("\x1e") "\x00\x04\xc0\x00\x02\x01";
static const char aaaa_record[] =
    TO_QUESTION "\x00\x1c" IN TTL("\x0a") "\x00\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01";
static const char cname_record[] = TO_QUESTION "\x00\x05" IN TTL("\x3c") "\x00\x05\x02LB\xc0\x0e";
static const char soa_record[] =
    "\x00\x00\x06" IN TTL("\x05") "\x00\x18\x00\x01h\x00"
                                  "\x65\x00\x00\x07" TTL("\1") TTL("\1") TTL("\1") TTL("\1");

static void a_question_is_written_with_its_name_and_type(void **state)
{
    (void)state;
    uint8_t out[DNS_WIRE_QUESTION_MAX];
    static const uint8_t want[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02"
                                  "ab\x01.\x01"
                                  "c\x00\x00\x1c\x00\x01";
    size_t n = dns_wire_question("ab.\\046.c", DNS_TYPE_AAAA, 0x1234, true, out);
    assert_int_equal(n, sizeof want - 1);
    assert_memory_equal(out, want, n);
}

static void what_is_no_name_makes_no_question(void **state)
{
    (void)state;
    uint8_t out[DNS_WIRE_QUESTION_MAX];
    char label64[66];
    memset(label64, 'x', 64);
    label64[64] = '\0';
    char long_name[400] = "";
    for (int i = 0; i < 43; i++)
        memcpy(long_name + (size_t)i * 6, "abcde.", 7);
    const char *bad[] = { "a..b", ".a", "a\\", "a\\25", "a\\256", label64, long_name };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(dns_wire_question(bad[i], 1, 1, false, out), 0);
    assert_int_equal(dns_wire_question("", 1, 1, false, out), 17);
    label64[63] = '\0';
    assert_int_not_equal(dns_wire_question(label64, 1, 1, false, out), 0);
}

static void addresses_alias_serial_and_least_ttl_are_read(void **state)
{
    (void)state;
    struct message m;
    struct dns_answer answer;
    begin(&m, "a.Example", 3, 1);
    put(&m, cname_record, sizeof cname_record - 1);
    put(&m, a_record, sizeof a_record - 1);
    put(&m, aaaa_record, sizeof aaaa_record - 1);
    put(&m, soa_record, sizeof soa_record - 1);
    assert_int_equal(read_answer(&m, &answer), DNS_WIRE_ANSWER);
    assert_int_equal(answer.status, DNS_ASK_ANSWERED);
    assert_true(answer.authoritative);
    assert_int_equal(answer.n_ips, 2);
    assert_int_equal(answer.ips[0].family, 4);
    assert_memory_equal(answer.ips[0].bytes, "\xc0\x00\x02\x01", 4);
    assert_int_equal(answer.ips[1].family, 6);
    assert_string_equal(answer.cname, "lb.example");
    assert_int_equal(answer.ttl_s, 10);
    assert_true(answer.has_serial);
    assert_int_equal(answer.serial, 0x65000007);
}

static void the_question_is_compared_without_case(void **state)
{
    (void)state;
    struct message m;
    struct dns_answer answer;
    begin(&m, "a.example", 0, 0);
    m.bytes[15] = 'E';
    assert_int_equal(read_answer(&m, &answer), DNS_WIRE_ANSWER);
    m.bytes[15] = 'f';
    assert_int_equal(read_answer(&m, &answer), DNS_WIRE_NOT_OURS);
}

static void what_is_no_answer_to_the_question_is_not_ours(void **state)
{
    (void)state;
    struct message m;
    struct dns_answer answer;
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = { { 0, 9 }, { 1, 9 }, { 2, 0x04 }, { 2, 0xa0 }, { 5, 0 }, { 5, 2 }, { 24, 28 } };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        begin(&m, "a.example", 0, 0);
        m.bytes[changes[i].at] = changes[i].value;
        assert_int_equal(read_answer(&m, &answer), DNS_WIRE_NOT_OURS);
    }
    begin(&m, "a.example", 0, 0);
    m.n = 11;
    assert_int_equal(read_answer(&m, &answer), DNS_WIRE_NOT_OURS);
}

static void a_refusal_may_leave_the_question_out(void **state)
{
    (void)state;
    struct message m;
    struct dns_answer answer;
    begin(&m, "a.example", 0, 0);
    m.n = 12;
    m.bytes[5] = 0;
    m.bytes[3] = 5;
    assert_int_equal(read_answer(&m, &answer), DNS_WIRE_ANSWER);
    assert_int_equal(answer.rcode, 5);
}

static void a_truncated_answer_says_so_and_no_more(void **state)
{
    (void)state;
    struct message m;
    struct dns_answer answer;
    begin(&m, "a.example", 1, 0);
    put(&m, a_record, sizeof a_record - 1);
    m.bytes[2] |= 0x02;
    assert_int_equal(read_answer(&m, &answer), DNS_WIRE_ANSWER);
    assert_true(answer.truncated);
    assert_int_equal(answer.n_ips, 0);
}

static void an_answer_that_breaks_off_or_lies_is_malformed(void **state)
{
    (void)state;
    struct message m;
    struct dns_answer answer;
    for (size_t cut = 1; cut < sizeof a_record - 1; cut++) {
        begin(&m, "a.example", 1, 0);
        put(&m, a_record, sizeof a_record - 1 - cut);
        assert_int_equal(read_answer(&m, &answer), DNS_WIRE_MALFORMED);
        assert_int_equal(answer.status, DNS_ASK_MALFORMED);
    }
    static const char to_itself[] = TO_QUESTION "\x00\x05" IN TTL("\x01") "\x00\x02\xc0\x27";
    static const char forward[] = TO_QUESTION "\x00\x05" IN TTL("\x01") "\x00\x02\xc0\xff";
    static const char a_of_5[] =
        TO_QUESTION "\x00\x01" IN TTL("\x01") "\x00\x05\x01\x02\x03\x04\x05";
    static const char junk_behind[] = TO_QUESTION "\x00\x05" IN TTL("\x01") "\x00\x03\xc0\x0c\x00";
    const struct {
        const char *bytes;
        size_t n;
    } lies[] = { { to_itself, sizeof to_itself - 1 },
                 { forward, sizeof forward - 1 },
                 { a_of_5, sizeof a_of_5 - 1 },
                 { junk_behind, sizeof junk_behind - 1 } };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        begin(&m, "a.example", 1, 0);
        put(&m, lies[i].bytes, lies[i].n);
        assert_int_equal(read_answer(&m, &answer), DNS_WIRE_MALFORMED);
    }
}

static void no_changed_byte_makes_the_reader_leave_the_message(void **state)
{
    (void)state;
    struct message whole;
    struct message m;
    struct dns_answer answer;
    unsigned seen[3] = { 0 };
    begin(&whole, "a.example", 3, 1);
    put(&whole, cname_record, sizeof cname_record - 1);
    put(&whole, a_record, sizeof a_record - 1);
    put(&whole, aaaa_record, sizeof aaaa_record - 1);
    put(&whole, soa_record, sizeof soa_record - 1);
    for (size_t at = 0; at < whole.n; at++) {
        for (unsigned value = 0; value < 256; value++) {
            m = whole;
            m.bytes[at] = (uint8_t)value;
            seen[read_answer(&m, &answer)]++;
        }
    }
    for (size_t n = 0; n < whole.n; n++) {
        m = whole;
        m.n = n;
        seen[read_answer(&m, &answer)]++;
    }
    assert_int_not_equal(seen[DNS_WIRE_ANSWER], 0);
    assert_int_not_equal(seen[DNS_WIRE_NOT_OURS], 0);
    assert_int_not_equal(seen[DNS_WIRE_MALFORMED], 0);
}

static void test_a_notify_and_its_answer(void **state)
{
    uint8_t notify[DNS_WIRE_QUESTION_MAX], answer[DNS_WIRE_QUESTION_MAX];
    size_t n = dns_wire_notify("dr.example.com", 0x1234, notify);
    uint8_t rcode = 0;

    (void)state;
    assert_int_equal(n, 12 + 16 + 4);
    assert_memory_equal(notify,
                        "\x12\x34\x24\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02"
                        "dr",
                        15);
    assert_false(dns_wire_is_notified(notify, n, notify, n, &rcode)); /* itself is no answer */
    memcpy(answer, notify, n);
    answer[2] |= 0x80;
    assert_true(dns_wire_is_notified(answer, n, notify, n, &rcode));
    assert_int_equal(rcode, DNS_RCODE_NOERROR);
    answer[14] = 'R'; /* the case of a name says nothing */
    assert_true(dns_wire_is_notified(answer, n, notify, n, &rcode));
    answer[14] = 'x';
    assert_false(dns_wire_is_notified(answer, n, notify, n, &rcode));
    answer[14] = 'r';
    assert_false(dns_wire_is_notified(answer, n - 1, notify, n, &rcode));
    answer[1] ^= 1; /* another id */
    assert_false(dns_wire_is_notified(answer, n, notify, n, &rcode));
    answer[1] ^= 1;
    answer[2] = 0x84; /* a query's answer */
    assert_false(dns_wire_is_notified(answer, n, notify, n, &rcode));
}

static void test_a_refusal_of_notify_may_leave_the_question_out(void **state)
{
    uint8_t notify[DNS_WIRE_QUESTION_MAX], answer[12];
    size_t n = dns_wire_notify("dr.example.com", 7, notify);
    uint8_t rcode = 0;

    (void)state;
    memcpy(answer, notify, sizeof answer);
    answer[2] |= 0x80;
    answer[5] = 0;
    assert_false(dns_wire_is_notified(answer, sizeof answer, notify, n, &rcode));
    answer[3] = 9;
    assert_true(dns_wire_is_notified(answer, sizeof answer, notify, n, &rcode));
    assert_int_equal(rcode, 9);
}

static void test_every_rcode_has_a_word(void **state)
{
    char text[DNS_RCODE_TEXT_BYTES];

    (void)state;
    assert_string_equal(dns_rcode_text(5, text), "REFUSED");
    assert_string_equal(dns_rcode_text(9, text), "NOTAUTH");
    assert_string_equal(dns_rcode_text(15, text), "RCODE 15");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_written_with_its_name_and_type),
        cmocka_unit_test(what_is_no_name_makes_no_question),
        cmocka_unit_test(addresses_alias_serial_and_least_ttl_are_read),
        cmocka_unit_test(the_question_is_compared_without_case),
        cmocka_unit_test(what_is_no_answer_to_the_question_is_not_ours),
        cmocka_unit_test(a_refusal_may_leave_the_question_out),
        cmocka_unit_test(a_truncated_answer_says_so_and_no_more),
        cmocka_unit_test(an_answer_that_breaks_off_or_lies_is_malformed),
        cmocka_unit_test(no_changed_byte_makes_the_reader_leave_the_message),
        cmocka_unit_test(test_a_notify_and_its_answer),
        cmocka_unit_test(test_a_refusal_of_notify_may_leave_the_question_out),
        cmocka_unit_test(test_every_rcode_has_a_word),
    };
    return cmocka_run_group_tests_name("dns_wire", tests, NULL, NULL);
}
