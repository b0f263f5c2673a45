#include "dnsflip/engine/journal_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/journal_old.h"

#define WINDOW_BYTES (128UL * 1024) /* read at once; holds at least one whole line */
#define CREATE_BYTES_MAX (64UL * 1024 * 1024)

_Static_assert(WINDOW_BYTES / 2 > JOURNAL_LINE_MAX, "a line must fit beside the rest of another");

/* ---- reading -------------------------------------------------------------------------------- */

struct reader {
    const char *path;
    journal_visit *visit;
    void *arg;
    struct journal_tail *tail;
    bool takes_first_word; /* of the first line, for its place in the chain */
    uint64_t line;         /* number of the line at hand */
    uint64_t unended;      /* bytes of a line that had no newline in a whole window */
    bool is_unwritten;     /* and there were zeros among them */
    bool is_torn;          /* a line was: what follows was never durable either, or it is damage */
    uint64_t torn_seq;
    uint64_t torn_bytes;
    struct err torn; /* why, should something follow */
};

static int fail_at(const struct reader *r, struct err *err)
{
    return err_wrap(err, "%s:%llu", r->path, (unsigned long long)r->line);
}

/* The first line of a file that follows another one says where it stands. */
static void take_place(struct reader *r, const char *line, size_t n)
{
    struct journal_place place;

    journal_decode_place(line, n, &place);
    if (!place.is_head || place.seq < 2)
        return;
    r->tail->seq = place.seq - 1;
    memcpy(r->tail->hash, place.prev, sizeof(place.prev));
}

/* Bytes that were never written read as zeros, and no line has any. */
static bool is_unwritten(const char *line, size_t n)
{
    return memchr(line, '\0', n) != NULL;
}

/* A batch of lines becomes durable as a whole, but a power cut may keep any part of its sectors:
 * what stands behind a torn line belongs to its batch, or the torn one was durable and is damaged.
 */
static int take_torn(struct reader *r, const char *line, size_t n, bool has_end, struct err *err)
{
    struct journal_place place;

    r->torn_bytes += n + (has_end ? 1 : 0);
    if (is_unwritten(line, n))
        return 0;
    journal_decode_place(line, n, &place);
    if (place.is_whole && place.seq > r->torn_seq && place.in_batch >= place.seq - r->torn_seq)
        return 0;
    *err = r->torn;
    return fail_at(r, err);
}

static int begin_torn(struct reader *r, size_t n, bool has_end, const struct err *why)
{
    r->is_torn = true;
    r->torn_seq = r->tail->seq + 1;
    r->torn_bytes = n + (has_end ? 1 : 0);
    r->torn = *why;
    return 0;
}

/* One line of n bytes; has_end: a newline follows it. */
static int take_line(struct reader *r, const char *line, size_t n, bool has_end, struct err *err)
{
    struct err unfinished = { .code = ERR_REMOTE, .text = "has no end" };
    struct journal_entry entry;
    char hash[JOURNAL_HASH_BYTES];

    if (r->is_torn)
        return take_torn(r, line, n, has_end, err);
    if (r->line++ == 0 && r->takes_first_word)
        take_place(r, line, n);
    enum journal_line kind =
        journal_decode(line, n, r->tail->hash, r->tail->seq + 1, &entry, hash, err);
    if (kind == JOURNAL_LINE_GOOD && !has_end)
        return begin_torn(r, n, has_end, &unfinished);
    if (kind == JOURNAL_LINE_TORN || (kind == JOURNAL_LINE_BAD && is_unwritten(line, n)))
        return begin_torn(r, n, has_end, err);
    if (kind == JOURNAL_LINE_BAD)
        return fail_at(r, err);
    r->tail->bytes += n + 1;
    r->tail->seq++;
    if (r->line == 1)
        r->tail->first = r->tail->seq;
    if (entry_kind_is_head(entry.kind))
        r->tail->head_bytes = r->tail->bytes;
    memcpy(r->tail->hash, hash, sizeof(hash));
    if (r->visit != NULL && r->visit(r->arg, &entry, err) != 0)
        return fail_at(r, err);
    return 0;
}

/* More than any line may have: n bytes behind those of r->unended. */
static int take_long(struct reader *r, const char *rest, size_t n, bool has_end, struct err *err)
{
    size_t all = r->unended + n;
    bool was_written = !r->is_unwritten && !is_unwritten(rest, n);

    r->unended = 0;
    r->is_unwritten = false;
    if (!r->is_torn)
        r->line++;
    (void)err_set(err, ERR_REMOTE, "a line has at most %d bytes", JOURNAL_LINE_MAX);
    if (was_written && has_end)
        return fail_at(r, err);
    if (!r->is_torn)
        return begin_torn(r, all, has_end, err);
    r->torn_bytes += all + (has_end ? 1 : 0);
    return 0;
}

