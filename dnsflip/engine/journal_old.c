#include "dnsflip/engine/journal_old.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/ledger_head.h"

#define HEAD_BYTES_MAX (256UL * 1024 * 1024) /* 65,536 requests and as many groups fit */
#define OLD_MAX 100000                       /* files that are looked at */

/* ---- which files there are ------------------------------------------------------------------ */

struct old_files {
    uint64_t *first; /* owned; ascending */
    size_t n;
};

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* The number in the name of an old file; 0 = it is not one. */
static uint64_t number_of(const char *name)
{
    char again[JOURNAL_OLD_BYTES];
    uint64_t number = strtoull(str_starts(name, "journal-") ? name + 8 : "", NULL, 10);

    (void)str_format(again, sizeof(again), JOURNAL_OLD_FORMAT, (unsigned long long)number);
    return strcmp(again, name) == 0 ? number : 0;
}

static int old_path(char out[static PATH_BYTES], const char *dir, uint64_t first, struct err *err)
{
    char name[JOURNAL_OLD_BYTES];

    (void)str_format(name, sizeof(name), JOURNAL_OLD_FORMAT, (unsigned long long)first);
    return journal_file_path(out, dir, name, err);
}

/* The number of the old name that the file at hand may have already, if a crash cut a rotation
 * short; 0 = it has none. */
static uint64_t second_name(const char *dir, const struct old_files *files,
                            const struct stat *current)
{
    for (size_t i = files->n; i > 0; i--) {
        char old[PATH_BYTES];
        struct err ignored;
        struct stat st;

        if (old_path(old, dir, files->first[i - 1], &ignored) == 0 && stat(old, &st) == 0 &&
            st.st_dev == current->st_dev && st.st_ino == current->st_ino)
            return files->first[i - 1];
    }
    return 0;
}

/* Those before the file that current tells of. */
static int list(const char *dir, const struct stat *current, struct old_files *out, struct err *err)
{
    DIR *d = opendir(dir);

    *out = (struct old_files){ 0 };
    if (d == NULL)
        return err_sys(err, errno, "cannot read directory %s", dir);
    out->first = mem_array(OLD_MAX, sizeof(*out->first));
    for (const struct dirent *entry; out->n < OLD_MAX && (entry = readdir(d)) != NULL;) {
        uint64_t number = number_of(entry->d_name);

        if (number != 0)
            out->first[out->n++] = number;
    }
    closedir(d);
    qsort(out->first, out->n, sizeof(*out->first), by_number);
    uint64_t second = second_name(dir, out, current);
    /* What has come later than the file at hand is none of its forerunners either. */
    while (second != 0 && out->n > 0 && out->first[out->n - 1] >= second)
        out->n--;
    return 0;
}

/* ---- reading all of them -------------------------------------------------------------------- */

static int read_old(const char *dir, const struct old_files *files, journal_visit *visit, void *arg,
                    struct journal_tail *tail, uint64_t *bytes, struct err *err)
{
    for (size_t i = 0; i < files->n; i++) {
        struct journal_tail after = *tail;
        char path[PATH_BYTES];
        uint64_t torn_bytes;

        if (old_path(path, dir, files->first[i], err) != 0)
            return -1;
        int fd = journal_file_open(path, false, err);
        if (fd < 0)
            return -1;
        int rc =
            journal_file_read(fd, path, i > 0 ? &after : NULL, visit, arg, tail, &torn_bytes, err);
        close(fd);
        if (rc != 0)
            return -1;
        if (torn_bytes > 0)
            return err_set(err, ERR_REMOTE,
                           "%s: its last line is torn, though another file follows", path);
        *bytes += tail->bytes;
    }
    return 0;
}

/* The file at hand is open first: whatever is rotated meanwhile, it is the end of a chain. */
static int read_chain(const char *dir, const char *path, int fd, journal_visit *visit, void *arg,
                      struct journal_summary *out, struct err *err)
{
    struct journal_tail before = { 0 };
    struct journal_tail tail;
    struct old_files files;
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_sys(err, errno, "cannot look at %s", path);
    if (list(dir, &st, &files, err) != 0)
        return -1;
    int rc = read_old(dir, &files, visit, arg, &before, &out->bytes, err);
    if (rc == 0)
        rc = journal_file_read(fd, path, files.n > 0 ? &before : NULL, visit, arg, &tail,
                               &out->torn_bytes, err);
    out->files = files.n + 1;
    mem_free(files.first);
    if (rc != 0)
        return -1;
    out->bytes += tail.bytes;
    memcpy(out->hash, tail.hash, sizeof(out->hash));
    return 0;
}

static int read_all(const char *dir, journal_visit *visit, void *arg, struct journal_summary *out,
                    struct err *err)
{
    char path[PATH_BYTES];

    if (journal_file_path(path, dir, JOURNAL_FILE, err) != 0)
        return -1;
    int fd = journal_file_open(path, false, err);
    if (fd < 0)
        return -1;
    int rc = read_chain(dir, path, fd, visit, arg, out, err);
    close(fd);
    return rc;
}

int journal_read_all(const char *state_dir, journal_visit *visit, void *arg, struct err *err)
{
    struct journal_summary ignored = { 0 };

    return read_all(state_dir, visit, arg, &ignored, err);
}

static int note(void *arg, const struct journal_entry *entry, struct err *err)
{
    struct journal_summary *out = arg;

    (void)err;
    out->entries++;
    if (out->first.ms == 0) {
        out->first = entry->time;
        out->first_seq = entry->seq;
    }
    out->last = entry->time;
    out->last_seq = entry->seq;
    return 0;
}

int journal_verify(const char *state_dir, struct journal_summary *out, struct err *err)
{
    *out = (struct journal_summary){ 0 };
    return read_all(state_dir, note, out, out, err);
}

