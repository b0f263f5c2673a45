/* tests/unit/test_answer_hostile.c -- queries made to hurt: changed at random, as deep as names go,
 * with records that point in circles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsflip/base/mem.h"
#include "tests/support/ask.h"
#include "tests/support/site.h"

#define A 1
#define MUTATED_QUERIES 100000

static const char records[] = "*.wild CNAME app\n"
                              "sub NS ns.sub\n"
                              "ns.sub A 192.0.2.8\n"
                              "old DNAME new.old2\n"
                              "new.old2 DNAME dr.example.com.\n";

static struct ask *new_ask(void)
{
    struct settings *s = site_new(records);
    struct ask *a;

    (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "198.51.100.10",
                        "cname=x.wild.dr.example.com");
    a = ask_new(s);
    ask_set_word(a, SITE_PROD, 1, 200);
    settings_free(s);
    return a;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Some bytes changed, sometimes the end cut off. */
static void mutate(struct ask *a, unsigned times, uint64_t *random)
{
    for (unsigned k = 0; k < times && a->query_len > 0; k++) {
        uint64_t r = next_random(random);

        a->query[r % a->query_len] = (uint8_t)(r >> 32);
        if (r >> 60 == 0)
            a->query_len -= (r >> 40) % a->query_len;
    }
}

/* Sent from a buffer of its very size and slack, so that the sanitizers see what is read outside.
 */
static void send_exact(struct ask *a, uint8_t *out)
{
    uint8_t *query = mem_zalloc(a->query_len + ANSWER_SLACK_BYTES);
    size_t n;

    memcpy(query, a->query, a->query_len);
    a->call = (struct answer_call){ .query = query, .len = a->query_len };
    n = answer(a->view, a->page, &a->call, out, a->counts);
    assert_true(n <= ANSWER_UDP_BYTES);
    assert_true(n == 0 || (n >= 12 && memcmp(out, query, 2) == 0 && (out[2] & 0x80) != 0));
    a->out_len = n;
    memcpy(a->out, out, n);
    assert_string_not_equal(ask_text(a), "malformed");
    mem_free(query);
}

static void mutated_queries_are_survived_and_answered_readably(void **state)
{
    static const char *const names[] = {
        "app.dr.example.com",
        "usw2.app.dr.example.com",
        "a.b.none.dr.example.com",
        "www.sub.dr.example.com",
        "x.old.dr.example.com",
        "x.wild.dr.example.com",
        ".",
    };
    struct ask *a = new_ask();
    uint8_t *out = mem_zalloc(ANSWER_UDP_BYTES + ANSWER_SLACK_BYTES);
    uint64_t random = 88172645463325252ULL;

    (void)state;
    for (unsigned i = 0; i < MUTATED_QUERIES; i++) {
        ask_make(a, names[i % (sizeof(names) / sizeof(names[0]))], i % 3 == 0 ? A : i % 260);
        if (i % 2 == 0)
            ask_add_opt(a, i % 5000, 0, false);
        mutate(a, i % 5, &random);
        send_exact(a, out);
    }
    mem_free(out);
    ask_free(a);
}

static void a_name_of_127_labels_is_looked_up(void **state)
{
    const struct {
        struct ask_name name;
        unsigned rcode;
    } cases[] = {
        { ask_name("a.", 119, "dr.example.com"), 3 },
        { ask_name("*.", 119, "dr.example.com"), 3 },
        { ask_name("a.", 127, ""), 5 },
    };
    struct ask *a = new_ask();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_make(a, cases[i].name.text, A);
        ask_send(a, false);
        assert_int_equal(a->out[3], cases[i].rcode);
    }
    ask_free(a);
}

static void records_that_point_in_circles_are_passed_over(void **state)
{
    static const uint8_t circle[] = { 0xc0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0 };
    struct ask *a = new_ask();

    (void)state;
    ask_make(a, "app.dr.example.com", A);
    memcpy(a->query + a->query_len, circle, sizeof(circle));
    a->query[a->query_len + 1] = (uint8_t)a->query_len;
    a->query_len += sizeof(circle);
    a->query[11] = 1;
    ask_send(a, false);
    assert_string_equal(ask_text(a), "NOERROR aa | app.dr.example.com. 30 IN A 198.51.100.10");
    ask_free(a);
}

/* Two words can make a circle that no check of the records can see: 16 steps, then the end. */
static void a_chain_in_a_circle_ends(void **state)
{
    struct ask *a = new_ask();

    (void)state;
    ask_set_word(a, SITE_PROD, 2, 201);
    ask_make(a, "x.wild.dr.example.com", A);
    ask_send(a, true);
    assert_int_equal(a->out[3], 0);
    assert_int_equal(a->out[7], 2); /* each record once */
    ask_send(a, false);
    assert_true(a->out_len <= 512);
    ask_free(a);
}

static void redirects_through_redirects_end(void **state)
{
    struct ask *a = new_ask();

    (void)state;
    assert_string_equal(ask(a, "app.old.dr.example.com", "A"),
                        "NOERROR aa | old.dr.example.com. 3600 IN DNAME new.old2.dr.example.com.; "
                        "app.old.dr.example.com. 3600 IN CNAME app.new.old2.dr.example.com.; "
                        "new.old2.dr.example.com. 3600 IN DNAME dr.example.com.; "
                        "app.new.old2.dr.example.com. 3600 IN CNAME app.dr.example.com.; "
                        "app.dr.example.com. 30 IN A 198.51.100.10");
    ask_make(a, "app.old.old.old.old.old.old.old.old.old.dr.example.com", A);
    ask_send(a, true);
    assert_int_equal(a->out[3], 0);
    assert_int_equal(a->out[7], 2 + 16); /* each DNAME once, and a CNAME for each step */
    ask_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutated_queries_are_survived_and_answered_readably),
        cmocka_unit_test(a_name_of_127_labels_is_looked_up),
        cmocka_unit_test(records_that_point_in_circles_are_passed_over),
        cmocka_unit_test(a_chain_in_a_circle_ends),
        cmocka_unit_test(redirects_through_redirects_end),
    };

    return cmocka_run_group_tests_name("answer_hostile", tests, NULL, NULL);
}