/* Takes the whole lines of window[0..len); *left = bytes of an unfinished one, moved to the front.
 */
static int take_window(struct reader *r, char *window, size_t len, size_t *left, struct err *err)
{
    size_t at = 0;

    while (at < len) {
        const char *end = memchr(window + at, '\n', len - at);

        if (end == NULL)
            break;
        size_t n = (size_t)(end - window) - at;
        int rc = r->unended > 0 || n >= JOURNAL_LINE_MAX ? take_long(r, window + at, n, true, err)
                                                         : take_line(r, window + at, n, true, err);
        if (rc != 0)
            return -1;
        at += n + 1;
    }
    *left = len - at;
    if (*left == WINDOW_BYTES) {
        /* Only its end can tell what this is. */
        r->unended += *left;
        r->is_unwritten = r->is_unwritten || is_unwritten(window, *left);
        *left = 0;
    }
    memmove(window, window + at, *left);
    return 0;
}

/* What stands behind the last newline. */
static int take_rest(struct reader *r, const char *window, size_t left, struct err *err)
{
    if (r->unended > 0 || left >= JOURNAL_LINE_MAX)
        return take_long(r, window, left, false, err);
    return left > 0 ? take_line(r, window, left, false, err) : 0;
}

static int read_windows(struct reader *r, int fd, char *window, struct err *err)
{
    size_t left = 0;

    for (;;) {
        ssize_t n = read(fd, window + left, WINDOW_BYTES - left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, errno, "cannot read %s", r->path);
        if (n == 0)
            return take_rest(r, window, left, err);
        if (take_window(r, window, left + (size_t)n, &left, err) != 0)
            return -1;
    }
}

int journal_file_read(int fd, const char *path, const struct journal_tail *after,
                      journal_visit *visit, void *arg, struct journal_tail *tail,
                      uint64_t *torn_bytes, struct err *err)
{
    struct reader r = {
        .path = path, .visit = visit, .arg = arg, .tail = tail, .takes_first_word = after == NULL
    };
    char *window = mem_array(WINDOW_BYTES, 1);

    if (after == NULL) {
        *tail = (struct journal_tail){ .hash = JOURNAL_FIRST_PREV };
    } else {
        *tail = (struct journal_tail){ .seq = after->seq };
        memcpy(tail->hash, after->hash, sizeof(tail->hash));
    }
    int rc = read_windows(&r, fd, window, err);
    mem_free(window);
    *torn_bytes = r.torn_bytes;
    return rc;
}

int journal_file_open(const char *path, bool for_append, struct err *err)
{
    int flags = O_CLOEXEC | O_NOFOLLOW | (for_append ? O_RDWR | O_APPEND : O_RDONLY);
    int fd = open(path, flags);

    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_USAGE, "there is no journal %s", path);
    return fd >= 0 ? fd : err_sys(err, errno, "cannot open journal %s", path);
}

int journal_read(const char *path, journal_visit *visit, void *arg, uint64_t *torn_bytes,
                 struct err *err)
{
    struct journal_tail tail;
    int fd = journal_file_open(path, false, err);

    if (fd < 0)
        return -1;
    int rc = journal_file_read(fd, path, NULL, visit, arg, &tail, torn_bytes, err);
    close(fd);
    return rc;
}

/* ---- lock and creation ---------------------------------------------------------------------- */

int journal_file_path(char out[static PATH_BYTES], const char *dir, const char *name,
                      struct err *err)
{
    if (str_format(out, PATH_BYTES, "%s/%s", dir, name))
        return 0;
    return err_set(err, ERR_LIMIT, "%.200s...: a path has at most %d bytes", dir, PATH_BYTES - 1);
}

int journal_file_lock(const char *state_dir, struct err *err)
{
    char path[PATH_BYTES];

    if (journal_file_path(path, state_dir, JOURNAL_LOCK, err) != 0)
        return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, JOURNAL_FILE_MODE);
    if (fd < 0 && errno == EROFS)
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        bool has_folder = errno != ENOENT;

        (void)err_sys(err, errno, "cannot open the lock %s", path);
        if (!has_folder)
            err->code = ERR_USAGE; /* nor is there a journal: the same question to the operator */
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (errno == EWOULDBLOCK)
        (void)err_set(err, ERR_CONFLICT, "another dnsflip holds %s: it runs on this state_dir",
                      path);
    else
        (void)err_sys(err, errno, "cannot lock %s", path);
    close(fd);
    return -1;
}

