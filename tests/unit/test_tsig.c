/* tests/unit/test_tsig.c -- signatures against those of another implementation, and what is wrong
 * with bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/dns/tsig.h"

#define NOW UINT64_C(1700000000)
#define MESSAGE_BYTES 1024
#define ID 0x1234

/* Made by dnspython: a query for SOA of dr.example.test, and an answer without records in two
 * messages a second later; key.example, whose secret is 0, 1 .. 31. */
static const struct {
    enum transfer_algorithm algorithm;
    const char *messages[3];
} vectors[] = {
    { TRANSFER_HMAC_SHA256,
      { "123400000001000000000001026472076578616d706c6504746573740000060001034b65"
        "79074578616d706c650000fa00ff00000000003d0b686d61632d73686132353600000065"
        "53f100012c0020ba8332f4a9b7ca913f55969f739fb4c7bb240f183138e52728d590efbb"
        "e87497123400000000",
        "123480000001000000000001026472076578616d706c6504746573740000060001034b65"
        "79074578616d706c650000fa00ff00000000003d0b686d61632d73686132353600000065"
        "53f101012c00203aa1391a2d06c14109e917b4d78d0323fb354ec642c12af420d6e1c1b9"
        "271feb123400000000",
        "123480000001000000000001026472076578616d706c6504746573740000060001034b65"
        "79074578616d706c650000fa00ff00000000003d0b686d61632d73686132353600000065"
        "53f101012c0020faa08be2ce153ca7137b8e4afd329d235a1777b8036f0039a779a5d5a5"
        "e064c7123400000000" } },
    { TRANSFER_HMAC_SHA384,
      { "123400000001000000000001026472076578616d706c6504746573740000060001034b65"
        "79074578616d706c650000fa00ff00000000004d0b686d61632d73686133383400000065"
        "53f100012c0030fd73c821d30dddae0238b7fa1bddb5668f3143837a0ea390fdfa89df02"
        "f45565449117c40f5f270345bbaba796761f0c123400000000",
        "123480000001000000000001026472076578616d706c6504746573740000060001034b65"
        "79074578616d706c650000fa00ff00000000004d0b686d61632d73686133383400000065"
        "53f101012c00306005c5529168d486462684fe9033ecb1f58620d7b1e660a965a38a5d1f"
        "8d352c371d93df91130ec99188eb84b845c4be123400000000",
        "123480000001000000000001026472076578616d706c6504746573740000060001034b65"
        "79074578616d706c650000fa00ff00000000004d0b686d61632d73686133383400000065"
        "53f101012c0030757d75de490e3807d7bafed22476fca8dbfef788c06174aaf4715db7d2"
        "aac0872b8ef3de15a0ca53910f37ec4740aa87123400000000" } },
    { TRANSFER_HMAC_SHA512,
      { "123400000001000000000001026472076578616d706c6504746573740000060001034b65"
        "79074578616d706c650000fa00ff00000000005d0b686d61632d73686135313200000065"
        "53f100012c0040fc3a473e94c11b450f90c8406523105b5c8ec366c5828bb53c3c384ad5"
        "a3d0004850d29bc57a862bfd9002f1ea2ccd4e7e225ea0b03a327e51dc1a4f641c53f312"
        "3400000000",
        "123480000001000000000001026472076578616d706c6504746573740000060001034b65"
        "79074578616d706c650000fa00ff00000000005d0b686d61632d73686135313200000065"
        "53f101012c004089700a81e39c06dc26c0c74ab59f999bfeb3c99c7d4691ee190e35b6a7"
        "de4226825d0711c020ab09bfcfff2073e883cf54e818b9ce08511e10fe22317102c36612"
        "3400000000",
        "123480000001000000000001026472076578616d706c6504746573740000060001034b65"
        "79074578616d706c650000fa00ff00000000005d0b686d61632d73686135313200000065"
        "53f101012c0040a2e0eee3ffdfdab3a7eb0033458953ca01aabc727894369c3f373b5535"
        "408274f23301b9d7824bdf687b6283cbadebb4ffae275e8751d3cda24ad4be6fa0f43612"
        "3400000000" } },
};

static size_t from_hex(const char *hex, uint8_t out[static MESSAGE_BYTES])
{
    size_t n = strlen(hex) / 2;

    for (size_t i = 0; i < n; i++) {
        char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

static struct secrets_key key_of(enum transfer_algorithm algorithm)
{
    struct secrets_key key = {
        .name_len = 13, .algorithm = (uint8_t)algorithm, .len = 32, .name = "\3key\7example"
    };

    for (uint8_t i = 0; i < 32; i++)
        key.secret[i] = i;
    return key;
}

static void an_exchange_signed_by_another_implementation_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct secrets_key key = key_of(vectors[i].algorithm);
        struct tsig t = { .key = &key };

        for (size_t k = 0; k < 3; k++) {
            uint8_t message[MESSAGE_BYTES];
            size_t len = from_hex(vectors[i].messages[k], message);
            struct tsig_record record;

            assert_int_equal(tsig_find(message, len, &record), TSIG_FOUND);
            assert_int_equal(record.name_len, 13);
            assert_memory_equal(record.name, key.name, 13);
            assert_int_equal(tsig_check(&t, message, &record, NOW), TSIG_NOERROR);
            t.is_later = k == 1; /* between the two messages of the answer */
        }
    }
}

