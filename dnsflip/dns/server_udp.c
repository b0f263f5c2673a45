#include "dnsflip/dns/server_thread.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/mono.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/dns/answer.h"
#include "dnsflip/dns/signed_query.h"

#define BATCH 32             /* messages per system call: what two L1 caches hold */
#define QUERY_BYTES_MAX 1232 /* a longer one is cut, and answered as what is left of it */
#define TROUBLE_PAUSE_MS 10  /* after a receive that failed for a reason of ours */

/* One line more than the bytes need: slots a power of two apart would share cache sets. */
#define SLOT_BYTES (ANSWER_UDP_BYTES + ANSWER_SLACK_BYTES + 48)

static_assert(QUERY_BYTES_MAX + ANSWER_SLACK_BYTES <= SLOT_BYTES, "a query and its slack fit");
static_assert(SLOT_BYTES % 64 == 0 && (SLOT_BYTES / 64) % 2 == 1, "slots start on odd lines");

/* The address asked, which the answer must come from; only sockets bound to a wildcard need it. */
struct pktinfo {
    uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
} __attribute__((aligned(sizeof(size_t))));

union peer {
    sa_family_t family;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

struct batch {
    struct mmsghdr in[BATCH], out[BATCH];
    struct iovec in_iov[BATCH], out_iov[BATCH];
    union peer peers[BATCH];
    struct pktinfo pktinfos[BATCH];
    uint8_t queries[BATCH][SLOT_BYTES] __attribute__((aligned(64)));
    uint8_t answers[BATCH][SLOT_BYTES] __attribute__((aligned(64)));
    struct rate_table rates;
};

static struct batch *batch_new(const struct server_thread *t)
{
    struct batch *b = mem_zalloc(sizeof(*b));

    memcpy(b->rates.key, t->rate_key, sizeof(b->rates.key));

    for (int i = 0; i < BATCH; i++) {
        b->in_iov[i] = (struct iovec){ .iov_base = b->queries[i], .iov_len = QUERY_BYTES_MAX };
        b->out_iov[i] = (struct iovec){ .iov_base = b->answers[i] };
        b->in[i].msg_hdr = (struct msghdr){ .msg_name = &b->peers[i],
                                            .msg_namelen = sizeof(b->peers[i]),
                                            .msg_iov = &b->in_iov[i],
                                            .msg_iovlen = 1 };
        b->out[i].msg_hdr = (struct msghdr){ .msg_iov = &b->out_iov[i], .msg_iovlen = 1 };
    }
    return b;
}

static bool is_wildcard(int fd)
{
    struct sockaddr_storage sa = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof(sa);

    if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return false;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (sa.ss_family == AF_INET) {
        memcpy(&in, &sa, sizeof(in));
        return in.sin_addr.s_addr == INADDR_ANY;
    }
    memcpy(&in6, &sa, sizeof(in6));
    return sa.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
}

/* The interface it came in by must not decide the way back: routing does, except for addresses
 * that mean nothing without their interface. */
static void forget_interface(struct msghdr *msg)
{
    for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h != NULL; h = CMSG_NXTHDR(msg, h)) {
        if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(h), sizeof(info));
            info.ipi_ifindex = 0;
            memcpy(CMSG_DATA(h), &info, sizeof(info));
        } else if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(h), sizeof(info));
            if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                info.ipi6_ifindex = 0;
            memcpy(CMSG_DATA(h), &info, sizeof(info));
        }
    }
}

static void prepare_receive(struct batch *b, bool wildcard)
{
    for (int i = 0; i < BATCH; i++) {
        b->in[i].msg_hdr.msg_namelen = sizeof(b->peers[i]);
        b->in[i].msg_hdr.msg_control = wildcard ? &b->pktinfos[i] : NULL;
        b->in[i].msg_hdr.msg_controllen = wildcard ? sizeof(b->pktinfos[i]) : 0;
    }
}

/* A message that cannot be sent is dropped, as the network would drop it; the rest still goes. */
static uint32_t send_all(int fd, struct batch *b, unsigned n)
{
    uint32_t failed = 0;

    for (unsigned sent = 0; sent < n;) {
        int done = sendmmsg(fd, b->out + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done > 0) {
            sent += (unsigned)done;
        } else if (done == 0 || errno != EINTR) {
            failed++;
            sent++;
        }
    }
    return failed;
}

static const uint8_t *peer_ip(const union peer *peer, uint8_t *bytes)
{
    *bytes = peer->family == AF_INET6 ? 16 : 4;
    return peer->family == AF_INET6 ? peer->in6.sin6_addr.s6_addr
                                    : (const uint8_t *)&peer->in.sin_addr;
}

static size_t answer_signed(const struct server_pair *pair, struct answer_call *call, uint8_t *out,
                            uint32_t counts[static COUNTERS])
{
    struct signed_query q = { .view = pair->view,
                              .page = pair->page,
                              .secrets = pair->secrets,
                              .now_s = (uint64_t)(wall_now().ms / 1000) };

    q.ip = call->ip;
    q.ip_bytes = call->ip_bytes;
    return signed_query_answer(&q, call, out, counts);
}

