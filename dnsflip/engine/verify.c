#include "dnsflip/engine/verify.h"

#include <assert.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/answer_match.h"
#include "dnsflip/providers/provider.h"
#include "dnsflip/providers/secondaries.h"

#define TYPE_A 1
#define TYPE_AAAA 28
#define AGAIN_CEILING_MS INT64_C(5000)
#define LAGGARDS_NAMED 3

struct question {
    uint32_t change;
    uint16_t server; /* index into verify.servers */
    uint8_t type;
    bool tcp;
    bool is_right;
};

struct slot {
    struct verify *verify;
    struct dns_ask *ask; /* NULL = free */
    uint32_t question;
};

struct verify {
    struct io *io;
    const struct group_cfg *group;
    const struct target_change *changes; /* borrowed */
    struct inet_addr servers[PROVIDERS_MAX * PROVIDER_SERVERS_MAX];
    uint8_t providers[PROVIDERS_MAX * PROVIDER_SERVERS_MAX]; /* of the servers */
    bool is_ready[PROVIDERS_MAX * PROVIDER_SERVERS_MAX];     /* to be asked in this round */
    uint16_t n_servers;
    const struct secondaries *secondaries; /* borrowed, NULL = none */
    uint32_t group_index;
    struct question *questions; /* owned */
    uint32_t n_questions, cap, next, right;
    struct slot slots[VERIFY_IN_FLIGHT];
    uint32_t in_flight;
    struct loop_timer *timer; /* owned */
    int64_t again_ms;
    verify_progress *progress;
    void *arg;
};

/* ---- what must be answered --------------------------------------------------------------------
 */

static bool concerns(const struct target_change *change, uint8_t type)
{
    /* Which addresses an alias has now is only known to whoever answers for it. */
    if (change->after->alias_zone[0] != '\0')
        return false;
    if (change->before->cname[0] != '\0' || change->after->cname[0] != '\0')
        return type == TYPE_A;
    if (type == TYPE_A)
        return change->before->n_a > 0 || change->after->n_a > 0;
    return change->before->n_aaaa > 0 || change->after->n_aaaa > 0;
}

/* ---- the list of questions ----------------------------------------------------------------------
 */

static void add_question(struct verify *v, const struct question *q)
{
    if (v->n_questions == v->cap) {
        v->cap = v->cap == 0 ? 64 : 2 * v->cap;
        v->questions = mem_resize(v->questions, v->cap, sizeof(*v->questions));
    }
    v->questions[v->n_questions++] = *q;
}

static void add_questions(struct verify *v, uint32_t change, unsigned server)
{
    static const uint8_t types[] = { TYPE_A, TYPE_AAAA };

    for (size_t t = 0; t < sizeof(types); t++) {
        if (!concerns(&v->changes[change], types[t]))
            continue;
        struct question q = { .change = change, .server = (uint16_t)server, .type = types[t] };

        add_question(v, &q);
        if (change % VERIFY_TCP_EVERY != 0)
            continue;
        q.tcp = true;
        add_question(v, &q);
    }
}

/* The index of a server among those of provider, added if it is new; v->n_servers if there is no
 * room for it. */
static unsigned server_of(struct verify *v, unsigned provider, const struct inet_addr *addr)
{
    unsigned s = 0;

    for (; s < v->n_servers; s++) {
        if (v->providers[s] == provider && v->servers[s].port == addr->port &&
            inet_ip_equal(&v->servers[s].ip, &addr->ip))
            return s;
    }
    if (s < sizeof(v->providers)) {
        v->providers[s] = (uint8_t)provider;
        v->servers[v->n_servers++] = *addr;
    }
    return s;
}

static size_t servers_of(const struct settings *settings, struct provider *const *providers,
                         unsigned p, const char *name, struct inet_addr out[])
{
    size_t n = provider_find(settings->providers[p].kind)->servers(settings, p, out);

    if (n == 0 && providers != NULL && providers[p] != NULL && providers[p]->ops->learned != NULL)
        n = providers[p]->ops->learned(providers[p], name, out);
    return n;
}

static void list_questions(struct verify *v, const struct settings *settings,
                           struct provider *const *providers, const struct plan *plan)
{
    struct inet_addr servers[PROVIDER_SERVERS_MAX];

    for (uint32_t i = 0; i < plan->n_names; i++) {
        const struct hostname_cfg *host = &v->group->hostnames[v->changes[i].hostname];
        size_t n = servers_of(settings, providers, host->provider, host->name, servers);

        for (size_t k = 0; k < n; k++) {
            unsigned s = server_of(v, host->provider, &servers[k]);

            if (s < v->n_servers)
                add_questions(v, i, s);
        }
    }
}

/* ---- asking
 * --------------------------------------------------------------------------------------- */

