/* tests/unit/test_route53_policy.c -- the IAM policy: nothing that dnsflip does not need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_policy.h"
#include "tests/support/route53_zone.h"

#define HOSTS 200

static struct settings settings;
static struct cluster_cfg clusters[2];
static struct provider_cfg providers[3];
static struct group_cfg groups[2];
static struct hostname_cfg hosts[2][HOSTS];
static struct target targets[2][HOSTS][2];

/* prod in the provider r53 (two zones), beta in gov (GovCloud); lan is a local provider. */
static void make_settings(size_t n_hosts)
{
    static const char *const kinds[] = { "local", "route53", "route53" };

    memset(providers, 0, sizeof(providers));
    memset(groups, 0, sizeof(groups));
    for (size_t i = 0; i < 3; i++)
        str_copy(providers[i].kind, sizeof(providers[i].kind), kinds[i]);
    str_copy(providers[1].route53.zones[0], ROUTE53_ZONE_ID_BYTES, "Z0PUBLIC");
    str_copy(providers[1].route53.zones[1], ROUTE53_ZONE_ID_BYTES, "Z1PRIVATE");
    providers[1].route53.n_zones = 2;
    str_copy(providers[2].route53.zones[0], ROUTE53_ZONE_ID_BYTES, "Z2GOV");
    providers[2].route53.n_zones = 1;
    providers[2].route53.aws.partition = AWS_GOVCLOUD;
    for (unsigned g = 0; g < 2; g++) {
        str_copy(groups[g].name, sizeof(groups[g].name), g == 0 ? "prod" : "beta");
        groups[g].n_clusters = 2;
        groups[g].providers[0] = (uint8_t)(g + 1);
        groups[g].n_providers = 1;
        groups[g].hostnames = hosts[g];
        groups[g].n_hostnames = n_hosts;
        for (size_t h = 0; h < n_hosts; h++) {
            struct hostname_cfg *host = &hosts[g][h];

            str_format(host->name, sizeof(host->name), "%sh%zu.%s.example.com", h == 1 ? "*." : "",
                       h, groups[g].name);
            host->targets = targets[g][h];
            host->provider = (uint8_t)(g + 1);
            route53_zone_target(&targets[g][h][0], g == 0 ? "192.0.2.1" : "alias=ZELB/a.elb.test");
            route53_zone_target(&targets[g][h][1],
                                g == 0 ? "cname=b.elb.test" : "alias=ZELB/b.elb.test");
        }
    }
    settings = (struct settings){ .clusters = clusters,
                                  .n_clusters = 2,
                                  .providers = providers,
                                  .n_providers = 3,
                                  .groups = groups,
                                  .n_groups = 2 };
}

static const char prod[] =
    "{\n"
    "  \"Version\": \"2012-10-17\",\n"
    "  \"Statement\": [\n"
    "    {\n"
    "      \"Sid\": \"ReadZones2\",\n"
    "      \"Effect\": \"Allow\",\n"
    "      \"Action\": [\"route53:GetHostedZone\", \"route53:ListResourceRecordSets\"],\n"
    "      \"Resource\": [\"arn:aws:route53:::hostedzone/Z0PUBLIC\", "
    "\"arn:aws:route53:::hostedzone/Z1PRIVATE\"]\n"
    "    },\n"
    "    {\n"
    "      \"Sid\": \"FollowChanges2\",\n"
    "      \"Effect\": \"Allow\",\n"
    "      \"Action\": \"route53:GetChange\",\n"
    "      \"Resource\": \"arn:aws:route53:::change/*\"\n"
    "    },\n"
    "    {\n"
    "      \"Sid\": \"MoveNames2\",\n"
    "      \"Effect\": \"Allow\",\n"
    "      \"Action\": \"route53:ChangeResourceRecordSets\",\n"
    "      \"Resource\": [\"arn:aws:route53:::hostedzone/Z0PUBLIC\", "
    "\"arn:aws:route53:::hostedzone/Z1PRIVATE\"],\n"
    "      \"Condition\": {\n"
    "        \"ForAllValues:StringEquals\": {\n"
    "          \"route53:ChangeResourceRecordSetsActions\": [\"CREATE\", \"DELETE\"],\n"
    "          \"route53:ChangeResourceRecordSetsRecordTypes\": [\"A\", \"CNAME\", \"TXT\"]\n"
    "        },\n"
    "        \"ForAllValues:StringLike\": {\n"
    "          \"route53:ChangeResourceRecordSetsNormalizedRecordNames\": "
    "[\"h0.prod.example.com\", \"\\\\052.h1.prod.example.com\", \"_dnsflip-prod.*\"]\n"
    "        }\n"
    "      }\n"
    "    }\n"
    "  ]\n"
    "}\n";

