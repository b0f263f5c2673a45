/* dnsflip/ctl/metrics_secondary.c -- the secondaries as Prometheus text. */
#include "dnsflip/ctl/metrics.h"
#include "dnsflip/ctl/metrics_text.h"

#define SECONDS(ms) ((double)(ms) / 1000)

typedef double secondary_value(const struct secondary_status *s, struct wall now);

static double serial_of(const struct secondary_status *s, struct wall now)
{
    (void)now;
    return s->heard.ms != 0 ? s->serial : 0;
}

static double ours_of(const struct secondary_status *s, struct wall now)
{
    (void)now;
    return s->ours;
}

static double lag_of(const struct secondary_status *s, struct wall now)
{
    return s->state == SECONDARY_LAGS ? SECONDS(now.ms - s->since.ms) : 0;
}

static double heard_of(const struct secondary_status *s, struct wall now)
{
    (void)now;
    return SECONDS(s->heard.ms);
}

static double tries_of(const struct secondary_status *s, struct wall now)
{
    (void)now;
    return (double)s->tries;
}

static double failures_of(const struct secondary_status *s, struct wall now)
{
    (void)now;
    return (double)s->failures;
}

static double silences_of(const struct secondary_status *s, struct wall now)
{
    (void)now;
    return (double)s->silences;
}

static const struct {
    const char *name, *type, *help;
    secondary_value *value;
} families[] = {
    { "dnsflip_secondary_serial", "gauge", "SOA serial that it told last; 0 = never.", serial_of },
    { "dnsflip_secondary_primary_serial", "gauge", "SOA serial of the zone here.", ours_of },
    { "dnsflip_secondary_lag_seconds", "gauge",
      "How long it has lacked our serial; 0 unless it lags.", lag_of },
    { "dnsflip_secondary_heard_time_seconds", "gauge", "When it last told its serial; 0 = never.",
      heard_of },
    { "dnsflip_secondary_notify_tries_total", "counter", "NOTIFY messages sent to it.", tries_of },
    { "dnsflip_secondary_notify_failures_total", "counter",
      "Series of them that it did not answer, or refused.", failures_of },
    { "dnsflip_secondary_silences_total", "counter", "Questions for its serial that brought none.",
      silences_of },
};

static void write_states(const struct engine *e, struct buf *out)
{
    metrics_family(out, "dnsflip_secondary_state", "gauge", "1 for the state that holds.");
    for (size_t i = 0; i < engine_secondaries(e); i++) {
        struct secondary_status s;
        char addr[INET_TEXT_BYTES];

        engine_secondary_status(e, i, &s);
        (void)inet_format_addr(&s.addr, addr);
        for (int state = 0; state < SECONDARY_STATES; state++) {
            const struct metrics_label labels[] = {
                { "zone", s.zone },
                { "secondary", addr },
                { "state", secondary_state_name((enum secondary_state)state) },
                { NULL, NULL },
            };

            metrics_sample(out, "dnsflip_secondary_state", labels, (int)s.state == state);
        }
    }
}

void metrics_write_secondaries(const struct engine *e, struct buf *out)
{
    if (engine_secondaries(e) == 0)
        return;
    write_states(e, out);
    for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
        metrics_family(out, families[f].name, families[f].type, families[f].help);
        for (size_t i = 0; i < engine_secondaries(e); i++) {
            struct secondary_status s;
            char addr[INET_TEXT_BYTES];

            engine_secondary_status(e, i, &s);
            const struct metrics_label labels[] = {
                { "zone", s.zone }, { "secondary", inet_format_addr(&s.addr, addr) }, { NULL, NULL }
            };

            metrics_sample(out, families[f].name, labels,
                           families[f].value(&s, engine_now(e).wall));
        }
    }
}
