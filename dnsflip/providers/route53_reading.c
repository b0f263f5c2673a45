/* dnsflip/providers/route53_reading.c -- all hosted zones of a provider read, once for all who want
 * them at the time: the budget of requests is the account's, not a group's. */
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/route53_api.h"

#define ZONE_READS_MAX 3 /* of one zone whose list cannot be understood */

/* One who waits for a round. */
struct route53_reading {
    struct route53_round *round;
    struct route53_reading *next;
    route53_zones_done *done;
    void *arg;
};

/* Every zone once.  At most two a lane: the one that runs, and the one that begins when it ends,
 * for those who came after a change that it may have missed. */
struct route53_round {
    struct route53_api *api;
    struct loop *loop;
    enum aws_lane lane;
    bool is_running;
    uint64_t writes;                 /* of the api, when it began */
    struct route53_reading *readers; /* owned */
    struct aws_call *call;           /* in flight, NULL = none */
    struct route53_zones *zones;     /* a share of them */
    struct route53_page page;
    unsigned n_reads; /* of the zone that is being read */
};

void route53_zones_free(struct route53_zones *zones)
{
    if (zones == NULL || --zones->shares > 0)
        return;
    for (size_t i = 0; i < zones->n; i++)
        route53_zone_fini(&zones->zones[i]);
    mem_free(zones);
}

struct route53_zones *route53_zones_share(struct route53_zones *zones)
{
    zones->shares++;
    return zones;
}

static void round_free(struct route53_round *round)
{
    route53_zones_free(round->zones);
    loop_defer_free(round->loop, round);
}

static void begin_next(struct route53_api *api, enum aws_lane lane);

static void leave_slot(struct route53_round *round)
{
    struct route53_round **slots = round->api->rounds[round->lane];

    if (slots[1] == round) {
        slots[1] = NULL;
    } else {
        slots[0] = slots[1];
        slots[1] = NULL;
        begin_next(round->api, round->lane);
    }
}

void route53_zones_cancel(struct route53_reading *reading)
{
    struct route53_round *round = reading == NULL ? NULL : reading->round;
    struct route53_reading **at = round == NULL ? NULL : &round->readers;

    if (round == NULL)
        return;
    while (*at != reading)
        at = &(*at)->next;
    *at = reading->next;
    loop_defer_free(round->loop, reading);
    /* One that has ended is telling its readers. */
    if (round->readers != NULL || (round->is_running && round->call == NULL))
        return;
    if (round->call != NULL)
        aws_cancel(round->call);
    leave_slot(round);
    round_free(round);
}

static void round_end(struct route53_round *round, const struct err *why)
{
    struct err err = { 0 };

    if (why != NULL)
        err = *why;
    leave_slot(round);
    while (round->readers != NULL) {
        struct route53_reading *reading = round->readers;
        route53_zones_done *done = reading->done;
        void *arg = reading->arg;

        round->readers = reading->next;
        loop_defer_free(round->loop, reading);
        done(arg, why != NULL ? NULL : route53_zones_share(round->zones),
             why != NULL ? &err : NULL);
    }
    round_free(round);
}

static const char *zone_id(const struct route53_round *round)
{
    return round->api->cfg->zones[round->zones->n - 1];
}

static void on_zone(void *arg, const struct aws_answer *answer);

static void read_zone(struct route53_round *round)
{
    round->n_reads++;
    round->page = (struct route53_page){ 0 };
    round->call = route53_api_zone(round->api, zone_id(round), round->lane, on_zone, round);
}

static void next_zone(struct route53_round *round)
{
    const struct route53_cfg *cfg = round->api->cfg;

    if (round->zones->n == cfg->n_zones) {
        round_end(round, NULL);
        return;
    }
    round->zones->n++;
    round->n_reads = 0;
    read_zone(round);
}

/* Cut off on its way, without end, another one's page, or changed while it was read: the zone is
 * read anew.  What the service refuses, and what is too large for us, stays so. */
