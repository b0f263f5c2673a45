#include <assert.h>

#include "dnsflip/dns/answer_request.h"

#define OPTION_HEAD_BYTES 4 /* code and length */
#define OPTION_NSID 3
#define OPTION_KEEPALIVE 11
#define OPTION_EDE 15
#define KEEPALIVE_BYTES 2
#define EDE_BYTES 2

static_assert(DNS_HEADER_BYTES + VIEW_NAME_BYTES + 4 + DNS_OPT_BYTES + OPTION_HEAD_BYTES +
                      NSID_BYTES - 1 + OPTION_HEAD_BYTES + EDE_BYTES <=
                  DNS_PLAIN_BYTES,
              "an error with all options fits into the smallest answer");

static const struct view_face *face_of(const struct answer_request *r)
{
    return view_at(r->view, r->view->header.face);
}

bool answer_read_options(struct answer_request *r, const uint8_t *p, size_t n)
{
    size_t at = 0;

    while (at + OPTION_HEAD_BYTES <= n) {
        unsigned code = answer_get16(p + at);

        if (code == OPTION_NSID && face_of(r)->nsid_len > 0)
            r->wants |= ANSWER_WANT_NSID;
        if (code == OPTION_KEEPALIVE && r->is_tcp)
            r->wants |= ANSWER_WANT_KEEPALIVE;
        at += OPTION_HEAD_BYTES + answer_get16(p + at + 2);
    }
    return at == n;
}

size_t answer_options_room(const struct answer_request *r)
{
    size_t room = 0;

    if ((r->wants & ANSWER_WANT_NSID) != 0)
        room += OPTION_HEAD_BYTES + face_of(r)->nsid_len;
    if ((r->wants & ANSWER_WANT_KEEPALIVE) != 0)
        room += OPTION_HEAD_BYTES + KEEPALIVE_BYTES;
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
    uint8_t *p = start;

    if ((r->wants & ANSWER_WANT_NSID) != 0) {
        const struct view_face *face = face_of(r);

        p = put_option(p, OPTION_NSID, face->nsid_len);
        memcpy(p, face->nsid, face->nsid_len);
        p += face->nsid_len;
    }
    if ((r->wants & ANSWER_WANT_KEEPALIVE) != 0) {
        p = put_option(p, OPTION_KEEPALIVE, KEEPALIVE_BYTES);
        answer_put16(p, r->call->keepalive_100ms);
        p += KEEPALIVE_BYTES;
    }
    if (reply->ede != DNS_EDE_NONE) {
        p = put_option(p, OPTION_EDE, EDE_BYTES);
        answer_put16(p, reply->ede);
        p += EDE_BYTES;
    }
    return (size_t)(p - start);
}
