#include "dnsflip/supervisor_hand_over.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"

#define FIRST_FD 3 /* the standard three are nobody's to hand over */
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static const char title[] = "dnsflip-hand-over";

void supervisor_hand_over_init(struct supervisor_hand_over *h)
{
    memset(h, 0, sizeof(*h));
    h->programs = h->before = (struct supervisor_programs){ .main = -1, .face = -1 };
    h->face_link = -1;
}

/* ------------------------------------------------------------------ writing */

static void print_socket(const struct supervisor_socket *item, struct buf *out)
{
    char text[INET_TEXT_BYTES];

    (void)buf_printf(out, "socket %d %u", (int)item->role, item->n_fds);
    for (uint32_t i = 0; i < item->n_fds; i++)
        (void)buf_printf(out, " %d", item->fds[i]);
    (void)buf_printf(out, " %s\n",
                     item->role == LINK_ROLE_CONTROL ? item->path
                                                     : inet_format_addr(&item->addr, text));
}

int supervisor_hand_over_print(const struct supervisor_hand_over *h, struct buf *out,
                               struct err *err)
{
    if (strchr(h->path, '\n') != NULL)
        return err_set(err, ERR_CONFIG, "the path of the program has a line break");
    (void)buf_printf(out, "%s %d\nfrom %s\npath %s\ncount %llu\nprograms %d %d\n", title,
                     SUPERVISOR_HAND_OVER_FORMAT, h->version, h->path, (unsigned long long)h->count,
                     h->programs.main, h->programs.face);
    if (h->before.main >= 0)
        (void)buf_printf(out, "before %d %d\n", h->before.main, h->before.face);
    if (h->generation != 0) {
        (void)buf_printf(out, "pair %llu", (unsigned long long)h->generation);
        for (size_t i = 0; i < h->n_pair; i++)
            (void)buf_printf(out, " %d", h->pair[i]);
        (void)buf_putc(out, '\n');
    }
    if (h->face != 0)
        (void)buf_printf(out, "face %d %d\n", (int)h->face, h->face_link);
    for (size_t i = 0; i < h->sockets.n; i++) {
        if (h->sockets.items[i].role == LINK_ROLE_CONTROL &&
            strchr(h->sockets.items[i].path, '\n') != NULL)
            return err_set(err, ERR_CONFIG, "the path of the control socket has a line break");
        print_socket(&h->sockets.items[i], out);
    }
    (void)buf_puts(out, "end\n");
    if (out->overflowed)
        return err_set(err, ERR_LIMIT, "what is to be handed over is longer than %u bytes",
                       SUPERVISOR_HAND_OVER_BYTES_MAX);
    return 0;
}

/* ------------------------------------------------------------------ reading */

static bool take_number(char **rest, uint64_t max, uint64_t *out)
{
    const char *word = strsep(rest, " ");

    return word != NULL && str_parse_u64(word, max, out);
}

static bool take_fd(char **rest, int *out)
{
    uint64_t number = 0;

    if (!take_number(rest, INT_MAX, &number) || number < FIRST_FD)
        return false;
    *out = (int)number;
    return true;
}

static bool take_programs(char *rest, struct supervisor_programs *out)
{
    return out->main < 0 && take_fd(&rest, &out->main) && take_fd(&rest, &out->face) &&
           rest == NULL;
}

static bool take_pair(char *rest, struct supervisor_hand_over *out)
{
    if (out->generation != 0 || !take_number(&rest, UINT64_MAX, &out->generation) ||
        out->generation == 0)
        return false;
    while (rest != NULL) {
        if (out->n_pair == SUPERVISOR_HAND_OVER_PAIR_MAX ||
            !take_fd(&rest, &out->pair[out->n_pair++]))
            return false;
    }
    return out->n_pair >= 2;
}

static bool take_face(char *rest, struct supervisor_hand_over *out)
{
    uint64_t pid = 0;

    if (out->face != 0 || !take_number(&rest, INT_MAX, &pid) || pid < 2 ||
        !take_fd(&rest, &out->face_link))
        return false;
    out->face = (pid_t)pid;
    return rest == NULL;
}

