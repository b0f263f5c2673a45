/* tests/fuzz/fuzz.h -- what every fuzz target has: the function that libFuzzer (make fuzz) and
 * replay.c (make replay) call, and ways to take choices off an input. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Always 0.  A broken promise ends in an assert or a sanitizer's report. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input. */
struct fuzz_input {
    const uint8_t *at;
    size_t n;
};

/* The next byte; 0 behind the end. */
static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->at++;
}

/* At most max of the next bytes. */
static inline struct fuzz_input fuzz_take(struct fuzz_input *in, size_t max)
{
    struct fuzz_input part = { .at = in->at, .n = in->n < max ? in->n : max };

    in->at += part.n;
    in->n -= part.n;
    return part;
}

#endif
