/* tests/unit/test_siphash.c -- SipHash-2-4 against the vectors of its authors: key 00 01 .. 0f,
 * input 00 01 .. of each length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsflip/dns/siphash.h"

static void values_are_those_of_the_reference(void **state)
{
    static const struct {
        size_t n;
        uint64_t value;
    } cases[] = {
        { 0, UINT64_C(0x726fdb47dd0e0e31) },  { 1, UINT64_C(0x74f839c593dc67fd) },
        { 2, UINT64_C(0x0d6c8009d9a94f5a) },  { 3, UINT64_C(0x85676696d7fb7e2d) },
        { 4, UINT64_C(0xcf2794e0277187b7) },  { 5, UINT64_C(0x18765564cd99a68d) },
        { 6, UINT64_C(0xcbc9466e58fee3ce) },  { 7, UINT64_C(0xab0200f58b01d137) },
        { 8, UINT64_C(0x93f5f5799a932462) },  { 15, UINT64_C(0xa129ca6149be45e5) },
        { 63, UINT64_C(0x958a324ceb064572) },
    };
    uint8_t key[SIPHASH_KEY_BYTES];
    uint8_t bytes[64];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(siphash(key, bytes, cases[i].n), cases[i].value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_reference),
    };

    return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