static void pump(struct verify *v);

static void name_laggards(const struct verify *v, char *out, size_t cap)
{
    size_t len = 0;
    unsigned named = 0;

    out[0] = '\0';
    for (unsigned s = 0; s < v->n_servers && named < LAGGARDS_NAMED; s++) {
        char server[INET_TEXT_BYTES];

        if (v->is_ready[s])
            continue;
        str_format(out + len, cap - len, "%ssecondary %s has not got it", named == 0 ? "" : ", ",
                   inet_format_addr(&v->servers[s], server));
        len += strlen(out + len);
        named++;
    }
    for (uint32_t i = 0; i < v->n_questions && named < LAGGARDS_NAMED; i++) {
        const struct question *q = &v->questions[i];
        char server[INET_TEXT_BYTES];

        if (q->is_right || !v->is_ready[q->server])
            continue;
        str_format(out + len, cap - len, "%s%s %s at %s%s", named == 0 ? "" : ", ",
                   v->group->hostnames[v->changes[q->change].hostname].name,
                   q->type == TYPE_A ? "A" : "AAAA",
                   inet_format_addr(&v->servers[q->server], server), q->tcp ? " (TCP)" : "");
        len += strlen(out + len);
        named++;
    }
}

static void end_round(struct verify *v)
{
    char laggards[REASON_TEXT_BYTES];
    bool is_done = v->right == v->n_questions;

    name_laggards(v, laggards, sizeof(laggards));
    if (!is_done) {
        v->next = 0;
        loop_timer_set(v->timer, mono_add(loop_now(v->io->loop).mono, v->again_ms));
        v->again_ms = v->again_ms * 2 > AGAIN_CEILING_MS ? AGAIN_CEILING_MS : v->again_ms * 2;
    }
    v->progress(v->arg, v->right, v->n_questions, is_done, laggards);
}

static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct slot *slot = arg;
    struct verify *v = slot->verify;
    struct question *q = &v->questions[slot->question];

    slot->ask = NULL;
    v->in_flight--;
    if (answer_match(v->changes[q->change].after, q->type, answer)) {
        q->is_right = true;
        v->right++;
    }
    pump(v);
}

static struct slot *free_slot(struct verify *v)
{
    for (size_t i = 0; i < VERIFY_IN_FLIGHT; i++) {
        if (v->slots[i].ask == NULL)
            return &v->slots[i];
    }
    return NULL;
}

static void ask(struct verify *v, uint32_t number)
{
    const struct question *q = &v->questions[number];
    struct slot *slot = free_slot(v);

    assert(slot != NULL);
    slot->question = number;
    slot->ask = dns_client_ask(v->io->dns_client, &v->servers[q->server],
                               v->group->hostnames[v->changes[q->change].hostname].name, q->type,
                               q->tcp, VERIFY_TIMEOUT_MS, on_answer, slot);
    v->in_flight++;
}

static void pump(struct verify *v)
{
    while (v->next < v->n_questions && v->in_flight < VERIFY_IN_FLIGHT) {
        if (!v->questions[v->next].is_right && v->is_ready[v->questions[v->next].server])
            ask(v, v->next);
        v->next++;
    }
    if (v->in_flight == 0)
        end_round(v);
}

/* One that lags, or is dead, is not asked for a thousand names: it would hold up the others. */
static void on_timer(void *arg)
{
    struct verify *v = arg;

    for (unsigned s = 0; s < v->n_servers; s++)
        v->is_ready[s] =
            secondaries_have(v->secondaries, v->providers[s], &v->servers[s], v->group_index);
    pump(v);
}

struct verify *verify_start(struct io *io, const struct settings *settings, const struct plan *plan,
                            const struct target_change changes[], struct provider *const *providers,
                            const struct secondaries *secondaries, verify_progress *progress,
                            void *arg)
{
    struct verify *v = mem_zalloc(sizeof(*v));

    v->io = io;
    v->group = &settings->groups[plan->group];
    v->group_index = plan->group;
    v->secondaries = secondaries;
    v->changes = changes;
    v->progress = progress;
    v->arg = arg;
    v->again_ms = VERIFY_AGAIN_MS;
    for (size_t i = 0; i < VERIFY_IN_FLIGHT; i++)
        v->slots[i].verify = v;
    list_questions(v, settings, providers, plan);
    v->timer = loop_timer_new(io->loop, on_timer, v);
    loop_timer_set(v->timer, loop_now(io->loop).mono);
    return v;
}

void verify_cancel(struct verify *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < VERIFY_IN_FLIGHT; i++) {
        if (v->slots[i].ask != NULL)
            dns_client_cancel(v->slots[i].ask);
    }
    loop_timer_free(v->timer);
    mem_free(v->questions);
    loop_defer_free(v->io->loop, v);
}
