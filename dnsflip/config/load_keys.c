/* dnsflip/config/load_keys.c -- files with transfer keys: one NAME:ALGORITHM:BASE64 a line. */
#include "dnsflip/config/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define LINE_FORM "NAME:hmac-sha256:BASE64"
#define OTHERS 07
#define LABEL_BYTES_MAX 63
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-_"

/* One file while it is read; its text is wiped when that is done. */
struct key_file {
    struct loader *l;
    const char *path;
    uint32_t line;
    struct secondaries_cfg *out;
    size_t len;
    char text[TRANSFER_KEY_FILE_BYTES + 1];
};

static struct config_place place_of(const struct key_file *f)
{
    return (struct config_place){ .file = f->path, .line = f->line, .column = f->line > 0 };
}

/* Messages never show what stands behind the algorithm. */
#define COMPLAIN(f, ...) config_report_add((f)->l->report, CONFIG_ERROR, place_of(f), __VA_ARGS__)

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);

    return at == NULL ? -1 : (int)(at - digits);
}

/* Strict base64 (RFC 4648, padded): how many bytes it stands for; 0 = it is none, or too long. */
static size_t base64_decode(const char *text, uint8_t *out, size_t cap)
{
    size_t n = strlen(text);
    size_t len = 0;

    if (n == 0 || n % 4 != 0)
        return 0;
    for (size_t i = 0; i < n; i += 4) {
        bool is_last = i + 4 == n;
        int pad = is_last && text[n - 1] == '=' ? (text[n - 2] == '=' ? 2 : 1) : 0;
        uint32_t bits = 0;

        for (size_t k = 0; k < 4; k++) {
            int digit = k >= 4 - (size_t)pad ? 0 : base64_digit(text[i + k]);

            if (digit < 0)
                return 0;
            bits = bits << 6 | (uint32_t)digit;
        }
        if (len + 3 - (size_t)pad > cap || (bits & ((1U << 8 * pad) - 1)) != 0)
            return 0;
        for (int k = 0; k < 3 - pad; k++)
            out[len++] = (uint8_t)(bits >> (16 - 8 * k));
    }
    return len;
}

static bool is_known(struct key_file *f, const char *name)
{
    for (size_t i = 0; i < f->out->n_keys; i++) {
        if (strcmp(f->out->keys[i].name, name) == 0)
            return true;
    }
    return false;
}

static void add_key(struct key_file *f, const struct transfer_key *key)
{
    struct secondaries_cfg *out = f->out;

    if (is_known(f, key->name)) {
        COMPLAIN(f, "the key %s is there twice", key->name);
        return;
    }
    if (out->n_keys == TRANSFER_KEYS_MAX) {
        COMPLAIN(f, "more than %d keys", TRANSFER_KEYS_MAX);
        return;
    }
    if (out->keys == NULL)
        out->keys = mem_array(TRANSFER_KEYS_MAX, sizeof(*out->keys));
    out->keys[out->n_keys++] = *key;
}

/* Puts a key's name into out, lower case, without its last dot.  False if it is none. */
static bool copy_name(const char *text, char out[static TRANSFER_KEY_NAME_BYTES])
{
    size_t n = strlen(text);
    size_t label = 0;

    n -= n > 1 && text[n - 1] == '.';
    if (n + 2 > TRANSFER_KEY_NAME_BYTES)
        return false;
    for (size_t i = 0; i <= n; i++) {
        if (i == n || text[i] == '.') {
            if (i == label || i - label > LABEL_BYTES_MAX)
                return false;
            label = i + 1;
        } else if (strchr(NAME_CHARACTERS, str_lower(text[i])) == NULL) {
            return false;
        }
        out[i] = str_lower(text[i]);
    }
    out[n] = '\0';
    return true;
}

static void read_line(struct key_file *f, char *line)
{
    char *algorithm = strchr(line, ':');
    char *secret = algorithm == NULL ? NULL : strchr(algorithm + 1, ':');
    struct transfer_key key = { .len = 0 };

    if (secret == NULL) {
        COMPLAIN(f, "is no key: a line is " LINE_FORM);
        return;
    }
    *algorithm++ = '\0';
    *secret++ = '\0';
    if (!copy_name(line, key.name)) {
        COMPLAIN(f, "'%.130s' is no name of a key: at most %d letters, digits, '-', '_' and dots",
                 line, TRANSFER_KEY_NAME_BYTES - 2);
        return;
    }
    key.algorithm = transfer_algorithm_find(algorithm);
    if (key.algorithm == 0) {
        COMPLAIN(f,
                 "key %s: the algorithm '%.32s' is not one of hmac-sha256, hmac-sha384, "
                 "hmac-sha512",
                 key.name, algorithm);
        return;
    }
    key.len = (uint16_t)base64_decode(secret, key.secret, sizeof(key.secret));
    if (key.len == 0)
        COMPLAIN(f,
                 "key %s: its secret is not base64 of at most %d bytes; make one with: openssl "
                 "rand -base64 32",
                 key.name, TRANSFER_KEY_SECRET_BYTES);
    else if (key.len < TRANSFER_KEY_SECRET_MIN)
        COMPLAIN(f,
                 "key %s: its secret has %u bytes, at least %d are needed; make one with: "
                 "openssl rand -base64 32",
                 key.name, key.len, TRANSFER_KEY_SECRET_MIN);
    else
        add_key(f, &key);
    explicit_bzero(&key, sizeof(key));
}

