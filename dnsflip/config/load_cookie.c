/* dnsflip/config/load_cookie.c -- the file with the secrets of DNS cookies: 32 hexadecimal digits a
 * line. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/err.h"
#include "dnsflip/config/loader.h"

#define FILE_BYTES 4096
#define OTHERS 07

/* What stands in the file is never shown. */
static void complain(struct loader *l, const struct dns_cfg *cfg, uint32_t line, const char *text)
{
    const struct config_place place = { .file = cfg->cookie_secret_file,
                                        .line = line,
                                        .column = line > 0 };

    config_report_add(l->report, CONFIG_ERROR, place, "%s", text);
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);

    return at == NULL ? -1 : (int)(at - digits) % 16;
}

static bool read_hex(const char *text, uint8_t out[static COOKIE_SECRET_BYTES])
{
    if (strlen(text) != (size_t)2 * COOKIE_SECRET_BYTES)
        return false;
    for (size_t i = 0; i < COOKIE_SECRET_BYTES; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Empty lines and those that begin with # say nothing. */
static void read_lines(struct loader *l, char *text, struct dns_cfg *out)
{
    uint32_t number = 0;
    size_t errors = l->report->n_errors;

    for (char *line = strsep(&text, "\n"); line != NULL; line = strsep(&text, "\n")) {
        size_t n;

        number++;
        line += strspn(line, " \t");
        n = strlen(line);
        while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL)
            line[--n] = '\0';
        if (n == 0 || line[0] == '#')
            continue;
        if (out->n_cookie_secrets == COOKIE_SECRETS_MAX)
            complain(l, out, number, "a third secret: at most two are taken, the one in use first");
        else if (read_hex(line, out->cookie_secrets[out->n_cookie_secrets]))
            out->n_cookie_secrets++;
        else
            complain(l, out, number,
                     "is no secret of 32 hexadecimal digits; make one with: openssl rand -hex 16");
    }
    if (out->n_cookie_secrets == 0 && l->report->n_errors == errors)
        complain(l, out, 0, "holds no secret; make one with: openssl rand -hex 16");
}

static int read_file(int fd, const char *path, char text[static FILE_BYTES], struct err *err)
{
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) != 0)
        return err_sys(err, errno, "cannot look at it");
    if (S_ISREG(st.st_mode) && (st.st_mode & OTHERS) != 0)
        return err_set(err, ERR_CONFIG,
                       "everybody on this machine may read or write it (mode %04o): chmod 640 %s",
                       (unsigned)st.st_mode & 07777U, path);
    n = read(fd, text, FILE_BYTES);
    if (n < 0)
        return err_sys(err, errno, "cannot read it");
    if (n == FILE_BYTES)
        return err_set(err, ERR_LIMIT, "has %d bytes or more", FILE_BYTES);
    text[n] = '\0';
    if (strlen(text) != (size_t)n)
        return err_set(err, ERR_CONFIG, "holds a NUL character");
    return 0;
}

void load_cookie_secrets(struct loader *l, const struct yaml_node *node, struct dns_cfg *out)
{
    const char *path = out->cookie_secret_file;
    char text[FILE_BYTES];
    struct err err;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        /* Whoever checks a configuration need not be the one who may read its secrets. */
        loader_warn(l, node,
                    "%s cannot be read (%s), and without it dnsflip does not start; make it with: "
                    "umask 027; openssl rand -hex 16 > %s",
                    path, strerrordesc_np(errno), path);
        return;
    }
    if (read_file(fd, path, text, &err) < 0)
        complain(l, out, 0, err.text);
    else
        read_lines(l, text, out);
    (void)close(fd);
    explicit_bzero(text, sizeof(text));
}
