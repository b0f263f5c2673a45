/* tests/fuzz/fuzz_transfer.c -- queries that are signed or want a transfer, and memory files with
 * keys as a hostile judge may hand them to the face.
 *
 *   bits: 0 TCP, 1 signed by us, 2 with the second key, 3 from an address that may not, 4 the code
 *   is changed, 5 the time is wrong, 6 the keys are patched (1 byte) | words of the page (1 byte) |
 *   patches of the keys: place, value (2 + 1 bytes), up to 8 | the query */
#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/fsio.h"
#include "dnsflip/dns/secrets.h"
#include "dnsflip/dns/tsig.h"
#include "dnsflip/dns/view_format.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pair.h"
#include "tests/fuzz/question.h"

#define PATCHES 8
#define QUERY_BYTES_MAX 4096
#define OLD_S 100000

/* The pair's keys with some bytes changed, its checksum right; NULL if it is refused. */
static const struct secrets *patched(struct fuzz_input *in)
{
    static struct secrets file;
    const struct secrets *opened = NULL;
    uint64_t h = VIEW_HASH_START;
    struct err err;
    int fd;

    file = *pair_get()->secrets;
    for (int i = 0; i < PATCHES; i++) {
        size_t low = fuzz_byte(in);
        size_t at = (low | (size_t)fuzz_byte(in) << 8) % sizeof(file);
        uint8_t value = fuzz_byte(in);

        if (value != 0)
            memcpy((uint8_t *)&file + at, &value, 1);
    }
    for (size_t i = offsetof(struct secrets, format); i < sizeof(file); i += sizeof(uint64_t))
        h = view_hash_word(h, view_word((const uint8_t *)&file + i));
    file.checksum = h;
    fd = fsio_memfd("fuzz-secrets", 0, &err);
    assert(fd >= 0 && fsio_write_all(fd, &file, sizeof(file), &err) == 0);
    assert(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0);
    if (secrets_open(fd, &opened, &err) != 0)
        opened = NULL;
    (void)close(fd);
    return opened;
}

/* Signs the query, perhaps not quite right.  Returns its new length. */
static size_t sign(uint8_t *query, size_t len, uint8_t choice)
{
    struct secrets_key key;
    struct tsig t = { .key = &key };
    uint64_t now_s = (choice & 0x20) != 0 ? QUESTION_NOW_S - OLD_S : QUESTION_NOW_S;

    assert(secrets_key_make(&pair_keys[(choice & 4) != 0], &key));
    len = tsig_sign(&t, query, len, now_s);
    if ((choice & 0x10) != 0)
        query[len - 8] ^= 1;
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t query[QUERY_BYTES_MAX + TSIG_BYTES_MAX];
    const struct pair *pair = pair_get();
    struct fuzz_input in = { .at = data, .n = size };
    uint8_t choice = fuzz_byte(&in);
    struct question q = { .view = pair->view,
                          .page = pair->page,
                          .ip = { 192, 0, 2, 1 },
                          .is_tcp = (choice & 1) != 0,
                          .is_ours = true };
    size_t len;

    pair_set_words(pair, fuzz_byte(&in));
    if ((choice & 8) != 0)
        q.ip[0] = 10;
    q.secrets = (choice & 0x40) != 0 ? patched(&in) : pair->secrets;
    in = fuzz_take(&in, QUERY_BYTES_MAX);
    len = in.n;
    memcpy(query, in.at, len);
    if ((choice & 2) != 0 && len >= 12)
        len = sign(query, len, choice);
    (void)question_ask(&q, query, len);
    if ((choice & 0x40) != 0)
        secrets_close(q.secrets);
    return 0;
}
