#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/render/render.h"
#include "tests/support/ask.h"

#define SERIAL 100
#define GENERATION 3

struct ask *ask_new(const struct settings *s)
{
    struct ask *a = mem_zalloc(sizeof(*a));
    struct err err = { .text = "" };

    a->view_fd = render_view(s, GENERATION, SERIAL, &err);
    assert_string_equal(err.text, "");
    assert_true(a->view_fd >= 0);
    if (view_open(a->view_fd, &a->view, &err) < 0)
        fail_msg("%s", err.text);
    a->page_fd = page_new((uint32_t)s->n_groups, GENERATION, &a->page, &err);
    assert_true(a->page_fd >= 0);
    assert_int_equal(answer_check_pair(a->view, a->page, &err), 0);
    return a;
}

void ask_free(struct ask *a)
{
    view_close(a->view);
    page_unmap(a->page);
    close(a->view_fd);
    close(a->page_fd);
    mem_free(a);
}

void ask_set_word(struct ask *a, uint32_t group, uint8_t index, uint32_t epoch)
{
    page_set(a->page, group, (struct page_word){ .index = index, .epoch = epoch });
}

struct ask_name ask_name(const char *label, unsigned times, const char *tail)
{
    struct ask_name name;
    size_t n = strlen(label);

    assert_true(n * times + strlen(tail) < sizeof(name.text));
    for (unsigned i = 0; i < times; i++)
        memcpy(name.text + i * n, label, n);
    memcpy(name.text + times * n, tail, strlen(tail) + 1);
    return name;
}

void ask_make(struct ask *a, const char *name, unsigned type)
{
    uint8_t *q = a->query;
    size_t at = 12;

    memset(q, 0, sizeof(a->query));
    q[0] = 0x12;
    q[1] = 0x34;
    q[5] = 1;
    while (*name != '\0' && strcmp(name, ".") != 0) {
        size_t n = strcspn(name, ".");

        q[at++] = (uint8_t)n;
        memcpy(q + at, name, n);
        at += n;
        name += n + (name[n] == '.' ? 1 : 0);
    }
    q[at + 1] = (uint8_t)(type >> 8);
    q[at + 2] = (uint8_t)type;
    q[at + 4] = 1;
    a->query_len = at + 5;
}

void ask_add_opt(struct ask *a, unsigned payload, unsigned version, bool is_do)
{
    uint8_t *p = a->query + a->query_len;

    memset(p, 0, 11);
    p[2] = 41;
    p[3] = (uint8_t)(payload >> 8);
    p[4] = (uint8_t)payload;
    p[6] = (uint8_t)version;
    p[7] = is_do ? 0x80 : 0;
    a->query_len += 11;
    a->query[11]++;
}

size_t ask_send(struct ask *a, bool is_tcp)
{
    memset(a->out, 0xee, sizeof(a->out));
    a->call = (struct answer_call){ .query = a->query,
                                    .len = a->query_len,
                                    .is_tcp = is_tcp,
                                    .keepalive_100ms = a->keepalive_100ms,
                                    .ip = a->ip,
                                    .ip_bytes = a->ip_bytes,
                                    .cookies = a->cookies,
                                    .now_s = a->now_s };
    a->out_len = answer(a->view, a->page, &a->call, a->out, a->counts);
    return a->out_len;
}

static size_t add_section(char *out, size_t cap, const ldns_rr_list *list)
{
    size_t at = 0;

    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        char *text = ldns_rr2str(ldns_rr_list_rr(list, i));

        for (char *p = text; *p != '\0'; p++) {
            if (*p == '\t')
                *p = ' ';
        }
        text[strcspn(text, "\n")] = '\0';
        at += (size_t)snprintf(out + at, cap - at, "%s%s", i == 0 ? " " : "; ", text);
        assert_true(at < cap);
        free(text);
    }
    return at;
}

const char *ask_text(struct ask *a)
{
    static const struct {
        bool (*is_set)(const ldns_pkt *);
        const char *name;
    } flags[] = { { ldns_pkt_aa, " aa" },     { ldns_pkt_tc, " tc" },     { ldns_pkt_rd, " rd" },
                  { ldns_pkt_ra, " ra" },     { ldns_pkt_ad, " ad" },     { ldns_pkt_cd, " cd" },
                  { ldns_pkt_edns, " edns" }, { ldns_pkt_edns_do, " do" } };
    ldns_pkt *pkt = NULL;
    char *rcode;
    size_t at, end;

    if (a->out_len == 0)
        return "nothing";
    if (ldns_wire2pkt(&pkt, a->out, a->out_len) != LDNS_STATUS_OK)
        return "malformed";
    rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(pkt));
    at = (size_t)snprintf(a->text, sizeof(a->text), "%s", rcode);
    free(rcode);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (flags[i].is_set(pkt))
            at += (size_t)snprintf(a->text + at, sizeof(a->text) - at, "%s", flags[i].name);
    }
    end = at;
    for (int section = 0; section < 3; section++) {
        ldns_rr_list *list = section == 0   ? ldns_pkt_answer(pkt)
                             : section == 1 ? ldns_pkt_authority(pkt)
                                            : ldns_pkt_additional(pkt);

        at += (size_t)snprintf(a->text + at, sizeof(a->text) - at, " |");
        at += add_section(a->text + at, sizeof(a->text) - at, list);
        if (ldns_rr_list_rr_count(list) > 0)
            end = at;
    }
    a->text[end] = '\0';
    ldns_pkt_free(pkt);
    return a->text;
}

const char *ask(struct ask *a, const char *name, const char *type)
{
    ask_make(a, name, ldns_get_rr_type_by_name(type));
    (void)ask_send(a, false);
    return ask_text(a);
}
