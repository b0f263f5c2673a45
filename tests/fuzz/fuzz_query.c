/* tests/fuzz/fuzz_query.c -- any bytes as a DNS query over UDP: answered readably, or dropped.
 *
 *   words of the page (1 byte) | query */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pair.h"
#include "tests/fuzz/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pair *pair = pair_get();
    struct fuzz_input in = { .at = data, .n = size };
    struct question q = { .view = pair->view,
                          .page = pair->page,
                          .secrets = pair->secrets,
                          .ip = { 192, 0, 2, 1 },
                          .is_ours = true };

    pair_set_words(pair, fuzz_byte(&in));
    (void)question_ask(&q, in.at, in.n);
    return 0;
}
