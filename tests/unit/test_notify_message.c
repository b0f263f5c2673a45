/* tests/unit/test_notify_message.c -- a NOTIFY, and which answers to it are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/providers/notify_message.h"

#define NOW_S 1800000000
#define REFUSED 5
#define NOTAUTH 9

static const struct transfer_key key = { .name = "dnsflip.key",
                                         .algorithm = TRANSFER_HMAC_SHA256,
                                         .len = 16,
                                         .secret = "0123456789abcdef" };
static struct notify_message notify;
static char detail[NOTIFY_DETAIL_BYTES];

/* An answer as a secondary would make it, signed with its key unless that is NULL. */
struct answer {
    uint8_t bytes[1024];
    size_t len;
};

static struct answer answer_with(uint8_t rcode, const struct transfer_key *with, uint64_t now_s)
{
    struct secrets_key wire_key;
    struct tsig tsig = { .key = &wire_key, .mac_len = notify.mac_len };
    struct answer a = { .len = notify.question_len };

    memcpy(a.bytes, notify.bytes, a.len);
    a.bytes[2] |= 0x80;
    a.bytes[3] = rcode;
    a.bytes[11] = 0; /* no signature yet */
    if (with == NULL)
        return a;
    assert_true(secrets_key_make(with, &wire_key));
    memcpy(tsig.mac, notify.mac, sizeof(tsig.mac));
    a.len = tsig_sign(&tsig, a.bytes, a.len, now_s);
    return a;
}

/* From an exact copy on the heap, so that a read past the end is seen by the sanitizer. */
static enum notify_verdict read_answer(const struct answer *a, const struct transfer_key *with)
{
    uint8_t *copy = mem_array(a->len + 1, 1);
    enum notify_verdict verdict;

    copy = mem_resize(copy, a->len, 1);
    memcpy(copy, a->bytes, a->len);
    verdict = notify_read(&notify, with, copy, a->len, NOW_S + 1, detail);
    mem_free(copy);
    return verdict;
}

static void test_without_a_key_the_plain_answer_counts(void **state)
{
    (void)state;
    notify_make(&notify, "dr.example.com", 7, NULL, NOW_S);
    assert_int_equal(notify.len, notify.question_len);
    struct answer a = answer_with(0, NULL, NOW_S);
    assert_int_equal(read_answer(&a, NULL), NOTIFY_TAKEN);
    a = answer_with(REFUSED, NULL, NOW_S);
    assert_int_equal(read_answer(&a, NULL), NOTIFY_REFUSED);
    assert_non_null(strstr(detail, "REFUSED"));
    a.bytes[0] ^= 1;
    assert_int_equal(read_answer(&a, NULL), NOTIFY_NOT_OURS);
}

static void test_with_a_key_only_its_signature_over_our_own_is_believed(void **state)
{
    struct transfer_key other = key;

    (void)state;
    other.secret[0] ^= 1;
    notify_make(&notify, "dr.example.com", 7, &key, NOW_S);
    assert_true(notify.len > notify.question_len);
    struct answer a = answer_with(0, &key, NOW_S);
    assert_int_equal(read_answer(&a, &key), NOTIFY_TAKEN);
    a.bytes[3] = REFUSED; /* changed on the way */
    assert_int_equal(read_answer(&a, &key), NOTIFY_UNTRUSTED);
    a = answer_with(0, &other, NOW_S);
    assert_int_equal(read_answer(&a, &key), NOTIFY_UNTRUSTED);
    a = answer_with(0, NULL, NOW_S);
    assert_int_equal(read_answer(&a, &key), NOTIFY_UNTRUSTED);
    a = answer_with(0, &key, NOW_S - 1000);
    assert_int_equal(read_answer(&a, &key), NOTIFY_UNTRUSTED);
    a = answer_with(REFUSED, &key, NOW_S);
    assert_int_equal(read_answer(&a, &key), NOTIFY_REFUSED);
}

static void test_an_answer_under_another_keys_name_is_not_believed(void **state)
{
    struct transfer_key other = key;

    (void)state;
    other.name[0] = 'x';
    notify_make(&notify, "dr.example.com", 7, &key, NOW_S);
    struct answer a = answer_with(0, &other, NOW_S);
    assert_int_equal(read_answer(&a, &key), NOTIFY_UNTRUSTED);
}

static void test_an_answer_to_an_earlier_notify_is_not_believed(void **state)
{
    (void)state;
    notify_make(&notify, "dr.example.com", 7, &key, NOW_S - 60);
    struct answer a = answer_with(0, &key, NOW_S);
    notify_make(&notify, "dr.example.com", 7, &key, NOW_S);
    assert_int_equal(read_answer(&a, &key), NOTIFY_UNTRUSTED);
}

static void test_the_reason_of_a_refused_signature_is_told(void **state)
{
    struct secrets_key wire_key;
    struct tsig tsig = { .key = NULL };
    struct tsig_record record;

    (void)state;
    notify_make(&notify, "dr.example.com", 7, &key, NOW_S);
    assert_true(secrets_key_make(&key, &wire_key));
    assert_int_equal(tsig_find(notify.bytes, notify.len, &record), TSIG_FOUND);
    struct answer a = answer_with(NOTAUTH, NULL, NOW_S);
    a.len = tsig_refuse(&tsig, TSIG_BADKEY, &record, a.bytes, a.len, NOW_S);
    assert_int_equal(read_answer(&a, &key), NOTIFY_UNTRUSTED);
    assert_non_null(strstr(detail, "NOTAUTH, BADKEY"));
}

static void test_an_answer_cut_anywhere_is_not_believed(void **state)
{
    (void)state;
    notify_make(&notify, "dr.example.com", 7, &key, NOW_S);
    struct answer a = answer_with(0, &key, NOW_S);
    for (size_t len = a.len; len-- > 1;) {
        a.len = len;
        assert_in_range(read_answer(&a, &key) == NOTIFY_TAKEN, 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_key_the_plain_answer_counts),
        cmocka_unit_test(test_with_a_key_only_its_signature_over_our_own_is_believed),
        cmocka_unit_test(test_an_answer_under_another_keys_name_is_not_believed),
        cmocka_unit_test(test_an_answer_to_an_earlier_notify_is_not_believed),
        cmocka_unit_test(test_the_reason_of_a_refused_signature_is_told),
        cmocka_unit_test(test_an_answer_cut_anywhere_is_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
