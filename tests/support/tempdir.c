/* tests/support/tempdir.c -- see tempdir.h. */
#include "tests/support/tempdir.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define OPEN_DIRS_MAX 16

void tempdir_init(struct tempdir *dir)
{
    const char *base = getenv("TMPDIR");

    (void)snprintf(dir->path, sizeof(dir->path), "%s/dnsflip-test.XXXXXX",
                   base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(dir->path));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void tempdir_fini(struct tempdir *dir)
{
    assert_int_equal(nftw(dir->path, remove_one, OPEN_DIRS_MAX, FTW_DEPTH | FTW_PHYS), 0);
}

const char *tempdir_path(const struct tempdir *dir, const char *name)
{
    static char path[PATH_MAX];

    assert_true(snprintf(path, sizeof(path), "%s/%s", dir->path, name) < (int)sizeof(path));
    return path;
}
