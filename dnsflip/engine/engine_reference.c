/* dnsflip/engine/engine_reference.c -- references: targets that have nothing to do with either
 * cluster.  If they cannot be reached, it is we who are alone. */
#include <string.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/str.h"
#include "dnsflip/engine/engine_state.h"
#include "dnsflip/io/loop.h"

/* Results older than this say nothing about now. */
#define FRESH_MS (3 * ENGINE_REFERENCE_MS)

/* After a reload a reference that is asked still is as well known as it was. */
static void carry(struct engine_reference *r, const struct engine_reference old[], unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (old[i].cfg.port != r->cfg.port || !target_equal(&old[i].target, &r->target))
            continue;
        r->is_known = old[i].is_known;
        r->outcome = old[i].outcome;
        r->seen_at = old[i].seen_at;
    }
}

void engine_reference_build(struct engine *e)
{
    const struct settings *s = e->deps.settings;
    struct mono now = loop_now(e->deps.loop).mono;
    struct engine_reference old[REFERENCES_MAX];
    unsigned n_old = e->n_references;

    memcpy(old, e->references, sizeof(old));
    e->n_references = s->n_references;
    for (unsigned i = 0; i < s->n_references; i++) {
        struct engine_reference *r = &e->references[i];
        const struct inet_addr *addr = &s->references[i].addr;

        *r =
            (struct engine_reference){ .engine = e, .due = now, .began = mono_add(now, -FRESH_MS) };
        str_copy(r->cfg.kind, sizeof(r->cfg.kind), "tcp");
        r->cfg.port = addr->port;
        r->cfg.timeout_ms = ENGINE_REFERENCE_TIMEOUT_MS;
        if (addr->ip.family == 4)
            r->target.a[r->target.n_a++] = addr->ip;
        else
            r->target.aaaa[r->target.n_aaaa++] = addr->ip;
        carry(r, old, n_old);
    }
}

void engine_reference_cancel(struct engine *e)
{
    for (unsigned i = 0; i < e->n_references; i++) {
        if (e->references[i].run != NULL)
            probe_cancel(e->references[i].run);
        e->references[i].run = NULL;
    }
}

static void on_seen(void *arg, const struct observation *seen)
{
    struct engine_reference *r = arg;
    struct engine *e = r->engine;
    bool was = engine_reference_is_isolated(e, loop_now(e->deps.loop).mono);

    r->run = NULL;
    r->outcome = reason_code_info(seen->reason[PROFILE_ACTIVE])->outcome;
    r->seen_at = loop_now(e->deps.loop).mono;
    r->is_known = true;
    r->due = mono_add(r->began, ENGINE_REFERENCE_MS);
    if (engine_reference_is_isolated(e, r->seen_at) != was) {
        for (uint32_t i = 0; i < e->n_groups; i++)
            engine_decide_mark(e, i);
    }
}

static void start(struct engine *e, struct engine_reference *r, uint32_t number, struct mono now)
{
    struct err err;

    r->request = (struct probe_request){ .cfg = &r->cfg,
                                         .hostname = "",
                                         .base_path = "",
                                         .class = CLASS_CUSTOM,
                                         .target = &r->target,
                                         .family = r->target.n_a > 0 ? 4 : 6,
                                         .id = UINT32_MAX - number,
                                         .fresh = true };

    r->began = now;
    r->due = mono_add(now, ENGINE_REFERENCE_MS);
    if (probe_start(&r->request, e->deps.io, on_seen, r, &r->run, &err) < 0) {
        r->run = NULL;
        r->outcome = OUTCOME_INCONCLUSIVE;
        r->is_known = true;
        r->seen_at = now;
    }
}

void engine_reference_pump(struct engine *e, bool in_haste)
{
    struct mono now = loop_now(e->deps.loop).mono;

    for (uint32_t i = 0; i < e->n_references; i++) {
        struct engine_reference *r = &e->references[i];
        bool is_due = now.ms >= r->due.ms ||
                      (in_haste && mono_since(now, r->began) >= ENGINE_REFERENCE_FAST_MS);

        if (r->run == NULL && is_due)
            start(e, r, i, now);
    }
}

bool engine_reference_is_isolated(const struct engine *e, struct mono now)
{
    unsigned passed = 0;

    if (e->n_references == 0)
        return false;
    for (unsigned i = 0; i < e->n_references; i++) {
        const struct engine_reference *r = &e->references[i];

        if (r->is_known && r->outcome == OUTCOME_PASS && mono_since(now, r->seen_at) < FRESH_MS)
            passed++;
    }
    /* Half of them is enough: one that is down must not freeze us for ever. */
    return passed * 2 < e->n_references;
}
