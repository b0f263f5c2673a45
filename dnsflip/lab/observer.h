/* dnsflip/lab/observer.h -- an outside resolver that asks for every hostname all the time and
 * notes when each answer changed.  It knows nothing of the daemon but its address. */
#ifndef DNSFLIP_LAB_OBSERVER_H
#define DNSFLIP_LAB_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/inet.h"
#include "dnsflip/model/limits.h"

#define OBSERVER_NAMES_MAX 4096
#define OBSERVER_QUERY_BYTES 320

struct observer_name {
    uint8_t query[OBSERVER_QUERY_BYTES];
    uint16_t query_bytes;
    bool is_awaited;  /* asked in this round, not answered yet */
    int64_t moved_us; /* mono_now_us of the first answer with the new address; 0 = none yet */
};

struct observer {
    struct observer_name *names; /* owned */
    size_t n_names;
    int fd;
    struct inet_ip before, after; /* the two addresses that are right */
    uint64_t asked, answered;
    uint64_t wrong; /* any other answer, and one with before behind one with after */
    size_t n_moved;
};

/* Asks server for the address of name once and waits; false if none came. */
bool observer_ask(const struct inet_addr *server, const char *name, int timeout_ms,
                  struct inet_ip *out);

__attribute__((warn_unused_result)) int
observer_init(struct observer *o, const struct inet_addr *server, const struct inet_ip *before,
              const struct inet_ip *after, size_t n_names, struct err *err);
void observer_fini(struct observer *o);

/* Asks for every name and takes answers for ms. */
void observer_round(struct observer *o, int ms);

/* When the first, the middle and the last of the names that moved did; sorted copies. */
struct observer_times {
    int64_t first_us, median_us, last_us;
};
struct observer_times observer_times(const struct observer *o);

#endif
