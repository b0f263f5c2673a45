#include <assert.h>

#include "dnsflip/dns/answer_request.h"

#define OPTION_HEAD_BYTES 4 /* code and length */
#define OPTION_NSID 3
#define OPTION_COOKIE 10
#define OPTION_KEEPALIVE 11
#define OPTION_EDE 15
#define KEEPALIVE_BYTES 2
#define EDE_BYTES 2

static_assert(DNS_HEADER_BYTES + VIEW_NAME_BYTES + 4 + DNS_OPT_BYTES + OPTION_HEAD_BYTES +
                      NSID_BYTES - 1 + OPTION_HEAD_BYTES + COOKIE_BYTES + OPTION_HEAD_BYTES +
                      EDE_BYTES <=
                  DNS_PLAIN_BYTES,
              "an error with all options fits into the smallest answer");

static const struct view_face *face_of(const struct answer_request *r)
{
    return view_at(r->view, r->view->header.face);
}

/* The first cookie counts (RFC 7873 5.2).  False if none is so long. */
static bool read_cookie(struct answer_request *r, const uint8_t *p, size_t n)
{
    struct answer_call *call = r->call;

    if (call->cookies == NULL || call->ip_bytes == 0 || call->has_cookie)
        return true;
    if (!cookie_is_length(n)) {
        r->has_opt = true; /* it is not the record that is malformed */
        return false;
    }
    r->wants |= ANSWER_WANT_COOKIE;
    r->cookie = p;
    call->has_cookie = true;
    switch (cookie_check(call->cookies, p, n, call->ip, call->ip_bytes, call->now_s)) {
    case COOKIE_UNKNOWN:
        break;
    case COOKIE_RIGHT:
        r->wants |= ANSWER_KEEPS_COOKIE;
        call->is_known = true;
        break;
    case COOKIE_RIGHT_TO_RENEW:
        call->is_known = true;
        break;
    }
    r->counts[COUNTER_COOKIES] += call->is_known && call->needs == 0;
    return true;
}

bool answer_read_options(struct answer_request *r, const uint8_t *p, size_t n)
{
    size_t at = 0;

    while (at + OPTION_HEAD_BYTES <= n) {
        unsigned code = answer_get16(p + at);
        size_t len = answer_get16(p + at + 2);

        if (at + OPTION_HEAD_BYTES + len > n)
            return false;

        if (code == OPTION_NSID && face_of(r)->nsid_len > 0)
            r->wants |= ANSWER_WANT_NSID;
        if (code == OPTION_KEEPALIVE && r->is_tcp)
            r->wants |= ANSWER_WANT_KEEPALIVE;
        if (code == OPTION_COOKIE && !read_cookie(r, p + at + OPTION_HEAD_BYTES, len))
            return false;
        at += OPTION_HEAD_BYTES + len;
    }
    return at == n;
}

bool answer_read_cookie_alone(struct answer_request *r)
{
    const uint8_t *counts = r->query + 4;
    const uint8_t *opt = r->query + DNS_HEADER_BYTES + 1; /* behind its owner */
    size_t at = DNS_HEADER_BYTES + DNS_OPT_BYTES;

    if (r->len < at || memcmp(counts, "\0\0\0\0\0\0\0\1", 8) != 0 || opt[-1] != 0 ||
        answer_get16(opt) != DNS_TYPE_OPT || opt[5] != 0 || answer_get16(opt + 8) != r->len - at ||
        !answer_read_options(r, r->query + at, r->len - at))
        return false;
    r->has_opt = true;
    return (r->wants & ANSWER_WANT_COOKIE) != 0;
}

size_t answer_options_room(const struct answer_request *r)
{
    size_t room = 0;

    if ((r->wants & ANSWER_WANT_NSID) != 0)
        room += OPTION_HEAD_BYTES + face_of(r)->nsid_len;
    if ((r->wants & ANSWER_WANT_KEEPALIVE) != 0)
        room += OPTION_HEAD_BYTES + KEEPALIVE_BYTES;
    if ((r->wants & ANSWER_WANT_COOKIE) != 0)
        room += OPTION_HEAD_BYTES + COOKIE_BYTES;
    return room;
}

static uint8_t *put_option(uint8_t *p, unsigned code, size_t n)
{
    answer_put16(p, code);
    answer_put16(p + 2, (unsigned)n);
    return p + OPTION_HEAD_BYTES;
}

size_t answer_put_options(const struct answer_request *r, const struct answer_reply *reply,
                          uint8_t *start)
{
    const struct answer_call *call = r->call;
    uint8_t *p = start;

    if ((r->wants & ANSWER_WANT_NSID) != 0) {
        const struct view_face *face = face_of(r);

        p = put_option(p, OPTION_NSID, face->nsid_len);
        memcpy(p, face->nsid, face->nsid_len);
        p += face->nsid_len;
    }
    if ((r->wants & ANSWER_WANT_COOKIE) != 0) {
        p = put_option(p, OPTION_COOKIE, COOKIE_BYTES);
        if ((r->wants & ANSWER_KEEPS_COOKIE) != 0)
            memcpy(p, r->cookie, COOKIE_BYTES);
        else
            cookie_make(call->cookies, r->cookie, call->ip, call->ip_bytes, call->now_s, p);
        p += COOKIE_BYTES;
    }
    if ((r->wants & ANSWER_WANT_KEEPALIVE) != 0) {
        p = put_option(p, OPTION_KEEPALIVE, KEEPALIVE_BYTES);
        answer_put16(p, call->keepalive_100ms);
        p += KEEPALIVE_BYTES;
    }
    if (reply->ede != DNS_EDE_NONE) {
        p = put_option(p, OPTION_EDE, EDE_BYTES);
        answer_put16(p, reply->ede);
        p += EDE_BYTES;
    }
    return (size_t)(p - start);
}
