/* dnsflip/providers/secondaries_read.c -- the secondaries' SOA, read back. */
#include "dnsflip/base/log.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/secondaries_state.h"

static struct instant now_of(const struct secondary *x)
{
    return loop_now(x->all->io->loop);
}

/* Often while it has not got what we have, else every so often. */
static void schedule(struct secondary *x)
{
    if (x->status.state == SECONDARY_FOLLOWS)
        x->read_ms = SECONDARIES_READ_MS;
    else if (x->read_ms == 0)
        x->read_ms = SECONDARIES_READ_FIRST_MS;
    else
        x->read_ms = x->read_ms * 2 > SECONDARIES_READ_MS ? SECONDARIES_READ_MS : x->read_ms * 2;
    loop_timer_set(x->read_timer, mono_add(now_of(x).mono, x->read_ms));
}

/* Why an answer does not tell the serial. */
static void explain(struct secondary *x, const struct dns_answer *answer)
{
    char *out = x->status.read_detail;
    const size_t cap = sizeof(x->status.read_detail);
    char rcode[DNS_RCODE_TEXT_BYTES];

    if (answer->status != DNS_ASK_ANSWERED)
        (void)str_copy(out, cap, answer->detail);
    else if (answer->rcode != DNS_RCODE_NOERROR)
        (void)str_format(out, cap,
                         "it answers %s: it does not serve the zone (expired, or never "
                         "transferred)",
                         dns_rcode_text(answer->rcode, rcode));
    else
        (void)str_copy(out, cap, "its answer is not authoritative, or holds no SOA");
}

static void tell_of_lag(struct secondary *x)
{
    int64_t lag_ms = now_of(x).wall.ms - x->status.since.ms;
    char addr[INET_TEXT_BYTES];

    if (x->status.state != SECONDARY_LAGS || x->is_lag_told || lag_ms < SECONDARIES_LATE_MS)
        return;
    x->is_lag_told = true;
    log_warn("secondary", "lags addr=%s zone=%s serial=%u ours=%u for_ms=%lld",
             inet_format_addr(&x->status.addr, addr), x->zone->name, x->status.serial,
             x->zone->serial, (long long)lag_ms);
}

static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct secondary *x = arg;
    bool was_away = x->status.state == SECONDARY_UNKNOWN;

    x->ask = NULL;
    if (answer->status == DNS_ASK_ANSWERED && answer->rcode == DNS_RCODE_NOERROR &&
        answer->authoritative && answer->has_serial) {
        x->status.serial = answer->serial;
        x->status.heard = now_of(x).wall;
        x->status.read_detail[0] = '\0';
        if (!secondary_survey(x))
            secondary_judge(x);
    } else {
        x->status.silences++;
        explain(x, answer);
        secondary_set(x, SECONDARY_UNKNOWN);
    }
    if (x->status.state == SECONDARY_FOLLOWS)
        secondary_notify_stop(x);
    else if (x->status.state == SECONDARY_LAGS && !x->status.is_being_told && x->all->is_serving &&
             (was_away || x->read_ms == SECONDARIES_READ_MS))
        secondary_notify_start(x); /* back from wherever it did not hear us, or still deaf to us:
                                      one that learns of us now might look by itself much later */
    tell_of_lag(x);
    schedule(x);
}

static void on_timer(void *arg)
{
    struct secondary *x = arg;

    if (x->ask == NULL)
        x->ask = dns_client_ask(x->all->io->dns_client, &x->status.addr, x->zone->name,
                                DNS_TYPE_SOA, false, SECONDARIES_READ_TIMEOUT_MS, on_answer, x);
}

void secondary_read_start(struct secondary *x)
{
    x->read_timer = loop_timer_new(x->all->io->loop, on_timer, x);
    secondary_read_soon(x);
}

void secondary_read_soon(struct secondary *x)
{
    x->read_ms = 0;
    loop_timer_set(x->read_timer, now_of(x).mono);
}

void secondary_read_stop(struct secondary *x)
{
    if (x->ask != NULL)
        dns_client_cancel(x->ask);
    x->ask = NULL;
    loop_timer_free(x->read_timer);
    x->read_timer = NULL;
}