static void an_exchange_is_signed_as_by_another_implementation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct secrets_key key = key_of(vectors[i].algorithm);
        struct tsig t = { .key = &key };

        for (size_t k = 0; k < 3; k++) {
            uint8_t expected[MESSAGE_BYTES], message[MESSAGE_BYTES];
            size_t len = from_hex(vectors[i].messages[k], expected);
            struct tsig_record record;

            assert_int_equal(tsig_find(expected, len, &record), TSIG_FOUND);
            memcpy(expected + record.at, key.name, key.name_len); /* it keeps upper case */
            memcpy(message, expected, record.at);
            message[11]--;
            t.is_later = k == 2;
            assert_int_equal(tsig_sign(&t, message, record.at, NOW + (k > 0)), len);
            assert_memory_equal(message, expected, len);
        }
    }
}

/* A signed query, to be made bad. */
struct query {
    struct secrets_key key;
    uint8_t bytes[MESSAGE_BYTES];
    size_t len;
    struct tsig_record record;
};

static struct query *good(void)
{
    static struct query q;

    q.key = key_of(TRANSFER_HMAC_SHA256);
    q.len = from_hex(vectors[0].messages[0], q.bytes);
    assert_int_equal(tsig_find(q.bytes, q.len, &q.record), TSIG_FOUND);
    return &q;
}

static enum tsig_error check(struct query *q, uint64_t now_s)
{
    struct tsig t = { .key = &q->key };
    enum tsig_found found = tsig_find(q->bytes, q->len, &q->record);

    assert_int_equal(found, TSIG_FOUND);
    return tsig_check(&t, q->bytes, &q->record, now_s);
}

static void an_unknown_key_or_another_algorithm_is_a_bad_key(void **state)
{
    struct query *q = good();
    struct tsig none = { .key = NULL };

    (void)state;
    assert_int_equal(tsig_check(&none, q->bytes, &q->record, NOW), TSIG_BADKEY);
    q->key.algorithm = TRANSFER_HMAC_SHA384;
    assert_int_equal(check(q, NOW), TSIG_BADKEY);
}

static void any_changed_byte_is_a_bad_signature(void **state)
{
    struct query *q = good();

    (void)state;
    q->key.secret[31] ^= 1;
    assert_int_equal(check(q, NOW), TSIG_BADSIG);
    for (size_t i = 2; i < q->record.at; i++) {
        if (i >= 4 && i < 13)
            continue; /* counts and the length of a label: another message altogether */
        q = good();
        q->bytes[i] ^= 0x20;
        if (tsig_find(q->bytes, q->len, &q->record) == TSIG_FOUND)
            assert_int_equal(check(q, NOW), TSIG_BADSIG);
    }
    for (size_t i = 0; i < 32; i++) {
        q = good();
        q->bytes[q->record.mac - q->bytes + (ptrdiff_t)i] ^= 1;
        assert_int_equal(check(q, NOW), TSIG_BADSIG);
    }
    q = good();
    q->bytes[q->record.mac - q->bytes - 9] ^= 1; /* of the time, within the fudge */
    assert_int_equal(check(q, NOW), TSIG_BADSIG);
}

static void a_message_forwarded_under_another_id_is_still_good(void **state)
{
    struct query *q = good();

    (void)state;
    q->bytes[0] ^= 0xff;
    assert_int_equal(check(q, NOW), TSIG_NOERROR);
}

static void a_clock_off_by_more_than_the_fudge_is_a_bad_time(void **state)
{
    struct query *q = good();

    (void)state;
    assert_int_equal(check(q, NOW + TSIG_FUDGE_S), TSIG_NOERROR);
    assert_int_equal(check(q, NOW - TSIG_FUDGE_S), TSIG_NOERROR);
    assert_int_equal(check(q, NOW + TSIG_FUDGE_S + 1), TSIG_BADTIME);
    assert_int_equal(check(q, NOW - TSIG_FUDGE_S - 1), TSIG_BADTIME);
    q->key.secret[0] ^= 1;
    assert_int_equal(check(q, 0), TSIG_BADSIG); /* told first, not to help guessing */
}

/* Cuts the code of the query to n bytes. */
static void cut_code(struct query *q, size_t n)
{
    uint8_t *code = q->bytes + (q->record.mac - q->bytes);
    size_t rdata = 13 + 10 + n + 6;

    memmove(code + n, code + 32, q->len - (size_t)(code + 32 - q->bytes));
    code[-1] = (uint8_t)n;
    q->len -= 32 - n;
    q->bytes[q->record.at + 13 + 9] = (uint8_t)rdata;
}

