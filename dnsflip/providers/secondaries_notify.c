/* dnsflip/providers/secondaries_notify.c -- NOTIFY (RFC 1996): a series of tries, until the
 * secondary answers. */
#include <string.h>
#include <sys/random.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/dns_exchange.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/secondaries_state.h"

/* After each try; 30 s in all. */
static const int64_t waits_ms[SECONDARIES_TRIES] = { 1000, 2000, 4000, 8000, 15000 };

bool secondary_source(const struct local_cfg *cfg, const struct inet_ip *server,
                      struct inet_ip *out)
{
    for (unsigned i = 0; i < cfg->n_listen; i++) {
        const struct inet_ip *ip = &cfg->listen[i].ip;

        if (ip->family != server->family || inet_is_any(ip) ||
            inet_is_loopback(ip) != inet_is_loopback(server))
            continue;
        *out = *ip;
        return true;
    }
    return false;
}

static uint64_t now_s(const struct secondary *x)
{
    return (uint64_t)(loop_now(x->all->io->loop).wall.ms / 1000);
}

static void end(struct secondary *x)
{
    dns_exchange_close(x->exchange);
    x->exchange = NULL;
    if (x->notify_timer != NULL)
        loop_timer_clear(x->notify_timer);
    x->status.is_being_told = false;
}

static void fail(struct secondary *x)
{
    char addr[INET_TEXT_BYTES];

    x->status.failures++;
    log_warn("secondary", "NOTIFY failed addr=%s zone=%s: %s",
             inet_format_addr(&x->status.addr, addr), x->zone->name, x->status.notify_detail);
    end(x);
}

static const struct transfer_key *key_of(const struct secondary *x)
{
    return x->n_keys > 0 ? &x->keys[x->key_at % x->n_keys] : NULL;
}

static uint16_t new_id(const struct secondary *x)
{
    uint16_t id;

    return getrandom(&id, sizeof(id), 0) == (ssize_t)sizeof(id) ? id : (uint16_t)x->zone->serial;
}

/* Each secondary may have a key of its own.  The next try is made at once, but it counts. */
static void try_next_key(struct secondary *x)
{
    if (x->n_keys < 2)
        return;
    x->key_at = (x->key_at + 1) % x->n_keys;
    notify_make(&x->notify, x->zone->name, new_id(x), key_of(x), now_s(x));
    loop_timer_set(x->notify_timer, loop_now(x->all->io->loop).mono);
}

static void on_message(void *arg, const uint8_t *msg, size_t n, int sys_errno)
{
    struct secondary *x = arg;
    char *detail = x->status.notify_detail;
    const size_t cap = sizeof(x->status.notify_detail);
    char why[NOTIFY_DETAIL_BYTES];

    if (n == 0) {
        (void)str_copy(detail, cap, strerrordesc_np(sys_errno)); /* it may listen at the next try */
        return;
    }
    switch (notify_read(&x->notify, key_of(x), msg, n, now_s(x), why)) {
    case NOTIFY_NOT_OURS:
        return;
    case NOTIFY_TAKEN:
        detail[0] = '\0';
        end(x);
        return;
    case NOTIFY_REFUSED:
        (void)str_copy(detail, cap, why);
        fail(x);
        return;
    case NOTIFY_UNTRUSTED:
        (void)str_copy(detail, cap, why); /* the true one may come yet */
        try_next_key(x);
        return;
    }
}

static int send_try(struct secondary *x, struct err *err)
{
    if (x->exchange == NULL &&
        dns_exchange_open(x->all->io->loop, &x->status.addr, x->has_source ? &x->source : NULL,
                          on_message, x, &x->exchange, err) < 0)
        return -1;
    return dns_exchange_send(x->exchange, x->notify.bytes, x->notify.len, err);
}

static void on_timer(void *arg)
{
    struct secondary *x = arg;
    struct err err;

    if (x->tries == SECONDARIES_TRIES) {
        if (x->status.notify_detail[0] == '\0')
            (void)str_format(x->status.notify_detail, sizeof(x->status.notify_detail),
                             "no answer to %d tries", SECONDARIES_TRIES);
        fail(x);
        return;
    }
    loop_timer_set(x->notify_timer,
                   mono_add(loop_now(x->all->io->loop).mono, waits_ms[x->tries++]));
    x->status.tries++;
    if (send_try(x, &err) < 0)
        (void)str_copy(x->status.notify_detail, sizeof(x->status.notify_detail), err.text);
}

void secondary_notify_start(struct secondary *x)
{
    end(x);
    notify_make(&x->notify, x->zone->name, new_id(x), key_of(x), now_s(x));
    x->tries = 0;
    x->status.notifies++;
    x->status.is_being_told = true;
    x->status.notify_detail[0] = '\0';
    if (x->notify_timer == NULL)
        x->notify_timer = loop_timer_new(x->all->io->loop, on_timer, x);
    on_timer(x);
}

void secondary_notify_stop(struct secondary *x)
{
    if (x->status.is_being_told)
        end(x);
}

void secondary_notify_fini(struct secondary *x)
{
    end(x);
    loop_timer_free(x->notify_timer);
    x->notify_timer = NULL;
}
