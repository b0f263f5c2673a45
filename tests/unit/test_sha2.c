/* tests/unit/test_sha2.c -- SHA-2 and HMAC against the published vectors (FIPS 180-4 examples, RFC
 * 4231). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/dns/hmac.h"

#define MILLION 1000000

static const struct {
    const char *text;
    const char *digests[3];
} examples[] = {
    { "",
      { "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fb"
        "d51ad2f14898b95b",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0"
        "ff8318d2877eec2f63b931bd47417a81a538327af927da3e" } },
    { "abc",
      { "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc23"
        "58baeca134c825a7",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a8"
        "36ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" } },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      { "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        "3391fdddfc8dc7393707a65b1b4709397cf8b1d162af05abfe8f450de5f36bc6b0455a8520bc4e6f"
        "5fe95b1fe3c8452b",
        "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c33596fd15c13b1b07f9"
        "aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445" } },
    { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
      "lmnopqrsmnopqrstnopqrstu",
      { "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db9"
        "66c3e9fa91746039",
        "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4"
        "331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909" } },
};

static const char *const millions[] = {
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4eb"
    "ae97ddd87f3d8985",
    "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a"
    "4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
};

static void expect_hex(const uint8_t *bytes, size_t n, const char *hex)
{
    char text[2 * SHA2_BYTES_MAX + 1];

    str_hex(bytes, n, text);
    assert_string_equal(text, hex);
}

static void the_published_examples_have_the_published_digests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        for (int kind = SHA2_256; kind <= SHA2_512; kind++) {
            uint8_t digest[SHA2_BYTES_MAX];
            struct sha2 s;

            sha2_init(&s, (enum sha2_kind)kind);
            sha2_add(&s, examples[i].text, strlen(examples[i].text));
            expect_hex(digest, sha2_end(&s, digest), examples[i].digests[kind]);
        }
    }
}

static void a_million_letters_in_pieces_of_every_size(void **state)
{
    static char letters[MILLION];

    (void)state;
    memset(letters, 'a', sizeof(letters));
    for (int kind = SHA2_256; kind <= SHA2_512; kind++) {
        uint8_t digest[SHA2_BYTES_MAX];
        struct sha2 s;
        size_t piece = 0;

        sha2_init(&s, (enum sha2_kind)kind);
        for (size_t at = 0; at < MILLION;) {
            size_t n = piece++ % 301;

            n = n < MILLION - at ? n : MILLION - at;
            sha2_add(&s, letters + at, n);
            at += n;
        }
        expect_hex(digest, sha2_end(&s, digest), millions[kind]);
    }
}

static void the_state_is_wiped_at_the_end(void **state)
{
    static const struct sha2 zero;
    uint8_t digest[SHA2_BYTES_MAX];
    struct sha2 s;

    (void)state;
    sha2_init(&s, SHA2_256);
    sha2_add(&s, "secret", 6);
    (void)sha2_end(&s, digest);
    assert_memory_equal(&s, &zero, sizeof(s));
}

/* RFC 4231, test cases 1 to 4, 6 and 7: keys and data are one byte again and again, or text. */
static const struct {
    const char *key, *data;
    size_t key_len, data_len; /* 0 = the text as it stands */
    const char *codes[3];
} cases[] = {
    { "\x0b",
      "Hi There",
      20,
      0,
      { "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f"
        "4af152e8b2fa9cb6",
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702"
        "038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" } },
    { "Jefe",
      "what do ya want for nothing?",
      0,
      0,
      { "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c7"
        "8b3239ecfab21649",
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a"
        "6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" } },
    { "\xaa",
      "\xdd",
      20,
      50,
      { "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b9"
        "4e3ab6e101a34f27",
        "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c8"
        "06b485a47e67c807b946a337bee8942674278859e13292fb" } },
    { "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31",
      "\xcd",
      0,
      50,
      { "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679"
        "ccf8a386c674cffb",
        "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4"
        "d679275cc5788063a5f19741120c4f2de2adebeb10a298dd" } },
    { "\xaa",
      "Test Using Larger Than Block-Size Key - Hash Key First",
      131,
      0,
      { "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe82"
        "96248df163f44952",
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598"
        "bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" } },
    { "\xaa",
      "This is a test using a larger than block-size key and a larger than block-size data. "
      "The key needs to be hashed before being used by the HMAC algorithm.",
      131,
      0,
      { "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d"
        "3860e6110c46523e",
        "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b1"
        "0d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58" } },
};

static size_t spread(const char *text, size_t n, char out[static 256])
{
    if (n == 0) {
        n = strlen(text);
        memcpy(out, text, n);
    } else {
        memset(out, text[0], n);
    }
    return n;
}

static void the_published_cases_have_the_published_codes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char key[256], data[256];
        size_t key_len = spread(cases[i].key, cases[i].key_len, key);
        size_t data_len = spread(cases[i].data, cases[i].data_len, data);

        for (int kind = SHA2_256; kind <= SHA2_512; kind++) {
            uint8_t code[SHA2_BYTES_MAX];
            struct hmac h;

            hmac_init(&h, (enum sha2_kind)kind, key, key_len);
            hmac_add(&h, data, data_len);
            expect_hex(code, hmac_end(&h, code), cases[i].codes[kind]);
        }
    }
}

static void equal_is_equal_in_every_byte(void **state)
{
    uint8_t a[SHA2_BYTES_MAX] = { 1, 2, 3 };
    uint8_t b[SHA2_BYTES_MAX] = { 1, 2, 3 };

    (void)state;
    assert_true(hmac_equal(a, b, sizeof(a)));
    for (size_t i = 0; i < sizeof(a) * 8; i++) {
        b[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(hmac_equal(a, b, sizeof(a)));
        b[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_true(hmac_equal(a, b, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_examples_have_the_published_digests),
        cmocka_unit_test(a_million_letters_in_pieces_of_every_size),
        cmocka_unit_test(the_state_is_wiped_at_the_end),
        cmocka_unit_test(the_published_cases_have_the_published_codes),
        cmocka_unit_test(equal_is_equal_in_every_byte),
    };

    return cmocka_run_group_tests_name("sha2", tests, NULL, NULL);
}
