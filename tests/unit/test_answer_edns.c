/* tests/unit/test_answer_edns.c -- options of the OPT record, and what answers are of one kind for
 * a rate limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/str.h"
#include "tests/support/ask.h"
#include "tests/support/site.h"

#define A 1
#define TXT 16
#define HOST "app.dr.example.com"
#define NONE "none.dr.example.com"

enum { NSID = 3, CLIENT_SUBNET = 8, COOKIE = 10, KEEPALIVE = 11, EDE = 15 };
enum { NOT_READY = 14, NOT_AUTHORITATIVE = 20, NOT_SUPPORTED = 21 };

static struct ask *new_ask(const char *nsid)
{
    struct buf records;
    struct settings *s;
    struct ask *a;

    buf_init(&records, 65536);
    for (int i = 0; i < 6; i++)
        buf_printf(&records, "big TXT \"%03d%0100d\"\n", i, 0);
    buf_puts(&records, "*.wild A 192.0.2.1\n*.wild TXT \"x\"\nsub NS ns.example.net.\n"
                       "old DNAME new\nalias CNAME app\ngone CNAME nowhere\n");
    s = site_new(buf_text(&records));
    (void)site_add_host(s, SITE_PROD, HOST, "198.51.100.10", "203.0.113.10");
    (void)site_add_host(s, site_add_group(s, "new"), "new.dr.example.com", "192.0.2.8",
                        "192.0.2.9");
    (void)site_add_host(s, SITE_PROD, "other.dr.example.com", "192.0.2.6", "192.0.2.7");
    site_add_zone(s, "other.test", NULL);
    assert_true(str_copy(s->node.dns.nsid, sizeof(s->node.dns.nsid), nsid));
    a = ask_new(s);
    ask_set_word(a, SITE_PROD, 1, 200);
    settings_free(s);
    buf_fini(&records);
    return a;
}

/* Adds an option to the OPT record at the query's end, whose rdata starts at opt. */
static void add_option(struct ask *a, size_t opt, unsigned code, const void *bytes, size_t n)
{
    uint8_t *p = a->query + a->query_len;
    size_t rdata;

    p[0] = (uint8_t)(code >> 8);
    p[1] = (uint8_t)code;
    p[2] = (uint8_t)(n >> 8);
    p[3] = (uint8_t)n;
    memcpy(p + 4, bytes, n);
    a->query_len += 4 + n;
    rdata = a->query_len - opt;
    a->query[opt - 2] = (uint8_t)(rdata >> 8);
    a->query[opt - 1] = (uint8_t)rdata;
}

/* A question with an OPT record that may have one option (0 = none). */
static void make(struct ask *a, const char *name, unsigned type, unsigned option)
{
    ask_make(a, name, type);
    ask_add_opt(a, 1232, 0, false);
    if (option != 0)
        add_option(a, a->query_len, option, "", 0);
}

/* The option of that code in the answer: its bytes and, in *n, how many; NULL if there is none. */
static const uint8_t *find_option(const struct ask *a, unsigned code, size_t *n)
{
    size_t at = a->call.opt_at + 11U;

    assert_true(a->out_len >= at);
    assert_int_equal(a->out[at - 2] << 8 | a->out[at - 1], a->out_len - at);
    while (at < a->out_len) {
        *n = (size_t)a->out[at + 2] << 8 | a->out[at + 3];
        if ((unsigned)(a->out[at] << 8 | a->out[at + 1]) == code)
            return a->out + at + 4;
        at += 4 + *n;
    }
    assert_int_equal(at, a->out_len);
    return NULL;
}

static void who_asks_for_the_servers_name_is_told(void **state)
{
    struct ask *a = new_ask("ctl-usw2");
    const uint8_t *option;
    size_t n = 0;

    (void)state;
    make(a, HOST, A, NSID);
    ask_send(a, false);
    option = find_option(a, NSID, &n);
    assert_int_equal(n, 8);
    assert_memory_equal(option, "ctl-usw2", 8);
    assert_string_equal(ask_text(a), "NOERROR aa edns | app.dr.example.com. 30 IN A 198.51.100.10");
    make(a, NONE, A, NSID);
    ask_send(a, true);
    assert_non_null(find_option(a, NSID, &n));
    make(a, HOST, A, 0);
    ask_send(a, false);
    assert_null(find_option(a, NSID, &n));
    /* Of another version of EDNS nothing is known. */
    ask_make(a, HOST, A);
    ask_add_opt(a, 1232, 1, false);
    add_option(a, a->query_len, NSID, "", 0);
    ask_send(a, false);
    assert_null(find_option(a, NSID, &n));
    ask_free(a);
}

