/* tests/support/ask.h -- a view, its page and questions to them, for tests: answers are read by
 * ldns, not by the code that wrote them, and shown as text. */
#ifndef TESTS_SUPPORT_ASK_H
#define TESTS_SUPPORT_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/dns/answer.h"
#include "dnsflip/model/settings.h"

#define ASK_BYTES (ANSWER_TCP_BYTES + ANSWER_SLACK_BYTES)

struct ask {
    const struct view *view;
    struct page *page;
    int view_fd, page_fd;
    uint32_t counts[COUNTERS];
    uint8_t query[ASK_BYTES];
    size_t query_len;
    uint16_t keepalive_100ms;
    uint8_t ip[16]; /* of the client; ip_bytes 0 = not known */
    uint8_t ip_bytes;
    const struct cookie_secrets *cookies;
    uint32_t now_s;
    struct answer_call call; /* of the last one sent */
    uint8_t out[ASK_BYTES];
    size_t out_len;
    char text[8192];
};

/* Renders settings with serial 100; every word of the page is not set.  Fails the test if it
 * cannot. */
struct ask *ask_new(const struct settings *s);
void ask_free(struct ask *a);

void ask_set_word(struct ask *a, uint32_t group, uint8_t index, uint32_t epoch);

/* A name for ask_make: label (with its dot) so many times, then tail. */
struct ask_name {
    char text[512];
};
struct ask_name ask_name(const char *label, unsigned times, const char *tail);

/* Builds a query: header as of a plain question, name as it is written (case too), no EDNS. */
void ask_make(struct ask *a, const char *name, unsigned type);

/* Adds an OPT record with this payload, version and DO bit. */
void ask_add_opt(struct ask *a, unsigned payload, unsigned version, bool is_do);

/* Sends the query as it stands, over UDP or TCP.  Returns out_len. */
size_t ask_send(struct ask *a, bool is_tcp);

/* The answer as "RCODE flags | answer | authority | additional", records as in zone files and
 * separated by "; "; empty sections at the end are left out. */
const char *ask_text(struct ask *a);

/* ask_make, ask_send over UDP, ask_text.  type as text: "A". */
const char *ask(struct ask *a, const char *name, const char *type);

#endif
