#include "dnsflip/cli_serials.h"

#include <stdio.h>

#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/loop.h"

#define TYPE_SOA 6
#define HALF_SERIALS UINT32_C(0x80000000)

struct asking {
    struct loop *loop;
    uint32_t epoch;
    unsigned n_waiting;
};

struct question {
    struct asking *all;
    const char *zone;
    const struct inet_addr *server;
};

static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct question *q = arg;
    char text[INET_TEXT_BYTES];

    (void)inet_format_addr(q->server, text);
    if (answer->status != DNS_ASK_ANSWERED || !answer->has_serial) {
        (void)fprintf(stderr,
                      "secondary %s does not tell its serial of %s (%s): if it is ahead, it will "
                      "not take the zone\n",
                      text, q->zone, answer->detail);
    } else {
        uint32_t next = answer->serial + 1;
        uint32_t ahead = next - q->all->epoch;

        (void)fprintf(stderr, "secondary %s has serial %u of %s\n", text, answer->serial, q->zone);
        if (ahead != 0 && ahead < HALF_SERIALS)
            q->all->epoch = next;
    }
    if (--q->all->n_waiting == 0)
        loop_stop(q->all->loop);
}

static unsigned ask_all(const struct settings *s, struct dns_client *client, struct asking *all,
                        struct question questions[])
{
    unsigned n = 0;

    for (size_t i = 0; i < s->n_providers; i++) {
        const struct local_cfg *local = &s->providers[i].local;

        for (unsigned k = 0; k < local->secondaries.n_notify; k++) {
            const struct inet_addr *server = &local->secondaries.notify[k];

            questions[n] = (struct question){ all, local->zone, server };
            (void)dns_client_ask(client, server, local->zone, TYPE_SOA, false, CLI_SERIALS_MS,
                                 on_answer, &questions[n]);
            n++;
        }
    }
    return n;
}

int cli_serials_raise(const struct settings *s, uint32_t *epoch, struct err *err)
{
    struct question questions[PROVIDERS_MAX * SECONDARIES_MAX];
    struct asking all = { .epoch = *epoch };
    struct dns_client *client = NULL;

    if (loop_new(&all.loop, err) != 0)
        return -1;
    if (dns_client_new(all.loop, &client, err) != 0) {
        loop_free(all.loop);
        return -1;
    }
    all.n_waiting = ask_all(s, client, &all, questions);
    if (all.n_waiting > 0)
        loop_run(all.loop);
    *epoch = all.epoch;
    dns_client_free(client);
    loop_free(all.loop);
    return 0;
}
