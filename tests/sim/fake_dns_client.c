/* tests/sim/fake_dns_client.c -- io/dns_client.h: the face's answers, read from the page, and the
 * secondaries' from what they took. */
#include <string.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/io/dns_client.h"
#include "tests/sim/world.h"

#define ANSWER_MS 2

struct dns_ask {
    struct loop_timer *timer;
    struct dns_answer answer;
    dns_ask_done *done;
    void *arg;
};

#define TYPE_SOA 6

static void answer_name(const struct group_cfg *g, unsigned index, const char *name, uint16_t type,
                        struct dns_answer *out)
{
    for (size_t i = 0; i < g->n_hostnames && index != 0; i++) {
        const struct target *t = &g->hostnames[i].targets[index - 1];
        const struct inet_ip *ips = type == 1 ? t->a : t->aaaa;

        if (strcmp(g->hostnames[i].name, name) != 0)
            continue;
        out->n_ips = type == 1 ? t->n_a : t->n_aaaa;
        memcpy(out->ips, ips, out->n_ips * sizeof(*ips));
        return;
    }
}

static void answer_as_secondary(const struct world_secondary *secondary, const char *name,
                                uint16_t type, struct dns_answer *out)
{
    if (secondary->is_dead) {
        out->status = DNS_ASK_TIMEOUT;
        return;
    }
    out->has_serial = type == TYPE_SOA && secondary->serial != 0;
    out->serial = secondary->serial;
    out->authoritative = secondary->serial != 0;
    for (uint32_t g = 0; type != TYPE_SOA && g < world.settings->n_groups; g++)
        answer_name(&world.settings->groups[g], secondary->places[g], name, type, out);
}

static void answer_as_face(const char *name, uint16_t type, struct dns_answer *out)
{
    out->authoritative = true;
    if (world.is_dns_silent)
        out->status = DNS_ASK_TIMEOUT;
    for (uint32_t g = 0; g < world.settings->n_groups; g++)
        answer_name(&world.settings->groups[g], page_get(world.page, g).index, name, type, out);
}

static void on_timer(void *arg)
{
    struct dns_ask ask = *(struct dns_ask *)arg;

    loop_timer_free(ask.timer);
    mem_free(arg);
    ask.done(ask.arg, &ask.answer);
}

struct dns_ask *dns_client_ask(struct dns_client *client, const struct inet_addr *server,
                               const char *name, uint16_t type, bool tcp, int64_t timeout_ms,
                               dns_ask_done *done, void *arg)
{
    struct dns_ask *ask = mem_zalloc(sizeof(*ask));

    const struct world_secondary *secondary = world_secondary_at(server);

    (void)client;
    (void)tcp;
    (void)timeout_ms;
    ask->done = done;
    ask->arg = arg;
    if (secondary != NULL)
        answer_as_secondary(secondary, name, type, &ask->answer);
    else
        answer_as_face(name, type, &ask->answer);
    ask->timer = loop_timer_new(world.loop, on_timer, ask);
    loop_timer_set(ask->timer, mono_add(loop_now(world.loop).mono, ANSWER_MS));
    return ask;
}

void dns_client_cancel(struct dns_ask *ask)
{
    loop_timer_free(ask->timer);
    mem_free(ask);
}
