/* tests/unit/test_route53_servers.c -- whom verification asks in Route 53's zones, with a resolver
 * that answers what the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/dns_client.h"
#include "dnsflip/io/io.h"
#include "dnsflip/providers/route53_api.h"
#include "dnsflip/providers/route53_servers.h"

#define ASKS_MAX 16

struct dns_ask {
    bool is_open;
    char name[HOSTNAME_BYTES];
    int family;
    dns_ask_done *done;
    void *arg;
};

static struct dns_ask asks[ASKS_MAX];
static size_t n_asks;

struct dns_ask *dns_client_resolve(struct dns_client *client, const char *name, int family,
                                   int64_t timeout_ms, dns_ask_done *done, void *arg)
{
    struct dns_ask *ask = &asks[n_asks++];

    (void)client;
    (void)timeout_ms;
    *ask = (struct dns_ask){ .is_open = true, .family = family, .done = done, .arg = arg };
    (void)str_copy(ask->name, sizeof(ask->name), name);
    return ask;
}

void dns_client_cancel(struct dns_ask *ask)
{
    ask->is_open = false;
}

static struct io io;
static struct route53_servers *all;
static struct route53_zones *zones;

static int setup(void **state)
{
    (void)state;
    n_asks = 0;
    all = route53_servers_new(&io);
    zones = mem_zalloc(sizeof(*zones));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    route53_servers_free(all);
    mem_free(zones);
    return 0;
}

static void add_zone(const char *name, const char *server)
{
    size_t z = zones->n++;

    (void)str_copy(zones->zones[z].name, sizeof(zones->zones[z].name), name);
    if (server != NULL)
        (void)str_copy(zones->facts[z].servers[zones->facts[z].n_servers++], HOSTNAME_BYTES,
                       server);
}

/* The resolver's answer to the question at that place; "" = it is down. */
static void answer(size_t at, const char *ip)
{
    struct dns_answer a = { .status = ip[0] != '\0' ? DNS_ASK_ANSWERED : DNS_ASK_TIMEOUT };

    if (ip[0] != '\0' && inet_parse_ip(ip, &a.ips[0]))
        a.n_ips = 1;
    assert_true(asks[at].is_open);
    asks[at].is_open = false;
    asks[at].done(asks[at].arg, &a);
}

static void expect(const char *name, const char *ip)
{
    struct inet_addr out[PROVIDER_SERVERS_MAX];
    char text[INET_TEXT_BYTES];

    assert_int_equal(route53_servers_of(all, name, out), ip[0] != '\0');
    if (ip[0] == '\0')
        return;
    assert_string_equal(inet_format_ip(&out[0].ip, text), ip);
    assert_int_equal(out[0].port, 53);
}

static void each_name_is_asked_of_the_servers_of_its_longest_zone(void **state)
{
    (void)state;
    add_zone("example.com", "ns-1.awsdns.net");
    add_zone("dr.example.com", "ns-2.awsdns.net");
    route53_servers_learn(all, zones);
    expect("a.example.com", "");
    answer(0, "192.0.2.1");
    answer(1, "192.0.2.2");
    expect("a.example.com", "192.0.2.1");
    expect("a.dr.example.com", "192.0.2.2");
    expect("a.example.net", "");
}

static void a_private_zone_has_nobody_to_ask(void **state)
{
    (void)state;
    add_zone("example.com", "ns-1.awsdns.net");
    add_zone("in.example.com", NULL);
    route53_servers_learn(all, zones);
    answer(0, "192.0.2.1");
    expect("a.in.example.com", "");
}

static void a_server_without_ipv4_is_asked_over_ipv6(void **state)
{
    struct inet_addr out[PROVIDER_SERVERS_MAX];

    (void)state;
    add_zone("example.com", "ns-1.awsdns.net");
    route53_servers_learn(all, zones);
    answer(0, "");
    assert_int_equal(asks[1].family, 6);
    answer(1, "2001:db8::53");
    assert_int_equal(route53_servers_of(all, "a.example.com", out), 1);
    assert_int_equal(out[0].ip.family, 6);
}

static void what_was_known_stays_while_the_resolver_is_down(void **state)
{
    (void)state;
    add_zone("example.com", "ns-1.awsdns.net");
    route53_servers_learn(all, zones);
    answer(0, "192.0.2.1");
    route53_servers_learn(all, zones);
    answer(1, "");
    expect("a.example.com", "192.0.2.1");
    assert_int_equal(n_asks, 2);
}

static void another_delegation_takes_the_place_of_the_old_one(void **state)
{
    (void)state;
    add_zone("example.com", "ns-1.awsdns.net");
    route53_servers_learn(all, zones);
    (void)str_copy(zones->facts[0].servers[0], HOSTNAME_BYTES, "ns-9.awsdns.net");
    route53_servers_learn(all, zones);
    assert_false(asks[0].is_open);
    answer(1, "192.0.2.9");
    expect("a.example.com", "192.0.2.9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_name_is_asked_of_the_servers_of_its_longest_zone,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_private_zone_has_nobody_to_ask, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_without_ipv4_is_asked_over_ipv6, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_known_stays_while_the_resolver_is_down, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_delegation_takes_the_place_of_the_old_one, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
