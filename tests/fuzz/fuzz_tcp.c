/* tests/fuzz/fuzz_tcp.c -- any bytes as what a client sends over TCP, in pieces of any size: the
 * same queries are found whatever the pieces, and each is answered readably.
 *
 *   words of the page (1 byte) | sizes of pieces (8 bytes, again and again) | the stream */
#include <assert.h>
#include <string.h>

#include "dnsflip/dns/server_frame.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pair.h"
#include "tests/fuzz/question.h"

#define SIZES 8
#define IN_BYTES (SERVER_FRAME_PREFIX_BYTES + SERVER_FRAME_QUERY_MAX)

struct stream {
    const struct pair *pair;
    uint8_t in[IN_BYTES]; /* as of a connection */
    size_t n;
    size_t queries; /* answered */
    uint64_t bytes; /* of them */
    bool is_cut;
};

/* Answers what is whole in in[0..n) and moves the rest to the front. */
static void answer_whole(struct stream *s)
{
    const struct question q = { .view = s->pair->view,
                                .page = s->pair->page,
                                .secrets = s->pair->secrets,
                                .ip = { 192, 0, 2, 1 },
                                .is_tcp = true,
                                .is_ours = true };
    size_t used = 0;
    size_t len = 0;
    enum server_frame found = server_frame_next(s->in, s->n, &len);

    for (; found == SERVER_FRAME_WHOLE;
         found = server_frame_next(s->in + used, s->n - used, &len)) {
        assert(len <= s->n - used - SERVER_FRAME_PREFIX_BYTES);
        (void)question_ask(&q, s->in + used + SERVER_FRAME_PREFIX_BYTES, len);
        used += SERVER_FRAME_PREFIX_BYTES + len;
        s->queries++;
        s->bytes += len;
    }
    s->is_cut = found == SERVER_FRAME_TOO_LONG;
    s->n -= used;
    memmove(s->in, s->in + used, s->n);
    /* Else a connection would wait for ever with no room to read into. */
    assert(s->is_cut || s->n < IN_BYTES);
}

static void feed(struct stream *s, struct fuzz_input bytes, const uint8_t sizes[static SIZES])
{
    for (size_t i = 0; bytes.n > 0 && !s->is_cut; i++) {
        size_t room = IN_BYTES - s->n;
        size_t size = 1U + (size_t)sizes[i % SIZES] * sizes[i % SIZES];
        struct fuzz_input piece = fuzz_take(&bytes, size < room ? size : room);

        memcpy(s->in + s->n, piece.at, piece.n);
        s->n += piece.n;
        answer_whole(s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t whole[SIZES] = { 255, 255, 255, 255, 255, 255, 255, 255 };
    static struct stream pieces, all;
    struct fuzz_input in = { .at = data, .n = size };
    uint8_t sizes[SIZES];

    pieces = (struct stream){ .pair = pair_get() };
    all = (struct stream){ .pair = pair_get() };
    pair_set_words(pieces.pair, fuzz_byte(&in));
    for (size_t i = 0; i < SIZES; i++)
        sizes[i] = fuzz_byte(&in);
    feed(&pieces, in, sizes);
    feed(&all, in, whole);
    assert(pieces.queries == all.queries && pieces.bytes == all.bytes);
    assert(pieces.is_cut == all.is_cut && (pieces.is_cut || pieces.n == all.n));
    return 0;
}
