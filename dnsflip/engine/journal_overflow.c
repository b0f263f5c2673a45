#include "dnsflip/engine/journal_overflow.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"

struct reading {
    const char *path;
    struct wall initialised;
    journal_visit *visit; /* NULL = only checked */
    void *arg;
};

static int on_line(void *arg, const struct journal_entry *entry, struct err *err)
{
    const struct reading *r = arg;

    if (entry->kind == ENTRY_OVERFLOW && entry->initialised.ms != r->initialised.ms)
        return err_set(err, ERR_CONFLICT,
                       "it belongs to another journal than the one in state_dir: see which "
                       "instance made it, then move it away");
    if ((entry->kind == ENTRY_OVERFLOW) != (entry->seq == 1))
        return err_set(err, ERR_REMOTE, "%s where none belongs", entry_kind_name(entry->kind));
    return entry->seq > 1 && r->visit != NULL ? r->visit(r->arg, entry, err) : 0;
}

static int read_fd(int fd, struct reading *r, struct journal_tail *tail, struct err *err)
{
    uint64_t torn_bytes;

    return journal_file_read(fd, r->path, NULL, on_line, r, tail, &torn_bytes, err);
}

/* The file's first line, durable, as its directory entry is. */
static int write_first(int fd, const char *path, struct wall initialised, struct journal_tail *tail,
                       struct err *err)
{
    struct journal_entry first = {
        .seq = 1, .time = wall_now(), .kind = ENTRY_OVERFLOW, .initialised = initialised
    };
    struct buf line;

    buf_init(&line, JOURNAL_LINE_MAX);
    int rc = journal_encode(&first, tail->hash, &line, tail->hash, err);
    if (rc == 0)
        rc = fsio_write_all(fd, line.data, line.len, err);
    if (rc == 0 && fsync(fd) != 0)
        rc = err_sys(err, errno, "cannot sync %s", path);
    if (rc == 0)
        rc = fsio_sync_dir_of(path, err);
    tail->bytes = line.len;
    tail->seq = tail->first = 1;
    buf_fini(&line);
    return rc;
}

/* Others may have a right to the folder: what they put there is not ours to believe. */
static int check_owner(int fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_sys(err, errno, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
        return err_set(err, ERR_CONFLICT,
                       "%s is no file of uid %u, as which dnsflip runs: see who made it, then move "
                       "it away",
                       path, (unsigned)geteuid());
    return 0;
}

static int prepare(int fd, const char *path, struct wall initialised, struct journal_tail *tail,
                   struct err *err)
{
    struct reading r = { .path = path, .initialised = initialised };

    if (check_owner(fd, path, err) != 0 || read_fd(fd, &r, tail, err) != 0 ||
        journal_file_cut(fd, path, tail, err) != 0)
        return -1;
    return tail->seq == 0 ? write_first(fd, path, initialised, tail, err) : 0;
}

int journal_overflow_open(const char *path, struct wall initialised, struct journal_tail *tail,
                          struct err *err)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, JOURNAL_FILE_MODE);

    if (fd < 0)
        return err_sys(err, errno, "cannot open %s", path);
    if (prepare(fd, path, initialised, tail, err) == 0)
        return fd;
    close(fd);
    return -1;
}

int journal_overflow_read(const char *path, struct wall initialised, journal_visit *visit,
                          void *arg, struct err *err)
{
    struct reading r = { .path = path, .initialised = initialised, .visit = visit, .arg = arg };
    struct journal_tail tail;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return err_sys(err, errno, "cannot open %s", path);
    int rc = check_owner(fd, path, err);
    if (rc == 0)
        rc = read_fd(fd, &r, &tail, err);
    close(fd);
    return rc;
}

int journal_overflow_remove(const char *path, struct err *err)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return err_sys(err, errno, "cannot remove %s", path);
    return fsio_sync_dir_of(path, err);
}
