/* tests/unit/test_transfer.c -- a transfer is one state of its zone, whatever flips meanwhile, in
 * messages that another implementation reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldns/ldns.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/dns/transfer.h"
#include "tests/support/ask.h"
#include "tests/support/site.h"

#define TEXT_BYTES (64U << 20)
#define LAST_EPOCH 200000
#define MANY_GROUPS 200
#define BURST 512 /* flips between two pauses */
#define LONG_BYTES 29000
#define MANY 3000 /* names, for more than one message */

/* What one transfer gave. */
struct got {
    struct buf text; /* a record a line, in order */
    unsigned messages, records;
    size_t longest; /* message */
};

static void begin(struct transfer *t, const struct ask *a, const char *zone)
{
    static const struct tsig unsigned_query;
    struct ask *q = mem_zalloc(sizeof(*q));
    const struct view_zone *found;

    ask_make(q, zone, 252);
    found = transfer_zone(a->view, q->query + 12, q->query_len - 16);
    assert_non_null(found);
    assert_true(
        transfer_begin(t, a->view, a->page, found, &unsigned_query, q->query, q->query_len));
    mem_free(q);
}

static bool read_message(struct transfer *t, struct got *got)
{
    uint8_t *out = mem_zalloc(ANSWER_TCP_BYTES + ANSWER_SLACK_BYTES);
    size_t n = transfer_next(t, out, 0);
    ldns_pkt *packet = NULL;

    if (n > 0) {
        assert_int_equal(ldns_wire2pkt(&packet, out, n), LDNS_STATUS_OK);
        const ldns_rr_list *list = ldns_pkt_answer(packet);
        for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
            char *text = ldns_rr2str(ldns_rr_list_rr(list, i));

            buf_puts(&got->text, text);
            free(text);
            got->records++;
        }
        got->messages++;
        got->longest = n > got->longest ? n : got->longest;
        ldns_pkt_free(packet);
    }
    mem_free(out);
    return n > 0;
}

static void got_init(struct got *got)
{
    *got = (struct got){ .messages = 0 };
    buf_init(&got->text, TEXT_BYTES);
}

static struct ask *new_ask(struct settings *s)
{
    struct ask *a = ask_new(s);

    settings_free(s);
    return a;
}

static struct settings *two_groups(const char *records)
{
    struct settings *s = site_new(records);
    unsigned second = site_add_group(s, "second");

    (void)site_add_host(s, SITE_PROD, "app.dr.example.com", "198.51.100.10", "203.0.113.10");
    (void)site_add_host(s, second, "other.dr.example.com", "198.51.100.20", "203.0.113.20");
    return s;
}

static bool has(const struct got *got, const char *line)
{
    return strstr(buf_text(&got->text), line) != NULL;
}

static void a_flip_during_a_transfer_is_not_in_it(void **state)
{
    struct ask *a = new_ask(two_groups(NULL));
    struct transfer *t = mem_zalloc(sizeof(*t));
    struct got got;

    (void)state;
    got_init(&got);
    ask_set_word(a, 0, 1, 500);
    ask_set_word(a, 1, 1, 501);
    begin(t, a, "dr.example.com");
    ask_set_word(a, 0, 2, 502);
    while (read_message(t, &got))
        ask_set_word(a, 1, 0, 503);
    assert_int_equal(t->stage, TRANSFER_DONE);
    assert_true(has(&got, "app.dr.example.com.\t30\tIN\tA\t198.51.100.10\n"));
    assert_true(has(&got, "other.dr.example.com.\t30\tIN\tA\t198.51.100.20\n"));
    assert_false(has(&got, "\napp.dr.example.com.\t30\tIN\tA\t203.0.113.10\n"));
    assert_true(has(&got, " 501 30 10 "));
    assert_false(has(&got, " 502 30 10 "));
    buf_fini(&got.text);
    mem_free(t);
    ask_free(a);
}

static void a_group_that_is_not_adopted_is_left_out(void **state)
{
    struct ask *a = new_ask(two_groups("app 60 TXT beside\n"));
    struct transfer *t = mem_zalloc(sizeof(*t));
    struct got got;

    (void)state;
    got_init(&got);
    ask_set_word(a, 1, 2, 501);
    begin(t, a, "dr.example.com");
    while (read_message(t, &got))
        continue;
    assert_false(has(&got, "\napp.dr.example.com.\t30\tIN\tA"));
    assert_true(has(&got, "app.dr.example.com.\t60\tIN\tTXT\t\"beside\"\n"));
    assert_true(has(&got, "other.dr.example.com.\t30\tIN\tA"));
    buf_fini(&got.text);
    mem_free(t);
    ask_free(a);
}

