/* tests/support/next_program.h -- what an upgrade finds: a test program, copied to "bin" of an
 * instance's directory, is the next dnsflip, and under that name a dnsflip-face that is not quite
 * right. */
#ifndef TESTS_SUPPORT_NEXT_PROGRAM_H
#define TESTS_SUPPORT_NEXT_PROGRAM_H

#include "tests/support/instance.h"

/* how: of a face that "dies" at its start, or "refuses" the first pair that it gets and is the real
 * one from then on; NULL = the real one. */
void next_install(const struct instance *in, const char *how);

/* A file in "bin"; the buffer is that of tempdir_path. */
const char *next_path(const struct instance *in, const char *name);

/* Writes word to it.  "say": what the next dnsflip says when it is asked whether it can take over,
 * or "nothing", for ever. */
void next_write(const struct instance *in, const char *name, const char *word);

/* The mains of both: of "dnsflip-face", and for INSTANCE_CHECK_VERB. */
int next_face_main(int argc, char **argv);
int next_check_main(void);

#endif