static int encode_all(const struct journal_entry entries[], size_t n, struct buf *out,
                      struct err *err)
{
    char prev[JOURNAL_HASH_BYTES] = JOURNAL_FIRST_PREV;

    for (size_t i = 0; i < n; i++) {
        struct journal_entry entry = entries[i];
        char hash[JOURNAL_HASH_BYTES];

        entry.seq = i + 1;
        if (journal_encode(&entry, prev, out, hash, err) != 0)
            return -1;
        memcpy(prev, hash, sizeof(prev));
    }
    return 0;
}

/* `init` is often root's, the judge that goes on writing is not. */
static int give_to_owner(const char *state_dir, const char *path, int lock, struct err *err)
{
    struct stat dir;

    if (geteuid() != 0)
        return 0;
    if (stat(state_dir, &dir) != 0)
        return err_sys(err, errno, "cannot look at %s", state_dir);
    if (chown(path, dir.st_uid, dir.st_gid) != 0 || fchown(lock, dir.st_uid, dir.st_gid) != 0)
        return err_sys(err, errno, "cannot give %s to the owner of %s", path, state_dir);
    return 0;
}

/* With the lock held. */
static int create_locked(const char *state_dir, int lock, const struct journal_entry entries[],
                         size_t n, struct err *err)
{
    char path[PATH_BYTES];
    struct stat st;
    struct buf lines;

    if (journal_file_path(path, state_dir, JOURNAL_FILE, err) != 0)
        return -1;
    if (lstat(path, &st) == 0)
        return err_set(err, ERR_CONFLICT, "there is a journal already: %s", path);
    if (journal_old_exist(state_dir))
        return err_set(err, ERR_CONFLICT,
                       "%s has older files of a journal, but not %s: put its copy back, or move "
                       "the older ones away",
                       state_dir, JOURNAL_FILE);
    buf_init(&lines, CREATE_BYTES_MAX);
    int rc = encode_all(entries, n, &lines, err);
    if (rc == 0)
        rc = fsio_replace(path, buf_text(&lines), lines.len, JOURNAL_FILE_MODE, err);
    buf_fini(&lines);
    return rc == 0 ? give_to_owner(state_dir, path, lock, err) : -1;
}

int journal_create(const char *state_dir, const struct journal_entry entries[], size_t n,
                   struct err *err)
{
    int lock = journal_file_lock(state_dir, err);

    if (lock < 0)
        return -1;
    int rc = create_locked(state_dir, lock, entries, n, err);
    close(lock);
    return rc;
}

/* ---- for the writer ------------------------------------------------------------------------- */

int journal_file_cut(int fd, const char *path, const struct journal_tail *tail, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_sys(err, errno, "cannot look at %s", path);
    if ((uint64_t)st.st_size < tail->bytes)
        return err_set(err, ERR_CONFLICT, "%s has %lld bytes, but %llu were durable: cut by whom?",
                       path, (long long)st.st_size, (unsigned long long)tail->bytes);
    if ((uint64_t)st.st_size > tail->bytes && ftruncate(fd, (off_t)tail->bytes) != 0)
        return err_sys(err, errno, "cannot cut %s at byte %llu", path,
                       (unsigned long long)tail->bytes);
    if (fsync(fd) != 0)
        return err_sys(err, errno, "cannot sync %s", path);
    return 0;
}

/* The line that ends where tail says carries tail's hash. */
static int check_last_line(int fd, const char *path, const struct journal_tail *tail,
                           struct err *err)
{
    char end[JOURNAL_HASH_BYTES + 3];
    size_t n = JOURNAL_HASH_BYTES - 1 + 3; /* HASH"}\n */

    if (tail->seq == 0)
        return 0;
    assert(tail->bytes > n);
    ssize_t got = pread(fd, end, n, (off_t)(tail->bytes - n));
    if (got < 0)
        return err_sys(err, errno, "cannot read %s", path);
    if ((size_t)got != n || memcmp(end, tail->hash, JOURNAL_HASH_BYTES - 1) != 0 ||
        memcmp(end + JOURNAL_HASH_BYTES - 1, "\"}\n", 3) != 0)
        return err_set(err, ERR_CONFLICT, "%s does not end in entry %llu at byte %llu any more",
                       path, (unsigned long long)tail->seq, (unsigned long long)tail->bytes);
    return 0;
}

int journal_file_reopen(const char *path, const struct journal_tail *tail, struct err *err)
{
    int fd = journal_file_open(path, true, err);

    if (fd < 0)
        return -1;
    if (check_last_line(fd, path, tail, err) != 0 || journal_file_cut(fd, path, tail, err) != 0 ||
        fsio_sync_dir_of(path, err) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}
