/* tests/fuzz/fds.h -- descriptors on the simulated loop (tests/sim/fake_loop.c): io/loop.h's
 * loop_fd_* that turn when told, and a client whose other end is a server under test. */
#ifndef TESTS_FUZZ_FDS_H
#define TESTS_FUZZ_FDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/buf.h"

struct loop;

/* Calls back for every watched descriptor that is ready, then fires what is due, until nothing
 * happens any more. */
void fds_settle(struct loop *loop);

/* A listening socket, made once and kept; only this process can reach it. */
int fds_listener(void);

/* A connection to fds_listener; -1 is never returned. */
int fds_connect(void);

/* Sends as much as is taken.  False if the other end has gone. */
bool fds_send(int fd, const uint8_t *bytes, size_t n);

/* Appends what has come.  False at the end of the stream. */
bool fds_receive(int fd, struct buf *out);

#endif