static void a_server_may_keep_its_name(void **state)
{
    struct ask *a = new_ask("none");
    size_t n = 0;

    (void)state;
    make(a, HOST, A, NSID);
    ask_send(a, false);
    assert_null(find_option(a, NSID, &n));
    ask_free(a);
}

/* The name has its place in the answer: what then does not fit is truncated. */
static void options_count_into_the_length(void **state)
{
    struct ask *a = new_ask("0123456789012345678901234567890123456789012345678901234567890123");
    size_t whole;
    size_t n = 0;

    (void)state;
    make(a, "big.dr.example.com", TXT, NSID);
    whole = ask_send(a, false);
    assert_int_equal(a->out[2] & 2, 0);
    for (size_t payload = whole - 1; payload <= whole; payload++) {
        ask_make(a, "big.dr.example.com", TXT);
        ask_add_opt(a, (unsigned)payload, 0, false);
        add_option(a, a->query_len, NSID, "", 0);
        ask_send(a, false);
        assert_int_equal((a->out[2] & 2) == 0, payload == whole);
        assert_non_null(find_option(a, NSID, &n));
        assert_int_equal(n, 64);
    }
    ask_free(a);
}

static void the_life_of_an_idle_connection_is_told_over_tcp_alone(void **state)
{
    struct ask *a = new_ask("none");
    const uint8_t *option;
    size_t n = 0;

    (void)state;
    make(a, HOST, A, KEEPALIVE);
    a->keepalive_100ms = 0x1234;
    ask_send(a, true);
    option = find_option(a, KEEPALIVE, &n);
    assert_int_equal(n, 2);
    assert_memory_equal(option, "\x12\x34", 2);
    ask_send(a, false);
    assert_null(find_option(a, KEEPALIVE, &n));
    make(a, HOST, A, 0);
    ask_send(a, true);
    assert_null(find_option(a, KEEPALIVE, &n));
    ask_free(a);
}

static void client_subnets_are_neither_used_nor_echoed(void **state)
{
    struct ask *a = new_ask("none");
    size_t n = 0;

    (void)state;
    ask_make(a, HOST, A);
    ask_add_opt(a, 1232, 0, false);
    add_option(a, a->query_len, CLIENT_SUBNET, "\0\1\30\0\300\0\2", 7);
    ask_send(a, false);
    assert_null(find_option(a, CLIENT_SUBNET, &n));
    assert_string_equal(ask_text(a), "NOERROR aa edns | app.dr.example.com. 30 IN A 198.51.100.10");
    ask_free(a);
}

static void a_refusal_says_why(void **state)
{
    static const struct {
        const char *name;
        unsigned type, class, ede;
    } cases[] = {
        { "new.dr.example.com", A, 1, NOT_READY },
        { "example.org", A, 1, NOT_AUTHORITATIVE },
        { HOST, 253, 1, NOT_SUPPORTED },
        { HOST, A, 3, NOT_SUPPORTED },
        { HOST, A, 1, 0 },
        { NONE, A, 1, 0 },
    };
    struct ask *a = new_ask("none");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint8_t *option;
        size_t n = 0;

        make(a, cases[i].name, cases[i].type, 0);
        a->query[a->query_len - 11 - 1] = (uint8_t)cases[i].class;
        ask_send(a, false);
        option = find_option(a, EDE, &n);
        if (cases[i].ede == 0) {
            assert_null(option);
            continue;
        }
        assert_non_null(option);
        assert_int_equal(n, 2);
        assert_int_equal(option[0] << 8 | option[1], cases[i].ede);
        /* Without EDNS there is no place for it. */
        ask_make(a, cases[i].name, cases[i].type);
        a->query[a->query_len - 1] = (uint8_t)cases[i].class;
        assert_int_equal(ask_send(a, false), a->query_len);
    }
    ask_free(a);
}

static void a_truncated_answer_keeps_question_and_options(void **state)
{
    struct ask *a = new_ask("ctl");
    size_t n = 0;

    (void)state;
    make(a, NONE, A, NSID);
    ask_send(a, false);
    a->out_len = answer_slip(&a->call, a->out, a->out_len);
    a->call.opt_at = a->call.question_end;
    assert_non_null(find_option(a, NSID, &n));
    assert_string_equal(ask_text(a), "NXDOMAIN aa tc edns");
    ask_make(a, HOST, A);
    ask_send(a, false);
    a->out_len = answer_slip(&a->call, a->out, a->out_len);
    assert_string_equal(ask_text(a), "NOERROR aa tc");
    assert_int_equal(a->out_len, a->query_len);
    ask_free(a);
}