static void a_code_that_was_cut_is_told_from_a_wrong_one(void **state)
{
    struct query *q = good();

    (void)state;
    cut_code(q, 16);
    assert_int_equal(check(q, NOW), TSIG_BADTRUNC);
    q = good();
    cut_code(q, 15);
    assert_int_equal(check(q, NOW), TSIG_BADSIG);
    q = good();
    cut_code(q, 0);
    assert_int_equal(check(q, NOW), TSIG_BADSIG);
}

static void only_the_last_record_signs_and_only_once(void **state)
{
    struct query *q = good();
    struct tsig_record record;
    size_t n = q->len - q->record.at;

    (void)state;
    memcpy(q->bytes + q->len, q->bytes + q->record.at, n);
    q->bytes[11] = 2;
    assert_int_equal(tsig_find(q->bytes, q->len + n, &record), TSIG_MALFORMED);
    q = good();
    q->bytes[7] = 1; /* an answer record, of all things */
    q->bytes[11] = 0;
    assert_int_equal(tsig_find(q->bytes, q->len, &record), TSIG_MALFORMED);
    q = good();
    q->bytes[q->record.at + 13 + 3] = 1; /* class IN */
    assert_int_equal(tsig_find(q->bytes, q->len, &record), TSIG_MALFORMED);
    q = good();
    q->bytes[11] = 0;
    assert_int_equal(tsig_find(q->bytes, q->record.at, &record), TSIG_NONE);
}

static void no_cut_or_changed_message_is_read_past_its_end(void **state)
{
    struct query *q = good();
    struct tsig_record record;
    size_t whole = q->len;

    (void)state;
    for (size_t len = 0; len < whole; len++) {
        uint8_t *copy = malloc(len + 1); /* of its own, for the sanitizer to watch */

        assert_non_null(copy);
        memcpy(copy, q->bytes, len);
        assert_int_equal(tsig_find(copy, len, &record), TSIG_MALFORMED);
        free(copy);
    }
    for (size_t i = 0; i < whole; i++) {
        for (unsigned v = 0; v < 256; v++) {
            uint8_t *copy = malloc(whole);

            assert_non_null(copy);
            memcpy(copy, q->bytes, whole);
            copy[i] = (uint8_t)v;
            if (tsig_find(copy, whole, &record) == TSIG_FOUND) {
                struct tsig t = { .key = &q->key };

                (void)tsig_check(&t, copy, &record, NOW);
            }
            free(copy);
        }
    }
}

static void refusals_say_why_and_two_of_them_are_signed(void **state)
{
    static const enum tsig_error errors[] = { TSIG_BADKEY, TSIG_BADSIG, TSIG_BADTIME,
                                              TSIG_BADTRUNC };
    struct query *q = good();

    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct tsig server = { .key = &q->key };
        struct tsig client = { .key = &q->key };
        uint8_t answer[MESSAGE_BYTES];
        struct tsig_record said;

        assert_int_equal(tsig_check(&server, q->bytes, &q->record, NOW), TSIG_NOERROR);
        client = server;
        memcpy(answer, q->bytes, q->record.at);
        answer[11] = 0;
        size_t len = tsig_refuse(&server, errors[i], &q->record, answer, q->record.at, NOW + 1000);
        assert_int_equal(tsig_find(answer, len, &said), TSIG_FOUND);
        assert_int_equal(said.error, errors[i]);
        assert_int_equal(said.original_id, ID);
        assert_memory_equal(said.name, q->key.name, 13);
        assert_int_equal(said.time_s, NOW); /* the client's own */
        if (errors[i] == TSIG_BADKEY || errors[i] == TSIG_BADSIG) {
            assert_int_equal(said.mac_len, 0);
            continue;
        }
        assert_int_equal(said.other_len, errors[i] == TSIG_BADTIME ? 6 : 0);
        assert_int_equal(said.other_s, errors[i] == TSIG_BADTIME ? NOW + 1000 : 0);
        assert_int_equal(tsig_check(&client, answer, &said, NOW), TSIG_NOERROR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exchange_signed_by_another_implementation_is_accepted),
        cmocka_unit_test(an_exchange_is_signed_as_by_another_implementation),
        cmocka_unit_test(an_unknown_key_or_another_algorithm_is_a_bad_key),
        cmocka_unit_test(any_changed_byte_is_a_bad_signature),
        cmocka_unit_test(a_message_forwarded_under_another_id_is_still_good),
        cmocka_unit_test(a_clock_off_by_more_than_the_fudge_is_a_bad_time),
        cmocka_unit_test(a_code_that_was_cut_is_told_from_a_wrong_one),
        cmocka_unit_test(only_the_last_record_signs_and_only_once),
        cmocka_unit_test(no_cut_or_changed_message_is_read_past_its_end),
        cmocka_unit_test(refusals_say_why_and_two_of_them_are_signed),
    };

    return cmocka_run_group_tests_name("tsig", tests, NULL, NULL);
}
