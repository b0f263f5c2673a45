/* tests/support/tempdir.h -- a directory of its own for each test that touches files. */
#ifndef TESTS_SUPPORT_TEMPDIR_H
#define TESTS_SUPPORT_TEMPDIR_H

#include <limits.h>

struct tempdir {
    char path[PATH_MAX];
};

/* Makes an empty directory below $TMPDIR or /tmp; fails the test if it cannot. */
void tempdir_init(struct tempdir *dir);

/* Removes it and everything in it. */
void tempdir_fini(struct tempdir *dir);

/* dir/name, in a buffer that the next call overwrites. */
const char *tempdir_path(const struct tempdir *dir, const char *name);

#endif
