#include "tests/fuzz/pair.h"

#include <assert.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/dns/answer.h"
#include "dnsflip/render/render.h"
#include "tests/support/site.h"

#define SERIAL 100
#define GENERATION 3

#define HUNDRED                                                                                    \
    "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "23456789"
#define LONG_TEXT HUNDRED HUNDRED "01234567890 " HUNDRED HUNDRED "98765432109 "

static const char records[] = "@ MX 10 mail\n"
                              "@ TXT \"v=spf1 -all\"\n"
                              "mail A 192.0.2.25\n"
                              "mail AAAA 2001:db8::25\n"
                              "*.wild CNAME app\n"
                              "*.wild2 A 192.0.2.7\n"
                              "a.b.c TXT \"below two empty names\"\n"
                              "sub NS ns.sub\n"
                              "sub NS ns.example.net.\n"
                              "ns.sub A 192.0.2.8\n"
                              "old DNAME new.old2\n"
                              "new.old2 DNAME dr.example.com.\n"
                              "c1 CNAME c2\n"
                              "c2 CNAME c3.sub2\n"
                              "c3.sub2 CNAME app\n"
                              "out CNAME www.example.org.\n"
                              "svc HTTPS 1 . alpn=h2 port=8443\n"
                              "srv SRV 0 0 443 app\n"
                              "big TXT " LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT "\n";

static const char all_addresses[] =
    "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4 2001:db8::5 2001:db8::6 2001:db8::7 "
    "2001:db8::8 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8";

const struct transfer_key pair_keys[PAIR_KEYS] = {
    { .name = PAIR_KEY,
      .algorithm = TRANSFER_HMAC_SHA256,
      .len = 32,
      .secret = "0123456789abcdef" },
    { .name = PAIR_OTHER_KEY, .algorithm = TRANSFER_HMAC_SHA512, .len = 64, .secret = "fedcba98" },
};

static void allow_transfers(struct settings *s)
{
    for (size_t i = 0; i < s->n_providers; i++) {
        struct secondaries_cfg *c = &s->providers[i].local.secondaries;

        c->allow_transfer[0] = (struct inet_net){
            .ip = { .family = 4, .bytes = { 192, 0, 2, 0 } },
            .bits = 24,
        };
        c->n_allow_transfer = 1;
    }
    s->providers[0].local.secondaries.keys = mem_array(1, sizeof(struct transfer_key));
    s->providers[0].local.secondaries.n_keys = 1;
    s->providers[0].local.secondaries.keys[0] = pair_keys[0];
}

static const struct pair *make(void)
{
    static struct pair pair;
    const struct secrets_cookies cookies = { .secrets = { .n = 1, .secret = { { 7 } } } };
    struct settings *s = site_new(records);
    struct err err = { 0 };
    unsigned second = site_add_group(s, "second");
    int fd;

    site_add_zone(s, "other.example.net", "x A 192.0.2.99\n");
    (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "198.51.100.10",
                        "cname=x.wild.dr.example.com");
    (void)site_add_host(s, SITE_PROD, "api.dr.example.com", "198.51.100.11 2001:db8::11",
                        "203.0.113.11 https=1 . alpn=h2 ipv4hint=203.0.113.11");
    (void)site_add_host(s, SITE_PROD, "many.dr.example.com", all_addresses, "cname=lb.example.org");
    (void)site_add_host(s, second, "edge.other.example.net", "198.51.100.20", "203.0.113.20");
    allow_transfers(s);
    site_add_beacon(s, second);
    fd = render_view(s, GENERATION, SERIAL, &err);
    assert(fd >= 0);
    assert(view_open(fd, &pair.view, &err) == 0);
    (void)close(fd);
    fd = page_new((uint32_t)s->n_groups, GENERATION, &pair.page, &err);
    assert(fd >= 0);
    (void)close(fd);
    assert(answer_check_pair(pair.view, pair.page, &err) == 0);
    settings_free(s);
    fd = secrets_new(GENERATION, pair_keys, PAIR_KEYS, &cookies, &err);
    assert(fd >= 0 && secrets_open(fd, &pair.secrets, &err) == 0);
    (void)close(fd);
    return &pair;
}

const struct pair *pair_get(void)
{
    static const struct pair *pair;

    if (pair == NULL)
        pair = make();
    return pair;
}

void pair_set_words(const struct pair *p, uint8_t choice)
{
    for (uint32_t i = 0; i < PAIR_GROUPS; i++) {
        uint8_t index = (uint8_t)(choice >> 4 * i & 0xf);

        page_set(p->page, i, (struct page_word){ .index = index, .epoch = 200U + index });
    }
}