static void a_groups_policy_names_its_zones_names_and_types(void **state)
{
    (void)state;
    struct route53_policy told;
    struct buf out;
    struct err err;

    make_settings(2);
    buf_init(&out, ROUTE53_POLICY_BYTES);
    assert_int_equal(route53_policy_write(&settings, 0, &out, &told, &err), 0);
    assert_string_equal(buf_text(&out), prod);
    assert_true(told.has_names);
    assert_int_equal(told.n_names, 3);
    buf_fini(&out);
}

static void all_groups_are_in_one_each_in_its_partition(void **state)
{
    (void)state;
    struct route53_policy told;
    struct buf out;
    struct err err;

    make_settings(2);
    buf_init(&out, ROUTE53_POLICY_BYTES);
    assert_int_equal(route53_policy_write(&settings, -1, &out, &told, &err), 0);
    assert_non_null(strstr(buf_text(&out), "arn:aws:route53:::hostedzone/Z0PUBLIC"));
    assert_non_null(strstr(buf_text(&out), "arn:aws-us-gov:route53:::hostedzone/Z2GOV"));
    assert_non_null(strstr(buf_text(&out), "arn:aws-us-gov:route53:::change/*"));
    assert_non_null(strstr(buf_text(&out), "[\"A\", \"AAAA\", \"TXT\"]"));
    assert_non_null(strstr(buf_text(&out), "\"_dnsflip-beta.*\""));
    assert_null(strstr(buf_text(&out), "ReadZones1\""));
    buf_fini(&out);
}

static void too_many_names_are_left_out_and_told(void **state)
{
    (void)state;
    struct route53_policy told;
    struct buf out;
    struct err err;

    make_settings(HOSTS);
    buf_init(&out, ROUTE53_POLICY_BYTES);
    assert_int_equal(route53_policy_write(&settings, 0, &out, &told, &err), 0);
    assert_true(told.has_names);
    assert_true(told.characters <= ROUTE53_POLICY_CHARACTERS_MAX);
    assert_int_equal(route53_policy_write(&settings, -1, &out, &told, &err), 0);
    assert_false(told.has_names);
    assert_int_equal(told.n_names, 2 * HOSTS + 2);
    assert_true(told.characters <= ROUTE53_POLICY_CHARACTERS_MAX);
    assert_null(strstr(buf_text(&out), "RecordNames"));
    assert_non_null(strstr(buf_text(&out), "RecordTypes"));
    buf_fini(&out);
}

static void routing_controls_may_be_read_and_turned(void **state)
{
    (void)state;
    static const char statement[] =
        "  \"Statement\": [\n"
        "    {\n"
        "      \"Sid\": \"TurnControls2\",\n"
        "      \"Effect\": \"Allow\",\n"
        "      \"Action\": [\"route53-recovery-cluster:GetRoutingControlState\", "
        "\"route53-recovery-cluster:UpdateRoutingControlStates\"],\n"
        "      \"Resource\": "
        "[\"arn:aws:route53-recovery-control::1:controlpanel/p/routingcontrol/a\", "
        "\"arn:aws:route53-recovery-control::1:controlpanel/p/routingcontrol/b\"]\n"
        "    }\n"
        "  ]\n";
    struct route53_policy told;
    struct buf out;
    struct err err;

    make_settings(2);
    str_copy(providers[1].kind, sizeof(providers[1].kind), "arc");
    providers[1].arc.n_controls = 2;
    for (unsigned i = 0; i < 2; i++)
        str_format(providers[1].arc.controls[i].arn, sizeof(providers[1].arc.controls[i].arn),
                   "arn:aws:route53-recovery-control::1:controlpanel/p/routingcontrol/%c", 'a' + i);
    buf_init(&out, ROUTE53_POLICY_BYTES);
    assert_int_equal(route53_policy_write(&settings, 0, &out, &told, &err), 0);
    assert_non_null(strstr(buf_text(&out), statement));
    buf_fini(&out);
}

static void without_such_a_provider_there_is_nothing_to_allow(void **state)
{
    (void)state;
    struct route53_policy told;
    struct buf out;
    struct err err = { .code = ERR_NONE };

    make_settings(2);
    groups[0].providers[0] = 0;
    buf_init(&out, ROUTE53_POLICY_BYTES);
    assert_int_equal(route53_policy_write(&settings, 0, &out, &told, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_string_equal(err.text, "no provider of kind route53 or arc moves names of prod");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_groups_policy_names_its_zones_names_and_types),
        cmocka_unit_test(all_groups_are_in_one_each_in_its_partition),
        cmocka_unit_test(too_many_names_are_left_out_and_told),
        cmocka_unit_test(routing_controls_may_be_read_and_turned),
        cmocka_unit_test(without_such_a_provider_there_is_nothing_to_allow),
    };

    return cmocka_run_group_tests_name("route53_policy", tests, NULL, NULL);
}
