#include "tests/fuzz/question.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/dns/answer.h"
#include "dnsflip/dns/signed_query.h"
#include "tests/fuzz/message.h"

#define HEADER_BYTES 12
#define NOW_S 1700000000
#define MESSAGES_MAX 8 /* of one transfer: enough for each kind of record */
#define KEEPALIVE_100MS 100

/* One key, named "key". */
static const struct secrets *secrets(void)
{
    static const struct transfer_key key = { .name = "key",
                                             .algorithm = TRANSFER_HMAC_SHA256,
                                             .len = TRANSFER_KEY_SECRET_MIN };
    static const struct secrets *kept;
    struct err err;

    if (kept == NULL) {
        int fd = secrets_new(1, &key, 1, NULL, &err);

        assert(fd >= 0 && secrets_open(fd, &kept, &err) == 0);
        (void)close(fd);
    }
    return kept;
}

/* What a rate limit makes of an answer is one too. */
static void check_slip(const struct answer_call *call, uint8_t *out, size_t n, bool is_ours)
{
    size_t slipped = answer_slip(call, out, n);

    assert(slipped <= n);
    assert(!is_ours || message_is_whole(out, slipped));
}

static void check(const struct answer_call *call, const uint32_t counts[static COUNTERS],
                  const uint8_t *out, size_t n)
{
    uint32_t outcomes = 0;

    for (int i = COUNTER_NOERROR; i <= COUNTER_SERVFAIL; i++)
        outcomes += counts[i];
    if (n == 0 && call->needs != 0) { /* a transfer begins */
        assert(counts[COUNTER_TCP_QUERIES] == 1 && outcomes == 0);
        return;
    }
    if (n == 0) {
        assert(counts[COUNTER_DROPPED] == 1 && outcomes == 0);
        return;
    }
    assert(n >= HEADER_BYTES && memcmp(out, call->query, 2) == 0 && (out[2] & 0x80) != 0);
    assert(outcomes == 1 && counts[call->is_tcp ? COUNTER_TCP_QUERIES : COUNTER_UDP_QUERIES] == 1);
    assert(call->question_end >= HEADER_BYTES && call->question_end <= call->opt_at &&
           call->opt_at <= n);
}

/* As every client may transfer: the first messages of it, at least, must be readable too. */
static void check_transfer(struct transfer *t, uint8_t *out, bool is_ours)
{
    for (unsigned i = 0; i < MESSAGES_MAX; i++) {
        size_t n = transfer_next(t, out, NOW_S);

        assert(n <= ANSWER_TCP_BYTES);
        assert(!is_ours || n == 0 || message_is_whole(out, n));
        if (n == 0)
            break;
    }
    assert(!is_ours || t->stage != TRANSFER_BROKEN);
}

/* Signed questions and those for a transfer. */
static size_t ask_signed(const struct view *view, const struct page *page, struct answer_call *call,
                         uint8_t *out, uint32_t counts[static COUNTERS], bool is_ours)
{
    static const uint8_t ip[4] = { 127, 0, 0, 1 };
    static struct transfer transfer;
    struct signed_query q = { .view = view,
                              .page = page,
                              .secrets = secrets(),
                              .ip = ip,
                              .ip_bytes = sizeof(ip),
                              .now_s = NOW_S,
                              .transfer = &transfer };
    size_t n = signed_query_answer(&q, call, out, counts);

    if (n == 0)
        check_transfer(&transfer, out, is_ours);
    return n;
}

size_t question_ask(const struct view *view, const struct page *page, const uint8_t *query,
                    size_t len, bool is_tcp, bool is_ours)
{
    static uint8_t *outs[2]; /* by is_tcp; kept */
    size_t limit = is_tcp ? ANSWER_TCP_BYTES : ANSWER_UDP_BYTES;
    uint32_t counts[COUNTERS] = { 0 };
    uint8_t *in = mem_array(len + ANSWER_SLACK_BYTES, 1);
    struct answer_call call = {
        .query = in, .len = len, .is_tcp = is_tcp, .keepalive_100ms = KEEPALIVE_100MS
    };
    uint8_t *out;
    size_t n;

    if (outs[is_tcp] == NULL)
        outs[is_tcp] = mem_array(limit + ANSWER_SLACK_BYTES, 1);
    out = outs[is_tcp];
    memcpy(in, query, len);
    n = answer(view, page, &call, out, counts);
    if (call.needs != 0)
        n = ask_signed(view, page, &call, out, counts, is_ours);
    assert(memcmp(in, query, len) == 0);
    assert(n <= limit);
    check(&call, counts, out, n);
    assert(!is_ours || n == 0 || message_is_whole(out, n));
    if (n > 0 && !is_tcp && call.needs == 0)
        check_slip(&call, out, n, is_ours);
    mem_free(in);
    return n;
}
