/* tests/unit/test_beacon_live.c -- health checks as the service tells them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/beacon_live.h"

#define FORM                                                                                       \
    "<?xml version=\"1.0\"?>\n<GetHealthCheckResponse "                                            \
    "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><HealthCheck><Id>c-1</Id>"            \
    "<CallerReference>x</CallerReference><HealthCheckConfig><IPAddress>192.0.2.53</IPAddress>"     \
    "<Port>8080</Port><Type>HTTP_STR_MATCH</Type><ResourcePath>/beacon/prod/usw2</ResourcePath>"   \
    "<SearchString>state=active</SearchString>%s</HealthCheckConfig><HealthCheckVersion>1"         \
    "</HealthCheckVersion></HealthCheck></GetHealthCheckResponse>"

static int read_with(const char *more, struct beacon_health_check *out, struct err *err)
{
    char body[2048];

    assert_true(str_format(body, sizeof(body), FORM, more));
    return beacon_live_read_check(body, strlen(body), out, err);
}

static void all_that_matters_is_read(void **state)
{
    struct beacon_health_check c;
    struct err err;

    (void)state;
    assert_int_equal(read_with("<RequestInterval>30</RequestInterval><FailureThreshold>3"
                               "</FailureThreshold><MeasureLatency>false</MeasureLatency>"
                               "<Inverted>true</Inverted><Disabled>false</Disabled>",
                               &c, &err),
                     0);
    assert_string_equal(c.id, "c-1");
    assert_string_equal(c.type, "HTTP_STR_MATCH");
    assert_string_equal(c.path, "/beacon/prod/usw2");
    assert_string_equal(c.search, "state=active");
    assert_true(c.is_inverted && !c.is_disabled);
    assert_int_equal(c.threshold, 3);
    assert_int_equal(c.interval_s, 30);
}

static void what_is_not_told_is_not_guessed(void **state)
{
    struct beacon_health_check c;
    struct err err;

    (void)state;
    assert_int_equal(read_with("", &c, &err), 0);
    assert_false(c.is_inverted || c.is_disabled);
    assert_int_equal(c.threshold * c.interval_s, 0);
}

static void what_cannot_be_understood_is_refused_with_its_element(void **state)
{
    static const struct {
        const char *more, *words;
    } cases[] = {
        { "<Inverted>yes</Inverted>", "Inverted" },
        { "<Disabled>1</Disabled>", "Disabled" },
        { "<FailureThreshold>three</FailureThreshold>", "FailureThreshold" },
        { "<RequestInterval>4294967296</RequestInterval>", "RequestInterval" },
        { "<Inverted>true", "health check" },
    };
    struct beacon_health_check c;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_with(cases[i].more, &c, &err), -1);
        if (strstr(err.text, cases[i].words) == NULL)
            fail_msg("%s: %s", cases[i].more, err.text);
    }
}

static void an_answer_without_a_check_is_refused(void **state)
{
    static const char empty[] = "<GetHealthCheckResponse><HealthCheck></HealthCheck>"
                                "</GetHealthCheckResponse>";
    struct beacon_health_check c;
    struct err err;

    (void)state;
    assert_int_equal(beacon_live_read_check(empty, strlen(empty), &c, &err), -1);
    assert_non_null(strstr(err.text, "tells no health check"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_matters_is_read),
        cmocka_unit_test(what_is_not_told_is_not_guessed),
        cmocka_unit_test(what_cannot_be_understood_is_refused_with_its_element),
        cmocka_unit_test(an_answer_without_a_check_is_refused),
    };

    return cmocka_run_group_tests_name("beacon_live", tests, NULL, NULL);
}
