/* tests/unit/test_connect.c -- whose fault a failed connect() is. */
#include "dnsflip/io/connect.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void our_own_lack_of_means_is_inconclusive(void **state)
{
    (void)state;
    static const int ours[] = { EMFILE,        ENFILE, ENOBUFS, ENOMEM,     ENETUNREACH,  ENETDOWN,
                                EADDRNOTAVAIL, EACCES, EPERM,   EADDRINUSE, EAFNOSUPPORT, EINVAL };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        assert_int_equal(reason_code_info(connect_reason(ours[i]))->outcome, OUTCOME_INCONCLUSIVE);
}

static void what_the_far_side_or_the_way_to_it_did_is_a_failure(void **state)
{
    (void)state;
    assert_int_equal(connect_reason(ECONNREFUSED), REASON_CONNECT_REFUSED);
    assert_int_equal(connect_reason(ETIMEDOUT), REASON_CONNECT_TIMEOUT);
    assert_int_equal(connect_reason(EHOSTUNREACH), REASON_CONNECT_FAILED);
    assert_int_equal(connect_reason(ECONNRESET), REASON_CONNECT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_lack_of_means_is_inconclusive),
        cmocka_unit_test(what_the_far_side_or_the_way_to_it_did_is_a_failure),
    };
    return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
