/* tests/fuzz/fuzz_secondary.c -- any bytes as the answer of a name server that we asked: a
 * secondary, a resolver.
 *
 *   which question (1 byte) | bit 0: put id and question in front (1 byte) | the message */
#include <assert.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/io/dns_wire.h"
#include "tests/fuzz/fuzz.h"

#define ID 0x1234
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *name;
    uint16_t type;
} questions[] = {
    { "dr.example.com", DNS_TYPE_SOA },
    { "app.dr.example.com", DNS_TYPE_A },
    { "app.dr.example.com", DNS_TYPE_AAAA },
    { "c1.dr.example.com", DNS_TYPE_CNAME },
    { "\\000odd\\.label.example.com", DNS_TYPE_A },
    { "", DNS_TYPE_SOA },
};

static void check_answer(const struct dns_answer *answer, enum dns_wire_verdict verdict)
{
    assert(answer->n_ips <= DNS_CLIENT_ANSWERS_MAX);
    for (unsigned i = 0; i < answer->n_ips; i++)
        assert(answer->ips[i].family == 4 || answer->ips[i].family == 6);
    assert(memchr(answer->cname, '\0', sizeof(answer->cname)) != NULL);
    for (const char *p = answer->cname; *p != '\0'; p++)
        assert(*p > ' ' && *p <= '~');
    assert(memchr(answer->detail, '\0', sizeof(answer->detail)) != NULL);
    assert(answer->ttl_s <= INT32_MAX);
    /* What could not be read must not be half believed. */
    if (verdict == DNS_WIRE_MALFORMED)
        assert(answer->status == DNS_ASK_MALFORMED && answer->n_ips == 0 && !answer->has_serial &&
               answer->cname[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { .at = data, .n = size };
    size_t which = fuzz_byte(&in) % LENGTH(questions);
    bool is_ours = (fuzz_byte(&in) & 1) != 0;
    uint8_t question[DNS_WIRE_QUESTION_MAX];
    size_t question_bytes =
        dns_wire_question(questions[which].name, questions[which].type, ID, false, question);
    uint8_t *message = mem_array(in.n, 1);
    struct dns_answer answer;

    assert(question_bytes > 0);
    memcpy(message, in.at, in.n);
    if (is_ours && in.n >= question_bytes) {
        memcpy(message, question, 2);
        message[2] = (uint8_t)((message[2] & 0x07) | 0x80);
        message[4] = 0;
        message[5] = 1;
        memcpy(message + 12, question + 12, question_bytes - 12);
    }
    check_answer(&answer, dns_wire_answer(message, in.n, question, question_bytes, &answer));
    mem_free(message);
    return 0;
}
