/* tests/support/instance.h -- a supervisor with a fake judge and the real face, on a free port of
 * 127.0.0.1, and a client for it.  All functions fail the test if they cannot do what they say. */
#ifndef TESTS_SUPPORT_INSTANCE_H
#define TESTS_SUPPORT_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/tempdir.h"

#define INSTANCE_REPLY_BYTES 512
#define INSTANCE_QUERY_BYTES 64
#define INSTANCE_WAIT_MS 10000 /* for what must happen, on a machine under load */

#define INSTANCE_JUDGE_UID 64101 /* of the users that instance_start_as_users makes */
#define INSTANCE_FACE_UID 64102
#define INSTANCE_SUPERVISOR_VERB "run"
#define INSTANCE_CHECK_VERB "rehearse-upgrade"
#define INSTANCE_NO_USERS 77 /* exit code: this machine lets nobody make them */

struct instance {
    struct tempdir dir;
    pid_t supervisor;
    uint16_t port;
    char control[256];
};

/* The supervisor of an instance once more, after an upgrade.  argv: program,
 * INSTANCE_SUPERVISOR_VERB, control socket, port, the fake judge's last word.  An upgrade executes
 * the file "bin/dnsflip" of the instance's directory, which is asked INSTANCE_CHECK_VERB with the
 * control socket. */
int instance_supervisor_main(char **argv);

/* how: the fake judge's last word.  With "serve", returns when it answers. */
void instance_start(struct instance *in, const char *how);

/* As instance_start with "serve", but with the users dnsflip and dnsflip-face, which only this
 * instance sees.  False if that cannot be had; then it has ended. */
bool instance_start_as_users(struct instance *in);

/* As instance_start_as_users, but the supervisor is the user dnsflip, with what it needs as ambient
 * capabilities. */
bool instance_start_as_service(struct instance *in);

/* Sends SIGTERM unless the supervisor has ended; returns its exit code. */
int instance_stop(struct instance *in);

/* Only waits for its end; returns its exit code. */
int instance_await_end(struct instance *in);

/* Says one line to the fake judge: its answer, "" if there is none. */
void instance_say(const struct instance *in, const char *line, char reply[INSTANCE_REPLY_BYTES]);

/* The number behind "key=" in the fake judge's state; waits for a judge that answers. */
uint64_t instance_state(const struct instance *in, const char *key);

/* The pid of the face that runs now, 0 if none does. */
pid_t instance_face(const struct instance *in);

/* A query for the A record of nI.flip.test with this id; returns its length. */
size_t instance_query(uint8_t out[INSTANCE_QUERY_BYTES], uint16_t id, unsigned i);

/* The cluster (1, 2) that an answer to it names; 0 if it is not a right answer. */
int instance_cluster(const uint8_t *answer, size_t len, uint16_t id);

/* Asks by UDP once: the cluster, 0 for a wrong answer, -1 for none within wait_ms. */
int instance_ask(const struct instance *in, unsigned i, int wait_ms);

/* A TCP connection; source: the address it comes from, NULL = any. */
int instance_connect(const struct instance *in, const char *source);

/* Reads one framed answer: its length, 0 at the end of the stream, -1 for none within wait_ms. */
int instance_read(int fd, uint8_t *out, size_t cap, int wait_ms);

#endif
