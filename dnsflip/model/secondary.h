/* dnsflip/model/secondary.h -- what is known of one standard name server that takes a zone from
 * us. */
#ifndef DNSFLIP_MODEL_SECONDARY_H
#define DNSFLIP_MODEL_SECONDARY_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/base/wall.h"
#include "dnsflip/model/limits.h"

#define SECONDARY_DETAIL_BYTES 160

enum secondary_state {
    SECONDARY_UNKNOWN = 0, /* not asked yet, or it did not tell its serial: nothing is known */
    SECONDARY_FOLLOWS,     /* it has our serial */
    SECONDARY_LAGS,        /* it told an older one */
    SECONDARY_AHEAD,       /* it told a newer one: somebody else wrote the zone */
};
#define SECONDARY_STATES (SECONDARY_AHEAD + 1)
const char *secondary_state_name(enum secondary_state s); /* "unknown" ... */

/* A plain value. */
struct secondary_status {
    uint8_t provider; /* index into settings.providers */
    char zone[HOSTNAME_BYTES];
    struct inet_addr addr;
    enum secondary_state state;
    struct wall since;  /* of the state; lags: since we have had a serial that it lacks */
    struct wall heard;  /* when it last told its serial; 0 = never */
    uint32_t serial;    /* what it told last; meaningless if never heard */
    uint32_t ours;      /* the zone's serial here */
    uint64_t notifies;  /* series of NOTIFY begun */
    uint64_t tries;     /* messages of theirs sent */
    uint64_t failures;  /* series that no answer ended, or a refusal */
    uint64_t silences;  /* questions for its serial that brought none */
    bool is_being_told; /* a series is under way */
    char read_detail[SECONDARY_DETAIL_BYTES];   /* why its state is unknown; "" = it is not */
    char notify_detail[SECONDARY_DETAIL_BYTES]; /* why the last series failed; "" = it did not */
};

/* How far it is behind us, in serial numbers; 0 if it does not lag. */
uint32_t secondary_behind(const struct secondary_status *s);

#endif
