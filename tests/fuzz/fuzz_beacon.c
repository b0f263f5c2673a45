/* tests/fuzz/fuzz_beacon.c -- any bytes as what a health checker sends, in pieces of any size: the
 * answer is the same whatever the pieces, a whole HTTP answer, and 200 for the active cluster of a
 * group with a beacon alone.
 *
 *   words of the page (1 byte) | sizes of pieces (8 bytes, again and again) | the request */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/beacon/reply.h"
#include "dnsflip/beacon/request.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pair.h"

#define SIZES 8
#define BEACON_GROUP 1 /* of the pair: "second", usw2 then use1 */

struct reply {
    char text[BEACON_REPLY_BYTES];
    size_t n;
    enum counter counter;
};

/* From a buffer of its very size, so that the sanitizers see what is read outside. */
static void ask(const struct pair *pair, const uint8_t *bytes, size_t n, struct reply *out)
{
    char *exact = mem_array(n + (n == 0), 1);

    memcpy(exact, bytes, n);
    out->n = beacon_reply(pair->view, pair->page, exact, n, out->text, &out->counter);
    mem_free(exact);
}

/* As a connection reads it: until there is an answer, the buffer is full or no more comes. */
static void ask_in_pieces(const struct pair *pair, struct fuzz_input in,
                          const uint8_t sizes[static SIZES], struct reply *out)
{
    size_t n = 0;

    out->n = 0;
    for (size_t i = 0; out->n == 0 && n < in.n && n < BEACON_REQUEST_BYTES; i++) {
        n += 1U + (size_t)sizes[i % SIZES];
        n = n < in.n ? n : in.n;
        n = n < BEACON_REQUEST_BYTES ? n : BEACON_REQUEST_BYTES;
        ask(pair, in.at, n, out);
    }
    assert(out->n != 0 || n < BEACON_REQUEST_BYTES);
}

static void check(const struct pair *pair, const struct reply *r, bool is_head)
{
    struct page_word word = page_get(pair->page, BEACON_GROUP);
    const char *body = strstr(r->text, "\r\n\r\n");
    const char *length = strstr(r->text, "Content-Length: ");

    assert(r->n == strlen(r->text) && str_starts(r->text, "HTTP/1.1 "));
    assert(body != NULL && length != NULL && length < body);
    body += strlen("\r\n\r\n");
    assert(strlen(body) == (is_head ? 0 : strtoul(length + strlen("Content-Length: "), NULL, 10)));
    assert(str_starts(r->text, "HTTP/1.1 200 ") == (r->counter == COUNTER_BEACON_ACTIVE));
    if (r->counter != COUNTER_BEACON_ACTIVE || is_head)
        return;
    assert(word.index == 1 || word.index == 2);
    assert(str_starts(body, word.index == 1 ? "dnsflip group=second cluster=usw2 state=active "
                                            : "dnsflip group=second cluster=use1 state=active "));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pair *pair = pair_get();
    struct fuzz_input in = { .at = data, .n = size };
    struct reply whole, pieces;
    uint8_t sizes[SIZES];

    pair_set_words(pair, fuzz_byte(&in));
    for (size_t i = 0; i < SIZES; i++)
        sizes[i] = fuzz_byte(&in);
    ask(pair, in.at, in.n, &whole);
    ask_in_pieces(pair, in, sizes, &pieces);
    assert(whole.n == pieces.n && memcmp(whole.text, pieces.text, whole.n) == 0);
    if (whole.n > 0)
        check(pair, &whole,
              in.n >= 5 && memcmp(in.at, "HEAD ", 5) == 0 &&
                  whole.counter != COUNTER_BEACON_REFUSED);
    return 0;
}
