/* tests/support/aws_server.h -- runs tests/integration/aws_server.py for a C test. */
#ifndef TESTS_SUPPORT_AWS_SERVER_H
#define TESTS_SUPPORT_AWS_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define AWS_SERVER_PYTHON "build/venv/bin/python"
#define AWS_SERVER_PORTS_MAX 8

struct aws_server {
    pid_t pid;          /* 0: there is no AWS_SERVER_PYTHON */
    int to_fd, from_fd; /* its standard input, which ends it, and output */
    struct {
        char name[16];
        uint16_t port;
    } ports[AWS_SERVER_PORTS_MAX];
    size_t n_ports;
};

/* Fail the test if they cannot. */
void aws_server_start(struct aws_server *s);
void aws_server_stop(struct aws_server *s);

/* The port of the service of that name; nobody listens on that of "closed". */
uint16_t aws_server_port(const struct aws_server *s, const char *name);

#endif
