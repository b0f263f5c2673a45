/* dnsflip/io/dns_internal.h -- what the sources of io/dns_client share; nobody else includes it. */
#ifndef DNSFLIP_IO_DNS_INTERNAL_H
#define DNSFLIP_IO_DNS_INTERNAL_H

#include "dnsflip/base/buf.h"
#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/dns_wire.h"

#define DNS_LANE_WINDOW                                                                            \
    128 /* questions in flight to one server: fewer than a socket buffer holds */
#define DNS_TCP_IN_FLIGHT_MAX 64
#define DNS_RESOLVERS_MAX 3

/* What a caller holds.  Each kind puts it first and frees itself after done or cancel. */
struct dns_ask {
    struct dns_client *client; /* borrowed */
    dns_ask_done *done;
    void *arg;
    void (*cancel)(struct dns_ask *ask);
    struct dns_ask *prev, *next; /* of the client's list of all */
};

/* One question, to one server. */
struct dns_question {
    struct dns_ask ask; /* first: a pointer to it is a pointer to this */
    struct inet_addr server;
    struct dns_lane *lane;    /* borrowed; UDP */
    struct loop_timer *timer; /* owned once sent */
    struct mono deadline;     /* once sent */
    int64_t timeout_ms;
    bool is_flying; /* sent; else queued */
    bool is_resent; /* UDP */
    struct dns_question *queue_prev, *queue_next;
    size_t place;          /* UDP, in flight: in its lane */
    int fd;                /* TCP; -1 = none */
    struct loop_fd *watch; /* TCP; owned */
    struct buf stream;     /* TCP; two bytes of length and the answer */
    size_t bytes;          /* of message */
    uint8_t message[DNS_WIRE_QUESTION_MAX];
};

struct dns_queue {
    struct dns_question *first, *last;
};

struct dns_lane;  /* io/dns_client.c: one server's UDP socket, its window and its queue */
struct dns_cache; /* io/dns_stub.c */

struct dns_client {
    struct loop *loop; /* borrowed */
    struct dns_lane *lanes;
    struct dns_queue tcp_queue;
    size_t n_flying; /* UDP */
    size_t n_tcp;
    struct dns_ask *all;     /* every question and resolution not yet done */
    struct loop_timer *pump; /* owned; sends what is queued, in a turn of its own */
    struct inet_addr resolvers[DNS_RESOLVERS_MAX];
    size_t n_resolvers;
    struct dns_cache *cache; /* owned */
};

/* io/dns_client.c */
void dns_ask_link(struct dns_ask *ask);
void dns_ask_unlink(struct dns_ask *ask);
/* Runs the pump in the next turn. */
void dns_client_wake(struct dns_client *client);
void dns_queue_put(struct dns_queue *queue, struct dns_question *q);
void dns_queue_remove(struct dns_queue *queue, struct dns_question *q);
/* Frees q, then tells its caller. */
void dns_question_end(struct dns_question *q, const struct dns_answer *answer);
void dns_question_fail(struct dns_question *q, enum dns_ask_status status, const char *detail);
/* Fails q by what an errno value of its socket proves. */
void dns_question_fail_errno(struct dns_question *q, int sys_errno);
struct dns_ask *dns_question_ask(struct dns_client *client, const struct inet_addr *server,
                                 const char *name, uint16_t type, bool is_tcp, bool recurse,
                                 int64_t timeout_ms, dns_ask_done *done, void *arg);

/* io/dns_tcp.c */
void dns_tcp_pump(struct dns_client *client);
/* Lets go of the connection. */
void dns_tcp_close(struct dns_question *q);

/* io/dns_stub.c */
struct dns_cache *dns_cache_new(void);
void dns_cache_free(struct dns_cache *cache);
void dns_stub_read_resolv_conf(struct dns_client *client);

#endif