/* ---- a new file ----------------------------------------------------------------------------- */

struct head {
    struct buf lines;
    struct journal_tail tail;
};

static int take_line(void *arg, struct journal_entry *entry, struct err *err)
{
    struct head *h = arg;
    char hash[JOURNAL_HASH_BYTES];

    entry->seq = h->tail.seq + 1;
    if (journal_encode(entry, h->tail.hash, &h->lines, hash, err) != 0)
        return -1;
    h->tail.seq++;
    memcpy(h->tail.hash, hash, sizeof(hash));
    return 0;
}

/* The name that the file gets, to begin with, is a second one: at no moment there is no journal. */
static int name_old(const char *path, const char *dir, uint64_t first, struct err *err)
{
    char old[PATH_BYTES];
    struct stat a, b;

    if (old_path(old, dir, first, err) != 0)
        return -1;
    if (link(path, old) != 0) {
        int link_errno = errno;

        if (link_errno != EEXIST || stat(path, &a) != 0 || stat(old, &b) != 0 ||
            a.st_dev != b.st_dev || a.st_ino != b.st_ino)
            return err_sys(err, link_errno, "cannot give %s the name %s", path, old);
    }
    /* Before its first name is taken from it. */
    return fsio_sync_dir_of(old, err);
}

/* The new file, durable, under a name of its own; its descriptor. */
static int write_head(char temporary[static PATH_BYTES], const char *path, const struct buf *lines,
                      struct err *err)
{
    struct stat st;

    if (!str_format(temporary, PATH_BYTES, "%s.XXXXXX", path))
        return err_set(err, ERR_LIMIT, "%.200s...: a path has at most %d bytes", path,
                       PATH_BYTES - 8);
    int fd = mkostemp(temporary, O_CLOEXEC | O_APPEND);
    if (fd < 0)
        return err_sys(err, errno, "cannot make a file beside %s", path);
    if (fsio_write_all(fd, lines->data, lines->len, err) != 0)
        (void)err_wrap(err, "%s", temporary);
    else if (fchmod(fd, JOURNAL_FILE_MODE) != 0 || stat(path, &st) != 0 ||
             (st.st_uid != geteuid() && fchown(fd, st.st_uid, st.st_gid) != 0) || fsync(fd) != 0)
        (void)err_sys(err, errno, "cannot prepare %s", temporary);
    else
        return fd;
    close(fd);
    (void)unlink(temporary);
    return -1;
}

/* What cannot be removed now can be the next time. */
static void remove_surplus(const char *dir, int fd, uint32_t keep)
{
    struct old_files files;
    struct err ignored;
    struct stat st;
    char path[PATH_BYTES];

    if (keep == 0 || fstat(fd, &st) != 0 || list(dir, &st, &files, &ignored) != 0)
        return;
    for (size_t i = 0; i + keep < files.n; i++) {
        if (old_path(path, dir, files.first[i], &ignored) == 0)
            (void)unlink(path);
    }
    mem_free(files.first);
}

static int fill_head(struct head *h, const struct ledger *l, const struct journal_tail *tail,
                     struct err *err)
{
    char follows[JOURNAL_OLD_BYTES];

    (void)str_format(follows, sizeof(follows), JOURNAL_OLD_FORMAT, (unsigned long long)tail->first);
    h->tail = (struct journal_tail){ .seq = tail->seq, .first = tail->seq + 1 };
    memcpy(h->tail.hash, tail->hash, sizeof(tail->hash));
    if (ledger_head_write(l, follows, wall_now(), take_line, h, err) != 0)
        return -1;
    h->tail.bytes = h->tail.head_bytes = h->lines.len;
    return 0;
}

/* With the head made. */
static int begin(const char *dir, const struct head *h, uint32_t keep, int *fd,
                 struct journal_tail *tail, struct err *err)
{
    char path[PATH_BYTES], temporary[PATH_BYTES];

    if (journal_file_path(path, dir, JOURNAL_FILE, err) != 0)
        return -1;
    int fresh = write_head(temporary, path, &h->lines, err);
    if (fresh < 0)
        return -1;
    int rc = name_old(path, dir, tail->first, err);
    if (rc == 0 && rename(temporary, path) != 0)
        rc = err_sys(err, errno, "cannot rename %s to %s", temporary, path);
    if (rc != 0) {
        close(fresh);
        (void)unlink(temporary);
        return -1;
    }
    close(*fd);
    *fd = fresh;
    *tail = h->tail;
    if (fsio_sync_dir_of(path, err) != 0) {
        close(fresh);
        *fd = -1;
        return -1;
    }
    remove_surplus(dir, fresh, keep);
    return 0;
}

int journal_old_begin(const char *state_dir, const struct ledger *l, uint32_t keep, int *fd,
                      struct journal_tail *tail, struct err *err)
{
    struct head h = { 0 };

    buf_init(&h.lines, HEAD_BYTES_MAX);
    int rc = fill_head(&h, l, tail, err);
    if (rc == 0)
        rc = begin(state_dir, &h, keep, fd, tail, err);
    buf_fini(&h.lines);
    return rc;
}

void journal_old_clean(const char *state_dir)
{
    DIR *d = opendir(state_dir);
    size_t prefix = strlen(JOURNAL_FILE ".");

    if (d == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (str_starts(entry->d_name, JOURNAL_FILE ".") && strlen(entry->d_name) == prefix + 6)
            (void)unlinkat(dirfd(d), entry->d_name, 0);
    }
    closedir(d);
}

bool journal_old_exist(const char *state_dir)
{
    struct stat none = { 0 };
    struct old_files files;
    struct err ignored;

    if (list(state_dir, &none, &files, &ignored) != 0)
        return false;
    mem_free(files.first);
    return files.n > 0;
}
