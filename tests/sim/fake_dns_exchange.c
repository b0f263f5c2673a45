/* tests/sim/fake_dns_exchange.c -- io/dns_exchange.h: a secondary hears NOTIFY, answers, and takes
 * the zone a little later. */
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/serial.h"
#include "dnsflip/io/dns_exchange.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/model/settings.h"
#include "tests/sim/world.h"

#define ANSWER_MS 2
#define MESSAGE_MAX 512
#define FLAG_RESPONSE 0x80

struct dns_exchange {
    struct world_secondary *secondary; /* NULL = nobody of the story */
    struct loop_timer *timer;
    dns_exchange_got *got;
    void *arg;
    uint8_t message[MESSAGE_MAX];
    size_t bytes;
};

struct world_secondary *world_secondary_at(const struct inet_addr *addr)
{
    const struct secondaries_cfg *cfg = &world.settings->providers[0].local.secondaries;

    for (unsigned i = 0; i < cfg->n_notify && i < WORLD_SECONDARIES_MAX; i++) {
        if (inet_ip_equal(&cfg->notify[i].ip, &addr->ip) && cfg->notify[i].port == addr->port)
            return &world.secondaries[i];
    }
    return NULL;
}

void world_secondary_take(struct world_secondary *secondary)
{
    uint32_t serial = world.serial;

    for (uint32_t i = 0; i < world.page->groups; i++)
        serial = serial_newest(serial, page_get(world.page, i).epoch);
    if (secondary->serial != 0 && !serial_is_newer(serial, secondary->serial))
        return;
    secondary->serial = serial;
    for (uint32_t i = 0; i < world.page->groups && i < WORLD_SECONDARY_GROUPS_MAX; i++)
        secondary->places[i] = page_get(world.page, i).index;
}

static void on_timer(void *arg)
{
    struct dns_exchange *x = arg;

    if (x->secondary == NULL || x->secondary->is_dead)
        return;
    x->secondary->notified++;
    if (!x->secondary->is_deaf)
        world_secondary_take(x->secondary);
    x->message[2] |= FLAG_RESPONSE;
    x->got(x->arg, x->message, x->bytes, 0);
}

int dns_exchange_open(struct loop *loop, const struct inet_addr *server,
                      const struct inet_ip *source, dns_exchange_got *got, void *arg,
                      struct dns_exchange **out, struct err *err)
{
    struct dns_exchange *x = mem_zalloc(sizeof(*x));

    (void)source;
    (void)err;
    *x = (struct dns_exchange){ .secondary = world_secondary_at(server), .got = got, .arg = arg };
    x->timer = loop_timer_new(loop, on_timer, x);
    *out = x;
    return 0;
}

int dns_exchange_send(struct dns_exchange *x, const uint8_t *msg, size_t n, struct err *err)
{
    (void)err;
    memcpy(x->message, msg, n);
    x->bytes = n;
    loop_timer_set(x->timer, mono_add(loop_now(world.loop).mono, ANSWER_MS));
    return 0;
}

void dns_exchange_close(struct dns_exchange *x)
{
    if (x == NULL)
        return;
    loop_timer_free(x->timer);
    loop_defer_free(world.loop, x);
}
