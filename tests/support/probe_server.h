/* tests/support/probe_server.h -- runs tests/integration/probe_server.py for a C test, with a loop
 * and the means of probes beside it. */
#ifndef TESTS_SUPPORT_PROBE_SERVER_H
#define TESTS_SUPPORT_PROBE_SERVER_H

#include <stdint.h>
#include <sys/types.h>

#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "tests/support/tempdir.h"

struct probe_server {
    struct tempdir dir; /* certificates; "trusted.pem" is the authority */
    pid_t pid;
    int to_fd;   /* its standard input: it ends when this closes */
    int from_fd; /* its standard output */
    struct {
        char name[32];
        uint16_t port;
    } ports[16];
    size_t n_ports;
    struct loop *loop;
    struct io io;
};

/* Fail the test if they cannot. */
void probe_server_start(struct probe_server *s);
void probe_server_stop(struct probe_server *s);

/* The port of the server of that name. */
uint16_t probe_server_port(const struct probe_server *s, const char *name);

/* A port of 127.0.0.1 on which nobody listens. */
uint16_t probe_server_closed_port(void);

#endif
