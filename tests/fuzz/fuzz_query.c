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

    pair_set_words(pair, fuzz_byte(&in));
    (void)question_ask(pair->view, pair->page, in.at, in.n, false, true);
    return 0;
}
