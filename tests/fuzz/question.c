#include "tests/fuzz/question.h"

#include <assert.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/dns/answer.h"
#include "dnsflip/dns/signed_query.h"
#include "tests/fuzz/message.h"

#define HEADER_BYTES 12
#define KEEPALIVE_100MS 100
#define MESSAGES_MAX 100000 /* of a transfer: it comes to an end */

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
    if (n == 0) {
        assert(counts[COUNTER_DROPPED] == 1 && outcomes == 0);
        return;
    }
    assert(n >= HEADER_BYTES && memcmp(out, call->query, 2) == 0 && (out[2] & 0x80) != 0);
    assert(outcomes == 1 && counts[call->is_tcp ? COUNTER_TCP_QUERIES : COUNTER_UDP_QUERIES] == 1);
    assert(call->question_end >= HEADER_BYTES && call->question_end <= call->opt_at &&
           call->opt_at <= n);
}

/* Every message of a transfer.  A zone of ours is transferred whole. */
static void take_transfer(struct transfer *t, const struct question *q, uint8_t *out)
{
    unsigned messages = 0;
    size_t n;

    while ((n = transfer_next(t, out, QUESTION_NOW_S)) > 0) {
        assert(n <= ANSWER_TCP_BYTES && messages++ < MESSAGES_MAX);
        assert(!q->is_ours || message_is_whole(out, n));
    }
    assert(t->stage == TRANSFER_DONE || (t->stage == TRANSFER_BROKEN && !q->is_ours));
}

/* A second look at a query that answer() did not answer alone.  True: its answer is a transfer. */
static bool ask_again(const struct question *q, struct answer_call *call, uint8_t *out, size_t *n,
                      uint32_t counts[static COUNTERS])
{
    static struct transfer transfer;
    const struct signed_query again = { .view = q->view,
                                        .page = q->page,
                                        .secrets = q->secrets,
                                        .ip = q->ip,
                                        .ip_bytes = sizeof(q->ip),
                                        .now_s = QUESTION_NOW_S,
                                        .transfer = q->is_tcp ? &transfer : NULL };

    transfer.stage = TRANSFER_DONE;
    *n = signed_query_answer(&again, call, out, counts);
    if (*n > 0 || transfer.stage == TRANSFER_DONE)
        return false;
    take_transfer(&transfer, q, out);
    return true;
}

size_t question_ask(const struct question *q, const uint8_t *query, size_t len)
{
    static uint8_t *outs[2]; /* by is_tcp; kept */
    size_t limit = q->is_tcp ? ANSWER_TCP_BYTES : ANSWER_UDP_BYTES;
    uint32_t counts[COUNTERS] = { 0 };
    uint8_t *in = mem_array(len + ANSWER_SLACK_BYTES, 1);
    struct answer_call call = {
        .query = in,
        .len = len,
        .is_tcp = q->is_tcp,
        .keepalive_100ms = KEEPALIVE_100MS,
        .ip = q->ip,
        .ip_bytes = sizeof(q->ip),
        .cookies = secrets_cookies(q->secrets),
        .now_s = (uint32_t)QUESTION_NOW_S,
    };
    bool is_transfer = false;
    uint8_t *out;
    size_t n;

    if (outs[q->is_tcp] == NULL)
        outs[q->is_tcp] = mem_array(limit + ANSWER_SLACK_BYTES, 1);
    out = outs[q->is_tcp];
    memcpy(in, query, len);
    n = answer(q->view, q->page, &call, out, counts);
    if (call.needs != 0) {
        assert(n == 0);
        is_transfer = ask_again(q, &call, out, &n, counts);
    }
    assert(memcmp(in, query, len) == 0);
    if (!is_transfer) {
        assert(n <= limit);
        check(&call, counts, out, n);
        assert(!q->is_ours || n == 0 || message_is_whole(out, n));
        if (n > 0 && !q->is_tcp && call.needs == 0)
            check_slip(&call, out, n, q->is_ours);
    }
    mem_free(in);
    return is_transfer ? 1 : n;
}