static void many_names_make_many_messages_of_one_zone(void **state)
{
    struct transfer *t = mem_zalloc(sizeof(*t));
    struct buf records;
    struct got got;

    (void)state;
    got_init(&got);
    buf_init(&records, TEXT_BYTES);
    for (unsigned i = 0; i < MANY; i++)
        buf_printf(&records, "n%u.below.some.name 60 MX 10 n%u\n", i, (i + 1) % MANY);
    struct ask *a = new_ask(two_groups(buf_text(&records)));
    ask_set_word(a, 0, 1, 500);
    ask_set_word(a, 1, 1, 501);
    begin(t, a, "dr.example.com");
    while (read_message(t, &got))
        continue;
    assert_int_equal(t->stage, TRANSFER_DONE);
    assert_true(got.messages > 3 && got.longest <= TRANSFER_MESSAGE_BYTES);
    for (unsigned i = 0; i < MANY; i++) {
        char line[256];

        (void)str_format(
            line, sizeof(line),
            "\nn%u.below.some.name.dr.example.com.\t60\tIN\tMX\t10 n%u.dr.example.com.\n", i,
            (i + 1) % MANY);
        assert_true(has(&got, line));
    }
    buf_fini(&records);
    buf_fini(&got.text);
    mem_free(t);
    ask_free(a);
}

static void a_record_longer_than_a_message_has_one_of_its_own(void **state)
{
    struct transfer *t = mem_zalloc(sizeof(*t));
    struct buf records;
    struct got got;

    (void)state;
    got_init(&got);
    buf_init(&records, TEXT_BYTES);
    for (unsigned k = 0; k < 2; k++) {
        buf_printf(&records, "long%u 60 TYPE65300 \\# %d ", k, LONG_BYTES);
        for (unsigned i = 0; i < LONG_BYTES; i++)
            buf_puts(&records, k == 0 ? "ab" : "cd");
        buf_puts(&records, "\n");
    }
    buf_puts(&records, "behind 60 A 192.0.2.1\n");
    struct ask *a = new_ask(two_groups(buf_text(&records)));
    begin(t, a, "dr.example.com");
    while (read_message(t, &got))
        continue;
    assert_int_equal(t->stage, TRANSFER_DONE);
    assert_true(got.longest > LONG_BYTES && got.longest < LONG_BYTES + 300);
    assert_true(has(&got, "\nbehind.dr.example.com.\t60\tIN\tA\t192.0.2.1\n"));
    assert_true(has(&got, "\nlong1.dr.example.com.\t60\tIN\tTYPE65300\t\\# 29000 cdcd"));
    buf_fini(&records);
    buf_fini(&got.text);
    mem_free(t);
    ask_free(a);
}

/* Flips all groups in turn, each with the next epoch: at every moment their epochs are so many that
 * follow each other. */
struct flipper {
    struct ask *a;
    _Atomic bool is_to_stop;
};

static void *flip(void *arg)
{
    const struct timespec pause = { .tv_nsec = 100000 };
    struct flipper *f = arg;

    for (uint32_t epoch = 1000; !atomic_load(&f->is_to_stop); epoch++) {
        ask_set_word(f->a, epoch % MANY_GROUPS, (uint8_t)(1 + epoch / MANY_GROUPS % 2), epoch);
        if (epoch % BURST == 0)
            (void)nanosleep(&pause, NULL); /* a page that never rests cannot be copied */
    }
    return NULL;
}

static struct settings *many_groups(void)
{
    struct settings *s = site_new(NULL);

    for (unsigned i = 0; i < MANY_GROUPS; i++) {
        char name[64];

        (void)str_format(name, sizeof(name), "g%u", i);
        unsigned group = i == 0 ? SITE_PROD : site_add_group(s, name);
        (void)str_format(name, sizeof(name), "g%u.dr.example.com", i);
        (void)site_add_host(s, group, name, "198.51.100.10", "203.0.113.10");
    }
    return s;
}

static void words_are_those_of_one_moment(void **state)
{
    static const struct tsig unsigned_query;
    struct transfer *t = mem_zalloc(sizeof(*t));
    struct flipper f = { .a = new_ask(many_groups()) };
    pthread_t thread;
    uint32_t seen = 0;

    (void)state;
    for (uint32_t i = 0; i < MANY_GROUPS; i++)
        ask_set_word(f.a, (1000 - MANY_GROUPS + i) % MANY_GROUPS, 1, 1000 - MANY_GROUPS + i);
    ask_make(f.a, "dr.example.com", 252);
    const struct view_zone *zone = transfer_zone(f.a->view, f.a->query + 12, f.a->query_len - 16);
    assert_int_equal(zone->n_groups, MANY_GROUPS);
    assert_int_equal(pthread_create(&thread, NULL, flip, &f), 0);
    while (seen < LAST_EPOCH) {
        uint32_t newest = 0;
        uint32_t oldest = UINT32_MAX;

        if (!transfer_begin(t, f.a->view, f.a->page, zone, &unsigned_query, f.a->query,
                            f.a->query_len))
            continue;
        for (uint32_t g = 0; g < MANY_GROUPS; g++) {
            uint32_t epoch = page_word_unpack(t->words[g]).epoch;

            newest = epoch > newest ? epoch : newest;
            oldest = epoch < oldest ? epoch : oldest;
        }
        assert_int_equal(newest - oldest, MANY_GROUPS - 1);
        assert_int_equal(t->serial, newest);
        seen = newest;
    }
    atomic_store(&f.is_to_stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    mem_free(t);
    ask_free(f.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flip_during_a_transfer_is_not_in_it),
        cmocka_unit_test(a_group_that_is_not_adopted_is_left_out),
        cmocka_unit_test(many_names_make_many_messages_of_one_zone),
        cmocka_unit_test(a_record_longer_than_a_message_has_one_of_its_own),
        cmocka_unit_test(words_are_those_of_one_moment),
    };

    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