/* What is left of an answer of len bytes once the rate limit has been asked; 0 = nothing. */
static size_t limit_rate(struct batch *b, const struct view_face *face,
                         const struct answer_call *call, uint8_t *out, size_t len, uint32_t now_ms,
                         uint32_t counts[static COUNTERS])
{
    const struct rate_limit limit = { .per_second = face->rate, .slip = face->slip };
    uint64_t network = rate_network(call->ip, call->ip_bytes);

    /* Whoever signs rightly, or has our cookie, is who he says he is. */
    if (call->is_signed || call->is_known)
        return len;
    if (rate_is_exempt(face->exempt, face->n_exempt, call->ip, call->ip_bytes))
        return len;
    switch (rate_check(&b->rates, &limit, network, call->kind, now_ms)) {
    case RATE_ANSWER:
        break;
    case RATE_SLIP:
        if (call->needs == 0) {
            counts[COUNTER_RATE_SLIPPED]++;
            return answer_slip(call, out, len);
        } /* a refusal with more behind its OPT record than may be cut */
        __attribute__((fallthrough));
    case RATE_DROP:
        counts[COUNTER_RATE_DROPPED]++;
        return 0;
    }
    return len;
}

/* Answers the n messages received.  The turn stays odd until they are sent: an answer made from a
 * word that has since changed is then never on its way behind a flip that counts as done. */
static void answer_batch(struct server_thread *t, struct batch *b, int fd, unsigned n)
{
    uint32_t counts[COUNTERS] = { 0 };
    unsigned n_out = 0;
    const struct server_pair *pair = server_enter(t);
    const struct view_face *face = view_face(pair->view);
    const struct cookie_secrets *cookies = secrets_cookies(pair->secrets);
    uint32_t now_s = cookies != NULL ? (uint32_t)(wall_now().ms / 1000) : 0;
    uint32_t now_ms = face->rate != 0 ? (uint32_t)mono_now().ms : 0;

    for (unsigned i = 0; i < n; i++) {
        struct answer_call call = {
            .query = b->queries[i], .len = b->in[i].msg_len, .cookies = cookies, .now_s = now_s
        };
        uint8_t *answered = b->answers[n_out];

        call.ip = peer_ip(&b->peers[i], &call.ip_bytes);
        size_t len = answer(pair->view, pair->page, &call, answered, counts);
        if (len == 0 && call.needs != 0)
            len = answer_signed(pair, &call, answered, counts);
        if (len > 0 && face->rate != 0)
            len = limit_rate(b, face, &call, answered, len, now_ms, counts);
        if (len == 0)
            continue;
        struct msghdr *in = &b->in[i].msg_hdr;
        struct msghdr *out = &b->out[n_out].msg_hdr;
        b->out_iov[n_out].iov_len = len;
        out->msg_name = in->msg_name;
        out->msg_namelen = in->msg_namelen;
        out->msg_control = in->msg_control;
        out->msg_controllen = in->msg_controllen;
        if (in->msg_control != NULL)
            forget_interface(out);
        n_out++;
    }
    server_count_all(t, counts); /* whoever has his answer finds it counted */
    uint32_t failed = n_out > 0 ? send_all(fd, b, n_out) : 0;
    server_leave(t);
    if (failed > 0)
        server_count(t, COUNTER_SEND_FAILED, failed);
}

/* flags: MSG_WAITFORONE blocks until there is one; MSG_DONTWAIT takes what is there. */
static void serve(struct server_thread *t, struct batch *b, int fd, bool wildcard, int flags)
{
    prepare_receive(b, wildcard);
    int n = recvmmsg(fd, b->in, BATCH, flags, NULL);
    if (n > 0)
        answer_batch(t, b, fd, (unsigned)n);
    else if (n < 0 && errno != EINTR && errno != EAGAIN)
        (void)poll(NULL, 0, TROUBLE_PAUSE_MS);
}

static void serve_one(struct server_thread *t, struct batch *b)
{
    bool wildcard = is_wildcard(t->fds[0]);

    while (!atomic_load_explicit(&t->is_to_stop, memory_order_relaxed))
        serve(t, b, t->fds[0], wildcard, MSG_WAITFORONE);
}

static void serve_several(struct server_thread *t, struct batch *b)
{
    struct pollfd polled[SERVER_LISTENS_MAX];
    bool wildcard[SERVER_LISTENS_MAX] = { false };

    for (size_t i = 0; i < t->n_fds; i++) {
        polled[i] = (struct pollfd){ .fd = t->fds[i], .events = POLLIN };
        wildcard[i] = is_wildcard(t->fds[i]);
    }
    while (!atomic_load_explicit(&t->is_to_stop, memory_order_relaxed)) {
        if (poll(polled, t->n_fds, -1) <= 0)
            continue;
        for (size_t i = 0; i < t->n_fds; i++) {
            if (polled[i].revents != 0)
                serve(t, b, polled[i].fd, wildcard[i], MSG_DONTWAIT);
        }
    }
}

void *server_udp_run(void *arg)
{
    struct server_thread *t = arg;
    struct batch *b = batch_new(t);

    if (t->n_fds == 1)
        serve_one(t, b);
    else if (t->n_fds > 1)
        serve_several(t, b);
    mem_free(b);
    atomic_store(&t->has_ended, true);
    return NULL;
}
