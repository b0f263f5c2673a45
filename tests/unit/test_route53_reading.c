/* tests/unit/test_route53_reading.c -- zones read once for all who want them, against an API that
 * answers what the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/io.h"
#include "dnsflip/providers/route53_api.h"
#include "tests/sim/world.h"

struct world world;

#define XMLNS " xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\""

struct aws_call {
    aws_done *done;
    void *arg;
    bool is_list;
};

static struct aws_call *flying; /* the one in flight: requests follow each other */
static unsigned n_sent;

int aws_new(const struct aws_cfg *cfg, struct io *io, struct aws **out, struct err *err)
{
    (void)cfg;
    (void)io;
    (void)err;
    *out = NULL;
    return 0;
}

void aws_free(struct aws *aws)
{
    (void)aws;
}

void aws_route53_scope(const struct aws_cfg *cfg, struct aws_scope *out)
{
    (void)cfg;
    *out = (struct aws_scope){ .region = "us-east-1" };
}

struct aws_call *aws_start(struct aws *aws, const struct aws_request *request, aws_done *done,
                           void *arg)
{
    (void)aws;
    assert_null(flying);
    n_sent++;
    flying = mem_zalloc(sizeof(*flying));
    *flying =
        (struct aws_call){ .done = done, .arg = arg, .is_list = str_ends(request->path, "rrset") };
    return flying;
}

void aws_cancel(struct aws_call *call)
{
    assert_ptr_equal(call, flying);
    mem_free(flying);
    flying = NULL;
}

static void answer(bool is_well)
{
    static const char zone[] =
        "<GetHostedZoneResponse" XMLNS
        "><HostedZone><Id>/hostedzone/Z1</Id><Name>example.com.</Name>"
        "<CallerReference>x</CallerReference></HostedZone></GetHostedZoneResponse>";
    static const char list[] = "<ListResourceRecordSetsResponse" XMLNS
                               "><ResourceRecordSets></ResourceRecordSets><IsTruncated>false"
                               "</IsTruncated><MaxItems>300</MaxItems>"
                               "</ListResourceRecordSetsResponse>";
    struct aws_call now = *flying;
    struct aws_answer a = { .body = now.is_list ? list : zone };

    a.body_bytes = strlen(a.body);
    if (!is_well) {
        a.outcome = AWS_REFUSED;
        (void)err_set(&a.err, ERR_REMOTE, "NoSuchHostedZone");
    }
    mem_free(flying);
    flying = NULL;
    now.done(now.arg, &a);
}

/* Until nothing is in flight. */
static void answer_all(void)
{
    while (flying != NULL)
        answer(true);
}

static struct io reach;
static struct route53_cfg cfg;
static struct route53_api api;

struct reader {
    struct route53_reading *reading;
    struct route53_zones *zones;
    unsigned n_done;
    struct err err;
    struct reader *cancels; /* in its done */
};

static void on_zones(void *arg, struct route53_zones *zones, const struct err *err)
{
    struct reader *r = arg;

    r->n_done++;
    r->zones = zones;
    if (err != NULL)
        r->err = *err;
    if (r->cancels != NULL)
        route53_zones_cancel(r->cancels->reading);
}

static void ask(struct reader *r)
{
    r->reading = route53_zones_read(&api, AWS_LANE_FLIP, on_zones, r);
    assert_int_equal(r->n_done, 0);
}

static int setup(void **state)
{
    struct err err;

    (void)state;
    n_sent = 0;
    world = (struct world){ .loop = world_loop_new((struct mono){ 1000 }, (struct wall){ 1000 }) };
    reach = (struct io){ .loop = world.loop };
    cfg = (struct route53_cfg){ .n_zones = 1, .zones = { "Z1" } };
    return route53_api_init(&api, &cfg, &reach, &err);
}

static int teardown(void **state)
{
    (void)state;
    route53_api_fini(&api);
    world_loop_forget(world.loop);
    mem_free(world.loop);
    return 0;
}

static void who_asks_while_zones_are_read_gets_them_too(void **state)
{
    struct reader a = { 0 }, b = { 0 };

    (void)state;
    ask(&a);
    answer(true);
    ask(&b);
    answer_all();
    assert_int_equal(n_sent, 2);
    assert_true(a.n_done == 1 && b.n_done == 1);
    assert_non_null(a.zones);
    assert_ptr_equal(a.zones, b.zones);
    route53_zones_free(a.zones);
    assert_string_equal(b.zones->zones[0].name, "example.com");
    route53_zones_free(b.zones);
}

static void what_was_read_before_a_change_is_not_given_to_who_asks_after_it(void **state)
{
    struct reader a = { 0 }, b = { 0 }, c = { 0 };

    (void)state;
    ask(&a);
    api.writes++;
    ask(&b);
    ask(&c);
    answer(true);
    answer(true);
    assert_true(a.n_done == 1 && b.n_done == 0 && c.n_done == 0);
    answer_all();
    assert_int_equal(n_sent, 4);
    assert_true(b.n_done == 1 && c.n_done == 1);
    assert_ptr_equal(b.zones, c.zones);
    assert_ptr_not_equal(a.zones, b.zones);
    route53_zones_free(a.zones);
    route53_zones_free(b.zones);
    route53_zones_free(c.zones);
}

static void the_reading_ends_when_nobody_waits_for_it_and_the_next_begins(void **state)
{
    struct reader a = { 0 }, b = { 0 }, c = { 0 };

    (void)state;
    ask(&a);
    ask(&b);
    api.writes++;
    ask(&c);
    route53_zones_cancel(a.reading);
    assert_int_equal(n_sent, 1);
    route53_zones_cancel(b.reading);
    assert_int_equal(n_sent, 2);
    answer_all();
    assert_true(a.n_done == 0 && b.n_done == 0 && c.n_done == 1);
    route53_zones_free(c.zones);
}

static void a_reader_may_cancel_another_when_it_is_told(void **state)
{
    struct reader a = { 0 }, b = { 0 };

    (void)state;
    ask(&a);
    ask(&b);
    a.cancels = &b;
    answer_all();
    assert_true(a.n_done == 1 && b.n_done == 0);
    route53_zones_free(a.zones);
}

static void all_are_told_why_zones_cannot_be_read(void **state)
{
    struct reader a = { 0 }, b = { 0 };

    (void)state;
    ask(&a);
    ask(&b);
    answer(false);
    assert_true(a.n_done == 1 && b.n_done == 1);
    assert_null(a.zones);
    assert_string_equal(b.err.text, "hosted zone Z1: NoSuchHostedZone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_asks_while_zones_are_read_gets_them_too, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            what_was_read_before_a_change_is_not_given_to_who_asks_after_it, setup, teardown),
        cmocka_unit_test_setup_teardown(
            the_reading_ends_when_nobody_waits_for_it_and_the_next_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_may_cancel_another_when_it_is_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(all_are_told_why_zones_cannot_be_read, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