/* A server that speaks cookies, asked from 192.0.2.1. */
static struct ask *new_ask_with_cookies(void)
{
    static const struct cookie_secrets secrets = { .n = 1, .secret = { { 1, 2, 3 } } };
    struct ask *a = new_ask("none");

    a->cookies = &secrets;
    a->ip_bytes = 4;
    memcpy(a->ip, "\300\0\2\1", 4);
    a->now_s = 1000000;
    return a;
}

static void make_with_cookie(struct ask *a, const char *name, const void *cookie, size_t n)
{
    ask_make(a, name, A);
    ask_add_opt(a, 1232, 0, false);
    add_option(a, a->query_len, COOKIE, cookie, n);
}

static void a_client_learns_a_cookie_and_is_known_by_it(void **state)
{
    struct ask *a = new_ask_with_cookies();
    uint8_t learnt[COOKIE_BYTES];
    const uint8_t *option;
    size_t n = 0;

    (void)state;
    for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
        make_with_cookie(a, HOST, "12345678", 8);
        ask_send(a, is_tcp != 0);
        option = find_option(a, COOKIE, &n);
        assert_int_equal(n, COOKIE_BYTES);
        assert_memory_equal(option, "12345678", 8);
        assert_true(a->call.has_cookie && !a->call.is_known);
        assert_int_equal(a->out[3] & 15, 0);
        memcpy(learnt, option, n);

        make_with_cookie(a, NONE, learnt, sizeof(learnt));
        ask_send(a, is_tcp != 0);
        assert_true(a->call.is_known);
        option = find_option(a, COOKIE, &n);
        assert_int_equal(n, COOKIE_BYTES);
        assert_memory_equal(option, learnt, n);
    }
    assert_int_equal(a->counts[COUNTER_COOKIES], 2);
    /* From another address, or too late, it proves nothing; the answer is there all the same, and a
     * cookie that is right. */
    a->ip[3] = 2;
    make_with_cookie(a, HOST, learnt, sizeof(learnt));
    ask_send(a, false);
    assert_false(a->call.is_known);
    option = find_option(a, COOKIE, &n);
    assert_memory_equal(option, learnt, 8);
    assert_memory_not_equal(option, learnt, n);
    assert_string_equal(ask_text(a), "NOERROR aa edns | app.dr.example.com. 30 IN A 198.51.100.10");
    a->ip[3] = 1;
    a->now_s += COOKIE_RENEW_S + 1;
    make_with_cookie(a, HOST, learnt, sizeof(learnt));
    ask_send(a, false);
    assert_true(a->call.is_known);
    assert_memory_not_equal(find_option(a, COOKIE, &n), learnt, sizeof(learnt));
    a->now_s += COOKIE_AGE_S;
    make_with_cookie(a, HOST, learnt, sizeof(learnt));
    ask_send(a, false);
    assert_false(a->call.is_known);
    ask_free(a);
}

static void a_cookie_of_impossible_length_is_a_format_error(void **state)
{
    static const uint8_t bytes[64] = { 0 };
    struct ask *a = new_ask_with_cookies();
    size_t n = 0;

    (void)state;
    for (size_t len = 0; len < sizeof(bytes); len++) {
        bool is_good = len == 8 || (len >= 16 && len <= 40);

        make_with_cookie(a, HOST, bytes, len);
        ask_send(a, false);
        assert_int_equal(a->out[3] & 15, is_good ? 0 : 1);
        assert_int_equal(find_option(a, COOKIE, &n) != NULL, is_good);
    }
    /* The first one counts. */
    make_with_cookie(a, HOST, bytes, 8);
    add_option(a, a->query_len - 12, COOKIE, bytes, 3);
    ask_send(a, false);
    assert_int_equal(a->out[3] & 15, 0);
    /* Who does not speak cookies passes them over. */
    a->cookies = NULL;
    make_with_cookie(a, HOST, bytes, 3);
    ask_send(a, false);
    assert_string_equal(ask_text(a), "NOERROR aa edns | app.dr.example.com. 30 IN A 198.51.100.10");
    ask_free(a);
}

static void a_query_without_a_question_is_answered_with_a_cookie(void **state)
{
    struct ask *a = new_ask_with_cookies();
    size_t n = 0;

    (void)state;
    for (int has_cookie = 0; has_cookie < 2; has_cookie++) {
        memset(a->query, 0, 12);
        a->query_len = 12;
        ask_add_opt(a, 1232, 0, false);
        add_option(a, a->query_len, has_cookie != 0 ? COOKIE : NSID, "12345678", 8);
        ask_send(a, false);
        assert_int_equal(a->out[3] & 15, has_cookie != 0 ? 0 : 1);
        assert_int_equal(find_option(a, COOKIE, &n) != NULL, has_cookie);
        assert_memory_equal(a->out + 4, "\0\0\0\0\0\0\0\1", 8);
    }
    ask_free(a);
}