/* All UDP sockets serve the same threads. */
static bool fits(const struct supervisor_socket *item, struct supervisor_sockets *all)
{
    if (item->role != LINK_ROLE_DNS_UDP)
        return item->n_fds == 1;
    if (all->threads == 0)
        all->threads = item->n_fds;
    return item->n_fds > 0 && item->n_fds == all->threads;
}

static bool take_socket(char *rest, struct supervisor_sockets *all)
{
    uint64_t role = 0;
    uint64_t n = 0;

    if (all->n == LINK_SOCKETS_MAX)
        return false;
    struct supervisor_socket *item = &all->items[all->n];
    if (!take_number(&rest, LINK_ROLE_BEACON, &role) || role < LINK_ROLE_DNS_UDP ||
        !take_number(&rest, LINK_THREADS_MAX, &n))
        return false;
    item->role = (enum link_role)role;
    while (item->n_fds < n) {
        if (!take_fd(&rest, &item->fds[item->n_fds++]))
            return false;
    }
    if (rest == NULL || *rest == '\0' || !fits(item, all))
        return false;
    if (item->role == LINK_ROLE_CONTROL ? !str_copy(item->path, sizeof(item->path), rest)
                                        : !inet_parse_addr(rest, 0, &item->addr))
        return false;
    item->is_wanted = true;
    all->n++;
    return true;
}

static bool take_text(const char *rest, char *out, size_t cap)
{
    return rest != NULL && *rest != '\0' && out[0] == '\0' && str_copy(out, cap, rest);
}

/* A line without its end. */
static bool take_line(char *line, struct supervisor_hand_over *out)
{
    char *rest = line;
    const char *word = strsep(&rest, " ");

    if (strcmp(word, "from") == 0)
        return take_text(rest, out->version, sizeof(out->version));
    if (strcmp(word, "path") == 0)
        return take_text(rest, out->path, sizeof(out->path)) && out->path[0] == '/';
    if (strcmp(word, "count") == 0)
        return take_number(&rest, UINT64_MAX, &out->count) && rest == NULL;
    if (strcmp(word, "programs") == 0)
        return take_programs(rest, &out->programs);
    if (strcmp(word, "before") == 0)
        return take_programs(rest, &out->before);
    if (strcmp(word, "pair") == 0)
        return take_pair(rest, out);
    if (strcmp(word, "face") == 0)
        return take_face(rest, out);
    return strcmp(word, "socket") == 0 && take_socket(rest, &out->sockets);
}

struct fd_list {
    int *fds;
    size_t n;
};

static int collect(void *arg, int fd, struct err *err)
{
    struct fd_list *list = arg;

    (void)err;
    if (list->fds != NULL)
        list->fds[list->n] = fd;
    list->n++;
    return 0;
}

static int compare(const void *a, const void *b)
{
    int x = *(const int *)a;
    int y = *(const int *)b;

    return (x > y) - (x < y);
}

/* Two owners of one descriptor would close it for each other. */
static int check_twice(const struct supervisor_hand_over *h, struct err *err)
{
    struct fd_list list = { .n = 0 };
    int twice = -1;

    if (supervisor_hand_over_each(h, collect, &list, err) != 0)
        return -1;
    list.fds = mem_zalloc((list.n + 1) * sizeof(list.fds[0]));
    list.n = 0;
    if (supervisor_hand_over_each(h, collect, &list, err) == 0)
        qsort(list.fds, list.n, sizeof(list.fds[0]), compare);
    for (size_t i = 1; i < list.n; i++) {
        if (list.fds[i] == list.fds[i - 1])
            twice = list.fds[i];
    }
    mem_free(list.fds);
    return twice < 0 ? 0 : err_set(err, ERR_REMOTE, "hand-over: descriptor %d comes twice", twice);
}

static int check_title(const char *line, struct err *err)
{
    uint64_t format = 0;

    if (!str_starts(line, title) || line[sizeof(title) - 1] != ' ' ||
        !str_parse_u64(line + sizeof(title), UINT32_MAX, &format) || format == 0)
        return err_set(err, ERR_REMOTE, "hand-over: it begins with \"%.40s\"", line);
    if (format > SUPERVISOR_HAND_OVER_FORMAT)
        return err_set(err, ERR_CONFLICT, "hand-over: format %llu is newer than %d, which is known",
                       (unsigned long long)format, SUPERVISOR_HAND_OVER_FORMAT);
    return 0;
}

