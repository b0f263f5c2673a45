/* dnsflip/dns/server_thread.h -- what server.c and the bodies of its threads share: the published
 * pair and the quiet points. */
#ifndef DNSFLIP_DNS_SERVER_THREAD_H
#define DNSFLIP_DNS_SERVER_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/rate.h"
#include "dnsflip/dns/server.h"
#include "dnsflip/dns/view.h"

#define SERVER_LISTENER_TAG (UINT64_C(1) << 63) /* in epoll data: the rest is a listening fd */
#define SERVER_WAKE_SIGNAL SIGUSR1              /* makes a blocked receive return, nothing else */

#define SERVER_THREAD_NAME_BYTES 16 /* the kernel keeps no more */

/* Transfers that go on from a pair: while there are any it stays mapped, replaced or not. */
struct server_hold {
    _Atomic uint32_t n;
    _Atomic bool is_wanted_back; /* too many pairs are held: they are to be cut */
};

/* What each thread has; only its body uses its own part. */
struct server_thread {
    struct server_pair *_Atomic *pair; /* borrowed: the server's */
    struct counters_thread *counters;  /* borrowed: this thread's place */
    _Atomic bool is_to_stop;
    _Atomic bool has_ended;
    bool is_running;
    pthread_t id;
    void *(*run)(void *arg);
    char name[SERVER_THREAD_NAME_BYTES];
    int fds[SERVER_LISTENS_MAX]; /* owned: UDP sockets, one per address */
    size_t n_fds;
    uint8_t rate_key[SIPHASH_KEY_BYTES]; /* of its table: UDP */
    int epoll;                           /* owned: TCP, beacon; listening sockets are in it */
};

/* From here on the thread may load the pair and the words of its page.  turn becomes odd, and the
 * fence keeps every later load behind that store: whoever stores a new pair or word, passes a
 * seq_cst fence and then still reads an even turn, knows that our loads will see what it stored.
 * Without the fence a load could overtake the store, and a flip would count as seen too early. */
static inline const struct server_pair *server_enter(struct server_thread *t)
{
    uint64_t turn = atomic_load_explicit(&t->counters->turn, memory_order_relaxed);

    atomic_store_explicit(&t->counters->turn, turn + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load_explicit(t->pair, memory_order_acquire);
}

/* Nothing loaded since server_enter is used any more.  Release: whoever reads this turn may unmap
 * what we read before. */
static inline void server_leave(struct server_thread *t)
{
    uint64_t turn = atomic_load_explicit(&t->counters->turn, memory_order_relaxed);

    atomic_store_explicit(&t->counters->turn, turn + 1, memory_order_release);
}

/* Only this thread writes its counters: no locked instruction is needed. */
static inline void server_count(struct server_thread *t, enum counter which, uint32_t n)
{
    uint64_t old = atomic_load_explicit(&t->counters->counts[which], memory_order_relaxed);

    atomic_store_explicit(&t->counters->counts[which], old + n, memory_order_relaxed);
}

static inline void server_count_all(struct server_thread *t, const uint32_t counts[static COUNTERS])
{
    for (int i = 0; i < COUNTERS; i++) {
        if (counts[i] != 0)
            server_count(t, (enum counter)i, counts[i]);
    }
}

/* Thread bodies: arg is the struct server_thread. */
void *server_udp_run(void *arg);
void *server_tcp_run(void *arg);

#endif
