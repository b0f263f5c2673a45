#include "dnsflip/dns/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/dns/view_format.h"

#define SECRETS_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define LABEL_BYTES_MAX 63

static uint64_t checksum(const struct secrets *s)
{
    const unsigned char *bytes = (const unsigned char *)s;
    uint64_t h = VIEW_HASH_START;

    for (size_t i = offsetof(struct secrets, format); i < sizeof(*s); i += sizeof(uint64_t))
        h = view_hash_word(h, view_word(bytes + i));
    return h;
}

/* A dotted name as on the wire; 0 if it is none. */
static uint8_t put_name(const char *text, uint8_t out[static TRANSFER_KEY_NAME_BYTES])
{
    size_t n = strnlen(text, TRANSFER_KEY_NAME_BYTES);
    size_t label = 0;

    if (n == 0 || n + 2 > TRANSFER_KEY_NAME_BYTES)
        return 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && text[i] != '.') {
            out[i + 1] = (uint8_t)text[i];
            continue;
        }
        if (i == label || i - label > LABEL_BYTES_MAX)
            return 0;
        out[label] = (uint8_t)(i - label);
        label = i + 1;
    }
    out[n + 1] = 0;
    return (uint8_t)(n + 2);
}

bool secrets_key_make(const struct transfer_key *key, struct secrets_key *out)
{
    *out = (struct secrets_key){ .algorithm = (uint8_t)key->algorithm, .len = key->len };
    out->name_len = put_name(key->name, out->name);
    if (out->name_len == 0 || key->len > sizeof(out->secret))
        return false;
    memcpy(out->secret, key->secret, key->len);
    return true;
}

static int fill(struct secrets *s, uint64_t generation, const struct transfer_key keys[], size_t n,
                const struct secrets_cookies *cookies, struct err *err)
{

    s->magic = SECRETS_MAGIC;
    s->format = SECRETS_FORMAT;
    s->n_keys = (uint32_t)n;
    s->size = sizeof(*s);
    s->generation = generation;
    if (cookies != NULL)
        s->cookies = *cookies;
    for (size_t i = 0; i < n; i++) {
        if (!secrets_key_make(&keys[i], &s->keys[i]))
            return err_set(err, ERR_LIMIT, "key %s: its name has at most %d bytes, its secret %d",
                           keys[i].name, TRANSFER_KEY_NAME_BYTES - 2, TRANSFER_KEY_SECRET_BYTES);
    }
    s->checksum = checksum(s);
    return 0;
}

/* The writable mapping is gone before the seal: no other copy of the secrets is ever made. */
static int fill_file(int fd, uint64_t generation, const struct transfer_key keys[], size_t n,
                     const struct secrets_cookies *cookies, struct err *err)
{
    struct secrets *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (s == MAP_FAILED)
        return err_sys(err, errno, "cannot map the secrets");
    int filled = fill(s, generation, keys, n, cookies, err);
    (void)munmap(s, sizeof(*s));
    if (filled != 0)
        return -1;
    if (fchmod(fd, S_IRUSR) != 0 || fcntl(fd, F_ADD_SEALS, SECRETS_SEALS) != 0)
        return err_sys(err, errno, "cannot seal the secrets");
    return 0;
}

int secrets_new(uint64_t generation, const struct transfer_key keys[], size_t n,
                const struct secrets_cookies *cookies, struct err *err)
{
    int fd;

    if (n > TRANSFER_KEYS_MAX)
        return err_set(err, ERR_LIMIT, "%zu transfer keys: at most %d", n, TRANSFER_KEYS_MAX);
    fd = fsio_memfd("dnsflip-secrets", sizeof(struct secrets), err);
    if (fd >= 0 && fill_file(fd, generation, keys, n, cookies, err) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool is_wire_name(const uint8_t *name, size_t len)
{
    size_t at = 0;

    while (at < len && name[at] != 0) {
        if (name[at] > LABEL_BYTES_MAX)
            return false;
        at += 1U + name[at];
    }
    return at + 1 == len;
}

static bool is_key(const struct secrets_key *key)
{
    return key->name_len > 0 && key->name_len <= sizeof(key->name) &&
           is_wire_name(key->name, key->name_len) &&
           transfer_algorithm_name((enum transfer_algorithm)key->algorithm) != NULL &&
           key->len > 0 && key->len <= sizeof(key->secret);
}

static int check(const struct secrets *s, struct err *err)
{
    if (s->magic != SECRETS_MAGIC)
        return err_set(err, ERR_REMOTE, "these are not secrets: wrong magic");
    if (s->format != SECRETS_FORMAT)
        return err_set(err, ERR_REMOTE, "secrets of format %u, this program knows %d", s->format,
                       SECRETS_FORMAT);
    if (s->size != sizeof(*s))
        return err_set(err, ERR_REMOTE, "secrets that say they are %llu bytes long, not %zu",
                       (unsigned long long)s->size, sizeof(*s));
    if (s->checksum != checksum(s))
        return err_set(err, ERR_REMOTE, "the secrets' checksum is wrong");
    if (s->n_keys > TRANSFER_KEYS_MAX)
        return err_set(err, ERR_REMOTE, "secrets with %u keys: at most %d", s->n_keys,
                       TRANSFER_KEYS_MAX);
    if (s->cookies.secrets.n > COOKIE_SECRETS_MAX)
        return err_set(err, ERR_REMOTE, "secrets with %u secrets of cookies: at most %d",
                       s->cookies.secrets.n, COOKIE_SECRETS_MAX);
    for (uint32_t i = 0; i < s->n_keys; i++) {
        if (!is_key(&s->keys[i]))
            return err_set(err, ERR_REMOTE, "secrets: key %u is malformed", i);
    }
    return 0;
}

int secrets_open(int fd, const struct secrets **out, struct err *err)
{
    struct stat st;
    struct secrets *s;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot look at the secrets");
    if ((seals & SECRETS_SEALS) != SECRETS_SEALS)
        return err_set(err, ERR_REMOTE, "the secrets are not sealed: 0x%x, not 0x%x",
                       (unsigned)seals, (unsigned)SECRETS_SEALS);
    if (st.st_size != (off_t)sizeof(*s))
        return err_set(err, ERR_REMOTE, "secrets of %lld bytes, not %zu", (long long)st.st_size,
                       sizeof(*s));
    s = mmap(NULL, sizeof(*s), PROT_READ, MAP_SHARED, fd, 0);
    if (s == MAP_FAILED)
        return err_sys(err, errno, "cannot map the secrets");
    if (madvise(s, sizeof(*s), MADV_DONTDUMP) != 0) {
        (void)err_sys(err, errno, "cannot keep the secrets out of core dumps");
        goto err_unmap;
    }
    if (check(s, err) != 0)
        goto err_unmap;
    *out = s;
    return 0;

err_unmap:
    (void)munmap(s, sizeof(*s));
    return -1;
}

void secrets_close(const struct secrets *s)
{
    /* munmap takes a pointer to non-const, and changes nothing of what it points to. */
    union {
        const struct secrets *in;
        void *out;
    } u = { .in = s };

    if (s != NULL)
        (void)munmap(u.out, sizeof(*s));
}

const struct secrets_key *secrets_find(const struct secrets *s, const uint8_t *name, size_t len)
{
    for (uint32_t i = 0; s != NULL && i < s->n_keys; i++) {
        if (s->keys[i].name_len == len && memcmp(s->keys[i].name, name, len) == 0)
            return &s->keys[i];
    }
    return NULL;
}
