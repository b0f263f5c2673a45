/* dnsflip/engine/ledger_store.h -- the containers inside a ledger, for ledger_fold.c. */
#ifndef DNSFLIP_ENGINE_LEDGER_STORE_H
#define DNSFLIP_ENGINE_LEDGER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "dnsflip/engine/ledger.h"

/* a later than b, as RFC 1982 compares serials. */
static inline bool ledger_epoch_is_newer(uint32_t a, uint32_t b)
{
    return a != b && a - b < UINT32_C(0x80000000);
}

/* Of the newest that the group did. */
static inline uint32_t ledger_group_epoch(const struct ledger_group *g)
{
    return g->op.state != OP_NONE && ledger_epoch_is_newer(g->op.epoch, g->epoch) ? g->op.epoch
                                                                                  : g->epoch;
}

/* The group of that name, or NULL. */
struct ledger_group *ledger_store_find(const struct ledger *l, const char *name);

/* The same, made if missing; NULL at LEDGER_GROUPS_MAX. */
struct ledger_group *ledger_store_group(struct ledger *l, const char *name);

/* Keeps a copy of an ended operation. */
void ledger_store_history(struct ledger *l, const struct operation *op);

/* An automatic move away from cluster: a new outage, or one more move of a running one. */
void ledger_store_outage(struct ledger *l, const char *cluster, struct wall time);

/* Notes the entry's request id, if it has one. */
void ledger_store_request(struct ledger *l, const struct journal_entry *e);

#endif
