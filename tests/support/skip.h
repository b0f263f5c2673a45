/* tests/support/skip.h -- a test that lacks a privilege or a peer says so and is counted. */
#ifndef TESTS_SUPPORT_SKIP_H
#define TESTS_SUPPORT_SKIP_H

#include <stdio.h>

/* cmocka's skip() carries no reason: tests/run.py takes it from this line.  Leaves the test. */
#define SKIP_BECAUSE(...)                                                                          \
    do {                                                                                           \
        (void)printf("SKIP: " __VA_ARGS__);                                                        \
        (void)printf("\n");                                                                        \
        (void)fflush(stdout);                                                                      \
        skip();                                                                                    \
    } while (0)

#endif