/* Empty lines and those that begin with # say nothing. */
static void read_lines(struct key_file *f)
{
    char *rest = f->text;

    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        size_t n;

        f->line++;
        line += strspn(line, " \t");
        n = strlen(line);
        while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL)
            line[--n] = '\0';
        if (n > 0 && line[0] != '#')
            read_line(f, line);
    }
}

/* What is wrong with the file as a file; an empty text if nothing is. */
static void read_file(struct key_file *f, int fd, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        (void)err_sys(err, errno, "cannot look at it");
        return;
    }
    if (S_ISREG(st.st_mode) && (st.st_mode & OTHERS) != 0) {
        (void)err_set(err, ERR_CONFIG,
                      "everybody on this machine may read or write it (mode %04o), and whoever has "
                      "a key has the zones: chmod 640 %s",
                      (unsigned)st.st_mode & 07777U, f->path);
        return;
    }
    while (f->len < sizeof(f->text)) {
        ssize_t n = read(fd, f->text + f->len, sizeof(f->text) - f->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            (void)err_sys(err, errno, "cannot read it");
        if (n <= 0)
            break;
        f->len += (size_t)n;
    }
    if (f->len == sizeof(f->text))
        (void)err_set(err, ERR_LIMIT, "is longer than %d bytes", TRANSFER_KEY_FILE_BYTES);
    else if (memchr(f->text, '\0', f->len) != NULL)
        (void)err_set(err, ERR_CONFIG, "holds a NUL character");
}

void load_transfer_keys(struct loader *l, const struct yaml_node *node, struct secondaries_cfg *out)
{
    const char *path = out->transfer_key_file;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    size_t errors = l->report->n_errors;

    if (fd < 0) {
        /* Whoever checks a configuration need not be the one who may read its keys. */
        loader_warn(l, node,
                    "%s cannot be read (%s), and without it dnsflip does not start; make it with: "
                    "umask 027; echo \"dnsflip:hmac-sha256:$(openssl rand -base64 32)\" > %s",
                    path, strerrordesc_np(errno), path);
        return;
    }
    struct key_file *f = mem_zalloc(sizeof(*f));
    struct err err = { .code = ERR_NONE };

    f->l = l;
    f->path = path;
    f->out = out;
    read_file(f, fd, &err);
    (void)close(fd);
    if (err.code != ERR_NONE) {
        COMPLAIN(f, "%s", err.text);
    } else {
        read_lines(f);
        f->line = 0;
        if (out->n_keys == 0 && l->report->n_errors == errors)
            COMPLAIN(f, "holds no key: a line is " LINE_FORM);
    }
    explicit_bzero(f->text, sizeof(f->text));
    mem_free(f);
}

/* Keys of one name must be the same key: a message names its key and nothing more. */
static bool is_other_key(const struct transfer_key *a, const struct transfer_key *b)
{
    return strcmp(a->name, b->name) == 0 && (a->algorithm != b->algorithm || a->len != b->len ||
                                             memcmp(a->secret, b->secret, sizeof(a->secret)) != 0);
}

static void compare_keys(struct loader *l, const struct provider_cfg *a,
                         const struct provider_cfg *b)
{
    const struct secondaries_cfg *p = &a->local.secondaries, *q = &b->local.secondaries;

    for (size_t i = 0; i < p->n_keys; i++) {
        for (size_t k = 0; k < q->n_keys; k++) {
            if (is_other_key(&p->keys[i], &q->keys[k]))
                config_report_add(l->report, CONFIG_ERROR,
                                  (struct config_place){ .file = q->transfer_key_file },
                                  "the key %s is another one than that of the same name in %s",
                                  q->keys[k].name, p->transfer_key_file);
        }
    }
}

void load_compare_keys(struct loader *l)
{
    const struct settings *s = l->s;

    for (size_t i = 0; i < s->n_providers; i++) {
        for (size_t k = 0; k < i; k++)
            compare_keys(l, &s->providers[k], &s->providers[i]);
    }
}
