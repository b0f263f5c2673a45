/* dnsflip/dns/server.h -- the threads that answer: one per core for UDP, one for TCP, one for
 * health checkers.  They share the published pair, read-only, and their own parts of the counters;
 * no lock, no log. */
#ifndef DNSFLIP_DNS_SERVER_H
#define DNSFLIP_DNS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/dns/counters.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/dns/secrets.h"
#include "dnsflip/dns/view.h"

#define SERVER_LISTENS_MAX 64
/* The first place is the TCP thread's, the last one the beacon's. */
#define SERVER_UDP_THREADS_MAX (COUNTERS_THREADS_MAX - 2)

enum server_kind { SERVER_UDP = 0, SERVER_TCP, SERVER_BEACON };

/* The sockets of one address. */
struct server_listen {
    enum server_kind kind;
    int fds[SERVER_UDP_THREADS_MAX]; /* UDP: one per thread; else fds[0] */
    uint32_t n_fds;
};

struct server_listens {
    struct server_listen *items; /* borrowed */
    size_t n;
    uint32_t threads; /* that serve UDP, 0..SERVER_UDP_THREADS_MAX; each UDP item has as many fds */
};

/* What is answered from: a view, its page, and the secrets that go with them (NULL = none). */
struct server_pair {
    const struct view *view;
    const struct page *page;
    const struct secrets *secrets;
    struct server_hold *hold; /* the server's, once published */
};

/* Unmaps what there is of it. */
void server_pair_close(const struct server_pair *pair);

struct server; /* opaque */

/* No thread runs before the first server_publish and server_listen, whichever is later.  counters
 * (for COUNTERS_THREADS_MAX threads) is borrowed.  beacon: the body of the thread that has the
 * sockets of SERVER_BEACON (server_thread.h); NULL = there are none. */
struct server *server_new(struct counters *counters, void *(*beacon)(void *arg));

/* From now on exactly these sockets are served; takes over all their descriptors, on failure too.
 * Connections live on.  UDP threads end after the batch at hand and new ones start; what came
 * between waits in the sockets.  On failure the sockets of before are gone: the process must end.
 */
__attribute__((warn_unused_result)) int
server_listen(struct server *s, const struct server_listens *set, struct err *err);

/* Publishes a pair that answer_check_pair accepted, and takes its parts over.  One at a time: call
 * it again only after server_settle said true. */
__attribute__((warn_unused_result)) int
server_publish(struct server *s, const struct server_pair *published, struct err *err);

/* Whether every thread has been quiet since the last server_publish; then the pair before is
 * unmapped, or held for the transfers that go on from it.  To be asked until true, at most once a
 * millisecond. */
bool server_settle(struct server *s);

/* Another process serves these sockets from now on.  UDP threads end after the batch at hand; on
 * connections queries are answered for a moment, then each is closed when it is idle, after its
 * last answer.  To be asked until true: then all have ended.  Nothing else may be called any more.
 */
bool server_retire(struct server *s);
/* Unmaps the pairs that the last transfer has left; to be called now and then. */
void server_reap(struct server *s);

#endif
