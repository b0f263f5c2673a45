/* tests/fuzz/fuzz_credentials.c -- any bytes as what a source of credentials answers.
 *
 *   'm' metadata, 'p' a process, 's' STS, else an error of STS | the answer */
#include <assert.h>
#include <string.h>

#include "dnsflip/io/aws_document.h"
#include "tests/fuzz/fuzz.h"

static void check(int rc, struct aws_keys *keys, const struct err *err, bool expires)
{
    if (rc == 0) {
        assert(keys->access_key_id[0] != '\0' && keys->secret_key != NULL);
        assert(strpbrk(keys->access_key_id, " ,/\r\n") == NULL);
        assert(secret_reveal(keys->secret_key)[0] != '\0');
        assert(!expires || keys->session_token != NULL);
        if (keys->session_token != NULL)
            assert(strpbrk(secret_reveal(keys->session_token), "\r\n ") == NULL);
    } else {
        assert(keys->secret_key == NULL && keys->session_token == NULL);
        assert(err->text[0] != '\0' && strstr(err->text, "SECRET") == NULL);
    }
    aws_keys_fini(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { .at = data, .n = size };
    struct aws_keys keys;
    struct err err = { .text = "" };
    uint8_t kind = fuzz_byte(&in);
    const char *text = (const char *)in.at;

    if (kind == 'm' || kind == 'p') {
        check(aws_document_json(text, in.n, kind == 'p', &keys, &err), &keys, &err, kind == 'm');
    } else if (kind == 's') {
        check(aws_document_sts(text, in.n, &keys, &err), &keys, &err, true);
    } else {
        char code[AWS_STS_CODE_BYTES];
        aws_document_code(text, in.n, code);
        assert(strlen(code) < sizeof(code) && strpbrk(code, " <>\r\n") == NULL);
    }
    return 0;
}
