/* tests/support/aws_server.h -- runs tests/integration/aws_server.py for a C test. */
#ifndef TESTS_SUPPORT_AWS_SERVER_H
#define TESTS_SUPPORT_AWS_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/tempdir.h"

#define AWS_SERVER_PORTS_MAX 8

struct aws_server {
    struct tempdir dir; /* "trusted.pem": what the certificate of "tls" is to be checked by */
    pid_t pid;
    int to_fd, from_fd; /* its standard input, which ends it, and output */
    struct {
        char name[16];
        uint16_t port;
    } ports[AWS_SERVER_PORTS_MAX];
    size_t n_ports;
};

struct CMUnitTest;

/* Runs n tests with the services beside them; without a Python for them all of it is one test that
 * is skipped.  What cmocka_run_group_tests returns. */
int aws_server_run(struct aws_server *s, const struct CMUnitTest *tests, size_t n);

/* The port of the service of that name; nobody listens on that of "closed". */
uint16_t aws_server_port(const struct aws_server *s, const char *name);

#endif