static void past_the_limit_a_client_is_told_to_show_its_cookie(void **state)
{
    struct ask *a = new_ask_with_cookies();
    uint8_t learnt[COOKIE_BYTES];
    size_t n = 0;

    (void)state;
    make_with_cookie(a, NONE, "12345678", 8);
    ask_send(a, false);
    memcpy(learnt, find_option(a, COOKIE, &n), sizeof(learnt));
    a->out_len = answer_slip(&a->call, a->out, a->out_len);
    a->call.opt_at = a->call.question_end;
    assert_memory_equal(find_option(a, COOKIE, &n), learnt, sizeof(learnt));
    assert_int_equal(a->out[2], 0x80); /* neither AA nor TC */
    assert_int_equal((a->out[a->call.opt_at + 5] << 4) | (a->out[3] & 15), 23);
    /* Of one that is known nothing more can be learnt. */
    make_with_cookie(a, NONE, learnt, sizeof(learnt));
    ask_send(a, false);
    a->out_len = answer_slip(&a->call, a->out, a->out_len);
    assert_string_equal(ask_text(a), "NXDOMAIN aa tc edns");
    /* Of a newer EDNS nothing is known: no cookie is in the answer, and none is asked for. */
    ask_make(a, HOST, A);
    ask_add_opt(a, 1232, 1, false);
    add_option(a, a->query_len, COOKIE, "12345678", 8);
    ask_send(a, false);
    assert_false(a->call.has_cookie);
    ask_free(a);
}

static uint64_t kind(struct ask *a, const char *name, unsigned type)
{
    ask_make(a, name, type);
    assert_true(ask_send(a, false) > 0);
    return a->call.kind;
}

static void answers_of_one_kind_are_known_as_such(void **state)
{
    static const struct {
        const char *a;
        unsigned a_type;
        const char *b;
        unsigned b_type;
        bool is_one;
    } cases[] = {
        { HOST, A, "APP.dr.example.com", A, true },
        { HOST, A, "other.dr.example.com", A, false },
        { HOST, A, HOST, TXT, false },
        { HOST, TXT, HOST, 15, true }, /* all that a name lacks */
        { HOST, TXT, "other.dr.example.com", TXT, false },
        { NONE, A, "x.y.none.dr.example.com", TXT, true },
        { NONE, A, "gone.dr.example.com", A, true },
        { NONE, A, "none.other.test", A, false },
        { "a.wild.dr.example.com", A, "b.c.wild.dr.example.com", A, true },
        { "a.wild.dr.example.com", A, "a.wild.dr.example.com", TXT, false },
        { "a.wild.dr.example.com", 15, "b.wild.dr.example.com", 15, true },
        { "a.sub.dr.example.com", A, "b.sub.dr.example.com", TXT, true },
        { "a.old.dr.example.com", A, "b.old.dr.example.com", A, true },
        { "alias.dr.example.com", A, HOST, A, false },
        { "example.org", A, "new.dr.example.com", A, true },
        { "example.org", A, NONE, A, false },
        { "dr.example.com", 254, HOST, 253, true },
    };
    struct ask *a = new_ask("none");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t first = kind(a, cases[i].a, cases[i].a_type);

        assert_int_equal(first == kind(a, cases[i].b, cases[i].b_type), cases[i].is_one);
    }
    ask_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_for_the_servers_name_is_told),
        cmocka_unit_test(a_server_may_keep_its_name),
        cmocka_unit_test(options_count_into_the_length),
        cmocka_unit_test(the_life_of_an_idle_connection_is_told_over_tcp_alone),
        cmocka_unit_test(client_subnets_are_neither_used_nor_echoed),
        cmocka_unit_test(a_refusal_says_why),
        cmocka_unit_test(a_truncated_answer_keeps_question_and_options),
        cmocka_unit_test(a_client_learns_a_cookie_and_is_known_by_it),
        cmocka_unit_test(a_cookie_of_impossible_length_is_a_format_error),
        cmocka_unit_test(a_query_without_a_question_is_answered_with_a_cookie),
        cmocka_unit_test(past_the_limit_a_client_is_told_to_show_its_cookie),
        cmocka_unit_test(answers_of_one_kind_are_known_as_such),
    };

    return cmocka_run_group_tests_name("answer_edns", tests, NULL, NULL);
}
