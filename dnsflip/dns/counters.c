#include "dnsflip/dns/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"

#define COUNTERS_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

static const char *const names[COUNTERS] = {
    [COUNTER_UDP_QUERIES] = "udp_queries",
    [COUNTER_TCP_QUERIES] = "tcp_queries",
    [COUNTER_TCP_CONNECTIONS] = "tcp_connections",
    [COUNTER_TCP_REFUSED] = "tcp_refused",
    [COUNTER_NOERROR] = "noerror",
    [COUNTER_NODATA] = "nodata",
    [COUNTER_NXDOMAIN] = "nxdomain",
    [COUNTER_REFERRAL] = "referral",
    [COUNTER_REFUSED] = "refused",
    [COUNTER_FORMERR] = "formerr",
    [COUNTER_NOTAUTH] = "notauth",
    [COUNTER_NOTIMP] = "notimp",
    [COUNTER_BADVERS] = "badvers",
    [COUNTER_SERVFAIL] = "servfail",
    [COUNTER_TRUNCATED] = "truncated",
    [COUNTER_DROPPED] = "dropped",
    [COUNTER_SEND_FAILED] = "send_failed",
    [COUNTER_RATE_DROPPED] = "rate_dropped",
    [COUNTER_RATE_SLIPPED] = "rate_slipped",
    [COUNTER_TRANSFERS_BEGUN] = "transfers_begun",
    [COUNTER_TRANSFERS_DONE] = "transfers_done",
    [COUNTER_TRANSFERS_REFUSED] = "transfers_refused",
    [COUNTER_TRANSFERS_CUT] = "transfers_cut",
    [COUNTER_COOKIES] = "cookies",
    [COUNTER_BEACON_CONNECTIONS] = "beacon_connections",
    [COUNTER_BEACON_CUT] = "beacon_cut",
    [COUNTER_BEACON_ACTIVE] = "beacon_active",
    [COUNTER_BEACON_STANDBY] = "beacon_standby",
    [COUNTER_BEACON_UNKNOWN] = "beacon_unknown",
    [COUNTER_BEACON_REFUSED] = "beacon_refused",
};

const char *counter_name(enum counter c)
{
    return (size_t)c < COUNTERS && names[c] != NULL ? names[c] : "unknown";
}

int counters_new(uint32_t threads, struct counters **out, struct err *err)
{
    int fd;
    struct counters *c;

    if (threads == 0 || threads > COUNTERS_THREADS_MAX)
        return err_set(err, ERR_LIMIT, "counters for %u threads: 1 to %d", threads,
                       COUNTERS_THREADS_MAX);
    fd = fsio_memfd("dnsflip-counters", sizeof(*c), err);
    if (fd < 0)
        return -1;
    c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (c == MAP_FAILED) {
        err_sys(err, errno, "cannot map the counters");
        goto err_close;
    }
    c->magic = COUNTERS_MAGIC;
    c->format = COUNTERS_FORMAT;
    c->threads = threads;
    if (fcntl(fd, F_ADD_SEALS, COUNTERS_SEALS) < 0) {
        err_sys(err, errno, "cannot seal the counters");
        goto err_unmap;
    }
    *out = c;
    return fd;

err_unmap:
    munmap(c, sizeof(*c));
err_close:
    close(fd);
    return -1;
}

int counters_map(int fd, const struct counters **out, struct err *err)
{
    struct stat st;
    struct counters *c;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot look at the counters");
    if ((seals & COUNTERS_SEALS) != COUNTERS_SEALS)
        return err_set(err, ERR_REMOTE, "the counters are not sealed: 0x%x, not 0x%x",
                       (unsigned)seals, (unsigned)COUNTERS_SEALS);
    if (st.st_size != (off_t)sizeof(*c))
        return err_set(err, ERR_REMOTE, "counters of %lld bytes, not %zu", (long long)st.st_size,
                       sizeof(*c));
    c = mmap(NULL, sizeof(*c), PROT_READ, MAP_SHARED, fd, 0);
    if (c == MAP_FAILED)
        return err_sys(err, errno, "cannot map the counters");
    if (c->magic != COUNTERS_MAGIC || c->format != COUNTERS_FORMAT) {
        munmap(c, sizeof(*c));
        return err_set(err, ERR_REMOTE, "these are not counters of format %d", COUNTERS_FORMAT);
    }
    *out = c;
    return 0;
}

void counters_unmap(const struct counters *c)
{
    /* munmap takes a pointer to non-const, and changes nothing of what it points to. */
    union {
        const struct counters *in;
        void *out;
    } u = { .in = c };

    if (c != NULL)
        munmap(u.out, sizeof(*c));
}

/* The face may write anything at any time: read once, and never past the array. */
static uint32_t threads_of(const struct counters *c)
{
    const volatile uint32_t *threads = &c->threads;
    uint32_t n = *threads;

    return n < COUNTERS_THREADS_MAX ? n : COUNTERS_THREADS_MAX;
}

uint64_t counters_sum(const struct counters *c, enum counter which)
{
    uint64_t sum = 0;

    for (uint32_t i = 0, n = threads_of(c); i < n; i++)
        sum += atomic_load_explicit(&c->thread[i].counts[which], memory_order_relaxed);
    return sum;
}

void counters_quiet_start(const struct counters *c, struct counters_quiet *out)
{
    out->threads = threads_of(c);
    for (uint32_t i = 0; i < out->threads; i++)
        out->turn[i] = atomic_load(&c->thread[i].turn);
}

bool counters_quiet_passed(const struct counters *c, const struct counters_quiet *q)
{
    for (uint32_t i = 0; i < q->threads; i++) {
        uint64_t turn = q->turn[i];

        if (turn % 2 != 0 && atomic_load(&c->thread[i].turn) == turn)
            return false;
    }
    return true;
}

unsigned counters_longest_turn(const struct counters *c, struct counters_turns *t)
{
    uint32_t n = c->threads < COUNTERS_THREADS_MAX ? c->threads : COUNTERS_THREADS_MAX;
    unsigned longest = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t turn = atomic_load(&c->thread[i].turn);
        bool is_same = turn % 2 != 0 && turn == t->turn[i];
        t->looks[i] = is_same ? t->looks[i] + 1 : turn % 2;
        t->turn[i] = turn;
        if (t->looks[i] > longest)
            longest = t->looks[i];
    }
    return longest;
}
