#include "dnsflip/kept_view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/str.h"

#define MAGIC "FLIP_KV1"
#define MAGIC_BYTES 8
#define SHA256_BYTES 32
#define PATH_CAP (PATH_BYTES + 16)
#define CHUNK_BYTES (1UL << 20)

/* The file: this, the settings, the view.  A later format keeps magic and format where they are. */
struct header {
    char magic[MAGIC_BYTES];
    uint32_t format;
    uint32_t serial;
    uint64_t settings_len;
    uint64_t view_len;
    char digest[SETTINGS_DIGEST_BYTES + 7]; /* a NUL and zeros behind it */
    uint8_t sum[SHA256_BYTES]; /* SHA-256 of all the file, these bytes taken as zeros */
};
_Static_assert(sizeof(struct header) % sizeof(uint64_t) == 0, "no padding");

/* ---- SHA-256 ---------------------------------------------------------------------------------*/

/* SHA-256 of bytes at hand fails only without memory. */
static int sum_of(const struct header *header, const void *settings, const void *view,
                  uint8_t out[static SHA256_BYTES], struct err *err)
{
    struct header blank = *header;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    memset(blank.sum, 0, sizeof(blank.sum));
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(ctx, &blank, sizeof(blank)) == 1 &&
              EVP_DigestUpdate(ctx, settings, header->settings_len) == 1 &&
              EVP_DigestUpdate(ctx, view, header->view_len) == 1 &&
              EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok ? 0 : err_set(err, ERR_LIMIT, "no memory for a checksum");
}

static int path_of(const char *state_dir, const char *end, char out[static PATH_CAP],
                   struct err *err)
{
    if (!str_format(out, PATH_CAP, "%s/%s%s", state_dir, KEPT_VIEW_FILE, end))
        return err_set(err, ERR_LIMIT, "%.200s...: a path has at most %d bytes", state_dir,
                       PATH_BYTES);
    return 0;
}

/* ---- reading ---------------------------------------------------------------------------------*/

static int check_header(const struct header *h, size_t len, struct err *err)
{
    if (len < sizeof(*h) || memcmp(h->magic, MAGIC, MAGIC_BYTES) != 0)
        return err_set(err, ERR_REMOTE, "not a kept view");
    if (h->format != KEPT_VIEW_FORMAT)
        return err_set(err, ERR_CONFLICT,
                       "has format %u, this dnsflip knows %d: another version wrote it", h->format,
                       KEPT_VIEW_FORMAT);
    if (h->settings_len > KEPT_VIEW_BYTES_MAX || h->view_len > KEPT_VIEW_BYTES_MAX ||
        sizeof(*h) + h->settings_len + h->view_len != len)
        return err_set(err, ERR_REMOTE, "cut off: it is %zu bytes long", len);
    if (memchr(h->digest, '\0', SETTINGS_DIGEST_BYTES) == NULL)
        return err_set(err, ERR_REMOTE, "damaged: its digest has no end");
    return 0;
}

static int check(struct kept_view *k, struct err *err)
{
    const struct header *h = k->map;
    uint8_t sum[SHA256_BYTES];

    if (check_header(h, k->map_len, err) < 0)
        return -1;
    k->settings = (const char *)k->map + sizeof(*h);
    k->settings_len = h->settings_len;
    k->view = k->settings + h->settings_len;
    k->view_len = h->view_len;
    k->serial = h->serial;
    str_copy(k->digest, sizeof(k->digest), h->digest);
    if (sum_of(h, k->settings, k->view, sum, err) < 0)
        return -1;
    if (memcmp(sum, h->sum, sizeof(sum)) != 0)
        return err_set(err, ERR_REMOTE, "damaged: its checksum is another");
    return 0;
}