static int parse_lines(char *text, struct supervisor_hand_over *out, struct err *err)
{
    char *line = strsep(&text, "\n");
    unsigned at = 1;

    if (check_title(line, err) != 0)
        return -1;
    while ((line = strsep(&text, "\n")) != NULL && strcmp(line, "end") != 0) {
        at++;
        if (!take_line(line, out))
            return err_set(err, ERR_REMOTE, "hand-over: line %u (%.20s ...) makes no sense", at,
                           line);
    }
    if (line == NULL || text == NULL || *text != '\0')
        return err_set(err, ERR_REMOTE, "hand-over: the last line is not \"end\"");
    if (out->version[0] == '\0' || out->path[0] == '\0' || out->programs.main < 0)
        return err_set(err, ERR_REMOTE, "hand-over: version, path or programs are missing");
    return check_twice(out, err);
}

int supervisor_hand_over_parse(const char *text, size_t n, struct supervisor_hand_over *out,
                               struct err *err)
{
    supervisor_hand_over_init(out);
    if (n > SUPERVISOR_HAND_OVER_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "hand-over: %zu bytes, at most %u are read", n,
                       SUPERVISOR_HAND_OVER_BYTES_MAX);
    if (memchr(text, '\0', n) != NULL)
        return err_set(err, ERR_REMOTE, "hand-over: a NUL byte is in it");
    char *copy = mem_zalloc(n + 1);
    memcpy(copy, text, n);
    int result = parse_lines(copy, out, err);
    mem_free(copy);
    return result;
}

/* ------------------------------------------------------------------ the memfd */

int supervisor_hand_over_write(const struct supervisor_hand_over *h, struct err *err)
{
    struct buf text;
    int fd = -1;

    buf_init(&text, SUPERVISOR_HAND_OVER_BYTES_MAX);
    if (supervisor_hand_over_print(h, &text, err) == 0)
        fd = fsio_memfd("dnsflip-hand-over", 0, err);
    if (fd >= 0 && fsio_write_all(fd, buf_text(&text), text.len, err) != 0)
        goto err_fd;
    if (fd >= 0 && fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
        (void)err_sys(err, errno, "hand-over: F_ADD_SEALS");
        goto err_fd;
    }
    buf_fini(&text);
    return fd;

err_fd:
    buf_fini(&text);
    (void)close(fd);
    return -1;
}

int supervisor_hand_over_read(int fd, struct supervisor_hand_over *out, struct err *err)
{
    char *text = NULL;

    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS)
        return err_set(err, ERR_REMOTE, "hand-over: descriptor %d is no sealed memory", fd);
    off_t n = lseek(fd, 0, SEEK_END);
    if (n < 0 || n > (off_t)SUPERVISOR_HAND_OVER_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "hand-over: %lld bytes, at most %u are read", (long long)n,
                       SUPERVISOR_HAND_OVER_BYTES_MAX);
    text = mem_zalloc((size_t)n + 1);
    ssize_t got = pread(fd, text, (size_t)n, 0);
    int result = got == n ? supervisor_hand_over_parse(text, (size_t)n, out, err)
                          : err_sys(err, errno, "hand-over: read");
    mem_free(text);
    return result;
}

int supervisor_hand_over_each(const struct supervisor_hand_over *h,
                              int (*visit)(void *arg, int fd, struct err *err), void *arg,
                              struct err *err)
{
    const int single[] = { h->programs.main, h->programs.face, h->before.main, h->before.face,
                           h->face != 0 ? h->face_link : -1 };

    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
        if (single[i] >= 0 && visit(arg, single[i], err) != 0)
            return -1;
    }
    for (size_t i = 0; i < h->n_pair; i++) {
        if (visit(arg, h->pair[i], err) != 0)
            return -1;
    }
    for (size_t i = 0; i < h->sockets.n; i++) {
        for (uint32_t k = 0; k < h->sockets.items[i].n_fds; k++) {
            if (visit(arg, h->sockets.items[i].fds[k], err) != 0)
                return -1;
        }
    }
    return 0;
}
