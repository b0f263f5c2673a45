/* dnsflip/providers/beacon_layout.h -- the truth table of Route 53 failover pairs whose health
 * checks ask a beacon: which record is answered with in each state of dnsflip, and which layouts
 * are fit for use; PURE. */
#ifndef DNSFLIP_PROVIDERS_BEACON_LAYOUT_H
#define DNSFLIP_PROVIDERS_BEACON_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

/* What the health check of a record asks for. */
enum beacon_asks {
    BEACON_ASKS_NOTHING = 0,   /* the record has no health check */
    BEACON_ASKS_FOR_PRIMARY,   /* /beacon/GROUP/PRIMARY */
    BEACON_ASKS_FOR_SECONDARY, /* /beacon/GROUP/SECONDARY */
};

struct beacon_check {
    enum beacon_asks asks;
    bool is_inverted; /* healthy when the check fails */
};

/* A failover pair: primary and secondary are records, and the clusters whose targets they hold. */
struct beacon_layout {
    struct beacon_check primary, secondary;
};

/* What dnsflip says at the time: which cluster's beacon is 200 (the other one's is 503), or none
 * that a checker hears.  Route 53 takes a check for healthy while more than 18 % of its checkers
 * do, so "silent" is what at least 82 % of them find. */
enum beacon_state { BEACON_PRIMARY_ACTIVE = 0, BEACON_SECONDARY_ACTIVE, BEACON_SILENT };

enum beacon_record { BEACON_RECORD_PRIMARY = 0, BEACON_RECORD_SECONDARY };

/* The record that Route 53 answers with. */
enum beacon_record beacon_layout_answer(const struct beacon_layout *layout,
                                        enum beacon_state state);

enum beacon_fit {
    BEACON_FITS = 0,       /* follows dnsflip; silence leaves traffic at an active primary */
    BEACON_MOVES,          /* follows, but silence would move traffic away from it */
    BEACON_DOES_NOT_FOLLOW /* in some state it answers with the cluster that is not active */
};
enum beacon_fit beacon_layout_fit(const struct beacon_layout *layout);

/* What `inverted` in the configuration stands for, no check on SECONDARY: the check on PRIMARY
 * inverted and asking for the secondary's beacon, or asking for the primary's own. */
struct beacon_layout beacon_layout_of(bool is_inverted);

/* The clusters that the two records of a pair answer with, as places in the group's order. */
struct beacon_holds {
    unsigned primary, secondary;
};

/* Whether names answer with destination in every state, when another provider has changed the
 * records to what holds says after the beacon could not finish: what the checks find by then, or
 * from now on, must not matter. */
bool beacon_layout_is_convergent(const struct beacon_layout *layout,
                                 const struct beacon_holds *holds, unsigned destination);

/* Where traffic goes if dnsflip is dead, before a flip and after it, in words.  primary, secondary:
 * names of clusters.  Returns out. */
const char *beacon_layout_silence(const struct beacon_layout *layout, const char *primary,
                                  const char *secondary, char *out, size_t cap);

#endif
