/* tests/sim/world.h -- the simulated world: a clock, two or more clusters, references, a disk,
 * hooks.  Fakes of io, probes, journal and hooks live on it under the symbols of the real ones, so
 * that the engine and all policies run as they are, hours in milliseconds. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/wall.h"
#include "dnsflip/dns/page.h"
#include "dnsflip/model/journal_entry.h"
#include "dnsflip/model/settings.h"

struct loop;

enum world_net { NET_OK = 0, NET_REFUSE, NET_HANG, NET_NOROUTE };
enum world_app { APP_SERVING = 0, APP_WAITING, APP_SICK };
enum world_disk { DISK_OK = 0, DISK_STUCK, DISK_FAILS };
enum world_hook { HOOK_WORKS = 0, HOOK_FAILS, HOOK_HANGS };

struct world_cluster {
    enum world_net net;
    enum world_app app;
    int64_t flap_ms;  /* refuses every other period; 0 = does not flap */
    uint32_t broken;  /* its first so many hostnames answer 500 */
    bool is_promoted; /* its promotion proof passes */
    char address[48]; /* where its CNAME leads; "" = an address of its own */
    bool is_stale;    /* kept connections to it are dead, new ones are not */
};

#define WORLD_SECONDARIES_MAX 4
#define WORLD_SECONDARY_GROUPS_MAX 64

/* One of the first zone's secondaries, in the order of its notify list. */
struct world_secondary {
    bool is_dead;                               /* hears and answers nothing */
    bool is_deaf;                               /* answers questions, but takes nothing from us */
    uint32_t serial;                            /* 0 = it has no zone yet */
    uint8_t places[WORLD_SECONDARY_GROUPS_MAX]; /* 1 + place that a group's names answer with */
    uint32_t notified;                          /* NOTIFYs heard */
};

struct world {
    struct loop *loop;
    const struct settings *settings;
    struct page *page;
    uint32_t serial; /* the view's own */
    struct world_secondary secondaries[WORLD_SECONDARIES_MAX];
    struct world_cluster clusters[CLUSTERS_MAX]; /* by index into settings.clusters */
    bool is_uplink_down;                         /* nobody answers us, references neither */
    bool is_dns_silent;                          /* our own servers do not answer verification */
    bool is_spent;                               /* no descriptors: no check can start */
    bool is_lock_broken;                         /* nobody can say whether a hook runs */
    enum world_disk disk, overflow_disk;
    int64_t disk_ms; /* an append takes so long */
    enum world_hook fence, promote;
    bool is_proof_broken; /* passes nowhere, promoted or not */
    uint32_t hooks_run, probes_run;
    uint32_t hooks_alive;       /* they outlive a killed judge, and hold their lock */
    uint32_t needless_promotes; /* begun though another ran, or though the proof would pass */
    uint32_t hurried_checks;    /* more in a second than max_checks_per_second */
    uint64_t timers_fired;
    uint64_t kill_at_timer; /* the judge dies right after the timer of that number; 0 = never */
    size_t kill_at_entry;   /* ... after that entry is durable and before anybody is told */
    bool is_killed;
    struct journal_entry *entries; /* durable ones, in order */
    size_t n_entries;
    struct journal_entry *overflow; /* durable in the overflow file */
    size_t n_overflow;
};

extern struct world world;

/* ---- the simulated loop (fake_loop.c)
 * ------------------------------------------------------------ */
struct loop *world_loop_new(struct mono mono, struct wall wall);
/* Fires what is due, in order, until nothing is due before or at t; then it is t. */
void world_loop_until(struct loop *loop, struct mono t);
/* One timer, and the end of its turn. */
void world_loop_step(struct loop *loop);
/* The process does not run for ms: timers become overdue, the watch over freezes notices. */
void world_loop_freeze(struct loop *loop, int64_t ms);
void world_loop_step_wall(struct loop *loop, int64_t ms);
/* A restart: nobody's timers or hooks are left. */
void world_loop_forget(struct loop *loop);

/* ---- the simulated secondaries (fake_dns_client.c, fake_dns_exchange.c)
 * ------------------------------- */
struct inet_addr;
/* The one at addr, or NULL. */
struct world_secondary *world_secondary_at(const struct inet_addr *addr);
/* It takes the zone as we serve it now, if that is newer. */
void world_secondary_take(struct world_secondary *secondary);

/* ---- the simulated disk (fake_journal.c)
 * --------------------------------------------------------- */
struct journal *world_journal(void);
void world_journal_keep(const struct journal_entry *entry); /* it is durable */
void world_journal_merge(void); /* what only the overflow file has goes into the journal */
void world_journal_kill(void);  /* what is not durable is lost; nobody is told any more */

#endif
