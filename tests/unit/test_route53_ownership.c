/* tests/unit/test_route53_ownership.c -- what the ownership record says, whose names ExternalDNS
 * claims, and how many records a zone may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_ownership.h"
#include "tests/support/route53_zone.h"

#define LONG_GROUP "a23456789012345678901234567890123456789012345678901234" /* 54 characters */
#define TOO_LONG_GROUP LONG_GROUP "0123456789"                              /* 64 */

static void a_value_is_read_back_as_it_was_written(void **state)
{
    (void)state;
    struct route53_ownership o = {
        .group = "prod", .epoch = UINT32_MAX, .batch = 2, .batches = 21
    };
    struct route53_ownership read;
    char value[ROUTE53_OWNERSHIP_BYTES];

    route53_ownership_format(&o, value);
    assert_string_equal(value, "\"heritage=dnsflip,group=prod,epoch=4294967295,batch=2/21\"");
    assert_true(route53_ownership_parse(value, &read));
    assert_string_equal(read.group, "prod");
    assert_int_equal(read.epoch, UINT32_MAX);
    assert_int_equal(read.batch, 2);
    assert_int_equal(read.batches, 21);
}

static void any_other_text_is_not_ours(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "heritage=dnsflip,group=prod,epoch=1,batch=1/1", /* no quotes */
        "\"heritage=dnsflip,group=prod,epoch=1,batch=1/1",
        "\"heritage=dnsflip,group=prod,epoch=1,batch=1/1\" ",
        "\"heritage=dnsflip,group=prod,epoch=1,batch=1/1,more=x\"",
        "\"heritage=dnsflip,group=prod,epoch=01,batch=1/1\"",
        "\"heritage=dnsflip,group=prod,epoch=4294967296,batch=1/1\"",
        "\"heritage=dnsflip,group=prod,epoch=-1,batch=1/1\"",
        "\"heritage=dnsflip,group=prod,epoch=1,batch=0/1\"",
        "\"heritage=dnsflip,group=prod,epoch=1,batch=2/1\"",
        "\"heritage=dnsflip,group=prod,batch=1/1,epoch=1\"",
        "\"heritage=external-dns,external-dns/owner=x\"",
        ("\"heritage=dnsflip,group=" TOO_LONG_GROUP ",epoch=1,batch=1/1\""),
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct route53_ownership read;

        if (route53_ownership_parse(texts[i], &read))
            fail_msg("taken: %s", texts[i]);
    }
}

static void a_group_name_has_to_fit_its_label(void **state)
{
    (void)state;
    char name[HOSTNAME_BYTES];
    struct err err;

    assert_int_equal(route53_ownership_name("prod", "example.com", name, &err), 0);
    assert_string_equal(name, "_dnsflip-prod.example.com");
    assert_int_equal(route53_ownership_name(LONG_GROUP, "example.com", name, &err), 0);
    assert_int_equal(route53_ownership_name(LONG_GROUP "5", "example.com", name, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, "shorten it to 54"));
    assert_int_equal(route53_ownership_name(LONG_GROUP ".x", "example.com", name, &err), 0);
}

/* Which names of a zone with af, a-af, www.af and the apex a TXT record of ExternalDNS claims. */
static void claims_follow_the_names_that_external_dns_gives_its_records(void **state)
{
    (void)state;
    static const struct {
        const char *txt, *claimed[2]; /* NULL = none of the zone's */
    } cases[] = {
        { "af.example.com", { "af.example.com" } },
        { "cname-af.example.com", { "af.example.com" } },
        { "aaaa-af.example.com", { "af.example.com" } },
        { "extdns-af.example.com", { "af.example.com" } },
        { "extdns.cname-af.example.com", { "af.example.com" } },
        { "af-extdns.example.com", { "af.example.com" } },
        { "cname-af-extdns.example.com", { "af.example.com" } },
        { "a._metadata.af.example.com", { "af.example.com" } },
        { "a-af.example.com", { "a-af.example.com", "af.example.com" } }, /* it could be either */
        { "www.af.example.com", { "www.af.example.com" } },
        { "cname-www.af.example.com", { "www.af.example.com" } },
        { "staff.example.com", { "example.com" } },
        { "other.example.net", { NULL } },
    };
    static const char *const names[] = { "af.example.com", "a-af.example.com", "www.af.example.com",
                                         "example.com" };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct route53_set zone = { .n = 0 };
        struct route53_claims claims;
        char text[512];

        for (size_t n = 0; n < 4; n++) {
            str_format(text, sizeof(text), "%s A 192.0.2.1", names[n]);
            route53_zone_put(&zone, text);
        }
        str_format(text, sizeof(text), "%s TXT |\"heritage=external-dns,external-dns/owner=o\"",
                   cases[i].txt);
        route53_zone_put(&zone, text);
        route53_claims_init(&claims, &zone);
        for (size_t n = 0; n < 4; n++) {
            bool is_expected = false;

            for (size_t k = 0; k < 2 && cases[i].claimed[k] != NULL; k++)
                is_expected = is_expected || strcmp(cases[i].claimed[k], names[n]) == 0;
            if ((route53_claims_find(&claims, names[n]) != NULL) != is_expected)
                fail_msg("%s %s %s", cases[i].txt, is_expected ? "should claim" : "claims",
                         names[n]);
        }
        route53_claims_fini(&claims);
        route53_set_fini(&zone);
    }
}

static void a_zone_of_too_many_records_is_refused(void **state)
{
    (void)state;
    struct route53_set set = { .n = 0 };
    struct err err = { .code = ERR_NONE };
    struct route53_record r;

    for (size_t i = 0; i < ROUTE53_RECORDS_MAX; i++) {
        route53_record_init(&r);
        assert_int_equal(route53_set_add(&set, &r, &err), 0);
    }
    route53_record_init(&r);
    (void)route53_record_add_value(&r, "x", 1);
    assert_int_equal(route53_set_add(&set, &r, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(r.n_values, 0); /* taken over and ended all the same */
    route53_set_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_read_back_as_it_was_written),
        cmocka_unit_test(any_other_text_is_not_ours),
        cmocka_unit_test(a_group_name_has_to_fit_its_label),
        cmocka_unit_test(claims_follow_the_names_that_external_dns_gives_its_records),
        cmocka_unit_test(a_zone_of_too_many_records_is_refused),
    };

    return cmocka_run_group_tests_name("route53_ownership", tests, NULL, NULL);
}