static bool is_spoilt(const struct aws_answer *answer, const struct err *err)
{
    return (answer->outcome == AWS_OK) != (err->code == ERR_LIMIT);
}

static void round_fail(struct route53_round *round, const struct aws_answer *answer,
                       struct err *err)
{
    struct route53_zone *zone = &round->zones->zones[round->zones->n - 1];

    if (is_spoilt(answer, err) && round->n_reads < ZONE_READS_MAX) {
        route53_zone_fini(zone);
        read_zone(round);
        return;
    }
    (void)err_wrap(err, "hosted zone %s", zone_id(round));
    round_end(round, err);
}

static void on_page(void *arg, const struct aws_answer *answer)
{
    struct route53_round *round = arg;
    struct route53_set *records = &round->zones->zones[round->zones->n - 1].records;
    size_t had = records->n + records->n_left_out;
    struct err err = answer->err;

    round->call = NULL;
    if (answer->outcome != AWS_OK ||
        route53_read_page(answer->body, answer->body_bytes, records, &round->page, &err) != 0) {
        round_fail(round, answer, &err);
        return;
    }
    if (round->page.is_truncated && records->n + records->n_left_out == had) {
        (void)err_set(&err, ERR_REMOTE, "a page of the list is empty, though it is not the last");
        round_fail(round, answer, &err);
        return;
    }
    if (round->page.is_truncated) {
        round->call =
            route53_api_list(round->api, zone_id(round), &round->page, round->lane, on_page, round);
        return;
    }
    if (route53_set_sort(records, &err) != 0) {
        round_fail(round, answer, &err);
        return;
    }
    next_zone(round);
}

static void on_zone(void *arg, const struct aws_answer *answer)
{
    struct route53_round *round = arg;
    struct route53_zone_facts *facts = &round->zones->facts[round->zones->n - 1];
    struct route53_zone *zone = &round->zones->zones[round->zones->n - 1];
    struct err err = answer->err;

    round->call = NULL;
    if (answer->outcome != AWS_OK ||
        route53_read_zone(answer->body, answer->body_bytes, facts, &err) != 0) {
        round_fail(round, answer, &err);
        return;
    }
    (void)str_copy(zone->id, sizeof(zone->id), zone_id(round));
    (void)str_copy(zone->name, sizeof(zone->name), facts->name);
    zone->is_private = facts->is_private;
    round->call =
        route53_api_list(round->api, zone_id(round), &round->page, round->lane, on_page, round);
}

static void begin_next(struct route53_api *api, enum aws_lane lane)
{
    struct route53_round *round = api->rounds[lane][0];

    if (round == NULL)
        return;
    round->is_running = true;
    round->writes = api->writes;
    round->zones = mem_zalloc(sizeof(*round->zones));
    round->zones->shares = 1;
    next_zone(round);
}

/* What began before a change of ours must not be taken for what is there after it. */
static struct route53_round *round_of(struct route53_api *api, enum aws_lane lane)
{
    struct route53_round **slots = api->rounds[lane];
    unsigned at = slots[0] == NULL || slots[0]->writes == api->writes ? 0 : 1;

    if (slots[at] != NULL)
        return slots[at];
    slots[at] = mem_zalloc(sizeof(*slots[at]));
    slots[at]->api = api;
    slots[at]->loop = api->loop;
    slots[at]->lane = lane;
    if (at == 0)
        begin_next(api, lane);
    return slots[at];
}

struct route53_reading *route53_zones_read(struct route53_api *api, enum aws_lane lane,
                                           route53_zones_done *done, void *arg)
{
    struct route53_reading *reading = mem_zalloc(sizeof(*reading));
    struct route53_round *round = round_of(api, lane);
    struct route53_reading **at = &round->readers;

    while (*at != NULL)
        at = &(*at)->next;
    *at = reading;
    reading->round = round;
    reading->done = done;
    reading->arg = arg;
    return reading;
}