/* A copy in memory: a disk that fails later must not end the process by a signal. */
static int copy_in(int fd, struct kept_view *out, struct err *err)
{
    struct stat st;
    unsigned char *p;

    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot be looked at");
    if (st.st_size < (off_t)sizeof(struct header) || st.st_size > (off_t)KEPT_VIEW_BYTES_MAX)
        return err_set(err, ERR_REMOTE, "no kept view is %lld bytes long", (long long)st.st_size);
    p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return err_sys(err, errno, "cannot be mapped");
    out->map = p;
    out->map_len = (size_t)st.st_size;
    for (size_t at = 0; at < out->map_len;) {
        ssize_t n = read(fd, p + at, out->map_len - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, errno, "cannot be read");
        if (n == 0)
            return err_set(err, ERR_REMOTE, "it became shorter while it was read");
        at += (size_t)n;
    }
    return 0;
}

int kept_view_read(const char *state_dir, struct kept_view *out, struct err *err)
{
    char path[PATH_CAP];
    int fd, result;

    *out = (struct kept_view){ .map = NULL };
    if (path_of(state_dir, "", path, err) < 0)
        return -1;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_USAGE, "%s does not exist", path);
    if (fd < 0)
        return err_sys(err, errno, "%s cannot be opened", path);
    result = copy_in(fd, out, err);
    if (result == 0)
        result = check(out, err);
    close(fd);
    if (result < 0) {
        kept_view_fini(out);
        return err_wrap(err, "%s", path);
    }
    return 0;
}

void kept_view_fini(struct kept_view *k)
{
    if (k->map != NULL)
        munmap(k->map, k->map_len);
    *k = (struct kept_view){ .map = NULL };
}

/* ---- writing ---------------------------------------------------------------------------------*/

void kept_view_new_fini(struct kept_view_new *k)
{
    buf_fini(&k->settings);
    if (k->view_fd >= 0)
        close(k->view_fd);
    k->view_fd = -1;
}

static int write_parts(int fd, const struct header *h, const struct kept_view_new *k,
                       const unsigned char *view, struct err *err)
{
    if (fsio_write_all(fd, h, sizeof(*h), err) < 0 ||
        fsio_write_all(fd, k->settings.data, k->settings.len, err) < 0)
        return -1;
    for (size_t at = 0; at < h->view_len; at += CHUNK_BYTES) {
        size_t left = h->view_len - at;

        if (fsio_write_all(fd, view + at, left < CHUNK_BYTES ? left : CHUNK_BYTES, err) < 0)
            return -1;
    }
    if (fsync(fd) < 0)
        return err_sys(err, errno, "cannot sync");
    return 0;
}

static int write_file(int fd, const struct kept_view_new *k, struct err *err)
{
    struct header h = { .format = KEPT_VIEW_FORMAT,
                        .serial = k->serial,
                        .settings_len = k->settings.len };
    struct stat st;
    void *view;
    int result;

    memcpy(h.magic, MAGIC, MAGIC_BYTES);
    str_copy(h.digest, SETTINGS_DIGEST_BYTES, k->digest);
    if (fstat(k->view_fd, &st) < 0)
        return err_sys(err, errno, "cannot look at the view");
    h.view_len = (uint64_t)st.st_size;
    view = mmap(NULL, h.view_len, PROT_READ, MAP_SHARED, k->view_fd, 0);
    if (view == MAP_FAILED)
        return err_sys(err, errno, "cannot map the view");
    result = sum_of(&h, k->settings.data, view, h.sum, err);
    if (result == 0)
        result = write_parts(fd, &h, k, view, err);
    munmap(view, h.view_len);
    return result;
}

int kept_view_write(const char *state_dir, const struct kept_view_new *k, struct err *err)
{
    char path[PATH_CAP], beside[PATH_CAP];
    int fd, result;

    if (path_of(state_dir, "", path, err) < 0 || path_of(state_dir, ".new", beside, err) < 0)
        return -1;
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(err, errno, "cannot write %s", beside);
    result = write_file(fd, k, err);
    close(fd);
    if (result < 0) {
        unlink(beside);
        return err_wrap(err, "%s", beside);
    }
    if (rename(beside, path) < 0)
        return err_sys(err, errno, "cannot rename %s to %s", beside, path);
    return fsio_sync_dir_of(path, err);
}
